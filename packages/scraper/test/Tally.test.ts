import { assert, describe, it } from "@effect/vitest"
import * as Tally from "../src/Tally.ts"

const add = (tally: Tally.Tally<{ count: number }>, key: string, count = 1) => {
  tally.row(key).count += count
}

describe("Tally", () => {
  it("is exact, heaviest first, while the keys fit", () => {
    const tally = Tally.counts(10)
    for (const key of ["b", "a", "c", "a", "b", "a"]) add(tally, key)
    assert.deepStrictEqual(tally.top(2), [
      ["a", { count: 3 }],
      ["b", { count: 2 }]
    ])
  })
  it("orders equal keys by name, whatever came first", () => {
    const tally = Tally.counts(10)
    for (const key of ["c", "a", "b"]) add(tally, key)
    assert.deepStrictEqual(
      tally.top(3).map(([key]) => key),
      ["a", "b", "c"]
    )
  })
  it("never holds more than twice its capacity, and keeps the heaviest", () => {
    const tally = Tally.counts(8)
    let held = 0
    for (let index = 0; index < 10_000; index++) {
      add(tally, `key${index % 3 === 0 ? "" : index}`)
      if (index % 7 === 0) held = Math.max(held, tally.top(Infinity).length)
    }
    assert.strictEqual(held, 16)
    assert.deepStrictEqual(tally.top(1), [["key", { count: 3334 }]])
  })
})
