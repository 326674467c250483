/**
 * Deterministic simulation of Effect programs: one thread, virtual time, and every order of fibers chosen by a seed.
 *
 * ```
 * program --> World: clock, scheduler, Random  --> rest: done, deadlock, endless, uncontrolled, broken invariant
 *              ^ Strategy: random, pct, roundRobin, replay
 * explore: many seeds --> first wrong run --> shrink --> SimulationFailure: seed, schedule, trace, one line to replay
 * sweepInterrupts, sweepCrashes: one run for each operation at which the fault may hit
 * ```
 *
 * What it reaches: the order of all that Effect's runtime does, at each operation (a primitive that the runtime
 * evaluates; `yield*` of a value that is there already is none). What it cannot: the inside of a synchronous function
 * (nothing else runs there, and if it loops for ever, so does the run), threads, real promises and timers (they are
 * reported), and code that is not Effect's. A search is no proof: it says how many runs went how many different ways.
 */
export * from "./Exploration.ts"
export * from "./Marks.ts"
export * from "./Property.ts"
export { assertDeterministic, type Invariants, type Options, run, type Run } from "./Run.ts"
export * from "./Sweep.ts"
