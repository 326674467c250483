import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Failure, Simulation } from "../../src/simulation/index.ts"

describe("Simulation.shiftClock", () => {
  it.effect("sets the wall's clock, and no other", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const seen: Array<unknown> = []
        const look = Effect.map(Clock.monotonicTimeNanos, (nanos) =>
          seen.push([Date.now(), performance.now(), nanos / 1_000_000n])
        )
        const waiting = yield* Effect.forkChild(Effect.andThen(Effect.sleep(1000), look))
        yield* Effect.sleep(500)
        yield* Simulation.shiftClock(-3_600_000)
        yield* look
        yield* Fiber.join(waiting)
        assert.strictEqual(yield* Clock.currentTimeMillis, Date.now())
        yield* Simulation.shiftClock(3_600_001.5)
        yield* look
        return seen
      })
      const { exit } = yield* Simulation.assertDeterministic(program, { process: true, startMs: 1e12 })
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : [], [
        [1e12 + 500 - 3_600_000, 500, 500n],
        [1e12 + 1000 - 3_600_000, 1000, 1000n],
        [1e12 + 1001, 1000, 1000n]
      ])
    })
  )

  it.effect("is a decision of the run: its hash has it", () =>
    Effect.gen(function* () {
      const hashes = yield* Effect.forEach([0, 1, -1], (ms) =>
        Effect.map(Simulation.run(Simulation.shiftClock(ms)), ({ hash }) => hash)
      )
      assert.strictEqual(new Set(hashes).size, 3)
    })
  )

  it.effect("outlives a crash, as the clock of a machine does", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      yield* Simulation.sweepCrashes({
        make: () => undefined,
        crash: () => {},
        program: () =>
          Effect.gen(function* () {
            starts.push(yield* Clock.currentTimeMillis)
            yield* Simulation.shiftClock(-5000)
            yield* Effect.sleep(1)
          }),
        invariants: {},
        startMs: 1e6,
        crashes: 1
      })
      assert.sameMembers([...new Set(starts)], [1e6, 1e6 - 5000, 1e6 - 4999])
    })
  )

  it.effect("does nothing outside of a simulation", () =>
    Effect.gen(function* () {
      const before = Date.now()
      yield* Simulation.shiftClock(3_600_000)
      assert.isBelow(Date.now() - before, 3_600_000)
    })
  )
})

/** Two nodes take turns with a lease that ends at a time; who holds it writes. `marginMs`: how long before its end it is given up. */
const leased = (marginMs: number) =>
  Effect.suspend(() => {
    const lease = { holder: 0, untilMs: 0 }
    let writing = 0
    let most = 0
    const node = Effect.fnUntraced(function* (name: number) {
      for (let turn = 0; turn < 3; turn++) {
        const now = yield* Clock.currentTimeMillis
        if (lease.holder !== name && lease.untilMs > now) {
          yield* Effect.sleep(lease.untilMs - now)
          continue
        }
        Object.assign(lease, { holder: name, untilMs: now + 100 })
        most = Math.max(most, ++writing)
        yield* Effect.sleep(100 - marginMs)
        writing--
      }
    })
    const both = Effect.all([node(1), Simulation.skewed(node(2), (ms) => ms + 10)], { concurrency: 2 })
    return Effect.map(both, () => most)
  })

describe("Simulation.skewed", () => {
  it.effect("finds the lease that two hold, for one of them has a clock that is ahead", () =>
    Effect.gen(function* () {
      const invariants = { "one writes": (most: number) => most === 1 }
      const { reason } = yield* Effect.flip(Simulation.explore(leased(0), { invariants, seeds: 100 }))
      assert.instanceOf(reason, Failure.InvariantBroken)
      yield* Simulation.explore(leased(20), { invariants, seeds: 100 })
    })
  )

  it.effect("reads another time of the wall, and sleeps as long as it means to", () =>
    Effect.gen(function* () {
      const program = Simulation.skewed(
        Effect.gen(function* () {
          yield* Effect.sleep(1000)
          return [yield* Clock.currentTimeMillis, yield* Clock.currentTimeNanos, yield* Clock.monotonicTimeNanos]
        }),
        (ms) => ms * 1.5 + 7
      )
      const { exit, elapsedMs } = yield* Simulation.run(program)
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : [], [1507, 1_507_000_000n, 1_000_000_000n])
      assert.strictEqual(elapsedMs, 1000)
    })
  )

  it.effect("does nothing outside of a simulation", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Simulation.skewed(Clock.Clock, (ms) => ms + 7), yield* Clock.Clock)
    })
  )
})
