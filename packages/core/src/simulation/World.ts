/**
 * One simulated run: a virtual clock, a scheduler and a source of random numbers for the fibers of one program, all in
 * one synchronous loop.
 *
 * 1. Every task of Effect's runtime (fork, yield, wake-up by a queue, latch, semaphore or pool) lands in one ready list;
 *    the strategy picks the next among those of the most urgent priority.
 * 2. Before each operation of a fiber the strategy may pre-empt it. A pre-empted fiber does one operation before it can
 *    be pre-empted again, so every strategy makes progress. A fiber that another one resumes inline (`Deferred`,
 *    `Effect.callback`) can be pre-empted before its first operation: so the order of wake-ups varies too.
 * 3. Time stands still while anything is ready; then it jumps to the next timers, and all that are due become ready in
 *    the order in which they were set.
 * 4. Nothing else decides: the same program, seed and strategy give the same run. `hash` covers every pick, pre-emption,
 *    jump of time and drawn number.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { WaitReason } from "../WaitReason.ts"
import * as Control from "./Control.ts"
import * as Randomness from "./Randomness.ts"
import { Ready } from "./Ready.ts"
import type * as Schedule from "./Schedule.ts"
import { Slices } from "./Slices.ts"
import * as Strategy from "./Strategy.ts"
import * as Timers from "./Timers.ts"
import * as Trace from "./Trace.ts"

/** Streams of random numbers of one seed. */
export const streams = { schedule: 0, program: 1, faults: 2, crash: 3 } as const

export interface Settings {
  readonly seed: number
  readonly strategy: Strategy.Strategy
  /** Operations, or timers, after which a run counts as endless. */
  readonly maxSteps: number
  /** Keep the slices of the run. */
  readonly trace: boolean
  /** Stop dead before this operation (from 1). */
  readonly stopAt?: number
  /** What the wall's clock says at the start, in milliseconds since the epoch [0]. */
  readonly startMs?: number
  /** Simulate clocks, timers and `Math.random` of the process too. */
  readonly process: boolean
  /** Interrupt the fiber that `victim` names before this operation of it (from 1). */
  readonly interruptAt?: number
}

/** How the loop came to rest. `Outside`: what left the simulation must settle first. */
export type Rest = "Done" | "Stuck" | "Stopped" | "Endless" | "Uncontrolled" | "Broken" | "Thrown" | "Outside"

interface Runner extends Strategy.Runner {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly parent: Runner | undefined
  /** Questions that may not be answered by a pre-emption. */
  grace: number
  /** When it ran last, in virtual milliseconds. */
  ranAt: number
}

interface Task extends Strategy.Candidate {
  readonly run: () => void
  readonly priority: number
  readonly by: Runner | undefined
  owner: Runner | undefined
}

interface Timer extends Timers.Timer {
  fire: (() => void) | undefined
  readonly owner: Runner | undefined
}

interface Excursion {
  readonly fiber: Fiber.Fiber<unknown, unknown>
  settled: boolean
  readonly resume: () => void
}

/** What runs outside of the simulation uses this one. */
const real = new Scheduler.MixedScheduler()

const describe = ({ fiber, number, parent, ranAt }: Runner): Trace.FiberReport => {
  const reason = fiber.getRef(WaitReason)
  return {
    fiber: number,
    parent: parent?.number ?? 0,
    name: Trace.nameOf(fiber),
    since: ranAt,
    ...(reason === undefined ? {} : { reason }),
    frames: Trace.framesOf(fiber)
  }
}

/** Thrown out of operations of a run that is stopped. Without a stack, for it is thrown often. */
const stopped = Object.assign(Object.create(Error.prototype) as Error, {
  name: "Stopped",
  message: "the run is stopped"
})

export class World implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher, Clock.Clock {
  readonly executionMode = "async" as const
  readonly settings: Settings
  /** Operations so far. */
  steps = 0
  /** Virtual milliseconds since the start. */
  now = 0
  hash = 0x811c9dc5
  readonly deviations: Array<Schedule.Deviation> = []
  preemptions = 0
  readonly slices = new Slices()
  violation: { readonly api: string; readonly stack: string; readonly fiber: Trace.FiberReport | undefined } | undefined
  broken: { readonly name: string; readonly detail: string } | undefined
  /** What a callback threw: no fiber has it, and a process would end by it. */
  thrown: { readonly error: unknown } | undefined
  /** Operations of the victim so far. */
  victimSteps = 0

