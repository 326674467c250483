/** The program as it is published, one bundled file: built by the package's own script, but without pnpm, which need not be on the PATH. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Workplace } from "./Workplace.ts"

const folder = join(dirname(import.meta.dirname), "apps", "cli")

/** Where the build script writes. */
export const published: string = join(folder, "dist", "simul.js")

const run = ({ environment }: Workplace, flags: string): void => {
  const { scripts } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { scripts: { build: string } }
  execFileSync("sh", ["-c", `${scripts.build} ${flags}`], {
    cwd: folder,
    env: { ...environment, PATH: `${join(folder, "node_modules", ".bin")}:${environment["PATH"]}` },
    stdio: ["ignore", "ignore", "inherit"]
  })
}

/** Builds the published file. Throws when the bundler does. */
export const build = (workplace: Workplace): void => run(workplace, "")

/** Builds a readable one with a source map at `path`, for a profile. The published one stays as it is. */
export const buildReadable = (workplace: Workplace, path: string): void =>
  run(workplace, `--no-minify --sourcemap --file ${path}`)
