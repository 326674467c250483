/**
 * A pool of workers, the same for threads, processes and in process; without
 * Effect, in callbacks, because a promise or a fiber for each task costs as much as
 * the task's way to the worker and back.
 *
 * 1. Every job is settled exactly once, and released exactly once, not before it is settled.
 * 2. A worker's end is handled once. Jobs that had not begun there go back to their
 *    place in the queue; of those that had begun only what ran then is lost.
 * 3. Nothing is given to a worker that is not `ready`.
 * 4. First come, first served within a priority; nobody overtakes but by priority, key, or
 *    because a worker that is free now may take what another was given but has not begun.
 * 5. Short tasks are sent ahead to busy workers, so that none waits for a message;
 *    what is sent ahead can be taken back (`Board.ts`) when the one before turns out long.
 */
import type { EncodedError } from "./ErrorCodec.ts"
import { decodeError, withSubmitSite } from "./ErrorCodec.ts"
import { Breaker } from "./Breaker.ts"
import { cloneFailure } from "./CloneFailure.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { checkOptions } from "./EngineOptions.ts"
import type { Death, Reason } from "./ExecutorError.ts"
import {
  Cancelled,
  CollateralKill,
  CrashLoop,
  Dropped,
  ExecutorError,
  ExportMissing,
  InitializationFailed,
  ModuleFailed,
  ModuleMissing,
  NotCloneable,
  OutOfMemory,
  PoisonTask,
  QueueFull,
  QueueTimeout,
  RunTimeout,
  SchemaMismatch,
  ShutDown,
  TaskFailed,
  WorkerCrashed
} from "./ExecutorError.ts"
import { Histogram } from "./Histogram.ts"
import type { JobOptions, Settle } from "./Job.ts"
import { Job, invalid } from "./Job.ts"
import { JobQueue } from "./JobQueue.ts"
import type { Problem, Reply } from "./Protocol.ts"
import { Slot, takenBack } from "./Slot.ts"
import type { SubmitSite } from "./SubmitSite.ts"
import type { ExecutorStatistics } from "./Statistics.ts"
import { TaskEntry, checkTask } from "./TaskEntry.ts"
import type { Timers } from "./Timers.ts"
import { systemTimers } from "./Timers.ts"
import type { TaskCodec } from "../Task.ts"
import type { WorkerEvent } from "../WorkerEvent.ts"
import { nextId } from "../WorkerEvent.ts"
import type { Spawn } from "./WorkerHandle.ts"

/** A short task is sent ahead to a busy worker if that is expected to be free within this time, in milliseconds. */
const aheadMs = 0.5
/** The same for chunks of a `map`: one is always ready when the last is done. */
const aheadChunkMs = 10
const mostAhead = 32
const mostChunksAhead = 2
/** How often it is looked whether what was sent ahead had better be taken back. */
const lookMs = 2
/** Items of a `map` that are expected to run at least so long, in milliseconds, are noted one by one: a note may cost some microseconds. */
const notedMs = 0.05
/** A task that has killed so many workers is not run again. */
const mostKills = 3
/** What a worker has to stop in peace, and a killed one to be gone, before it is not waited for any more. */
const stopMs = 5000

/** What the task's schema makes of values; where one does not fit, of those before it. */
const decoded = (
  codec: TaskCodec | undefined,
  values: ReadonlyArray<unknown>
): { readonly values: ReadonlyArray<unknown>; readonly mismatch?: SchemaMismatch } => {
  if (codec === undefined) return { values }
  const read: Array<unknown> = []
  try {
    for (const value of values) read.push(codec.decode(value))
  } catch (error) {
    return { values: read, mismatch: new SchemaMismatch("result", error) }
  }
  return { values: read }
}

/** What happens to tasks when an executor is shut down. */
export interface ShutdownOptions {
  /** Tasks that have not begun; `cancel` fails them with `ShutDown`. */
  readonly pending?: "run" | "cancel"
  /** Tasks that run: waited for, asked to end (and killed after the grace period), or killed. */
  readonly running?: "wait" | "cancel" | "kill"
  /** Milliseconds after which everything left is killed. */
  readonly deadlineMs?: number
}

