/**
 * A fault at every operation, one after the other: an interruption of one fiber, or a crash of the whole program.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Failure from "./Failure.ts"
import { below, make, type Randomness } from "./Randomness.ts"
import * as Run from "./Run.ts"
import { seedsOf } from "./Seeds.ts"
import * as Strategy from "./Strategy.ts"
import { type Settings, streams } from "./World.ts"

/** What both sweeps take, `sweepInterrupts` and `sweepCrashes`. */
export interface SweepOptions extends Omit<Run.Options, "trace" | "seed"> {
  /** How many seeds from 1 on, each with a schedule of its own, or which [1]. */
  readonly seeds?: number | Iterable<number>
  /** Collect all failures instead of failing with the first [false]. */
  readonly keepGoing?: boolean
}

/** What a sweep went through. */
export interface Sweep {
  /** Faults: interruptions or first crashes. */
  readonly points: number
  readonly failures: ReadonlyArray<Failure.SimulationFailure>
}

/** What `sweepInterrupts` takes. */
export interface InterruptOptions<A> extends SweepOptions {
  /** What must hold of the program's value, wherever the victim was interrupted. */
  readonly invariants?: Run.Invariants<A>
  /** Only this interruption, as a failure's `point` tells it. */
  readonly point?: number
}

/**
 * Runs a program once for each operation of the fiber that `Simulation.victim` marks, and interrupts that fiber before
 * it: a leak of a permit, a lock or a file shows up as a broken invariant or a deadlock. The program itself must
 * succeed; where it marks no fiber the sweep dies. [roundRobin()] without a strategy: give `random` and several seeds
 * to vary what goes on around the victim.
 */
export const sweepInterrupts = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: InterruptOptions<A> = {}
): Effect.Effect<Sweep, Failure.SimulationFailure, R> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<R>()
    const judge = Run.judge<A, E, undefined>(options.invariants ?? {}, undefined)
    const failures: Array<Failure.SimulationFailure> = []
    let points = 0
    const first = pointOf(options.point) ?? 1
    for (const seed of seedsOf(options.seeds ?? 1)) {
      const settings = Run.settingsOf({ strategy: Strategy.roundRobin(), ...options, seed })
      for (let point = first; point <= (options.point ?? Infinity); point++) {
        const perform = (trace: boolean) => Run.perform(program, services, { ...settings, trace, interruptAt: point })
        const finished = yield* perform(false)
        const reason = Run.reasonOf(finished, judge)
        const isInterrupted = finished.world.victimSteps >= point
        // undisturbed it must succeed, too
        if (!isInterrupted && reason !== undefined) return yield* Run.failureOf(yield* perform(true), reason)
        if (!isInterrupted) break
        points++
        if (reason === undefined) continue
        const traced = yield* perform(true)
        const failure = Run.failureOf(traced, Run.reasonOf(traced, judge)!, { fault: "interrupted", point })
        if (!options.keepGoing) return yield* failure
        failures.push(failure)
      }
    }
    if (points === 0) throw nothingInterrupted(options.point)
    return { points, failures }
  })

const pointOf = (point: number | undefined): number | undefined => {
  if (point === undefined || (Number.isInteger(point) && point >= 1)) return point
  throw new RangeError(`point must be a whole number from 1, got ${point}`)
}

const nothingInterrupted = (point: number | undefined) =>
  new Error(
    `nothing was interrupted: no fiber is marked with \`Simulation.victim\`${point === undefined ? "" : `, or it has no operation ${point}`}`
  )

/** What `sweepCrashes` takes: a program, the state that outlives it, and what must hold of both. */
export interface CrashOptions<S, A, E, R> extends SweepOptions {
  /** Makes what outlives a crash, such as a simulated disk. */
  readonly make: (random: Randomness) => S
  /** The program, run from its start again after each crash. */
  readonly program: (state: S) => Effect.Effect<A, E, R>
  /** What a crash does to the state. The program is gone without a finalizer by then. */
  readonly crash: (state: S, random: Randomness) => void
  /** What must hold when the program has ended at last. What does not is told with value and state, as JSON has them. */
  readonly invariants: Readonly<Record<string, (value: A, state: S) => boolean | void>>
  /** Crashes of one trial at most: the first is swept, each further one comes with a chance of one half [2]. */
  readonly crashes?: number
  /** Virtual milliseconds from a crash to the next start, at most [0]. */
  readonly downMs?: number
  /** Up to so many operations each is crashed at, of a longer run so many random ones [1000]. */
  readonly points?: number
  /** Only this first crash, as the failure's `point` tells it. */
  readonly point?: number
  /**
   * One trial a seed in place of an undisturbed one and `points` of them: crashed before one of its first so many operations,
   * or undisturbed where it ends before. No run is spent on counting operations, so the same time has room for more
   * crashes. Best a little more than a run has; of a longer one the end is never crashed.
   */
  readonly within?: number
}

