import { assert, describe, it } from "@effect/vitest"
import * as Rewriting from "../../src/mirror/Rewriting.ts"

const url = "http://h/docs/page.html"
const files: Readonly<Record<string, string>> = {
  "http://h/": "../index.html",
  "http://h/docs/page.html": "page.html",
  "http://h/docs/other?a=1&b=2": "other%40a%3D1%26b%3D2.html",
  "http://h/docs/other": "other.html",
  "http://h/a.png": "../a.png",
  "http://h/docs/b.png": "b.png",
  "http://h/docs/s.css": "s.css",
  "http://h/docs/%C3%A9": "%C3%A9.html",
  "http://h/docs/%E6%97%A5": "%E6%97%A5.html",
  "http://h/else/x": "../else/x.html"
}
const locate = (target: string) => files[target]

const rewrite = (text: string | Uint8Array, contentType = "text/html", from = url): string => {
  const bytes = typeof text === "string" ? Buffer.from(text) : text
  return Buffer.from(Rewriting.read({ bytes, url: from, contentType }).write(locate) ?? bytes).toString("latin1")
}

describe("a page", () => {
  const cases: ReadonlyArray<readonly [what: string, before: string, after: string]> = [
    ["leads to a file, with its fragment", `<a href="/else/x#top">`, `<a href="../else/x.html#top">`],
    ["writes what is not saved absolutely", `<a href="/gone?a=1&amp;b=2#c">`, `<a href="http://h/gone?a=1&amp;b=2#c">`],
    ["gives a scheme to what has none", `<img src=//cdn.example/i.png>`, `<img src=http://cdn.example/i.png>`],
    ["leaves what is absolute already", `<a href=" https://x.example/a b ">`, `<a href=" https://x.example/a b ">`],
    ["leaves what is no place on the web", `<a href="mailto:a@b"><a href='javascript:f()'>`, ""],
    ["leaves what is on the page itself", `<a href="#a"><a href=""><a href>`, ""],
    ["knows references in references", `<a href="other?a=1&amp;b=2">`, `<a href="other%40a%3D1%26b%3D2.html">`],
    ["keeps quotes, cases and blanks", `<A\n HREF = 'other'  id=x>`, `<A\n HREF = 'other.html'  id=x>`],
    ["puts no quote into quotes", `<a href='/it"s'>`, `<a href='http://h/it%22s'>`],
    ["escapes an apostrophe", `<a href='/it&#39;s'>`, `<a href='http://h/it&#39;s'>`],
    ["takes the first of two attributes", `<a href=other href=/gone>`, `<a href=other.html href=/gone>`],
    [
      "edits candidates where they stand",
      `<img srcset="/a.png 1x,\n b.png 2x, c.png">`,
      `<img srcset="../a.png 1x,\n b.png 2x, http://h/docs/c.png">`
    ],
    [
      "edits lazy pictures",
      `<img data-src="/a.png" data-srcset="/a.png 2x">`,
      `<img data-src="../a.png" data-srcset="../a.png 2x">`
    ],
    [
      "edits styles in attributes",
      `<p style="background: url(/a.png) 'é'">`,
      `<p style="background: url(../a.png) &#39;&#233;&#39;">`
    ],
    ["keeps the bytes of plain styles", `<p style="a:url('/a.png');b:'x'">`, `<p style="a:url('../a.png');b:'x'">`],
    [
      "edits sheets in a page",
      `<style>/* url(no) */ @import "s.css"; p{a:url( /a.png )}</style>url(/a.png)`,
      `<style>/* url(no) */ @import "s.css"; p{a:url( ../a.png )}</style>url(/a.png)`
    ],
    [
      "edits what a page goes on with",
      `<meta http-equiv=refresh content="0; URL='/else/x'">`,
      `<meta http-equiv=refresh content="0; URL='../else/x.html'">`
    ],
    [
      "edits a document in an attribute",
      `<iframe srcdoc="<a href='/else/x'>&amp;lt;é</a>">`,
      `<iframe srcdoc="&#60;a href=&#39;../else/x.html&#39;&#62;&amp;lt;&#233;&#60;/a&#62;">`
    ],
    [
      "sends forms where they went",
      `<form action=other method=POST><form action=other>`,
      `<form action=http://h/docs/other method=POST><form action=other.html>`
    ],
    [
      "edits no text, comment or script",
      `<!-- <a href=other> --><script>"<a href=other>"</script><textarea><a href=other></textarea>`,
      ""
    ],
    [
      "knows the base, and puts it out of force",
      `<base href="/else/" target=_top><a href=x><a href="#y">`,
      `<base data-href="/else/" target=_top><a href=../else/x.html><a href="http://h/else/#y">`
    ],
    [
      "knows no base in SVG",
      `<svg><base href="/else/"></svg><a href=other>`,
      `<svg><base href="/else/"></svg><a href=other.html>`
    ],
    [
      "puts a policy out of force",
      `<meta http-equiv="Content-Security-Policy" content="default-src 'self'">`,
      `<meta data-http-equiv="Content-Security-Policy" content="default-src 'self'">`
    ],
    [
      "puts a hash out of force for a file",
      `<link rel=stylesheet href=s.css integrity="sha256-x" crossorigin>`,
      `<link rel=stylesheet href=s.css data-integrity="sha256-x" data-crossorigin>`
    ],
    [
      "keeps a hash for what is not saved",
      `<script src="https://cdn.example/x.js" integrity=sha256-x crossorigin></script>`,
      ""
    ],
    [
      "asks no one by itself",
      `<link rel=preconnect href=//cdn.example><a href=other ping=/p>`,
      `<link rel=preconnect data-href=//cdn.example><a href=other.html data-ping=/p>`
    ],
    [
      "edits SVG in a page",
      `<svg><image xlink:href="/a.png"/><style>a{b:url(/a.png)}</style></svg>`,
      `<svg><image xlink:href="../a.png"/><style>a{b:url(../a.png)}</style></svg>`
    ]
  ]
  it.each(cases)("%s", (_, before, after) => {
    const told = "<meta charset=utf-8>"
    assert.strictEqual(rewrite(told + before), Buffer.from(told + (after === "" ? before : after)).toString("latin1"))
  })

  it("that is XML names its sheets before the first element", () => {
    const page = (saved: string, gone: string) =>
      `<?xml version="1.0"?><?xml-stylesheet href='${saved}' type="text/css"?>\n<?xml-stylesheet\nhref="${gone}"?><svg/>`
    const before = page("/else/../docs/s.css#x", "/gone?a=1&amp;b=2")
    for (const type of ["image/svg+xml", "application/xhtml+xml"])
      assert.strictEqual(rewrite(before, type), page("s.css#x", "http://h/gone?a=1&amp;b=2"))
    assert.strictEqual(rewrite(before, "text/html"), before)
    const late = `<html><?xml-stylesheet href="s.css"?></html>`
    assert.strictEqual(rewrite(late, "application/xhtml+xml"), late)
    assert.strictEqual(
      rewrite(Buffer.from(page("other", "/\u00e9"), "utf16le"), "image/svg+xml; charset=utf-16le"),
      Buffer.from(page("other.html", "http://h/%C3%A9"), "utf16le").toString("latin1")
    )
  })

  it("says each URL it refers to once, and nothing that is only sent", () => {
    const { urls } = Rewriting.read({
      bytes: Buffer.from(
        `<a href=x><a href="x#y"><img src="/i.png"><form method=post action=/send><a href="mailto:a">`
      ),
      url,
      contentType: "text/html"
    })
    assert.deepStrictEqual(urls, ["http://h/docs/x", "http://h/i.png"])
  })

  it("is rewritten however many references it has", () => {
    const rewritten = rewrite(`<meta charset=utf-8>${"<img src=/a.png>".repeat(200_000)}`)
    assert.strictEqual(rewritten.split("<img src=../a.png>").length, 200_001)
  })
})

