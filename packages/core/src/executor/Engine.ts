/**
 * A pool of workers, the same for threads, processes and in process: who gets which
 * task when, and what becomes of it. The lives of the workers are in `Workers.ts`, what waits in `Waiting.ts`.
 * Without Effect, in callbacks, because a promise or a fiber for each task costs as
 * much as the task's way to the worker and back.
 *
 * 1. Every job is settled exactly once, and released exactly once, not before it is settled.
 * 2. Jobs that had not begun on a worker that ended go back to their place in the
 *    queue; of those that had begun only what ran then is lost.
 * 3. Nothing is given to a worker that is not `ready`.
 * 4. First come, first served within a priority; nobody overtakes but by priority, key, or
 *    because a worker that is free now may take what another was given but has not begun.
 * 5. Short tasks are sent ahead to busy workers, so that none waits for a message;
 *    what is sent ahead can be taken back (`Board.ts`) when the one before turns out long.
 */
import { positions } from "./Board.ts"
import { decoded } from "./Decoded.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { checkOptions } from "./EngineOptions.ts"
import type { Death, Reason } from "./ExecutorError.ts"
import {
  Cancelled,
  CrashLoop,
  Dropped,
  ExecutorError,
  PoisonTask,
  QueueFull,
  QueueTimeout,
  RunTimeout,
  SchemaMismatch,
  ShutDown,
  TaskFailed
} from "./ExecutorError.ts"
import { checkedShutdown, type ShutdownChoice } from "./ExecutorOptions.ts"
import { Histogram } from "./Histogram.ts"
import type { JobOptions, Settle } from "./Job.ts"
import { Job, invalid } from "./Job.ts"
import { JobEvents } from "./JobEvents.ts"
import { itemsLost, lossOf } from "./Loss.ts"
import type { Problem, Reply } from "./Protocol.ts"
import { reasonOf } from "./ReasonOf.ts"
import { isFree, lookMs, mayTake } from "./SendAhead.ts"
import type { Slot } from "./Slot.ts"
import { takenBack } from "./Slot.ts"
import type { ExecutorStatistics } from "./Statistics.ts"
import { TaskEntry, checkTask } from "./TaskEntry.ts"
import type { Timers } from "./Timers.ts"
import { systemTimers } from "./Timers.ts"
import type { TaskCodec } from "../Task.ts"
import { unsendable } from "./Unsendable.ts"
import { Waiting } from "./Waiting.ts"
import type { Spawn } from "./WorkerHandle.ts"
import { Workers } from "./Workers.ts"

/**
 * Items of a `map` that are expected to run at least so long, in milliseconds, are noted one by one: a note may cost
 * some microseconds.
 */
const notedMs = 0.05
/** Values of a stream that may be under way to a reader that has not asked for them. */
const streamCredit = 32

/** What a task has submitted is part of it: it ends with that, not with what waits. */
const isRoot = ({ parent }: Job): boolean => parent === undefined

export class Engine {
  readonly options: EngineOptions
  readonly #timers: Timers
  readonly #workers: Workers
  readonly #tasks = new Map<string, TaskEntry>()
  readonly #waiting: Waiting
  readonly #events: JobEvents
  #sequence = 0
  /** Jobs that are not released. */
  #open = 0
  /** What has not begun is not to begin any more. */
  #pendingCancelled = false
  #letGo: (() => void) | undefined
  #whenDrained: Array<() => void> = []
  #looking: (() => void) | undefined
  readonly #wait = new Histogram()
  readonly #run = new Histogram()
  readonly #counts = { submitted: 0, succeeded: 0, failed: 0, cancelled: 0, retried: 0, takenBack: 0 }

