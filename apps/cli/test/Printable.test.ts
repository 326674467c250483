import { assert, describe, it } from "@effect/vitest"
import { printable } from "../src/Printable.ts"

describe("printable", () => {
  it("leaves what people write as it is", () => {
    const text = "https://exämple.org/日本語/🎉?q=a b&c=%20"
    assert.strictEqual(printable(text), text)
  })
  it("shows what a terminal would obey", () => {
    assert.strictEqual(
      printable("\x1b[31mred\x07\r\n\t\x7f\x9b2J"),
      "\\u{1b}[31mred\\u{7}\\u{d}\\u{a}\\u{9}\\u{7f}\\u{9b}2J"
    )
  })
  it("shows what would reorder or hide text", () => {
    for (const point of [
      0x61c, 0x200b, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202e, 0x2060, 0x2066, 0x2069, 0xfeff, 0xe0041
    ]) {
      assert.strictEqual(printable(`a${String.fromCodePoint(point)}b`), `a\\u{${point.toString(16)}}b`)
    }
  })
  it("shows half of a surrogate pair", () => {
    assert.strictEqual(printable("a\ud800b"), "a\\u{d800}b")
  })
})
