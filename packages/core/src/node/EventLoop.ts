/**
 * How the event loop of this process does: its delay and its utilisation, as a
 * probe of a recorder and as metrics of Effect.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { monitorEventLoopDelay, performance } from "node:perf_hooks"
import type { LoopProbe } from "../Recorder.ts"

/** Milliseconds that the event loop was late, at most in the time since the last sample. */
export const delayMost = Metric.gauge("simul_event_loop_delay_max_ms", {
  description: "Longest delay of the event loop since the last sample, in milliseconds"
})
/** The 99th percentile of the same, in milliseconds. */
export const delayP99 = Metric.gauge("simul_event_loop_delay_p99_ms", {
  description: "99th percentile of the delay of the event loop since the last sample, in milliseconds"
})
/** The share of the time since the last sample that the event loop was not idle, 0 to 1. */
export const utilisation = Metric.gauge("simul_event_loop_utilisation", {
  description: "Share of the time since the last sample that the event loop was not idle, 0 to 1"
})

/** The timer of the histogram fires each so many milliseconds, and would count that as a delay. */
const resolutionMs = 10

const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs)

const sampling = (histogram: ReturnType<typeof monitorEventLoopDelay>) => {
  let before = performance.eventLoopUtilization()
  return () => {
    const now = performance.eventLoopUtilization()
    const found = {
      delayMs: late(histogram.max),
      p99Ms: late(histogram.percentile(99)),
      utilisation: performance.eventLoopUtilization(now, before).utilization
    }
    histogram.reset()
    before = now
    return found
  }
}

/** A probe for `Recorder.make`, for as long as the scope is open. It keeps no process alive. */
export const probe: Effect.Effect<LoopProbe, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => {
    const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
    histogram.enable()
    return { histogram, sample: sampling(histogram) }
  }),
  ({ histogram }) => Effect.sync(() => void histogram.disable())
)

/** Updates the metrics each so often while the scope is open [5 seconds]. */
export const measure = (every: Schedule.Schedule<unknown> = Schedule.spaced("5 seconds")) =>
  Effect.gen(function* () {
    const { sample } = (yield* probe) as { readonly sample: ReturnType<typeof sampling> }
    const update = Effect.suspend(() => {
      const { delayMs, p99Ms, utilisation: part } = sample()
      return Effect.all([
        Metric.update(delayMost, delayMs),
        Metric.update(delayP99, p99Ms),
        Metric.update(utilisation, part)
      ])
    })
    yield* Effect.forkScoped(Effect.schedule(update, every))
  })
