/**
 * The options of an executor as users give them, with their defaults. `D` is how a
 * duration is written: milliseconds, or with Effect also `"5 seconds"`. From JavaScript
 * `null`, too, is not given, and `transfer` may be any iterable but a string.
 */
import type { ErrorRegistry } from "./ErrorCodec.ts"
import type { EngineOptions } from "./EngineOptions.ts"
import { check, checkChoice, checkOptions } from "./EngineOptions.ts"
import { ExecutorError } from "./ExecutorError.ts"
import type { SubmitSite } from "./SubmitSite.ts"
import type { WorkerSink } from "../WorkerEvent.ts"
import type { JobOptions } from "./Job.ts"
import { notArray, notFunction } from "./OptionKind.ts"
import { type OptionNames, unknownOption } from "./OptionNames.ts"
import { checkTask } from "./TaskEntry.ts"

interface Address {
  readonly url: string
  readonly name: string
}

export interface ExecutorOptions<D = number> {
  /** Shown in messages, statistics and metrics. Default: the kind of the executor. */
  readonly name?: string | undefined
  /** Workers that are kept, even when idle. Default 0: the first tasks start them. */
  readonly minimum?: number | undefined
  /** Default: the number of CPUs; inline: 1. */
  readonly maximum?: number | undefined
  /** Workers kept ready to take the place of one that was killed. Default 0: one is started while a task is asked to end. */
  readonly spare?: number | undefined
  /** Tasks that run at once on a worker. Default 1; more only for tasks that wait for something. */
  readonly tasksPerWorker?: number | undefined
  /** How long a worker beyond `minimum` idles before it is stopped. Default 10 s. */
  readonly idleTimeToLive?: D | undefined
  /** How long a cancelled task has to end by itself before its worker is killed. Default 250 ms. */
  readonly grace?: D | undefined
  /** How long a worker may take to start. Default 30 s. */
  readonly bootTimeout?: D | undefined
  readonly queue?:
    | {
        /** Tasks that may wait for a worker. Default: any number. */
        readonly capacity?: number | undefined
        /**
         * What a task meets when the queue is full: it waits until there is room (`suspend`, the default), fails with
         * `QueueFull`, or the one that waits longest fails with `Dropped`.
         */
        readonly policy?: "suspend" | "fail" | "drop" | undefined
        /** Time of waiting that raises a priority by one. Default 1 s. */
        readonly age?: D | undefined
      }
    | undefined
  /** When a worker is replaced; the new one is started first. Default: never. */
  readonly recycle?:
    | {
        readonly tasks?: number | undefined
        /** Bytes of its heap, looked at after tasks, at most every 200 ms. */
        readonly heapBytes?: number | undefined
        readonly age?: D | undefined
      }
    | undefined
  /** Loaded and checked in each worker before it gets work. The executor does not start where one is missing. */
  readonly tasks?: ReadonlyArray<Address> | undefined
  /**
   * Called in each worker before its first task; what it throws is `InitializationFailed`. It has no arguments: what differs
   * from pool to pool it finds in `env`.
   */
  readonly setup?: Address | undefined
  /** Called in each worker that ends in peace. */
  readonly teardown?: Address | undefined
  /** Error classes that are to come back as themselves, by their name. */
  readonly errors?: ErrorRegistry | undefined
  /** Told what tasks and workers do, as it happens: `recorder.workers` of a `Recorder`. Must not throw. */
  readonly onEvent?: WorkerSink | undefined
}

export interface SubmitOptions<D = number> {
  /** Higher ones begin earlier. Default 0. */
  readonly priority?: number | undefined
  /** Tasks with the same key run on the same worker while it lives, for caches. Each key is kept as long: some 80 bytes. */
  readonly key?: string | undefined
  /**
   * `queue`: until it begins; `run`: from there, with the loading of its module where the worker has not had it yet: those of
   * the executor's `tasks` are loaded before.
   */
  readonly timeout?: { readonly queue?: D | undefined; readonly run?: D | undefined } | undefined
  /** May be run again if its worker dies: at least once instead of at most once; after three workers it is a `PoisonTask`. */
  readonly idempotent?: boolean | undefined
  /** Buffers and ports that are moved instead of copied. Processes copy. */
  readonly transfer?: ReadonlyArray<ArrayBuffer | object> | undefined
  readonly onProgress?: ((value: unknown) => void) | undefined
}

export interface ShutdownChoice<D = number> {
  /** Tasks that have not begun: `run` them, or `cancel` them with `ShutDown`; not those that a running task waits for. */
  readonly pending?: "run" | "cancel" | undefined
  /**
   * Tasks that run: `wait` for them, `cancel` them (and kill after the grace period), or `kill` their workers: then
   * nothing that waits is run either, whatever `pending` says.
   */
  readonly running?: "wait" | "cancel" | "kill" | undefined
  /** After that everything left is killed. */
  readonly deadline?: D | undefined
}

