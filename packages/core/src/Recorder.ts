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
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { flow } from "effect/Function"
import * as Metric from "effect/Metric"
import type { StackFrame } from "effect/References"
import * as Scheduler from "effect/Scheduler"
import * as Tracer from "effect/Tracer"
import { ChildFrame } from "./ChildFrame.ts"
import { DelayHistogram } from "./recorder/DelayHistogram.ts"
import { ends, EventRing, kind } from "./recorder/EventRing.ts"
import { timelineOf } from "./recorder/FiberTimeline.ts"
import { type Live, Life, placeOf } from "./recorder/Life.ts"
import { Names, none } from "./recorder/Names.ts"
import { selfTest } from "./recorder/SelfTest.ts"
import type { Timeline } from "./Timeline.ts"
import { WaitReason } from "./WaitReason.ts"
import type { WorkerSink } from "./WorkerEvent.ts"

export type { Live } from "./recorder/Life.ts"
export { WaitReason } from "./WaitReason.ts"

export type Level = "off" | "census" | "timeline"

/** What the event loop of a process did since it was asked last; `node/EventLoop.ts` has one. */
export interface LoopProbe {
  /** Longest delay in milliseconds, and the share of time that it was not idle (0 to 1). */
  readonly sample: () => { readonly delayMs: number; readonly utilisation: number }
}

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

/** What a wait without a name is called: a promise, timer, queue, semaphore, fiber or anything else that calls back. */
export const callback = "callback"
export const sleep = "sleep"
/** It gave way to others and is ready. */
export const yielded = "yield"

const evaluate = "~effect/Effect/evaluate"
const identifier = "~effect/Effect/identifier"
const Yield: unknown = Symbol.for("effect/Effect/Yield")

type AnyFiber = Fiber.Fiber<unknown, unknown>
type Primitive = Tracer.EffectPrimitive<unknown> & { readonly [identifier]?: string }

const endOf = (exit: Exit.Exit<unknown, unknown>): number =>
  exit._tag === "Success" ? 0 : Cause.hasInterruptsOnly(exit.cause) ? 2 : 1

