import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Control from "../src/Control.ts"

describe("Control", () => {
  it.effect("says that a run is paused once nothing is in flight, and not of one whose last transfer that was", () =>
    Effect.gen(function* () {
      const paused = Effect.fnUntraced(function* (isLast: boolean) {
        let inFlight = 1
        let isPaused = false
        const said: Array<Control.Reply> = []
        const reins: Control.Reins = {
          pause: () => void (isPaused = true),
          resume: () => {
            isPaused = false
            return true
          },
          isPaused: () => isPaused,
          inFlight: () => inFlight,
          isFinished: () => isLast && inFlight === 0,
          flush: Effect.void
        }
        const pause = Control.obey(reins, undefined)({ _tag: "Pause" }, (reply) => said.push(reply))
        const done = yield* Effect.forkChild(Effect.exit(pause))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(said, [{ _tag: "Waiting", inFlight: 1 }])
        inFlight = 0
        yield* TestClock.adjust("1 second")
        assert.strictEqual(isPaused, !isLast)
        return [yield* Fiber.join(done), said.slice(1)] as const
      })
      assert.deepStrictEqual((yield* paused(false))[1], [{ _tag: "Paused" }])
      const [failure, said] = yield* paused(true)
      assert.deepStrictEqual(said, [])
      assert.instanceOf(yield* Effect.flip(failure), Control.NothingLeft)
    })
  )
})
