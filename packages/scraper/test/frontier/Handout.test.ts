import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Handout from "../../src/frontier/Handout.ts"
import type { Admission } from "../../src/Politeness.ts"

const admission: Admission = { target: { url: "http://h/a", host: "http://h", path: "", attempts: 0 } }
const idle: Handout.HandoutOptions = {
  now: () => 0,
  take: () => admission,
  isAtEnd: () => false,
  wakeMs: () => Infinity,
  wakeFeeder: () => {}
}

describe("Handout", () => {
  it.effect("gives out nothing until all who paused it have it go on", () =>
    Effect.gen(function* () {
      const handout = yield* Handout.make(idle)
      assert.isDefined(handout.poll())
      handout.pause("somebody")
      handout.pause("disk")
      assert.isUndefined(handout.poll())
      assert.isTrue(handout.resume("disk"))
      assert.isUndefined(handout.poll())
      assert.isTrue(handout.isPausedBy("somebody"))
      assert.isFalse(handout.resume("disk"))
      assert.isTrue(handout.resume("somebody"))
      assert.isDefined(handout.poll())
    })
  )

  it.effect("has a worker wait until there is a target, and leaves one that was interrupted out", () =>
    Effect.gen(function* () {
      const there: Array<Admission> = []
      const handout = yield* Handout.make({ ...idle, take: () => there.shift() })
      const [first, second] = [yield* Effect.forkChild(handout.take), yield* Effect.forkChild(handout.take)]
      yield* Effect.yieldNow
      yield* Fiber.interrupt(first)
      there.push(admission)
      handout.dispatch()
      assert.strictEqual(yield* Fiber.join(second), admission)
    })
  )

  it.effect("does not end before a change of the rules is done", () =>
    Effect.gen(function* () {
      const handout = yield* Handout.make({ ...idle, take: () => undefined, isAtEnd: () => true })
      yield* handout.change(
        Effect.sync(() => {
          handout.dispatch()
          assert.isFalse(handout.isFinished())
        })
      )
      assert.isTrue(handout.isFinished())
    })
  )
})