describe("the encoding of a page", () => {
  const charsets: ReadonlyArray<readonly [encoding: string, bytes: ReadonlyArray<number>, url: string]> = [
    ["utf-8", [0xc3, 0xa9], "%C3%A9.html"],
    ["windows-1252", [0xe9], "%C3%A9.html"],
    ["shift_jis", [0x93, 0xfa], "%E6%97%A5.html"],
    ["euc-jp", [0xc6, 0xfc], "%E6%97%A5.html"],
    ["iso-2022-jp", [0x1b, 0x24, 0x42, 0x46, 0x7c, 0x1b, 0x28, 0x42], "%E6%97%A5.html"],
    ["gbk", [0xc8, 0xd5], "%E6%97%A5.html"]
  ]
  it.each(charsets)("is that of its references: %s", (encoding, octets, file) => {
    const around = Buffer.from([...octets, ...octets])
    const bytes = Buffer.concat([
      Buffer.from(`<meta charset=${encoding}><p>`),
      around,
      Buffer.from('<a href="'),
      Buffer.from(octets),
      Buffer.from('">'),
      around
    ])
    const expected = Buffer.concat([
      Buffer.from(`<meta charset=${encoding}><p>`),
      around,
      Buffer.from(`<a href="${file}">`),
      around
    ])
    assert.strictEqual(rewrite(bytes), expected.toString("latin1"))
  })

  it.each(["utf-16le", "utf-16be"] as const)("may take two bytes a character: %s", (encoding) => {
    const encode = (text: string) => {
      const units = Buffer.from(`\uFEFF${text}`, "utf16le")
      return encoding === "utf-16le" ? units : units.swap16()
    }
    assert.strictEqual(rewrite(encode('<p>é<a href="é">')), encode('<p>é<a href="%C3%A9.html">').toString("latin1"))
  })

  it("is written down where only the Content-Type told it", () => {
    const octets = Buffer.from([0x93, 0xfa]).toString("latin1")
    const of = (text: string) => rewrite(Buffer.from(text, "latin1"), "text/html; charset=Shift_JIS")
    assert.strictEqual(
      of(`<!doctype html><html lang="a>b"><head><title>${octets}`),
      `<!doctype html><html lang="a>b"><head><meta charset="shift_jis"><title>${octets}`
    )
    assert.strictEqual(
      of(`<!-- x --><!doctype html>\n<p>${octets}`),
      `<!-- x --><!doctype html>\n<meta charset="shift_jis"><p>${octets}`
    )
    assert.strictEqual(of(`<meta charset=euc-jp>${octets}`), `<meta charset="shift_jis"><meta charset=euc-jp>${octets}`)
    assert.strictEqual(of(`<meta charset=sjis>${octets}`), `<meta charset=sjis>${octets}`)
    assert.strictEqual(of("<p>plain"), "<p>plain")
  })
})

