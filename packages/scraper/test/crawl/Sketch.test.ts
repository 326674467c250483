import { assert, describe, it } from "@effect/vitest"
import * as Sketch from "../../src/crawl/Sketch.ts"

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
