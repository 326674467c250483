/**
 * The executor for programs without Effect: promises, async iterables, AbortSignals.
 * The same engine and the same guarantees; nothing of Effect is loaded.
 *
 *     await using pool = await Pool.threads()
 *     const value = await pool.run(tasks.fibonacci, [30])
 *     for await (const page of pool.map(files, tasks.parse)) …
 */
import { availableParallelism } from "node:os"
import { Engine } from "../executor/Engine.ts"
import { Cancelled, ExecutorError, InvalidOption, TaskFailed } from "../executor/ExecutorError.ts"
import type { ExecutorOptions, ShutdownChoice, SubmitOptions } from "../executor/ExecutorOptions.ts"
import { engineOptions, jobOptions, submitNames } from "../executor/ExecutorOptions.ts"
import { inlineSpawn } from "../executor/InlineWorker.ts"
import type { Chunk, MapOptions } from "../executor/MapRun.ts"
import { mapNames, MapRun } from "../executor/MapRun.ts"
import type { OptionNames } from "../executor/OptionNames.ts"
import type { SubmitSite } from "../executor/SubmitSite.ts"
import { submitSite } from "../executor/SubmitSite.ts"
import type { ExecutorStatistics } from "../executor/Statistics.ts"
import type { Spawn } from "../executor/WorkerHandle.ts"
import type { StreamTask, Task } from "../Task.ts"
import type { ProcessOptions } from "./ProcessWorker.ts"
import { processSpawn } from "./ProcessWorker.ts"
import type { ThreadOptions } from "./ThreadWorker.ts"
import { threadSpawn } from "./ThreadWorker.ts"

export * as Task from "../Task.ts"
export * from "../executor/ExecutorError.ts"

/** Times are milliseconds. */
export interface RunOptions extends SubmitOptions {
  /** Cancels the task; the promise is rejected with the signal's reason when no worker has it any more. */
  readonly signal?: AbortSignal | undefined
}
/**
 * Of a `map`. `signal` ends it: the results reject with its reason when no worker has a chunk any more and the source has
 * been returned; one that is being pulled is not waited for.
 */
export interface PoolMapOptions extends MapOptions {
  readonly signal?: AbortSignal | undefined
}

const runNames: OptionNames<RunOptions> = { ...submitNames, signal: true }
const poolMapNames: OptionNames<PoolMapOptions> = { ...mapNames, signal: true }

/** Results as they come; read by `for await`, or all at once. */
export interface Results<A> extends AsyncIterable<A> {
  readonly toArray: () => Promise<Array<A>>
}

/** Throws an `ExecutorError` with `InvalidOption` where something else is given, such as the controller. */
const signalOf = (options: { readonly signal?: AbortSignal | undefined } | undefined, call: string) => {
  const signal = options?.signal ?? undefined
  if (signal !== undefined && typeof signal.addEventListener !== "function")
    throw new ExecutorError(new InvalidOption({ option: "signal", expected: "an AbortSignal", got: signal }), call)
  return signal
}

/** Calls once when a signal aborts. What it gives takes that back. */
const onAbort = (signal: AbortSignal, call: () => void): (() => void) => {
  signal.addEventListener("abort", call, { once: true })
  return () => signal.removeEventListener("abort", call)
}

const toMs = (ms: number): number => ms

/** What the task threw, if that is the reason; else the error itself. */
const thrown = (error: unknown): unknown =>
  error instanceof ExecutorError && error.reason instanceof TaskFailed ? error.reason.error : error

/** Places that a list of results is given before there are any; a longer list would begin as a dictionary. */
const mostPlaces = 2 ** 24

/**
 * Workers that run tasks, as promises. Made by `Pool.threads`, `Pool.processes` or `Pool.inline`. What fails rejects
 * with an `ExecutorError`, what is aborted with the reason of its signal.
 */
export class Pool implements AsyncDisposable {
  /** One that nobody can reach any more is shut down: what it was given holds it until it is settled. */
  static readonly #forgotten = new FinalizationRegistry<Engine>((engine) => void engine.shutdown())
  readonly #engine: Engine

