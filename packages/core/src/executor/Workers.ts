/**
 * The workers of an engine: started by demand, replaced when they end, stopped when
 * nobody needs them. `Slot.ts` has the states of one; what they are given to do is
 * the engine's, and of that no more is asked here than `Dispatch` says.
 *
 * 1. A worker's end is handled once, whatever ended it.
 * 2. At most `maximum` are `active`, and only those get work; the spare ones, and those
 *    that leave, are beside them.
 * 3. Who takes the place of one that is recycled is ready before that leaves.
 * 4. After one failed to start they are tried one by one, after pauses (`Breaker.ts`).
 */
import { Breaker } from "./Breaker.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import type { Death, Reason } from "./ExecutorError.ts"
import { ExecutorError, InitializationFailed, InvalidOption, ShutDown } from "./ExecutorError.ts"
import type { Job } from "./Job.ts"
import type { Reply } from "./Protocol.ts"
import { reasonOf } from "./ReasonOf.ts"
import { Slot } from "./Slot.ts"
import type { WorkerStatistics } from "./Statistics.ts"
import type { Timers } from "./Timers.ts"
import { nextId } from "../WorkerEvent.ts"
import type { Spawn } from "./WorkerHandle.ts"

/** What a worker has to stop in peace, and a killed one to be gone, before it is not waited for any more. */
const stopMs = 5000

/** What workers ask of whoever gives them work. */
interface Dispatch {
  /** How many jobs wait for a worker. */
  readonly waiting: () => number
  /** A worker has said something of its jobs. */
  readonly reply: (slot: Slot<Job>, reply: Reply) => void
  /** A worker can be given work. */
  readonly feed: (slot: Slot<Job>) => void
  /** A worker is given no more; what it has is its own still. */
  readonly leave: (slot: Slot<Job>) => void
  /** A worker is gone, and lets go of what it had. Gives how many jobs it was running. */
  readonly bury: (slot: Slot<Job>, death: Death) => number
  /** There is no worker, and none can be started. */
  readonly despair: (reason: Reason) => void
}

export class Workers {
  /** Booting and ready ones. */
  readonly active: Array<Slot<Job>> = []
  readonly breaker = new Breaker()
  readonly counts = { crashes: 0, kills: 0, recycled: 0, stuck: 0 }
  /** No more jobs are taken: workers are started only for those that wait. */
  closed = false
  readonly #options: EngineOptions
  readonly #spawnWorker: Spawn
  readonly #timers: Timers
  readonly #dispatch: Dispatch
  readonly #spares: Array<Slot<Job>> = []
  readonly #leaving = new Set<Slot<Job>>()
  #started = 0
  #bootMs = 60
  #whenWarm: Array<{ readonly count: number; readonly resolve: () => void; readonly reject: (why: unknown) => void }> =
    []
  readonly #whenGone: Array<() => void> = []
  #sweeping: (() => void) | undefined
  #retrying: (() => void) | undefined

  constructor(spawn: Spawn, options: EngineOptions, timers: Timers, dispatch: Dispatch) {
    this.#spawnWorker = spawn
    this.#options = options
    this.#timers = timers
    this.#dispatch = dispatch
  }

