/** What a `WorkerSink` is told of jobs: of each that has a number, until its last event. */
import type { WorkerSink } from "../WorkerEvent.ts"
import { nextId } from "../WorkerEvent.ts"
import type { Job } from "./Job.ts"
import type { Slot } from "./Slot.ts"

export class JobEvents {
  readonly #sink: WorkerSink | undefined

  constructor(sink: WorkerSink | undefined) {
    this.#sink = sink
  }

  /** `fiber`: the one that waits for it, 0 where there is none. */
  submitted(job: Job, fiber = 0): void {
    if (this.#sink === undefined) return
    job.number = nextId()
    this.#sink({ kind: "submit", task: job.number, name: job.task.name, fiber })
  }

  sent(job: Job, slot: Slot<Job>): void {
    if (job.number > 0) this.#sink!({ kind: "dequeue", task: job.number, worker: slot.lane })
  }

  /**
   * When a task began and ended its worker alone knows; clocks of two threads may be apart, but nothing runs before it
   * is sent.
   */
  ran(job: Job, slot: Slot<Job>, ms: number, endMs: number): void {
    if (job.number === 0) return
    const sentMs = performance.timeOrigin + job.sentAt
    const doneMs = Math.max(sentMs, Math.min(endMs, performance.timeOrigin + performance.now()))
    this.#sink!({ kind: "run", task: job.number, worker: slot.lane, atMs: Math.max(sentMs, doneMs - ms) })
    this.done(job, slot.lane, doneMs)
  }

  /** `worker`: where it ended, 0 where it had none. */
  done(job: Job, worker: number, atMs?: number): void {
    const { number, failure } = job
    if (number === 0) return
    job.number = 0
    const end = failure === "" ? "ok" : failure === "Cancelled" || failure === "ShutDown" ? "interrupted" : "failed"
    this.#sink!({ kind: "done", task: number, worker, end, reason: failure, ...(atMs !== undefined && { atMs }) })
  }
}
