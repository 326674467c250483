import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { cooperate } from "../src/Cooperate.ts"
import { sweep } from "./InterruptSweep.ts"
import { seeded, World } from "./Simulated.ts"

/** Runs work whose step `i` takes `cost(i)` milliseconds beside a fiber that only yields; gives the length of each slice. */
const slices = (steps: number, cost: (i: number) => number, budget: number) => {
  const world = new World()
  const lengths: Array<number> = []
  const exit = world.run(
    Effect.gen(function* () {
      let since = world.now
      const watch = Effect.forever(
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => {
            if (world.now > since) lengths.push(world.now - since)
            since = world.now
          })
        ),
        { disableYield: true }
      )
      const watcher = yield* Effect.forkChild(watch)
      yield* Effect.yieldNow
      const work = function* () {
        for (let i = 0; i < steps; i++, yield) world.now += cost(i)
        return "done"
      }
      const result = yield* cooperate(work, { budget })
      yield* Effect.yieldNow
      yield* Fiber.interrupt(watcher)
      return result
    })
  )
  assert.deepStrictEqual(exit, Exit.succeed("done"))
  return lengths
}

const fibonacci = (n: number) =>
  function* () {
    let [a, b] = [0n, 1n]
    for (let i = 0; i < n; i++, yield) [a, b] = [b, a + b]
    return a
  }

describe("cooperate", () => {
  it("gives the result of the work", () => {
    const world = new World()
    assert.deepStrictEqual(world.run(cooperate(fibonacci(100))), Exit.succeed(354_224_848_179_261_915_075n))
    assert.deepStrictEqual(world.run(cooperate(fibonacci(0)())), Exit.succeed(0n))
  })

  it("runs a function until it has no more to do, again at each run", () => {
    let left = 0
    const steps = cooperate(() => ++left % 1000 !== 0)
    assert.deepStrictEqual(new World().run(steps), Exit.void)
    assert.strictEqual(left, 1000)
    assert.deepStrictEqual(new World().run(steps), Exit.void)
    assert.strictEqual(left, 2000)
    const again = cooperate(fibonacci(10))
    assert.deepStrictEqual(new World().run(Effect.all([again, again])), Exit.succeed([55n, 55n]))
  })

  it("yields when the budget is used and not before", () => {
    assert.deepStrictEqual(
      slices(40, () => 1, 10),
      [10, 10, 10, 10]
    )
    assert.deepStrictEqual(
      slices(3, () => 25, 10),
      [25, 25, 25]
    )
    assert.deepStrictEqual(
      slices(9, () => 1, 10),
      [9]
    )
  })

  it("keeps its budget while steps become dearer, and in random work, by a sixteenth or one step", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seeded(seed)
      let cost = 1 / 4096
      const costs = Array.from({ length: 2000 }, () => (cost *= 0.97 + random() * 0.068))
      const dearest = Math.max(...costs)
      const lengths = slices(costs.length, (i) => costs[i]!, 10)
      for (const length of lengths) assert.isAtMost(length, 10 + Math.max(dearest, 10 / 16) * 1.1, `seed ${seed}`)
      for (const length of lengths.slice(0, -1)) assert.isAtLeast(length, 10, `seed ${seed}`)
    }
  })

  it("holds the loop for 64 steps at most where steps become dear all at once", () => {
    assert.isAtMost(Math.max(...slices(2000, (i) => (i < 1000 ? 0 : 1), 10)), 10 + 64)
  })

  it("takes no step more than there is, and closes no iterator that has ended", () => {
    let steps = 0
    const once = () => {
      steps++
      return false
    }
    new World().run(cooperate(once))
    assert.strictEqual(steps, 1)
    let closed = 0
    const iterable = {
      [Symbol.iterator]: () => ({
        next: () => ({ done: true as const, value: 1 }),
        return: () => ({ done: true as const, value: ++closed })
      })
    }
    assert.deepStrictEqual(new World().run(cooperate(iterable)), Exit.succeed(1))
    assert.strictEqual(closed, 0)
  })

  it("reads the clock rarely while steps are cheap", () => {
    let reads = 0
    const world = new World()
    const { clock } = world
    Object.assign(clock, {
      monotonicTimeNanosUnsafe: () => {
        reads++
        return 0n
      }
    })
    world.run(cooperate(fibonacci(64_000)))
    assert.isAtMost(reads, 1100)
  })

  it("is interrupted between two slices, and the generator's finally runs", () => {
    const world = new World()
    let steps = 0
    let closed = false
    const endless = function* () {
      try {
        for (;;) {
          steps++
          world.now += 1
          yield
        }
      } finally {
        closed = true
      }
    }
    const fiber = world.fork(cooperate(endless, { budget: 10 }))
    world.step()
    fiber.interruptUnsafe()
    assert.isTrue(Exit.hasInterrupts(world.await(fiber)))
    assert.isTrue(closed)
    assert.strictEqual(steps % 10, 0)
  })

  it("dies with what a step throws", () => {
    const broken = () => {
      throw "bug"
    }
    assert.deepStrictEqual(new World().run(cooperate(broken)), Exit.die("bug"))
    const later = function* () {
      yield
      throw "bug"
    }
    assert.deepStrictEqual(new World().run(cooperate(later)), Exit.die("bug"))
  })

  it("closes its generator when interrupted at any operation", () => {
    const points = sweep(
      (victim) => {
        let open = 0
        const work = function* () {
          open++
          try {
            for (let i = 0; i < 5; i++) yield
          } finally {
            open--
          }
        }
        return Effect.forkChild(victim(cooperate(work, { budget: 0 }))).pipe(
          Effect.flatMap(Fiber.await),
          Effect.map(() => open)
        )
      },
      (exit) => assert.deepStrictEqual(exit, Exit.succeed(0))
    )
    assert.isAbove(points, 10)
  })
})
