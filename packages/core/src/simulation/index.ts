// Runs, searches, sweeps
export * as Simulation from "./Simulation.ts"
export * as Strategy from "./Strategy.ts"
// What is found, as data
export * as Failure from "./Failure.ts"
export * as Schedule from "./Schedule.ts"
export * as Trace from "./Trace.ts"
// A world to run in
export * as Faults from "./Faults.ts"
export * as Randomness from "./Randomness.ts"
export * as SimulatedDisk from "./SimulatedDisk.ts"
export * as SimulatedFileSystem from "./SimulatedFileSystem.ts"
export * as SimulatedNetwork from "./SimulatedNetwork.ts"
