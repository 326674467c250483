import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { expectTypeOf } from "vitest"
import * as Extraction from "../../src/extract/Extraction.ts"
import * as Page from "../../src/extract/Page.ts"

const Product = Extraction.make({
  name: "h1",
  price: Extraction.field(".price", Schema.FiniteFromString),
  tags: ".tag[]",
  image: Extraction.optional("img@src"),
  sizes: Extraction.field(".size[]", Schema.Array(Schema.FiniteFromString)),
  offers: Extraction.each(".offer", {
    seller: "b",
    stock: Extraction.optional(Extraction.field("@data-stock", Schema.FiniteFromString))
  })
})

const html = `<h1>Lamp</h1><i class=price>12.50</i><i class=tag>red</i><i class=tag>new</i><i class=size>1</i>
<div class=offer data-stock=3><b>A</b></div><div class=offer><b>B</b></div>`
const pageOf = (html: string, url = "https://h.example/p") => Result.getOrThrow(Page.fromText(html, { url }))
const failure = (extraction: Extraction.Extraction<unknown>, html: string) =>
  Result.getOrThrow(Result.flip(Extraction.records(extraction, pageOf(html))))

describe("an extraction", () => {
  it("gives typed records", () => {
    const [product] = Result.getOrThrow(Extraction.records(Product, pageOf(html)))
    assert.deepStrictEqual(product, {
      name: "Lamp",
      price: 12.5,
      tags: ["red", "new"],
      image: null,
      sizes: [1],
      offers: [
        { seller: "A", stock: 3 },
        { seller: "B", stock: null }
      ]
    })
    expectTypeOf<Extraction.RecordOf<typeof Product>>().toEqualTypeOf<{
      readonly name: string
      readonly price: number
      readonly tags: ReadonlyArray<string>
      readonly image: string | null
      readonly sizes: ReadonlyArray<number>
      readonly offers: ReadonlyArray<{ readonly seller: string; readonly stock: number | null }>
    }>()
  })
  it.each<readonly [string, () => unknown, string]>([
    ["a field that is none", () => Extraction.make({ a: undefined as never }), '"a": expected a selector, or what'],
    ["fields within a field", () => Extraction.make({ a: { b: "p" } as never }), '"a": expected a selector, or what'],
    ["an optional that is none", () => Extraction.optional(3 as never), '"optional": expected a selector, or what'],
    [
      "an optional with a schema",
      () => Extraction.optional("p", Schema.FiniteFromString as never),
      '"optional": a schema belongs in optional(field(selector, schema))'
    ],
    ["fields without names", () => Extraction.each("li", "p" as never), '"li": expected fields by their names'],
    ["no fields", () => Extraction.make(undefined as never), '"make": expected fields by their names'],
    ["no schema", () => Extraction.field("p", undefined as never), '"p": expected a schema'],
    ["a number", () => Extraction.field("p", Schema.Finite as never), '"p": expected a schema that reads a text'],
    [
      "a number or null",
      () => Extraction.field("p", Schema.NullOr(Schema.Number) as never),
      '"p": expected a schema that reads a text'
    ],
    [
      "a list",
      () => Extraction.field("p", Schema.Array(Schema.String) as never),
      '"p": expected a schema that reads a'
    ],
    ["no list", () => Extraction.field("p[]", Schema.String as never), '"p[]": expected a schema that reads a list'],
    [
      "a number for a selector",
      () => Extraction.field(5 as never, Schema.String as never),
      'no selector: "5": it is no text'
    ],
    ["a number for what has records", () => Extraction.each(5 as never, {}), 'no selector: "5": it is no text'],
    ["null for pages", () => Extraction.make({ a: "p" }, { pages: null as never }), '"pages": expected a regular'],
    ["a text of pages", () => Extraction.make({ a: "p" }, { pages: "/p/" as never }), '"pages": expected a regular']
  ])("refuses %s in a definition", (_name, define, message) => {
    assert.throws(define, message)
  })
  it("takes schemas that may read a text", () => {
    for (const schema of [Schema.Unknown, Schema.Literals(["a"]), Schema.Union([Schema.Finite, Schema.String])])
      assert.doesNotThrow(() => Extraction.field("p", schema as Schema.Codec<unknown, string>))
  })
  it("refuses a schema of another copy of effect, and one that has it within", () => {
    // the same in all but its classes
    const foreign: typeof Schema.String = Object.create(Schema.String, { ast: { value: { ...Schema.String.ast } } })
    const within: ReadonlyArray<Schema.Codec<unknown, string>> = [
      foreign,
      Schema.Union([Schema.Finite, foreign]) as Schema.Codec<unknown, string>,
      Schema.decodeTo(Schema.String)(foreign),
      Schema.TemplateLiteral(["a", foreign]),
      Schema.OptionFromNullOr(foreign) as Schema.Codec<unknown, string>,
      Schema.fromJsonString(Schema.Struct({ a: Schema.Array(foreign) })),
      Schema.fromJsonString(Schema.Tuple([foreign])),
      Schema.fromJsonString(Schema.Record(foreign, Schema.String)),
      Schema.fromJsonString(Schema.Record(Schema.String, foreign))
    ]
    for (const schema of within)
      assert.throws(() => Extraction.field("h1", schema), 'the schema of "h1" is of another copy of effect')
  })
  it("tells page, field, selector and what was found, of every field", () => {
    const error = failure(Product, "<i class=price>call us</i><i class=size>1</i><i class=size>x</i>")
    assert.strictEqual(error.page, "https://h.example/p")
    assert.deepStrictEqual(
      error.errors.map(({ message }) => message),
      [
        "name (h1): nothing matches",
        'price (.price): expected a finite number, found "call us"',
        'sizes (.size[]): expected a finite number at [1], found ["1","x"]'
      ]
    )
    assert.strictEqual(error.message, "name (h1): nothing matches (and 2 more)")
  })
  it("names fields of fields by their path, and lets no optional hide what is wrong", () => {
    const error = failure(Product, `${html}<div class=offer data-stock=many></div>`)
    assert.deepStrictEqual(
      error.errors.map(({ field, selector, found }) => ({ field, selector, found })),
      [
        { field: "offers.seller", selector: "b", found: null },
        { field: "offers.stock", selector: "@data-stock", found: "many" }
      ]
    )
  })
  it("does not take an optional list's own lack for a lack within it", () => {
    const Nested = Extraction.make({ offers: Extraction.optional(Extraction.each(".offer", { seller: "b" })) })
    assert.deepStrictEqual(
      failure(Nested, "<i class=offer>").errors.map(({ field }) => field),
      ["offers.seller"]
    )
  })
  it("gives a record for each element that matches", () => {
    const Rows = Extraction.make({ id: "@id", word: "b" }, { each: "li" })
    const list = pageOf("<b>no</b><ul><li id=1><b>x</b><li id=2><b>y</b></ul>")
    assert.deepStrictEqual(Result.getOrThrow(Extraction.records(Rows, list)), [
      { id: "1", word: "x" },
      { id: "2", word: "y" }
    ])
    assert.strictEqual(failure(Rows, "<p>").message, "each (li): nothing matches")
  })
  it("is for the pages that it says", () => {
    const Some = Extraction.make({ name: "h1" }, { pages: /\/p\/\d+/g })
    const covered = ["https://h.example/p/1", "https://h.example/p/2", "https://h.example/q"].map((url) =>
      Some.covers({ url })
    )
    assert.deepStrictEqual(covered, [true, true, false])
    assert.isTrue(Some.covers({ path: "x/p/3.html" }))
  })
  it("knows what its fields are in a table", () => {
    const kinds = Extraction.make({
      a: "p",
      b: "p[]",
      c: Extraction.field("p", Schema.FiniteFromString),
      d: Extraction.optional(Extraction.field("p", Schema.FiniteFromString)),
      e: Extraction.field("p", Schema.Literals(["x", "y"])),
      f: Extraction.field("p", Schema.DateFromString),
      g: Extraction.each("p", {})
    })
    assert.deepStrictEqual(
      Object.values(kinds.fields).map(({ kind }) => kind),
      ["text", "json", "number", "number", "text", "json", "json"]
    )
  })
  it("keeps a field of any name", () => {
    const odd = Extraction.make({ ["__proto__"]: "h1" })
    const [record] = Result.getOrThrow(Extraction.records(odd, pageOf(html)))
    assert.strictEqual(JSON.stringify(record), '{"__proto__":"Lamp"}')
  })
  it("is refused as a program's mistake when a selector is none", () => {
    assert.throws(() => Extraction.make({ a: "a[" }), /no selector: "a\["/)
  })
  it("is known from other values", () => {
    assert.deepStrictEqual([Product, {}, null, "x"].map(Extraction.isExtraction), [true, false, false, false])
  })
})
