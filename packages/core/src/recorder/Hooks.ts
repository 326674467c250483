/**
 * What stands between Effect and the fibers that are recorded: a tracer, a
 * scheduler and a clock around those in force, which go on working beneath.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Metric from "effect/Metric"
import type * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import type { Counters } from "./Counters.ts"
import { type AnyFiber, type FiberWatch, hidden } from "./FiberWatch.ts"

const evaluate = "~effect/Effect/evaluate"
const identifier = "~effect/Effect/identifier"
const Yield: unknown = Symbol.for("effect/Effect/Yield")

type Primitive = Tracer.EffectPrimitive<unknown> & { readonly [identifier]?: string }

/** What recorders installed: a recorded effect within a recorded effect is recorded once. */
export const installed = new WeakSet<object>()

/** Sees each step of each fiber. */
export const tracerOf = (watch: FiberWatch, inner: Tracer.Tracer): Tracer.Tracer => {
  const below = inner.context?.bind(inner) as ((primitive: Primitive, fiber: AnyFiber) => unknown) | undefined
  const context = (primitive: Primitive, fiber: AnyFiber): unknown => {
    if (watch.running !== fiber) watch.enter(fiber)
    const result = below === undefined ? primitive[evaluate](fiber) : below(primitive, fiber)
    if (result === Yield) watch.leave(fiber, primitive[identifier])
    return result
  }
  const tracer = Tracer.make({
    span: (options) => inner.span(options),
    context: context as NonNullable<Tracer.Tracer["context"]>
  })
  installed.add(tracer)
  return tracer
}

/** Who is told of tasks, and by what clock. */
interface Listeners {
  readonly watch: FiberWatch
  readonly counters: Counters
  readonly nowMs: () => number
}

/** Sees each task from being scheduled to its end; of fibers that left the sight of `tracer`, that they did. */
export const schedulerOf = (
  { watch, counters, nowMs }: Listeners,
  inner: Scheduler.Scheduler,
  tracer: Tracer.Tracer | undefined
): Scheduler.Scheduler => {
  const own = tracer?.context
  const scheduler: Scheduler.Scheduler = {
    executionMode: inner.executionMode,
    shouldYield:
      own === undefined
        ? (fiber) => inner.shouldYield(fiber)
        : (fiber) => {
            if (watch.running === fiber && fiber.cache.tracerContext !== own) watch.leave(fiber, hidden)
            return inner.shouldYield(fiber)
          },
    makeDispatcher: () => {
      const dispatcher = inner.makeDispatcher()
      return {
        scheduleTask: (task, priority) => {
          const atMs = nowMs()
          const { by } = watch
          counters.schedule(atMs)
          dispatcher.scheduleTask(() => {
            counters.begin(nowMs() - atMs)
            watch.run(task, atMs, by)
          }, priority)
        },
        flush: () => dispatcher.flush()
      }
    }
  }
  installed.add(scheduler)
  return scheduler
}

/** Sees which fiber asks to sleep. `isLive`: the clock falls asleep in one step; one of another kind may take several. */
export const clockOf = (watch: FiberWatch, isLive: boolean, inner: Clock.Clock): Clock.Clock => {
  const sleeps = (is: boolean) => {
    const life = watch.top
    if (life !== undefined) life.sleeps = is
  }
  return Object.create(inner, {
    sleep: {
      value: (duration: Parameters<Clock.Clock["sleep"]>[0]) => {
        sleeps(true)
        return isLive
          ? inner.sleep(duration)
          : Effect.onExit(inner.sleep(duration), () => Effect.sync(() => sleeps(false)))
      }
    }
  }) as Clock.Clock
}

/** Sees fibers start and end, and nothing of what they do. `add` is told of one more, or one less. */
export const metricsOf = (
  add: (fibers: 1 | -1) => void,
  inner: Metric.FiberRuntimeMetricsService | undefined
): Metric.FiberRuntimeMetricsService => ({
  recordFiberStart: (context) => {
    add(1)
    inner?.recordFiberStart(context)
  },
  recordFiberEnd: (context, exit) => {
    add(-1)
    inner?.recordFiberEnd(context, exit)
  }
})
