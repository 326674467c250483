/**
 * What users of piscina, and of tinypool, which came of it, are told for a reason of ours. Each has its own words for
 * an end that was asked for.
 */
import { ExecutorError } from "../src/executor/ExecutorError.ts"

export const piscinaError = (
  { reason }: ExecutorError,
  asked: { readonly Cancelled: () => unknown; readonly ShutDown: () => unknown }
): unknown => {
  switch (reason._tag) {
    case "TaskFailed":
      return reason.error
    case "WorkerCrashed":
    case "OutOfMemory":
      return reason.error ?? new Error(`worker exited with code: ${reason.exitCode}`)
    case "QueueFull":
      return new Error(
        reason.capacity === 0 ? "No task queue available and all Workers are busy" : "Task queue is at limit"
      )
    case "Cancelled":
    case "ShutDown":
      return asked[reason._tag]()
    default:
      return new ExecutorError(reason, "run")
  }
}
