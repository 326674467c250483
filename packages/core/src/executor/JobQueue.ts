/**
 * Jobs that wait, in the order in which they are to begin.
 *
 * 1. The highest priority first; within a priority, first come first served.
 * 2. Waiting raises a priority by one each `ageMs`, so that nothing waits for ever.
 *    Both ends of a comparison age alike: only heads are compared.
 * 3. A job leaves in O(1), wherever it stands: lists are linked through the jobs.
 */

/** What a queue needs to know of a job, and where it keeps its links. */
export interface Queued {
  readonly priority: number
  /** Number in the order of submission. */
  readonly sequence: number
  /** When it was submitted, on the clock of `next`. */
  readonly queuedAt: number
  previous: Queued | undefined
  following: Queued | undefined
  queue: JobQueue<any> | undefined
}

interface List {
  first: Queued | undefined
  last: Queued | undefined
}

export class JobQueue<Job extends Queued> {
  readonly #lists = new Map<number, List>()
  readonly #ageMs: number
  size = 0

  constructor(ageMs: number) {
    this.#ageMs = ageMs
  }

  /**
   * Adds a job, in its place by sequence: behind all others, or before those that came later when it comes back.
   * `near`: a job of its priority to look from.
   */
  add(job: Job, near?: Queued): void {
    let list = this.#lists.get(job.priority)
    if (list === undefined) this.#lists.set(job.priority, (list = { first: undefined, last: undefined }))
    let before = near ?? list.last
    while (before !== undefined && before.sequence > job.sequence) before = before.previous
    let following = before === undefined ? list.first : before.following
    while (following !== undefined && following.sequence < job.sequence) {
      before = following
      following = following.following
    }
    job.previous = before
    job.following = following
    if (job.previous === undefined) list.first = job
    else job.previous.following = job
    if (job.following === undefined) list.last = job
    else job.following.previous = job
    job.queue = this
    this.size++
  }

  /** Takes over all jobs of another queue, in one pass. */
  takeOver(other: JobQueue<Job>): void {
    let near: Queued | undefined
    for (const job of other) {
      other.remove(job)
      this.add(job, near?.priority === job.priority ? near : undefined)
      near = job
    }
  }

  /** Takes a job out, wherever it stands. */
  remove(job: Job): void {
    const list = this.#lists.get(job.priority)!
    if (job.previous === undefined) list.first = job.following
    else job.previous.following = job.following
    if (job.following === undefined) list.last = job.previous
    else job.following.previous = job.previous
    job.previous = job.following = job.queue = undefined
    if (list.first === undefined && this.#lists.size > 1) this.#lists.delete(job.priority)
    this.size--
  }

  /** The job that is to begin next, at the time `now`. It stays in the queue. */
  next(now: number): Job | undefined {
    let best: Queued | undefined
    for (const { first } of this.#lists.values())
      if (first !== undefined && (best === undefined || this.precedes(first, best, now))) best = first
    return best as Job | undefined
  }

  /** Whether `one` is to begin before `other`. */
  precedes(one: Queued, other: Queued, now: number): boolean {
    const lead = this.#rank(one, now) - this.#rank(other, now)
    return lead === 0 ? one.sequence < other.sequence : lead > 0
  }

  /** The one that waits longest, whatever its priority. */
  oldest(): Job | undefined {
    let oldest: Queued | undefined
    for (const { first } of this.#lists.values())
      if (first !== undefined && (oldest === undefined || first.sequence < oldest.sequence)) oldest = first
    return oldest as Job | undefined
  }

  *[Symbol.iterator](): Iterator<Job> {
    for (const { first } of this.#lists.values())
      for (let job = first; job !== undefined;) {
        const { following } = job
        yield job as Job
        job = following
      }
  }

  #rank(job: Queued, now: number): number {
    return job.priority + Math.floor((now - job.queuedAt) / this.#ageMs)
  }
}
