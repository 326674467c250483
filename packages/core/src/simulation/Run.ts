/**
 * One run of a program in simulation, and what it is judged by.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Control from "./Control.ts"
import * as Failure from "./Failure.ts"
import type * as Schedule from "./Schedule.ts"
import * as Strategy from "./Strategy.ts"
import type * as Trace from "./Trace.ts"
import { type Rest, type Settings, World } from "./World.ts"

/** How one run is made. */
export interface Options {
  /** What all choices follow from: the order of fibers, the program's `Random`, faults [1]. */
  readonly seed?: number
  /** [`random(0.1)`] */
  readonly strategy?: Strategy.Strategy
  /** Operations, or timers, after which the run counts as endless [1 000 000]. */
  readonly maxSteps?: number
  /** Keep what ran when, the last 2000 slices at least [false]. */
  readonly trace?: boolean
  /** What the wall's clock says at the start, in milliseconds since the epoch [0]. */
  readonly startMs?: number
  /**
   * Simulate what code that does not use Effect takes from the process, too: `Date.now`, `new Date`, `performance.now`,
   * `Math.random`, `setTimeout`, `setInterval` and `setImmediate`. Promises and microtasks stay out of reach [false].
   */
  readonly process?: boolean
}

/** A run that came to its end. */
export interface Run<A, E> {
  readonly exit: Exit.Exit<A, E>
  readonly seed: number
  readonly strategy: Strategy.Strategy
  /** Where it left the default order. */
  readonly schedule: Schedule.Schedule
  /** 8 hexadecimal digits; equal for runs that went the same way. */
  readonly hash: string
  /** Operations of all fibers. */
  readonly steps: number
  readonly preemptions: number
  /** Virtual milliseconds. */
  readonly elapsedMs: number
  /** Fibers that had not ended when the program had. */
  readonly fibersLeft: number
  /** Empty unless asked for. */
  readonly trace: Trace.Trace
}

/** Why a finished run is wrong; `undefined` if it is not. */
export type Judge<A, E> = (exit: Exit.Exit<A, E>) => Failure.Reason | undefined

/** What must hold of the value of a program, by name. False and a throw break it. */
export type Invariants<A> = Readonly<Record<string, (value: A) => boolean | void>>

/** Judges a run wrong when it failed or an invariant does not hold. `state`: what outlives a crash, if there is anything. */
export const judge =
  <A, E, S>(invariants: Readonly<Record<string, (value: A, state: S) => boolean | void>>, state: S): Judge<A, E> =>
  (exit) => {
    if (exit._tag === "Failure") return failedBy(exit.cause)
    for (const [name, holds] of Object.entries(invariants))
      try {
        if (holds(exit.value, state) === false) {
          const outlived = state === undefined ? "" : `, the state ${show(state)}`
          return new Failure.InvariantBroken({ name, detail: `the value is ${show(exit.value)}${outlived}` })
        }
      } catch (error) {
        return new Failure.InvariantBroken({ name, detail: error instanceof Error ? error.message : String(error) })
      }
    return undefined
  }

const failedBy = (cause: Cause.Cause<unknown>) =>
  new Failure.ProgramFailed({ error: Cause.squash(cause), pretty: Cause.pretty(cause) })

const show = (value: unknown): string => {
  try {
    const text = JSON.stringify(value) ?? String(value)
    return text.length > 200 ? `${text.slice(0, 200)}...` : text
  } catch {
    return String(value)
  }
}

export const settingsOf = (options: Options): Settings => {
  const { seed = 1, strategy = Strategy.random(), maxSteps = 1_000_000, trace = false, process = false } = options
  return { seed, strategy, maxSteps, trace, process, startMs: options.startMs ?? 0 }
}

/** A world that came to rest. */
export interface Finished {
  readonly world: World
  readonly rest: Exclude<Rest, "Outside">
}

/**
 * Runs a program to its rest. `traced` learns where promises are made.
 * The effect suspends only where the program goes outside; until then it is synchronous.
 */
export const perform = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  services: Context.Context<R>,
  settings: Settings,
  traced = false
): Effect.Effect<Finished> =>
  Effect.suspend(() => {
    const world = new World(settings)
    world.start(program, services)
    const drive = () => (traced ? Control.tracing(() => world.drive()) : world.drive())
    const goOn = (): Effect.Effect<Finished> => {
      const rest = drive()
      return rest === "Outside" ? Effect.flatMap(world.settled, goOn) : Effect.succeed({ world, rest })
    }
    return goOn()
  })

