import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet"
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync, symlinkSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import * as FakeScreen from "./FakeScreen.ts"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"
import * as Program from "./Program.ts"

const { folder, put } = Folder.make("extract")
put(
  "pages/lamp.html",
  '<!doctype html><title>Lamp</title><h1>Lamp, "red"</h1><p class=price>12.5</p><i class=tag>a</i><i class=tag>b</i>'
)
put("pages/style.css", "p {}")
put("bad/chair.html", "<!doctype html><h1>Chair\u202e</h1><p class=price>call us</p>")
put("bad/image.html", Uint8Array.of(0x89, 0))
put("empty/a.css", "p {}")
const product = `({ make, field, optional, Schema }) => make({
  name: "h1", price: field(".price", Schema.FiniteFromString), tags: ".tag[]", image: optional("img@src") })`
put("product.mjs", `export default ${product}`)
put(
  "product.mts",
  `import type {} from "node:fs"\nexport default ${product.replace("({ make, field, optional, Schema })", "({ make, field, optional, Schema }: any)")}`
)
put("other.mjs", "export default 3")
put("broken.mjs", 'export default ({ make }) => make({ a: "a[" })')
put("data.json", '{ "a": "p" }')
put("syntax.mts", 'export default ({ make }: any) =>\n  make({ a: "p" b: "i" })')
put("thrown.mjs", 'throw "no"')
put("thrown-later.mjs", "export default () => {\n  throw null\n}")
put("field.mjs", "export default ({ make, Schema }) =>\n  make({ a: Schema.Strng })")
symlinkSync("field.mjs", join(folder, "link.mjs"))
put("stackless.mjs", 'export default () => { throw Object.assign(new Error("no"), { stack: 1 }) }')
const half = join(realpathSync(folder), "half.mjs")
put("half.mjs", 'export default ({ make }) =>\n  make({ a: "p"\n}')
put("imports-half.mjs", 'import "./half.mjs"\nexport default ({ make }) => make({ a: "p" })')
put("numbers.json", '{ "a": 1 }')
put("reads-half.mjs", 'import numbers from "./numbers.json" with { type: "json" }\nawait new Response("{").json()')
put("within.mjs", 'import "./data.json"\nexport default ({ make }) => make({ a: "p" })')
put(
  "foreign.mjs",
  'export default ({ make, field, Schema }) => make({ a: field("p", { ast: { ...Schema.String.ast } }) })'
)
put("list.mjs", 'export default ({ make }) => make({ word: "@class" }, { each: "i", pages: /lamp/ })')

/** The whole screen; words that name a file mean the folder's, which is shown as nothing. */
const screen = (...args: ReadonlyArray<string>) => InProcess.screen(["extract", ...args], folder)
/** What this process has open, where the system tells. */
const openFiles = () => {
  const descriptors = "/proc/self/fd"
  return (existsSync(descriptors) ? readdirSync(descriptors) : []).flatMap((descriptor) => {
    try {
      return readlinkSync(join(descriptors, descriptor))
    } catch {
      // the one that read the folder
      return []
    }
  })
}
const dataOf = (text: string) => text.split("--- stdout\n")[1]!.split("--- stderr")[0]!