  private constructor(engine: Engine) {
    // where no types tell, as other pools are made
    if (!(engine instanceof Engine)) {
      const expected = "made by `Pool.threads`, `Pool.processes` or `Pool.inline`"
      throw new ExecutorError(new InvalidOption({ option: "a pool", expected, got: engine }), "executor")
    }
    this.#engine = engine
    Pool.#forgotten.register(this, engine)
  }

  /** A pool of threads. Rejects if an option is wrong, or the first worker cannot start. */
  static threads(options?: ExecutorOptions & ThreadOptions): Promise<Pool> {
    return Pool.#open(threadSpawn(options?.name ?? "thread", options), options, "thread", availableParallelism())
  }
  /** A pool of processes. */
  static processes(options?: ExecutorOptions & ProcessOptions): Promise<Pool> {
    return Pool.#open(processSpawn(options?.name ?? "process", options), options, "process", availableParallelism())
  }
  /** Runs tasks in this thread; for tests. */
  static inline(options?: ExecutorOptions): Promise<Pool> {
    return Pool.#open(inlineSpawn, options, "inline", 1)
  }

  static async #open(spawn: Spawn, options: ExecutorOptions | undefined, kind: string, maximum: number): Promise<Pool> {
    const engine = new Engine(spawn, engineOptions(options, kind, maximum, toMs))
    try {
      await engine.start()
    } catch (error) {
      await engine.shutdown({ running: "kill", pending: "cancel" })
      throw error
    }
    return new Pool(engine)
  }

  /** Runs a task. Rejects with what the task threw, or with an `ExecutorError` whose `reason` says why there is no result. */
  run<Parameters extends ReadonlyArray<unknown>, A>(
    task: Task<Parameters, A>,
    parameters: Parameters,
    options?: RunOptions
  ): Promise<A> {
    const site = submitSite()
    return new Promise((resolve, reject) => {
      const signal = signalOf(options, "run")
      if (signal?.aborted === true) return reject(signal.reason)
      let stop: (() => void) | undefined
      const job = this.#engine.submit(
        "run",
        this.#engine.entry(task),
        parameters,
        jobOptions(options, runNames, toMs, site),
        (error, value) => {
          if (signal?.aborted === true && error?.reason instanceof Cancelled) return
          stop?.()
          if (error === undefined) resolve(value as A)
          else reject(thrown(error))
        }
      )
      // one that is settled by now listens to nothing
      if (job.state !== "settled" && signal !== undefined)
        stop = onAbort(signal, () => this.#engine.cancel(job, () => reject(signal.reason)))
    })
  }

  /** Runs a generator; it is at most 32 values ahead of the reader, and is returned when the loop is left. */
  stream<Parameters extends ReadonlyArray<unknown>, A>(
    task: StreamTask<Parameters, A>,
    parameters: Parameters,
    options?: RunOptions
  ): AsyncIterable<A> {
    const site = submitSite()
    return { [Symbol.asyncIterator]: () => this.#stream<A>(task as never, parameters, options, site) }
  }

  /** Runs a task for each item, in chunks, pulled by demand; results in the order of the source. */
  map<A, B>(source: Iterable<A> | AsyncIterable<A>, task: Task<readonly [A], B>, options?: PoolMapOptions): Results<B> {
    return this.#results(source, task, true, options, submitSite(), ({ values }) => values)
  }

  /** The same in order of completion, each result with the index of its item. */
  mapUnordered<A, B>(
    source: Iterable<A> | AsyncIterable<A>,
    task: Task<readonly [A], B>,
    options?: PoolMapOptions
  ): Results<readonly [index: number, value: B]> {
    return this.#results(source, task, false, options, submitSite(), ({ first, values }) =>
      values.map((value, index) => [first + index, value] as const)
    )
  }

  /** Resolves when `workers` (at most `maximum`) are ready. */
  warm(workers: number): Promise<void> {
    return this.#engine.warm(workers)
  }
  /** Resolves when no task is left. */
  drain(): Promise<void> {
    return this.#engine.drain()
  }
  /** Ends the pool; by default everything submitted is still run. Resolves when no worker is left. */
  shutdown(options?: ShutdownChoice): Promise<void> {
    return this.#engine.shutdown(options)
  }
  statistics(): ExecutorStatistics {
    return this.#engine.statistics()
  }
  /** Waits for everything submitted, as `shutdown()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown()
  }

  async *#stream<A>(
    task: Task<any, A>,
    parameters: ReadonlyArray<unknown>,
    options: RunOptions | undefined,
    site: SubmitSite
  ): AsyncGenerator<A> {
    const signal = signalOf(options, "stream")
    signal?.throwIfAborted()
    const values: Array<A> = []
    let outcome: { readonly error: ExecutorError | undefined } | undefined
    let wake: (() => void) | undefined
    const job = this.#engine.submit(
      "stream",
      this.#engine.entry(task),
      parameters,
      jobOptions(options, runNames, toMs, site),
      (error) => {
        outcome = { error }
        wake?.()
      },
      {
        onItem: (value) => {
          values.push(value as A)
          wake?.()
        }
      }
    )
    const stop = signal && onAbort(signal, () => this.#engine.cancel(job, () => {}))
    try {
      for (;;) {
        if (values.length > 0) {
          const batch = values.splice(0)
          for (const value of batch) yield value
          this.#engine.credit(job, batch.length)
        } else if (outcome !== undefined) {
          signal?.throwIfAborted()
          if (outcome.error !== undefined) throw thrown(outcome.error)
          return
        } else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      stop?.()
      await new Promise<void>((done) => this.#engine.cancel(job, done))
    }
  }

  #results<A, B, C>(
    source: Iterable<A> | AsyncIterable<A>,
    task: Task<any, B>,
    ordered: boolean,
    options: PoolMapOptions | undefined,
    site: SubmitSite,
    arrange: (chunk: Chunk<B>) => ReadonlyArray<C>
  ): Results<C> {
    const open = () => {
      const signal = signalOf(options, "map")
      signal?.throwIfAborted()
      const run = new MapRun<B>(this.#engine, source, task, ordered, options, poolMapNames, site)
      let aborted = false
      // no promise of its own for readers to race with: it would keep something of each chunk until it is settled
      const stop =
        signal &&
        onAbort(signal, () => {
          aborted = true
          run.close().catch(() => {})
        })
      const next = async (): Promise<ReadonlyArray<C> | undefined> => {
        let chunk: Chunk<B> | undefined
        try {
          chunk = await run.next()
          // a map that was closed by its signal has not come to its end
          if (chunk === undefined && aborted) throw signal!.reason
          return chunk && arrange(chunk)
        } catch (error) {
          // a source that fails as it is returned fails nobody: the reason is the signal's
          throw aborted ? signal!.reason : thrown(error)
        } finally {
          if (chunk === undefined) stop?.()
        }
      }
      const close = async () => {
        stop?.()
        await run.close()
      }
      return { next, close }
    }
    return {
      [Symbol.asyncIterator]: () => {
        const { next, close } = open()
        let values: ReadonlyArray<C> = []
        let at = 0
        /** Calls that wait, each for the one before. */
        let waiting = 0
        let last: Promise<unknown> = Promise.resolve()
        const advance = async (): Promise<IteratorResult<C>> => {
          if (at === values.length) {
            values = (await next()) ?? []
            at = 0
          }
          return at < values.length ? { done: false, value: values[at++]! } : { done: true, value: undefined }
        }
        const wait = () => {
          waiting++
          const result = last.then(advance, advance).finally(() => waiting--)
          last = result
          return result
        }
        return {
          // a value that is here costs no turn of an async function
          next: () =>
            at < values.length && waiting === 0 ? Promise.resolve({ done: false, value: values[at++]! }) : wait(),
          return: async () => {
            values = []
            at = 0
            await close()
            return { done: true, value: undefined }
          }
        }
      },
      toArray: async () => {
        const { next } = open()
        // results go to their place as they come: kept as chunks until the end, the collector would move each twice
        const results: Array<C> = []
        if (Array.isArray(source)) results.length = Math.min(source.length, mostPlaces)
        let count = 0
        for (let chunk; (chunk = await next()) !== undefined;) for (const value of chunk) results[count++] = value
        results.length = count
        return results
      }
    }
  }
}