/** What is wrong with how a world came to rest, or with what the program came to. */
export const reasonOf = <A, E>({ world, rest }: Finished, judge: Judge<A, E>): Failure.Reason | undefined => {
  switch (rest) {
    case "Done":
      return judge(world.exit() as Exit.Exit<A, E>)
    case "Stuck":
      return new Failure.Deadlock({ fibers: world.fibers(), at: world.now })
    case "Endless":
      return new Failure.StepLimit({ maxSteps: world.settings.maxSteps, fibers: world.fibers() })
    case "Uncontrolled": {
      const { api, stack, fiber } = world.violation!
      return new Failure.UncontrolledPromise({ api, stack, ...(fiber === undefined ? {} : { fiber }) })
    }
    case "Broken":
      return new Failure.InvariantBroken(world.broken!)
    case "Thrown":
      return failedBy(Cause.die(world.thrown!.error))
    case "Stopped":
      return undefined
  }
}

/** A failure of a world. */
export const failureOf = (
  { world }: Finished,
  reason: Failure.Reason,
  extra: Partial<Pick<Failure.SimulationFailure, "strategy" | "fault" | "point" | "shrunk">> = {}
): Failure.SimulationFailure =>
  new Failure.SimulationFailure({
    reason,
    seed: world.settings.seed,
    strategy: Strategy.format(world.settings.strategy),
    schedule: world.deviations,
    trace: world.slices.all,
    ...extra
  })

const runOf = <A, E>({ world }: Finished): Run<A, E> => ({
  exit: world.exit() as Exit.Exit<A, E>,
  seed: world.settings.seed,
  strategy: world.settings.strategy,
  schedule: world.deviations,
  hash: hashOf(world),
  steps: world.steps,
  preemptions: world.preemptions,
  elapsedMs: world.now,
  fibersLeft: world.fibers().length,
  trace: world.slices.all
})

/** The hash of a world in 8 hexadecimal digits. */
export const hashOf = (world: World): string => (world.hash >>> 0).toString(16).padStart(8, "0")

/**
 * Runs a program in simulation: one seed, one schedule, virtual time.
 *
 * However the program ends, that is its `exit`; the run fails only with what no real run tells, a deadlock, no end
 * within `maxSteps`, or the use of a promise or timer of the process, and where a timer's callback throws. Services come from the surroundings, but for
 * `Clock`, `Random` and the scheduler, which are the simulation's. Fibers that the program leaves behind are dropped.
 */
export const run = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.Effect<Run<A, E>, Failure.SimulationFailure, R> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<R>()
    const settings = settingsOf(options)
    let finished = yield* perform(program, services, settings)
    const isWrong = reasonOf(finished, () => undefined) !== undefined
    // Once more, to see what ran and where.
    if (isWrong) finished = yield* perform(program, services, { ...settings, trace: true }, true)
    const reason = reasonOf(finished, () => undefined)
    if (reason !== undefined) return yield* failureOf(finished, reason)
    return runOf<A, E>(finished)
  })

/**
 * Runs a program twice with one seed and fails with `NotDeterministic` if the two went different ways: then something
 * that the simulation does not know decides, such as `Date.now`, `Math.random` or state kept between runs.
 */
export const assertDeterministic = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: Options = {}
): Effect.Effect<Run<A, E>, Failure.SimulationFailure, R> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<R>()
    const settings = { ...settingsOf(options), trace: true }
    const one = yield* perform(program, services, settings)
    const other = yield* perform(program, services, settings)
    const reason = reasonOf(one, () => undefined) ?? differenceOf(one.world, other.world)
    if (reason !== undefined) return yield* failureOf(one, reason)
    return runOf<A, E>(one)
  })

/** How two runs differ; `undefined` if they do not. */
const differenceOf = (one: World, other: World): Failure.NotDeterministic | undefined => {
  if (one.hash === other.hash) return undefined
  const lines = [one, other].map(({ slices }) => slices.all.map((slice) => JSON.stringify(slice)))
  const [first = [], second = []] = lines
  let at = 0
  while (at < first.length && at < second.length && first[at] === second[at]) at++
  return new Failure.NotDeterministic({
    hashes: [hashOf(one), hashOf(other)],
    slice: at + 1,
    first: first[at] ?? "(no more slices)",
    second: second[at] ?? "(no more slices)"
  })
}
