// Runs, searches, sweeps
export * as Simulation from "./Simulation.ts"
export * as Strategy from "./Strategy.ts"
// What is found, as data
export * as Failure from "./Failure.ts"
export * as Schedule from "./Schedule.ts"
export * as Trace from "./Trace.ts"
