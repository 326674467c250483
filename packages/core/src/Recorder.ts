/**
 * A flight recorder for fibers and the workers of executors: who ran when, who
 * started and woke whom, what each waits for. Read it as a `Timeline`, as a
 * `Census`, or as the table of live fibers (`FiberDump`).
 *
 * 1. Public hooks only: `Tracer.context`, a `Scheduler` around the one in force,
 *    `Fiber.addObserver`, a `Clock` around the one in force (for what sleeps).
 *    The tracer, scheduler and clock in force go on working beneath.
 * 2. Level `off` installs nothing. `census` sees the queue of ready tasks and
 *    counts fibers. `timeline` sees every start, stop and end.
 * 3. Memory is fixed for what is past (`recorder/EventRing.ts`), and one small
 *    record for each live fiber, which it does not keep alive.
 * 4. Times come from the Clock in force where the recorder was made, so under
 *    virtual time the same program gives the same record.
 * 5. A fiber that another one resumes in place (a Deferred, a Queue) runs on its
 *    stack: until it stops both count as running.
 * 6. Fibers under a tracer that was installed inside the recorded effect are
 *    out of sight until they leave it; provide tracers around it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { flow } from "effect/Function"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import { Counters, type LoopProbe } from "./recorder/Counters.ts"
import { EventRing } from "./recorder/EventRing.ts"
import { timelineOf } from "./recorder/FiberTimeline.ts"
import { FiberWatch } from "./recorder/FiberWatch.ts"
import * as Hooks from "./recorder/Hooks.ts"
import type { Live } from "./recorder/Life.ts"
import { Names } from "./recorder/Names.ts"
import { selfTest } from "./recorder/SelfTest.ts"
import { workerSink } from "./recorder/WorkerEvents.ts"
import type { Timeline } from "./Timeline.ts"
import type { WorkerSink } from "./WorkerEvent.ts"

export type { LoopProbe } from "./recorder/Counters.ts"
export { callback, sleep, yielded } from "./recorder/FiberWatch.ts"
export type { Live } from "./recorder/Life.ts"
export { WaitReason } from "./WaitReason.ts"

/** Nothing, counters alone, or every fiber with what it did when. */
export type Level = "off" | "census" | "timeline"

/** What a recorder keeps, and how much of it. */
export interface Options {
  /** [`timeline`] */
  readonly level?: Level
  /** Events kept, rounded up to a power of two [65 536: 1.3 MiB]. */
  readonly capacity?: number
  /** [`fibers`] */
  readonly title?: string
  /** Asked with each sample [none]. */
  readonly loop?: LoopProbe
  /**
   * Least time between two samples of the counters, in milliseconds [50]. They are taken when a task is scheduled, so
   * an idle program costs nothing.
   */
  readonly sampleMs?: number
}

/** How the fibers are doing, in numbers. */
export interface Census {
  readonly level: Level
  /** Fibers that started and have not ended. */
  readonly live: number
  /** Tasks that are scheduled and have not begun, now and at most. */
  readonly ready: number
  readonly mostReady: number
  /** Tasks scheduled so far. */
  readonly scheduled: number
  /** Milliseconds from being scheduled to being run: quantiles are right to a fifth, `most` is exact. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly most: number }
  /** As last sampled; `undefined` without a probe. */
  readonly loop: { readonly delayMs: number; readonly utilisation: number } | undefined
}

/** Records what the fibers of the effects that it is given do, and tells of it while they run and afterwards. */
export interface Recorder {
  /** The level in force: lower than the one asked for where `degraded` says why. */
  readonly level: Level
  readonly degraded: string | undefined
  /**
   * The same effect with the hooks installed, for it and every fiber it starts. It may be used for several effects, at
   * one time too; of the fiber that runs such an effect only that part of its life is recorded.
   */
  readonly record: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** For executors: their option `onEvent`. */
  readonly workers: WorkerSink
  readonly census: () => Census
  /** What is in memory of the past, up to now. */
  readonly timeline: () => Timeline
  /** Events recorded so far, overwritten ones included. */
  readonly events: () => number
  /** Empty below level `timeline`. */
  readonly live: () => ReadonlyArray<Live>
  /** Milliseconds since the recorder was made, on its clock. */
  readonly nowMs: () => number
}

