import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import { Failure, Schedule, Simulation, Strategy } from "../../src/simulation/index.ts"

/** Each reads, then writes: right only if nobody runs in between. */
const lostUpdate = Effect.gen(function* () {
  let count = 0
  const increment = Effect.gen(function* () {
    const seen = yield* Effect.sync(() => count)
    yield* Effect.sync(() => {
      count = seen + 1
    })
  })
  yield* Effect.all([increment, increment, increment], { concurrency: "unbounded" })
  return count
})
const invariants = { "no update is lost": (count: number) => count === 3 }

const guarded = Effect.gen(function* () {
  const lock = yield* Semaphore.make(1)
  let count = 0
  const increment = lock.withPermits(1)(
    Effect.gen(function* () {
      const seen = yield* Effect.sync(() => count)
      yield* Effect.sync(() => {
        count = seen + 1
      })
    })
  )
  yield* Effect.all([increment, increment, increment], { concurrency: "unbounded" })
  return count
})

describe("Simulation.explore", () => {
  it.effect("finds a lost update that the default order hides", () =>
    Effect.gen(function* () {
      const hidden = yield* Simulation.explore(lostUpdate, { strategy: Strategy.roundRobin(), invariants })
      assert.strictEqual(hidden.runs, 1000)
      assert.strictEqual(hidden.distinct, 1)
      const failure = yield* Effect.flip(Simulation.explore(lostUpdate, { invariants }))
      assert.instanceOf(failure.reason, Failure.InvariantBroken)
      assert.include(failure.message, "no update is lost (the value is")
    })
  )

  it.effect("finds nothing where a lock guards the update, in many different orders", () =>
    Effect.gen(function* () {
      const { runs, distinct, preemptions } = yield* Simulation.explore(guarded, { invariants })
      assert.strictEqual(runs, 1000)
      assert.isAbove(distinct, 500)
      assert.isAbove(preemptions, 1000)
    })
  )

  it.effect.each([Strategy.random(0.3), Strategy.random(1), Strategy.pct(2), Strategy.pct(4)])(
    "shrinks what it found until no deviation can go",
    (strategy) =>
      Effect.gen(function* () {
        for (let seed = 1; seed < 500; seed += 100) {
          const failure = yield* Effect.flip(Simulation.explore(lostUpdate, { seed, strategy, invariants }))
          assert.isAtMost(failure.schedule.length, 2, failure.message)
          assert.isAbove(failure.shrunk!.runs, 0)
          for (const index of failure.schedule.keys()) {
            const less = Schedule.format(failure.schedule.toSpliced(index, 1))
            yield* Simulation.replay(lostUpdate, `${failure.seed}: ${less}`, { invariants })
          }
        }
      })
  )

  it.effect("replays a failure from its one line, and from its data", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Simulation.explore(lostUpdate, { invariants }))
      const again = yield* Effect.flip(Simulation.replay(lostUpdate, failure.replay, { invariants }))
      assert.strictEqual(again.reason.message, failure.reason.message)
      assert.deepStrictEqual(again.trace, failure.trace)
      const saved = JSON.parse(JSON.stringify(failure.schedule)) as Schedule.Schedule
      const run = yield* Simulation.run(lostUpdate, { seed: failure.seed, strategy: Strategy.replay(saved) })
      assert.isTrue(run.exit._tag === "Success" && run.exit.value < 3)
      // the seed alone is enough under the strategy that found it
      yield* Effect.flip(Simulation.replay(lostUpdate, `${failure.seed}`, { invariants }))
    })
  )

  it.effect("counts all wrong runs on demand", () =>
    Effect.gen(function* () {
      const { failures, runs } = yield* Simulation.explore(lostUpdate, { seeds: 300, invariants, keepGoing: true })
      assert.strictEqual(runs, 300)
      assert.isAbove(failures.length, 10)
      assert.isBelow(failures.length, 300)
      assert.strictEqual(new Set(failures.map(({ seed }) => seed)).size, failures.length)
    })
  )

  it.effect("takes the seeds it is told", () =>
    Effect.gen(function* () {
      const { runs } = yield* Simulation.explore(guarded, { seeds: [7, 8, 4_294_967_296_123], invariants })
      assert.strictEqual(runs, 3)
    })
  )

  it.effect.each([
    [{ seeds: 0 }, "seeds must be a whole number from 1, or a list with one at least, got 0"],
    [{ seeds: 1.5 }, "seeds must be a whole number from 1, or a list with one at least, got 1.5"],
    [{ seeds: NaN }, "seeds must be a whole number from 1, or a list with one at least, got NaN"],
    [{ seeds: [] }, "seeds must be a whole number from 1, or a list with one at least, got none"],
    [{ seeds: [-1] }, "a seed must be a whole number from 0, got -1"],
    [{ seed: 0.5 }, "a seed must be a whole number from 0, got 0.5"],
    [{ maxSteps: 0 }, "maxSteps must be 1 at least, got 0"]
  ] as ReadonlyArray<readonly [Simulation.ExploreOptions<number>, string]>)(
    "refuses %j, with which nothing would run as asked",
    ([options, message]) =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Simulation.explore(guarded, options))
        assert.strictEqual(exit._tag === "Failure" && String(Cause.squash(exit.cause)), `RangeError: ${message}`)
      })
  )

  it.effect("runs once, however small its budget", () =>
    Effect.gen(function* () {
      assert.isAtLeast((yield* Simulation.explore(guarded, { budget: 0 })).runs, 1)
    })
  )

  it.effect("ends when its budget of real time does", () =>
    Effect.gen(function* () {
      const { runs, failures } = yield* Simulation.explore(guarded, { budget: "20 millis", invariants })
      assert.isAbove(runs, 0)
      assert.strictEqual(failures.length, 0)
    })
  )

  it.effect("tells a program that fails by itself from one that breaks an invariant", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Simulation.explore(Effect.fail("boom")))
      assert.instanceOf(failure.reason, Failure.ProgramFailed)
      assert.include(failure.message, "boom")
      assert.strictEqual(failure.schedule.length, 0)
    })
  )

  it.effect("says so when a failing schedule does not fail again", () =>
    Effect.gen(function* () {
      let runs = 0
      const once = Effect.sync(() => ++runs === 5)
      const failure = yield* Effect.flip(Simulation.explore(once, { invariants: { "not yet": (hit) => !hit } }))
      assert.instanceOf(failure.reason, Failure.NotDeterministic)
      assert.include(failure.message, "not yet")
    })
  )

  it("refuses a line it cannot replay", () => {
    assert.throws(() => Simulation.parseReplay("x"), SyntaxError, "x")
    assert.throws(() => Simulation.parseReplay("1: f2"), SyntaxError, "f2")
    assert.deepStrictEqual(Simulation.parseReplay("12"), { seed: 12 })
  })
})

describe("Strategy.pct", () => {
  /**
   * The bound of the paper, 1 / (n * k^(d-1)): n = 4 with the main fiber, d = 2, as one fiber is pre-empted between its
   * read and its write.
   */
  it.effect("finds a bug of depth 2 at least as often as the paper promises, and none of it at depth 1", () =>
    Effect.gen(function* () {
      const seeds = 2000
      const shallow = yield* Simulation.explore(lostUpdate, {
        strategy: Strategy.pct(1),
        seeds,
        invariants,
        keepGoing: true
      })
      assert.strictEqual(shallow.failures.length, 0)
      const steps = Math.round(shallow.steps / seeds)
      const deep = yield* Simulation.explore(lostUpdate, {
        strategy: Strategy.pct(2, steps),
        seeds,
        invariants,
        keepGoing: true
      })
      const fibers = 4
      assert.isAtLeast(deep.failures.length / seeds, 1 / (fibers * steps))
    })
  )

  it("refuses a depth below 1 and a chance beyond 1", () => {
    assert.throws(() => Strategy.pct(0), RangeError, "got 0")
    assert.throws(() => Strategy.random(1.5), RangeError, "got 1.5")
    assert.throws(() => Strategy.roundRobin(0), RangeError, "got 0")
  })
})
