/** How an engine is set up. All sizes are checked; what is wrong is an `InvalidOption`. */
import type { TaskAddress } from "./Protocol.ts"
import type { ErrorRegistry } from "./ErrorCodec.ts"
import { ExecutorError, InvalidOption } from "./ExecutorError.ts"
import type { WorkerSink } from "../WorkerEvent.ts"

export interface EngineOptions {
  /** Shown in messages and metrics. */
  readonly name: string
  /** Workers that are kept, even when idle. */
  readonly minimum: number
  readonly maximum: number
  /** Workers kept ready beside the others, to take the place of one that was killed. */
  readonly spare: number
  /** Tasks that run at once on a worker: above 1 only for tasks that wait. */
  readonly tasksPerWorker: number
  /** Milliseconds that a worker beyond `minimum` idles before it is stopped. */
  readonly idleTimeToLiveMs: number
  /** Milliseconds that a cancelled task has to end by itself before its worker is killed. */
  readonly graceMs: number
  /** Milliseconds that a worker has to start, its modules and `setup` included. */
  readonly bootTimeoutMs: number
  readonly queue: {
    /** Tasks that may wait for a worker. */
    readonly capacity: number
    /**
     * What a task meets when the queue is full: it waits before it (`suspend`), fails, or the one that waits longest is
     * dropped.
     */
    readonly policy: "suspend" | "fail" | "drop"
    /** Milliseconds of waiting that raise a priority by one. */
    readonly ageMs: number
  }
  /** When a worker is replaced by a new one, which is started first. */
  readonly recycle: {
    /** After that many tasks. */
    readonly tasks: number
    /** When its heap is that large after a task, in bytes. */
    readonly heapBytes: number
    readonly ageMs: number
  }
  /** Loaded and checked before a worker is ready; the executor does not start without them. */
  readonly tasks: ReadonlyArray<TaskAddress>
  /** Called in each worker before its first task. */
  readonly setup: TaskAddress | undefined
  /** Called in each worker that is stopped in peace. */
  readonly teardown: TaskAddress | undefined
  /** Error classes that are brought back as themselves, by name. */
  readonly errors: ErrorRegistry
  /** Told what tasks and workers do. */
  readonly onEvent: WorkerSink | undefined
}

/** Throws where an option of a size is none. */
export const check = (option: string, value: number, least: number, whole: boolean, most = Infinity): void => {
  if (
    typeof value === "number" &&
    value >= least &&
    value <= most &&
    (!whole || value === Infinity || Number.isInteger(value))
  )
    return
  const kind = whole ? "a whole number" : "a number"
  const bound = most === Infinity ? `${kind} of at least ${least}` : `${kind} from ${least} to ${most}`
  throw new ExecutorError(new InvalidOption({ option, expected: bound, got: value }), "executor")
}

/** Throws where an option is none of its choices. */
export const checkChoice = (option: string, value: unknown, choices: ReadonlyArray<unknown>): void => {
  if (!choices.includes(value))
    throw new ExecutorError(
      new InvalidOption({ option, expected: `one of ${choices.join(", ")}`, got: value }),
      "executor"
    )
}

/** Throws an `ExecutorError` that names the option, what it may be and what it is. */
export const checkOptions = (options: EngineOptions): void => {
  check("maximum", options.maximum, 1, true, 1024)
  check("minimum", options.minimum, 0, true, options.maximum)
  check("spare", options.spare, 0, true, 1024)
  check("tasksPerWorker", options.tasksPerWorker, 1, true, 64)
  check("idleTimeToLive", options.idleTimeToLiveMs, 0, false)
  check("grace", options.graceMs, 0, false)
  check("bootTimeout", options.bootTimeoutMs, 1, false)
  check("queue.capacity", options.queue.capacity, 0, true)
  check("queue.age", options.queue.ageMs, 1, false)
  check("recycle.tasks", options.recycle.tasks, 1, true)
  check("recycle.heapBytes", options.recycle.heapBytes, 1, false)
  check("recycle.age", options.recycle.ageMs, 1, false)
  checkChoice("queue.policy", options.queue.policy, ["suspend", "fail", "drop"])
}