/** How many functions deep a fiber's own one is looked for. */
const deepest = 256

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
  const now = isLive ? () => performance.now() - origin : () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - origin

  const ring = new EventRing(level === "off" ? 1 : (options.capacity ?? (isFull ? 65_536 : 8192)))
  const names = new Names()
  const sources = new Map<string, string>()
  const lives = new Map<number, Life>()
  const delays = new DelayHistogram()
  let sweepAt = 1024

  // ---- the task of a dispatcher that runs now

  /** When it was scheduled; negative while none runs. */
  let taskAtMs = -1
  /** The fiber that scheduled it. */
  let taskBy = 0
  /** What was on the stack before it. */
  let taskBase = 0

  /** Fibers on the JavaScript stack, the running one last. */
  const stack: Array<Life> = []
  let running: AnyFiber | undefined
  /** The fibers of `stack`, kept while they run only. */
  const fibers: Array<AnyFiber> = []

  /**
   * The fiber that ended last, its parent, and what runs below it while those who waited for its end are told: that
   * happens in place. A `forEach` starts its next fiber then, which is a sibling of the one that ended.
   */
  let endedBy = 0
  let endedParent = 0
  let endedIn: AnyFiber | undefined
  let endedAt = 0
  let forgets = false
  const forget = () => {
    endedBy = 0
    endedIn = undefined
    forgets = false
  }

  const cut = (depth: number) => {
    // a length that is set gives the memory back, to be asked for again by the next push
    while (stack.length > depth) {
      stack.pop()
      fibers.pop()
    }
    running = fibers[depth - 1]
  }

  const enter = (fiber: AnyFiber) => {
    const atMs = now()
    while (running !== undefined && running.pollUnsafe() !== undefined) cut(stack.length - 1)
    // the fiber below has not done anything else since
    const isAfterEnd =
      endedBy !== 0 && running === endedIn && (running === undefined || running.currentOpCount === endedAt)
    const isNested = stack.length > taskBase
    const isTask = taskAtMs >= 0 && !isNested && !isAfterEnd
    const below = isNested ? stack[stack.length - 1]!.id : taskBy
    let life = lives.get(fiber.id)
    if (life === undefined) {
      const forkedMs = isTask ? taskAtMs : atMs
      const parent = isAfterEnd ? endedParent : below
      life = new Life(fiber, parent, forkedMs, isFirstUnder(fiber.cache.stackFrame))
      life.readyMs = atMs - forkedMs
      life.sinceMs = atMs
      lives.set(fiber.id, life)
      ring.put(kind.start, atMs, fiber.id, parent, atMs - forkedMs)
      const observed = life
      fiber.addObserver((exit) => ended(observed, exit))
      if (lives.size > sweepAt) sweep()
    } else {
      const readyMs = isTask ? atMs - Math.max(taskAtMs, life.sinceMs) : 0
      life.readyMs += readyMs
      life.waitMs += atMs - life.sinceMs - readyMs
      life.sinceMs = atMs
      life.state = "running"
      life.reason = ""
      ring.put(kind.run, atMs, fiber.id, isAfterEnd ? endedBy : below, readyMs)
    }
    stack.push(life)
    fibers.push(fiber)
    running = fiber
  }

  const leave = (fiber: AnyFiber, operation: string | undefined) => {
    const at = fibers.lastIndexOf(fiber)
    if (at < 0) return
    const life = stack[at]!
    const atMs = now()
    life.busyMs += atMs - life.sinceMs
    life.sinceMs = atMs
    // any other operation was its last
    if (operation === "Async" || operation === "Yield" || operation === hidden) {
      const isYield = operation === "Yield"
      life.state = isYield ? "ready" : "waiting"
      if (!isYield) life.loosen(fiber)
      const reason = isYield
        ? yielded
        : operation === hidden
          ? hidden
          : (fiber.getRef(WaitReason) ?? (life.sleeps ? sleep : callback))
      life.reason = reason
      if (isLive) life.sleeps = false
      ring.put(kind.park, atMs, fiber.id, names.numberOf(reason), 0)
    } else {
      endedBy = life.id
      endedParent = life.parent
      endedIn = fibers[at - 1]
      endedAt = endedIn?.currentOpCount ?? 0
      if (!forgets) {
        forgets = true
        queueMicrotask(forget)
      }
    }
    if (life.name === "") identify(life, fiber.cache.stackFrame)
    cut(at)
  }

  const ended = (life: Life, exit: Exit.Exit<unknown, unknown>) => {
    if (lives.get(life.id) !== life) return
    lives.delete(life.id)
    const at = stack.indexOf(life)
    if (at >= 0) {
      // it ended without stopping first
      const atMs = now()
      life.busyMs += atMs - life.sinceMs
      life.sinceMs = atMs
      cut(at)
    }
    ring.put(kind.end, life.sinceMs, life.id, life.name === "" ? none : names.numberOf(life.name), endOf(exit))
  }

  /**
   * Forgets fibers that were collected without ending, and ends those whose observers are just being told: one that
   * was there before ours may be asking. Each fiber is looked at twice at most on average.
   */
  const sweep = () => {
    for (const life of lives.values()) {
      const { fiber } = life
      const exit = fiber?.pollUnsafe()
      if (fiber === undefined) lives.delete(life.id)
      else if (exit !== undefined) ended(life, exit)
    }
    sweepAt = Math.max(1024, 2 * lives.size)
  }

  /** Children of task groups that were seen. */
  const children = new WeakSet<ChildFrame>()
  const isFirstUnder = (frame: StackFrame | undefined): boolean => {
    if (!(frame instanceof ChildFrame) || children.has(frame)) return false
    children.add(frame)
    return true
  }

  /** The function or named child a fiber was started as: the outermost that it did not inherit. */
  const identify = (life: Life, top: StackFrame | undefined) => {
    if (top === life.inherited || top === undefined) return
    let own = top
    for (let depth = 0; depth < deepest && own.parent !== undefined && own.parent !== life.inherited; depth++)
      own = own.parent
    const name = own instanceof ChildFrame ? own.child : own.name
    life.name = name.endsWith(definition) ? name.slice(0, -definition.length) : name
    life.source = sources.get(life.name) ?? ""
    if (life.source !== "" || sources.size >= 4096) return
    life.source = placeOf(own)
    sources.set(life.name, life.source)
  }

  // ---- counters

  let ready = 0
  let mostReady = 0
  let readySince = 0
  let scheduled = 0
  let counted = 0
  let sampledMs = -Infinity
  let loopSample: Census["loop"]
  const countLive = () => (isFull ? lives.size : counted)

  const sample = (atMs: number) => {
    sampledMs = atMs
    ring.put(kind.count, atMs, 0, 0, readySince)
    readySince = ready
    ring.put(kind.count, atMs, 1, 0, countLive())
    if (loop === undefined) return
    loopSample = loop.sample()
    ring.put(kind.count, atMs, 2, 0, loopSample.delayMs)
    ring.put(kind.count, atMs, 3, 0, loopSample.utilisation)
  }

  // ---- hooks

  const contextOf = (inner: Tracer.Tracer | undefined) => {
    const below = inner?.context?.bind(inner) as ((primitive: Primitive, fiber: AnyFiber) => unknown) | undefined
    return (primitive: Primitive, fiber: AnyFiber): unknown => {
      if (running !== fiber) enter(fiber)
      const result = below === undefined ? primitive[evaluate](fiber) : below(primitive, fiber)
      if (result === Yield) leave(fiber, primitive[identifier])
      return result
    }
  }

  const tracerOf = (inner: Tracer.Tracer): Tracer.Tracer => {
    const tracer = Tracer.make({
      span: (options) => inner.span(options),
      context: contextOf(inner) as NonNullable<Tracer.Tracer["context"]>
    })
    installed.add(tracer)
    return tracer
  }

  const schedulerOf = (inner: Scheduler.Scheduler, tracer: Tracer.Tracer | undefined): Scheduler.Scheduler => {
    const own = tracer?.context
    const scheduler: Scheduler.Scheduler = {
      executionMode: inner.executionMode,
      shouldYield:
        own === undefined
          ? (fiber) => inner.shouldYield(fiber)
          : (fiber) => {
              if (running === fiber && fiber.cache.tracerContext !== own) leave(fiber, hidden)
              return inner.shouldYield(fiber)
            },
      makeDispatcher: () => {
        const dispatcher = inner.makeDispatcher()
        return {
          scheduleTask: (task, priority) => {
            const atMs = now()
            const by = stack.length > 0 ? stack[stack.length - 1]!.id : taskBy
            scheduled++
            if (++ready > mostReady) mostReady = ready
            if (ready > readySince) readySince = ready
            if (atMs - sampledMs >= sampleMs) sample(atMs)
            dispatcher.scheduleTask(() => {
              const before = taskAtMs
              const byBefore = taskBy
              const baseBefore = taskBase
              ready--
              delays.add(now() - atMs)
              taskAtMs = atMs
              taskBy = by
              taskBase = stack.length
              endedBy = 0
              try {
                task()
              } finally {
                if (stack.length > taskBase) cut(taskBase)
                taskAtMs = before
                taskBy = byBefore
                taskBase = baseBefore
              }
            }, priority)
          },
          flush: () => dispatcher.flush()
        }
      }
    }
    installed.add(scheduler)
    return scheduler
  }

  const clockOf = (inner: Clock.Clock): Clock.Clock => {
    const sleeps = (is: boolean) => {
      const life = stack[stack.length - 1]
      if (life !== undefined) life.sleeps = is
    }
    return Object.create(inner, {
      sleep: {
        value: (duration: Parameters<Clock.Clock["sleep"]>[0]) => {
          sleeps(true)
          // a clock of another kind may take several steps to fall asleep
          return isLive
            ? inner.sleep(duration)
            : Effect.onExit(inner.sleep(duration), () => Effect.sync(() => sleeps(false)))
        }
      }
    }) as Clock.Clock
  }

  const counting = (inner: Metric.FiberRuntimeMetricsService | undefined): Metric.FiberRuntimeMetricsService => ({
    recordFiberStart: (context) => {
      counted++
      inner?.recordFiberStart(context)
    },
    recordFiberEnd: (context, exit) => {
      counted--
      inner?.recordFiberEnd(context, exit)
    }
  })

  const record: Recorder["record"] = (effect) =>
    level === "off"
      ? effect
      : Effect.withFiber((fiber) => {
          const { scheduler, tracer, runtimeMetrics } = fiber.cache
          if (installed.has(scheduler)) return effect
          const tracing = isFull ? tracerOf(tracer ?? fiber.getRef(Tracer.Tracer)) : undefined
          const hooks: Context.Context<never> = Context.make(Scheduler.Scheduler, schedulerOf(scheduler, tracing)).pipe(
            tracing === undefined
              ? Context.add(Metric.FiberRuntimeMetrics, counting(runtimeMetrics))
              : flow(Context.add(Tracer.Tracer, tracing), Context.add(Clock.Clock, clockOf(fiber.getRef(Clock.Clock))))
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
              const life = lives.get(fiber.id)
              if (life !== undefined) ended(life, exit)
            })
          )
        })

  const workers: WorkerSink = (event) => {
    const atMs = event.atMs === undefined || !isLive ? now() : event.atMs - performance.timeOrigin - origin
    switch (event.kind) {
      case "submit":
        return ring.put(kind.submit, atMs, event.task, event.fiber ?? 0, names.numberOf(event.name))
      case "dequeue":
        return ring.put(kind.dequeue, atMs, event.task, event.worker, 0)
      case "run":
        return ring.put(kind.runTask, atMs, event.task, event.worker, 0)
      case "done":
        return ring.put(
          kind.done,
          atMs,
          event.task,
          event.worker,
          ends.indexOf(event.end) + ends.length * names.numberOf(event.reason ?? "")
        )
      case "kill":
        return ring.put(kind.kill, atMs, event.task, event.worker, names.numberOf(event.reason ?? ""))
      case "spawn":
        return ring.put(kind.spawn, atMs, 0, event.worker, names.numberOf(event.name ?? "worker"))
      case "exit":
        return ring.put(kind.exit, atMs, 0, event.worker, ends.indexOf(event.end ?? "ok"))
    }
  }

  const live = () => {
    sweep()
    return [...lives.values()]
  }

  return {
    level,
    degraded,
    record,
    workers: isFull ? workers : () => {},
    census: () => ({
      level,
      live: countLive(),
      ready,
      mostReady,
      scheduled,
      delayMs: { p50: delays.quantile(0.5), p99: delays.quantile(0.99), most: delays.most },
      loop: loop === undefined ? undefined : (loopSample ??= loop.sample())
    }),
    timeline: () => timelineOf({ title, startedAtMs, nowMs: now(), ring, lives: live(), names, sources }),
    events: () => ring.count,
    live,
    nowMs: now
  }
}

const hidden = "out of sight (another tracer)"
const definition = " (definition)"

/** What recorders installed: a recorded effect within a recorded effect is recorded once. */
const installed = new WeakSet<object>()