describe("extract", () => {
  it.effect("says how far it is while it lasts, unless it is to be quiet", () =>
    Effect.gen(function* () {
      for (let page = 0; page < 200; page++) put(`many/${page}.html`, "<!doctype html><title>Page</title>")
      const told = Effect.fnUntraced(function* (...flags: ReadonlyArray<string>) {
        const fake = FakeScreen.make()
        const args = ["extract", join(folder, "many"), "--metadata", ...flags]
        const running = yield* Effect.forkChild(InProcess.run(args, Layer.empty, fake))
        while (running.pollUnsafe() === undefined) {
          yield* Effect.promise(() => turn())
          yield* TestClock.adjust("10 seconds")
        }
        assert.strictEqual((yield* Fiber.join(running)).status, 0)
        return fake.stderr()
      })
      assert.match(yield* told(), /^(?:\d+ pages? read   \d+ records?\n)+extracted 200 records\n$/)
      assert.strictEqual(yield* told("-q"), "")
    })
  )

  it("prints a line for each page", async ({ expect }) => {
    expect(await screen("pages", "-s", "title=title", "--select", "tags=.tag[]", "-sx=.none")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"path":"pages/lamp.html","title":"Lamp","tags":["a","b"],"x":null}
      --- stderr
      extracted 1 record

      hint: \`x\`: nothing on any page matches \`.none\`
      "
    `)
  })
  it("makes them by a schema that imports what the program has, and says what else is not there", async ({
    expect
  }) => {
    put(
      "imports.mts",
      `import { Extraction } from "@simul/scraper/extract"
       import { field } from "@simul/scraper/extract/Extraction"
       import * as Schema from "effect/Schema"
       import * as SchemaTransformation from "effect/SchemaTransformation"
       const comma = SchemaTransformation.transform({ decode: (text: string) => Number(text.replace(",", ".")), encode: String })
       export default Extraction.make({ price: field(".price", Schema.String.pipe(Schema.decodeTo(Schema.Finite, comma))) })`
    )
    put("imports-more.mjs", 'import * as Option from "effect/Option"')
    const input = "<!doctype html><p class=price>12,5</p>"
    const program = async (schema: string) => {
      const text = await Program.screen(["extract", "-", "--schema", join(folder, schema)], { input })
      return text.replaceAll(`${folder}/`, "")
    }
    expect(await program("imports.mts")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"path":"-","price":12.5}
      --- stderr
      extracted 1 record
      "
    `)
    expect(await program("imports-more.mjs")).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: imports-more.mjs cannot be loaded: Cannot find package 'effect' imported from imports-more.mjs

      hint: without an installation it may import @simul/scraper/extract, effect/Schema, effect/SchemaGetter or effect/SchemaTransformation
      hint: \`npm install @simul/scraper\` and what else it needs beside it
      "
    `)
  })
  it("makes them by a schema beside which lies an effect of its own", async () => {
    put("other/node_modules/effect/package.json", '{ "type": "module", "exports": { "./*": "./*.js" } }')
    put("other/node_modules/effect/Schema.js", "export const FiniteFromString = { ast: { _tag: 'String' } }")
    const imports = 'import { FiniteFromString } from "effect/Schema"\n'
    put(
      "other/made.mjs",
      `${imports}import { Extraction } from "@simul/scraper/extract"
       export default Extraction.make({ price: Extraction.field(".price", FiniteFromString) })`
    )
    put(
      "other/given.mjs",
      `${imports}export default ({ make, field }) => make({ price: field(".price", FiniteFromString) })`
    )
    const input = "<!doctype html><p class=price>12.5</p>"
    for (const schema of ["made.mjs", "given.mjs"])
      assert.strictEqual(
        await Program.screen(["extract", "-", "-q", "--schema", join(folder, "other", schema)], { input }),
        'exit 0\n--- stdout\n{"path":"-","price":12.5}\n--- stderr\n'
      )
  })
  it("makes them by a schema in CommonJS", async () => {
    put(
      "required.cjs",
      `const { Extraction } = require("@simul/scraper/extract")
       const { FiniteFromString } = require("effect/Schema")
       module.exports = Extraction.make({ price: Extraction.field(".price", FiniteFromString) })`
    )
    const input = "<!doctype html><p class=price>12.5</p>"
    assert.strictEqual(
      await Program.screen(["extract", "-", "-q", "--schema", join(folder, "required.cjs")], { input }),
      'exit 0\n--- stdout\n{"path":"-","price":12.5}\n--- stderr\n'
    )
  })
  it.each([
    ["more.cjs", 'require("effect/Option")', "Cannot find module 'effect/Option'"],
    [
      "more.mjs",
      'import { Effect } from "effect"',
      "The requested module 'effect' does not provide an export named 'Effect'"
    ]
  ])("says what %s may import, as it asks for more", async (name, source, message) => {
    put(name, source)
    const text = await Program.screen(["extract", "-", "--schema", join(folder, name)])
    assert.include(text, `cannot be loaded: ${message}\n\nhint: without an installation it may import `)
  })
  it("takes a page on standard input, and its addresses from `--url`", async ({ expect }) => {
    const input = "<!doctype html><h1>Lamp</h1><a href=../next>on</a>"
    const given = ["extract", "-", "-s", "a=a@href"]
    expect(await Program.screen([...given, "--url", "http://shop.example/a/"], { input })).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"url":"http://shop.example/a/","path":"-","a":"http://shop.example/next"}
      --- stderr
      extracted 1 record
      "
    `)
    expect(await Program.screen(given, { input: "" })).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      {"path":"-","error":{"reason":"NoPage","message":"no HTML page"}}
      --- stderr
      error: 1 of 1 page gave no record

        1  no HTML page  -

      hint: each stands in the output with its \`error\`
      "
    `)
    expect(await Program.screen([...given, "--url", "shop.example"], { input })).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: --url: URL without a scheme: "shop.example", try https://shop.example

      hint: for example: \`--url https://example.com/page\`
      "
    `)
    const asked = ["extract", "-", "-q", "-s", "a=a@href", "--url"]
    const marked = await Program.screen([...asked, "\ufeffhttp://shop.example/a/"], { input })
    assert.include(marked, '"url":"http://shop.example/a/"', "a byte order mark is overlooked")
    const two = await Program.screen([...asked, "http://shop.example/a\thttp://shop.example/b"], { input })
    assert.include(two, 'error: --url: a tab or a line end within a URL: "http://shop.example/a')
    expect(await screen("pages", "-s", "a=a", "--url", "http://shop.example/")).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: \`--url\` is for the page on standard input, and no PATH is \`-\`

      hint: for example: \`simul extract - --url http://shop.example/ --metadata < page.html\`
      "
    `)
  })
  it("shows no credentials of an address, and a hint that a shell takes as it is", async () => {
    const url = "http://user:secret@shop.example/?a=1&b=2"
    assert.include(
      await screen("pages", "-s", "a=a", "--url", url),
      "hint: for example: `simul extract - --url 'http://***@shop.example/?a=1&b=2' --metadata"
    )
    assert.include(
      await screen("-", "-s", "a=a", "--url", "ftp://user:secret@shop.example/"),
      'error: --url: scheme "ftp" is not supported, only http and https: "ftp://***@shop.example/"\n'
    )
    const record = await Program.screen(["extract", "-", "-q", "-s", "a=a@href", "--url", url], { input: "<a href=x>" })
    assert.include(record, '{"url":"http://shop.example/?a=1&b=2","path":"-","a":"http://shop.example/x"}\n')
  })
  it("takes what pages say of themselves", async () => {
    const [line] = dataOf(await screen("pages", "--metadata", "--links", "--article")).split("\n")
    const { path, metadata, links, article } = JSON.parse(line!)
    assert.deepStrictEqual(
      { path, metadata, links },
      { path: "pages/lamp.html", metadata: { title: "Lamp" }, links: [] }
    )
    assert.include(article.text, "12.5")
  })
  it("makes typed records by a schema, in TypeScript too", async ({ expect }) => {
    const text = await screen("pages", "--schema", "product.mts")
    expect(text).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"path":"pages/lamp.html","name":"Lamp, \\"red\\"","price":12.5,"tags":["a","b"],"image":null}
      --- stderr
      extracted 1 record
      "
    `)
    assert.strictEqual(await screen("pages", "--schema", "product.mjs"), text)
  })
  it("tells what is wrong with a page, as its record, and ends with 3", async ({ expect }) => {
    const text = await screen("bad/chair.html", "bad/image.html", "--schema", "product.mjs")
    assert.deepStrictEqual(
      dataOf(text)
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).error.reason),
      ["ExtractionError", "NoPage"]
    )
    expect(text.slice(text.indexOf("--- stderr"))).toMatchInlineSnapshot(`
      "--- stderr
      error: 2 of 2 pages gave no record

        1  price (.price): expected a finite number, found "call us"  bad/chair.html
        1  no HTML page  bad/image.html

      hint: each stands in the output with its \`error\`
      "
    `)
    assert.match(text, /^exit 3\n/)
  })
  it("gives a record for each match, of the pages that the schema is for", async ({ expect }) => {
    expect(await screen("pages", "bad", "--schema", "list.mjs")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      {"path":"pages/lamp.html","word":"tag"}
      {"path":"pages/lamp.html","word":"tag"}
      --- stderr
      extracted 2 records from 1 page; 2 pages not for the schema
      "
    `)
  })
  it("writes CSV", async ({ expect }) => {
    expect(await screen("pages", "--schema", "product.mjs", "--format", "csv", "-q")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      url,path,name,price,tags,image,error
      ,pages/lamp.html,"Lamp, ""red""",12.5,"[""a"",""b""]",,
      --- stderr
      "
    `)
  })
  it("writes JSON lines, SQLite and Parquet into files, by their names", async () => {
    const names = ["out.jsonl", "out.sqlite", "out.parquet"]
    for (const name of names)
      assert.include(await screen("pages", "--schema", "product.mjs", "-o", name), `extracted 1 record: ${name}\n`)
    const record = {
      path: join(folder, "pages/lamp.html"),
      name: 'Lamp, "red"',
      price: 12.5,
      tags: ["a", "b"],
      image: null
    }
    assert.deepStrictEqual(JSON.parse(readFileSync(join(folder, "out.jsonl"), "utf8")) as unknown, record)
    const database = new DatabaseSync(join(folder, "out.sqlite"))
    const row = database.prepare("SELECT path, name, price, tags ->> 1 AS tag, error FROM record").get()
    database.close()
    assert.deepStrictEqual({ ...row }, { path: record.path, name: record.name, price: 12.5, tag: "b", error: null })
    const file = await asyncBufferFromFile(join(folder, "out.parquet"))
    assert.deepStrictEqual(await parquetReadObjects({ file }), [{ url: null, ...record, error: null }])
  })
  it("leaves a file as it was when it cannot be written whole", async () => {
    put("kept.sqlite", "before")
    const text = await screen("pages", "none", "-s", "a=p", "-o", "kept.sqlite")
    assert.match(text, /^exit 1\n--- stdout\n--- stderr\nerror: no such file or directory: none\n/)
    assert.strictEqual(readFileSync(join(folder, "kept.sqlite"), "utf8"), "before")
    assert.deepStrictEqual(
      readdirSync(folder).filter((name) => name.startsWith("kept")),
      ["kept.sqlite"]
    )
  })
  it("leaves nothing of a file that cannot be begun, and says why in the words of who writes it", async () => {
    // more than SQLite takes
    const columns = Array.from({ length: 2001 }, (_, index) => `-sc${index}=p`)
    const text = await screen("pages", ...columns, "-o", "out-wide.sqlite")
    assert.include(text, "error: -o out-wide.sqlite: cannot be written (too many columns on record)\n")
    assert.deepStrictEqual(
      readdirSync(folder).filter((name) => name.startsWith("out-wide")),
      []
    )
    assert.deepStrictEqual(
      openFiles().filter((path) => path.includes("out-wide")),
      []
    )
  })
  it("says when there are no pages", async ({ expect }) => {
    expect(await screen("empty", "-s", "a=p")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      --- stderr
      error: no pages under empty

      hint: pages are HTML files, records of WARC archives, and what \`simul get -o\` saved
      "
    `)
  })
  it.each([
    ["no path", ["-s", "a=p"], "no PATH given"],
    [
      "one name for SQLite",
      ["pages", "-s", "URL=a@href", "-o", "x.sqlite"],
      'SQLite takes "url" and "URL" for one name'
    ],
    ["nothing to take", ["pages"], "nothing to extract"],
    ["standard input twice", ["-", "pages", "-", "-s", "a=p"], "`-` is named more than once"],
    ["a select without a name", ["pages", "-s", "h1"], '--select: expected NAME=SELECTOR, got "h1"'],
    ["one name twice", ["pages", "-s", "a=p", "-s", "a=b"], '--select: "a" is the name of another field'],
    ["a name that is taken", ["pages", "--links", "-s", "links=a"], '--select: "links" is the name of another field'],
    ["no selector", ["pages", "-s", "a=p["], '--select a: no selector: "p[": '],
    [
      "a form that needs a file",
      ["pages", "-s", "a=p", "--format", "parquet"],
      "`--format parquet` makes a file, none was named"
    ],
    [
      "an unknown form",
      ["pages", "-s", "a=p", "--format", "xml"],
      '--format: expected jsonl, csv, sqlite or parquet, got "xml"'
    ],
    ["a schema that is not there", ["pages", "--schema", "none.ts"], "no such file: none.ts"],
    ["a selector without its flag", ["pages", "-s", "a=h1", "b=img@src[]"], "no such file or directory: b=img@src[]"],
    ["a schema with a field that is none", ["pages", "--schema", "field.mjs"], 'field.mjs:2: "a": expected a selector'],
    [
      "a schema that throws no error",
      ["pages", "--schema", "thrown.mjs"],
      "thrown.mjs cannot be loaded: it threw 'no'"
    ],
    ["one that does when it is asked", ["pages", "--schema", "thrown-later.mjs"], "thrown-later.mjs: it threw null"],
    ["one whose error has no stack", ["pages", "--schema", "stackless.mjs"], "stackless.mjs: no"],
    ["a schema that exports none", ["pages", "--schema", "other.mjs"], "other.mjs exports no extraction by default"],
    [
      "a schema of another effect",
      ["pages", "--schema", "foreign.mjs"],
      'foreign.mjs:1: the schema of "p" is of another copy of effect than the one that is to decode it\n\nhint: take `Schema` from'
    ],
    ["a schema with a bad selector", ["pages", "--schema", "broken.mjs"], 'broken.mjs:1: no selector: "a["']
  ])("refuses %s", async (_name, args, message) => {
    const text = await screen(...args)
    assert.isTrue(text.startsWith(`exit 2\n--- stdout\n--- stderr\nerror: ${message}`), text)
    assert.match(text, /\n\nhint: /)
  })
  it.each([
    ["that is a folder", "pages", " is no module of JavaScript or TypeScript\n"],
    ["in JSON", "data.json", " is no module of JavaScript or TypeScript\n"],
    ["by a link to it", "link.mjs", ':2: "a": expected a selector'],
    ["that imports JSON", "within.mjs", " cannot be loaded: Module "],
    ["with a mistake, and says in which line", "syntax.mts", ":2 cannot be loaded: Expected ',', "],
    ["in JavaScript with one", "half.mjs", ":3 cannot be loaded: missing )"],
    ["that imports one with a mistake, and says which", "imports-half.mjs", ` cannot be loaded: ${half}:3: missing )`],
    ["that reads what is no JSON, and blames no file for it", "reads-half.mjs", " cannot be loaded: Expected property "]
  ])("refuses a schema %s", async (_name, schema, message) => {
    const text = await Program.screen(["extract", "-", "--schema", join(folder, schema)])
    assert.include(text, `error: ${join(folder, schema)}${message}`)
  })
  it("fails where the output cannot be written", async () => {
    const text = await screen("pages", "-s", "a=p", "-o", "pages")
    assert.match(text, /^exit 1\n--- stdout\n--- stderr\nerror: -o pages: cannot be written \(EISDIR\)\n/)
    assert.isFalse(existsSync(join(folder, "pages.part")))
  })
})