/** Makes a recorder; its clock is the one in force. Never fails: where a hook does not do what it should, the level is lower. */
export const make = (options: Options = {}): Effect.Effect<Recorder> =>
  makeTested(
    options,
    () => (tested ??= selfTest((context) => makeUnsafe({ level: "timeline", capacity: 128 }, context)))
  )

/** What the self-test found in this process. */
let tested: string | undefined

/** @internal `test` says what is wrong with the hooks, if anything. */
export const makeTested = (options: Options, test: () => string): Effect.Effect<Recorder> =>
  Effect.map(Effect.context(), (context) => {
    const { level = "timeline" } = options
    const degraded = level === "timeline" ? test() : ""
    return degraded === ""
      ? makeUnsafe({ ...options, level }, context)
      : makeUnsafe({ ...options, level: "census" }, context, degraded)
  })

/** @internal Without the self-test. */
export const makeUnsafe = (
  options: Options & { readonly level: Level },
  context: Context.Context<never>,
  degraded?: string
): Recorder => {
  const { level, title = "fibers", loop, sampleMs = 50 } = options
  const isFull = level === "timeline"
  const clock = Context.get(context, Clock.Clock)
  const isLive = !context.mapUnsafe.has(Clock.Clock.key)
  const origin = isLive ? performance.now() : Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const startedAtMs = clock.currentTimeMillisUnsafe()
  const nowMs = isLive
    ? () => performance.now() - origin
    : () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - origin

  const ring = new EventRing(level === "off" ? 1 : (options.capacity ?? (isFull ? 65_536 : 8192)))
  const names = new Names()
  const watch = new FiberWatch({ ring, names, nowMs, isLive })
  /** Fibers that were counted and not seen. */
  let counted = 0
  const countLive = () => (isFull ? watch.lives.size : counted)
  const counters = new Counters({ ring, live: countLive, loop, sampleMs })

  const record: Recorder["record"] = (effect) =>
    level === "off"
      ? effect
      : Effect.withFiber((fiber) => {
          const { scheduler, tracer, runtimeMetrics } = fiber.cache
          if (Hooks.installed.has(scheduler)) return effect
          const tracing = isFull ? Hooks.tracerOf(watch, tracer ?? fiber.getRef(Tracer.Tracer)) : undefined
          const scheduling = Hooks.schedulerOf({ watch, counters, nowMs }, scheduler, tracing)
          const hooks: Context.Context<never> = Context.make(Scheduler.Scheduler, scheduling).pipe(
            tracing === undefined
              ? Context.add(
                  Metric.FiberRuntimeMetrics,
                  Hooks.metricsOf((fibers) => (counted += fibers), runtimeMetrics)
                )
              : flow(
                  Context.add(Tracer.Tracer, tracing),
                  Context.add(Clock.Clock, Hooks.clockOf(watch, isLive, fiber.getRef(Clock.Clock)))
                )
          ) as never
          // this fiber began without the hooks and goes on without them; it may be interrupted before it begins
          let isCounted = false
          const counts = Effect.suspend(() => {
            counted++
            isCounted = true
            return Effect.provideContext(effect, hooks)
          })
          return Effect.onExit(counts, (exit) =>
            Effect.sync(() => {
              if (isCounted) counted--
              const life = watch.lives.get(fiber.id)
              if (life !== undefined) watch.ended(life, exit)
            })
          )
        })

  const live = () => {
    watch.sweep()
    return [...watch.lives.values()]
  }
  const timeOf = (epochMs: number | undefined) =>
    epochMs === undefined || !isLive ? nowMs() : epochMs - performance.timeOrigin - origin

  return {
    level,
    degraded,
    record,
    workers: isFull ? workerSink(ring, names, timeOf) : () => {},
    census: () => {
      const { ready, mostReady, scheduled, delays } = counters
      return {
        level,
        live: countLive(),
        ready,
        mostReady,
        scheduled,
        delayMs: { p50: delays.quantile(0.5), p99: delays.quantile(0.99), most: delays.most },
        loop: counters.loop
      }
    },
    timeline: () => {
      const { sources } = watch.origins
      return timelineOf({ title, startedAtMs, nowMs: nowMs(), ring, lives: live(), names, sources })
    },
    events: () => ring.count,
    live,
    nowMs
  }
}
