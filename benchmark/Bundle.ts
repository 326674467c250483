/**
 * The program as it is published, bundled: built by the package's own script, but without pnpm, which need not be on
 * the PATH.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Workplace } from "./Workplace.ts"

const folder = join(dirname(import.meta.dirname), "apps", "cli")

/** Where the build script writes. */
export const published: string = join(folder, "dist", "simul.js")

const run = ({ environment }: Workplace, script: string): void => {
  execFileSync("sh", ["-c", script], {
    cwd: folder,
    env: { ...environment, PATH: `${join(folder, "node_modules", ".bin")}:${environment["PATH"]}` },
    stdio: ["ignore", "ignore", "inherit"]
  })
}

/** Builds what is published. Throws when the bundler does. */
export const build = (workplace: Workplace): void => {
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { scripts: { build: string } }
  run(workplace, scripts.build)
}

/** Builds the same program with all of it as code, readable, with a source map, at `path`: for a profile. */
export const buildReadable = (workplace: Workplace, path: string): void =>
  run(
    workplace,
    `rolldown src/main.ts --platform node --format esm --no-code-splitting --sourcemap --file ${path} --transform.define SIMUL_VERSION:'"profiled"'`
  )
