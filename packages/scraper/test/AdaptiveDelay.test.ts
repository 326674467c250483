import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as AdaptiveDelay from "../src/AdaptiveDelay.ts"

/** Options, and a way to draw latencies from microseconds to minutes, by a seed. */
const draw = (seed: number) => {
  const random = Randomness.make(seed)
  const minMs = random() < 0.5 ? 0 : random() * 1000
  const options = { target: 2 ** (6 * random() - 3), minMs, maxMs: minMs + 10 ** (5 * random()) }
  return { random, options, latency: () => 10 ** (6 * random() - 1) }
}
const seeds = Array.from({ length: 500 }, (_, index) => index + 1)

describe("AdaptiveDelay", () => {
  it("stays within its bounds, and is never lowered by an error, whatever comes (seeded)", () => {
    for (const seed of seeds) {
      const { random, options, latency } = draw(seed)
      let delayMs: number | undefined
      for (let step = 0; step < 100; step++) {
        const isGood = random() < 0.6
        const after = AdaptiveDelay.next(delayMs, latency(), isGood, options)
        if (after === undefined) assert.isTrue(delayMs === undefined && !isGood, `seed ${seed}`)
        else {
          assert.isAtLeast(after, options.minMs, `seed ${seed}`)
          assert.isAtMost(after, options.maxMs, `seed ${seed}`)
          if (!isGood) assert.isAtLeast(after, delayMs!, `seed ${seed}`)
        }
        delayMs = after
      }
    }
  })

  it("tends to the latency over the target, from any delay, and goes no further (seeded)", () => {
    for (const seed of seeds) {
      const { random, options, latency } = draw(seed)
      const steadyMs = latency()
      const aimMs = Math.min(Math.max(steadyMs / options.target, options.minMs), options.maxMs)
      let delayMs: number | undefined =
        random() < 0.2 ? undefined : options.minMs + random() * (options.maxMs - options.minMs)
      for (let step = 0; step < 60; step++) {
        const after: number = AdaptiveDelay.next(delayMs, steadyMs, true, options)!
        if (delayMs !== undefined)
          assert.isAtMost(Math.abs(after - aimMs), Math.abs(delayMs - aimMs) + 1e-6, `seed ${seed}: never away from it`)
        delayMs = after
      }
      assert.closeTo(delayMs!, aimMs, 1e-3, `seed ${seed}`)
    }
  })

  it("waits no less after a slower answer than after a faster one (seeded)", () => {
    for (const seed of seeds) {
      const { random, options, latency } = draw(seed)
      const delayMs = options.minMs + random() * (options.maxMs - options.minMs)
      const [one, other] = [latency(), latency()].toSorted((a, b) => a - b) as [number, number]
      for (const isGood of [true, false])
        assert.isAtMost(
          AdaptiveDelay.next(delayMs, one, isGood, options)!,
          AdaptiveDelay.next(delayMs, other, isGood, options)!,
          `seed ${seed}`
        )
    }
  })

  it("counts a slower answer at once and a faster one by half", () => {
    const options = { target: 2, minMs: 0, maxMs: 60_000 }
    assert.strictEqual(AdaptiveDelay.next(undefined, 400, true, options), 200)
    assert.strictEqual(AdaptiveDelay.next(200, 4000, true, options), 2000)
    assert.strictEqual(AdaptiveDelay.next(2000, 400, true, options), 1100)
    assert.strictEqual(AdaptiveDelay.next(2000, 1, false, options), 2000)
    assert.strictEqual(AdaptiveDelay.next(2000, 1e9, false, options), 60_000)
  })
})
