import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Sketch from "../../src/crawl/Sketch.ts"
import { Links } from "../../src/extract/Links.ts"

const of = (...pieces: ReadonlyArray<string>) => {
  const sketch = new Sketch.Sketch()
  for (const piece of pieces) {
    const bytes = Buffer.from(`x${piece}x`)
    sketch.write(bytes, 1, bytes.length - 1)
  }
  return sketch.end()
}
const words = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) =>
    String(from + index).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!)
  ).join(" ")

describe("Sketch", () => {
  it("is the same for the same words, whatever their order, case and number", () => {
    const one = of("On Monday the 3rd, at 10:30: nothing")
    assert.deepStrictEqual(of("nothing at on MONDAY the 3rd, the ", "nothing 30 10"), one)
    assert.notDeepEqual(of("On Monday the 3rd, at 10:31: nothing"), one)
    assert.strictEqual(of("., -").length, 0)
    assert.deepStrictEqual(of("On Mon", "day the 3rd", ", at 10:3", "0: noth", "", "ing"), one)
  })

  it("is the same of a page however it is cut, and whatever it is written in", () => {
    const sketch = (page: Uint8Array, encoding: string, cuts: ReadonlyArray<number>) => {
      const sketch = new Sketch.Sketch()
      const contentType = `text/html; charset=${encoding}`
      const links = new Links(
        { url: "http://h/", contentType, text: (bytes, from, to) => sketch.write(bytes, from, to) },
        () => {}
      )
      let start = 0
      for (const end of [...cuts, page.length]) {
        links.write(page.subarray(start, end))
        start = end
      }
      links.end()
      return sketch.end()
    }
    // "слово", "表示": of the latter the first ends with a byte of ASCII in Shift_JIS
    const word = {
      "utf-8": ["\xD1\x81\xD0\xBB\xD0\xBE\xD0\xB2\xD0\xBE", "\xE8\xA1\xA8\xE7\xA4\xBA"],
      "windows-1251": ["\xF1\xEB\xEE\xE2\xEE"],
      shift_jis: ["\x95\x5C\x8E\xA6"],
      gb18030: ["\xD0\xB4", "\x81\x30\x81\x30"],
      "iso-2022-jp": ["\x1B$BI=<(\x1B(B"]
    }
    const markup = "<p>|</p>|<b>|<svg>|</svg>| < |<!-- > -->|<title>|</title>|<a href=x>|<script>|</script>|word| |>|1"
    for (const [encoding, words] of Object.entries(word))
      fc.assert(
        fc.property(
          fc.array(fc.constantFrom(...words, ...words, ...words, ...markup.split("|")), { maxLength: 40 }),
          fc.array(fc.nat(), { maxLength: 4 }),
          fc.boolean(),
          (pieces, places, isLong) => {
            const page = Buffer.from((isLong ? " ".repeat(1100) : "") + pieces.join(""), "latin1")
            const cuts = places.map((place) => page.length - (place % (page.length + 1))).toSorted((a, b) => a - b)
            assert.deepStrictEqual(sketch(page, encoding, cuts), sketch(page, encoding, []))
          }
        ),
        { numRuns: 300 }
      )
    const of = (encoding: string, before: string, word: string) =>
      sketch(Buffer.from(before + word, "latin1"), encoding, [])
    for (const before of ["<p>", "<svg>"])
      assert.deepStrictEqual(
        of("windows-1251", before, word["windows-1251"][0]!),
        of("utf-8", "<p>", word["utf-8"][0]!)
      )
  })

  it("tells texts that share most of their words from those that do not", () => {
    const base = of(words(0, 1000))
    assert.isTrue(Sketch.isAlike(base, of(words(10, 1010))))
    assert.isFalse(Sketch.isAlike(base, of(words(500, 1500))))
    assert.isFalse(Sketch.isAlike(base, of("")))
    assert.isTrue(Sketch.isAlike(of(""), of("!")))
  })

  it("is no larger than it may be", () => {
    assert.strictEqual(of(words(0, 100_000)).length, Sketch.size)
  })
})
