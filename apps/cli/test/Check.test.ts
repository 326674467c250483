import { assert, describe, it } from "@effect/vitest"
import { join } from "node:path"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"
import * as Program from "./Program.ts"

const { folder, put } = Folder.make("check")
put("good/a.html", "<h1>Lamp</h1><p class=price>12</p><i class=offer><b>A</b></i>")
put("good/b.html", "<h1>Chair</h1><p class=price>3</p><img src=x.png>")
put("rotten/c.html", "<h2>Table</h2><p class=price>call us</p><i class=offer></i>")
put("binary/d.html", Uint8Array.of(0))
put("empty/a.css", "")
put(
  "product.mjs",
  `export default ({ make, field, optional, each, Schema }) => make({ name: "h1", price: field(".price", Schema.FiniteFromString),
    image: optional("img@src"), offers: each(".offer", { seller: "b" }) })`
)
put("rows.mjs", 'export default ({ make }) => make({ word: "b" }, { each: ".offer" })')
const screen = (...args: ReadonlyArray<string>) => InProcess.screen(["check", ...args], folder)

describe("check", () => {
  it("takes a page on standard input", async ({ expect }) => {
    const schema = join(folder, "product.mjs")
    const input = "<h1>Lamp</h1><p class=price>12</p>"
    expect(await Program.screen(["check", schema, "-"], { input })).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
        field   value  missing  failed  selector
        name        1        -       -  h1
        price       1        -       -  .price
        image       -        1       -  img@src
        offers      -        1       -  .offer
      --- stderr
      checked 4 fields on 1 page: all well
      "
    `)
  })
  it("says on how many pages each field gave a value", async ({ expect }) => {
    expect(await screen("product.mjs", "good")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
        field   value  missing  failed  selector
        name        2        -       -  h1
        price       2        -       -  .price
        image       1        1       -  img@src
        offers      1        1       -  .offer
      --- stderr
      checked 4 fields on 2 pages: all well
      "
    `)
  })
  it("ends with 3 when a field fails, and says which, where and how", async ({ expect }) => {
    expect(await screen("product.mjs", "good", "rotten")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
        field   value  missing  failed  selector
        name        2        -       1  h1
        price       2        -       1  .price
        image       1        2       -  img@src
        offers      1        1       1  .offer

      why

        name (h1): nothing matches  rotten/c.html
        price (.price): expected a finite number, found "call us"  rotten/c.html
        offers.seller (b): nothing matches  rotten/c.html
      --- stderr
      error: 3 fields of product.mjs failed

      hint: \`simul shell PAGE\` tries selectors on a page
      "
    `)
  })
  it("fails where no record is on a page", async ({ expect }) => {
    expect(await screen("rows.mjs", "good/b.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
        field  value  missing  failed  selector
        each       -        -       1  .offer
        word       -        -       -  b

      why

        each (.offer): nothing matches  good/b.html
      --- stderr
      error: 1 field of rows.mjs failed

      hint: \`simul shell PAGE\` tries selectors on a page
      "
    `)
  })
  it("fails for pages that cannot be read, and where there are none", async () => {
    assert.include(await screen("product.mjs", "good", "binary"), "error: 1 page cannot be read\n")
    assert.match(
      await screen("product.mjs", "empty"),
      /^exit 3\n--- stdout\n--- stderr\nerror: no page under empty is one/
    )
  })
  it("prints the counts as JSON", async () => {
    const text = await screen("product.mjs", "rotten", "--json")
    const { pages, fields } = JSON.parse(text.split("\n")[2]!)
    assert.strictEqual(pages, 1)
    assert.deepInclude(fields[1], { field: "price", value: 0, missing: 0, failed: 1 })
    assert.deepInclude(fields[1].example, { page: "rotten/c.html", found: "call us" })
  })
})