export class Engine {
  readonly options: EngineOptions
  readonly #spawnWorker: Spawn
  readonly #timers: Timers
  readonly #breaker = new Breaker()
  readonly #tasks = new Map<string, TaskEntry>()
  readonly #queue: JobQueue<Job>
  readonly #suspended: JobQueue<Job>
  /** Jobs in `#queue` and in the queues of slots. */
  #queued = 0
  /** Booting and ready ones; those that leave are in `#leaving`. */
  readonly #slots: Array<Slot<Job>> = []
  readonly #spares: Array<Slot<Job>> = []
  readonly #leaving = new Set<Slot<Job>>()
  readonly #slotOfKey = new Map<string, Slot<Job>>()
  #sequence = 0
  #workers = 0
  /** Jobs that are not released. */
  #open = 0
  #letGo: (() => void) | undefined
  #closed = false
  #whenDrained: Array<() => void> = []
  #whenGone: Array<() => void> = []
  #whenWarm: Array<{ readonly count: number; readonly settle: (error?: ExecutorError) => void }> = []
  #looking: (() => void) | undefined
  #sweeping: (() => void) | undefined
  #retrying: (() => void) | undefined
  #bootMs = 60
  readonly #wait = new Histogram()
  readonly #run = new Histogram()
  readonly #counts = {
    submitted: 0,
    succeeded: 0,
    failed: 0,
    cancelled: 0,
    retried: 0,
    takenBack: 0,
    crashes: 0,
    kills: 0,
    recycled: 0,
    stuck: 0
  }

  constructor(spawn: Spawn, options: EngineOptions, timers: Timers = systemTimers) {
    checkOptions(options)
    this.#spawnWorker = spawn
    this.options = options
    this.#timers = timers
    this.#queue = new JobQueue(options.queue.ageMs)
    this.#suspended = new JobQueue(options.queue.ageMs)
  }

  /** Starts `minimum` workers, at least one if there is something to check. Rejects with what keeps the first from starting. */
  async start(): Promise<void> {
    const { minimum, spare, tasks, setup } = this.options
    const wanted = Math.max(minimum, tasks.length > 0 || setup !== undefined ? 1 : 0)
    while (this.#spares.length < spare) this.#spares.push(this.#spawn())
    if (wanted > 0) await this.warm(wanted)
  }

  /** Resolves when `count` workers (at most `maximum`) are ready. */
  warm(count: number): Promise<void> {
    if (this.#closed) return Promise.reject(new ExecutorError(new ShutDown(), this.options.name))
    const wanted = Math.min(count, this.options.maximum)
    while (this.#slots.length < wanted) this.#slots.push(this.#adopt())
    return new Promise((resolve, reject) => {
      const release = this.#timers.hold()
      this.#whenWarm.push({
        count: wanted,
        settle: (error) => {
          release()
          if (error === undefined) resolve()
          else reject(error)
        }
      })
      this.#warmed()
    })
  }

  entry(task: { readonly url: string; readonly name: string; readonly codec?: TaskCodec }): TaskEntry {
    checkTask(task)
    const key = `${task.name} ${task.url}`
    let entry = this.#tasks.get(key)
    if (entry === undefined || entry.codec !== task.codec) {
      const known = entry
      entry = new TaskEntry(known?.number ?? this.#tasks.size, task.url, task.name, task.codec)
      entry.meanMs = known?.meanMs ?? Number.NaN
      this.#tasks.set(key, entry)
    }
    return entry
  }

  /**
   * Takes a job. `settle` is called once, possibly before this returns.
   * `expectedMs`: how long a chunk will take, if known.
   */
  submit(
    kind: Job["kind"],
    task: TaskEntry,
    parameters: ReadonlyArray<unknown>,
    options: JobOptions,
    settle: Settle,
    more?: {
      readonly expectedMs?: number
      readonly onItem?: (value: unknown) => void
      readonly parent?: Job
      /** The fiber that waits for it. */
      readonly fiber?: number
    }
  ): Job {
    const now = this.#timers.now()
    const expectedMs = more?.expectedMs ?? (kind === "run" ? task.meanMs : Number.NaN)
    let sent = parameters
    let problem: Reason | undefined = invalid(parameters, options)
    // the items of a chunk were encoded as they were pulled
    if (problem === undefined && task.codec !== undefined && kind !== "chunk")
      try {
        sent = task.codec.encode(parameters)
      } catch (error) {
        problem = new SchemaMismatch("parameters", error)
      }
    const job = new Job(kind, task, sent, options, settle, this.#sequence++, now, expectedMs)
    job.onItem = more?.onItem
    job.parent = more?.parent
    this.#counts.submitted++
    if (this.options.onEvent !== undefined) {
      job.number = nextId()
      this.#tell({ kind: "submit", task: job.number, name: task.name, fiber: more?.fiber ?? 0 })
    }
    if (this.#open++ === 0) this.#letGo = this.#timers.hold()
    if (this.#closed) problem = new ShutDown()
    else if (this.#breaker.isOpen(now) && !this.#slots.some((slot) => slot.state === "ready"))
      problem = new CrashLoop(this.#breaker.failures, this.#breaker.pauseMs(now), this.#breaker.last)
    if (problem !== undefined) this.#reject(job, problem)
    else this.#enlist(job, now)
    return job
  }

  /** Gives up a job. `done` is called when no worker has it any more. */
  cancel(job: Job, done: () => void, reason: Reason = new Cancelled()): void {
    if (job.state === "settled" && job.slot === undefined) return done()
    ;(job.released ??= []).push(done)
    if (job.state !== "settled") {
      this.#counts.cancelled++
      this.#reject(job, reason)
    }
  }

  /** Tells a stream's task that `count` values were taken. */
  credit(job: Job, count: number): void {
    if (job.state === "sent") this.#send(job.slot!, ["credit", job.position, count])
  }

  /** Resolves when no job is left. More may be submitted meanwhile. */
  drain(): Promise<void> {
    return this.#open === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenDrained.push(resolve))
  }

  /** Ends the executor. Resolves when no worker is left; a worker that cannot be killed is not waited for. */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    this.#closed = true
    const pending = options.pending ?? "run"
    const running = options.running ?? "wait"
    const release = this.#timers.hold()
    const timer =
      options.deadlineMs === undefined ? undefined : this.#timers.after(options.deadlineMs, () => this.#killAll(true))
    if (pending === "cancel") this.#rejectWaiting(() => new ShutDown())
    if (running === "kill") this.#killAll(false)
    if (running === "cancel")
      for (const slot of [...this.#slots, ...this.#leaving])
        for (const job of slot.held())
          if (job.state === "sent" && (pending === "cancel" || slot.handle.board.started(job.position)))
            this.#reject(job, new ShutDown())
    return (async () => {
      await this.drain()
      for (const slot of [...this.#slots.splice(0), ...this.#spares.splice(0)]) this.#stop(slot)
      for (const { settle } of this.#whenWarm.splice(0)) settle(new ExecutorError(new ShutDown(), this.options.name))
      if (this.#leaving.size > 0) await new Promise<void>((resolve) => this.#whenGone.push(resolve))
      for (const stop of [timer, this.#looking, this.#sweeping, this.#retrying]) stop?.()
      release()
    })()
  }

  statistics(): ExecutorStatistics {
    const now = this.#timers.now()
    const oldest = this.#queue.oldest()
    const running = this.#slots.reduce((sum, slot) => sum + Math.min(slot.count, this.options.tasksPerWorker), 0)
    return {
      name: this.options.name,
      ...this.#counts,
      open: this.#open,
      queued: this.#queued,
      suspended: this.#suspended.size,
      running,
      queueAgeMs: oldest === undefined ? 0 : now - oldest.queuedAt,
      wait: this.#wait.snapshot(),
      run: this.#run.snapshot(),
      failedStarts: this.#breaker.failures,
      workers: [...this.#slots, ...this.#spares, ...this.#leaving].map((slot) => ({
        id: slot.id,
        nativeId: slot.handle?.nativeId,
        state: this.#spares.includes(slot) ? "spare" : slot.state,
        tasks: slot.completed,
        holds: slot.count,
        ageMs: now - slot.bornAt,
        busyMs: slot.busyMs,
        ...slot.usage
      }))
    }
  }

  // --- queue -------------------------------------------------------------------------------------

  #enlist(job: Job, now: number): void {
    const { queueTimeoutMs, key } = job.options
    const bound = key === undefined ? undefined : this.#slotOfKey.get(key)
    const slot = bound === undefined ? this.#pick(job, now) : this.#mayTake(bound, job, now) ? bound : undefined
    if (slot !== undefined && (bound === undefined ? this.#queue.size === 0 : slot.pinned.size === 0)) {
      this.#assign(job, slot, now)
      // a busy pool that may grow does so, and the new worker takes back what waits behind the old ones
      if (slot.count > this.options.tasksPerWorker && this.#slots.length < this.options.maximum) this.#grow(1)
      return
    }
    if (queueTimeoutMs !== undefined)
      job.stopTimers = this.#timers.after(queueTimeoutMs, () => this.#reject(job, new QueueTimeout(queueTimeoutMs)))
    const { capacity, policy } = this.options.queue
    if (this.#queued < capacity || this.#queued < capacity + this.#coming()) return this.#line(job)
    if (policy === "fail") return this.#reject(job, new QueueFull(capacity))
    if (policy === "drop") {
      const oldest = this.#queue.oldest() ?? job
      this.#reject(oldest, new Dropped(capacity))
      return oldest === job ? undefined : this.#line(job)
    }
    job.state = "suspended"
    this.#suspended.add(job)
    this.#grow(this.#queue.size + this.#suspended.size)
  }

  #line(job: Job): void {
    job.state = "queued"
    const bound = job.options.key === undefined ? undefined : this.#slotOfKey.get(job.options.key)
    ;(bound?.pinned ?? this.#queue).add(job)
    this.#queued++
    this.#grow(this.#queue.size)
  }

  /** Tasks for which workers start or may be started: they do not count against the capacity. */
  #coming(): number {
    let ready = 0
    for (const slot of this.#slots) if (slot.state === "ready" && !slot.replaced) ready++
    return (this.options.maximum - ready) * this.options.tasksPerWorker
  }

  #unqueue(job: Job): void {
    if (job.state === "queued") this.#queued--
    job.queue!.remove(job)
  }

  /** Lets jobs in that the queue had no room for. */
  #admit(): void {
    while (this.#suspended.size > 0 && this.#queued < Math.max(1, this.options.queue.capacity)) {
      const job = this.#suspended.next(this.#timers.now())!
      this.#suspended.remove(job)
      this.#line(job)
    }
  }

  /** Puts a job back that a worker had but has not begun, or that may be run again. */
  #requeue(job: Job): void {
    job.slot = undefined
    this.#line(job)
  }

  // --- workers and their jobs --------------------------------------------------------------------

  /** The worker for a job: an idle one, else the one with the least to do if the job may be sent ahead. */
  #pick(job: Job, now: number): Slot<Job> | undefined {
    let best: Slot<Job> | undefined
    for (const slot of this.#slots)
      if ((best === undefined || slot.count < best.count) && this.#mayTake(slot, job, now)) {
        if (slot.count === 0) return slot
        best = slot
      }
    return best
  }

  #mayTake(slot: Slot<Job>, job: Job, now: number): boolean {
    if (slot.state !== "ready" || slot.given >= this.options.recycle.tasks) return false
    if (slot.count < this.options.tasksPerWorker) return true
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

  #assign(job: Job, slot: Slot<Job>, now: number): void {
    job.stopTimers?.()
    job.stopTimers = undefined
    const { key, runTimeoutMs, deadline, transfer } = job.options
    if (key !== undefined && !slot.keys.has(key)) {
      slot.keys.add(key)
      this.#slotOfKey.set(key, slot)
    }
    if (slot.count === 0) slot.activeAt = now
    const position = slot.take(job)
    slot.handle.board.reset(position)
    job.slot = slot
    job.position = position
    job.state = "sent"
    job.sentAt = now
    if (job.number > 0) this.#tell({ kind: "dequeue", task: job.number, worker: slot.lane })
    if (job.attempt === 1) this.#wait.record(now - job.queuedAt)
    if (runTimeoutMs !== undefined)
      job.stopTimers = this.#timers.after(runTimeoutMs, () => this.#reject(job, new RunTimeout(runTimeoutMs)))
    const { number, url, name } = job.task
    if (!slot.told.has(number)) {
      slot.told.add(number)
      this.#send(slot, ["task", number, url, name])
    }
    if (transfer !== undefined) slot.transfer.push(...transfer)
    const { kind, parameters } = job
    if (kind === "run") this.#send(slot, [kind, position, number, parameters, deadline])
    else if (kind === "stream") this.#send(slot, [kind, position, number, parameters, deadline, streamCredit])
    else {
      const exact = job.attempt > 1 || !(job.expectedMs / parameters.length < notedMs)
      this.#send(slot, [kind, position, number, parameters, deadline, exact])
    }
    if (slot.count > this.options.tasksPerWorker) this.#looking ??= this.#timers.after(lookMs, () => this.#look())
    if (slot.given < this.options.recycle.tasks) return
    this.#unbind(slot)
    this.#recycle(slot)
  }

  #send(slot: Slot<Job>, command: Slot<Job>["out"][number]): void {
    if (slot.out.push(command) === 1) this.#timers.soon(() => this.#flush(slot))
  }

  #flush(slot: Slot<Job>): void {
    const { out, transfer } = slot
    slot.out = []
    slot.transfer = []
    if (slot.state === "dead") return
    try {
      slot.handle.post(out, transfer)
    } catch (error) {
      if (out.length > 1)
        for (const command of out) {
          // what was to be moved belongs to one of them: the engine does not know to which position but through the job
          const job =
            command[0] === "run" || command[0] === "chunk" || command[0] === "stream"
              ? slot.jobs[command[1]]
              : undefined
          slot.out = [command]
          slot.transfer = job instanceof Job ? [...(job.options.transfer ?? [])] : []
          this.#flush(slot)
        }
      else this.#unsent(slot, out[0]!, error)
    }
  }

  /** What could not be copied fails; the worker has heard nothing of it. */
  #unsent(slot: Slot<Job>, command: Slot<Job>["out"][number], error: unknown): void {
    const name = command[0]
    if (name !== "run" && name !== "chunk" && name !== "stream") return
    const position = command[1]
    const job = this.#vacate(slot, position)
    if (!(job instanceof Job)) return
    const clone = { transfer: job.options.transfer ?? [] }
    const failures = job.parameters.map((value, index) =>
      cloneFailure(value, name === "chunk" ? "item" : `argument ${index}`, clone)
    )
    const index = failures.findIndex((failure) => failure !== undefined)
    const failure = failures[index]
    const item = name === "chunk" && index >= 0 ? index : undefined
    const reason =
      failure === undefined
        ? new NotCloneable(
            name === "chunk" ? "an item" : "an argument",
            `is refused (${(error as Error | null)?.message})`
          )
        : new NotCloneable(failure.path, failure.fact)
    this.#feed(slot)
    this.#settle(job, this.#error(job, reason, item), undefined, 0)
    this.#release(job)
  }

  #vacate(slot: Slot<Job>, position: number): Job | typeof takenBack | undefined {
    const job = slot.jobs[position]
    if (job === undefined) return undefined
    slot.free(position)
    if (job === takenBack) return job
    if (slot.count > 0 && job.expectedMs >= 0) slot.expectedMs -= job.expectedMs
    job.slot = undefined
    return job
  }

  /** Gives a worker what waits, as much as it may take. */
  #feed(slot: Slot<Job>): void {
    const now = this.#timers.now()
    for (;;) {
      if (this.#suspended.size > 0) this.#admit()
      const job = this.#queued > 0 ? this.#nextFor(slot, now) : undefined
      if (job === undefined || !this.#mayTake(slot, job, now)) break
      this.#unqueue(job)
      this.#assign(job, slot, now)
    }
    if (slot.count > 0) return
    slot.idleSince = now
    if (slot.state === "retiring") this.#stop(slot)
    else if (slot.state === "ready") this.#sweepLater(now)
  }

  #feedAll(): void {
    for (const slot of this.#slots.slice()) this.#feed(slot)
  }

  #nextFor(slot: Slot<Job>, now: number): Job | undefined {
    const pinned = slot.pinned.next(now)
    for (;;) {
      const job = this.#queue.next(now)
      if (job === undefined) return pinned
      const bound = job.options.key === undefined ? undefined : this.#slotOfKey.get(job.options.key)
      if (bound === undefined || bound === slot)
        return pinned !== undefined && this.#queue.precedes(pinned, job, now) ? pinned : job
      // its key was bound while it waited
      this.#queue.remove(job)
      bound.pinned.add(job)
    }
  }

  /** Takes back what waits behind a task that turned out long, for workers that are free. */
  #look(): void {
    this.#looking = undefined
    const now = this.#timers.now()
    let ahead = false
    for (const slot of this.#slots) {
      if (slot.count <= this.options.tasksPerWorker) continue
      ahead = true
      if (now - slot.activeAt < lookMs) continue
      const waiting = [...slot.held()].filter(
        (job) => job.state === "sent" && job.options.key === undefined && !slot.handle.board.started(job.position)
      )
      for (const job of waiting.toSorted((one, other) => one.sequence - other.sequence)) {
        const free = this.#slots.find(
          (other) =>
            other.state === "ready" &&
            other.count < this.options.tasksPerWorker &&
            other.given < this.options.recycle.tasks
        )
        if (free === undefined) break
        if (!slot.handle.board.revoke(job.position, false)) continue
        this.#counts.takenBack++
        if (job.expectedMs >= 0) slot.expectedMs -= job.expectedMs
        slot.jobs[job.position] = takenBack
        job.slot = undefined
        this.#assign(job, free, now)
      }
    }
    if (ahead) this.#looking ??= this.#timers.after(lookMs, () => this.#look())
  }

  // --- replies -----------------------------------------------------------------------------------

  #onReply(slot: Slot<Job>, reply: Reply): void {
    switch (reply[0]) {
      case "ok":
        return this.#finish(slot, reply[1], undefined, reply[2], reply[3], reply[4])
      case "failed":
        return this.#finish(slot, reply[1], reply[2], reply[6], reply[3], reply[4], reply[5])
      case "revoked": {
        const job = this.#vacate(slot, reply[1])
        if (job instanceof Job && job.state === "sent") this.#requeue(job)
        else if (job instanceof Job) this.#release(job)
        this.#feed(slot)
        return this.#feedAll()
      }
      case "item": {
        const job = slot.jobs[reply[1]]
        slot.activeAt = this.#timers.now()
        if (!(job instanceof Job) || job.state !== "sent") return
        const { values, mismatch } = decoded(job.task.codec, [reply[2]])
        if (mismatch !== undefined) return this.#reject(job, mismatch, job.items)
        job.items++
        job.onItem?.(values[0])
        return
      }
      case "progress": {
        const job = slot.jobs[reply[1]]
        if (job instanceof Job && job.state === "sent") job.options.onProgress?.(reply[2])
        return
      }
      case "submit":
        return this.#nest(slot, reply)
      case "usage": {
        const [, heapBytes, cpuMs, utilisation] = reply
        slot.usage = { heapBytes, cpuMs, utilisation }
        const { recycle } = this.options
        if (heapBytes >= recycle.heapBytes || this.#timers.now() - slot.bornAt >= recycle.ageMs) this.#recycle(slot)
        return
      }
      case "ready":
        return this.#onReady(slot)
      case "refused":
        return this.#failStart(slot, this.#reasonOf(reply[1]))
    }
  }

  #finish(
    slot: Slot<Job>,
    position: number,
    problem: Problem | undefined,
    value: unknown,
    ms: number,
    endMs: number,
    item?: number
  ): void {
    const job = this.#vacate(slot, position)
    slot.activeAt = this.#timers.now()
    slot.completed++
    slot.busyMs += ms
    if (this.#breaker.failures > 0) this.#breaker.succeed()
    if (job instanceof Job) {
      if (job.kind === "run") job.task.record(ms)
      this.#run.record(ms)
    }
    // those who wait come before those whom the result lets submit
    this.#feed(slot)
    if (!(job instanceof Job)) return
    if (job.state === "sent") {
      let error = problem && this.#error(job, this.#reasonOf(problem, job.options.site), item)
      let result = value
      if (job.kind === "chunk") {
        const { values, mismatch } = decoded(job.task.codec, (value ?? []) as ReadonlyArray<unknown>)
        if (mismatch !== undefined) error = this.#error(job, mismatch, values.length)
        result = values
      } else if (job.kind === "run" && error === undefined) {
        const { values, mismatch } = decoded(job.task.codec, [value])
        if (mismatch !== undefined) error = this.#error(job, mismatch)
        result = values[0]
      }
      this.#settle(job, error, result, ms)
    }
    if (job.number > 0) this.#tellRun(job, slot, ms, endMs)
    this.#release(job)
  }

  /** A task that submits a task: to a worker that is free, else to the one that waits for it. */
  #nest(
    slot: Slot<Job>,
    [, position, nested, url, name, parameters]: Extract<Reply, readonly ["submit", ...unknown[]]>
  ): void {
    const parent = slot.jobs[position]
    if (!(parent instanceof Job) || parent.state !== "sent") return
    const free = this.#slots.some((other) => other.state === "ready" && other.count < this.options.tasksPerWorker)
    if (!free || this.#closed) return this.#send(slot, ["help", nested])
    const { deadline } = parent.options
    // a queue that is full settles it before there is a child
    let child: Job | undefined
    child = this.submit(
      "run",
      this.entry({ url, name }),
      parameters,
      { priority: Number.MAX_SAFE_INTEGER, ...(deadline === undefined ? {} : { deadline }) },
      (error, value) => {
        if (child !== undefined) parent.children?.delete(child)
        if (slot.state === "dead") return
        const told = error?.reason instanceof TaskFailed ? error.reason.error : error
        const plain =
          told instanceof Error
            ? { name: told.name, message: told.message, stack: told.stack }
            : { message: String(told) }
        this.#send(slot, error === undefined ? ["answer", nested, true, value] : ["answer", nested, false, plain])
      },
      { parent }
    )
    if (child.state !== "settled") (parent.children ??= new Set()).add(child)
  }

  // --- settling ----------------------------------------------------------------------------------

  #error(job: Job, reason: Reason, item?: number, lastItem = item): ExecutorError {
    return new ExecutorError(reason, job.task.name, job.attempt, item, lastItem)
  }

  #settle(job: Job, error: ExecutorError | undefined, value: unknown, ms: number): void {
    if (job.state === "settled") return
    job.state = "settled"
    job.stopTimers?.()
    job.stopTimers = undefined
    if (error === undefined) this.#counts.succeeded++
    else {
      this.#counts.failed++
      job.failure = error.reason._tag
    }
    if (job.children !== undefined) for (const child of job.children) this.cancel(child, () => {})
    job.settle(error, value, ms)
  }

  /** No worker has the job any more. */
  #release(job: Job): void {
    job.slot = undefined
    if (job.number > 0) this.#tellDone(job, 0)
    if (job.released !== undefined) for (const done of job.released.splice(0)) done()
    if (--this.#open > 0) return
    this.#letGo?.()
    this.#letGo = undefined
    for (const done of this.#whenDrained.splice(0)) done()
  }

  /** Settles a job with a reason that is not its worker's doing, wherever it is, and frees its worker. */
  #reject(job: Job, reason: Reason, item?: number): void {
    if (job.state === "settled") return
    const { slot } = job
    if (slot === undefined) {
      if (job.queue !== undefined) this.#unqueue(job)
      this.#settle(job, this.#error(job, reason), undefined, 0)
      this.#release(job)
      return this.#admit()
    }
    this.#settle(job, this.#error(job, reason, item), undefined, 0)
    if (slot.handle.board.revoke(job.position, true)) {
      slot.jobs[job.position] = takenBack
      if (job.expectedMs >= 0) slot.expectedMs -= job.expectedMs
      return this.#release(job)
    }
    if (slot.state === "dead" || slot.state === "killing") return
    if (this.options.graceMs === 0) return this.#kill(slot, job)
    this.#send(slot, ["cancel", job.position])
    // a worker that has to be killed should find its successor ready
    const ahead = this.#timers.after(Math.max(0, this.options.graceMs - 2 * this.#bootMs), () => {
      if (this.#spares.length === 0 && job.slot === slot && !this.#closed) this.#spares.push(this.#spawn())
    })
    const kill = this.#timers.after(this.options.graceMs, () => {
      if (job.slot === slot) this.#kill(slot, job)
    })
    job.stopTimers = undefined
    ;(job.released ??= []).push(ahead, kill)
  }

  #rejectWaiting(reason: () => Reason): void {
    for (const job of [...this.#suspended, ...this.#queue, ...this.#slots.flatMap((slot) => [...slot.pinned])])
      this.#reject(job, reason())
  }

  // --- what is told ------------------------------------------------------------------------------

  #tell(event: WorkerEvent): void {
    this.options.onEvent?.(event)
  }

  #tellDone(job: Job, worker: number, atMs?: number): void {
    const { number, failure } = job
    job.number = 0
    const end = failure === "" ? "ok" : failure === "Cancelled" || failure === "ShutDown" ? "interrupted" : "failed"
    this.#tell({ kind: "done", task: number, worker, end, reason: failure, ...(atMs !== undefined && { atMs }) })
  }

  /** When a task began and ended its worker alone knows; clocks of two threads may be apart, but nothing runs before it is sent. */
  #tellRun(job: Job, slot: Slot<Job>, ms: number, endMs: number): void {
    const sentMs = performance.timeOrigin + job.sentAt
    const doneMs = Math.max(sentMs, Math.min(endMs, performance.timeOrigin + performance.now()))
    this.#tell({ kind: "run", task: job.number, worker: slot.lane, atMs: Math.max(sentMs, doneMs - ms) })
    this.#tellDone(job, slot.lane, doneMs)
  }

  // --- lives of workers --------------------------------------------------------------------------

  #spawn(): Slot<Job> {
    const slot = new Slot<Job>(++this.#workers, this.#timers.now(), this.options.queue.ageMs)
    const { tasksPerWorker, setup, teardown, tasks, bootTimeoutMs } = this.options
    const timed = this.options.onEvent !== undefined
    const settings = { tasksPerWorker, tasks, timed, ...(setup && { setup }), ...(teardown && { teardown }) }
    try {
      slot.handle = this.#spawnWorker(slot.id, settings, {
        reply: (reply) => this.#onReply(slot, reply),
        exit: (death) => this.#onExit(slot, death)
      })
    } catch (error) {
      const death = { exitCode: undefined, signal: undefined, stderr: "", error, outOfMemory: false }
      this.#timers.soon(() => this.#onExit(slot, death))
      return slot
    }
    slot.timers.add(
      this.#timers.after(bootTimeoutMs, () => {
        if (slot.state === "booting")
          this.#failStart(slot, new InitializationFailed(new Error(`not ready within ${bootTimeoutMs} ms`), ""))
      })
    )
    return slot
  }

  /** A worker to be one of `#slots`: a spare one, if there is one. */
  #adopt(): Slot<Job> {
    const ready = this.#spares.findIndex((slot) => slot.state === "ready")
    // those that boot may be awaited by workers that are to be recycled
    const free = this.#spares.length - this.#slots.filter(({ replaced }) => replaced).length
    const [slot] = ready >= 0 || free > 0 ? this.#spares.splice(Math.max(0, ready), 1) : []
    if (slot !== undefined && this.#spares.length < this.options.spare && !this.#closed)
      this.#spares.push(this.#spawn())
    return slot ?? this.#spawn()
  }

  /** Starts workers for `wanted` jobs that wait. */
  #grow(wanted: number): void {
    if (this.#slots.length >= this.options.maximum) return
    const now = this.#timers.now()
    let booting = 0
    for (const slot of this.#slots) if (slot.state === "booting") booting++
    const pauseMs = this.#breaker.pauseMs(now)
    if (pauseMs > 0) {
      this.#retrying ??= this.#timers.after(pauseMs, () => {
        this.#retrying = undefined
        this.#grow(this.#queue.size)
      })
      return
    }
    // one probe until a worker has started
    const most = this.#breaker.failures > 0 ? 1 : this.options.maximum
    while (booting < Math.min(wanted, most) && this.#slots.length < this.options.maximum) {
      const slot = this.#adopt()
      this.#slots.push(slot)
      if (slot.state === "ready") this.#feed(slot)
      booting++
    }
  }

  #onReady(slot: Slot<Job>): void {
    if (slot.state !== "booting") return
    const now = this.#timers.now()
    slot.state = "ready"
    slot.activeAt = slot.idleSince = now
    if (this.options.onEvent !== undefined) {
      slot.lane = nextId()
      this.#tell({ kind: "spawn", worker: slot.lane, name: this.options.name })
    }
    this.#clear(slot)
    this.#bootMs = this.#bootMs * 0.7 + (now - slot.bornAt) * 0.3
    if (this.#spares.includes(slot)) {
      const old = this.#slots.find(({ replaced }) => replaced)
      if (old === undefined) return this.#sweepLater(now)
      this.#slots.push(this.#adopt())
      this.#retire(old)
    }
    this.#warmed()
    this.#feed(slot)
    if (this.#queue.size > 0) this.#grow(this.#queue.size)
  }

  #warmed(): void {
    const ready = this.#slots.filter(({ state }) => state === "ready").length
    this.#whenWarm = this.#whenWarm.filter(({ count, settle }) => {
      if (ready < count) return true
      settle()
      return false
    })
  }

  /** Starts the successor; the worker goes on until that is ready. */
  #recycle(slot: Slot<Job>): void {
    if (slot.replaced || slot.state !== "ready") return
    slot.replaced = true
    this.#counts.recycled++
    const ready = this.#spares.some(({ state }) => state === "ready")
    if (!ready) return void this.#spares.push(this.#spawn())
    const next = this.#adopt()
    this.#slots.push(next)
    this.#retire(slot)
    this.#timers.soon(() => this.#feed(next))
  }

  #retire(slot: Slot<Job>): void {
    this.#depart(slot, "retiring")
    if (slot.count === 0) this.#stop(slot)
  }

  /** Takes a worker out of those that get work. */
  #depart(slot: Slot<Job>, state: "retiring" | "stopping" | "killing"): void {
    slot.state = state
    this.#leaving.add(slot)
    for (const list of [this.#slots, this.#spares]) {
      const at = list.indexOf(slot)
      if (at >= 0) list.splice(at, 1)
    }
    this.#unbind(slot)
  }

  /** Its keys are free for another worker, and what waits for it may go anywhere. */
  #unbind(slot: Slot<Job>): void {
    for (const key of slot.keys) this.#slotOfKey.delete(key)
    slot.keys.clear()
    for (const job of slot.pinned) {
      slot.pinned.remove(job)
      this.#queue.add(job)
    }
  }

  #stop(slot: Slot<Job>): void {
    if (slot.state === "killing" || slot.state === "dead" || slot.state === "stopping") return
    if (slot.state === "booting") return this.#kill(slot)
    this.#depart(slot, "stopping")
    this.#send(slot, ["stop"])
    slot.timers.add(this.#timers.after(stopMs, () => this.#kill(slot)))
  }

  /** Kills a worker, for a job that does not end, and puts another in its place. */
  #kill(slot: Slot<Job>, job?: Job): void {
    if (slot.state === "dead" || slot.state === "killing") return
    if (job !== undefined && this.#moved(slot, job)) return
    const active = this.#slots.includes(slot)
    this.#depart(slot, "killing")
    this.#clear(slot)
    if (slot.lane > 0)
      this.#tell({ kind: "kill", task: job?.number ?? 0, worker: slot.lane, reason: job?.failure ?? "" })
    if (job !== undefined) {
      slot.killedFor = job
      job.number = 0
      this.#counts.kills++
    }
    // a thread in native code cannot be killed: it is reported, not waited for
    slot.timers.add(
      this.#timers.after(stopMs, () => {
        this.#counts.stuck++
        this.#onExit(slot, { exitCode: undefined, signal: undefined, stderr: "", error: undefined, outOfMemory: false })
      })
    )
    slot.handle.kill()
    // after it: to start another takes this thread some milliseconds, in which the killed one ends
    if (active) this.#replace()
  }

  /**
   * Takes back what a worker that is to be killed has not begun. True: it has begun something
   * after the job that does not end, so that has ended, and only its reply is not here yet.
   */
  #moved(slot: Slot<Job>, job: Job): boolean {
    let others = false
    for (const other of slot.held()) {
      if (other === job || other.state !== "sent") continue
      if (other.options.transfer === undefined && slot.handle.board.revoke(other.position, false)) {
        slot.jobs[other.position] = takenBack
        this.#requeue(other)
      } else others = true
    }
    return others && this.options.tasksPerWorker === 1
  }

  /** Fails everything, and kills the workers that have some of it; with `idle` the others, too. */
  #killAll(idle: boolean): void {
    this.#rejectWaiting(() => new ShutDown())
    for (const slot of [...this.#slots, ...this.#spares, ...this.#leaving]) {
      if (slot.count === 0 && !idle) continue
      for (const job of slot.held()) this.#settle(job, this.#error(job, new ShutDown()), undefined, 0)
      this.#kill(slot)
    }
  }

  /** Another worker for one that is gone. */
  #replace(): void {
    if ((this.#closed && this.#queued === 0) || this.#slots.length >= this.options.maximum) return
    if (this.#breaker.pauseMs(this.#timers.now()) > 0) return this.#grow(this.#queue.size)
    const slot = this.#adopt()
    this.#slots.push(slot)
    if (slot.state === "ready") this.#timers.soon(() => this.#feed(slot))
  }

  #onExit(slot: Slot<Job>, death: Death): void {
    const { state } = slot
    if (state === "dead") return
    this.#clear(slot)
    if (state === "booting") {
      this.#depart(slot, "killing")
      this.#bury(slot)
      return this.#startFailed(this.#stillborn(death))
    }
    if (state !== "killing") this.#depart(slot, "killing")
    this.#bury(slot)
    const begun = [...slot.held()].some((job) => slot.handle.board.started(job.position))
    if (state === "ready" || state === "retiring") this.#counts.crashes++
    // one that dies before it has done anything did not really start
    if (state === "ready" && slot.completed === 0 && !begun) this.#startFailed(this.#stillborn(death))
    if (state === "ready") this.#replace()
    for (const job of slot.held()) {
      this.#vacate(slot, job.position)
      if (job.state === "settled") this.#release(job)
      else if (!slot.handle.board.started(job.position) && job.options.transfer === undefined) this.#requeue(job)
      else this.#lost(slot, job, death)
    }
    const crashed = state === "ready" || state === "retiring"
    if (slot.lane > 0) this.#tell({ kind: "exit", worker: slot.lane, end: crashed ? "failed" : "ok" })
    this.#feedAll()
    this.#grow(this.#queue.size)
  }

  #bury(slot: Slot<Job>): void {
    slot.state = "dead"
    this.#leaving.delete(slot)
    if (this.#leaving.size === 0 && this.#closed && this.#slots.length === 0)
      for (const done of this.#whenGone.splice(0)) done()
  }

  #stillborn({ error, exitCode, signal, stderr }: Death): Reason {
    const how = signal === undefined ? `with exit code ${exitCode}` : `by ${signal}`
    return new InitializationFailed(error ?? new Error(`the worker ended ${how}`), stderr)
  }

  /** A job had begun on a worker that is gone. */
  #lost(slot: Slot<Job>, job: Job, death: Death): void {
    const { killedFor } = slot
    const crash = { ...death, worker: slot.id }
    let reason: Reason
    if (killedFor !== undefined) reason = new CollateralKill(slot.id, killedFor.task.name)
    else {
      job.kills++
      reason = death.outOfMemory ? new OutOfMemory(crash) : new WorkerCrashed(crash)
      if (job.options.idempotent === true && job.kills >= mostKills) reason = new PoisonTask(job.kills, reason)
    }
    if (
      job.options.idempotent === true &&
      !(reason instanceof PoisonTask) &&
      job.kind !== "stream" &&
      job.options.transfer === undefined
    ) {
      job.attempt++
      this.#counts.retried++
      return this.#requeue(job)
    }
    const noted = job.kind === "chunk" ? slot.handle.board.item(job.position) : undefined
    const item = noted !== undefined && noted < 0 ? ~noted : noted
    const last = item === noted ? job.parameters.length - 1 : item
    this.#settle(job, this.#error(job, reason, item, last), undefined, 0)
    if (job.number > 0) this.#tellDone(job, slot.lane)
    this.#release(job)
  }

  /** A worker said that it cannot start. */
  #failStart(slot: Slot<Job>, reason: Reason): void {
    if (slot.state !== "booting") return
    this.#kill(slot)
    this.#startFailed(reason)
  }

  #startFailed(reason: Reason): void {
    const now = this.#timers.now()
    this.#breaker.fail(reason, now)
    const error = () => new ExecutorError(reason, this.options.name)
    for (const { settle } of this.#whenWarm.splice(0)) settle(error())
    // those whose successor does not come leave without one
    for (const slot of this.#slots.filter(({ replaced }) => replaced)) this.#retire(slot)
    if (this.#breaker.tripped && !this.#slots.some(({ state }) => state === "ready")) this.#rejectWaiting(() => reason)
    if (this.#queue.size > 0) this.#grow(this.#queue.size)
  }

  #reasonOf(problem: Problem, site?: SubmitSite): Reason {
    const decode = (encoded: EncodedError) => decodeError(encoded, this.options.errors)
    switch (problem.kind) {
      case "threw":
        return new TaskFailed(site === undefined ? decode(problem.error) : withSubmitSite(decode(problem.error), site))
      case "missing":
        return new ModuleMissing(problem.url)
      case "broken":
        return new ModuleFailed(problem.url, decode(problem.error))
      case "export":
        return new ExportMissing(problem.url, problem.name, problem.found, problem.exports)
      case "setup":
        return new InitializationFailed(decode(problem.error), "")
      case "clone":
        return new NotCloneable(problem.path, problem.fact)
    }
  }

  #clear(slot: Slot<Job>): void {
    for (const stop of slot.timers) stop()
    slot.timers.clear()
  }

  /** Stops workers that nobody needs, some time after they became idle. */
  #sweepLater(now: number): void {
    const { minimum, spare, idleTimeToLiveMs } = this.options
    if (this.#sweeping !== undefined || this.#closed || idleTimeToLiveMs === Infinity) return
    const surplus = (slots: ReadonlyArray<Slot<Job>>, keep: number) =>
      slots
        .filter((slot) => slot.state === "ready" && slot.count === 0 && slot.pinned.size === 0)
        .slice(0, Math.max(0, slots.length - keep))
    const idle = [...surplus(this.#slots, minimum), ...surplus(this.#spares, spare)]
    if (idle.length === 0) return
    for (const slot of idle) if (now - slot.idleSince >= idleTimeToLiveMs) this.#stop(slot)
    const left = idle.filter(({ state }) => state === "ready").map(({ idleSince }) => idleSince)
    if (left.length === 0) return
    this.#sweeping = this.#timers.after(Math.max(1, Math.min(...left) + idleTimeToLiveMs - now), () => {
      this.#sweeping = undefined
      this.#sweepLater(this.#timers.now())
    })
  }
}

/** Values of a stream that may be under way to a reader that has not asked for them. */
export const streamCredit = 32
