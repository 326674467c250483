import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../src/Deadline.ts"
import { sweep } from "./InterruptSweep.ts"
import { seeded, World } from "./Simulated.ts"

describe("Deadline", () => {
  it.effect("can only be brought forward by a nested one", () =>
    Effect.gen(function* () {
      const nested = (inner: Duration.Input) => Deadline.within(Deadline.within(Deadline.remaining, inner), "5 seconds")
      assert.strictEqual(Duration.toMillis(yield* nested("2 seconds")), 2000)
      assert.strictEqual(Duration.toMillis(yield* nested("9 seconds")), 5000)
      const piped = Deadline.remaining.pipe(Deadline.within("2 seconds"), Deadline.within("5 seconds"))
      assert.strictEqual(Duration.toMillis(yield* piped), 2000)
      assert.isFalse(Duration.isFinite(yield* Deadline.remaining))
    })
  )

  it.effect("interrupts the work when it has passed", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.exit(Deadline.within("1 second")(Effect.never)))
      yield* TestClock.adjust("1 second")
      const exit = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exit, Exit.fail(new Deadline.DeadlineExceeded({ atMs: 1000 })))
    })
  )

  const told = (exit: Exit.Exit<unknown, unknown>) =>
    exit._tag === "Success"
      ? [exit.value]
      : exit.cause.reasons.map((reason) =>
          reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : "interrupted"
        )
  const run = <A, E>(effect: Effect.Effect<A, E>) => told(new World().run(effect))
  const exceeded = (atMs: number) => new Deadline.DeadlineExceeded({ atMs })
  const cleanUp = (clean: Effect.Effect<unknown, unknown>) => Effect.onExit(Effect.never, () => Effect.asVoid(clean))

  it("leaves alone what ends in time, what fails by itself, and where none is set", () => {
    const later = <A, E>(effect: Effect.Effect<A, E>) => Deadline.within(20)(Effect.delay(effect, 10))
    assert.deepStrictEqual(run(later(Effect.succeed("done"))), ["done"])
    assert.deepStrictEqual(run(later(Effect.fail("foreign"))), ["foreign"])
    assert.deepStrictEqual(run(Deadline.within(Duration.infinity)(Effect.as(Effect.sleep(1e9), "done"))), ["done"])
  })

  it("does nothing to what goes on after work that ended in time, and leaves no timer behind", () => {
    const world = new World()
    const inTime = Deadline.within(50)(Effect.sleep(10))
    const exit = world.run(Effect.andThen(inTime, Effect.as(Effect.sleep(100), "on")))
    assert.deepStrictEqual([told(exit), world.now, world.timers], [["on"], 110, 0])
    const many = new World()
    many.run(Effect.replicateEffect(Deadline.within(9999)(Effect.yieldNow), 1000, { discard: true }))
    assert.deepStrictEqual([many.now, many.timers], [0, 0])
  })

  it("counts from when it is run, each time", () => {
    const bounded = Effect.map(Effect.exit(Deadline.within(10)(Effect.never)), told)
    const twice = Effect.delay(Effect.zip(bounded, Effect.delay(bounded, 5)), 3)
    assert.deepStrictEqual(run(twice), [[[exceeded(13)], [exceeded(28)]]])
  })

  it("holds a hundred deep", () => {
    let nest: Effect.Effect<void, Deadline.DeadlineExceeded> = Effect.never
    for (let depth = 1; depth <= 100; depth++) nest = Deadline.within(depth === 100 ? 10 : 1000)(nest)
    const world = new World()
    assert.deepStrictEqual([told(world.run(nest)), world.now, world.timers], [[exceeded(10)], 10, 0])
  })

  it("does not begin what has no time left", () => {
    let begun = false
    const work = Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => {
        begun = true
      })
    )
    for (const none of [0, -11, NaN]) assert.strictEqual(run(Deadline.within(none)(work)).length, 1)
    const late = Effect.uninterruptible(Effect.andThen(Effect.sleep(20), Deadline.within(100)(work)))
    assert.deepStrictEqual(run(Deadline.within(10)(late)), [exceeded(10), exceeded(10)])
    assert.isFalse(begun)
  })

  it("keeps the failures of clean-up beside it", () => {
    assert.deepStrictEqual(run(Deadline.within(10)(cleanUp(Effect.die("bug")))), [exceeded(10), "bug"])
    assert.deepStrictEqual(run(Deadline.within(10)(cleanUp(Effect.fail("no")))), [exceeded(10), "no"])
  })

  it("does not take an interruption from outside for its own, nor its own for one from outside", () => {
    const interrupted = Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Deadline.within(100)(Effect.never))
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(fiber)
      return told(yield* Fiber.await(fiber))
    })
    assert.deepStrictEqual(run(interrupted), [["interrupted"]])
    const wentOn = Effect.andThen(Effect.ignore(Deadline.within(10)(Effect.never)), Effect.as(Effect.sleep(5), "on"))
    assert.deepStrictEqual(run(wentOn), ["on"])
  })

  it("waits for work that cannot be interrupted, past the deadline and past an interruption from outside", () => {
    for (const interruptedMs of [Infinity, 5, 10, 15]) {
      let ended = false
      const slow = Effect.uninterruptible(
        Effect.andThen(
          Effect.sleep(20),
          Effect.sync(() => {
            ended = true
          })
        )
      )
      const world = new World()
      const program = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(Deadline.within(10)(slow))
        if (interruptedMs < Infinity) yield* Effect.andThen(Effect.sleep(interruptedMs), Fiber.interrupt(fiber))
        return told(yield* Fiber.await(fiber))
      })
      const expected = interruptedMs === Infinity ? exceeded(10) : "interrupted"
      assert.deepInclude(told(world.run(program))[0], expected)
      assert.deepStrictEqual([ended, world.now], [true, 20])
    }
  })

  it("stops what goes on after an inner one, when the outer one has passed too", () => {
    const busy = Effect.uninterruptible(Effect.sleep(30))
    const inner = Effect.ignore(Deadline.within(5)(busy))
    assert.deepStrictEqual(run(Deadline.within(10)(Effect.andThen(inner, Effect.never))), [exceeded(10)])
  })

  it("lets nothing go on where inner and outer are the same and the inner one is caught", () => {
    const world = new World()
    const inner = Effect.ignore(Deadline.within(10)(Effect.never))
    const exit = world.run(Deadline.within(10)(Effect.andThen(inner, Effect.sleep(1000))))
    assert.deepStrictEqual([told(exit), world.now], [[exceeded(10)], 10])
  })

  it("gives clean-up a deadline of its own", () => {
    const outcomes: Array<unknown> = []
    const clean = (deadline: typeof Deadline.within, ms: number) =>
      Effect.map(Effect.exit(deadline(20)(Effect.as(Effect.sleep(ms), "cleaned"))), (exit) =>
        outcomes.push(...told(exit))
      )
    const all = Effect.all([clean(Deadline.forCleanUp, 5), clean(Deadline.forCleanUp, 50), clean(Deadline.within, 5)])
    assert.deepStrictEqual(run(Deadline.within(10)(cleanUp(all))), [exceeded(10)])
    assert.deepStrictEqual(outcomes, ["cleaned", exceeded(35), exceeded(10)])
  })

  it("leaves nothing running when interrupted at any operation", () => {
    const points = sweep(
      (victim) => {
        let held = 0
        const work = Effect.acquireUseRelease(
          Effect.sync(() => held++),
          () => Effect.sleep(20),
          () => Effect.sync(() => held--)
        )
        return Effect.forkChild(victim(Deadline.within(10)(work))).pipe(
          Effect.flatMap(Fiber.await),
          Effect.map((exit) => [held, Exit.hasInterrupts(exit)])
        )
      },
      (exit, interrupted) => assert.deepStrictEqual(exit, Exit.succeed([0, interrupted]))
    )
    assert.isAbove(points, 15)
  })

  /** Work that takes time, parts of it under deadlines of their own, some of which it survives. */
  type Work =
    | { readonly _tag: "Sleep"; readonly ms: number }
    | { readonly _tag: "Both"; readonly first: Work; readonly second: Work }
    | { readonly _tag: "Within"; readonly ms: number; readonly work: Work }
    | { readonly _tag: "Survived"; readonly work: Work }

  const drawn = (random: () => number, depth: number): Work => {
    const kind = depth === 0 ? 0 : Math.floor(4 * random())
    const deeper = () => drawn(random, depth - 1)
    // no two of these are ever over at the same time
    const ms = 100 * random()
    if (kind === 0) return { _tag: "Sleep", ms }
    if (kind === 1) return { _tag: "Both", first: deeper(), second: deeper() }
    return kind === 2 ? { _tag: "Within", ms: 2 * ms, work: deeper() } : { _tag: "Survived", work: deeper() }
  }
  const built = (work: Work): Effect.Effect<void, Deadline.DeadlineExceeded> => {
    switch (work._tag) {
      case "Sleep":
        return Effect.sleep(work.ms)
      case "Both":
        return Effect.andThen(
          built(work.first),
          Effect.suspend(() => built(work.second))
        )
      case "Within":
        return Deadline.within(work.ms)(built(work.work))
      case "Survived":
        return Effect.ignore(built(work.work))
    }
  }
  interface End {
    readonly now: number
    readonly exceeded?: number
    /** It survived the very deadline around it: there was or was not something left to do, see above. */
    readonly isTie?: true
  }
  /** When it is over, begun at `now` under a deadline at `at`, and the deadline that ended it. */
  const foretold = (work: Work, now: number, at: number): End => {
    switch (work._tag) {
      case "Sleep":
        return now + work.ms < at ? { now: now + work.ms } : { now: at, exceeded: at }
      case "Both": {
        const first = foretold(work.first, now, at)
        if (first.exceeded !== undefined || first.isTie) return first
        return foretold(work.second, first.now, at)
      }
      case "Within":
        return foretold(work.work, now, Math.min(at, now + work.ms))
      case "Survived": {
        const found = foretold(work.work, now, at)
        if (found.isTie) return found
        return found.exceeded === at ? { now: at, isTie: true } : { now: found.now }
      }
    }
  }

  it("agrees with a model on random nests of deadlines", () => {
    const seen = { survived: 0, ended: 0, ties: 0 }
    for (let seed = 1; seed <= 500; seed++) {
      const work = drawn(seeded(seed), 6)
      const { now, exceeded, isTie } = foretold(work, 0, Infinity)
      seen[isTie ? "ties" : exceeded === undefined ? "survived" : "ended"]++
      if (isTie) continue
      const world = new World()
      const exit = world.run(built(work))
      const first = exit._tag === "Success" ? undefined : exit.cause.reasons[0]
      const found = first?._tag === "Fail" ? first.error.atMs : first
      assert.deepStrictEqual(
        [found, world.now].map((time) => (typeof time === "number" ? time.toFixed(3) : time)),
        [exceeded, now].map((time) => time?.toFixed(3)),
        `seed ${seed}: ${JSON.stringify(work)}`
      )
    }
    for (const kind of ["survived", "ended"] as const) assert.isAbove(seen[kind], 50, JSON.stringify(seen))
  })
})
