import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import sniff from "html-encoding-sniffer"
import * as Encoding from "../../src/extract/Encoding.ts"

/** As in `Encoding.ts`. */
const sniffHtml: (bytes: Uint8Array, options: { readonly defaultEncoding: string }) => string = sniff

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1")

const html = (text: string, contentType?: string) => Encoding.detect(bytes(text), { syntax: "html", contentType })

/** The text of a document that arrives in chunks of `size` bytes. */
const decode = (document: Uint8Array, hints: Encoding.Hints, size = document.length || 1): string => {
  const decoder = new Encoding.Decoder(hints)
  let text = ""
  for (let start = 0; start < document.length; start += size) {
    const chunk = Uint8Array.from(document.subarray(start, start + size))
    text += decoder.write(chunk)
    // the session uses its memory again
    chunk.fill(0x3c)
  }
  return text + decoder.end()
}

describe("labels", () => {
  it("name encodings in any case, with blanks around them", () => {
    for (const [label, encoding] of [
      [" Latin1\t", "windows-1252"],
      ["ascii", "windows-1252"],
      ["UTF8", "utf-8"],
      ["x-sjis", "shift_jis"],
      ["gb2312", "gbk"],
      ["unicode", "utf-16le"],
      ["iso-2022-kr", "replacement"],
      ["utf-7", undefined],
      ["", undefined]
    ] as const)
      assert.strictEqual(Encoding.fromLabel(label), encoding, label)
  })

  it("are read out of a Content-Type, quoted or not", () => {
    for (const [type, encoding] of [
      ["text/html; charset=koi8-r", "koi8-r"],
      ['text/html;Charset="KOI8-R"', "koi8-r"],
      ["text/html; a=b; charset= koi8-r; charset=big5", "koi8-r"],
      ["text/html; charset=koi8-r, text/html", "koi8-r"],
      ["text/html;; a;b=;'=(;charset=koi8-r", "koi8-r"],
      ['text/html; charset="\\koi8\\-r" c', "koi8-r"],
      ['text/html; charset="koi8-r', "koi8-r"],
      ['text/html; a="b; charset=big5; c"; charset=koi8-r', "koi8-r"],
      ["text/html; xcharset=koi8-r", undefined],
      ["text/html; charset =koi8-r", undefined],
      ["text/html; charset='koi8-r'", undefined],
      ['text/html; charset=koi8-r"', undefined],
      ['text/html; charset=""; charset=koi8-r', undefined],
      ["text/html; charset=nonsense", undefined],
      ["text/html; charset=", undefined],
      ["charset=koi8-r", undefined],
      ["text/html", undefined],
      [undefined, undefined],
      ["text/html;charset=; charset=koi8-r", "koi8-r"],
      ["text/html;charset= ;charset=koi8-r", "koi8-r"]
    ] as const)
      assert.strictEqual(Encoding.fromContentType(type), encoding, type)
  })

  // by the square of its length it would take minutes
  it("are looked for in a long Content-Type by work that grows as it does", { timeout: 10_000 }, () => {
    assert.isUndefined(Encoding.fromContentType(`text/html;${" ".repeat(300_000)}charset`))
  })

  it("are read out of a pragma by rules of its own", () => {
    for (const [content, encoding] of [
      ["text/html; charset=koi8-r", "koi8-r"],
      ["text/html charset=koi8-r", "koi8-r"],
      ["charsets; CHARSET\t=\n'koi8-r'x", "koi8-r"],
      ['charset="koi8-r"', "koi8-r"],
      ["charset=koi8-r;a", "koi8-r"],
      ["charset='koi8-r", undefined],
      ["charset=koi8-r'", undefined],
      ["charset=''", undefined],
      ["text/html", undefined]
    ] as const)
      assert.strictEqual(Encoding.fromPragma(content), encoding, content)
  })
})

