import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import * as EventLoop from "../../src/node/EventLoop.ts"
import * as Recorder from "../../src/Recorder.ts"

/** Blocks the event loop for that long at least. */
const block = (ms: number) => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

describe("EventLoop", () => {
  it.live("samples the longest delay since the last sample, and how busy the loop was", () =>
    Effect.gen(function* () {
      const probe = yield* EventLoop.probe
      yield* Effect.sleep(50)
      yield* Effect.sync(() => block(300))
      yield* Effect.sleep(50)
      const { delayMs, utilisation } = probe.sample()
      assert.isAtLeast(delayMs, 200)
      assert.isAbove(utilisation, 0)
      assert.isAtMost(utilisation, 1)
      const recorder = yield* Recorder.make({ level: "census", loop: probe })
      const { loop } = recorder.census()
      assert.isAtLeast(loop!.delayMs, 0)
    })
  )

  it.live("updates its metrics while its scope is open", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* EventLoop.measure(Schedule.spaced(200))
          yield* Effect.sleep(50)
          yield* Effect.sync(() => block(300))
          while ((yield* Metric.value(EventLoop.delayMost)).value < 200) yield* Effect.sleep(20)
        })
      )
      const { value } = yield* Metric.value(EventLoop.utilisation)
      assert.isAbove(value, 0)
      assert.isAtMost(value, 1)
    })
  )
})
