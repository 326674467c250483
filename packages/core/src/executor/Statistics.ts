/** What an executor has done and does, as plain data. */
import type { HistogramSnapshot } from "./Histogram.ts"

/** What one worker has done, and does. */
export interface WorkerStatistics {
  /** Counts the workers of the executor, from 1. */
  readonly id: number
  /** The process id of a process, the `threadId` of a thread: what debuggers, profilers and `top` call it. */
  readonly nativeId: number | undefined
  readonly state: "booting" | "ready" | "spare" | "retiring" | "stopping" | "killing" | "dead"
  /** Tasks that it ended; a chunk of a `map` counts as one. */
  readonly tasks: number
  /** Tasks that it has now, running or sent ahead. */
  readonly holds: number
  readonly ageMs: number
  /** Time in tasks. */
  readonly busyMs: number
  /** As it last told, at most every 200 ms: used heap, CPU time, and the share of time that its loop was busy. */
  readonly heapBytes: number
  readonly cpuMs: number
  readonly utilisation: number
}

/**
 * Counts are since the start. `submitted` = `succeeded` + `failed` + those that are not settled; `cancelled` ones are
 * among the failed.
 */
export interface ExecutorStatistics {
  readonly name: string
  readonly submitted: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  /** Runs after the first one of idempotent tasks whose worker died. */
  readonly retried: number
  /** Tasks that were sent ahead to a busy worker and taken back for a free one. */
  readonly takenBack: number
  /** Workers that died by themselves, and that were killed for a task that did not end. */
  readonly crashes: number
  readonly kills: number
  readonly recycled: number
  /** Workers that could not be killed. */
  readonly stuck: number
  /** Tasks that a worker has, or that wait for one. */
  readonly open: number
  readonly queued: number
  readonly suspended: number
  /** Tasks that workers have, at most `tasksPerWorker` of each: what was sent ahead does not run yet. */
  readonly running: number
  /** How long the oldest task in the queue has waited. */
  readonly queueAgeMs: number
  readonly wait: HistogramSnapshot
  readonly run: HistogramSnapshot
  /** Workers that failed to start since one did. */
  readonly failedStarts: number
  readonly workers: ReadonlyArray<WorkerStatistics>
}