  private readonly decider: Strategy.Decider
  private readonly ready = new Ready<Task>()
  private readonly timers: Array<Timer> = []
  private readonly runners = new Map<number, Runner>()
  private pruneAt = 256
  private numbered = 0
  private order = 0
  /** Timers so far that were due: they may set each other without an operation of a fiber. */
  private due = 0
  private choices = 0
  private last: Runner | undefined
  /** Fibers that run or have another one nested in their operation, outermost first; some may have let go already. */
  private stack: Array<Runner> = []
  private preempting: Runner | undefined
  private scheduled: Task | undefined
  private task: Task | undefined
  private closed = false
  private root: Fiber.Fiber<unknown, unknown> | undefined
  private victim: number | undefined
  private interrupting: Fiber.Fiber<unknown, unknown> | undefined
  private readonly invariants: Array<{ readonly name: string; readonly holds: () => boolean }> = []
  private readonly outside: Array<Excursion> = []
  private onSettled: (() => void) | undefined
  private readonly context: Context.Context<never>
  /** What the wall's clock said at the start, had it been set by then as it is set now. */
  private startMs: number
  readonly process: Control.SimulatedProcess | undefined

  constructor(settings: Settings) {
    const { seed, maxSteps } = settings
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new RangeError(`a seed must be a whole number from 0, got ${seed}`)
    if (!(maxSteps >= 1)) throw new RangeError(`maxSteps must be 1 at least, got ${maxSteps}`)
    this.settings = settings
    this.decider = Strategy.decider(settings.strategy, Randomness.make(settings.seed, streams.schedule))
    const draw = Randomness.make(settings.seed, streams.program)
    const next = () => {
      const value = draw()
      this.mix((value * 2 ** 32) | 0)
      return value
    }
    const random = {
      nextDoubleUnsafe: next,
      nextIntUnsafe: () =>
        Math.floor(next() * (Number.MAX_SAFE_INTEGER - Number.MIN_SAFE_INTEGER + 1)) + Number.MIN_SAFE_INTEGER
    }
    this.startMs = settings.startMs ?? 0
    this.process = settings.process
      ? {
          epochMs: () => Math.floor(this.wallMs),
          elapsedMs: () => this.now,
          random: next,
          after: (ms, fire) => this.after(ms, fire)
        }
      : undefined
    this.context = Context.make(Clock.Clock, this).pipe(Context.add(Random.Random, random), Context.add(Current, this))
  }

