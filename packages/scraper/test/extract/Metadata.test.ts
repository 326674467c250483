import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Hyperlinks from "../../src/extract/Hyperlinks.ts"
import * as Metadata from "../../src/extract/Metadata.ts"
import * as Page from "../../src/extract/Page.ts"

const of = (html: string) => Metadata.of(Result.getOrThrow(Page.fromText(html, { url: "https://h.example/a/b" })))

describe("metadata", () => {
  it("is nothing where a page says nothing", () => {
    assert.deepStrictEqual(of("<p>x"), {})
  })
  it("has what a page says of itself", () => {
    const html = `<html lang=en><title> A &amp; B
      </title><svg><title>no</title></svg><meta name=Description content=" About "><link rel="Canonical" href="../c">
      <meta property="og:image" content=1.png><meta property="og:image" content=2.png><meta property="og:type" content=article>
      <meta property="article:published_time" content=2026-01-02><meta name="twitter:card" content=summary><meta name=author content=Ann>`
    assert.deepStrictEqual(of(html), {
      title: "A & B",
      description: "About",
      author: "Ann",
      language: "en",
      canonical: "https://h.example/c",
      published: "2026-01-02",
      openGraph: { image: ["1.png", "2.png"], type: "article", "article:published_time": "2026-01-02" },
      twitter: { card: "summary" }
    })
  })
  it("parses JSON-LD, and says which is none", () => {
    const html = `<script type="application/ld+json"><!-- {"@graph":[{"datePublished":"2026-03-04"}]} --></script>
      <script type="Application/LD+JSON; charset=utf-8">{"a":"&amp;</p>"}</script><script type="application/ld+json">{</script>`
    const { jsonLd, jsonLdErrors, published } = of(html)
    assert.deepStrictEqual(jsonLd, [{ "@graph": [{ datePublished: "2026-03-04" }] }, { a: "&amp;</p>" }])
    assert.strictEqual(published, "2026-03-04")
    assert.strictEqual(jsonLdErrors?.length, 1)
  })

  it.each([
    ['// why\n{"a": "// no, /* no */ ,]"} /* and ] */', { a: "// no, /* no */ ,]" }],
    ['{"a": [1, /* two */ ], }', { a: [1] }],
    ['{"a": "one\n\ttwo \\" ,}"}', { a: 'one\n\ttwo " ,}' }],
    ['[{"a": "b;"}];\n', [{ a: "b;" }]],
    ['//<![CDATA[\n{"a": 1}\n//]]>', { a: 1 }]
  ])("parses what can be meant one way only: %j", (text, value) => {
    const { jsonLd, jsonLdErrors } = of(`<script type="application/ld+json">${text}</script>`)
    assert.deepStrictEqual(jsonLd, [value])
    assert.isUndefined(jsonLdErrors)
  })
  it.each(["\n", "\t", "\r\n"])("takes no text for JSON in which a backslash stands before %j", (control) => {
    const { jsonLd, jsonLdErrors } = of(`<script type="application/ld+json">{"a": "one\\${control}two"}</script>`)
    assert.isUndefined(jsonLd)
    assert.strictEqual(jsonLdErrors?.length, 1)
  })
  // by the square of it it would take minutes
  it.each(["/*", '"\\"', ",", ", ", ";", "//"])(
    "mends JSON-LD by work that grows as its length: %j",
    { timeout: 10_000 },
    (part) => {
      const script = `<script type="application/ld+json">[${part.repeat(150_000)}</script>`
      assert.strictEqual(of(script).jsonLdErrors?.length, 1)
    }
  )
  it("gives no half characters, which readers of JSON refuse", () => {
    const { jsonLd } = of(
      `<script type="application/ld+json">{"a": ["x\\ud83d y", "\\uD83D\\uDE00"], "\\ud83d": {"b": [null]}}</script>`
    )
    assert.deepStrictEqual(jsonLd, [{ a: ["x\ufffd y", "\u{1f600}"], "\ufffd": { b: [null] } }])
  })
  it("looks for the end of JSON-LD by work that grows as the blanks in it", { timeout: 10_000 }, () => {
    const script = `<script type="application/ld+json">-->${" ".repeat(300_000)}x</script>`
    assert.strictEqual(of(script).jsonLdErrors?.length, 1)
  })
})