  constructor(spawn: Spawn, options: EngineOptions, timers: Timers = systemTimers) {
    checkOptions(options)
    this.options = options
    this.#timers = timers
    this.#waiting = new Waiting(options.queue.ageMs)
    this.#events = new JobEvents(options.onEvent)
    this.#workers = new Workers(spawn, options, timers, {
      waiting: () => this.#waiting.forAny,
      reply: (slot, reply) => this.#onReply(slot, reply),
      feed: (slot) => this.#feed(slot),
      leave: (slot) => this.#waiting.unbind(slot),
      bury: (slot, death) => this.#bury(slot, death),
      despair: (reason) => this.#rejectWaiting(() => reason)
    })
  }

  /** Starts `minimum` workers, at least one if there is something to check. Rejects with what keeps the first from starting. */
  start(): Promise<void> {
    return this.#workers.start()
  }

  /** Resolves when `count` workers (at most `maximum`) are ready. */
  warm(count: number): Promise<void> {
    return this.#workers.warm(count)
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
    this.#events.submitted(job, more?.fiber)
    if (this.#open++ === 0) this.#letGo = this.#timers.hold()
    const { closed, breaker, active } = this.#workers
    if (closed) problem = new ShutDown()
    else if (breaker.isOpen(now) && !active.some((slot) => slot.state === "ready"))
      problem = new CrashLoop({ failures: breaker.failures, retryInMs: breaker.pauseMs(now), last: breaker.last })
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
  async shutdown(choice?: ShutdownChoice): Promise<void> {
    const { pending, running, deadline } = checkedShutdown(choice)
    this.#workers.closed = true
    const release = this.#timers.hold()
    const timer = deadline === undefined ? undefined : this.#timers.after(deadline, () => this.#killAll(true))
    if (pending === "cancel") {
      this.#pendingCancelled = true
      for (const job of this.#waiting.all(this.#workers.active)) if (isRoot(job)) this.#reject(job, new ShutDown())
      for (const [slot, job] of this.#sent())
        if (isRoot(job) && this.#takeBack(slot, job)) this.#reject(job, new ShutDown())
      // a child that was behind them
      this.#feedAll()
    }
    if (running === "kill") this.#killAll(false)
    if (running === "cancel")
      for (const [slot, job] of this.#sent())
        if (slot.handle.board.started(job.position)) this.#reject(job, new ShutDown())
    await this.drain()
    await this.#workers.end()
    timer?.()
    this.#looking?.()
    release()
  }

  statistics(): ExecutorStatistics {
    const now = this.#timers.now()
    const oldest = this.#waiting.oldest()
    const workers = this.#workers.statistics(now)
    return {
      name: this.options.name,
      ...this.#counts,
      ...this.#workers.counts,
      open: this.#open,
      queued: this.#waiting.queued,
      suspended: this.#waiting.suspended,
      running: workers.reduce((sum, { holds }) => sum + Math.min(holds, this.options.tasksPerWorker), 0),
      queueAgeMs: oldest === undefined ? 0 : now - oldest.queuedAt,
      wait: this.#wait.snapshot(),
      run: this.#run.snapshot(),
      failedStarts: this.#workers.breaker.failures,
      workers
    }
  }

  // --- queue -------------------------------------------------------------------------------------

  #enlist(job: Job, now: number): void {
    const { queued, suspended } = this.#waiting
    // those whom the queue has no room for are passed by key only
    if ((suspended === 0 || this.#waiting.boundTo(job) !== undefined) && this.#place(job, now)) return
    this.#limitWait(job, now)
    const { capacity, policy } = this.options.queue
    if (suspended === 0 && (queued < capacity || queued < capacity + this.#coming())) return this.#line(job)
    if (policy === "fail") return this.#reject(job, new QueueFull({ capacity }))
    if (policy === "drop") {
      const oldest = this.#waiting.oldest() ?? job
      this.#reject(oldest, new Dropped({ capacity }))
      return oldest === job ? undefined : this.#line(job)
    }
    this.#waiting.suspend(job)
    this.#workers.grow()
  }

  /** Gives a job to a worker, if one may take it and nobody is before it. */
  #place(job: Job, now: number): boolean {
    const bound = this.#waiting.boundTo(job)
    const slot = bound === undefined ? this.#pick(job, now) : mayTake(bound, job, now, this.options) ? bound : undefined
    if (slot === undefined || !this.#waiting.isEmpty(bound)) return false
    if (slot.holds >= this.options.tasksPerWorker) this.#limitWait(job, now)
    this.#assign(job, slot, now)
    // a busy pool that may grow does so, and the new worker takes back what waits behind the old ones
    if (slot.holds > this.options.tasksPerWorker) this.#workers.grow(1)
    return true
  }

  /** Fails a job that has not begun in time, wherever it waits. */
  #limitWait(job: Job, now: number): void {
    const ms = job.options.queueTimeoutMs
    if (ms === undefined || job.attempt > 1 || job.stopTimers !== undefined) return
    job.stopTimers = this.#timers.after(Math.max(0, job.queuedAt + ms - now), () => {
      if (job.slot?.handle.board.started(job.position) !== true) this.#reject(job, new QueueTimeout({ ms }))
    })
  }

  #line(job: Job): void {
    this.#waiting.add(job)
    this.#workers.grow()
  }

  /**
   * Tasks for which workers start or may be started, or have yet to pass over what was taken back before they have a
   * position again: they do not count against the capacity.
   */
  #coming(): number {
    const { maximum, tasksPerWorker } = this.options
    let ready = 0
    for (const slot of this.#workers.active)
      if (slot.state === "ready" && !slot.replaced && (slot.count < positions || slot.holds >= tasksPerWorker)) ready++
    return (maximum - ready) * tasksPerWorker
  }

  /** Lets jobs in that the queue had no room for. A worker that may take one may be fed by nobody else. */
  #admit(): void {
    const now = this.#timers.now()
    const { capacity } = this.options.queue
    // what waits for the worker of its key keeps no other worker idle
    while (this.#waiting.queued < capacity || this.#waiting.isEmpty(undefined)) {
      const job = this.#waiting.letIn(now)
      if (job === undefined) return
      if (!this.#place(job, now)) this.#line(job)
    }
  }

  /** Puts a job back that a worker had but has not begun, or that may be run again. */
  #requeue(job: Job): void {
    job.slot = undefined
    job.stopTimers?.()
    job.stopTimers = undefined
    this.#limitWait(job, this.#timers.now())
    this.#line(job)
  }

  // --- workers and their jobs --------------------------------------------------------------------

  /** The worker for a job: an idle one, else the one with the least to do if the job may be sent ahead. */
  #pick(job: Job, now: number): Slot<Job> | undefined {
    let best: Slot<Job> | undefined
    for (const slot of this.#workers.active)
      if ((best === undefined || slot.holds < best.holds) && mayTake(slot, job, now, this.options)) {
        if (slot.holds === 0) return slot
        best = slot
      }
    return best
  }

  #assign(job: Job, slot: Slot<Job>, now: number): void {
    const { key, runTimeoutMs, deadline, transfer } = job.options
    // what is sent ahead still waits
    if (slot.holds < this.options.tasksPerWorker) {
      job.stopTimers?.()
      job.stopTimers = undefined
    }
    if (key !== undefined) this.#waiting.bind(key, slot)
    if (slot.holds === 0) slot.activeAt = now
    const position = slot.take(job)
    slot.handle.board.reset(position)
    job.slot = slot
    job.turn = slot.given
    job.position = position
    job.state = "sent"
    job.sentAt = now
    this.#events.sent(job, slot)
    if (job.attempt === 1) this.#wait.record(now - job.queuedAt)
    if (runTimeoutMs !== undefined)
      job.stopTimers = this.#timers.after(runTimeoutMs, () => this.#reject(job, new RunTimeout({ ms: runTimeoutMs })))
    const { number, url, name } = job.task
    if (!slot.told.has(number)) {
      slot.told.add(number)
      this.#send(slot, ["task", number, url, name])
    }
    // not spread: there may be more than a call can have for arguments
    for (const moved of transfer ?? []) slot.transfer.push(moved)
    const { kind, parameters } = job
    if (kind === "run") this.#send(slot, [kind, position, number, parameters, deadline])
    else if (kind === "stream") this.#send(slot, [kind, position, number, parameters, deadline, streamCredit])
    else {
      const exact = job.attempt > 1 || !(job.expectedMs / parameters.length < notedMs)
      this.#send(slot, [kind, position, number, parameters, deadline, exact])
    }
    if (slot.holds > this.options.tasksPerWorker) this.#looking ??= this.#timers.after(lookMs, () => this.#look())
    if (slot.given < this.options.recycle.tasks) return
    this.#waiting.unbind(slot)
    this.#workers.recycle(slot)
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
    } catch {
      // one by one: what cannot be copied keeps no other from going. What is sent meanwhile comes after all of these
      for (const command of out) {
        // what is to be moved belongs to one of them: the engine does not know to which position but through the job
        const job =
          command[0] === "run" || command[0] === "chunk" || command[0] === "stream" ? slot.jobs[command[1]] : undefined
        try {
          slot.handle.post([command], (job instanceof Job && job.options.transfer) || [])
        } catch (error) {
          this.#unsent(slot, command, error)
        }
      }
    }
  }

  /** What could not be copied fails; the worker has heard nothing of it. */
  #unsent(slot: Slot<Job>, command: Slot<Job>["out"][number], error: unknown): void {
    const name = command[0]
    if (name !== "run" && name !== "chunk" && name !== "stream") return
    const job = this.#vacate(slot, command[1])
    this.#feed(slot)
    if (!(job instanceof Job)) return
    const { reason, item } = unsendable(job, error, slot.handle)
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
      if (this.#waiting.suspended > 0) this.#admit()
      const job = this.#waiting.queued > 0 ? this.#waiting.next(slot, now) : undefined
      if (job === undefined || !mayTake(slot, job, now, this.options)) break
      this.#waiting.remove(job)
      this.#assign(job, slot, now)
    }
    if (slot.count === 0) this.#workers.idle(slot, now)
  }

  /** Takes a job back that a worker has not begun, and never will. */
  #takeBack(slot: Slot<Job>, job: Job, forGood = false): boolean {
    if (!slot.handle.board.revoke(job.position, forGood)) return false
    slot.takeBack(job.position)
    if (job.expectedMs >= 0) slot.expectedMs -= job.expectedMs
    job.slot = undefined
    return true
  }

  #feedAll(): void {
    for (const slot of this.#workers.active.slice()) this.#feed(slot)
  }

  /** Takes back what waits behind a task that turned out long, for workers that are free. */
  #look(): void {
    this.#looking = undefined
    const now = this.#timers.now()
    let ahead = false
    for (const slot of this.#workers.active) {
      if (slot.holds <= this.options.tasksPerWorker) continue
      ahead = true
      if (now - slot.activeAt < lookMs) continue
      const waiting = [...slot.held()].filter(
        (job) => job.state === "sent" && job.options.key === undefined && !slot.handle.board.started(job.position)
      )
      for (const job of waiting.toSorted((one, other) => one.sequence - other.sequence)) {
        const free = this.#workers.active.find((other) => isFree(other, this.options))
        if (free === undefined) break
        if (!this.#takeBack(slot, job)) continue
        this.#counts.takenBack++
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
        if (job instanceof Job && job.state !== "sent") this.#release(job)
        // where it was taken back while it was about to begin
        else if (job instanceof Job && this.#pendingCancelled && isRoot(job)) this.#reject(job, new ShutDown())
        else if (job instanceof Job) this.#requeue(job)
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
    this.#workers.breaker.succeed()
    if (job instanceof Job) {
      if (job.kind === "run") job.task.record(ms)
      this.#run.record(ms)
    }
    // those who wait come before those whom the result lets submit
    this.#feed(slot)
    if (!(job instanceof Job)) return
    if (job.state === "sent") {
      let error = problem && this.#error(job, reasonOf(problem, this.options.errors, job.options.site), item)
      const chunk = job.kind === "chunk"
      const given = chunk ? ((value ?? []) as ReadonlyArray<unknown>) : error === undefined ? [value] : []
      // those of a stream were decoded as they came
      const { values, mismatch } = decoded(job.kind === "stream" ? undefined : job.task.codec, given)
      if (mismatch !== undefined) error = this.#error(job, mismatch, chunk ? values.length : undefined)
      this.#settle(job, error, chunk ? values : values[0], ms)
    }
    this.#events.ran(job, slot, ms, endMs)
    this.#release(job)
  }

  /** A task that submits a task: to a worker that is free, else to the one that waits for it. */
  #nest(
    slot: Slot<Job>,
    [, position, nested, url, name, parameters]: Extract<Reply, readonly ["submit", ...unknown[]]>
  ): void {
    const parent = slot.jobs[position]
    if (!(parent instanceof Job)) return
    // it waits for an answer, and could end no other way
    if (parent.state !== "sent")
      return this.#send(slot, ["answer", nested, false, { name: "AbortError", message: "the task was cancelled" }])
    const free = this.#workers.active.some((other) => isFree(other, this.options))
    if (!free || this.#workers.closed) return this.#send(slot, ["help", nested])
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
    return new ExecutorError(reason, job.task.name, job.attempt, item, lastItem, job.options.site)
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
    this.#events.done(job, 0)
    if (--this.#open === 0) {
      this.#letGo?.()
      this.#letGo = undefined
    }
    // who hears of it may look at the statistics, and submit another
    if (job.released !== undefined) for (const done of job.released.splice(0)) done()
    if (this.#open === 0) for (const done of this.#whenDrained.splice(0)) done()
  }

  /** Settles a job with a reason that is not its worker's doing, wherever it is, and frees its worker. */
  #reject(job: Job, reason: Reason, item?: number): void {
    if (job.state === "settled") return
    const { slot } = job
    if (slot === undefined) {
      if (job.queue !== undefined) this.#waiting.remove(job)
      this.#settle(job, this.#error(job, reason), undefined, 0)
      this.#release(job)
      return this.#admit()
    }
    this.#settle(job, this.#error(job, reason, item), undefined, 0)
    if (this.#takeBack(slot, job, true)) {
      // those who wait come before those whom its release lets submit
      this.#feed(slot)
      return this.#release(job)
    }
    if (slot.state === "dead" || slot.state === "killing") return
    if (this.options.graceMs === 0) return this.#kill(job, slot)
    this.#send(slot, ["cancel", job.position])
    // a worker that has to be killed should find its successor ready
    const ahead = this.#workers.standBy(() => job.slot === slot)
    const kill = this.#timers.after(this.options.graceMs, () => this.#kill(job, slot))
    job.stopTimers = undefined
    ;(job.released ??= []).push(ahead, kill)
  }

  #rejectWaiting(reason: () => Reason): void {
    for (const job of this.#waiting.all(this.#workers.active)) this.#reject(job, reason())
  }

  // --- ends of workers ---------------------------------------------------------------------------

  /** Kills the worker of a job that does not end, if it still has it. */
  #kill(job: Job, slot: Slot<Job>): void {
    if (job.slot !== slot) return
    if (!this.#moved(slot, job)) this.#workers.kill(slot, job)
    // another worker may be free for what was taken back
    this.#feedAll()
  }

  /**
   * Takes back what a worker that is to be killed has not begun. True: it has begun something that it was given
   * after the job that does not end, so that has ended, and only its reply is not here yet.
   */
  #moved(slot: Slot<Job>, job: Job): boolean {
    let later = false
    for (const other of slot.held()) {
      if (other === job || other.state !== "sent") continue
      if (other.options.transfer === undefined && this.#takeBack(slot, other)) this.#requeue(other)
      else if (other.turn > job.turn) later = true
    }
    return later && this.options.tasksPerWorker === 1
  }

  /** What workers have, begun or not, and is wanted still. */
  *#sent(): Generator<readonly [Slot<Job>, Job]> {
    for (const slot of this.#workers.all) for (const job of slot.held()) if (job.state === "sent") yield [slot, job]
  }

  /** Fails everything, and kills the workers that have some of it; with `idle` the others, too. */
  #killAll(idle: boolean): void {
    this.#rejectWaiting(() => new ShutDown())
    for (const slot of this.#workers.all) {
      if (slot.holds === 0 && !idle) continue
      for (const job of slot.held()) this.#settle(job, this.#error(job, new ShutDown()), undefined, 0)
      this.#workers.kill(slot)
    }
  }

  /** A worker is gone: what it had not begun is run elsewhere. Gives how many jobs it was running. */
  #bury(slot: Slot<Job>, death: Death): number {
    let lost = 0
    for (const job of slot.held()) {
      this.#vacate(slot, job.position)
      const hasBegun = slot.handle.board.started(job.position)
      if (job.state === "settled") {
        // one that was given up may have been under way still, and have been told so
        if (hasBegun) lost++
        this.#release(job)
      } else if (!hasBegun && job.options.transfer === undefined) this.#requeue(job)
      else {
        lost++
        this.#lost(slot, job, death)
      }
    }
    return lost
  }

  /** A job had begun on a worker that is gone. */
  #lost(slot: Slot<Job>, job: Job, death: Death): void {
    const reason = lossOf(job, slot, death)
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
    this.#settle(job, this.#error(job, reason, ...itemsLost(job, slot)), undefined, 0)
    this.#events.done(job, slot.lane)
    this.#release(job)
  }
}
