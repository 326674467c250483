import { assert, describe, it } from "@effect/vitest"
import { DelayHistogram } from "../../src/recorder/DelayHistogram.ts"

describe("DelayHistogram", () => {
  it("has quantiles that are at most a fifth too long, from a microsecond to an hour", () => {
    for (const scale of [0.002, 1, 300, 100_000]) {
      const histogram = new DelayHistogram()
      const values = Array.from({ length: 1000 }, (_, index) => scale * (1 + index / 50))
      for (const [index] of values.entries()) histogram.add(values[(index * 7) % 1000]!)
      for (const part of [0.01, 0.5, 0.9, 0.99, 1]) {
        const exact = values[Math.ceil(part * 1000) - 1]!
        assert.isAtLeast(histogram.quantile(part), exact * 0.999_999, `${scale} ${part}`)
        assert.isAtMost(histogram.quantile(part), exact * 1.2000001, `${scale} ${part}`)
      }
      assert.strictEqual(histogram.most, values.at(-1))
    }
  })

  it("takes nothing, zero and what is beyond its buckets", () => {
    const histogram = new DelayHistogram()
    assert.strictEqual(histogram.quantile(0.5), 0)
    histogram.add(0)
    assert.strictEqual(histogram.quantile(0.5), 0)
    histogram.add(1e9)
    assert.strictEqual(histogram.most, 1e9)
    assert.isAtMost(histogram.quantile(1), 1e9)
  })
})
