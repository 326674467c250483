/**
 * Why a simulated run is wrong. `SimulationFailure` carries all it takes to see it again: the seed, the strategy, the
 * schedule as data and what the run did; its `reason` says what is wrong, as data too.
 */
import * as Schema from "effect/Schema"
import * as Control from "./Control.ts"
import * as Schedule from "./Schedule.ts"
import * as Trace from "./Trace.ts"

/** Nothing is ready, no timer is set, and the program has not ended. */
export class Deadlock extends Schema.TaggedError<Deadlock>()("Deadlock", {
  /** Who waits. */
  fibers: Schema.Array(Trace.FiberReport),
  /** Virtual milliseconds. */
  at: Schema.Finite
}) {
  override get message() {
    return [`deadlock at ${this.at} ms: nothing can go on`, ...this.fibers.map(Trace.formatFiber)].join("\n")
  }
}

/** The program used a promise or a timer of the process, which the simulation does not control. */
export class UncontrolledPromise extends Schema.TaggedError<UncontrolledPromise>()("UncontrolledPromise", {
  /** `Promise`, `setTimeout`, `setInterval`, `setImmediate` or `queueMicrotask`. */
  api: Schema.String,
  stack: Schema.String,
  fiber: Schema.optionalKey(Trace.FiberReport)
}) {
  /** `name (file:line:column)` of the innermost frame that is neither Effect's nor the engine's. */
  get place(): string | undefined {
    return Control.placeOf(this.stack) ?? this.fiber?.frames[0]
  }
  override get message() {
    const what = this.api === "Promise" ? "a promise" : `\`${this.api}\``
    return `the program used ${what} of the process at ${this.place ?? "an unknown place"}; use the services of Effect, or \`Simulation.outside\` for what must be real`
  }
}

/** The program did more operations, or set more timers, than allowed: it may go round for ever. */
export class StepLimit extends Schema.TaggedError<StepLimit>()("StepLimit", {
  maxSteps: Schema.Int,
  fibers: Schema.Array(Trace.FiberReport)
}) {
  override get message() {
    return [`not done after ${this.maxSteps} operations or timers`, ...this.fibers.map(Trace.formatFiber)].join("\n")
  }
}

/** The program failed or died, or a callback of a timer threw. */
export class ProgramFailed extends Schema.TaggedError<ProgramFailed>()("ProgramFailed", {
  error: Schema.Defect(),
  pretty: Schema.String
}) {
  override get message() {
    return `the program failed: ${this.pretty}`
  }
}

/** What must hold does not. `name` is that of the invariant. */
export class InvariantBroken extends Schema.TaggedError<InvariantBroken>()("InvariantBroken", {
  name: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `invariant broken: ${this.name}${this.detail === "" ? "" : ` (${this.detail})`}`
  }
}

/** Two runs of one seed differ: something other than the simulation decides. */
export class NotDeterministic extends Schema.TaggedError<NotDeterministic>()("NotDeterministic", {
  hashes: Schema.Tuple([Schema.String, Schema.String]),
  /** The first slice that differs, counted from 1, as each run had it. */
  slice: Schema.Int,
  first: Schema.String,
  second: Schema.String
}) {
  override get message() {
    return `two runs of one seed differ (${this.hashes.join(", ")}), first at slice ${this.slice}:\n${this.first}\n${this.second}`
  }
}

/** Why a run in simulation failed. */
export const Reason = Schema.Union([
  Deadlock,
  UncontrolledPromise,
  StepLimit,
  ProgramFailed,
  InvariantBroken,
  NotDeterministic
])
export type Reason = typeof Reason.Type

/** A run that is wrong. */
export class SimulationFailure extends Schema.TaggedError<SimulationFailure>()("SimulationFailure", {
  reason: Reason,
  seed: Schema.Finite,
  /** As `Strategy.format` writes it. */
  strategy: Schema.String,
  /** Replays the failure with the seed: `run(program, { seed, strategy: Strategy.replay(schedule) })`. */
  schedule: Schedule.Schedule,
  trace: Trace.Trace,
  /** What a sweep did to the program, and before which of its operations, from 1. */
  fault: Schema.optionalKey(Schema.Literals(["interrupted", "crashed"])),
  point: Schema.optionalKey(Schema.Int),
  /** Pre-emptions and picks before shrinking, and how many runs that took. */
  shrunk: Schema.optionalKey(Schema.Struct({ from: Schema.Int, runs: Schema.Int }))
}) {
  /** Seed and schedule on one line, as `Simulation.replay` reads them. A sweep is run again by its seed and point instead. */
  get replay(): string {
    return `${this.seed}: ${Schedule.format(this.schedule)}`.trimEnd()
  }
  override get message() {
    const { reason, seed, strategy, schedule, shrunk, trace, fault, point } = this
    const preemptions = Schedule.preemptions(schedule)
    const size =
      schedule.length === 0 ? "default order" : `${preemptions} pre-emptions, ${schedule.length - preemptions} picks`
    return [
      reason.message,
      `  seed ${seed}, ${strategy}${fault === undefined ? "" : `, ${fault} before operation ${point}${fault === "crashed" ? "" : " of the victim"}`}`,
      `  schedule: ${size}${shrunk === undefined ? "" : `, shrunk from ${shrunk.from} deviations in ${shrunk.runs} runs`}`,
      point === undefined
        ? `  replay: ${this.replay}`
        : `  again: the same sweep with { seeds: [${seed}], point: ${point} }`,
      ...(trace.length === 0 ? [] : ["  what ran:", Trace.format(trace)])
    ].join("\n")
  }
}
