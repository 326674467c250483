/**
 * Work for an executor, named by the URL of its module and the name of the export.
 *
 *     // fibonacci.task.ts
 *     export const fibonacci = (n: number): bigint => …
 *
 *     import type * as Fibonacci from "./fibonacci.task.ts"
 *     const tasks = Task.module<typeof Fibonacci>(new URL("./fibonacci.task.ts", import.meta.url))
 *     tasks.fibonacci // Task<[n: number], bigint>
 *
 * A name crosses to a thread or a process where a function cannot; its types come
 * from the module's own. The module is an ordinary one: `.ts` files are loaded as
 * they are, and one that is named `.ts` but was compiled is found as `.js` or `.mjs`.
 *
 * A task that wants to know whether it is still wanted, or to tell how far it is,
 * is a `function` with a `this`: an optional parameter cannot be mistaken for it,
 * and nothing has to be imported.
 *
 *     export function search(this: TaskContext, n: number) {
 *       while (!this.cancelled()) …
 *     }
 */
import { ExecutorError, InvalidOption } from "./executor/ExecutorError.ts"

/**
 * What a task finds as its `this`, until it has ended: then it counts as cancelled, and what it tells or submits goes
 * nowhere.
 */
export interface TaskContext {
  /** Whether the result is still wanted. Can be asked in the hottest loop: it reads a word of shared memory. */
  readonly cancelled: () => boolean
  /** Aborted on cancellation, as soon as the task gives the loop a turn. */
  readonly signal: AbortSignal
  /** Tells whoever submitted the task something, in order, before its result. */
  readonly progress: (value: unknown) => void
  /** Milliseconds since the epoch by which it is to be done; `Infinity` where there is no deadline. */
  readonly deadline: number
  /** Runs another task: on a free worker, or on this one if there is none, so a full pool never waits for itself. */
  readonly submit: <Parameters extends ReadonlyArray<unknown>, A>(
    task: Task<Parameters, A>,
    ...parameters: Parameters
  ) => Promise<A>
}

/** Translates what crosses, or throws what is to be told of it. See `TaskSchema.ts`. */
export interface TaskCodec {
  readonly encode: (parameters: ReadonlyArray<unknown>) => ReadonlyArray<unknown>
  readonly decode: (result: unknown) => unknown
}

interface Address {
  /** Of the module. */
  readonly url: string
  /** Of the export. */
  readonly name: string
  readonly codec?: TaskCodec
}

/** A function in a module of its own: one result. */
export interface Task<in Parameters extends ReadonlyArray<any>, out A> extends Address {
  readonly "~task": (parameters: Parameters) => A
}

/** A generator function in a module of its own: many results. */
export interface StreamTask<in Parameters extends ReadonlyArray<any>, out A> extends Address {
  readonly "~stream": (parameters: Parameters) => A
}

/** A function as a task. */
// a function that never returns would fit both
export type TaskOf<F> = F extends (this: any, ...parameters: infer P) => infer R
  ? [R] extends [never]
    ? Task<Readonly<P>, never>
    : [R] extends [AsyncIterator<infer A> | Iterator<infer A>]
      ? StreamTask<Readonly<P>, A>
      : Task<Readonly<P>, Awaited<R>>
  : never

/** The functions that a module exports, as tasks. */
export type TasksOf<Module> = {
  readonly [Name in keyof Module as Module[Name] extends (...parameters: any) => unknown ? Name : never]: TaskOf<
    Module[Name]
  >
}

/** With a scheme, or a path from the root. */
const absolute = /^(?:[a-z][a-z\d+.-]*:|\/)/i

/** A path as a URL, in which `%`, `?` and `#` would mean something else. */
const href = (address: string): string =>
  address.startsWith("/") ? `file://${encodeURI(address).replaceAll(/[?#]/g, encodeURIComponent)}` : address

const relative = (path: string): string => (/^\.\.?\//.test(path) ? path : `./${path}`)

/**
 * The tasks of a module: `module<typeof X>(new URL("./x.task.ts", import.meta.url))`.
 *
 * Nothing is loaded here. An executor checks a task when it first meets it, or at
 * its own start if the task is in its option `tasks`: `ModuleMissing`,
 * `ModuleFailed` or `ExportMissing`. A relative URL would mean another file in each
 * kind of worker: it throws an `ExecutorError` with `InvalidOption`.
 */
export const module = <Module>(url: URL | string): TasksOf<Module> => {
  if (!absolute.test(String(url))) {
    const remedy = `\`new URL(${JSON.stringify(relative(String(url)))}, import.meta.url)\``
    throw new ExecutorError(
      new InvalidOption({ option: "the URL of a module of tasks", expected: remedy, got: url }),
      "Task.module"
    )
  }
  const address = href(String(url))
  const tasks = new Map<string, Address>()
  return new Proxy({} as never, {
    get: (_, name) => {
      // a module of tasks is no promise, whatever awaits it
      if (typeof name !== "string" || name === "then") return undefined
      let task = tasks.get(name)
      if (task === undefined) tasks.set(name, (task = { url: address, name }))
      return task
    }
  })
}
