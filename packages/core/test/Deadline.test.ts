import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../src/Deadline.ts"
import { sweep } from "./InterruptSweep.ts"
import { World } from "./Simulated.ts"

describe("Deadline", () => {
  it.effect("can only be brought forward by a nested one", () =>
    Effect.gen(function* () {
      const nested = (inner: Duration.Input) =>
        Deadline.remaining.pipe(Deadline.within(inner), Deadline.within("5 seconds"))
      assert.strictEqual(Duration.toMillis(yield* nested("2 seconds")), 2000)
      assert.strictEqual(Duration.toMillis(yield* nested("9 seconds")), 5000)
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

  it("does not begin what has no time left", () => {
    let begun = false
    const work = Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => {
        begun = true
      })
    )
    for (const none of [0, -11]) assert.strictEqual(run(Deadline.within(none)(work)).length, 1)
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
})
