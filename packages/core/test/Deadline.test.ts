import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Deadline from "../src/Deadline.ts"

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
})
