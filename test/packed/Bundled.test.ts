/** What the README tells users of bundlers, on the packed package: the bundles lie in a folder without anything else. */
import { cp, mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as esbuild from "esbuild"
import { rolldown } from "rolldown"
import * as vite from "vite"
import { inject } from "vitest"
import { nodes, root, run } from "./Installation.ts"

const folder = inject("folder")
/** The user's sources, where the packages are installed. */
const sources = join(folder, "bundled")
const printed = ["threads", "processes", "inline"]
  .map((kind) => `${JSON.stringify([kind, 16, 49, 27, [1, 4, 9], 0, 1, 2, "RangeError: wrong", true])}\n`)
  .join("")

const present = nodes(folder).flatMap(([name, node]) => (node === undefined ? [] : [[name, node] as const]))

interface Way {
  readonly minify: boolean
  readonly keepNames: boolean
}
const input = { program: join(sources, "program.ts"), "work.task": join(sources, "work.task.ts") }

const bundlers: Readonly<Record<string, (outDir: string, way: Way) => Promise<unknown>>> = {
  esbuild: (outdir, way) =>
    esbuild.build({
      entryPoints: input,
      outdir,
      bundle: true,
      format: "esm",
      platform: "node",
      target: "node22.19",
      ...way
    }),
  "esbuild with splitting, as .mjs": (outdir, way) =>
    esbuild.build({
      entryPoints: input,
      outdir,
      bundle: true,
      splitting: true,
      outExtension: { ".js": ".mjs" },
      format: "esm",
      platform: "node",
      target: "node22.19",
      ...way
    }),
  rolldown: async (dir, way) => {
    const bundle = await rolldown({ input, platform: "node" })
    await bundle.write({ dir, ...way })
  },
  vite: (outDir, { minify, keepNames }) =>
    vite.build({
      configFile: false,
      root: sources,
      logLevel: "warn",
      ssr: { noExternal: true },
      build: { ssr: true, outDir, emptyOutDir: true, minify, rolldownOptions: { input, output: { keepNames } } }
    })
}

/** What the program prints on each Node, bundled into a folder of its own. */
const printedBy = async (bundle: (out: string) => Promise<unknown>) => {
  const out = await mkdtemp(join(tmpdir(), "simul-bundled-"))
  try {
    await bundle(out)
    const program = (await readdir(out)).find((file) => file.startsWith("program."))!
    const outputs: Array<readonly [node: string, printed: string]> = []
    for (const [name, node] of present) outputs.push([name, await run(out, node, [program])])
    return outputs
  } finally {
    await rm(out, { recursive: true })
  }
}

beforeAll(() => cp(join(import.meta.dirname, "bundled"), sources, { recursive: true }))

describe.each(Object.entries(bundlers))("a program that is bundled by %s", (_, bundle) => {
  it.each([
    { minify: false, keepNames: false },
    { minify: false, keepNames: true },
    { minify: true, keepNames: false },
    { minify: true, keepNames: true }
  ])("finds its tasks, with %j", async (way) => {
    assert.deepStrictEqual(
      await printedBy((out) => bundle(out, way)),
      present.map(([name]) => [name, printed])
    )
  })
})

it("may be CommonJS, which esbuild makes for Node unless told otherwise", async () => {
  const contents = `
    import { inline } from "@simul/core/InlineTask"
    import { Pool } from "@simul/core/node/Pool"
    import { Simulation } from "@simul/core/simulation"
    import { get } from "@simul/scraper/Get"
    import { Site } from "@simul/scraper/testing"
    const run = async () => {
      for (const kind of ["threads", "processes"]) {
        const pool = await Pool[kind]({ maximum: 1 })
        console.log(kind, await pool.run(inline((n) => n ** 3), [3]))
        await pool.shutdown()
      }
      console.log(typeof get, typeof Site.start, typeof Simulation.explore)
    }
    run()`
  const stdin = { contents, resolveDir: sources }
  const printed = await printedBy((outdir) =>
    esbuild.build({ stdin, outfile: join(outdir, "program.cjs"), bundle: true, platform: "node", logLevel: "error" })
  )
  assert.deepStrictEqual(
    printed,
    present.map(([name]) => [name, "threads 27\nprocesses 27\nfunction function function\n"])
  )
})

describe("a program that is not bundled", () => {
  it("is run by tsx", async () => {
    assert.strictEqual(await run(sources, join(root, "node_modules/.bin/tsx"), ["program.ts"]), printed)
  })

  it.each(present)("is run by %s as it is", async (_, node) => {
    assert.strictEqual(await run(sources, node, ["program.ts"]), printed)
  })
})

afterAll(() => rm(sources, { recursive: true }))
