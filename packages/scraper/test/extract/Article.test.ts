import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { parseHTML } from "linkedom"
import * as Article from "../../src/extract/Article.ts"
import * as Page from "../../src/extract/Page.ts"
import * as Selector from "../../src/extract/Selector.ts"

const sentence =
  "The lamp stands in the window, and whoever passes by, late as it may be, sees that somebody is at home."
const html = `<!doctype html><html lang=en><title>Lamps - Site</title><meta property="og:site_name" content=Site>
<nav><ul><li><a href=/1>Home</a><li><a href=/2>Shop</a></ul></nav>
<article><h1>Lamps</h1><p class=byline>By Ann</p>${`<p>${sentence}</p>`.repeat(5)}
<h2>Kinds</h2><ul><li>red<li>blue</ul><p>See <a href="../more?x=1">more</a> and <b>this</b>.</p>
<table><thead><tr><th>Kind<th>Price</thead><tbody><tr><td>red<td>3</table><pre><code>a = 1</code></pre></article>
<footer>All rights reserved <svg><path d=M0></path></svg><template><p>no</p></template></footer>`
const pageOf = (html: string) => Result.getOrThrow(Page.fromText(html, { url: "https://h.example/a/b/" }))

describe("an article", () => {
  it("is the main text, as text and as Markdown, and nothing around it", ({ expect }) => {
    const article = Article.of(pageOf(html))
    const { text, markdown, ...about } = article!
    assert.deepStrictEqual(about, {
      title: "Lamps - Site",
      byline: "By Ann",
      site: "Site",
      language: "en",
      excerpt: sentence
    })
    expect(markdown.replaceAll(`${sentence}\n\n`, "")).toMatchInlineSnapshot(`
      "## Kinds

      -   red
      -   blue

      See [more](https://h.example/a/more?x=1) and **this**.

      | Kind | Price |
      | --- | --- |
      | red | 3 |

      \`\`\`
      a = 1
      \`\`\`"
    `)
    expect(text.replaceAll(`${sentence}\n`, "")).toMatchInlineSnapshot(`
      "Kinds
      red
      blue
      See more and this.
      Kind
      Price
      red
      3
      a = 1"
    `)
  })
  it("leaves out the links of headings and paragraphs to themselves", () => {
    const page = html.replace("Lamps - Site", "Lamps").replace("<h1>Lamps", "<h1>Of lamps and of their kinds")
    const marked = page.replace(/<\/(?=h1|h2|p>)/g, '<a href="#here">\u00b6</a>$&')
    assert.deepStrictEqual(Article.of(pageOf(marked)), Article.of(pageOf(page)))
    assert.include(Article.of(pageOf(marked)), { title: "Of lamps and of their kinds", excerpt: sentence })
  })
  it("has what is preformatted as it stands, with or without an element for code", () => {
    const markdown = (pre: string) =>
      Article.of(pageOf(`<article>${`<p>${sentence}</p>`.repeat(5)}${pre}</article>`))!
        .markdown.split("\n\n")
        .slice(5)
    const lines = ["```\na_b = [1]\n  # *not* <em>\n```"]
    for (const pre of [
      "<pre><code>a_b = [1]\n  # *not* &lt;em></code></pre>",
      "<pre>\na_b = <b>[1]</b>\n  <i># *not*</i> &lt;em>\n</pre>",
      "<div class=highlight><pre><span></span><span class=n>a_b</span> = [1]\n  # *not* &lt;em>\n</pre></div>",
      "<pre><code>a_b = [1]</code>\n<code>  # *not* &lt;em></code></pre>",
      "<pre>a_b = [1]<br>  # *not* &lt;em></pre>",
      "<pre><code>a_b = [1]<br>  # *not* &lt;em></code></pre>",
      "<pre>  <code>a_b = [1]\n  # *not* &lt;em></code> </pre>"
    ])
      assert.deepStrictEqual(markdown(pre), lines, pre)
    for (const pre of [
      "<pre><code class=language-js>a()</code></pre>",
      '<pre> <code class="hljs language-js">a()</code>\n</pre>',
      "<pre><code class=language-js>a</code><code>()</code></pre>"
    ])
      assert.deepStrictEqual(markdown(pre), ["```js\na()\n```"], pre)
  })
  it.each([
    ["a &lt;div class=x&gt; &amp;lt; ~~b~~ c_d_e", "a \\<div class=x> \\&lt; \\~\\~b\\~\\~ c_d_e"],
    ["1) a", "1\\) a"],
    ["<em>a__b_c</em> d__e", "_a\\_\\_b_c_ d\\_\\_e"],
    ["in<em>ter</em>nal, x<sup><i>n</i></sup>, <i>inter</i><span>nal</span>", "in*ter*nal, x*n*, *inter*nal"],
    [
      "<p><i>a <b>b</b></i><b>c</b> <b>d <i>e</i></b><i>f</i> <b>g</b><i>h</i></p>",
      "_a **b**_**c** **d _e_**_f_ **g**_h_"
    ],
    [
      "<p><b><i>a</i></b> <b>b</b>c<i>d</i> <i>e</i><b>f</b>, <i>g</i>. 長<i>短</i></p>",
      "**_a_** **b**c*d* _e_**f**, _g_. 長*短*"
    ],
    ["<p>a<em><br></em>b <i><wbr></i>c<del><br></del>d<em><a id=x></a></em></p>", "a  \nb c  \nd"],
    [
      "<p><b>a</b><b>b</b><strong>c</strong> <em>d</em><i>e</i> <del><b>f</b></del><s><b>g</b></s></p>",
      "**abc** _de_ ~~**fg**~~"
    ],
    ["<p><em><i>a</i></em> <s><del>b</del></s></p>", "_a_ ~~b~~"],
    ["<h3>a<br>b</h3>", "### a b"],
    [
      '<a href="/x"><h3>a</h3><p>b <b>c</b></p> d</a>',
      ["### [a](https://h.example/x)", "[b **c**](https://h.example/x)", "[d](https://h.example/x)"]
    ],
    ["<b><b><p>a <i>b</i></p></b><ul><li>c</ul></b>", ["**a _b_**", "-   **c**"]],
    [
      "<b><pre><code>a()\n  b()</code></pre></b><a href=/x>c<pre>d()\ne()</pre></a>",
      ["```\na()\n  b()\n```", "[c](https://h.example/x)", "```\nd()\ne()\n```"]
    ],
    [
      "<a href=/x><h3>a</h3><span class=icon></span></a><a href=/x><svg></svg><p>b</p></a>",
      ["### [a](https://h.example/x)", "[b](https://h.example/x)"]
    ],
    [
      "<a href=/x><table><colgroup><col></colgroup><tr><td>a<td><img src=/i alt=b></table></a>",
      "| [a](https://h.example/x) | [![b](https://h.example/i)](https://h.example/x) |\n| --- | --- |"
    ],
    [
      "<a href=/o><table><tr><th><a href=/i>in</a> out</th><th>a</th></tr></table></a>",
      "| [in](https://h.example/i) out | a |\n| --- | --- |"
    ],
    [
      "<table><caption>a<tr><td>b<td>c<tr><td>d<td>e<td>f</table>",
      ["a", "| b | c |  |\n| --- | --- | --- |\n| d | e | f |"]
    ],
    ["<p>a <code>b<i>c</i> <a href=/x>d</a></code><a href=/x></a> <a href=/y> <svg></svg></a>e</p>", "a `bc d` e"],
    ["<ol><li>a</li><ul><li>b</li></ul><li>c</ol>", "1.  a\n    -   b\n2.  c"],
    ["<details><summary>a</summary>b</details>", ["a", "b"]]
  ])("says in Markdown what the page says: %s", (part, lines) => {
    const { markdown } = Article.of(
      pageOf(`<article>${`<p>${sentence}</p>`.repeat(5)}<div>${part}<p>${sentence}</p></div></article>`)
    )!
    assert.deepStrictEqual(markdown.split("\n\n").slice(5, -1), [lines].flat())
  })
  it("numbers the items of a list as a browser does", () => {
    const { markdown } = Article.of(
      pageOf(`${`<p>${sentence}</p>`.repeat(5)}<ol start=9><li>a<li><p>b</p><p>c</p><li value=4>d<ul><li>e</ul></ol>`)
    )!
    assert.strictEqual(markdown.split(`${sentence}\n\n`).at(-1), "9.  a\n10.  b\n\n     c\n\n4.  d\n    -   e")
  })
  it("takes time linear in blanks, in the items of a list and in attributes", () => {
    const blanks = " ".repeat(300_000)
    const attributes = (count: number) => Array.from({ length: count }, (_, index) => `a${index}`).join(" ")
    for (const part of [
      `<table><tr><td>a</td><td><pre>x${blanks}y</pre></td></tr></table>`,
      `<pre>x${"\n".repeat(300_000)}y</pre>`,
      `<p>x${"&nbsp;".repeat(300_000)}y</p>`,
      `<p><img src=/i alt="x${blanks}y"></p>`,
      `<ol>${"<li>x".repeat(15_000)}</ol>`,
      `<p>${"<b>x</b>".repeat(5_000)}</p>`,
      `<b>${"<p>x</p>".repeat(3_000)}</b>`,
      `${Array.from({ length: 100 }, (_, index) => `<b id=i${index}>`).join("")}${"<p>x</p>".repeat(500)}`,
      `<b ${attributes(1000)}>${"<p>x</p>".repeat(3_000)}</b>`,
      `<a href="/${"x".repeat(500_000)}">${"<p>x</p>".repeat(2_000)}</a>`,
      `<p ${attributes(60_000)}>x</p>`
    ])
      assert.include(Article.of(pageOf(`<p>${sentence}</p>`.repeat(5) + part))?.markdown, sentence)
  })
  it("has no more Markdown for an address around many paragraphs", () => {
    const linked = (length: number) =>
      Article.of(
        pageOf(`${`<p>${sentence}</p>`.repeat(5)}<a href="/${"x".repeat(length)}">${"<p>x".repeat(2_000)}</a>`)
      )!.markdown
    assert.include(linked(400), "[x](https://h.example/xx")
    assert.isBelow(linked(1_900).length, 20_000)
  })
  it("is told of in one line each, however the page breaks its own", () => {
    const article = Article.of(
      pageOf(`<meta name=description content=" A lamp\n      in\tthe window "><meta property="og:title" content="Lamps\n  at night">
${`<p>${sentence}</p>`.repeat(5)}`)
    )
    assert.deepInclude(article, { title: "Lamps at night", excerpt: "A lamp in the window" })
    const first = Article.of(pageOf(`<p>${sentence.replaceAll(" ", "\n  ")}</p>`.repeat(5)))
    assert.strictEqual(first?.excerpt, sentence)
  })
  it("is null where there is none", () => {
    assert.strictEqual(Article.of(pageOf("")), null)
    assert.strictEqual(Article.of(pageOf("<title>x</title><script>y</script>")), null)
    const xhtml = { contentType: "application/xhtml+xml" }
    for (const text of ["", "<!-- a -->", "<script>y</script>", "<noscript/><style/>", "<html/>"])
      assert.strictEqual(Article.of(Result.getOrThrow(Page.fromText(text, xhtml))), null, text)
  })
  it("is null where elements lie in one another beyond what any page needs, so that none takes minutes", () => {
    const nested = (depth: number, count: number) =>
      `${"<div>".repeat(depth)}<p>${sentence}</p>${"<b>x</b>".repeat(count)}${"</div>".repeat(depth)}`
    assert.strictEqual(Article.of(pageOf(nested(900, 2000))), null)
    assert.isNotNull(Article.of(pageOf(nested(90, 100))))
    const empties = (depth: number, count: number) =>
      `${"<div>".repeat(depth)}<p>text</p>${`${"<img src=x>".repeat(count)}</div>`.repeat(depth)}`
    assert.strictEqual(Article.of(pageOf(empties(900, 9))), null)
    assert.strictEqual(Article.of(pageOf(empties(300, 2))), null)
    assert.isNotNull(Article.of(pageOf(empties(90, 9))))
  })
  it("is found in XHTML without a body", () => {
    const articleOf = (text: string) =>
      Article.of(Result.getOrThrow(Page.fromText(text, { contentType: "application/xhtml+xml" })))
    const paragraphs = `<p>${sentence}</p>`.repeat(5)
    const { text } = Article.of(pageOf(paragraphs))!
    assert.deepInclude(articleOf(`<div>${paragraphs}</div>`), { text, title: "" })
    assert.deepInclude(articleOf(paragraphs), { text, title: "" })
    assert.deepInclude(
      articleOf(`<html lang="en"><head><title>Lamps</title></head><section>${paragraphs}</section></html>`),
      { text, title: "Lamps", language: "en" }
    )
  })
  it("has what XHTML puts beside the body where it stands", () => {
    const [before, within, after, last] = ["before", "within", "after", "last"].map((word) => `${word}. ${sentence}`)
    const article = Article.of(
      Result.getOrThrow(
        Page.fromText(
          `<html><head/><p>${before}</p><body><p>${within}</p></body><p>${after}</p></html><p>${last}</p>`,
          { contentType: "application/xhtml+xml" }
        )
      )
    )
    assert.strictEqual(article?.text, [before, within, after, last].join("\n"))
  })
  it("leaves the page as it was", () => {
    const page = pageOf(html)
    Article.of(page)
    assert.strictEqual(Selector.select(Selector.make("nav a@href"), page), "https://h.example/1")
  })
  it("takes time linear in the number of paragraphs: what lies in an element is listed a few times", () => {
    let owner = parseHTML("<p>").document.documentElement as object
    while (!Object.hasOwn(owner, "childNodes")) owner = Object.getPrototypeOf(owner) as object
    const own = Object.getOwnPropertyDescriptor(owner, "childNodes")!
    const listed = new Map<unknown, number>()
    Object.defineProperty(owner, "childNodes", {
      ...own,
      get(): unknown {
        listed.set(this, (listed.get(this) ?? 0) + 1)
        return own.get!.call(this)
      }
    })
    try {
      assert.strictEqual(Article.of(pageOf("<p>a lamp".repeat(500)))?.text.split("\n").length, 500)
    } finally {
      Object.defineProperty(owner, "childNodes", own)
    }
    assert.isBelow(Math.max(...listed.values()), 20)
  })
  it("bears a page ten times as deep as pages are", () => {
    const deep = pageOf(`${"<div>".repeat(350)}${`<p>${sentence}`.repeat(10)}`)
    assert.include(Article.of(deep)?.text, sentence)
  })
  it("bears a long thread of comments, deeper than pages are", () => {
    const comment = `<div><a href=/u><img src=/u></a><p>${sentence}</p><ul><li>reply<li>share</ul></div>`
    const thread = pageOf("<div>".repeat(60) + comment.repeat(600))
    assert.strictEqual(Article.of(thread)?.text.split(sentence).length, 601)
  })
})
