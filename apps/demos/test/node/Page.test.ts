import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { scenarios } from "../../src/Chapters.ts"
import * as Page from "../../src/node/Page.ts"

interface Source {
  readonly path: string
  readonly text: string
}

const root = join(import.meta.dirname, "../../../..")

describe("the files of the page", () => {
  it("are the same bytes again", async () => {
    const [first, second] = [await Page.files(false), await Page.files(false)]
    assert.deepStrictEqual([...first.keys()], [...second.keys()])
    const slow = (path: string) => path.startsWith("runs/") && !path.includes("littles-law")
    for (const [path, text] of first) if (!slow(path)) assert.strictEqual(await text(), await second.get(path)!(), path)
  })

  it("have a run and the source of every demo, which is there under its path", async () => {
    const files = await Page.files(false)
    for (const { name } of scenarios) {
      assert.isTrue(files.has(`runs/${name}.js`), name)
      const script = await files.get(`sources/${name}.js`)!()
      const before = `simulData["sources/${name}"]=`
      assert.strictEqual(script.slice(0, before.length), before)
      const { path, text } = JSON.parse(script.slice(before.length)) as Source
      assert.strictEqual(text, readFileSync(join(root, path), "utf8"))
      assert.include(text, `name: "${name}"`)
    }
  })

  it("name each other by relative paths, and know of a server only where there is one", async () => {
    const html = async (isLive: boolean) => (await Page.files(isLive)).get("index.html")!()
    const [hosted, live] = [await html(false), await html(true)]
    for (const [, address] of hosted.matchAll(/(?:href|src)="([^"]*)"/g)) assert.match(address!, /^[a-z]/)
    assert.notInclude(hosted, "data-live")
    assert.include(live, "data-live")
  })
})