/** What threads and processes have of their own and read themselves; the others pass over it, so one object does for all. */
interface OwnOptions {
  readonly env?: unknown
  readonly cwd?: unknown
  readonly execArgv?: unknown
  readonly permission?: unknown
  readonly heapLimitBytes?: number
}

const executorNames: OptionNames<ExecutorOptions & OwnOptions> = {
  name: true,
  minimum: true,
  maximum: true,
  spare: true,
  tasksPerWorker: true,
  idleTimeToLive: true,
  grace: true,
  bootTimeout: true,
  queue: true,
  recycle: true,
  tasks: true,
  setup: true,
  teardown: true,
  errors: true,
  onEvent: true,
  heapLimitBytes: true,
  env: true,
  execArgv: true,
  cwd: true,
  permission: true
}
const queueNames: OptionNames<NonNullable<ExecutorOptions["queue"]>> = { capacity: true, policy: true, age: true }
const recycleNames: OptionNames<NonNullable<ExecutorOptions["recycle"]>> = { tasks: true, heapBytes: true, age: true }
/** Promises and Effect have one more each. */
export const submitNames: OptionNames<SubmitOptions> = {
  priority: true,
  key: true,
  timeout: true,
  idempotent: true,
  transfer: true,
  onProgress: true
}
const timeoutNames: OptionNames<NonNullable<SubmitOptions["timeout"]>> = { queue: true, run: true }
const shutdownNames: OptionNames<ShutdownChoice> = { pending: true, running: true, deadline: true }

const bare = (task: Address, option: string): Address => {
  checkTask(task, option)
  return { url: task.url, name: task.name }
}

/** With defaults, in milliseconds. Throws an `ExecutorError` with `InvalidOption`. */
export const engineOptions = <D>(
  given: (ExecutorOptions<D> & OwnOptions) | undefined,
  kind: string,
  maximum: number,
  toMs: (duration: D) => number
): EngineOptions => {
  const ms = (duration: D | undefined, otherwise: number) => (duration == null ? otherwise : toMs(duration))
  const options = given ?? {}
  const queue = options.queue ?? {}
  const recycle = options.recycle ?? {}
  const tasks = options.tasks ?? []
  const unknown =
    unknownOption(options, executorNames) ??
    unknownOption(queue, queueNames, "queue") ??
    unknownOption(recycle, recycleNames, "recycle") ??
    notArray("tasks", tasks) ??
    notArray("execArgv", options.execArgv ?? []) ??
    notFunction("onEvent", options.onEvent)
  if (unknown !== undefined) throw new ExecutorError(unknown, "executor")
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
    tasks: tasks.map((task, index) => bare(task, `tasks[${index}]`)),
    setup: options.setup ? bare(options.setup, "setup") : undefined,
    teardown: options.teardown ? bare(options.teardown, "teardown") : undefined,
    errors: options.errors ?? {},
    onEvent: options.onEvent ?? undefined
  }
  checkOptions(complete)
  check("heapLimitBytes", options.heapLimitBytes ?? Infinity, 2 ** 20, false)
  return complete
}

/** With defaults. Throws an `ExecutorError` with `InvalidOption`. */
export const checkedShutdown = (choice: ShutdownChoice | undefined) => {
  const unknown = unknownOption(choice, shutdownNames)
  if (unknown !== undefined) throw new ExecutorError(unknown, "executor")
  const pending = choice?.pending ?? "run"
  const running = choice?.running ?? "wait"
  const deadline = choice?.deadline ?? undefined
  checkChoice("pending", pending, ["run", "cancel"])
  checkChoice("running", running, ["wait", "cancel", "kill"])
  check("deadline", deadline ?? 0, 0, false)
  return { pending, running, deadline }
}

/** An array of what is to be moved, from any iterable; what is none or a string stays what it is, to be refused. */
const listed = (transfer: ReadonlyArray<unknown>): ReadonlyArray<unknown> =>
  typeof transfer !== "string" && Symbol.iterator in Object(transfer) ? [...transfer] : transfer

/** With times in milliseconds. `names`: all that the options may have. */
export const jobOptions = <D>(
  options: SubmitOptions<D> | undefined,
  names: OptionNames<SubmitOptions>,
  toMs: (duration: D) => number,
  site: SubmitSite,
  deadline = Infinity
): JobOptions => {
  const { priority, key, timeout, idempotent, transfer, onProgress } = options ?? {}
  return {
    site,
    wrong: unknownOption(options, names) ?? unknownOption(timeout, timeoutNames, "timeout"),
    priority: priority ?? undefined,
    key: key ?? undefined,
    idempotent,
    transfer: transfer == null ? undefined : listed(transfer),
    onProgress: onProgress ?? undefined,
    queueTimeoutMs: timeout?.queue == null ? undefined : toMs(timeout.queue),
    runTimeoutMs: timeout?.run == null ? undefined : toMs(timeout.run),
    deadline: deadline === Infinity ? undefined : deadline
  }
}