  /** All that live. */
  get all(): ReadonlyArray<Slot<Job>> {
    return [...this.active, ...this.#spares, ...this.#leaving]
  }

  /** Starts `minimum` workers, at least one if there is something to check. Rejects with what keeps the first from starting. */
  async start(): Promise<void> {
    const { minimum, spare, tasks, setup } = this.#options
    const wanted = Math.max(minimum, tasks.length > 0 || setup !== undefined ? 1 : 0)
    while (this.#spares.length < spare) this.#spares.push(this.#spawn())
    if (wanted > 0) await this.warm(wanted)
  }

  /** Resolves when `count` workers (at most `maximum`) are ready. */
  warm(count: number): Promise<void> {
    const problem = this.closed
      ? new ShutDown()
      : count >= 0
        ? undefined
        : new InvalidOption({ option: "workers to warm", expected: "a number of at least 0", got: count })
    if (problem !== undefined) return Promise.reject(new ExecutorError(problem, this.#options.name))
    const wanted = Math.min(count, this.#options.maximum)
    while (this.active.length < wanted) this.#adopt()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#whenWarm.push({ count: wanted, resolve, reject })
    this.#warmed()
    return promise.finally(this.#timers.hold())
  }

  /** Starts workers for `wanted` jobs, as many as there may be. */
  grow(wanted = this.#dispatch.waiting()): void {
    const { maximum } = this.#options
    if (wanted === 0 || this.active.length >= maximum) return
    const pauseMs = this.breaker.pauseMs(this.#timers.now())
    if (pauseMs > 0) {
      this.#retrying ??= this.#timers.after(pauseMs, () => {
        this.#retrying = undefined
        this.grow()
      })
      return
    }
    let booting = 0
    for (const slot of this.active) if (slot.state === "booting") booting++
    // one probe until a worker has started
    const most = this.breaker.failures > 0 ? 1 : maximum
    for (; booting < Math.min(wanted, most) && this.active.length < maximum; booting++) {
      const slot = this.#adopt()
      if (slot.state === "ready") this.#dispatch.feed(slot)
    }
  }

  /** A worker has nothing to do. */
  idle(slot: Slot<Job>, now: number): void {
    slot.idleSince = now
    if (slot.state === "retiring") this.#stop(slot)
    else if (slot.state === "ready") this.#sweepLater(now)
  }

  /** Starts the successor; the worker goes on until that is ready. */
  recycle(slot: Slot<Job>): void {
    if (slot.replaced || slot.state !== "ready") return
    slot.replaced = true
    this.counts.recycled++
    if (!this.#spares.some(({ state }) => state === "ready")) return void this.#spares.push(this.#spawn())
    const next = this.#adopt()
    this.#retire(slot)
    this.#timers.soon(() => this.#dispatch.feed(next))
  }

  /** Has a spare worker ready at the end of the grace period, if one is `needed` then. What it gives takes that back. */
  standBy(needed: () => boolean): () => void {
    return this.#timers.after(Math.max(0, this.#options.graceMs - 2 * this.#bootMs), () => {
      if (this.#spares.length === 0 && !this.closed && needed()) this.#spares.push(this.#spawn())
    })
  }

  /** Kills a worker, for a job that does not end, and puts another in its place. */
  kill(slot: Slot<Job>, job?: Job): void {
    if (slot.state === "dead" || slot.state === "killing") return
    const active = this.active.includes(slot)
    this.#depart(slot, "killing")
    this.#clear(slot)
    if (slot.lane > 0)
      this.#options.onEvent?.({ kind: "kill", task: job?.number ?? 0, worker: slot.lane, reason: job?.failure ?? "" })
    if (job !== undefined) {
      slot.killedFor = job
      job.number = 0
      this.counts.kills++
    }
    // a thread in native code cannot be killed: it is reported, not waited for
    slot.timers.add(
      this.#timers.after(stopMs, () => {
        this.counts.stuck++
        this.#onExit(slot, unknown(undefined))
      })
    )
    slot.handle.kill()
    // after it: to start another takes this thread some milliseconds, in which the killed one ends
    if (active) this.#replace()
  }

  /** Stops all. Resolves when none is left; one that cannot be killed is not waited for. */
  async end(): Promise<void> {
    for (const slot of [...this.active.splice(0), ...this.#spares.splice(0)]) this.#stop(slot)
    this.#notWarm(new ShutDown())
    if (this.#leaving.size > 0) await new Promise<void>((resolve) => this.#whenGone.push(resolve))
    this.#sweeping?.()
    this.#retrying?.()
  }

  statistics(now: number): ReadonlyArray<WorkerStatistics> {
    return this.all.map((slot) => ({
      id: slot.id,
      nativeId: slot.handle?.nativeId,
      state: this.#spares.includes(slot) ? "spare" : slot.state,
      tasks: slot.completed,
      holds: slot.holds,
      ageMs: now - slot.bornAt,
      busyMs: slot.busyMs,
      ...slot.usage
    }))
  }

  // --- from birth --------------------------------------------------------------------------------

  #spawn(): Slot<Job> {
    const slot = new Slot<Job>(++this.#started, this.#timers.now(), this.#options.queue.ageMs)
    const { tasksPerWorker, setup, teardown, tasks, bootTimeoutMs, onEvent } = this.#options
    const timed = onEvent !== undefined
    const settings = { tasksPerWorker, tasks, timed, ...(setup && { setup }), ...(teardown && { teardown }) }
    try {
      slot.handle = this.#spawnWorker(slot.id, settings, {
        reply: (reply) => this.#onReply(slot, reply),
        exit: (death) => this.#onExit(slot, death)
      })
    } catch (error) {
      this.#timers.soon(() => this.#onExit(slot, unknown(error)))
      return slot
    }
    slot.timers.add(
      this.#timers.after(bootTimeoutMs, () =>
        this.#refuse(
          slot,
          new InitializationFailed({ error: new Error(`not ready within ${bootTimeoutMs} ms`), stderr: "" })
        )
      )
    )
    return slot
  }

  /** Takes one more among the active: a spare one, if there is one. */
  #adopt(): Slot<Job> {
    const ready = this.#spares.findIndex((slot) => slot.state === "ready")
    // those that boot may be awaited by workers that are to be recycled
    const free = this.#spares.length - this.active.filter(({ replaced }) => replaced).length
    const [spare] = ready >= 0 || free > 0 ? this.#spares.splice(Math.max(0, ready), 1) : []
    if (spare !== undefined && this.#spares.length < this.#options.spare && !this.closed)
      this.#spares.push(this.#spawn())
    const slot = spare ?? this.#spawn()
    this.active.push(slot)
    return slot
  }

  #onReply(slot: Slot<Job>, reply: Reply): void {
    switch (reply[0]) {
      case "ready":
        return this.#onReady(slot)
      case "refused":
        return this.#refuse(slot, reasonOf(reply[1], this.#options.errors))
      case "usage": {
        const [, heapBytes, cpuMs, utilisation] = reply
        slot.usage = { heapBytes, cpuMs, utilisation }
        const { recycle } = this.#options
        if (heapBytes >= recycle.heapBytes || this.#timers.now() - slot.bornAt >= recycle.ageMs) this.recycle(slot)
        return
      }
      default:
        this.#dispatch.reply(slot, reply)
    }
  }

  #onReady(slot: Slot<Job>): void {
    if (slot.state !== "booting") return
    const now = this.#timers.now()
    const { name, onEvent } = this.#options
    slot.state = "ready"
    slot.activeAt = slot.idleSince = now
    if (onEvent !== undefined) {
      slot.lane = nextId()
      onEvent({ kind: "spawn", worker: slot.lane, name })
    }
    this.#clear(slot)
    this.#bootMs = this.#bootMs * 0.7 + (now - slot.bornAt) * 0.3
    if (this.#spares.includes(slot)) {
      const old = this.active.find(({ replaced }) => replaced)
      if (old === undefined) return this.#sweepLater(now)
      this.#adopt()
      this.#retire(old)
    }
    this.#warmed()
    this.#dispatch.feed(slot)
    this.grow()
  }

  #warmed(): void {
    const ready = this.active.filter(({ state }) => state === "ready").length
    for (const { count, resolve } of this.#whenWarm) if (count <= ready) resolve()
    this.#whenWarm = this.#whenWarm.filter(({ count }) => count > ready)
  }

  #notWarm(reason: Reason): void {
    for (const { reject } of this.#whenWarm.splice(0)) reject(new ExecutorError(reason, this.#options.name))
    this.#sweepLater(this.#timers.now())
  }

  // --- to death ----------------------------------------------------------------------------------

  #retire(slot: Slot<Job>): void {
    this.#depart(slot, "retiring")
    if (slot.count === 0) this.#stop(slot)
  }

