/**
 * Jobs that no worker has: those that wait for any worker, those that wait for the worker of their key, and those for
 * which the queue has no room yet.
 *
 * 1. A job whose key is bound waits for that worker, also where the key was bound while it waited.
 * 2. When a worker leaves, its keys are free, and what waited for it waits for any, each in its old place.
 */
import type { Job } from "./Job.ts"
import { JobQueue } from "./JobQueue.ts"
import type { Slot } from "./Slot.ts"

export class Waiting {
  readonly #any: JobQueue<Job>
  readonly #suspended: JobQueue<Job>
  readonly #slotOfKey = new Map<string, Slot<Job>>()
  /** Jobs in the queue, those that wait for the worker of their key included. */
  queued = 0

  constructor(ageMs: number) {
    this.#any = new JobQueue(ageMs)
    this.#suspended = new JobQueue(ageMs)
  }

  /** Jobs for which the queue has no room. */
  get suspended(): number {
    return this.#suspended.size
  }
  /** Jobs that a new worker could take. */
  get forAny(): number {
    return this.#any.size + this.#suspended.size
  }

  /** The worker that a job must wait for, if it must. */
  boundTo({ options: { key } }: Job): Slot<Job> | undefined {
    return key === undefined ? undefined : this.#slotOfKey.get(key)
  }
  bind(key: string, slot: Slot<Job>): void {
    if (slot.keys.has(key)) return
    slot.keys.add(key)
    this.#slotOfKey.set(key, slot)
  }
  unbind(slot: Slot<Job>): void {
    for (const key of slot.keys) this.#slotOfKey.delete(key)
    slot.keys.clear()
    this.#any.takeOver(slot.pinned)
  }

  /** Whether nobody waits for that worker; without one, for any. */
  isEmpty(bound: Slot<Job> | undefined): boolean {
    return (bound?.pinned ?? this.#any).size === 0
  }

  add(job: Job): void {
    job.state = "queued"
    ;(this.boundTo(job)?.pinned ?? this.#any).add(job)
    this.queued++
  }
  suspend(job: Job): void {
    job.state = "suspended"
    this.#suspended.add(job)
  }
  /** Takes a job out, wherever it waits. */
  remove(job: Job): void {
    if (job.state === "queued") this.queued--
    job.queue!.remove(job)
  }

  /** The job that a worker is to be given next, by the time `now`. It stays where it is. */
  next(slot: Slot<Job>, now: number): Job | undefined {
    const pinned = slot.pinned.next(now)
    for (;;) {
      const job = this.#any.next(now)
      if (job === undefined) return pinned
      const bound = this.boundTo(job)
      if (bound === undefined || bound === slot)
        return pinned !== undefined && this.#any.precedes(pinned, job, now) ? pinned : job
      // its key was bound while it waited
      this.#any.remove(job)
      bound.pinned.add(job)
    }
  }
  /** Takes out the job that is to be let into the queue next. */
  letIn(now: number): Job | undefined {
    const job = this.#suspended.next(now)
    if (job !== undefined) this.#suspended.remove(job)
    return job
  }
  /** The one that has waited longest for any worker. */
  oldest(): Job | undefined {
    return this.#any.oldest()
  }
  /** All, with those that wait for these workers. */
  all(workers: ReadonlyArray<Slot<Job>>): ReadonlyArray<Job> {
    return [...this.#suspended, ...this.#any, ...workers.flatMap(({ pinned }) => [...pinned])]
  }
}
