// The model underneath
export * as Coroutine from "./Coroutine.ts"
// Work that begins and ends together
export * as TaskGroup from "./TaskGroup.ts"
export * as WaitFor from "./WaitFor.ts"
export * as StaggeredRace from "./StaggeredRace.ts"
// Many items at once, by demand
export * as Concurrently from "./Concurrently.ts"
// Work that others must not wait for
export * as Cooperate from "./Cooperate.ts"
export * as TimeBudgetScheduler from "./TimeBudgetScheduler.ts"
// Time
export * as Deadline from "./Deadline.ts"
// What ran when
export * as FiberDump from "./FiberDump.ts"
export * as Recorder from "./Recorder.ts"
export * as Timeline from "./Timeline.ts"
export * as TimelineHtml from "./TimelineHtml.ts"
export * as TimelineText from "./TimelineText.ts"
export * as TimelineTrace from "./TimelineTrace.ts"
// CPU work on threads and processes (`@simul/core/node/…`)
export * as Executor from "./Executor.ts"
export * as Task from "./Task.ts"
export * as TaskSchema from "./TaskSchema.ts"
export * as WorkerEvent from "./WorkerEvent.ts"
