import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import { parseFragment } from "parse5"
import * as Encoding from "../../src/extract/Encoding.ts"
import { type Options, type Output, Tags } from "../../src/extract/Tags.ts"

/** As `Links` does: what may be read from its bytes is. */
const give = (tags: Tags, bytes: Uint8Array, decoder: Encoding.Decoder) => {
  for (let at = 0; at < bytes.length;) {
    if (tags.isBetween) at = tags.read(bytes, at, decoder.decodeAlone, decoder.sniffed!.encoding === "utf-8")
    const end = bytes.indexOf(0x3e, at + 1) + 1 || bytes.length
    tags.write(decoder.decode(bytes.subarray(at, end)))
    at = end
  }
}

const decoderOf = (encoding: string) => {
  const decoder = new Encoding.Decoder({ syntax: "text", fallback: encoding })
  decoder.takeAll()
  return decoder
}

/** What comes out, a line each; text in one piece. */
const read = (
  markup: string,
  options: Partial<Options> = {},
  size = markup.length || 1,
  output: Partial<Output> = {},
  isAllTold = true
): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let text = ""
  const say = (line: string) => {
    if (text !== "") lines.push(`"${text}"`)
    text = ""
    lines.push(line)
  }
  const tags = new Tags(
    { wants: () => true, maxValue: 1000, ...options },
    {
      open: (name, attributes, position) =>
        say(`<${[name, ...[...attributes].map(([key, value]) => `${key}=${value}`)].join(" ")}> ${position}`),
      close: (name) => say(`</${name}>`),
      text: (piece) => (text += piece),
      bytes: (bytes, from, to) => (text += Buffer.from(bytes).toString("utf8", from, to)),
      ...(isAllTold && {
        comment: (comment: string) => say(`<!--${comment}-->`),
        declaration: (declaration: string) => say(`<!${declaration}>`)
      }),
      ...output
    }
  )
  const decoder = decoderOf("utf-8")
  for (let start = 0; start < markup.length; start += size)
    give(tags, Buffer.from(markup.slice(start, start + size)), decoder)
  tags.end()
  if (text !== "") say("")
  return lines.filter((line) => line !== "")
}

const documents: ReadonlyArray<readonly [markup: string, lines: ReadonlyArray<string>, options?: Partial<Options>]> = [
  ["<A HREF=x>y</a>", ["<a href=x> 0", '"y"', "</a>"]],
  ["a<b c='1&amp;2' d=\"&lt;\" e=3&copy f c=9>", ['"a"', "<b c=1&2 d=< e=3© f=> 1"]],
  ["<a href='?a=1&copy=2&lt'>", ["<a href=?a=1&copy=2<> 0"]],
  ["<a b='x\0y' c=\0&#0;>", ["<a b=x\uFFFDy c=\uFFFD\uFFFD> 0"]],
  ["<script>a<b>'</scr'</script >x", ["<script> 0", "\"a<b>'</scr'\"", "</script>", '"x"']],
  [
    "<style><!--a{}--></style><title>&lt;a></title>",
    ["<style> 0", '"<!--a{}-->"', "</style>", "<title> 25", '"<a>"', "</title>"]
  ],
  ["<!DOCTYPE html><!-- <a> --><?php a>b", ["<!DOCTYPE html>", "<!-- <a> -->", "<!--?php a-->", '"b"']],
  [
    "<svg><style><a></style></svg><style><a></style>",
    ["<svg> 0", "<style> 5", "<a> 12", "</style>", "</svg>", "<style> 29", '"<a>"', "</style>"]
  ],
  ["<svg><p><style><a></style>", ["<svg> 0", "<p> 5", "<style> 8", '"<a>"', "</style>"]],
  ["<p><svg></p><style><a></style>", ["<p> 0", "<svg> 3", "</p>", "<style> 12", '"<a>"', "</style>"]],
  [
    "<svg><desc><style><a></style></desc><script/><b>",
    ["<svg> 0", "<desc> 5", "<style> 11", '"<a>"', "</style>", "</desc>", "<script> 36", "</script>", "<b> 45"]
  ],
  ["<svg/><script><a></script>", ["<svg> 0", "</svg>", "<script> 6", '"<a>"', "</script>"]],
  ["<a href='x", []],
  ["<a b", []],
  ["x < y", ['"x < y"']],
  ["<script/>a</script>", ["<script> 0", '"a"', "</script>"]],
  ["<script/><a/>", ["<script> 0", "</script>", "<a> 9", "</a>"], { emptyElements: true }],
  [
    "<a:B C='d'/><e><![CDATA[<f>&amp;]]>&amp;&#x41;</e>",
    ["<a:B C=d> 0", "</a:B>", "<e> 12", '"<f>&amp;&A"', "</e>"],
    { xml: true }
  ],
  ["<?xml version='1.0'?><a>&unknown;</b>", ["<a> 21", '"&unknown;"', "</b>"], { xml: true }]
]

