import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Page from "../../src/extract/Page.ts"
import * as Selector from "../../src/extract/Selector.ts"

const html = `<title>Shop</title>
<ul id=list><li class="item a"><a href="/one?x=1#y" title="a@b">One <b>big</b></a><script>no()</script></li>
<li class=item><a>Two</a><img src=two.png></li></ul>
<p>first<br>second</p><table><tr><td>1<td>2</table>`
const page = Result.getOrThrow(Page.fromText(html, { url: "https://h.example/dir/" }))
const select = (text: string) => Selector.select(Selector.make(text), page)

describe("a selector", () => {
  it.each([
    ["title", "Shop"],
    [".item", "One big"],
    [".item[]", ["One big", "Two"]],
    [" .item [ ] ", ["One big", "Two"]],
    ["a@href", "https://h.example/one?x=1#y"],
    ["img@src[]", ["https://h.example/dir/two.png"]],
    ["img@SRC", "https://h.example/dir/two.png"],
    ["a[title='a@b']@title", "a@b"],
    ["a[title$='@b']", "One big"],
    ["a[href]", "One big"],
    ["a@html", "One <b>big</b>"],
    ["a@text", "One big"],
    ["p", "first second"],
    ["tr", "1 2"],
    ["script", "no()"],
    [".none", null],
    [".none[]", []],
    ["a:nth-of-type(1)@name", null],
    ["li:has(img) a", "Two"],
    ["title, p", "Shop"]
  ])("%s", (text, found) => {
    assert.deepStrictEqual(select(text), found)
  })
  it("passes over elements that lack the attribute", () => {
    assert.strictEqual(select("li > *@src"), "https://h.example/dir/two.png")
  })
  it("looks within an element, and may take the element itself", () => {
    const [, second] = Selector.make("li").find(page)
    const within = (text: string) => Selector.select(Selector.make(text), page, second)
    assert.strictEqual(within("a"), "Two")
    assert.strictEqual(within("@class"), "item")
    assert.strictEqual(within("> a"), "Two")
    assert.strictEqual(within(":scope > img@src"), "https://h.example/dir/two.png")
    assert.deepStrictEqual(within("title[]"), [])
  })
  it("finds what SVG writes with capitals, as browsers do in any case", () => {
    const drawing = Result.getOrThrow(
      Page.fromText('<svg viewBox="0 0 1 2"><linearGradient id=g /><foreignObject><p>text</p></foreignObject></svg>')
    )
    const within = (text: string) => Selector.select(Selector.make(text), drawing)
    for (const css of ["svg@viewBox", "[viewBox]@viewbox", "[viewbox^='0 0']@VIEWBOX"])
      assert.strictEqual(within(css), "0 0 1 2")
    assert.strictEqual(within("linearGradient@id"), "g")
    assert.strictEqual(within("svg > foreignobject P"), "text")
    assert.strictEqual(
      within("svg@html"),
      '<linearGradient id="g"></linearGradient><foreignObject><p>text</p></foreignObject>'
    )
  })
  it("takes for empty and for links what browsers do", () => {
    const parts = Result.getOrThrow(
      Page.fromText("<link href=x><p id=a> </p><p id=b><!-- --></p><a id=c href=x></a><a><template id=d>x</template>")
    )
    const ids = (css: string) => Selector.select(Selector.make(`${css}@id[]`), parts)
    assert.deepStrictEqual(ids("body :empty"), ["b", "c", "d"])
    assert.deepStrictEqual(ids("p:not(:empty)"), ["a"])
    for (const css of [":link", ":any-link"])
      assert.deepStrictEqual(
        Selector.make(css)
          .find(parts)
          .map(({ attribs }) => attribs["id"]),
        ["c"]
      )
  })
  it("finds in XHTML what browsers do", () => {
    const parts = Result.getOrThrow(
      Page.fromText('<div id="a"><p id="b"><![CDATA[x]]></p><p id="c"><![CDATA[]]><!-- --></p></div>', {
        contentType: "application/xhtml+xml"
      })
    )
    const ids = (css: string) => Selector.select(Selector.make(`${css}@id[]`), parts)
    assert.deepStrictEqual(ids(":empty"), ["c"])
    for (const name of ["constructor", "toString"]) assert.deepStrictEqual(ids(`[${name}]`), [])
    assert.isNull(Selector.select(Selector.make("div@constructor"), parts))
  })
  it("may begin with a comment", () => {
    const [found] = Selector.make("/* first */ i").find(Result.getOrThrow(Page.fromText("<i>")))
    assert.strictEqual(found?.name, "i")
  })
  it("may end in an escaped comma", () => {
    const [found] = Selector.make("p, .a\\,[]").find(Result.getOrThrow(Page.fromText("<i class='a,'>")))
    assert.strictEqual(found?.name, "i")
  })
  it("leaves references alone where the page's address is unknown", () => {
    const nowhere = Result.getOrThrow(Page.fromText("<a href=b>"))
    assert.strictEqual(Selector.select(Selector.make("a@href"), nowhere), "b")
  })
  it.each([
    ["", 'no selector: "": it is empty'],
    ["[]", 'no selector: "[]": it is empty'],
    ["a[", 'no selector: "a[": '],
    ["a:hoover", 'no selector: "a:hoover": '],
    ["a >", 'no selector: "a >": nothing follows ">"'],
    ["h1::text", 'no selector: "h1::text": write h1@text'],
    ["a::attr(href)[]", 'no selector: "a::attr(href)[]": write a@href[]'],
    ["h1::text, h2::text", 'no selector: "h1::text, h2::text": write h1, h2@text'],
    ["a::attr(href), b::text", 'no selector: "a::attr(href), b::text": Pseudo-elements are not supported'],
    ["svg|a", 'no selector: "svg|a": Namespaced tag names are not supported'],
    ["//h1/text()", 'no selector: "//h1/text()": it is XPath, expected CSS']
  ])("is not %s", (text, message) => {
    assert.include(Result.getOrThrow(Result.flip(Selector.parse(text))).message, message)
  })
})