/**
 * Crashes a program before each of its operations, one trial each: everything stops dead, `crash` takes from the state
 * what was not durable, and the program starts again and must come to a good end, as must what `invariants` say.
 */
export const sweepCrashes: <S, A, E, R>(
  options: CrashOptions<S, A, E, R>
) => Effect.Effect<Sweep, Failure.SimulationFailure, R> = Effect.fnUntraced(function* <S, A, E, R>(
  options: CrashOptions<S, A, E, R>
) {
  const services = yield* Effect.context<R>()
  const { points: mostPoints = 1000, within } = options
  const point = pointOf(options.point)
  const failures: Array<Failure.SimulationFailure> = []
  let points = 0
  for (const seed of seedsOf(options.seeds ?? 1)) {
    const settings = Run.settingsOf({ ...options, seed })
    let tried: Iterable<number>
    if (point === undefined && within !== undefined) tried = [1 + below(make(seed, streams.crash), within)]
    else {
      const whole = yield* trial(options, services, settings, Infinity)
      if (whole.failure !== undefined) return yield* whole.failure
      tried = point === undefined ? pointsOf(whole.steps, mostPoints, seed) : [point]
    }
    for (const at of tried) {
      let { crashes, failure } = yield* trial(options, services, settings, at)
      if (crashes > 0) points++
      if (failure === undefined) continue
      failure = (yield* trial(options, services, { ...settings, trace: true }, at)).failure ?? failure
      if (!options.keepGoing) return yield* failure
      failures.push(failure)
    }
  }
  if (points === 0 && point !== undefined) throw new Error(`nothing was crashed: it has no operation ${point}`)
  return { points, failures }
})

const pointsOf = (steps: number, most: number, seed: number): Iterable<number> => {
  if (steps <= most) return Array.from({ length: steps }, (_, index) => index + 1)
  const random = make(seed, streams.crash)
  return Array.from({ length: most }, () => 1 + below(random, steps))
}

/** How a trial went: operations of its last run, crashes. */
interface Tried {
  readonly steps: number
  readonly crashes: number
  readonly failure: Failure.SimulationFailure | undefined
}

const trial: <S, A, E, R>(
  options: CrashOptions<S, A, E, R>,
  services: Context.Context<R>,
  settings: Settings,
  point: number
) => Effect.Effect<Tried> = Effect.fnUntraced(function* <S, A, E, R>(
  options: CrashOptions<S, A, E, R>,
  services: Context.Context<R>,
  settings: Settings,
  point: number
) {
  const random = make(settings.seed * 0x10000 + (point === Infinity ? 0 : point), streams.crash)
  const state = options.make(make(settings.seed, streams.faults))
  const judge = Run.judge<A, E, S>(options.invariants, state)
  let stopAt = point
  let { startMs = 0 } = settings
  for (let crashes = 0; ; crashes++) {
    const finished = yield* Run.perform(options.program(state), services, { ...settings, stopAt, startMs })
    if (finished.rest !== "Stopped") {
      const reason = Run.reasonOf(finished, judge)
      const extra = crashes === 0 ? {} : ({ fault: "crashed", point } as const)
      return {
        steps: finished.world.steps,
        crashes,
        failure: reason === undefined ? undefined : Run.failureOf(finished, reason, extra)
      }
    }
    options.crash(state, random)
    startMs = finished.world.wallMs + Math.floor((options.downMs ?? 0) * random())
    const again = crashes + 1 < (options.crashes ?? 2) && random() < 0.5
    stopAt = again ? 1 + below(random, Math.max(1, point)) : Infinity
  }
})
