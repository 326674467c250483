/**
 * Our engine in the shape of tinypool 2, so that tinypool's own tests can judge it, on
 * threads and on processes.
 *
 * Translated are options, errors, events, counts and the numbers of workers. Workers
 * that are recycled on demand, maybe to another runtime, and a pool that is used after
 * it was destroyed are a new engine each: what the old one has it ends by itself.
 * `TinypoolDifferences.ts` lists what follows from what our engine decides.
 */
import { EventEmitterAsyncResource } from "node:events"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { Engine } from "../src/executor/Engine.ts"
import type { ExecutorError } from "../src/executor/ExecutorError.ts"
import { engineOptions } from "../src/executor/ExecutorOptions.ts"
import type { Job } from "../src/executor/Job.ts"
import type { Spawn } from "../src/executor/WorkerHandle.ts"
import { processSpawn } from "../src/node/ProcessWorker.ts"
import { threadSpawn } from "../src/node/ThreadWorker.ts"
import { isMovable, move, queueOptions, transferable, value } from "./Movable.ts"
import { occupancy } from "./Occupancy.ts"
import { piscinaError } from "./PiscinaError.ts"
import { state } from "./tinypool.task.ts"

type Runtime = "worker_threads" | "child_process"

interface RunOptions {
  readonly transferList?: ReadonlyArray<any>
  readonly filename?: string | null
  readonly name?: string | null
}

const address = (name: string) => ({ url: new URL("./tinypool.task.ts", import.meta.url).href, name })

/** A share of the CPUs, or a number. */
const threads = (given: number): number =>
  given > 0 && given < 1 ? Math.max(1, Math.floor(given * availableParallelism())) : given

export class Tinypool extends EventEmitterAsyncResource {
  static readonly transferableSymbol = transferable
  static readonly valueSymbol = value
  static readonly queueOptionsSymbol = queueOptions
  static readonly move = move
  static get isWorkerThread(): boolean {
    return state()?.isWorkerThread ?? false
  }
  static get workerData(): unknown {
    return state()?.workerData
  }

  readonly options: any
  readonly #jobs = new Set<Job>()
  /** Engines whose workers have not ended; the last one takes what comes. */
  readonly #engines: Array<Engine> = []
  readonly #numbers: Array<boolean> = []

  constructor(given: any = {}) {
    super({ name: "Tinypool" })
    const cpus = availableParallelism()
    const options = {
      minThreads: Math.max(cpus / 2, 1),
      maxThreads: cpus,
      maxQueue: Infinity,
      name: "default",
      ...given
    }
    options.minThreads = threads(options.minThreads)
    options.maxThreads = threads(options.maxThreads)
    if (given.maxThreads === undefined) options.maxThreads = Math.max(options.maxThreads, options.minThreads)
    if (given.minThreads === undefined) options.minThreads = Math.min(options.maxThreads, options.minThreads)
    this.options = options
    this.#open()
  }