describe("a style sheet", () => {
  const from = "http://h/docs/s.css"
  const sheet = (text: string | Uint8Array, type = "text/css") => rewrite(text, type, from)
  it("is edited where its URLs stand", () => {
    assert.strictEqual(
      sheet(
        `@import "other";@import url( '/else/x' ) screen;a{b:url(/gone\\)x);c:url("/it's");d:url(#e);f:url(data:,x)}`
      ),
      `@import "other.html";@import url( '../else/x.html' ) screen;a{b:url(http://h/gone\\)x);c:url("http://h/it\\'s");d:url(#e);f:url(data:,x)}`
    )
  })
  it("may have names in any characters", () => {
    assert.strictEqual(sheet(`a{b:url(é);c:url("日")}`), `a{b:url(%C3%A9.html);c:url("%E6%97%A5.html")}`)
  })
  it("is not misled by a second octet that is a backslash", () => {
    // 表 is 95 5C in Shift_JIS
    const octets = Buffer.from([0x95, 0x5c]).toString("latin1")
    const text = (path: string) => `@charset "shift_jis";a{content:"${octets}";b:url(${path})}`
    assert.strictEqual(sheet(Buffer.from(text("/a.png"), "latin1")), text("../a.png"))
  })
  it("gets the encoding that only its Content-Type told", () => {
    assert.strictEqual(sheet(Buffer.from([0xe9]), "text/css; charset=latin1"), '@charset "windows-1252";\u00e9')
  })
})
