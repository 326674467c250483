/**
 * An experiment that explains itself: a question, what theory predicts, a program that finds out, and the comparison.
 *
 * ```
 * parameters --> theory --> predictions --+
 *     |                                   +--> checks
 *     +--> program (on a Stage) --> measured --+
 *                    |
 *                    +--> events --> timelines
 * ```
 *
 * 1. A scenario is data and pure functions: importing one does nothing.
 * 2. Theory is computed from the parameters alone; the program does not know it. A check compares the two, within a
 *    tolerance that the prediction states for real time; in virtual time it is exact unless the prediction says
 *    otherwise.
 * 3. In virtual time a run is decided by the parameters alone: same parameters, same events.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { SimulationFailure } from "../simulation/Failure.ts"
import * as Run from "../simulation/Run.ts"
import * as Strategy from "../simulation/Strategy.ts"
import type { Timeline } from "../Timeline.ts"
import { Machine, modelled } from "./Machine.ts"
import type { Parameters, Values } from "./Parameter.ts"
import * as Stage from "./Stage.ts"

/** What theory says of one number, or of one text such as an order. */
export interface Prediction {
  /** What is measured, in words. */
  readonly what: string
  /** How theory comes to it. */
  readonly formula: string
  readonly value: number | string
  readonly unit?: string
  /** [`equal`] */
  readonly is?: "equal" | "at most" | "at least"
  /** In real time it may be off by this share of the value [0]. */
  readonly real?: number
  /** In virtual time it may be off by this share of the value [0]. */
  readonly virtual?: number
  /** It can be measured only there. */
  readonly only?: Mode
}

export type Mode = "virtual" | "real"

/** How the program is being played. */
export const CurrentMode = Context.Reference<Mode>("@simul/core/scenario/Mode", { defaultValue: () => "real" })

export type Measured<K extends string> = { readonly [_ in K]?: number | string }

/** A sentence of the tutorial that is not so, and what is. */
export interface Correction {
  readonly says: string
  readonly is: string
}

export interface Scenario<P extends Parameters = any, K extends string = any> {
  /** What it is called by: `chess`. */
  readonly name: string
  readonly title: string
  /** What to predict before it runs; the answer is one of the measured. */
  readonly question: { readonly text: (parameters: Values<P>) => string; readonly answer: NoInfer<K> }
  readonly parameters: P
  readonly theory: (parameters: Values<P>) => { readonly [_ in K]: Prediction }
  readonly program: (parameters: Values<P>) => Effect.Effect<Measured<NoInfer<K>>, never, Stage.Stage | Machine>
  /** What it teaches, with the numbers of this run; a string a paragraph. */
  readonly prose: (parameters: Values<P>, measured: Readonly<Record<NoInfer<K>, any>>) => ReadonlyArray<string>
  readonly corrections?: ReadonlyArray<Correction>
  /** What the virtual run stands on where it models a machine: constants, and where they come from. */
  readonly model?: string
}

/** Types a scenario by what it says. */
export const make = <const P extends Parameters, const K extends string>(scenario: Scenario<P, K>): Scenario<P, K> =>
  scenario

/** A prediction beside what was measured; `holds` is undefined where it cannot be measured in this mode. */
export interface Check extends Prediction {
  readonly key: string
  readonly measured: number | string | undefined
  readonly holds: boolean | undefined
}

/** Rounding of sums of milliseconds. */
const rounding = 1e-9

const holds = (prediction: Prediction, measured: number | string | undefined, mode: Mode): boolean => {
  const { value, is = "equal" } = prediction
  if (typeof value === "string" || typeof measured !== "number") return measured === value
  const slack = Math.max(Math.abs(value) * (prediction[mode] ?? 0), rounding * Math.max(1, Math.abs(value)))
  const difference = measured - value
  if (is === "at most") return difference <= slack
  if (is === "at least") return difference >= -slack
  return Math.abs(difference) <= slack
}

/** Compares what was measured with what theory predicts. */
export const checks = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  measured: Measured<K>,
  mode: Mode
): ReadonlyArray<Check> =>
  Object.entries<Prediction>(scenario.theory(parameters)).map(([key, prediction]) => ({
    key,
    ...prediction,
    measured: measured[key as K],
    holds:
      prediction.only !== undefined && prediction.only !== mode
        ? undefined
        : holds(prediction, measured[key as K], mode)
  }))

/** One run of a scenario, whole. */
export interface Played {
  readonly mode: Mode
  readonly parameters: Readonly<Record<string, number>>
  readonly measured: Measured<string>
  readonly checks: ReadonlyArray<Check>
  /** The share of its time that work stood in line for a core which other programs had, 0 to 1: taken out of speeds. */
  readonly inLine: number
  readonly events: ReadonlyArray<Stage.StageEvent>
  /** One for each variant. */
  readonly timelines: ReadonlyArray<Timeline>
}

const played = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  measured: Measured<K>,
  mode: Mode,
  events: ReadonlyArray<Stage.StageEvent>,
  inLine = 0
): Played => ({
  mode,
  parameters,
  measured,
  checks: checks(scenario, parameters, measured, mode),
  inLine,
  events,
  timelines: Stage.timelines(events)
})

/** Steps that a virtual run may take: some seconds of CPU. */
const maxSteps = 20_000_000

/** Plays at once, in virtual time, on a modelled machine. `seed` decides what is drawn by chance [1]. */
export const playVirtually = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  options: { readonly seed?: number } = {}
): Effect.Effect<Played, SimulationFailure> =>
  Effect.gen(function* () {
    const stage = Stage.make()
    const program = Effect.flatMap(modelled, (machine) =>
      scenario
        .program(parameters)
        .pipe(
          Effect.provideService(Machine, machine),
          Effect.provideService(Stage.Stage, stage),
          Effect.provideService(CurrentMode, "virtual")
        )
    )
    const { exit } = yield* Run.run(program, { seed: options.seed ?? 1, strategy: Strategy.roundRobin(), maxSteps })
    return played(scenario, parameters, yield* exit, "virtual", stage.events)
  })

/** Plays in real time, on the machine in force. `listen` hears each event as it happens. */
export const playReally = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  options: { readonly listen?: (event: Stage.StageEvent) => void } = {}
): Effect.Effect<Played, never, Machine> =>
  Effect.gen(function* () {
    const stage = Stage.make(options.listen)
    const measured = yield* Effect.provideService(scenario.program(parameters), Stage.Stage, stage)
    const { tookMs, inLineMs } = yield* (yield* Machine).inLine
    return played(scenario, parameters, measured, "real", stage.events, tookMs === 0 ? 0 : inLineMs / tookMs)
  })