describe("microdata", () => {
  it("has items within items, and what is referred to", () => {
    const html = `<div itemscope itemtype="https://schema.org/Product x:y" itemid="#p" itemref="more none">
      <b itemprop="name label">Lamp</b><a itemprop=url href="../l"></a><meta itemprop=sku content=7><time itemprop=when datetime=2026>then</time>
      <div itemprop=offer itemscope><i itemprop=price>3</i><i itemprop=price>4</i></div></div><p id=more><i itemprop=name>Lantern</i></p>`
    assert.deepStrictEqual(JSON.parse(JSON.stringify(of(html).microdata)), [
      {
        type: ["https://schema.org/Product", "x:y"],
        id: "https://h.example/a/b#p",
        properties: {
          name: ["Lamp", "Lantern"],
          label: ["Lamp"],
          url: ["https://h.example/l"],
          sku: ["7"],
          when: ["2026"],
          offer: [{ properties: { price: ["3", "4"] } }]
        }
      }
    ])
  })
  it("has properties in the order of the page, whatever refers to them", () => {
    const html =
      "<p id=x itemprop=a>1</p><div itemscope itemref='y x'><p itemprop=a>2</p></div><p id=y itemprop=a>3</p>"
    assert.deepStrictEqual(JSON.parse(JSON.stringify(of(html).microdata)), [{ properties: { a: ["1", "2", "3"] } }])
  })
  it("has the value that stands for what is shown, and none where an address lacks", () => {
    const html = `<div itemscope><i itemprop=price content=13.00>$13</i><time itemprop=when content=2026-01-02>soon</time>
      <img itemprop=image><a itemprop=url href="">here</a><data itemprop=data>5</data></div>`
    assert.deepStrictEqual(JSON.parse(JSON.stringify(of(html).microdata)), [
      {
        properties: { price: ["13.00"], when: ["2026-01-02"], image: [""], url: ["https://h.example/a/b"], data: [""] }
      }
    ])
  })
  it("ends where an item contains itself", () => {
    const html =
      "<div itemscope itemref=x></div><i id=x itemprop=a itemscope itemref=y></i><i id=y itemprop=b itemscope itemref=x></i>"
    assert.deepStrictEqual(JSON.parse(JSON.stringify(of(html).microdata)), [
      { properties: { a: [{ properties: { b: [{ properties: { a: ["ERROR"] } }] } }] } }
    ])
  })
  it("ends where items go too deep into one another", () => {
    const items = Array.from({ length: 9000 }, (_, at) => `<i id=x${at} itemprop=a itemscope itemref=x${at + 1}></i>`)
    const written = JSON.stringify(of(`<div itemscope itemref=x0></div>${items.join("")}`).microdata)
    assert.strictEqual(written.split(`"a":`).length - 1, 1024)
    assert.include(written, `"a":["ERROR"]`)
  })
  it("is read however many elements are side by side", () => {
    const html = `<div itemscope><div>${"<br>".repeat(200_000)}<i itemprop=a>last</i></div></div>`
    assert.deepStrictEqual(JSON.parse(JSON.stringify(of(html).microdata)), [{ properties: { a: ["last"] } }])
  })
})

it("links are absolute and have their words", () => {
  const page = Result.getOrThrow(
    Page.fromText(
      "<a href='c#d' rel=nofollow> one <b>two</b></a><a name=x>no</a><map><area href=mailto:a@b alt=mail></map>",
      {
        url: "https://h.example/a/b"
      }
    )
  )
  assert.deepStrictEqual(Hyperlinks.of(page), [
    { url: "https://h.example/a/c#d", text: "one two", rel: "nofollow" },
    { url: "mailto:a@b", text: "mail" }
  ])
})
