/** Why a job that had begun on a worker that is gone has no result, and which of its items took it along. */
import type { Death, Reason } from "./ExecutorError.ts"
import { CollateralKill, OutOfMemory, PoisonTask, WorkerCrashed } from "./ExecutorError.ts"
import type { Job } from "./Job.ts"
import type { Slot } from "./Slot.ts"

/** A task that has killed so many workers is not run again. */
const mostKills = 3

/** Counts the death against the job, unless the worker was killed for another one. */
export const lossOf = (job: Job, slot: Slot<Job>, { outOfMemory, ...end }: Death): Reason => {
  const { killedFor } = slot
  if (killedFor !== undefined) return new CollateralKill({ worker: slot.id, because: killedFor.task.name })
  job.kills++
  const crash = { ...end, worker: slot.id }
  const reason = outOfMemory ? new OutOfMemory(crash) : new WorkerCrashed(crash)
  const poison = job.options.idempotent === true && job.kills >= mostKills
  return poison ? new PoisonTask({ attempts: job.kills, last: reason }) : reason
}

/** Between which items of a chunk the worker ended, as far as they were noted. */
export const itemsLost = (job: Job, slot: Slot<Job>): readonly [first?: number, last?: number] => {
  if (job.kind !== "chunk") return []
  const noted = slot.handle.board.item(job.position)
  return noted < 0 ? [~noted, ~noted] : [noted, job.parameters.length - 1]
}
