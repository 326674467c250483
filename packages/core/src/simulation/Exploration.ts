/**
 * The search: many runs of one program, each with a seed of its own, until one is wrong. What is found is made small
 * and comes back as data.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Failure from "./Failure.ts"
import * as Run from "./Run.ts"
import * as Schedule from "./Schedule.ts"
import { seedsOf } from "./Seeds.ts"
import { shrink } from "./Shrink.ts"
import * as Strategy from "./Strategy.ts"

/** Which schedules are searched, for how long, and what must hold in each. */
export interface ExploreOptions<A> extends Omit<Run.Options, "trace"> {
  /** How many seeds, from `seed` on [1000, or any number with a `budget`], or which. */
  readonly seeds?: number | Iterable<number>
  /** Real time after which no further run begins; there is one in any case [no bound]. */
  readonly budget?: Duration.Input
  /** What must hold of the program's value. That it neither fails nor dies must hold anyway. */
  readonly invariants?: Run.Invariants<A>
  /** Count all wrong runs instead of failing with the first [false]. */
  readonly keepGoing?: boolean
  /** Runs that making a failing schedule small may take; 0 leaves it as found [1000]. */
  readonly shrinkRuns?: number
}

/** What a search went through. */
export interface Exploration {
  readonly runs: number
  /** Runs that went a way of their own. */
  readonly distinct: number
  /** Operations of all runs. */
  readonly steps: number
  readonly preemptions: number
  /** Wrong runs, with `keepGoing`: as found, neither traced nor made small. */
  readonly failures: ReadonlyArray<Failure.SimulationFailure>
}

/** After so much real time others get a turn: a test runner's clock, a signal. */
const turnMs = 50

/**
 * Runs a program with many seeds. Fails with the first wrong run: a failure of the program, a broken invariant, a
 * deadlock, no end, an uncontrolled promise. Its schedule is made small and its trace is kept.
 *
 * The program is run again and again: it must make its state itself (in `Effect.gen` or `Effect.suspend`).
 */
export const explore = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  options: ExploreOptions<A> = {}
): Effect.Effect<Exploration, Failure.SimulationFailure, R> =>
  Effect.gen(function* () {
    const services = yield* Effect.context<R>()
    const { invariants = {}, keepGoing = false, shrinkRuns = 1000, seed: firstSeed = 1 } = options
    const judge = Run.judge<A, E, undefined>(invariants, undefined)
    const settings = { ...Run.settingsOf(options), strategy: yield* measured(program, services, options) }
    const deadline = options.budget === undefined ? Infinity : performance.now() + Duration.toMillis(options.budget)
    const seeds = seedsOf(options.seeds ?? (options.budget === undefined ? 1000 : Infinity), firstSeed)

    const ways = new Set<number>()
    const failures: Array<Failure.SimulationFailure> = []
    let runs = 0
    let steps = 0
    let preemptions = 0
    let turn = performance.now()
    for (const seed of seeds) {
      const now = performance.now()
      if (now > deadline && runs > 0) break
      if (now - turn > turnMs) {
        yield* Effect.yieldNow
        turn = performance.now()
      }
      const finished = yield* Run.perform(program, services, { ...settings, seed })
      runs++
      steps += finished.world.steps
      preemptions += finished.world.preemptions
      ways.add(finished.world.hash)
      const reason = Run.reasonOf(finished, judge)
      if (reason === undefined) continue
      const failure = Run.failureOf(finished, reason)
      if (!keepGoing) return yield* yield* minimized(program, services, failure, judge, options, shrinkRuns)
      failures.push(failure)
    }
    return { runs, distinct: ways.size, steps, preemptions, failures }
  })

/** PCT needs to know how long a run is. */
const measured = <A, E, R>(program: Effect.Effect<A, E, R>, services: Context.Context<R>, options: Run.Options) =>
  Effect.gen(function* () {
    const settings = Run.settingsOf(options)
    const { strategy } = settings
    if (strategy._tag !== "Pct" || strategy.steps !== undefined) return strategy
    const { world } = yield* Run.perform(program, services, { ...settings, strategy: Strategy.roundRobin() })
    return Strategy.pct(strategy.depth, Math.max(1, world.steps))
  })

const isSame = (one: Failure.Reason | undefined, other: Failure.Reason) =>
  one?._tag === other._tag && (one._tag !== "InvariantBroken" || one.name === (other as typeof one).name)

/** The same failure with as small a schedule as can be found, and with its trace. */
const minimized = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  services: Context.Context<R>,
  failure: Failure.SimulationFailure,
  judge: Run.Judge<A, E>,
  options: Run.Options,
  shrinkRuns: number
): Effect.Effect<Failure.SimulationFailure> =>
  Effect.gen(function* () {
    const replayed = (schedule: Schedule.Schedule) => ({
      ...Run.settingsOf({ ...options, seed: failure.seed }),
      strategy: Strategy.replay(schedule)
    })
    const { schedule, runs } = yield* shrink(
      failure.schedule,
      (schedule) =>
        Effect.map(Run.perform(program, services, replayed(schedule)), (finished) =>
          isSame(Run.reasonOf(finished, judge), failure.reason)
        ),
      shrinkRuns
    )
    const settings = { ...replayed(schedule), trace: true }
    const finished = yield* Run.perform(program, services, settings, failure.reason._tag === "UncontrolledPromise")
    const reason = Run.reasonOf(finished, judge)
    const { strategy } = failure
    if (reason !== undefined && isSame(reason, failure.reason))
      return Run.failureOf(finished, reason, {
        strategy,
        ...(runs === 0 ? {} : { shrunk: { from: failure.schedule.length, runs } })
      })
    // The very schedule that was recorded does not fail again: something else decides.
    const notAgain = new Failure.NotDeterministic({
      hashes: ["recorded", Run.hashOf(finished.world)],
      slice: 0,
      first: failure.reason.message,
      second: reason?.message ?? "no failure when its schedule is replayed"
    })
    return Run.failureOf(finished, notAgain, { strategy })
  })

/**
 * Replays one line of a failure's `replay`: its seed and, if there is one, its schedule. Throws a `SyntaxError` for
 * other text.
 */
export const parseReplay = (line: string): { readonly seed: number; readonly schedule?: Schedule.Schedule } => {
  const [, seed, rest] = /^\s*(\d+)\s*(?::(.*))?$/.exec(line) ?? []
  if (seed === undefined)
    throw new SyntaxError(`replay: expected \`<seed>\` or \`<seed>: <schedule>\`, got \`${line}\``)
  return { seed: Number(seed), ...(rest === undefined ? {} : { schedule: Schedule.parse(rest) }) }
}

/**
 * Runs what one line tells, as a failure's `replay` has it: with its schedule, or by its seed and `options.strategy`.
 * Fails as `explore` does, with the trace; what was found is not made smaller.
 */
export const replay = <A, E, R>(
  program: Effect.Effect<A, E, R>,
  line: string,
  options: ExploreOptions<A> = {}
): Effect.Effect<Exploration, Failure.SimulationFailure, R> =>
  Effect.suspend(() => {
    const { seed, schedule } = parseReplay(line)
    const strategy = schedule === undefined ? {} : { strategy: Strategy.replay(schedule) }
    return explore(program, { ...options, ...strategy, seeds: [seed], shrinkRuns: 0 })
  })
