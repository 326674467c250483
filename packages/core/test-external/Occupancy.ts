/**
 * How many workers a peer would call busy. A peer gives a task to a worker that is not
 * ready yet; ours is given it when it is, and until then the task is in the queue.
 */
import type { ExecutorStatistics, WorkerStatistics } from "../src/executor/Statistics.ts"

export interface Occupancy {
  readonly workers: ReadonlyArray<WorkerStatistics>
  readonly busy: number
  readonly idle: number
  /** Tasks beyond those that the workers have or will have. */
  readonly waiting: number
}

export const occupancy = ({ workers, open }: ExecutorStatistics, tasksPerWorker = 1): Occupancy => {
  const live = workers.filter(({ state }) => state === "booting" || state === "ready")
  const given = Math.min(open, live.length * tasksPerWorker)
  // a peer fills its idle workers first
  const busy = Math.min(given, live.length)
  return { workers: live, busy, idle: live.length - busy, waiting: open - given }
}