describe("detect", () => {
  it("believes the byte order mark, then the header, then the document", () => {
    const meta = '<meta charset="koi8-r">'
    assert.deepStrictEqual(html(`\xef\xbb\xbf${meta}`, "text/html; charset=big5"), {
      encoding: "utf-8",
      source: "mark"
    })
    assert.deepStrictEqual(html(`\xff\xfe${meta}`), { encoding: "utf-16le", source: "mark" })
    assert.deepStrictEqual(html(`\xfe\xff${meta}`), { encoding: "utf-16be", source: "mark" })
    assert.deepStrictEqual(html(meta, "text/html; charset=big5"), { encoding: "big5", source: "header" })
    assert.deepStrictEqual(html(meta, "text/html; charset=nonsense"), { encoding: "koi8-r", source: "document" })
    assert.deepStrictEqual(html("<p>"), { encoding: "windows-1252", source: "default" })
    assert.deepStrictEqual(html(""), { encoding: "windows-1252", source: "default" })
  })

  it("reads a pragma, and an XML declaration before a page", () => {
    assert.strictEqual(html('<meta content="text/html; charset=koi8-r" http-equiv=content-type>').encoding, "koi8-r")
    assert.strictEqual(html('<?xml version="1.0" encoding="koi8-r"?><html>').encoding, "koi8-r")
    assert.strictEqual(html('<!-- <meta charset="koi8-r"> -->').source, "default")
  })

  it("finds at a glance what is found attribute by attribute, whatever it found before", () => {
    const seed = 20261
    const next = Randomness.make(seed)
    const pieces = [
      "<!doctype html>",
      "<!DOCTYPE a>",
      "<!-",
      "<!--",
      "-->",
      "<html>",
      "<html lang=",
      '"en"',
      "<head>",
      "</head>",
      "<title>",
      "</title>",
      '</p a="><meta charset=big5>">',
      "<p",
      "<p title=",
      "<meta",
      "<meta ",
      "<metadata>",
      '<meta name="a" content="b">',
      "charset=",
      "content=",
      '"text/html; charset=koi8-r"',
      'http-equiv="content-type"',
      '"koi8-r"',
      "koi8-r",
      "utf-16",
      '<meta charset="',
      '<meta charset="utf-8">',
      '<META CHARSET="Big5" />',
      '<meta charset="none">',
      '"',
      "'",
      "/>",
      ">",
      "/",
      " ",
      "\n",
      "=",
      "a",
      '<?xml encoding="koi8-r"?>',
      "é"
    ]
    let found = 0
    for (let page = 0; page < 10_000; page++) {
      let text = next() < 0.5 ? '<!doctype html>\n<html lang="en">' : ""
      for (let length = 1 + next() * 12; length > 0; length--) text += pieces[Math.floor(next() * pieces.length)]
      const expected = sniffHtml(bytes(text), { defaultEncoding: "" }).toLowerCase()
      if (expected !== "") found++
      assert.strictEqual(html(text).encoding, expected || "windows-1252", `seed ${seed}: ${text}`)
    }
    assert.isAbove(found, 500)
  })

  it("takes UTF-16 in a declaration for UTF-8, since it could be read", () => {
    assert.strictEqual(html("<meta charset=utf-16>").encoding, "utf-8")
    assert.strictEqual(html("<meta charset=x-user-defined>").encoding, "windows-1252")
    assert.strictEqual(Encoding.declared("UTF-16BE"), "utf-8")
  })

  it("asks the first 1024 bytes and no more", () => {
    const meta = '<meta charset="koi8-r">'
    assert.strictEqual(html(meta.padStart(1024)).encoding, "koi8-r")
    assert.strictEqual(html(meta.padStart(1025)).source, "default")
  })

  it("knows the declarations of XML and style sheets", () => {
    const of = (text: string, syntax: Encoding.Syntax, fallback?: string) =>
      Encoding.detect(bytes(text), { syntax, fallback }).encoding
    assert.strictEqual(of('<?xml version="1.0" encoding="ISO-8859-2"?>', "xml"), "iso-8859-2")
    assert.strictEqual(of("<?xml version='1.0'?>", "xml"), "utf-8")
    assert.strictEqual(of("\0<\0?\0x\0m\0l\0 ", "xml"), "utf-16be")
    assert.strictEqual(of('@charset "koi8-r";', "css"), "koi8-r")
    assert.strictEqual(of("@charset 'koi8-r';", "css", "big5"), "big5")
    assert.strictEqual(of("a{}", "css"), "utf-8")
    assert.strictEqual(of("<meta charset=koi8-r>", "text"), "utf-8")
  })
})

