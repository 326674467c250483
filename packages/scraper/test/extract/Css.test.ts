import { assert, describe, it } from "@effect/vitest"
import { Css } from "../../src/extract/Css.ts"

const read = (sheet: string, size = sheet.length || 1, maxLength?: number): ReadonlyArray<string> => {
  const found: Array<string> = []
  const css = new Css((url, isImport) => found.push(isImport ? `import ${url}` : url), maxLength)
  let start = 0
  for (; start + size < sheet.length; start += size) css.write(sheet.slice(start, start + size))
  css.end(sheet.slice(start))
  return found
}

const sheets: ReadonlyArray<readonly [sheet: string, urls: ReadonlyArray<string>]> = [
  ["a{background:url(x.png)}", ["x.png"]],
  ["a{background:URL( 'x y.png' ) }b{c:url(\"z\")}", ["x y.png", "z"]],
  ["a{b:url(\n x.png\t)}", ["x.png"]],
  [
    '@import "a.css";@import url(b.css) screen;@IMPORT\turl("c.css");',
    ["import a.css", "import b.css", "import c.css"]
  ],
  ["@import/* x */'a.css' layer(url(x));", ["import a.css", "x"]],
  ["@import foo; a{content:'no.png'}", []],
  ["@namespace url(http://h/svg);@namespace x 'y';a{b:url(c)}", ["c"]],
  ["@namespace x 'a;b';@namespace/*;*/url(a;b);@namespace \"a;\";c{d:url(e)}", ["e"]],
  ["/* url(a) */ a{b:url(b)} /* url(c)", ["b"]],
  ["a{content:'url(a)'; b:\"/*\"; c:url(c)}", ["c"]],
  ["a{b:url(x\\)y\\20 z\\0)}", ["x)y z\uFFFD"]],
  ["a{b:url('x\\\ny\\'z\\41')}", ["xy'zA"]],
  ["a{b:url(x y); c:url(x'y); d:url(x(y); e:url(f)}", ["f"]],
  ["a{b:url(x\\\ny); c:url(x\u0001y); d:url(\u007f); e:url(f)}", ["f"]],
  ["a{b:url(x y\\) url(z) \\\\); c:url('d' e\\) url(z)); f:url(g)}", ["d", "g"]],
  ["a{b:'broken\n; c:url(c)}", ["c"]],
  ["a{b:image-set('a.png' 1x, url(b.png) 2x, \"c.png\" type('image/png')); content:'d'}", ["a.png", "b.png", "c.png"]],
  ["a{b:-webkit-image-set(url('a') 1x, url(\"b\") 2x) c:'d'}", ["a", "b"]],
  ["@font-face{src:url(a.woff2) format('woff2'),url(b.woff)}", ["a.woff2", "b.woff"]],
  ["a{b:xurl(a);c:-url(b);d:\u00e9url(c);e:#fffurl('d');f:50%url(e);g:(url(f))}", ["e", "f"]],
  ["a{b:image-set(xurl('a') 1x, 'b' 2x);c:'d'}", ["b"]],
  ["a{b:url()} c{d:url('')}", []],
  ["a{b:url(x", ["x"]],
  ["@import 'x", ["import x"]],
  ["a{b:url('x' crossorigin(anonymous)); c:url(d)}", ["x", "d"]],
  ["a{\\'b:url(x)} \\", ["x"]],
  ["a{b:u\\72l(a);c:\\55\r\n\\000072\t\\6C\n(b);d:\\u\\r\\l('c');e:image-set(\\75 RL(d) 1x)}", ["a", "b", "c", "d"]],
  ["a{b:xu\\72l(a);c:\\0000075rl(b);d:u\\72  l(c);e:u\\72l (d);f:x\\url(e)}", []],
  ["@namespace u\\72l(a);@import u\\72l(b);", ["import b"]],
  ["url(", []],
  ["", []]
]

describe("Css", () => {
  it("gives the URLs of a sheet in their order", () => {
    for (const [sheet, urls] of sheets) assert.deepStrictEqual(read(sheet), urls, sheet)
  })

  it("gives the same ones however the sheet is cut", () => {
    for (const [sheet, urls] of sheets)
      for (const size of [1, 2, 3, 5, 8, 13]) assert.deepStrictEqual(read(sheet, size), urls, `${size}: ${sheet}`)
  })

  it("says where a URL stands, however the sheet is cut", () => {
    for (const [sheet] of sheets.filter(([sheet]) => !sheet.includes("\\")))
      for (let size = 1; size <= sheet.length; size++) {
        const css = new Css((url, _, start, end) => assert.strictEqual(sheet.slice(start, end), url))
        for (let start = 0; start < sheet.length; start += size) css.write(sheet.slice(start, start + size))
        css.end()
      }
  })

  it("leaves out what is too long", () => {
    assert.deepStrictEqual(read("a{b:url(1234) c:url('12345') d:url(123)}", 3, 4), ["1234", "123"])
  })

  it("takes a long sheet, whatever it is of", () => {
    for (const piece of ["url(", "@import ", "'", '"', "\\", "/*", "(", "image-set(", " ", "url( ", "url(\\", "a\\a "])
      assert.isArray(read(piece.repeat(300_000 / piece.length), 4096), piece)
  })
})
