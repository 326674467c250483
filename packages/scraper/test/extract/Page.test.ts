import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import * as Page from "../../src/extract/Page.ts"
import * as Selector from "../../src/extract/Selector.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const page = (html: string, origin: Page.Origin = {}) => Result.getOrThrow(Page.fromBytes(bytes(html), origin))
const text = (css: string, of: Page.Page) => Selector.select(Selector.make(css), of)

describe("a page", () => {
  it("has the tree that browsers make of it", () => {
    assert.strictEqual(text("table > tbody > tr > td", page("<table><tr><td>1")), "1")
    assert.deepStrictEqual(text("p[]", page("<p>a<p>b")), ["a", "b"])
    assert.strictEqual(text("noscript > b", page("<body><noscript><b>x</b></noscript>")), "x")
  })
  it("is decoded as its answer, or else it itself, says", () => {
    const latin = Uint8Array.of(...bytes("<p>"), 0xe9)
    const decoded = (contentType?: string) => text("p", Result.getOrThrow(Page.fromBytes(latin, { contentType })))
    assert.strictEqual(decoded(), "é")
    assert.strictEqual(decoded("text/html; charset=iso-8859-5"), "щ")
    const cyrillic = Uint8Array.of(...bytes("<meta charset=koi8-r><p>"), 0xd7)
    assert.strictEqual(text("p", Result.getOrThrow(Page.fromBytes(cyrillic))), "в")
  })
  it("is UTF-8 if it can be, where nobody says what it is", () => {
    assert.strictEqual(text("p", page("<p>é")), "é")
  })
  it("is decoded again when it says late what it is", () => {
    for (const declaration of ["charset=koi8-r", "http-equiv=Content-Type content='text/html charset=koi8-r'"]) {
      const late = Uint8Array.of(...bytes(`<p>`), 0xd7, ...bytes(`${" ".repeat(2000)}<meta ${declaration}>`))
      assert.strictEqual(text("p", Result.getOrThrow(Page.fromBytes(late))), "в")
    }
  })
  it("resolves against its base element, that against its URL", () => {
    const url = "https://h.example/a/b"
    assert.strictEqual(page("<base href='/c/'>", { url }).base, "https://h.example/c/")
    assert.strictEqual(page("<title>x</title><base target=_top><base href=d/>", { url }).base, "https://h.example/a/d/")
    assert.strictEqual(page("<p>", { url }).base, url)
    assert.strictEqual(page("<base href='/c/'>").base, undefined)
    assert.strictEqual(page("<base href='https://o.example/'>").base, "https://o.example/")
    // behind paragraphs, and not in another document or vocabulary
    assert.strictEqual(page("<p>x<p><base href='/c/'>", { url }).base, "https://h.example/c/")
    assert.strictEqual(
      page("<template><base href='/t/'></template><p><base href='/c/'>", { url }).base,
      "https://h.example/c/"
    )
    assert.strictEqual(page("<svg><base href='/s/' /></svg><base href='/c/'>", { url }).base, "https://h.example/c/")
    const xhtml = "<html><svg xmlns='http://www.w3.org/2000/svg'><base href='/s/'/></svg><base href='/c/'/></html>"
    assert.strictEqual(page(xhtml, { url, contentType: "application/xhtml+xml" }).base, "https://h.example/c/")
    // no scheme of a base
    for (const scheme of ["data", " JavaScript"])
      assert.strictEqual(page(`<base href='${scheme}:x'><base href='/c/'>`, { url }).base, url)
  })
  it("is refused when it is too large, too deep or no text", () => {
    const failure = (html: string, limits?: Page.Limits) => Result.flip(Page.fromBytes(bytes(html), {}, limits))
    const refused = [
      failure("<p>four", { maxBytes: 6, maxDepth: 10 }),
      failure("<div>".repeat(2000)),
      failure("<svg>".repeat(2000)),
      failure("GIF89a\0\0")
    ].map(Result.getOrThrow)
    assert.deepStrictEqual(
      refused.map(({ _tag }) => _tag),
      ["TooLarge", "TooDeep", "TooDeep", "NoPage"]
    )
    assert.strictEqual(refused[1]!.message, "elements nested more than 1024 deep")
  })
  it("counts what is open, not what was", () => {
    assert.strictEqual(text("p:last-child", page(`${"<div><b>x</b></div>".repeat(5000)}<p>end`)), "end")
  })
  it("may be in UTF-16, whose text has bytes of zero", () => {
    const utf16 = Uint8Array.of(0xff, 0xfe, ...[..."<p>x"].flatMap((character) => [character.charCodeAt(0), 0]))
    assert.strictEqual(text("p", Result.getOrThrow(Page.fromBytes(utf16))), "x")
    assert.isTrue(Page.looksLikePage(utf16))
  })
  it("is XHTML where its Content-Type says so, or the name of a file that has none", () => {
    const xhtml = `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><script src="a"/><title>x</title></head>
      <body><p>a&nbsp;<![CDATA[< b]]></p><div/><p id="c">c</p><p>d</body></html>`
    for (const origin of [
      { contentType: "application/xhtml+xml; charset=utf-8", path: "x.html" },
      { contentType: undefined, path: "x.xhtml" }
    ]) {
      const found = page(xhtml, origin)
      assert.deepStrictEqual(text("title, body > p[]", found), ["x", "a < b", "c", "d"])
      assert.include(text("body@html", found), '<div></div><p id="c">c</p><p>d</p>')
    }
    assert.isNull(text("body > p", page(xhtml, { contentType: "text/html", path: "x.xhtml" })))
    const deep = Page.fromText("<div>".repeat(2000), { path: "x.xhtml" })
    assert.strictEqual(Result.getOrThrow(Result.flip(deep))._tag, "TooDeep")
    const latin = Uint8Array.of(...bytes('<?xml version="1.0" encoding="iso-8859-1"?><html><p>'), 0xe9)
    assert.strictEqual(text("p", Result.getOrThrow(Page.fromBytes(latin, { path: "x.xht" }))), "é")
  })
  it("is made of any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (any) => {
        const found = Page.fromBytes(any)
        return Result.isSuccess(found) || found.failure._tag === "NoPage"
      })
    )
  })
})

describe("looks like a page", () => {
  it.each([
    "<!DOCTYPE html><title>x",
    "\n  <html lang=de>",
    "<!-- saved --><body>",
    '<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">',
    "\ufeff<p>x",
    "<div class=a>"
  ])("%s", (text) => {
    assert.isTrue(Page.looksLikePage(bytes(text)))
  })
  it.each([
    "",
    "User-agent: *",
    "<?xml version='1.0'?><rss>",
    "<svg>",
    "body { color: red }",
    "GIF89a\0",
    "<paragraph>"
  ])("not %s", (text) => {
    assert.isFalse(Page.looksLikePage(bytes(text)))
  })
  it("or not, with any number of comments before it", () => {
    assert.isFalse(Page.looksLikePage(bytes(`${"<!---->".repeat(200)}<x`)))
    assert.isTrue(Page.looksLikePage(bytes(`${"<!-- -> -->\n".repeat(100)}<p>`)))
  })
})
