/**
 * The options of an executor as users give them, with their defaults. `D` is how a
 * duration is written: milliseconds, or with Effect also `"5 seconds"`.
 */
import type { ErrorRegistry } from "./ErrorCodec.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { check, checkOptions } from "./EngineOptions.ts"
import type { SubmitSite } from "./SubmitSite.ts"
import type { WorkerSink } from "../WorkerEvent.ts"
import type { JobOptions } from "./Job.ts"
import { checkTask } from "./TaskEntry.ts"

interface Address {
  readonly url: string
  readonly name: string
}

export interface ExecutorOptions<D = number> {
  /** Shown in messages, statistics and metrics. Default: the kind of the executor. */
  readonly name?: string
  /** Workers that are kept, even when idle. Default 0: the first tasks start them. */
  readonly minimum?: number
  /** Default: the number of CPUs; inline: 1. */
  readonly maximum?: number
  /** Workers kept ready to take the place of one that was killed. Default 0: one is started while a task is asked to end. */
  readonly spare?: number
  /** Tasks that run at once on a worker. Default 1; more only for tasks that wait for something. */
  readonly tasksPerWorker?: number
  /** How long a worker beyond `minimum` idles before it is stopped. Default 10 s. */
  readonly idleTimeToLive?: D
  /** How long a cancelled task has to end by itself before its worker is killed. Default 250 ms. */
  readonly grace?: D
  /** How long a worker may take to start. Default 30 s. */
  readonly bootTimeout?: D
  readonly queue?: {
    /** Tasks that may wait for a worker. Default: any number. */
    readonly capacity?: number
    /** What a task meets when the queue is full: it waits until there is room (`suspend`, the default), fails with `QueueFull`, or the one that waits longest fails with `Dropped`. */
    readonly policy?: "suspend" | "fail" | "drop"
    /** Time of waiting that raises a priority by one. Default 1 s. */
    readonly age?: D
  }
  /** When a worker is replaced; the new one is started first. Default: never. */
  readonly recycle?: {
    readonly tasks?: number
    /** Bytes of its heap, looked at after tasks, at most every 200 ms. */
    readonly heapBytes?: number
    readonly age?: D
  }
  /** Loaded and checked in each worker before it gets work. The executor does not start where one is missing. */
  readonly tasks?: ReadonlyArray<Address>
  /** Called in each worker before its first task; what it throws is `InitializationFailed`. */
  readonly setup?: Address
  /** Called in each worker that ends in peace. */
  readonly teardown?: Address
  /** Error classes that are to come back as themselves, by their name. */
  readonly errors?: ErrorRegistry
  /** Told what tasks and workers do, as it happens: `recorder.workers` of a `Recorder`. Must not throw. */
  readonly onEvent?: WorkerSink
}

export interface SubmitOptions<D = number> {
  /** Higher ones begin earlier. Default 0. */
  readonly priority?: number
  /** Tasks with the same key run on the same worker while it lives, for caches. */
  readonly key?: string
  /** `queue`: until it begins; `run`: from there. */
  readonly timeout?: { readonly queue?: D; readonly run?: D }
  /** May be run again if its worker dies: at least once instead of at most once; after three workers it is a `PoisonTask`. */
  readonly idempotent?: boolean
  /** Buffers and ports that are moved instead of copied. Processes copy. */
  readonly transfer?: ReadonlyArray<ArrayBuffer | object>
  readonly onProgress?: (value: unknown) => void
}

export interface ShutdownChoice<D = number> {
  /** Tasks that have not begun: `run` them, or `cancel` them with `ShutDown`. */
  readonly pending?: "run" | "cancel"
  /** Tasks that run: `wait` for them, `cancel` them (and kill after the grace period), or `kill` their workers. */
  readonly running?: "wait" | "cancel" | "kill"
  /** After that everything left is killed. */
  readonly deadline?: D
}

/** An option that is absent where its value is undefined. */
export const given = <K extends string, A>(key: K, value: A | undefined): { readonly [_ in K]?: A } =>
  (value === undefined ? {} : { [key]: value }) as never

const bare = (task: Address): Address => {
  checkTask(task)
  return { url: task.url, name: task.name }
}

/** With defaults, in milliseconds. Throws an `ExecutorError` with `InvalidOption`. */
export const engineOptions = <D>(
  // which threads and processes read themselves
  options: ExecutorOptions<D> & { readonly heapLimitBytes?: number },
  kind: string,
  maximum: number,
  toMs: (duration: D) => number
): EngineOptions => {
  const ms = (duration: D | undefined, otherwise: number) => (duration === undefined ? otherwise : toMs(duration))
  const { queue = {}, recycle = {} } = options
  const complete: EngineOptions = {
    name: options.name ?? kind,
    minimum: options.minimum ?? 0,
    maximum: options.maximum ?? Math.max(maximum, options.minimum ?? 0),
    spare: options.spare ?? 0,
    tasksPerWorker: options.tasksPerWorker ?? 1,
    idleTimeToLiveMs: ms(options.idleTimeToLive, 10_000),
    graceMs: ms(options.grace, 250),
    bootTimeoutMs: ms(options.bootTimeout, 30_000),
    queue: {
      capacity: queue.capacity ?? Infinity,
      policy: queue.policy ?? "suspend",
      ageMs: ms(queue.age, 1000)
    },
    recycle: {
      tasks: recycle.tasks ?? Infinity,
      heapBytes: recycle.heapBytes ?? Infinity,
      ageMs: ms(recycle.age, Infinity)
    },
    tasks: (options.tasks ?? []).map(bare),
    setup: options.setup && bare(options.setup),
    teardown: options.teardown && bare(options.teardown),
    errors: options.errors ?? {},
    onEvent: options.onEvent
  }
  checkOptions(complete)
  check("heapLimitBytes", options.heapLimitBytes ?? Infinity, 2 ** 20, false)
  return complete
}

export const jobOptions = <D>(
  options: SubmitOptions<D>,
  toMs: (duration: D) => number,
  site: SubmitSite,
  deadline = Infinity
): JobOptions => {
  const { priority, key, timeout, idempotent, transfer, onProgress } = options
  return {
    site,
    ...given("priority", priority),
    ...given("key", key),
    ...given("idempotent", idempotent),
    ...given("transfer", transfer),
    ...given("onProgress", onProgress),
    ...given("queueTimeoutMs", timeout?.queue === undefined ? undefined : toMs(timeout.queue)),
    ...given("runTimeoutMs", timeout?.run === undefined ? undefined : toMs(timeout.run)),
    ...given("deadline", deadline === Infinity ? undefined : deadline)
  }
}
