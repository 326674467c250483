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
    assert.deepStrictEqual(tally.dropped(), { keys: 0, rest: { count: 0 } })
  })
  it("orders equal keys by name, whatever came first", () => {
    const tally = Tally.counts(10)
    for (const key of ["c", "a", "b"]) add(tally, key)
    assert.deepStrictEqual(
      tally.top(3).map(([key]) => key),
      ["a", "b", "c"]
    )
  })
  it("never holds more than twice its capacity, and keeps the sum", () => {
    const tally = Tally.counts(8)
    let held = 0
    for (let index = 0; index < 10_000; index++) {
      add(tally, `key${index % 3 === 0 ? "" : index}`)
      held = Math.max(held, tally.size())
    }
    assert.isAtMost(held, 16)
    const kept = tally.top(Infinity).reduce((sum, [, { count }]) => sum + count, 0)
    assert.strictEqual(kept + tally.dropped().rest.count, 10_000)
    assert.deepStrictEqual(tally.top(1), [["key", { count: 3334 }]])
  })
})
