/**
 * Our engine in the shape of piscina 5, so that piscina's own tests can judge it.
 *
 * What piscina's users see is translated: options, errors, events, counts. What the
 * engine decides is left as it is: when a task is sent, which worker takes it, what
 * an abort does, which options are refused. `PiscinaDifferences.ts` lists what follows
 * from that.
 */
import { EventEmitterAsyncResource } from "node:events"
import type { EventEmitter } from "node:events"
import { availableParallelism } from "node:os"
import { isMainThread } from "node:worker_threads"
import { fileURLToPath } from "node:url"
import { Engine } from "../src/executor/Engine.ts"
import type { ExecutorError } from "../src/executor/ExecutorError.ts"
import { engineOptions } from "../src/executor/ExecutorOptions.ts"
import type { Job } from "../src/executor/Job.ts"
import type { Spawn } from "../src/executor/WorkerHandle.ts"
import { threadSpawn } from "../src/node/ThreadWorker.ts"
import { occupancy } from "./Occupancy.ts"
import { piscinaError } from "./PiscinaError.ts"
import { isMovable, move, queueOptions, transferable, value, workerDataKey } from "./Movable.ts"

type Signal = AbortSignal | EventEmitter
interface RunOptions {
  readonly transferList?: ReadonlyArray<any>
  readonly filename?: string | null
  readonly name?: string | null
  readonly signal?: Signal | null
}

class AbortError extends Error {
  override readonly name = "AbortError"
  constructor(reason: unknown) {
    super("The task has been aborted", { cause: reason })
  }
}

const cpus = availableParallelism()
const defaults = {
  filename: null as string | null,
  name: "default",
  minThreads: Math.max(Math.floor(cpus / 2), 1),
  maxThreads: cpus * 1.5,
  idleTimeout: 0,
  maxQueue: Infinity,
  concurrentTasksPerWorker: 1,
  atomics: "sync",
  niceIncrement: 0,
  trackUnmanagedFds: true,
  closeTimeout: 30_000,
  recordTiming: true,
  stricterFIFO: false,
  workerHistogram: false
}

const withoutPrototype = (...parts: ReadonlyArray<object>): any => Object.assign(Object.create(null), ...parts)

export default class Piscina extends EventEmitterAsyncResource {
  static readonly version = "5.3.2"
  static readonly isWorkerThread = !isMainThread
  static get workerData(): unknown {
    return (globalThis as any)[workerDataKey]
  }
  static readonly transferableSymbol = transferable
  static readonly valueSymbol = value
  static readonly queueOptionsSymbol = queueOptions
  static readonly move = move

  readonly options: any
  completed = 0
  needsDrain = false
  readonly #engine: Engine
  readonly #start = performance.now()
  #closing = false