describe("Tags", () => {
  it("reads markup as browsers do", () => {
    for (const [markup, lines, options] of documents) assert.deepStrictEqual(read(markup, options), lines, markup)
  })

  it("reads the same however it is cut", () => {
    for (const [markup, lines, options] of documents)
      for (const size of [1, 2, 3, 5, 8])
        assert.deepStrictEqual(read(markup, options, size), lines, `${size}: ${markup}`)
  })

  /** Of what is read from bytes no place is told. */
  const placeless = (lines: ReadonlyArray<string>) => lines.map((line) => line.replace(/> \d+$/, ">"))
  const tags = (lines: ReadonlyArray<string>) => placeless(lines.filter((line) => line.startsWith("<")))

  it("reads the same tags when it passes over text", () => {
    for (const [markup, lines, options] of documents)
      for (const size of [1, 3, markup.length])
        assert.deepStrictEqual(
          tags(read(markup, { ...options, rawText: true }, size)),
          tags(lines),
          `${size}: ${markup}`
        )
    assert.deepStrictEqual(read("a &amp; b<a b='&quot;\"&amp;amp;'>", { rawText: true }), [
      '"a &amp; b"',
      '<a b=""&amp;> 0'
    ])
  })

  it("reads from bytes and from text the same", () => {
    const pieces =
      "< > / </ = \" ' & ! - <!-- --> <a <A <p <svg </svg> <script </script> <style> <title </title> b= href=x src='y' c href".split(
        " "
      )
    pieces.push(
      " ",
      "\n",
      "\f",
      "\v",
      "é",
      '"&amp;"',
      "<br/>",
      "< /",
      `<a href="/page">`,
      "</a>",
      "<![CDATA[",
      "]]>",
      "x".repeat(40),
      "<!DOCTYPE html>",
      "<!",
      "<!-->",
      "--!>",
      "-",
      "<textarea>",
      "</textarea\n>",
      "</SCRIPT/",
      "<style/>",
      "<title>a</title>",
      "<style>é</style >",
      "<script src=x></script>"
    )
    // what is cut off within a tag comes out as some text or other
    const ends = `'"--></script></style></title></xmp></iframe><p>`
    for (let seed = 1; seed <= 3000; seed++) {
      const random = Randomness.make(seed)
      const any = (count: number) => Randomness.below(random, count)
      const markup = Array.from({ length: 1 + any(30) }, () => pieces[any(pieces.length)]).join("") + ends
      const options = { rawText: true, emptyElements: seed % 2 === 0, maxValue: 12 }
      const size = seed % 3 === 0 ? markup.length : 1 + any(20)
      for (const isAllTold of [true, false])
        assert.deepStrictEqual(
          placeless(read(markup, options, size, {}, isAllTold)),
          placeless(read(markup, options, size, { attribute: () => {} }, isAllTold)),
          `${seed}: ${JSON.stringify(markup)}`
        )
    }
  })

  it("resolves references in values as browsers do", () => {
    const pieces =
      "&amp; &amp &AMP; &Amp; &a= &b=1 &copy= &copy; &copy &notit; &lt &#38; &#x26 & = ; amp; x / é ' <".split(" ")
    for (let seed = 1; seed <= 3000; seed++) {
      const random = Randomness.make(seed)
      const any = (count: number) => Randomness.below(random, count)
      const value = Array.from({ length: 1 + any(6) }, () => pieces[any(pieces.length)]).join("")
      const [element] = parseFragment(`<a href="${value}">`).childNodes
      const [attribute] = element !== undefined && "attrs" in element ? element.attrs : []
      for (const rawText of [true, false]) {
        const lines = read(`<a href="${value}">`, { rawText }, undefined, {}, false)
        assert.deepStrictEqual(placeless(lines), [`<a href=${attribute!.value}>`], `${seed}: ${value}`)
      }
    }
  })

  it("reads a whole tag from its bytes, whatever its values are written in", () => {
    for (const value of ["/x", "/\u0441?\u00E9", "\0\uFFFD", "&amp;\u{1F600}", "\uFEFFx"]) {
      const bytes = Buffer.from(`<a href='${value}' title="${value}">`)
      const values: Array<string> = []
      const tags = new Tags(
        { wants: (name) => name === "href", maxValue: 100, rawText: true },
        {
          open: (_name, attributes) => values.push(...[...attributes].map((attribute) => attribute[1])),
          close: () => {}
        }
      )
      assert.strictEqual(tags.read(bytes, 0, decoderOf("utf-8").decodeAlone, true), bytes.length)
      assert.deepStrictEqual(values, [value.replace("&amp;", "&").replace("\0", "\uFFFD")])
    }
  })

  it("takes for UTF-8 what is, and nothing else", () => {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true })
    const ends = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff]
    const firsts = [
      0x41, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff
    ]
    for (const first of firsts)
      for (const second of ends)
        for (const third of ends)
          for (const fourth of ends) {
            const value = Uint8Array.of(first, second, third, fourth)
            const bytes = Buffer.concat([Buffer.from("<a b='"), value, Buffer.from("'>")])
            const values: Array<string> = []
            const tags = new Tags(
              { wants: () => true, maxValue: 4, rawText: true },
              { open: (_name, attributes) => values.push(attributes.value(0)), close: () => {} }
            )
            tags.read(bytes, 0, (bytes) => decoder.decode(bytes), true)
            assert.deepStrictEqual(values, [decoder.decode(value).replaceAll("\0", "\uFFFD")], String(value))
          }
  })

  it("reads from bytes and from text the same in each encoding like ASCII, wherever it is cut", () => {
    const encodings =
      "utf-8 gb18030 gbk big5 euc-jp euc-kr shift_jis windows-1251 windows-1252 koi8-r macintosh x-user-defined"
    const bytes = [0x00, 0x26, 0x30, 0x39, 0x41, 0x5c, 0x7e, 0x80, 0x81, 0x8e, 0x8f, 0xa1, 0xc3, 0xe3, 0xf0, 0xfe]
    const pieces = [...bytes.map((byte) => String.fromCharCode(byte)), "&amp;", "\xEF\xBB\xBF", "\x81\x30\x81"]
    for (const encoding of encodings.split(" "))
      for (let seed = 1; seed <= 10; seed++) {
        const random = Randomness.make(seed)
        const any = (count: number) => Randomness.below(random, count)
        const some = (most: number, from: ReadonlyArray<string>) =>
          Array.from({ length: any(most + 1) }, () => from[any(from.length)]).join("")
        const tag = () => {
          const quote = ["", "'", '"'][any(3)]!
          return `${some(2, pieces)}<a b=${quote}${some(6, pieces)}${quote}${some(1, [" ", "/", "<", "'", '"', ...pieces])}>`
        }
        const markup = `${tag()}${tag()}${tag()}'">`
        const document = Buffer.from(markup, "latin1")
        const opened = (cut: number, output: Partial<Output> = {}) => {
          const lines: Array<string> = []
          const tags = new Tags(
            { wants: (name) => name === "b", maxValue: 6, rawText: true },
            {
              open: (name, attributes) => lines.push(JSON.stringify([name, ...attributes])),
              close: () => {},
              ...output
            }
          )
          const decoder = decoderOf(encoding)
          give(tags, document.subarray(0, cut), decoder)
          give(tags, document.subarray(cut), decoder)
          return lines
        }
        const expected = opened(0, { attribute: () => {} })
        for (let cut = 0; cut < document.length; cut++)
          assert.deepStrictEqual(opened(cut), expected, `${encoding}, ${seed}, ${cut}: ${JSON.stringify(markup)}`)
      }
  })

  it("says where attributes and text stand, however the document is cut", () => {
    const html = `<p ID = x&amp;y title='' hidden data-a="<b>"id=2>text<style>a{}</style><br class=/>`
    for (let size = 1; size <= html.length; size++) {
      const told: Array<string> = []
      const tags = new Tags(
        { wants: () => true, maxValue: 100, rawText: true },
        {
          open: (_name, _attributes, position, end) => told.push(html.slice(position, end + 1)),
          close: () => {},
          attribute: (name, { name: at, start, end, quote }) => {
            assert.strictEqual(html.slice(at, at + name.length).toLowerCase(), name)
            told.push(`${name} ${quote}${html.slice(start, end)}${quote}`)
          },
          text: (text, position) => assert.strictEqual(html.slice(position, position + text.length), text)
        }
      )
      for (let start = 0; start < html.length; start += size) tags.write(html.slice(start, start + size))
      tags.end()
      assert.deepStrictEqual(told, [
        "id x&amp;y",
        "title ''",
        "hidden ",
        'data-a "<b>"',
        html.slice(0, html.indexOf("text")),
        "<style>",
        "class /",
        "<br class=/>"
      ])
    }
  })

  it("keeps no attribute that is not wanted or too long", () => {
    assert.deepStrictEqual(read("<a b=1 c=2>", { wants: (name) => name === "c" }), ["<a c=2> 0"])
    assert.deepStrictEqual(read("<a b=12345 c=1234 d=1&amp;345>", { maxValue: 4 }, 2), ["<a c=1234> 0"])
  })

  it("takes elements in one another without end, and parts without an end", () => {
    for (const piece of [
      "<div>",
      "<svg>",
      "<svg><desc>",
      "<a b",
      "<!--",
      "<![CDATA[",
      "&",
      "<",
      "</",
      "<a b='",
      "a=b ",
      "<!x"
    ])
      for (const xml of [false, true])
        assert.isArray(read(piece.repeat(300_000 / piece.length), { xml, wants: () => false }, 65_536), piece)
    assert.isBelow(
      read(`<a ${Array.from({ length: 100_000 }, (_, index) => `b${index}=x`).join(" ")}>`)[0]!.length,
      3000
    )
  })
})