  /** Takes a worker out of those that get work. */
  #depart(slot: Slot<Job>, state: "retiring" | "stopping" | "killing"): void {
    slot.state = state
    this.#leaving.add(slot)
    for (const list of [this.active, this.#spares]) {
      const at = list.indexOf(slot)
      if (at >= 0) list.splice(at, 1)
    }
    this.#dispatch.leave(slot)
  }

  #stop(slot: Slot<Job>): void {
    if (slot.state === "killing" || slot.state === "dead" || slot.state === "stopping") return
    if (slot.state === "booting") return this.kill(slot)
    this.#depart(slot, "stopping")
    slot.handle.post([["stop"]], [])
    slot.timers.add(this.#timers.after(stopMs, () => this.kill(slot)))
  }

  /** Another worker for one that is gone. */
  #replace(): void {
    if ((this.closed && this.#dispatch.waiting() === 0) || this.active.length >= this.#options.maximum) return
    if (this.breaker.pauseMs(this.#timers.now()) > 0) return this.grow()
    const slot = this.#adopt()
    if (slot.state === "ready") this.#timers.soon(() => this.#dispatch.feed(slot))
  }

  /** Gives whether anybody was told of it, or wanted it. */
  #onExit(slot: Slot<Job>, death: Death): boolean {
    const { state } = slot
    if (state === "dead") return true
    this.#clear(slot)
    if (state !== "killing") this.#depart(slot, "killing")
    slot.state = "dead"
    this.#leaving.delete(slot)
    if (this.#leaving.size === 0) for (const done of this.#whenGone.splice(0)) done()
    if (state === "booting") {
      this.#startFailed(stillborn(death))
      return true
    }
    const crashed = state === "ready" || state === "retiring"
    if (crashed) this.counts.crashes++
    if (state === "ready") {
      const begun = [...slot.held()].some((job) => slot.handle.board.started(job.position))
      // one that dies before it has done anything did not really start
      if (slot.completed === 0 && !begun) this.#startFailed(stillborn(death))
      this.#replace()
    }
    const lost = this.#dispatch.bury(slot, death)
    if (slot.lane > 0) this.#options.onEvent?.({ kind: "exit", worker: slot.lane, end: crashed ? "failed" : "ok" })
    for (const other of this.active.slice()) this.#dispatch.feed(other)
    this.grow()
    return !crashed || lost > 0
  }

  /** A worker cannot start, or does not in time. */
  #refuse(slot: Slot<Job>, reason: Reason): void {
    if (slot.state !== "booting") return
    // counted before it is replaced: the pause holds for its successor, too
    this.#startFailed(reason)
    this.kill(slot)
  }

  #startFailed(reason: Reason): void {
    this.breaker.fail(reason, this.#timers.now())
    this.#notWarm(reason)
    // those whose successor does not come leave without one
    for (const slot of this.active.filter(({ replaced }) => replaced)) this.#retire(slot)
    if (this.breaker.tripped && !this.active.some(({ state }) => state === "ready")) this.#dispatch.despair(reason)
    this.grow()
  }

  #clear(slot: Slot<Job>): void {
    for (const stop of slot.timers) stop()
    slot.timers.clear()
  }

  /** Stops workers that nobody needs, some time after they became idle. */
  #sweepLater(now: number): void {
    const { minimum, spare, idleTimeToLiveMs } = this.#options
    if (this.#sweeping !== undefined || this.closed || idleTimeToLiveMs === Infinity) return
    const surplus = (slots: ReadonlyArray<Slot<Job>>, keep: number) =>
      slots
        .filter((slot) => slot.state === "ready" && slot.count === 0 && slot.pinned.size === 0)
        .slice(0, Math.max(0, slots.length - keep))
    const awaited = Math.max(minimum, ...this.#whenWarm.map(({ count }) => count))
    const idle = [...surplus(this.active, awaited), ...surplus(this.#spares, spare)]
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

/** The end of one that told nothing. */
const unknown = (error: unknown): Death => ({
  exitCode: undefined,
  signal: undefined,
  stderr: "",
  error,
  outOfMemory: false
})

const stillborn = ({ error, exitCode, signal, stderr }: Death): Reason => {
  const how = signal === undefined ? `with exit code ${exitCode}` : `by ${signal}`
  return new InitializationFailed({ error: error ?? new Error(`the worker ended ${how}`), stderr })
}
