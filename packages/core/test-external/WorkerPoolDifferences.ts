import type { Differences } from "./Differences.ts"

const pool = (name: string) => `Pool: Pool > ${name}`

export const differences: Differences = {
  unfit: {
    "Promise.test.js": "workerpool's own promises, which the adapter uses",
    "Queues.test.js": "workerpool's own data structures",
    "WorkerHandler.test.js": "a class inside workerpool; Pool.test.js asks for the same through the pool"
  },
  cases: [
    {
      reason:
        "Counts a task as running while its worker starts. Ours waits until the worker is ready, so a shutdown that cancels what waits cancels it, and nothing of it has to be cleaned up.",
      cases: [
        "should cancel any pending tasks when terminating a pool",
        "should call worker termination handler",
        "should call worker termination async handler",
        "abort handler > should not terminate worker if abort listener is defined dedicated worker with Cancellation",
        "abort handler > should not terminate worker if abort listener is defined inline worker with Cancellation"
      ].map(pool)
    },
    {
      reason: "Kills a worker before its task has begun and expects the task to fail. Ours is given to another worker.",
      cases: ["should handle crashed workers"].map(pool)
    },
    {
      reason:
        "Counts workers while a task is asked to end, or after one was killed. Ours starts the successor meanwhile, so that the next task finds it ready.",
      cases: [
        "abort handler > should not terminate worker if abort listener is defined dedicated worker with Timeout",
        "abort handler > should not terminate worker if abort listener is defined inline worker with Timeout",
        "abort handler > should invoke timeout for abort handler if timeout period is reached with Timeout",
        "abort handler > should invoke timeout for abort handler if timeout period is reached with Cancellation"
      ].map(pool)
    },
    {
      reason: "Listens to a task after it was cancelled. Nothing is told of a task of ours once it is settled.",
      cases: ["abort handler > should trigger event in abort handler"].map(pool)
    },
    {
      reason:
        "Hears what a task prints. What ours prints goes to the program's own output; the last of stderr is kept for the error of a crash.",
      cases: [
        "supports stdout/stderr capture via fork",
        "supports stdout/stderr capture via threads",
        "abort handler > should trigger event stdout in abort handler"
      ].map(pool)
    },
    {
      reason: "Finds a cancelled task still in the queue. Ours leaves it at once.",
      cases: ["should cancel a queued task", "should run following tasks if a previous queued task is cancelled"].map(
        pool
      )
    },
    {
      reason:
        "Chooses another queue, or brings its own. Ours orders by `priority`, and within one first come is first served.",
      cases: [
        "should use LIFO queue strategy when specified",
        "should process tasks in LIFO order with lifo strategy",
        "should accept custom queue strategy",
        "should process tasks according to priority queue behavior"
      ].map((name) => pool(`options > queueStrategy > ${name}`))
    },
    {
      reason: "Makes an `Error` of whatever is thrown. Ours brings back what was thrown, which here is no `Error`.",
      cases: ["should handle a nested custom error class thrown by a worker"].map(pool)
    },
    {
      reason: "Bounds a thread's young generation. Ours bounds the heap (`heapLimitBytes`).",
      cases: [
        "nodeWorker > supports passing options to threads",
        "nodeWorker > supports passing options to threads via mode auto"
      ].map(pool)
    },
    {
      reason:
        "Checks options in workerpool's words. Ours have other names: sizes are refused with `InvalidOption`, unknown names by the compiler, and inherited flags and environments are ignored.",
      cases: [
        "options > should throw an error on invalid type or number of maxWorkers",
        "options > should throw an error on invalid type or number of minWorkers",
        "validate > should not allow unknown properties in forkOpts",
        "validate > should not allow inherited properties in forkOpts",
        "validate > should not allow unknown properties in workerThreadOpts",
        "validate > should not allow inherited properties in workerThreadOpts"
      ].map(pool)
    }
  ]
}
