import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Reference from "../../src/extract/Reference.ts"
import * as Url from "../../src/Url.ts"

const base = "http://h/a/b?c"

const pieces = [..."/ . .. a B ~ - _ %2e %41 ? # : @ ; & \\ é | \" ' http: // \t".split(" "), " ", "../", "./"]
const reference = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((pieces) => pieces.join(""))
const bases = fc.constantFrom(
  base,
  "http://h/",
  "http://u:p@h:81/a/b/c.html",
  "HTTP://H/x/../y",
  "http://h/a?b/c",
  "http://h/a/b//c/d",
  "http://h"
)

describe("resolve", () => {
  it("resolves against the base and cuts the fragment", () => {
    assert.strictEqual(Reference.resolve("../d?e#f", base), "http://h/d?e")
    assert.strictEqual(Reference.resolve("//other/x", base), "http://other/x")
    assert.strictEqual(Reference.resolve(" \n/x\ty ", base), "http://h/xy")
    assert.strictEqual(Reference.resolve("", base), base)
  })

  it("gives nothing for what cannot be fetched", () => {
    for (const reference of [
      "mailto:a@b",
      " javascript:x()",
      "JAVASCRIPT:x",
      "data:,x",
      "ftp://h/",
      "http://",
      "blob:x"
    ])
      assert.isUndefined(Reference.resolve(reference, base), reference)
    assert.isString(Reference.resolve("a b:c", base))
    assert.isString(Reference.resolve("./x:y", base))
  })

  it("writes a query in the encoding of the document, as browsers do", () => {
    const of = (encoding: string, reference = "?q=ä") => Reference.resolve(reference, "http://h/", encoding)
    assert.strictEqual(of("utf-8"), "http://h/?q=%C3%A4")
    assert.strictEqual(of("windows-1252"), "http://h/?q=%E4")
    assert.strictEqual(of("windows-1252", "/ä?ä#ä"), "http://h/%C3%A4?%E4")
    assert.strictEqual(of("koi8-r", "?q=д&'\"<>%zz%20"), "http://h/?q=%C4&%27%22%3C%3E%zz%20")
    assert.strictEqual(of("shift_jis", "?あ"), "http://h/?%82%A0")
    assert.strictEqual(of("windows-1252", "?😀あ"), "http://h/?%26%23128512%3B%26%2312354%3B")
    assert.strictEqual(of("iso-2022-jp", "?\x0ea"), "http://h/?%26%2365533%3Ba")
    assert.strictEqual(of("windows-1252", " ?\tä\n "), "http://h/?%E4")
    assert.strictEqual(of("windows-1252", "#?ä"), "http://h/")
    for (const unicode of ["utf-16le", "utf-16be", "replacement"]) assert.strictEqual(of(unicode), "http://h/?q=%C3%A4")
  })

  it("takes no URL that is longer than 8192 characters", () => {
    assert.isString(Reference.resolve("a".repeat(8000), base))
    assert.isUndefined(Reference.resolve("a".repeat(8193), base))
    assert.isUndefined(Reference.resolve("ä".repeat(8000), base))
  })

  it("gives what `Url.parse` gives, whatever the reference is made of", () => {
    fc.assert(
      fc.property(reference, bases, (reference, base) => {
        const expected = Url.parse(reference, base)
        assert.strictEqual(Reference.resolve(reference, base), typeof expected === "string" ? expected : undefined)
      }),
      { numRuns: 5000 }
    )
  })
})

describe("base", () => {
  it("is short, and leads nowhere, where it is not fetched", () => {
    for (const href of ["file:///C:/x/", " x:y ", `x:/${"a".repeat(1_000_000)}`]) {
      const nowhere = Reference.base(href, base, "utf-8")!
      assert.isBelow(nowhere.length, 100)
      for (const relative of ["a", "/a", "//h/a", "?a", "#a", "../a", ""])
        assert.isUndefined(Reference.resolve(relative, nowhere), relative)
      assert.strictEqual(Reference.resolve("http://h/a", nowhere), "http://h/a")
    }
  })

  it("is none where it is no URL", () => {
    for (const href of ["x://[", "http://", "data:,x", "javascript:x"])
      assert.isUndefined(Reference.base(href, base, "utf-8"), href)
  })
})

describe("prefix", () => {
  /** The URL by which a link would be known again, if that is one. */
  const knownAs = (reference: string, base: string) => {
    const bytes = Buffer.from(`"${reference}"`)
    const to = bytes.length - 1
    const start = Reference.afterDots(bytes, 1, to)
    const prefix = Reference.prefix(bytes, 1, start, to, base)
    if (prefix === undefined) return undefined
    const url = prefix + bytes.toString("utf8", start, to).replace(/#.*$/s, "")
    return Url.parse(url) === url ? url : undefined
  }

  it("makes of a reference the URL that it leads to, or none", () => {
    for (const [reference, url] of [
      ["x?y#z", "http://h/a/x?y"],
      ["/x", "http://h/x"],
      ["http://g/x", "http://g/x"],
      ["../x", "http://h/x"],
      ["../../../x/", "http://h/x/"],
      ["./../?q", "http://h/?q"],
      ["./", "http://h/a/"],
      [`${"../".repeat(40)}x`, undefined],
      ["../x/../y", undefined],
      ["..", undefined],
      ["mailto:x", undefined],
      ["//g/x", undefined],
      ["", undefined]
    ])
      assert.strictEqual(knownAs(reference!, base), url, reference)
  })

  it("never takes a reference for another URL than that", () => {
    let known = 0
    fc.assert(
      fc.property(reference, bases, (reference, base) => {
        const url = knownAs(reference, base)
        if (url === undefined) return
        known++
        assert.strictEqual(url, Url.parse(reference, base))
      }),
      { numRuns: 10_000 }
    )
    assert.isAbove(known, 500)
  })
})
