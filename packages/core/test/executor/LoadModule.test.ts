/** How a task's module is looked for; bundles and compiled programs themselves are run by `test/packed`. */
import { assert, describe, it } from "@effect/vitest"
import { inlineScheme, loadModule } from "../../src/executor/LoadModule.ts"

/** Imports from a map, with Node's error where there is nothing. */
const importing = (modules: Readonly<Record<string, unknown>>) => {
  const asked: Array<string> = []
  const importModule = async (url: string) => {
    asked.push(url)
    const found = modules[url]
    if (found === undefined) throw missing(url)
    if (found instanceof Error) throw found
    return { found }
  }
  return { asked, importModule }
}
const missing = (url: string | undefined) =>
  Object.assign(new Error(`no ${url}`), { code: "ERR_MODULE_NOT_FOUND", ...(url !== undefined && { url }) })

describe("a module of tasks", () => {
  it.each([
    [["a.ts", "a.js"], ["a.ts"], "a.ts"],
    [["a.js", "a.mjs"], ["a.ts", "a.js"], "a.js"],
    [["a.mjs"], ["a.ts", "a.js", "a.mjs"], "a.mjs"]
  ])("is the first of its names: of %j %j are asked for", async (there, asks, found) => {
    const { asked, importModule } = importing(Object.fromEntries(there.map((name) => [name, name])))
    assert.deepStrictEqual(await loadModule("a.ts", importModule), { found })
    assert.deepStrictEqual(asked, asks)
  })

  it("that is missing is missing by the name that was given", async () => {
    for (const url of ["a.ts", "a.js", "a"]) {
      const { asked, importModule } = importing({})
      const error = await loadModule(url, importModule).catch((error: unknown) => error)
      assert.strictEqual((error as Error).message, `no ${url}`)
      assert.strictEqual(asked.length, url === "a.ts" ? 3 : 1)
    }
  })

  it("that lacks a module itself, or throws, is not looked for elsewhere", async () => {
    for (const failure of [missing(undefined), missing("b.js"), new RangeError("as it loads")])
      for (const [at, asks] of [
        ["a.ts", 1],
        ["a.js", 2],
        ["a.mjs", 3]
      ] as const) {
        const { asked, importModule } = importing({ [at]: failure })
        assert.strictEqual(await loadModule("a.ts", importModule).catch((error: unknown) => error), failure)
        assert.strictEqual(asked.length, asks)
      }
  })

  it("of an inline function is its URL, which is given `import`", async () => {
    const { asked, importModule } = importing({ x: 1 })
    const { f } = await loadModule(`${inlineScheme}(load) => ({ f: () => load("x") })`, importModule)
    assert.deepStrictEqual(await (f as () => unknown)(), { found: 1 })
    assert.deepStrictEqual(asked, ["x"])
  })
})