  // ---------------------------------------------------------------- scheduler

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    // What still comes from outside after the end must not run.
    if (this.closed) return true
    const runner = this.last?.fiber === fiber ? this.last : this.enter(fiber)
    this.scheduled = undefined
    const { settings } = this
    if (++this.steps === settings.stopAt) this.close()
    if (this.steps > settings.maxSteps) this.close()
    if (this.closed) return true
    if (runner.grace > 0) {
      runner.grace--
      return false
    }
    runner.points++
    runner.slice = fiber.currentOpCount
    if (settings.trace) this.slices.extend(runner)
    if (fiber.id === this.victim && ++this.victimSteps === settings.interruptAt) {
      this.interrupting = fiber
      return this.preempt(runner)
    }
    if (runner.slice >= fiber.cache.maxOpsBeforeYield) return this.preempt(runner)
    // Alone, and not nested in another fiber's operation: nobody could go first.
    if (!this.decider.preempts(runner, this.ready, this.stack)) return false
    if (this.ready.isEmpty && this.stack.length === 1) return false
    this.deviations.push({ _tag: "Preemption", fiber: runner.number, point: runner.points })
    this.preemptions++
    return this.preempt(runner)
  }

  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }

  scheduleTask(run: () => void, priority: number): void {
    if (this.closed) return
    const preempted = this.preempting
    this.preempting = undefined
    const task: Task = { run, priority, by: preempted ?? this.running, owner: preempted }
    if (preempted === undefined) this.scheduled = task
    this.ready.add(task)
  }

  /** Part of the interface; the loop alone runs tasks. */
  flush(): void {}

  private preempt(runner: Runner): true {
    this.mix(runner.number)
    this.mix(runner.points)
    this.preempting = runner
    // The yield itself, and the operation it put off.
    runner.grace = 2
    if (this.settings.trace) this.slices.preempt()
    return true
  }

  /** An operation of a simulated service, outside of all fibers maybe. */
  operation(): void {
    if (!this.closed) {
      this.mix(++this.steps)
      if (this.steps !== this.settings.stopAt && this.steps <= this.settings.maxSteps) return
      this.close()
    }
    throw stopped
  }

  /** The runner of a fiber that is not the one that ran last. */
  private enter(fiber: Fiber.Fiber<unknown, unknown>): Runner {
    let runner = this.runners.get(fiber.id)
    if (runner === undefined) {
      runner = {
        fiber,
        number: ++this.numbered,
        // An immediate start is nested in the operation of the fiber that ran last.
        parent: this.last ?? this.task?.by,
        points: 0,
        priority: 0,
        slice: 0,
        grace: 0,
        ranAt: this.now
      }
      if (this.runners.size >= this.pruneAt) this.prune()
      this.runners.set(fiber.id, runner)
    }
    if (this.task !== undefined && this.task.owner === undefined) this.task.owner = runner
    // Back in an outer fiber, what it had resumed has let go.
    const depth = this.stack.indexOf(runner)
    if (depth >= 0) this.stack.length = depth + 1
    else this.stack.push(runner)
    runner.ranAt = this.now
    this.last = runner
    if (this.settings.trace) this.slices.begin(runner, this.now)
    return runner
  }

  /** The runner of the fiber that is in an operation, if one is. */
  private get running(): Runner | undefined {
    const current = Fiber.getCurrent()
    return current && this.runners.get(current.id)
  }

  private prune() {
    for (const [id, { fiber }] of this.runners) if (fiber.pollUnsafe() !== undefined) this.runners.delete(id)
    this.pruneAt = Math.max(256, 2 * this.runners.size)
  }

  // -------------------------------------------------------------------- clock

  /** What the wall's clock says. */
  get wallMs(): number {
    return this.startMs + this.now
  }
  /** Sets the wall's clock on, or back; all else goes on as it was. */
  shiftClock(byMs: number): void {
    this.startMs += byMs
    this.mix(Math.round(byMs * 1e3) | 0)
  }
  currentTimeMillisUnsafe(): number {
    return this.wallMs
  }
  currentTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.wallMs * 1e6))
  }
  monotonicTimeNanosUnsafe(): bigint {
    return BigInt(Math.round(this.now * 1e6))
  }
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  sleep(duration: Duration.Duration): Effect.Effect<void> {
    const ms = Duration.toMillis(duration)
    if (ms <= 0) return Effect.yieldNow
    if (!Number.isFinite(ms)) return Effect.never
    return Effect.callback<void>((resume) => {
      const cancel = this.after(ms, () => resume(Effect.void))
      return Effect.sync(cancel)
    })
  }

  /** Makes `fire` ready after so many virtual milliseconds. The answer takes it back. */
  after(ms: number, fire: () => void): () => void {
    const timer: Timer = { at: this.now + ms, order: this.order++, fire, owner: this.running }
    Timers.add(this.timers, timer)
    return () => {
      timer.fire = undefined
    }
  }

  /** Moves the timers that are due next to the ready list. False: there are none. */
  private advance(): boolean {
    const { timers } = this
    for (;;) {
      while (timers.length > 0 && timers[0]!.fire === undefined) Timers.take(timers)
      if (timers.length === 0) return !this.ready.isEmpty
      if (!this.ready.isEmpty && timers[0]!.at > this.now) return true
      const timer = Timers.take(timers)
      this.due++
      if (timer.at > this.now) {
        this.now = timer.at
        this.mix(Math.round(timer.at * 1e3) | 0)
      }
      this.ready.add({ run: () => timer.fire?.(), priority: 0, by: timer.owner, owner: timer.owner })
    }
  }

  // --------------------------------------------------------------------- loop

  /** Starts the program; `drive` runs it. */
  start<A, E, R>(program: Effect.Effect<A, E, R>, services: Context.Context<R>): void {
    const context = Context.merge<R, never>(services, this.context)
    this.scheduleTask(() => {
      this.root = Effect.runForkWith(context)(program, { scheduler: this }) as Fiber.Fiber<unknown, unknown>
    }, 0)
  }

  /** Runs until the program ended or nothing can go on. */
  drive(): Rest {
    return Control.controlled(() => Control.watched(this, () => this.loop()))
  }

  private loop(): Rest {
    for (;;) {
      if (this.due > this.settings.maxSteps && !this.closed) this.close()
      if (this.closed) return this.rest()
      if (this.root?.pollUnsafe() !== undefined) {
        this.close()
        return "Done"
      }
      const victim = this.interrupting
      if (victim !== undefined) {
        this.interrupting = undefined
        this.task = undefined
        this.last = undefined
        this.stack = []
        victim.interruptUnsafe()
        continue
      }
      this.settleYield()
      if (this.ready.isEmpty && this.outside.length > 0) {
        if (!this.isSettled) return "Outside"
        for (const { resume } of this.outside.splice(0))
          this.ready.add({ run: resume, priority: 0, by: undefined, owner: undefined })
      }
      if (this.ready.isEmpty && !this.advance()) {
        this.close()
        return "Stuck"
      }
      const task = this.pick()
      this.task = task
      this.last = undefined
      this.stack = []
      try {
        task.run()
      } catch (error) {
        // what stops the run leaves a callback this way, too
        if (!this.closed) {
          this.thrown = { error }
          this.close()
        }
      }
      if (this.invariants.length > 0) this.checkInvariants()
    }
  }

  private pick(): Task {
    const { ready } = this
    const count = ready.mostUrgent
    let index = 0
    if (count > 1) {
      this.choices++
      index = this.decider.pick(ready, count)
      if (index > 0) this.deviations.push({ _tag: "Pick", choice: this.choices, index })
    }
    this.mix(index * 4096 + count)
    return ready.take(index)
  }

  /** What a fiber scheduled last, without another operation after it, was its own yield. */
  private settleYield() {
    const task = this.scheduled
    this.scheduled = undefined
    if (task?.by === undefined || task.owner !== undefined || task.by.fiber.pollUnsafe() !== undefined) return
    task.owner = task.by
    this.decider.yielded?.(task.by)
  }

  private rest(): Rest {
    if (this.violation !== undefined) return "Uncontrolled"
    if (this.broken !== undefined) return "Broken"
    if (this.thrown !== undefined) return "Thrown"
    return Math.max(this.steps, this.due) > this.settings.maxSteps ? "Endless" : "Stopped"
  }

  private close() {
    this.closed = true
    this.mix(this.steps)
    for (const { fiber } of this.outside) fiber.interruptUnsafe()
    if (this.settings.trace) this.slices.seal()
  }

  private mix(value: number) {
    const h = Math.imul(this.hash ^ value, 0x9e3779b1)
    this.hash = h ^ (h >>> 15)
  }

  /** The exit of the program, once it has one. */
  exit(): Exit.Exit<unknown, unknown> | undefined {
    return this.root?.pollUnsafe()
  }

  // ------------------------------------------------------------------ services

  /** Names the fiber that `interruptAt` is about. */
  setVictim(fiber: Fiber.Fiber<unknown, unknown>): void {
    this.victim ??= fiber.id
  }

  /** Checks `holds` after every task from now on. */
  addInvariant(name: string, holds: () => boolean): void {
    this.invariants.push({ name, holds })
  }

  private checkInvariants() {
    for (const { name, holds } of this.invariants) {
      try {
        if (holds()) continue
        this.broken = { name, detail: "" }
      } catch (error) {
        this.broken = { name, detail: String(error) }
      }
      this.close()
      return
    }
  }

  report(api: string, stack: string): void {
    if (this.closed) return
    const { running } = this
    this.violation = { api, stack, fiber: running && describe(running) }
    this.close()
  }

  /**
   * Runs an effect on the real clock and scheduler. Everything that went outside is awaited together and comes back in
   * the order in which it left, however long each took.
   */
  leave<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.contextWith((services: Context.Context<R>) =>
      Effect.callback<A, E>((resume) => {
        const context = Context.omit(Clock.Clock, Random.Random, Current)(services) as Context.Context<R>
        const fiber = Control.watched(undefined, () => Effect.runForkWith(context)(effect, { scheduler: real }))
        const excursion: Excursion = { fiber, settled: false, resume: () => resume(fiber.pollUnsafe()!) }
        this.outside.push(excursion)
        fiber.addObserver(() => {
          excursion.settled = true
          if (this.isSettled) this.onSettled?.()
        })
        return Effect.sync(() => {
          if (this.outside.includes(excursion)) this.outside.splice(this.outside.indexOf(excursion), 1)
          fiber.interruptUnsafe()
        })
      })
    )
  }

  private get isSettled(): boolean {
    return this.outside.every(({ settled }) => settled)
  }

  /** Waits, in real time, until everything outside has settled. */
  readonly settled: Effect.Effect<void> = Effect.callback<void>((resume) => {
    if (this.isSettled) return resume(Effect.void)
    this.onSettled = () => {
      this.onSettled = undefined
      resume(Effect.void)
    }
  })

  /** The fibers that have begun and not ended, in the order of their start. */
  fibers(): ReadonlyArray<Trace.FiberReport> {
    return Array.from(this.runners.values())
      .filter(({ fiber }) => fiber.pollUnsafe() === undefined)
      .map(describe)
  }
}

/** The run that a fiber belongs to, if it is simulated. */
export const Current: Context.Reference<World | undefined> = Context.Reference<World | undefined>(
  "@simul/core/simulation/World",
  { defaultValue: () => undefined }
)
