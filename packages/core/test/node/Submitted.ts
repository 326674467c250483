/** Pools that tests submit to, and what becomes of their tasks. */
import { ExecutorError, type Pool, Task } from "../../src/node/Pool.ts"
import type * as Work from "../tasks/work.task.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

/** The kinds of pools, and whether what ends a worker of theirs leaves the test alone. */
export const kinds = [
  ["threads", true],
  ["processes", true],
  ["inline", false]
] as const

/** What it gave, or the tag of the reason why it gave nothing, or the name of the error that it threw, or what else that was. */
export const reasonOf = async (promise: Promise<unknown>): Promise<string> => {
  try {
    return `gave ${String(await promise)}`
  } catch (error) {
    if (error instanceof ExecutorError) return error.reason._tag
    return error instanceof Error ? error.name : `threw ${String(error)}`
  }
}
/** The error of what must fail. */
export const failureOf = (promise: Promise<unknown>): Promise<ExecutorError> =>
  promise.then(
    (value) => {
      throw new Error(`gave ${String(value)}`)
    },
    (error: unknown) => error as ExecutorError
  )
export const range = (length: number) => Array.from({ length }, (_, i) => i)
/** Runs a task; resolves when it has begun. */
export const begun = async (pool: Pool, then: "spin" | "wait" | "obey", ms: number, options = {}) => {
  let outcome!: Promise<string>
  await new Promise<void>((begin) => {
    outcome = reasonOf(pool.run(work.begin, [then, ms], { ...options, onProgress: () => begin() }))
  })
  return { outcome }
}
/** Resolves when something holds; the test's own time-out is the bound. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((wake) => setTimeout(wake, 1))
}
