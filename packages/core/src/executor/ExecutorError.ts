/**
 * Why a task gave no result: one error with a tagged reason that carries the data.
 *
 * The classes are plain (`_tag` is all that `Effect.catchTag` and
 * `Effect.catchReason` ask for): a program that uses the Promise façade loads no
 * Effect, which takes nine tenths of a short program's start-up.
 */
import type { CapturedVariable } from "./CapturedVariables.ts"
import { described } from "./Described.ts"
import { framesOf, type SubmitSite } from "./SubmitSite.ts"

const lastLines = (text: string) => {
  const tail = text.trimEnd()
  return tail === "" ? "" : `; last on stderr:\n${tail}`
}
const describe = (error: unknown) => {
  try {
    if (error instanceof Error) return `${error.name}: ${error.message}`
  } catch {
    // anything can be thrown, also what throws when it is read
  }
  return described(error)
}

/** A class of reasons: its tag, and its data as it is given. What its message says is its own. */
const Tagged = <const Tag extends string>(tag: Tag) =>
  class {
    readonly _tag = tag
    constructor(data: object) {
      Object.assign(this, data)
    }
  } as unknown as new <Data extends object>(data: Data) => { readonly _tag: Tag } & Data

/** The task threw, or its promise was rejected. `error` is what it threw, brought back with class, properties and causes. */
export class TaskFailed extends Tagged("TaskFailed")<{ readonly error: unknown }> {
  get message(): string {
    return `threw ${describe(this.error)}`
  }
}

/**
 * The worker died while it ran the task. `stderr`: the last of what it wrote there; `error`: what it threw outside the
 * task, if that was it.
 */
// a union: a switch over reasons has to tell them apart
export class WorkerCrashed extends Tagged<"WorkerCrashed" | "OutOfMemory">("WorkerCrashed")<
  Omit<Death, "outOfMemory"> & { readonly worker: number }
> {
  get message(): string {
    const how =
      this.error !== undefined
        ? `by ${describe(this.error)}`
        : this.signal === undefined
          ? `with exit code ${this.exitCode}`
          : `by ${this.signal}`
    return `its worker ${this.worker} died ${how}${lastLines(this.stderr)}`
  }
}

/** The worker reached its limit of memory while it ran the task. */
export class OutOfMemory extends WorkerCrashed {
  override readonly _tag = "OutOfMemory"
  override get message(): string {
    return `its worker ${this.worker} ran out of memory${lastLines(this.stderr)}`
  }
}

/** The task was given several workers, because it is idempotent, and killed them all. */
export class PoisonTask extends Tagged("PoisonTask")<{ readonly attempts: number; readonly last: WorkerCrashed }> {
  get message(): string {
    return `killed ${this.attempts} workers; the last time ${this.last.message}`
  }
}

/** Another task on the same worker was killed or crashed. Only with more than one task a worker. `because`: that task. */
export class CollateralKill extends Tagged("CollateralKill")<{ readonly worker: number; readonly because: string }> {
  get message(): string {
    return `its worker ${this.worker} was lost through ${this.because}; \`idempotent\` tasks are run again`
  }
}

/** It waited longer than its queue time-out, and never began. */
export class QueueTimeout extends Tagged("QueueTimeout")<{ readonly ms: number }> {
  get message(): string {
    return `waited for a worker for ${this.ms} ms`
  }
}

/** It ran longer than its run time-out, and was stopped. */
export class RunTimeout extends Tagged("RunTimeout")<{ readonly ms: number }> {
  get message(): string {
    return `ran for ${this.ms} ms`
  }
}

/** The queue was full and its policy is `fail`. */
export class QueueFull extends Tagged("QueueFull")<{ readonly capacity: number }> {
  get message(): string {
    return `the queue is full (${this.capacity}); wait for results, or use the policy \`suspend\``
  }
}

/** It waited longest when the queue was full, and its policy is `drop`. */
export class Dropped extends Tagged("Dropped")<{ readonly capacity: number }> {
  get message(): string {
    return `was dropped from the full queue (${this.capacity}) for a later task`
  }
}

/** The executor is shut down, or was while the task waited or ran. */
export class ShutDown {
  readonly _tag = "ShutDown"
  readonly message = "the executor is shut down"
}

/** It was cancelled. */
export class Cancelled {
  readonly _tag = "Cancelled"
  readonly message = "was cancelled"
}

/** A worker could not start: it died before it was ready, or its setup failed. */
export class InitializationFailed extends Tagged("InitializationFailed")<{
  readonly error: unknown
  readonly stderr: string
}> {
  get message(): string {
    return `no worker could start: ${describe(this.error)}${lastLines(this.stderr)}`
  }
}

/** Workers failed to start again and again; none is tried before `retryInMs` have passed. */
export class CrashLoop extends Tagged("CrashLoop")<{
  readonly failures: number
  readonly retryInMs: number
  readonly last: Reason
}> {
  get message(): string {
    return `${this.failures} workers in a row failed to start, next try in ${Math.ceil(this.retryInMs)} ms: ${this.last.message}`
  }
}

/** There is no module at the task's URL. */
export class ModuleMissing extends Tagged("ModuleMissing")<{ readonly url: string }> {
  get message(): string {
    return `there is no module ${this.url}; write \`new URL("./x.task.ts", import.meta.url)\``
  }
}

