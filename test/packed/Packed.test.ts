/** The tarballs: imported and run on the oldest supported Node and on the pinned one, and judged as packages. */
import { spawnSync } from "node:child_process"
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import { pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { inject } from "vitest"
import { nodes, packages, read, root, run, tarball } from "./Installation.ts"

const folder = inject("folder")
const [[, oldest]] = nodes(folder) as readonly [readonly [string, string | undefined]]
const file = (path: string) => JSON.stringify(pathToFileURL(join(folder, path)))
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

describe.each(nodes(folder))("on %s", (_, node) => {
  it.skipIf(node === undefined)("imports every public entry", async () => {
    const program = `
      for (const entry of ${JSON.stringify(entries)}) {
        const names = Object.keys(await import(entry))
        console.log(entry, names.length)
      }`
    const printed = await run(folder, node!, ["--input-type=module", "--eval", program])
    assert.deepStrictEqual(
      printed
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[0]),
      entries
    )
  })

  it.skipIf(node === undefined)("starts workers from less than 10 KiB, that run tasks", async () => {
    const program = `
      import { Pool, Task } from "@simul/core/node/Pool"
      const { sqrt, fails } = Task.module("data:text/javascript," + encodeURIComponent(
        "export const sqrt = Math.sqrt; export const fails = () => { throw new RangeError('no') }"))
      for (const kind of ["threads", "processes"]) {
        const pool = await Pool[kind]({ maximum: 2 })
        const error = await pool.run(fails, []).catch((error) => error)
        const frames = error.stack.match(/at \\S+ (?=\\()/g).join("")
        console.log(kind, await pool.run(sqrt, [49]), await pool.map([1, 4, 9], sqrt).toArray(), String(error), frames)
        await pool.shutdown()
      }
      const { threadSource } = await import(${file("node_modules/@simul/core/dist/node/ThreadProgram.js")})
      const { processSource } = await import(${file("node_modules/@simul/core/dist/node/ProcessProgram.js")})
      console.log(JSON.stringify([threadSource, processSource].map((source) => Buffer.byteLength(source))))`
    const lines = (await run(folder, node!, ["--input-type=module", "--eval", program])).trim().split("\n")
    const [threads, processes, sizes] = lines
    // the frames below the task's own keep their names, though not their lines
    assert.match(threads!, /^threads 7 \[ 1, 2, 3 \] RangeError: no at Context\.fails at invoke /)
    assert.match(processes!, /^processes 7 \[ 1, 2, 3 \] RangeError: no at Context\.fails at invoke /)
    for (const size of JSON.parse(sizes!) as ReadonlyArray<number>) assert.isBelow(size, 10 * 1024)
  })

  it.skipIf(node === undefined)("runs the command", async () => {
    const simul = join(folder, "node_modules/.bin/simul")
    const printed = await run(folder, node!, [simul, "--version"])
    assert.include(printed, packages.at(-1)!.manifest.version)
    assert.include(await run(folder, node!, [simul, "--help"]), "simul get")
  })

  it.skipIf(node === undefined)("reads a crawl's settings from the environment", async () => {
    const crawl = [join(folder, "node_modules/.bin/simul"), "crawl", "http://127.0.0.1:1/"]
    const refused = await run(folder, node!, crawl, { SIMUL_DEPTH: "deep" }).catch(String)
    assert.include(refused, "SIMUL_DEPTH")
  })

  it.skipIf(node === undefined)("takes what V8 compiled in the run before, and need not keep it again", async () => {
    const simul = join(folder, "node_modules/.bin/simul")
    const TMPDIR = mkdtempSync(join(folder, "kept-"))
    const kept = () =>
      globSync("**/*.part", { cwd: TMPDIR }).map((path) => [path, statSync(join(TMPDIR, path)).mtimeMs] as const)
    await run(folder, node!, [simul, "--help"], { TMPDIR })
    const first = kept()
    assert.isNotEmpty(first)
    await run(folder, node!, [simul, "--help"], { TMPDIR })
    assert.deepStrictEqual(kept(), first)
  })

  it.skipIf(node === undefined)("extracts by a schema that imports effect's where nothing is installed", async () => {
    const bare = mkdtempSync(join(tmpdir(), "simul-bare-"))
    try {
      writeFileSync(join(bare, "page.html"), "<p>12.50</p>")
      writeFileSync(
        join(bare, "price.ts"),
        `import { Extraction } from "@simul/scraper/extract"
         import * as Schema from "effect/Schema"
         const price: Extraction.Field<number> = Extraction.field("p", Schema.FiniteFromString)
         export default Extraction.make({ price })`
      )
      const simul = join(folder, "node_modules/.bin/simul")
      assert.include(await run(bare, node!, [simul, "extract", "--schema", "price.ts", "page.html"]), '"price":12.5}')
    } finally {
      rmSync(bare, { recursive: true })
    }
  })

  it.skipIf(node === undefined)("extracts by a schema that is given effect's", async () => {
    const simul = join(folder, "node_modules/.bin/simul")
    const [page, schema] = [join(folder, "page.html"), join(folder, "price.schema.mjs")]
    writeFileSync(page, "<p>12.50</p>")
    writeFileSync(
      schema,
      'export default ({ make, field, Schema }) => make({ price: field("p", Schema.FiniteFromString) })'
    )
    assert.include(await run(folder, node!, [simul, "extract", "--schema", schema, page]), '"price":12.5}')
  })

  it.skipIf(node === undefined)("crawls a domain by a page in Shift_JIS that a list has saved", async () => {
    const page = Buffer.from('<a href="/?\x93\xfa">', "latin1")
    const server = createServer((_, response) => {
      response.setHeader("Content-Type", "text/html; charset=shift_jis").end(page)
    })
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening))
    try {
      const simul = join(folder, "node_modules/.bin/simul")
      const seed = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      const asked = [seed, "-o", mkdtempSync(join(folder, "site-")), "--delay", "0", "--json"]
      assert.include(await run(folder, node!, [simul, "get", ...asked]), `"${seed}"`)
      const crawl = [simul, "crawl", "--no-robots", "--scope", "domain", ...asked]
      assert.include(await run(folder, node!, crawl), `"${seed}?%93%FA"`)
    } finally {
      server.close()
    }
  })
})

