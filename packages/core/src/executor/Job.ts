/**
 * A task on its way through an engine: from `submit` to exactly one settlement.
 *
 *     suspended -> queued -> sent -> settled
 *                    ^         |
 *                    +---------+  taken back, or run again after a crash
 *
 * A job that is cancelled while it runs is settled at once, and `released` when its
 * worker is free of it: the two differ by as long as the task takes to obey.
 */
import type { ExecutorError } from "./ExecutorError.ts"
import { InvalidOption } from "./ExecutorError.ts"
import { notArray, notFunction } from "./OptionKind.ts"
import type { JobQueue, Queued } from "./JobQueue.ts"
import type { SubmitSite } from "./SubmitSite.ts"
import type { Slot } from "./Slot.ts"
import type { TaskEntry } from "./TaskEntry.ts"

/** How one task is to be run. */
export interface JobOptions {
  /** Higher ones begin earlier; default 0. */
  readonly priority?: number | undefined
  /** Tasks with the same key run on the same worker, as long as it lives. */
  readonly key?: string | undefined
  /** Milliseconds until `QueueTimeout`, from submission to the beginning. */
  readonly queueTimeoutMs?: number | undefined
  /** Milliseconds until `RunTimeout`, from the beginning. */
  readonly runTimeoutMs?: number | undefined
  /** May be run again if its worker dies: at least once instead of at most once. */
  readonly idempotent?: boolean | undefined
  /** Buffers and ports that are moved to the worker instead of copied. Processes copy. */
  readonly transfer?: ReadonlyArray<unknown> | undefined
  /** Milliseconds since the epoch; told to the task. */
  readonly deadline?: number | undefined
  readonly onProgress?: ((value: unknown) => void) | undefined
  readonly site?: SubmitSite | undefined
  /** What was found wrong with them as they were given. */
  readonly wrong?: InvalidOption | undefined
}

/** What of a job cannot be, if anything. */
export const invalid = (
  parameters: unknown,
  { wrong, priority = 0, queueTimeoutMs = 0, runTimeoutMs = 0, transfer, onProgress }: JobOptions
): InvalidOption | undefined => {
  if (wrong !== undefined) return wrong
  if (typeof priority !== "number" || Number.isNaN(priority))
    return new InvalidOption({ option: "priority", expected: "a number", got: priority })
  if (!(queueTimeoutMs >= 0))
    return new InvalidOption({ option: "timeout.queue", expected: "at least 0 ms", got: queueTimeoutMs })
  if (!(runTimeoutMs >= 0))
    return new InvalidOption({ option: "timeout.run", expected: "at least 0 ms", got: runTimeoutMs })
  return (
    notArray("the list of arguments", parameters) ??
    (transfer === undefined ? undefined : notArray("transfer", transfer)) ??
    notFunction("onProgress", onProgress)
  )
}

/** Takes the outcome. `value` beside an error: what the items of a chunk before the failed one gave. */
export type Settle = (error: ExecutorError | undefined, value: unknown, ms: number) => void

export class Job implements Queued {
  readonly kind: "run" | "chunk" | "stream"
  readonly task: TaskEntry
  readonly parameters: ReadonlyArray<unknown>
  readonly options: JobOptions
  readonly settle: Settle
  readonly priority: number
  readonly sequence: number
  queuedAt: number
  /** What a `WorkerSink` knows it by until its last event; 0 where there is none. */
  number = 0
  /** Tag of the reason it was settled with; empty before that and for a result. */
  failure = ""

  state: "suspended" | "queued" | "sent" | "settled" = "queued"
  attempt = 1
  /** Workers that died under it. */
  kills = 0
  /** Milliseconds that it is expected to run; `NaN` where nothing is known. */
  expectedMs: number
  slot: Slot<Job> | undefined
  position = 0
  /** How many jobs its worker had been given with it. */
  turn = 0
  sentAt = 0
  /** Called once when no worker has it any more. */
  released: Array<() => void> | undefined
  stopTimers: (() => void) | undefined
  onItem: ((value: unknown) => void) | undefined
  /** Values of a stream that came. */
  items = 0
  /** Tasks that it submitted itself. */
  children: Set<Job> | undefined
  parent: Job | undefined

  previous: Queued | undefined
  following: Queued | undefined
  queue: JobQueue<Job> | undefined

  constructor(
    kind: Job["kind"],
    task: TaskEntry,
    parameters: ReadonlyArray<unknown>,
    options: JobOptions,
    settle: Settle,
    sequence: number,
    queuedAt: number,
    expectedMs: number
  ) {
    this.kind = kind
    this.task = task
    this.parameters = parameters
    this.options = options
    this.settle = settle
    this.priority = options.priority ?? 0
    this.sequence = sequence
    this.queuedAt = queuedAt
    this.expectedMs = expectedMs
  }
}
