/**
 * Searches as tests, for any test runner whose `it` takes a function that may throw or return a promise.
 *
 * The environment decides without a change of code:
 *
 * - `SIMUL_REPLAY="17: f2@5"` runs that seed and schedule alone (`17` alone: the seed under the test's strategy);
 * - `SIMUL_SEEDS=100000` runs so many seeds, for a long night.
 */
import * as Effect from "effect/Effect"
import * as Exploration from "./Exploration.ts"
import type * as Failure from "./Failure.ts"

/** As `ExploreOptions`, and schedules to run before the search or instead of it. */
export interface PropertyOptions<A> extends Exploration.ExploreOptions<A> {
  /** Run this line of a failure alone, as `SIMUL_REPLAY` does. */
  readonly replay?: string
  /**
   * Lines of earlier failures, each run before the search: what was found once stays found, however few seeds a run takes
   * [none]. To a program that has changed since, a line is one more schedule.
   */
  readonly regressions?: ReadonlyArray<string>
}

const environment = (name: string): string | undefined => {
  const value = (globalThis as { process?: { env?: Record<string, string | undefined> } }).process?.env?.[name]
  return value === "" ? undefined : value
}

/**
 * A test body: `it("keeps the sum", Simulation.property(program, { invariants: {...} }))`. It throws an error whose
 * message has the seeds, the schedule, what ran, and the line that runs it again; its stack is the place of this call.
 * For a failure as data there is `explore`.
 */
export const property = <A, E>(
  program: Effect.Effect<A, E>,
  options: PropertyOptions<A> = {}
): (() => Promise<void>) => {
  const here = new Error()
  Error.captureStackTrace?.(here, property) // where the engine has it
  return async () => {
    const line = environment("SIMUL_REPLAY") ?? options.replay
    const seeds = environment("SIMUL_SEEDS")
    if (seeds !== undefined && !/^[1-9]\d*$/.test(seeds))
      throw new Error(`SIMUL_SEEDS must be a whole number from 1, got \`${seeds}\``)
    const replayed = line === undefined ? (options.regressions ?? []) : [line]
    const searches = replayed.map((line) => Exploration.replay(program, line, options))
    if (line === undefined)
      searches.push(Exploration.explore(program, seeds === undefined ? options : { ...options, seeds: Number(seeds) }))
    const failure = await Effect.runPromise(
      Effect.match(
        Effect.forEach(searches, (search) => search, { discard: true }),
        {
          onFailure: (failure) => failure,
          onSuccess: () => undefined
        }
      )
    )
    if (failure !== undefined) throw told(failure, here)
  }
}

/** Without the failure as its cause: runners print that too, and all would be said twice. */
const told = (failure: Failure.SimulationFailure, { stack = "" }: Error) => {
  const error = new Error(
    `${failure.message}\n  again: SIMUL_REPLAY="${failure.replay}" in front of the command that runs this test`
  )
  error.stack = stack.replace(/^Error.*/, () => `Error: ${error.message}`)
  return error
}