it("has types that tsc writes into a user's declarations by names which can be imported", async () => {
  const user = mkdtempSync(join(folder, "user-"))
  try {
    const found = join(user, "found.ts")
    writeFileSync(
      found,
      `import * as Deadline from "@simul/core/Deadline"
       import { Simulation } from "@simul/core/simulation"
       import * as Effect from "effect/Effect"
       export const found = Effect.flip(Simulation.explore(Effect.void))
       export const scheduled = Effect.map(found, ({ schedule, trace }) => [schedule, trace] as const)
       export const within = Deadline.within`
    )
    // knows no more than the values of the other one
    const again = join(user, "again.ts")
    writeFileSync(again, `import * as all from "./found.js"\nexport const again = [all.found, all.scheduled] as const`)
    const tsc = join(root, "node_modules/.bin/tsc")
    const flags = ["--strict", "--module", "nodenext", "--target", "es2024", "--skipLibCheck", "--types", ""]
    await run(user, tsc, [...flags, "--declaration", "--emitDeclarationOnly", found, again])
    const written = ["found.d.ts", "again.d.ts"].map((file) => readFileSync(join(user, file), "utf8")).join("")
    const named = [...new Set(written.match(/(?<=import\(")@simul[^"]+/g))]
    assert.include(named, "@simul/core/simulation/Failure")
    await run(user, process.execPath, [
      "--input-type=module",
      "--eval",
      `await Promise.all(${JSON.stringify(named)}.map((name) => import(name)))`
    ])
  } finally {
    rmSync(user, { recursive: true })
  }
})

it.skipIf(oldest === undefined)("says what it needs on a Node that is too old", async () => {
  const older = `Object.defineProperty(process, "version", { value: "v20.20.2" })
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })`
  const simul = join(folder, "node_modules/@simul/cli/dist/simul.js")
  const { status, stderr } = spawnSync(
    oldest!,
    ["--import", `data:text/javascript,${encodeURIComponent(older)}`, simul],
    {
      encoding: "utf8"
    }
  )
  const needed = (await run(folder, oldest!, ["--version"])).replace(/^v|\.\d+\s*$/g, "")
  assert.strictEqual(
    stderr,
    `error: simul needs Node ${needed} or newer, and this is v20.20.2
hint: install a newer Node (https://nodejs.org), or put it first in PATH
`
  )
  assert.strictEqual(status, 1)
})

it("carries the licences of what the command bundles", () => {
  const { name } = packages.at(-1)!.manifest
  const path = join(folder, "node_modules", name, "dist/THIRD-PARTY-LICENSES.txt")
  const lines = readFileSync(path, "utf8").split("\n")
  const { dependencies, peerDependencies } = read(root, "packages/scraper/package.json")
  const bundled = Object.keys({ ...dependencies, ...peerDependencies }).filter((name) => !name.startsWith("@simul/"))
  assert.deepStrictEqual(
    bundled.filter((name) => !lines.some((line) => line.startsWith(`${name} `))),
    []
  )
})

it.skipIf(oldest === undefined)("tries the oldest Node in the version that the packages promise", async () => {
  const version = await run(folder, oldest!, ["--version"])
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
      assert.include(await run(root, "publint", ["run", join(folder, tarball(folder, name)), "--strict"]), "All good")
    })

    it.skipIf(manifest.exports === undefined)("has types that resolve, by attw", async () => {
      const own = entries.filter((entry) => entry === name || entry.startsWith(`${name}/`))
      const entrypoints = own.map((entry) => `.${entry.slice(name.length)}`)
      const options = ["--profile", "esm-only", "--format", "ascii", "--entrypoints", ...entrypoints]
      const printed = await run(root, "attw", [join(folder, tarball(folder, name)), ...options])
      assert.strictEqual(printed.match(/node16 \(from ESM\): 🟢/g)?.length, own.length, printed)
    })
  }
)
