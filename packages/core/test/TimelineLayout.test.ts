import { assert, describe, it } from "@effect/vitest"
import { duration, firstAfter, pack, pieces, ticks } from "../src/TimelineLayout.ts"

const at = (startMs: number, endMs: number, lane = 0) => ({ lane, startMs, endMs })

describe("pieces", () => {
  it("breaks a lane where waiting turns into work, and orders by start", () => {
    const spans = [at(5, 6), at(6, 7), at(7, 9), at(9, 10), at(0, 3, 1), at(3, 4, 1)]
    const waits = [true, false, false, true, false, false]
    assert.deepStrictEqual(
      pieces(spans, (index) => waits[index]!),
      [
        { lane: 1, first: 4, last: 5, startMs: 0, endMs: 4 },
        { lane: 0, first: 0, last: 0, startMs: 5, endMs: 6 },
        { lane: 0, first: 1, last: 2, startMs: 6, endMs: 9 },
        { lane: 0, first: 3, last: 3, startMs: 9, endMs: 10 }
      ]
    )
    assert.strictEqual(pieces(spans, () => true).length, 2)
    assert.deepStrictEqual(
      pieces([], () => true),
      []
    )
  })
})

describe("pack", () => {
  it("uses the topmost free row, and as many rows as there are stretches at one time", () => {
    assert.deepStrictEqual(pack([at(0, 10), at(1, 3), at(2, 9), at(3, 4), at(9, 12), at(10, 11)]), [0, 1, 2, 1, 1, 0])
  })
})

describe("firstAfter", () => {
  it("finds the first that ends after a time", () => {
    const ends = [1, 2, 2, 5, 9]
    for (const ms of [-1, 0, 1, 1.5, 2, 4, 5, 8, 9, 10]) {
      const expected = ends.findIndex((end) => end > ms)
      assert.strictEqual(firstAfter(ends, ms), expected < 0 ? ends.length : expected, `${ms}`)
    }
  })
})

describe("ticks", () => {
  it("stand at round times within the bounds, and are not too many, from microseconds to days", () => {
    for (const length of [0.002, 0.07, 1, 13, 999, 4321, 61_000, 3.7e6, 8.64e7, 1e9])
      for (const most of [2, 5, 12]) {
        const fromMs = length / 3
        const { stepMs, at } = ticks(fromMs, fromMs + length, most)
        assert.isAtMost(at.length, most + 1, `${length} ${most}`)
        assert.isTrue(at.every((ms) => ms >= fromMs - stepMs / 1e6 && ms <= fromMs + length))
        assert.isTrue(at.every((ms) => Math.abs(ms / stepMs - Math.round(ms / stepMs)) < 1e-6))
      }
    assert.deepStrictEqual(ticks(0, 1000, 5), { stepMs: 200, at: [0, 200, 400, 600, 800, 1000] })
    for (const stepMs of [1, 2, 5, 10_000, 30_000, 60_000, 120_000, 1_800_000, 3_600_000])
      assert.strictEqual(ticks(0, 5 * stepMs, 5).stepMs, stepMs)
    for (const [least, stepMs] of [
      [3, 5],
      [15_000, 30_000],
      [25_000, 30_000],
      [86_400_001, 2 * 86_400_000]
    ] as const)
      assert.strictEqual(ticks(0, 5 * least, 5).stepMs, stepMs)
  })
})

describe("duration", () => {
  it("has the unit that suits", () => {
    const cases: ReadonlyArray<readonly [number, string]> = [
      [0, "0"],
      [0.0124, "12 µs"],
      [0.9994, "999 µs"],
      [0.9996, "1 ms"],
      [1.234, "1.23 ms"],
      [99.96, "100 ms"],
      [999.4, "999 ms"],
      [999.6, "1 s"],
      [1250, "1.25 s"],
      [59_949, "59.9 s"],
      [59_960, "1 m 00 s"],
      [125_000, "2 m 05 s"],
      [3_720_000, "1 h 02 m"]
    ]
    for (const [ms, text] of cases) assert.strictEqual(duration(ms), text)
  })
})
