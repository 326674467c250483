// Many items at once, by demand
export * as Concurrently from "./Concurrently.ts"
// Time
export * as Deadline from "./Deadline.ts"
