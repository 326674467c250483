/**
 * One worker of an engine, from its start to its end:
 *
 *     booting -> ready -> retiring -> stopping -> dead
 *        |         |          |           |        ^
 *        +---------+----------+-----------+--> killing
 *
 * | state | takes jobs | |
 * |---|---|---|
 * | booting | no | started, has not said `ready` |
 * | ready | yes | |
 * | retiring | no | ends what it has; another takes its place |
 * | stopping | no | was told to stop |
 * | killing | no | was killed; its end has not been reported |
 * | dead | no | its end was reported, once |
 */
import { positions } from "./Board.ts"
import type { Queued } from "./JobQueue.ts"
import { JobQueue } from "./JobQueue.ts"
import type { Command } from "./Protocol.ts"
import type { WorkerHandle } from "./WorkerHandle.ts"

/** Stands in a slot for a job that was taken back, until the worker has passed it over. */
export const takenBack = Symbol("taken back")

/** What a slot needs to know of a job. */
interface Held extends Queued {
  readonly expectedMs: number
}

export class Slot<Job extends Held> {
  readonly id: number
  /** What a `WorkerSink` knows it by, from when it is up; 0 where there is none. */
  lane = 0
  state: "booting" | "ready" | "retiring" | "stopping" | "killing" | "dead" = "booting"
  handle!: WorkerHandle
  readonly bornAt: number
  /** Jobs by their position on the board. */
  readonly jobs: Array<Job | typeof takenBack | undefined> = Array.from({ length: positions })
  readonly #free: Array<number> = Array.from({ length: positions }, (_, i) => positions - 1 - i)
  /** Positions in use. */
  count = 0
  /** Jobs that it has and that were not taken back. */
  holds = 0
  /** Sum of what its jobs are expected to take. */
  expectedMs = 0
  /** Jobs that it was ever given. */
  given = 0
  completed = 0
  /** When it last replied or was given work after idling; what it runs has run since then at most. */
  activeAt: number
  idleSince: number
  busyMs = 0
  /** Keeps jobs whose key is bound to it. */
  readonly pinned: JobQueue<Job>
  /** Keys bound to it. */
  readonly keys = new Set<string>()
  /** Numbers of the tasks that it was told of. */
  readonly told = new Set<number>()
  out: Array<Command> = []
  transfer: Array<unknown> = []
  /** Why it is being killed: the job that would not stop. */
  killedFor: Job | undefined
  /** A replacement is on its way: this one retires when it has come. */
  replaced = false
  usage = { heapBytes: 0, cpuMs: 0, utilisation: 0 }
  readonly timers = new Set<() => void>()

  constructor(id: number, now: number, ageMs: number) {
    this.id = id
    this.bornAt = this.activeAt = this.idleSince = now
    this.pinned = new JobQueue(ageMs)
  }

  take(job: Job): number {
    const position = this.#free.pop()!
    this.jobs[position] = job
    this.count++
    this.holds++
    this.given++
    if (job.expectedMs >= 0) this.expectedMs += job.expectedMs
    return position
  }

  /** The worker will pass over what is there. */
  takeBack(position: number): void {
    this.jobs[position] = takenBack
    this.holds--
  }

  free(position: number): void {
    if (this.jobs[position] !== takenBack) this.holds--
    this.jobs[position] = undefined
    this.#free.push(position)
    if (--this.count === 0) this.expectedMs = 0
  }

  /** Jobs that were not taken back. */
  *held(): Generator<Job> {
    for (const job of this.jobs) if (job !== undefined && job !== takenBack) yield job
  }
}