  #open(): Engine {
    const { options } = this
    const engine = new Engine(
      this.#spawn(),
      engineOptions(
        {
          minimum: options.minThreads,
          maximum: options.maxThreads,
          tasksPerWorker: options.concurrentTasksPerWorker ?? 1,
          // no time is a turn of the loop
          idleTimeToLive: Math.max(1, options.idleTimeout ?? 0),
          grace: 0,
          queue: { capacity: options.maxQueue, policy: "fail" },
          recycle: {
            ...(options.isolateWorkers === true && { tasks: 1 }),
            ...(options.maxMemoryLimitBeforeRecycle && { heapBytes: options.maxMemoryLimitBeforeRecycle })
          },
          ...(options.teardown && { teardown: address("tearDown") })
        },
        "tinypool",
        options.maxThreads,
        (ms: number) => ms
      )
    )
    engine.start().catch(() => {})
    this.#engines.push(engine)
    return engine
  }

  /** The engine's workers, with the numbers that tinypool gives them in place of the engine's own. */
  #spawn(): Spawn {
    const { runtime, env, execArgv, resourceLimits } = this.options
    const given = {
      ...(env !== undefined && { env }),
      ...(execArgv !== undefined && { execArgv }),
      ...(resourceLimits !== undefined && { heapLimitBytes: resourceLimits.maxOldGenerationSizeMb * 2 ** 20 })
    }
    const spawn = runtime === "child_process" ? processSpawn("tinypool", given) : threadSpawn("tinypool", given)
    return (_, settings, events) => {
      const number = [...this.#numbers, false].indexOf(false)
      this.#numbers[number] = true
      let idle = () => false
      const handle = spawn(number + 1, settings, {
        reply: events.reply,
        exit: (death) => {
          this.#numbers[number] = false
          const uncaught = idle() ? death.error : undefined
          const told = events.exit(death)
          if (uncaught !== undefined) this.emit("error", uncaught)
          return told
        }
      })
      idle = () => this.#workers().some(({ nativeId, holds }) => nativeId === handle.nativeId && holds === 0)
      return handle
    }
  }

  run(task: any, options: RunOptions = {}): Promise<any> {
    const filename = options.filename ?? this.options.filename
    if (!filename) return Promise.reject(new Error("filename must be provided to run() or in options object"))
    const engine = this.#engines.at(-1) ?? this.#open()
    const sent = isMovable(task) ? task[value] : task
    const transfer = [...(options.transferList ?? []), ...(isMovable(task) ? [task[transferable]].flat() : [])]
    const { workerData, teardown } = this.options
    const path = filename.startsWith("file:") ? fileURLToPath(filename) : filename
    return new Promise((resolve, reject) => {
      let job: Job | undefined
      job = engine.submit(
        "run",
        engine.entry(address("run")),
        [{ path, name: options.name ?? this.options.name, workerData, teardown }, sent],
        transfer.length > 0 ? { transfer } : {},
        (error, result) => {
          if (job !== undefined) this.#jobs.delete(job)
          if (error === undefined) resolve(result)
          else reject(this.#translated(error))
        }
      )
      if (job.state !== "settled") this.#jobs.add(job)
    })
  }

  #translated(error: ExecutorError): unknown {
    return piscinaError(error, {
      Cancelled: () => new Error("The task has been cancelled"),
      ShutDown: () => new Error("Terminating worker thread")
    })
  }

  cancelPendingTasks(): void {
    for (const job of this.#jobs) if (job.state !== "sent") this.#engines.at(-1)!.cancel(job, () => {})
  }

  async recycleWorkers({ runtime = this.options.runtime }: { readonly runtime?: Runtime } = {}): Promise<void> {
    this.options.runtime = runtime
    const old = this.#engines.slice()
    this.#open()
    const ended = old.map((engine) => this.#end(engine, {}))
    // those that run a task leave when they have ended it
    if (old.every((engine) => engine.statistics().open === 0)) await Promise.all(ended)
  }

  async destroy(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => this.#end(engine, { pending: "cancel", running: "kill" })))
    this.emitDestroy()
  }

  async #end(engine: Engine, how: Parameters<Engine["shutdown"]>[0]): Promise<void> {
    await engine.shutdown(how)
    this.#engines.splice(this.#engines.indexOf(engine), 1)
  }

  #workers() {
    return this.#engines.flatMap((engine) => engine.statistics().workers)
  }
  get threads(): ReadonlyArray<{ readonly threadId: number; readonly ref: () => void }> {
    const live = this.#engines.flatMap((engine) => occupancy(engine.statistics()).workers)
    return live.map(({ nativeId }) => ({
      threadId: nativeId!,
      ref: () => {
        const held = setInterval(() => {}, 1000)
        this.once("error", () => clearInterval(held))
      }
    }))
  }
  get queueSize(): number {
    const waiting = this.#engines.map(
      (engine) => occupancy(engine.statistics(), this.options.concurrentTasksPerWorker).waiting
    )
    return waiting.reduce((sum, count) => sum + count, 0)
  }
}

export default Tinypool
export { isMovable, isTransferable, markMovable } from "./Movable.ts"
/** Of the worker that this is. */
export const workerId: number | undefined = state()?.workerId
