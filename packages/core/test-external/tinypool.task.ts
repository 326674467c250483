/** The tasks of the adapter: loads the file that tinypool was told, and calls what it exports. */
import { pathToFileURL } from "node:url"
import { isMainThread, threadName } from "node:worker_threads"
import { isMovable, value } from "./Movable.ts"

/** What tinypool lets the program of a worker know. */
interface State {
  readonly isTinypoolWorker: true
  readonly isWorkerThread?: true
  readonly isChildProcess?: true
  readonly workerId: number
  workerData: unknown
}

const key = "__tinypool_state__"
// a task may put something else in the place of `process`
const here = process as unknown as { [key]?: State }
/** Nothing in a program that is no worker. */
export const state = (): State | undefined => here[key]

/** Loads what a task is; the last one is asked for the end of the worker. */
let last: { readonly path: string; readonly teardown: string | undefined } | undefined

interface Wanted {
  readonly path: string
  readonly name: string
  readonly workerData: unknown
  readonly teardown: string | undefined
}

export const run = async (wanted: Wanted, parameter: unknown): Promise<unknown> => {
  const { path, name, workerData } = wanted
  const workerId = Number(/\d+$/.exec(isMainThread ? process.argv[1]! : threadName!)?.[0])
  here[key] ??= {
    isTinypoolWorker: true,
    ...(isMainThread ? { isChildProcess: true } : { isWorkerThread: true }),
    workerId,
    workerData
  }
  last = wanted
  const module: any = await import(pathToFileURL(path).href)
  const task = module[name] ?? module.default?.[name]
  if (typeof task !== "function") throw new Error(`No handler function "${name}" exported from "${path}"`)
  const result = await task(parameter)
  // buffers leave by themselves
  return isMovable(result) ? result[value] : result
}

export const tearDown = async (): Promise<void> => {
  if (last?.teardown === undefined) return
  const module: any = await import(pathToFileURL(last.path).href)
  await module[last.teardown]?.()
}
