import { assert, describe, it } from "@effect/vitest"
import * as Randomness from "../../src/simulation/Randomness.ts"
import { Ready } from "../../src/simulation/Ready.ts"

interface Task {
  readonly priority: number
  readonly order: number
}

describe("Ready", () => {
  it("gives any of the most urgent tasks, in the order in which they came", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = Randomness.make(seed)
      // few and many at a time, and with one priority or several
      const most = 1 + Randomness.below(random, seed % 2 === 0 ? 8 : 400)
      const priorities = 1 + Randomness.below(random, 3)
      const ready = new Ready<Task>()
      let expected: Array<Task> = []
      for (let order = 0; order < 1500; order++) {
        const urgent = expected.filter(({ priority }) => priority === expected[0]!.priority).length
        assert.deepStrictEqual([ready.isEmpty, ready.mostUrgent], [expected.length === 0, urgent], `seed ${seed}`)
        if (urgent > 0 && (expected.length >= most || random() < 0.5)) {
          const index = random() < 0.3 ? 0 : Randomness.below(random, urgent)
          assert.strictEqual(ready.take(index), expected.splice(index, 1)[0], `seed ${seed}`)
        } else {
          const task = { priority: Randomness.below(random, priorities), order }
          ready.add(task)
          expected = [...expected, task].toSorted(
            (one, other) => one.priority - other.priority || one.order - other.order
          )
        }
        if (order % 50 === 0) assert.deepStrictEqual([...ready], expected, `seed ${seed}`)
      }
    }
  })

  it("keeps the order of very many, taken from either end", () => {
    const ready = new Ready<Task>()
    for (let order = 0; order < 100_000; order++) ready.add({ priority: 0, order })
    for (let order = 99_999; order >= 50_000; order--) assert.strictEqual(ready.take(order).order, order)
    for (let order = 0; order < 50_000; order++) assert.strictEqual(ready.take(0).order, order)
    assert.isTrue(ready.isEmpty)
  })
})
