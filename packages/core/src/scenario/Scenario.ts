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
 *    otherwise. A time of a real run that does not hold is not judged where busy cores explain it: their share of
 *    the cores is measured in the run itself, and no tolerance is widened for it.
 * 3. In virtual time a run is decided by the parameters alone: same parameters, same events.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { SimulationFailure } from "../simulation/Failure.ts"
import * as Run from "../simulation/Run.ts"
import * as Strategy from "../simulation/Strategy.ts"
import { duration } from "../TimelineLayout.ts"
import { Machine, modelled } from "./Machine.ts"
import * as Parameter from "./Parameter.ts"
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
  /**
   * In real time it may be off by this share of the value [0]. What has one is made of times, which a busy machine
   * changes; what has none is a fact on any machine.
   */
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

/** A sentence of the tutorial that is not so, or something that it does, and what is. */
export type Correction = { readonly is: string } & ({ readonly says: string } | { readonly does: string })

export interface Scenario<P extends Parameters = any, K extends string = any> {
  /** What it is called by: `chess`. */
  readonly name: string
  readonly title: string
  /** What to predict before it runs; the answer is one of the measured. */
  readonly question: { readonly text: (parameters: Values<P>) => string; readonly answer: NoInfer<K> }
  readonly parameters: P
  readonly theory: (parameters: Values<P>) => { readonly [_ in K]: Prediction }
  /** How long a real run takes by theory, in milliseconds. */
  readonly lasts: (parameters: Values<P>) => number
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

/** A prediction beside what was measured; `holds` is undefined where that cannot be said. */
export interface Check extends Prediction {
  readonly key: string
  readonly measured: number | string | undefined
  readonly holds: boolean | undefined
  /** It does not hold, and how busy other programs kept the machine explains by how much: it is not judged. */
  readonly isBusy?: true
}

/** How busy other programs kept the machine while a run went on. */
export interface Load {
  /** The share of its time that work, or the event loop, stood in line for a core: 0 to 1. */
  readonly share: number
  /** How long the event loop's thread did, in milliseconds. */
  readonly loopMs: number
}

const idle: Load = { share: 0, loopMs: 0 }

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

/** Below this share a machine is not called busy. */
const leastBusy = 0.05

/** Milliseconds of the clock in a unit; others are not times. */
const clock: Readonly<Record<string, number>> = { ms: 1, s: 1000 }

/**
 * Whether some value that was possible on an idle machine holds. A time would have been shorter by no more than the loop
 * stood in line, a ratio of times off by no more than the share of the time that was spent so.
 */
const isExplained = (prediction: Prediction, measured: number | string | undefined, { share, loopMs }: Load) => {
  const { value, is = "equal", real, unit = "" } = prediction
  if (real === undefined || measured === undefined || share < leastBusy) return false
  // an order of times
  if (typeof value === "string" || typeof measured === "string") return typeof measured === typeof value
  const [least, most] =
    unit in clock
      ? [measured - loopMs / clock[unit]!, measured]
      : [measured * (1 - share), measured / Math.max(1 - share, 1e-3)]
  const nearest = is === "at most" ? least : is === "at least" ? most : Math.min(Math.max(value, least), most)
  return holds(prediction, nearest, "real")
}

/** Compares what was measured with what theory predicts. */
export const checks = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  measured: Measured<K>,
  mode: Mode,
  load: Load = idle
): ReadonlyArray<Check> =>
  Object.entries<Prediction>(scenario.theory(parameters)).map(([key, prediction]) => {
    const check = { key, ...prediction, measured: measured[key as K] }
    if (prediction.only !== undefined && prediction.only !== mode) return { ...check, holds: undefined }
    const isHolding = holds(prediction, check.measured, mode)
    return mode === "real" && !isHolding && isExplained(prediction, check.measured, load)
      ? { ...check, holds: undefined, isBusy: true }
      : { ...check, holds: isHolding }
  })

/**
 * One run of a scenario as plain data, as it goes over a wire or into a file: pictures and prose are made of it where
 * it is read.
 */
export interface Played {
  readonly mode: Mode
  readonly parameters: Readonly<Record<string, number>>
  readonly checks: ReadonlyArray<Check>
  /** The share of its time that work stood in line for a core which other programs had, 0 to 1: taken out of speeds. */
  readonly inLine: number
  /** How long the event loop's thread stood in line, in milliseconds: so late its timers may have been. */
  readonly loopInLineMs: number
  readonly events: ReadonlyArray<Stage.StageEvent>
}

/** What was measured, by its key. */
export const measuredOf = ({ checks }: Pick<Played, "checks">): Measured<string> =>
  Object.fromEntries(checks.map(({ key, measured }) => [key, measured]))

const played = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  measured: Measured<K>,
  mode: Mode,
  events: ReadonlyArray<Stage.StageEvent>,
  { tookMs, inLine, loopInLineMs } = { tookMs: 0, inLine: 0, loopInLineMs: 0 }
): Played => ({
  mode,
  parameters,
  checks: checks(scenario, parameters, measured, mode, {
    share: tookMs === 0 ? 0 : Math.max(inLine, loopInLineMs / tookMs),
    loopMs: loopInLineMs
  }),
  inLine,
  loopInLineMs,
  events
})

/** What of every virtual run can be turned: the seed of its chance, and how it is shown on a terminal. */
export const playing = {
  seed: Parameter.whole("what chance decides", { default: 1, minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  speed: Parameter.number("times as fast as its clock", { default: 1, minimum: 0.001, maximum: 1e9 })
}

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

/** A real run that did not end within its bound. */
export class TooLong extends Schema.TaggedError<TooLong>()("TooLong", {
  name: Schema.String,
  /** Both in milliseconds. */
  lasts: Schema.Finite,
  bound: Schema.Finite
}) {
  override get message() {
    return `${this.name} was not over after ${duration(this.bound)}; by theory it takes ${duration(this.lasts)}`
  }
}

/**
 * When a real run is ended, in milliseconds: a minute, for workers to start on a busy machine, and ten times what
 * theory says.
 */
export const boundOf = <P extends Parameters, K extends string>(scenario: Scenario<P, K>, parameters: Values<P>) =>
  60_000 + 10 * scenario.lasts(parameters)

/**
 * Plays in real time, on the machine in force. `listen` hears each event as it happens. Fails with `TooLong` after
 * `boundOf`, when what the run holds is given back.
 */
export const playReally = <P extends Parameters, K extends string>(
  scenario: Scenario<P, K>,
  parameters: Values<P>,
  options: { readonly listen?: (event: Stage.StageEvent) => void } = {}
): Effect.Effect<Played, TooLong, Machine> =>
  Effect.gen(function* () {
    const machine = yield* Machine
    const stage = Stage.make(options.listen)
    const before = yield* machine.inLine
    const began = yield* Clock.monotonicTimeNanos
    const bound = boundOf(scenario, parameters)
    const measured = yield* Effect.provideService(scenario.program(parameters), Stage.Stage, stage).pipe(
      Effect.timeoutOrElse({
        duration: bound,
        orElse: () => Effect.fail(new TooLong({ name: scenario.name, lasts: scenario.lasts(parameters), bound }))
      })
    )
    const { tookMs, inLineMs, loopMs } = yield* machine.inLine
    return played(scenario, parameters, measured, "real", stage.events, {
      tookMs: Number((yield* Clock.monotonicTimeNanos) - began) / 1e6,
      inLine: tookMs === 0 ? 0 : inLineMs / tookMs,
      loopInLineMs: loopMs - before.loopMs
    })
  })
