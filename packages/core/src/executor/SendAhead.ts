/**
 * Which jobs a worker may be given: one for each of its places, and short ones ahead of their turn, so that it need not
 * wait for a message between two of them.
 */
import { positions } from "./Board.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import type { Job } from "./Job.ts"
import type { Slot } from "./Slot.ts"

/** A short task is sent ahead to a busy worker if that is expected to be free within this time, in milliseconds. */
const aheadMs = 0.5
/** The same for chunks of a `map`: one is always ready when the last is done. */
const aheadChunkMs = 10
const mostAhead = 32
const mostChunksAhead = 2
/** How often it is looked whether what was sent ahead had better be taken back. */
export const lookMs = 2

/** It is up, has not had its last task, and has a position for one more. */
const takesMore = (slot: Slot<Job>, { recycle }: EngineOptions): boolean =>
  slot.state === "ready" && slot.given < recycle.tasks && slot.count < positions

/** Whether a worker can begin a job at once. */
export const isFree = (slot: Slot<Job>, options: EngineOptions): boolean =>
  takesMore(slot, options) && slot.holds < options.tasksPerWorker

export const mayTake = (slot: Slot<Job>, job: Job, now: number, options: EngineOptions): boolean => {
  if (!takesMore(slot, options)) return false
  if (slot.holds < options.tasksPerWorker) return true
  // what was moved to a worker cannot be taken back
  if (job.options.transfer !== undefined || job.options.runTimeoutMs !== undefined) return false
  if (!(slot.expectedMs + job.expectedMs >= 0)) return false
  const chunk = job.kind === "chunk"
  return (
    slot.count < (chunk ? mostChunksAhead : mostAhead) &&
    slot.expectedMs + job.expectedMs <= (chunk ? aheadChunkMs : aheadMs) &&
    (chunk || now - slot.activeAt < lookMs)
  )
}
