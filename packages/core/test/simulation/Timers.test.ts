import { assert, describe, it } from "@effect/vitest"
import * as Randomness from "../../src/simulation/Randomness.ts"
import * as Timers from "../../src/simulation/Timers.ts"

describe("Timers", () => {
  it("come by time, those of one time in the order in which they were set", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = Randomness.make(seed)
      const heap: Array<Timers.Timer> = []
      const expected: Array<Timers.Timer> = []
      const taken: Array<Timers.Timer> = []
      for (let order = 0; order < 200; order++) {
        const timer = { at: Randomness.below(random, 20), order }
        Timers.add(heap, timer)
        expected.push(timer)
        if (random() < 0.3) {
          expected.sort((a, b) => a.at - b.at || a.order - b.order)
          assert.strictEqual(Timers.take(heap), expected.shift(), `seed ${seed}`)
        }
      }
      while (heap.length > 0) taken.push(Timers.take(heap))
      assert.deepStrictEqual(
        taken,
        expected.toSorted((a, b) => a.at - b.at || a.order - b.order),
        `seed ${seed}`
      )
    }
  })
})