describe("Decoder", () => {
  it("decodes as the Encoding Standard says where Node's own decoder does not", () => {
    const of = (encoding: string, ...octets: ReadonlyArray<number>) =>
      decode(Uint8Array.from(octets), { syntax: "html", contentType: `text/html; charset=${encoding}` })
    assert.strictEqual(of("windows-1252", 0x80, 0x92, 0x81), "€’\x81")
    assert.strictEqual(of("shift_jis", 0x1a, 0x80, 0xfc), "\x1a\x80\uFFFD")
    assert.strictEqual(of("big5", 0x80, 0x87, 0x40), "\uFFFD䏰")
    assert.strictEqual(of("euc-kr", 0x80), "\uFFFD")
    assert.strictEqual(of("euc-jp", 0x80, 0xa4, 0xa2), "\uFFFDあ")
    assert.strictEqual(of("iso-8859-8-i", 0xe0), "א")
  })

  it("gives the same text however the bytes are cut", () => {
    const documents: ReadonlyArray<readonly [Uint8Array, string?]> = [
      [Buffer.from(`\uFEFF${"<p>grüße 😀</p>".repeat(150)}`)],
      [Buffer.from(`<meta charset=utf-8>${"<p>grüße 😀</p>".repeat(150)}`)],
      [Buffer.from(`\uFEFF${"<p>grüße 😀</p>".repeat(70)}`, "utf16le")],
      [bytes(`<meta charset=shift_jis>${"\x82\xa0\x80\x81".repeat(400)}`)],
      [bytes('\x1b$B$"\x1b(B '.repeat(300)), "text/html; charset=iso-2022-jp"],
      [bytes("\x81\x30\x81\x30\xc4\xe3".repeat(300)), "text/html; charset=gb18030"],
      [bytes("abc".repeat(1000)), "text/html; charset=iso-2022-kr"],
      [bytes("short \xe4")],
      [bytes("")]
    ]
    for (const [document, contentType] of documents) {
      const hints: Encoding.Hints = { syntax: "html", contentType }
      const whole = decode(document, hints)
      for (const size of [1, 2, 3, 7, 64, 1023, 1024, 1025])
        assert.strictEqual(decode(document, hints, size), whole, `${size} bytes`)
    }
  })

  it("holds back no more than it asks", () => {
    const decoder = new Encoding.Decoder({ syntax: "html" })
    assert.strictEqual(decoder.write(new Uint8Array(1023).fill(0x61)), "")
    assert.isFalse(decoder.sniffed !== undefined)
    assert.strictEqual(decoder.write(new Uint8Array(1).fill(0x61)).length, 1024)
    assert.strictEqual(decoder.sniffed?.encoding, "windows-1252")
  })

  it("gives nothing to read of what must not be decoded", () => {
    const page = bytes("<a href=/x>".repeat(1000))
    assert.strictEqual(decode(page, { syntax: "html", contentType: "text/html; charset=iso-2022-cn" }, 100), "\uFFFD")
  })

  it("decodes what is to come as something else when told to", () => {
    const decoder = new Encoding.Decoder({ syntax: "html", fallback: "windows-1252" })
    let text = decoder.write(bytes("\xe4".repeat(1024)))
    decoder.change("koi8-r")
    text += decoder.write(bytes("\xe4")) + decoder.end()
    assert.strictEqual(text, `${"ä".repeat(1024)}Д`)
    assert.deepStrictEqual(decoder.sniffed, { encoding: "koi8-r", source: "document" })
  })
})
