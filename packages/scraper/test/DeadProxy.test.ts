import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as DeadProxy from "../src/DeadProxy.ts"
import { ProxyError } from "../src/FetchError.ts"

const refused = new ProxyError({ proxy: "http://p:1", code: "ECONNREFUSED" })

/** Waits of exactly 1, 2, 4 seconds and on. `fail`: an exchange that began now, or then, failed for the proxy. */
const watched = Effect.fnUntraced(function* (retries = 2) {
  const told: Array<string> = []
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const now = () => clock.currentTimeMillisUnsafe()
  const frontier = {
    pause: (by: string) => void told.push(`${by} pauses`),
    resume: (by: string) => told.push(`${by} resumes`) > 0
  }
  const proxy = DeadProxy.make(frontier, { retries }, { baseMs: 1000, random: () => 1 }, now)
  const fail = (startedMs = now(), error = refused) => proxy.failed(error, startedMs)
  /** A fault that is waited for, and so long. */
  const wait = (ms: number) =>
    Effect.gen(function* () {
      const waiting = yield* Effect.forkChild(fail() ?? Effect.die("it is not waited for"))
      yield* TestClock.adjust(ms - 1)
      assert.strictEqual(proxy.wanted()?.waitMs, 1)
      yield* TestClock.adjust(1)
      yield* Fiber.join(waiting)
      assert.isUndefined(proxy.wanted())
    })
  return { told, proxy, fail, wait, now }
})

describe("DeadProxy", () => {
  it.effect("is waited for as often as a target is tried again, then ends the run", () =>
    Effect.gen(function* () {
      const { told, fail, wait } = yield* watched()
      yield* wait(1000)
      yield* wait(2000)
      const error = yield* Effect.flip(fail() ?? Effect.die("it goes on"))
      assert.strictEqual(error.message, "cannot talk to the proxy http://p:1 (ECONNREFUSED), tried 3 times")
      assert.deepStrictEqual(told, ["proxy pauses", "proxy resumes", "proxy pauses", "proxy resumes"])
    })
  )
  it.effect("counts what began before the last wait was over as one with that", () =>
    Effect.gen(function* () {
      const { told, fail, wait, now } = yield* watched(1)
      const beganMs = now()
      yield* wait(1000)
      yield* fail(beganMs) ?? Effect.die("an attempt is spent")
      assert.lengthOf(told, 2)
    })
  )
  it.effect("begins anew when something answers, and spends attempts of what fails beside that", () =>
    Effect.gen(function* () {
      const { proxy, fail, wait, now } = yield* watched(1)
      yield* wait(1000)
      yield* TestClock.adjust(1000)
      proxy.answered()
      const beganMs = now() - 1
      assert.isUndefined(fail())
      assert.isUndefined(fail(beganMs))
      yield* TestClock.adjust(1)
      yield* wait(1000)
      yield* Effect.flip(fail() ?? Effect.die("it goes on"))
    })
  )
  it.effect("does not try again credentials that it did not take", () =>
    Effect.gen(function* () {
      const { fail, now } = yield* watched()
      const error = new ProxyError({ proxy: "http://p:1", code: "PROXY_407" })
      const { tries, message } = yield* Effect.flip(fail(now(), error) ?? Effect.die("it goes on"))
      assert.deepStrictEqual([tries, message], [1, error.message])
    })
  )
})
