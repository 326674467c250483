/** What workerpool is for a worker's script, and the task of the adapter: calls a method that the script registered. */
import { createRequire } from "node:module"
import { runInThisContext } from "node:vm"
import { isMainThread as isMain } from "node:worker_threads"
import type { TaskContext } from "../src/Task.ts"

type Method = (...parameters: ReadonlyArray<unknown>) => unknown
interface Registered {
  readonly methods: Readonly<Record<string, Method>>
  readonly onTerminate?: (code: number) => unknown
}

// a script may load this module by another way than the engine does
const shared = globalThis as { workerPool?: { registered: Registered; context?: TaskContext } }

/** A function given as text, called with what the adapter calls a method with. */
const run = function (this: unknown, text: string, parameters: ReadonlyArray<unknown> | null): unknown {
  return runInThisContext(`(${text})`).apply(this, parameters ?? [])
} as Method
const own: Readonly<Record<string, Method>> = { run, methods: () => Object.keys(state().registered.methods) }
const state = () => (shared.workerPool ??= { registered: { methods: own } })

export const isMainThread: boolean = isMain && process.send === undefined
export class Transfer {
  readonly message: unknown
  readonly transfer: ReadonlyArray<unknown>
  constructor(message: unknown, transfer: ReadonlyArray<unknown>) {
    this.message = message
    this.transfer = transfer
  }
}
export const worker = (methods: Registered["methods"], options: Omit<Registered, "methods"> = {}): void =>
  void (state().registered = { ...options, methods: { ...methods, ...own } })
export const workerEmit = (payload: unknown): void => state().context!.progress(payload)

/** Calls a method; one that has listeners for its abort has ended when they have. */
export async function call(
  this: TaskContext,
  script: string | null,
  method: string,
  parameters: ReadonlyArray<unknown> | null
): Promise<unknown> {
  if (script !== null) createRequire(import.meta.url)(script)
  const { registered } = state()
  state().context = this
  const found = registered.methods[method]
  if (found === undefined) throw new Error(`Unknown method "${method}"`)
  const { signal } = this
  const ended = Promise.withResolvers<void>()
  const addAbortListener = (listener: () => Promise<void>) =>
    signal.addEventListener("abort", () => void listener().then(ended.resolve, ended.reject))
  const result = await Promise.race([
    found.apply({ worker: { addAbortListener, emit: workerEmit } } as never, (parameters ?? []) as never),
    ended.promise
  ])
  return result instanceof Transfer ? result.message : result
}

export const end = (): unknown => state().registered.onTerminate?.(0)