/** The task's module threw while it was loaded. */
export class ModuleFailed extends Tagged("ModuleFailed")<{ readonly url: string; readonly error: unknown }> {
  get message(): string {
    return `the module ${this.url} threw while loading: ${describe(this.error)}`
  }
}

/** The task's module has no such function. `found`: what stands under the name; `exports`: the functions that it has. */
export class ExportMissing extends Tagged("ExportMissing")<{
  readonly url: string
  readonly name: string
  readonly found: string
  readonly exports: ReadonlyArray<string>
}> {
  get message(): string {
    const has = this.exports.length === 0 ? "no functions" : this.exports.join(", ")
    return `${this.url} has ${this.found} as \`${this.name}\`, where a function is needed; it exports ${has}`
  }
}

/** A parameter or a result cannot be copied to another thread or process. */
export class NotCloneable extends Tagged("NotCloneable")<{ readonly path: string; readonly fact: string }> {
  get message(): string {
    const isStream = this.path === "result" && this.fact === "is a generator"
    const remedy = isStream ? "`stream` the task for its values" : "pass plain data, or do that part inside the task"
    return `${this.path} ${this.fact} and cannot be copied; ${remedy}`
  }
}

/** Parameters or result do not fit the task's schema. `issue`: every place and what is wrong there; `error`: the schema's own. */
export class SchemaMismatch extends Tagged("SchemaMismatch")<{
  readonly side: "parameters" | "result"
  readonly issue: string
  readonly error: unknown
}> {
  constructor(side: "parameters" | "result", thrown: unknown) {
    const issue = thrown instanceof Error ? thrown.message : describe(thrown)
    super({ side, issue, error: (thrown as Error | null)?.cause ?? thrown })
  }
  get message(): string {
    return `${this.side} ${this.side === "result" ? "is" : "are"} not as the schema says: ${this.issue}`
  }
}

/** An inline function uses what is not in its own text. `captured`: each name with its place in that text. */
export class VariablesCaptured extends Tagged("VariablesCaptured")<{
  readonly captured: ReadonlyArray<CapturedVariable>
}> {
  get message(): string {
    const names = this.captured.map(({ name, line, column }) => `\`${name}\` (${line}:${column})`)
    const own = this.captured.some(({ name }) => name === "this") ? "; for a task's own `this` write a `function`" : ""
    return `uses ${names.join(", ")} from around it, which no worker has; pass it as a parameter, or move the function to a module${own}`
  }
}

/** An option has a value that it cannot have. */
export class InvalidOption extends Tagged("InvalidOption")<{
  readonly option: string
  readonly expected: string
  readonly got: unknown
}> {
  get message(): string {
    return `${this.option} must be ${this.expected}, got ${described(this.got)}`
  }
}

/** Why a task has no result, or an executor no worker: told apart by `_tag`. */
export type Reason =
  | TaskFailed
  | WorkerCrashed
  | OutOfMemory
  | PoisonTask
  | CollateralKill
  | QueueTimeout
  | RunTimeout
  | QueueFull
  | Dropped
  | ShutDown
  | Cancelled
  | InitializationFailed
  | CrashLoop
  | ModuleMissing
  | ModuleFailed
  | ExportMissing
  | NotCloneable
  | SchemaMismatch
  | VariablesCaptured
  | InvalidOption

/** How a worker ended. */
export interface Death {
  readonly exitCode: number | undefined
  readonly signal: string | undefined
  /** The last of what it wrote to stderr, at most 4 KiB. */
  readonly stderr: string
  /** What it threw outside of any task. */
  readonly error: unknown
  readonly outOfMemory: boolean
}

/**
 * A task gave no result. `task`: the name of its function; `attempt` counts from 1;
 * `item`: which item of a `map`, or value of a stream, it was, from 0. `lastItem` is the same, but where a process was
 * killed amid items too short to be noted each: then it was one from `item` to `lastItem`. `cause` is what the task
 * threw, if it did. The stack is that of `site`, where the task was submitted.
 */
export class ExecutorError extends Error {
  readonly _tag = "ExecutorError"
  override readonly name = "ExecutorError"
  readonly reason: Reason
  readonly task: string
  readonly attempt: number
  readonly item: number | undefined
  readonly lastItem: number | undefined
  constructor(reason: Reason, task: string, attempt = 1, item?: number, lastItem = item, site?: SubmitSite) {
    const which = lastItem === item ? `item ${item}` : `one of the items ${item} to ${lastItem}`
    const subject = item === undefined ? task : `${task}, ${which}`
    const error = "error" in reason ? reason.error : undefined
    super(`${subject}: ${reason.message}`, error === undefined ? undefined : { cause: error })
    this.reason = reason
    this.task = task
    this.attempt = attempt
    this.item = item
    this.lastItem = lastItem
    if (site === undefined) return
    // that of the engine tells nobody anything; put into words when it is read, because many may fail at once
    let stack: unknown
    Object.defineProperty(this, "stack", {
      configurable: true,
      get: () => (stack ??= [`${this.name}: ${this.message}`, ...framesOf(site)].join("\n")),
      set: (value) => {
        stack = value
      }
    })
  }
}
