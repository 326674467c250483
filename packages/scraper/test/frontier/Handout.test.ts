import { assert, describe, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { NothingLeft } from "../../src/Control.ts"
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

  it.effect("changes no rules once it has ended", () =>
    Effect.gen(function* () {
      const handout = yield* Handout.make({ ...idle, take: () => undefined, isAtEnd: () => true })
      handout.dispatch()
      const change = Effect.sync(() => assert.fail("nobody would follow it"))
      assert.instanceOf(yield* Effect.flip(handout.change(change)), NothingLeft)
    })
  )

  it.effect("looks again when time may have brought a target, and sets no timer for what nobody waits for", () =>
    Effect.gen(function* () {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 0 })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      const handout = yield* Handout.make({
        ...idle,
        now: Date.now,
        take: () => (Date.now() >= 1000 ? admission : undefined),
        wakeMs: (isAwaited) => (isAwaited && Date.now() < 1000 ? 1000 : Infinity)
      })
      handout.dispatch()
      assert.strictEqual(vi.getTimerCount(), 0)
      const worker = yield* Effect.forkChild(handout.take)
      yield* Effect.yieldNow
      vi.advanceTimersByTime(999)
      assert.isUndefined(worker.pollUnsafe())
      vi.advanceTimersByTime(1)
      assert.strictEqual(yield* Fiber.join(worker), admission)
      assert.strictEqual(vi.getTimerCount(), 0)
    })
  )

  it.effect("ends every worker with what stopped the line, and wakes whoever brings more whenever one waits", () =>
    Effect.gen(function* () {
      let wakes = 0
      const handout = yield* Handout.make({ ...idle, take: () => undefined, wakeFeeder: () => wakes++ })
      const workers = [yield* Effect.forkChild(handout.take), yield* Effect.forkChild(handout.take)]
      yield* Effect.yieldNow
      assert.strictEqual(wakes, 2)
      handout.dispatch()
      assert.strictEqual(wakes, 3)
      handout.fail(Cause.die("a bug"))
      for (const worker of workers) assert.deepStrictEqual(yield* Fiber.await(worker), Exit.die("a bug"))
      assert.deepStrictEqual(yield* Effect.exit(handout.take), Exit.die("a bug"))
    })
  )
})
