/** What an engine knows of a task: its number on the wire, and how long it runs. */
import type { TaskCodec } from "../Task.ts"
import { ExecutorError, InvalidOption } from "./ExecutorError.ts"
import type { TaskAddress } from "./Protocol.ts"

/** Anything can be given, also what throws when it is looked at: that is none. */
export const isTask = (value: unknown): value is TaskAddress => {
  try {
    const { url, name } = (value ?? {}) as { readonly url?: unknown; readonly name?: unknown }
    return typeof url === "string" && typeof name === "string"
  } catch {
    return false
  }
}

/** Throws what a plain function, or anything else that is no task, is told. `option`: where it was given. */
export const checkTask = (task: unknown, option = "a task"): void => {
  if (isTask(task)) return
  throw new ExecutorError(
    new InvalidOption({ option, expected: "of `Task.module` or `inline`", got: task }),
    "executor"
  )
}

export class TaskEntry {
  readonly number: number
  readonly url: string
  readonly name: string
  readonly codec: TaskCodec | undefined
  /** Moving average of a run, in milliseconds; `NaN` before the first. */
  meanMs = Number.NaN

  constructor(number: number, url: string, name: string, codec: TaskCodec | undefined) {
    this.number = number
    this.url = url
    this.name = name
    this.codec = codec
  }

  record(ms: number): void {
    this.meanMs = this.meanMs >= 0 ? this.meanMs * 0.8 + ms * 0.2 : ms
  }
}