  constructor(options: any = {}) {
    const own = withoutPrototype(options)
    super({ name: "Piscina" })
    structuredClone(own.workerData)

    const filled = withoutPrototype(defaults, own)
    if (own.maxThreads !== undefined) filled.minThreads = Math.min(filled.minThreads, own.maxThreads)
    if (own.minThreads !== undefined) filled.maxThreads = Math.max(filled.maxThreads, own.minThreads)
    if (filled.maxQueue === "auto") filled.maxQueue = filled.maxThreads ** 2
    this.options = filled

    const { env, execArgv, resourceLimits } = filled
    const spawn = threadSpawn("piscina", {
      ...(env !== undefined && { env }),
      ...(execArgv !== undefined && { execArgv }),
      ...(resourceLimits !== undefined && { heapLimitBytes: resourceLimits.maxOldGenerationSizeMb * 2 ** 20 })
    })
    this.#engine = new Engine(
      this.#watched(spawn),
      engineOptions(
        {
          minimum: filled.minThreads,
          maximum: Math.ceil(filled.maxThreads),
          tasksPerWorker: filled.concurrentTasksPerWorker,
          // no time is a turn of the loop
          idleTimeToLive: Math.max(1, filled.idleTimeout),
          // an abort of piscina's asks nobody
          grace: 0,
          queue: { capacity: filled.maxQueue, policy: "fail" }
        },
        "piscina",
        cpus,
        (ms) => ms
      )
    )
    this.#engine.start().catch(() => {})
  }

  /** Tells of the workers' lives as piscina does. */
  #watched(spawn: Spawn): Spawn {
    return (id, settings, events) =>
      spawn(id, settings, {
        reply: (reply) => {
          events.reply(reply)
          if (reply[0] === "ready") this.emit("workerCreate", { id })
        },
        exit: (death) => {
          const idle = this.#engine.statistics().workers.find((worker) => worker.id === id)?.holds === 0
          const told = events.exit(death)
          this.emit("workerDestroy", { id })
          if (idle && death.error !== undefined) this.emit("error", death.error)
          return told
        }
      })
  }

  run(task: any, options: RunOptions = {}): Promise<any> {
    const { transferList = [], signal = null, ...rest } = withoutPrototype(options)
    const filename = rest.filename ?? this.options.filename
    const name = rest.name ?? this.options.name
    if (filename === null) return Promise.reject(new Error("filename must be provided to run() or in options object"))
    if (this.#closing) return Promise.reject(new AbortError("queue is being terminated"))
    if (signal?.aborted) return Promise.reject(new AbortError(signal.reason))

    let sent = task
    const transfer = [...transferList]
    if (isMovable(task)) {
      sent = task[value]
      for (const part of [task[transferable]].flat()) if (!transfer.includes(part)) transfer.push(part)
    }
    return new Promise((resolve, reject) => {
      let forget = () => {}
      const path = filename.startsWith("file:") ? fileURLToPath(filename) : filename
      const job: Job = this.#engine.submit(
        "run",
        this.#engine.entry({ url: new URL("./piscina.task.ts", import.meta.url).href, name: "run" }),
        [path, name, sent, this.options.workerData],
        transfer.length > 0 ? { transfer } : {},
        (error, result) => {
          forget()
          this.completed++
          if (error === undefined) resolve(result)
          else reject(this.#translated(error, signal))
          queueMicrotask(() => this.#tellDrain())
        }
      )
      queueMicrotask(() => this.#tellDrain())
      if (signal === null || job.state === "settled") return
      const abort = () => this.#engine.cancel(job, () => {})
      if ("addEventListener" in signal) {
        signal.addEventListener("abort", abort, { once: true })
        forget = () => signal.removeEventListener("abort", abort)
      } else {
        signal.once("abort", abort)
        forget = () => signal.off("abort", abort)
      }
    })
  }

  #translated(error: ExecutorError, signal: Signal | null): unknown {
    return piscinaError(error, {
      Cancelled: () => new AbortError((signal as AbortSignal).reason),
      ShutDown: () => (this.#closing ? new AbortError("pool is closed") : new Error("Terminating worker thread"))
    })
  }

  #tellDrain(): void {
    const full = this.#engine.statistics().open >= this.maxThreads * this.options.concurrentTasksPerWorker
    if (full) {
      this.needsDrain = true
      queueMicrotask(() => this.emit("needsDrain"))
    } else if (this.needsDrain) {
      this.needsDrain = false
      queueMicrotask(() => this.emit("drain"))
    }
  }

  async destroy(): Promise<void> {
    this.#closing = false
    await this.#engine.shutdown({ pending: "cancel", running: "kill" })
  }

  async close({ force = false }: { readonly force?: boolean } = {}): Promise<void> {
    this.#closing = true
    const late = setTimeout(() => {
      this.emit("error", new Error("Close operation timed out"))
      void this.destroy()
    }, this.options.closeTimeout)
    await this.#engine.shutdown({ pending: force ? "cancel" : "run", running: "wait" })
    clearTimeout(late)
    this.emit("close")
  }
  [Symbol.dispose](): void {
    void this.close()
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  get maxThreads(): number {
    return this.options.maxThreads
  }
  get minThreads(): number {
    return this.options.minThreads
  }
  get threads(): ReadonlyArray<{ readonly threadId: number; readonly ref: () => void }> {
    return this.#occupancy().workers.map(({ nativeId }) => ({
      threadId: nativeId!,
      ref: () => {
        const held = setInterval(() => {}, 1000)
        this.once("workerDestroy", () => clearInterval(held))
      }
    }))
  }
  #occupancy() {
    return occupancy(this.#engine.statistics(), this.options.concurrentTasksPerWorker)
  }
  get idleThreads(): number {
    return this.#occupancy().idle
  }
  get queueSize(): number {
    return this.#occupancy().waiting
  }
  get duration(): number {
    return performance.now() - this.#start
  }
  get utilization(): number {
    const { run } = this.#engine.statistics()
    return (run.meanMs * run.count) / (this.duration * this.maxThreads)
  }
  get histogram() {
    const { wait, run } = this.#engine.statistics()
    const timed = this.options.recordTiming === true
    const summary = (it: typeof wait) => (timed ? { average: it.meanMs, mean: it.meanMs, max: it.maxMs } : null)
    return { waitTime: summary(wait), runTime: summary(run) }
  }

  static readonly Piscina = Piscina
  static readonly default = Piscina
}

export { Piscina as "module.exports" }
export * from "./Movable.ts"
export const getAvailableParallelism = availableParallelism
// types, which are imported as if they were values
export const PiscinaTask = undefined
export const PiscinaWorker = undefined
export const TaskQueue = undefined
