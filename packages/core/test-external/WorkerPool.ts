/**
 * Our engine in the shape of workerpool 10, so that workerpool's own tests can judge it.
 *
 * Its promises, which can be cancelled and timed, are its own: they come from the
 * checkout. What the engine decides is left as it is; `WorkerPoolDifferences.ts`
 * lists what follows from that.
 */
import { createRequire } from "node:module"
import { availableParallelism } from "node:os"
import { join } from "node:path"
import { Engine } from "../src/executor/Engine.ts"
import { ExecutorError } from "../src/executor/ExecutorError.ts"
import { engineOptions } from "../src/executor/ExecutorOptions.ts"
import type { Job } from "../src/executor/Job.ts"
import type { Spawn, WorkerHandle } from "../src/executor/WorkerHandle.ts"
import { processSpawn } from "../src/node/ProcessWorker.ts"
import { threadSpawn } from "../src/node/ThreadWorker.ts"
import { occupancy } from "./Occupancy.ts"

const { Promise: Cancellable } = createRequire(join(process.env["SIMUL_PEER_DIRECTORY"]!, "src/"))("./Promise.js")

interface ExecOptions {
  readonly on?: (payload: unknown) => void
  readonly transfer?: ReadonlyArray<object>
}

const address = (name: string) => ({ url: new URL("./workerpool.task.ts", import.meta.url).href, name })

class Pool {
  readonly script: string | null
  readonly minWorkers: number | undefined
  readonly maxWorkers: number
  readonly taskQueue = new (class FIFOQueue {
    size: () => number = () => 0
  })()
  readonly #engine: Engine
  readonly #handles = new Map<number, WorkerHandle>()
  readonly #options: any
  readonly #process: boolean

  constructor(script?: any, given?: any) {
    const options = (typeof script === "string" ? given : script) ?? {}
    this.script = typeof script === "string" ? script : null
    const maximum = options.maxWorkers ?? Math.max(1, availableParallelism() - 1)
    this.minWorkers = options.minWorkers === "max" ? maximum : options.minWorkers
    this.maxWorkers = Math.max(maximum, this.minWorkers ?? 0)
    this.#options = options
    this.#process = options.workerType === "process"
    this.#engine = new Engine(
      this.#spawn,
      engineOptions(
        {
          minimum: this.minWorkers ?? 0,
          maximum: this.maxWorkers,
          idleTimeToLive: Infinity,
          grace: options.workerTerminateTimeout ?? 1000,
          queue: { capacity: options.maxQueueSize ?? Infinity, policy: "fail" },
          teardown: address("end")
        },
        "workerpool",
        this.maxWorkers,
        (ms) => ms
      )
    )
    this.taskQueue.size = () => occupancy(this.#engine.statistics()).waiting
    if (this.minWorkers !== undefined) this.#engine.start().catch(() => {})
  }

  readonly #spawn: Spawn = (id, settings, events) => {
    const { script } = this
    const { forkOpts = {}, workerThreadOpts = {}, onCreateWorker, onTerminateWorker } = this.#options
    const given = { forkOpts, workerThreadOpts, script }
    const chosen = { ...given, ...onCreateWorker?.(given) }
    const spawn = this.#process
      ? processSpawn("workerpool", chosen.forkOpts)
      : threadSpawn("workerpool", chosen.workerThreadOpts)
    const handle = spawn(id, settings, {
      reply: events.reply,
      exit: (death) => {
        this.#handles.delete(id)
        const told = events.exit(death)
        onTerminateWorker?.(chosen)
        return told
      }
    })
    this.#handles.set(id, handle)
    return handle
  }

  exec(method: any, parameters?: any, options: ExecOptions = {}): any {
    if (parameters && !Array.isArray(parameters)) throw new TypeError('Array expected as argument "params"')
    if (typeof method === "function") return this.exec("run", [String(method), parameters], options)
    if (typeof method !== "string") throw new TypeError('Function or string expected as argument "method"')
    const resolver = Cancellable.defer()
    const timeout: { runTimeoutMs?: number } = {}
    let full: Error | undefined
    const job: Job = this.#engine.submit(
      "run",
      this.#engine.entry(address("call")),
      [this.script, method, parameters],
      Object.assign(
        timeout,
        options.on && { onProgress: options.on },
        options.transfer && { transfer: options.transfer }
      ),
      (error, value) => {
        if (error?.reason._tag === "QueueFull") full = error
        // its promises tell at once, before the worker is free; one that was cancelled has told
        else if (error === undefined) queueMicrotask(() => resolver.resolve(value))
        else if (error.reason._tag !== "Cancelled") queueMicrotask(() => resolver.reject(this.#translated(error)))
      }
    )
    if (full !== undefined) throw full
    const { promise } = resolver
    const startNow = promise.timeout
    // runs from the beginning of the task
    promise.timeout = (ms: number) => {
      if (job.state !== "queued") return startNow.call(promise, ms)
      timeout.runTimeoutMs = ms
      return promise
    }
    promise.catch((error: unknown) => {
      if (error instanceof Cancellable.CancellationError || error instanceof Cancellable.TimeoutError)
        this.#engine.cancel(job, () => {})
    })
    return promise
  }

  #translated({ reason }: ExecutorError): unknown {
    switch (reason._tag) {
      case "TaskFailed":
        return reason.error
      case "RunTimeout":
        return new Cancellable.TimeoutError(`Promise timed out after ${reason.ms} ms`)
      case "WorkerCrashed":
        return new Error(
          `Workerpool Worker terminated Unexpectedly\n    exitCode: \`${reason.exitCode}\`\n` +
            `    signalCode: \`${reason.signal}\`\n    workerpool.script: \`${this.script ?? "worker.js"}\`\n`
        )
      case "ShutDown":
        return new Error("Pool terminated")
      case "InitializationFailed":
        return reason.error
      default:
        return new ExecutorError(reason, "exec")
    }
  }

  async proxy(): Promise<any> {
    const methods: ReadonlyArray<string> = await this.exec("methods")
    return Object.fromEntries(
      methods.map((method) => [method, (...parameters: Array<unknown>) => this.exec(method, parameters)])
    )
  }

  terminate(force = false, timeout?: number): any {
    const ended = this.#engine.shutdown({
      pending: "cancel",
      running: force ? "kill" : "wait",
      ...(timeout !== undefined && { deadlineMs: timeout })
    })
    return new Cancellable((resolve: () => void, reject: () => void) => void ended.then(resolve, reject))
  }

  stats() {
    const { workers, busy, idle, waiting } = occupancy(this.#engine.statistics())
    return {
      totalWorkers: workers.length,
      busyWorkers: busy,
      idleWorkers: idle,
      pendingTasks: waiting,
      activeTasks: busy
    }
  }

  get workers() {
    return occupancy(this.#engine.statistics()).workers.map(({ id, nativeId }) => ({
      worker: {
        isChildProcess: this.#process,
        isWorkerThread: !this.#process,
        pid: nativeId,
        kill: () => this.#handles.get(id)?.kill()
      }
    }))
  }
}

export { Pool as "module.exports" }
