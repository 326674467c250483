import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Fingerprint from "../../src/crawl/Fingerprint.ts"

describe("a fingerprint", () => {
  it("is a function of the text and the seed", () => {
    const of = Fingerprint.make([1, 2])
    const again = Fingerprint.make([1, 2])
    const other = Fingerprint.make([1, 3])
    for (const text of ["", "a", "ab", "abc", "\0", "\0\0", "ä😀"]) {
      const { high, low } = of(text)
      assert.deepStrictEqual(again(text), { high, low })
      assert.notDeepEqual(other(text), { high, low })
    }
  })

  it("differs for 200,000 texts that differ little, in each half about as chance would have it", () => {
    const of = Fingerprint.make([7, 11])
    const whole = new Set<string>()
    const halves = { high: new Set<number>(), low: new Set<number>() }
    for (let index = 0; index < 200_000; index++) {
      const { high, low } = of(`https://example.com/${index % 7}/page/${index}`)
      whole.add(`${high},${low}`)
      halves.high.add(high)
      halves.low.add(low)
    }
    assert.strictEqual(whole.size, 200_000)
    // of 200,000 random numbers of 32 bits, 4.7 are there already, and never 30
    for (const half of Object.values(halves)) assert.isAbove(half.size, 200_000 - 30)
  })
})

describe("a table of fingerprints", () => {
  it("is a set, whatever is added, zeros included", () => {
    const word = fc.oneof(fc.constantFrom(0, 1, 2 ** 32 - 1), fc.nat(3), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
    fc.assert(
      fc.property(fc.array(fc.record({ high: word, low: word }), { maxLength: 500 }), (prints) => {
        const table = new Fingerprint.Table()
        const model = new Set<string>()
        for (const print of prints) {
          // zero is one here
          const low = print.high === 0 && print.low === 0 ? 1 : print.low
          const name = `${print.high},${low}`
          assert.strictEqual(table.has(print), model.has(name))
          assert.strictEqual(table.add(print), !model.has(name))
          model.add(name)
          assert.isTrue(table.has(print))
        }
        assert.strictEqual(table.size, model.size)
      })
    )
  })

  it("takes at most 16 bytes for each at any time, beyond 10,000", () => {
    const table = new Fingerprint.Table()
    const of = Fingerprint.make([5, 6])
    for (let count = 1; count <= 150_000; count++) {
      table.add(of(`http://h/${count}`))
      if (count >= 10_000 && count % 500 === 0) assert.isAtMost(table.bytes / count, 16, `${count}`)
    }
    assert.strictEqual(table.size, 150_000)
    for (let count = 1; count <= 150_000; count++)
      if (!table.has(of(`http://h/${count}`))) assert.fail(`${count} is lost`)
  })
})
