/**
 * The pools that are compared, behind one face. What is set beyond the number of workers is in the name.
 * CPython's pools are in `cpython.py`: their loops must be Python's.
 */
import { Worker } from "node:worker_threads"
import { Pool, Task } from "@simul/core/node/Pool"
import type * as Trivial from "./trivial.task.ts"

type TaskName = keyof typeof Trivial

/** What contenders are measured at: the rows of the table. */
export type RowName =
  | "submit1"
  | "submit16"
  | "submit64"
  | "submit256"
  | "map"
  | "copy"
  | "move"
  | "buffers"
  | "boot"
  | "bootCached"
  | "crash"
  | "kill"
  | "memory"
  | "growth"

interface RunOptions {
  /** When it is aborted the pool is to give the task up, in its own way. */
  readonly signal?: AbortSignal
  /** Moved instead of copied. */
  readonly transfer?: ReadonlyArray<ArrayBuffer>
}

type Run = (task: TaskName, value: unknown, options?: RunOptions) => Promise<unknown>

export interface Opened {
  readonly run: Run
  /** Has so many tasks under way as long as `more` says so; resolves with how many there were. Default: loops around `run`. */
  readonly keep?: (depth: number, more: () => boolean) => Promise<number>
  /** Increments the numbers, in chunks; resolves with how many results there were. Default: a `run` for each, all at once. */
  readonly map?: (numbers: ReadonlyArray<number>) => Promise<number>
  /** Takes the size of each, without copying. Default: a `run` for each, all at once. */
  readonly mapBuffers?: (buffers: Iterable<ArrayBuffer>) => Promise<number>
}

export interface Contender {
  readonly name: string
  /** Pools are compared with those of their kind. */
  readonly kind: "thread" | "process"
  /** What is no pool of JavaScript is there for orientation, and nobody's peer. */
  readonly by: "Simul" | "peer" | "reference"
  /** Rows that its settings are made for; default all that it can do. */
  readonly rows?: ReadonlyArray<RowName>
  /** What it cannot do. */
  readonly lacks?: ReadonlyArray<RowName>
  /** Imports what it needs; what it gives starts so many workers. */
  readonly load: () => Promise<(workers: number) => Promise<Opened>>
}

const url = new URL("trivial.task.ts", import.meta.url)
const tasks = Task.module<typeof Trivial>(url)
const taskNamed = (name: TaskName) => tasks[name] as Task.Task<readonly [unknown], unknown>
const increment = tasks.increment

/** A copy is what a process gets, whatever one would rather give it. */
const copying: ReadonlyArray<RowName> = ["move", "buffers"]

const simul = (
  name: string,
  kind: Contender["kind"],
  options: { readonly spare?: number; readonly tasks?: ReadonlyArray<Task.Task<any, unknown>> } = {},
  rows?: ReadonlyArray<RowName>
): Contender => ({
  name,
  kind,
  by: "Simul",
  ...(rows && { rows }),
  ...(kind === "process" && { lacks: copying }),
  load: async () => async (workers) => {
    const pool = await Pool[kind === "thread" ? "threads" : "processes"]({
      minimum: workers,
      maximum: workers,
      grace: 0,
      ...options
    })
    return {
      run: (task, value, { signal, transfer } = {}) =>
        pool.run(taskNamed(task), [value], { ...(signal && { signal }), ...(transfer && { transfer }) }),
      map: async (numbers) => (await pool.map(numbers, increment).toArray()).length,
      mapBuffers: async (buffers) => (await pool.map(buffers, tasks.size, { transfer: true }).toArray()).length
    }
  }
})

/** With a worker kept beside the others that has loaded the tasks. */
const ready = (kind: Contender["kind"]): Contender =>
  simul(
    `Simul, ${kind === "thread" ? "threads" : "processes"}, \`spare: 1, tasks\``,
    kind,
    { spare: 1, tasks: [tasks.increment, tasks.exit, tasks.spin] },
    ["crash", "kill"]
  )

const simulEffect = (name: string, kind: Contender["kind"], rows: ReadonlyArray<RowName>): Contender => ({
  name,
  kind,
  by: "Simul",
  rows,
  load: async () => {
    const Effect = await import("effect/Effect")
    const Scope = await import("effect/Scope")
    const Stream = await import("effect/Stream")
    const { make } =
      kind === "thread"
        ? await import("@simul/core/node/ThreadExecutor")
        : await import("@simul/core/node/ProcessExecutor")
    return async (workers) => {
      const scope = Scope.makeUnsafe()
      const executor = await Effect.runPromise(
        Scope.provide(make({ minimum: workers, maximum: workers, grace: 0 }), scope)
      )
      return {
        run: (task, value) => Effect.runPromise(executor.submit(taskNamed(task), [value])),
        keep: async (depth, more) => {
          const loop = Effect.gen(function* () {
            let count = 0
            while (more()) {
              yield* executor.submit(increment, [count])
              count++
            }
            return count
          })
          const loops = Array.from({ length: depth }, () => loop)
          const counts = await Effect.runPromise(Effect.all(loops, { concurrency: "unbounded" }))
          return counts.reduce((sum, count) => sum + count)
        },
        map: async (numbers) => (await Effect.runPromise(Stream.runCollect(executor.map(numbers, increment)))).length
      }
    }
  }
})

/** Numbers a message where a pool leaves that to its user: what raw threads do best with. */
const handmade = 1024

const mapChunks = async (run: Run, numbers: ReadonlyArray<number>): Promise<number> => {
  const chunks = Array.from({ length: Math.ceil(numbers.length / handmade) }, (_, i) =>
    run("incrementAll", numbers.slice(i * handmade, (i + 1) * handmade))
  )
  return ((await Promise.all(chunks)) as ReadonlyArray<ReadonlyArray<number>>).flat().length
}

const piscina = (name: string, options: object, rows?: ReadonlyArray<RowName>, chunks = false): Contender => ({
  name,
  kind: "thread",
  by: "peer",
  ...(rows && { rows }),
  load: async () => {
    const { Piscina } = await import("piscina")
    return async (threads) => {
      const pool = new Piscina({ filename: url.href, minThreads: threads, maxThreads: threads, ...options })
      // it passes on what a worker dies of as an event, too
      pool.on("error", () => {})
      const run: Run = (task, value, { signal, transfer } = {}) =>
        pool.run(value, { name: task, ...(signal && { signal }), ...(transfer && { transferList: transfer as any }) })
      return {
        run,
        ...(chunks && { map: (numbers: ReadonlyArray<number>) => mapChunks(run, numbers) })
      }
    }
  }
})

const tinypool = (name: string, kind: Contender["kind"]): Contender => ({
  name,
  kind,
  by: "peer",
  ...(kind === "process" && { lacks: copying }),
  load: async () => {
    const { Tinypool } = await import("tinypool")
    return async (threads) => {
      const runtime = kind === "thread" ? "worker_threads" : "child_process"
      const pool = new Tinypool({ filename: url.href, runtime, minThreads: threads, maxThreads: threads })
      return {
        run: (task, value, { signal, transfer } = {}) =>
          pool.run(value, { name: task, ...(signal && { signal }), ...(transfer && { transferList: transfer as any }) })
      }
    }
  }
})

const workerpool = (name: string, kind: Contender["kind"]): Contender => ({
  name,
  kind,
  by: "peer",
  ...(kind === "process" && { lacks: copying }),
  load: async () => {
    const { default: library } = await import("workerpool")
    return async (workers) => {
      const pool = library.pool(new URL("workerpool.ts", import.meta.url).pathname, {
        workerType: kind,
        minWorkers: workers,
        maxWorkers: workers
      })
      return {
        run: async (task, value, { signal, transfer } = {}) => {
          const running = pool.exec(task, [value], transfer && { transfer: [...transfer] })
          signal?.addEventListener("abort", () => void running.cancel(), { once: true })
          return running
        }
      }
    }
  }
})

/** What is left without a pool: a message a task, a message a result, the next worker in turn. Only the ordinary is handled. */
const bare: Contender = {
  name: "bare worker_threads",
  kind: "thread",
  by: "reference",
  lacks: ["crash", "kill"],
  load: async () => async (threads) => {
    const text = `import(${JSON.stringify(url.href)}).then((tasks) => {
      const { parentPort } = require("node:worker_threads")
      parentPort.on("message", ([id, task, value]) => parentPort.postMessage([id, tasks[task](value)]))
      parentPort.postMessage("up")
    })`
    const waiting = new Map<number, (value: unknown) => void>()
    const workers = await Promise.all(
      Array.from({ length: threads }, async () => {
        const worker = new Worker(text, { eval: true })
        await new Promise((up) => worker.once("message", up))
        worker.on("message", ([id, value]: readonly [number, unknown]) => {
          waiting.get(id)!(value)
          waiting.delete(id)
        })
        return worker
      })
    )
    let next = 0
    const run: Run = (task, value, { transfer } = {}) =>
      new Promise((resolve) => {
        const id = next++
        waiting.set(id, resolve)
        workers[id % threads]!.postMessage([id, task, value], transfer)
      })
    return {
      run,
      map: (numbers) => mapChunks(run, numbers)
    }
  }
}

const submits: ReadonlyArray<RowName> = ["submit1", "submit16", "submit64", "submit256"]

/** The first of each kind is the one that is summed up. */
export const contenders: ReadonlyArray<Contender> = [
  simul("Simul, threads", "thread"),
  ready("thread"),
  simulEffect("Simul, threads, with Effect", "thread", [...submits, "map", "boot", "bootCached", "growth"]),
  bare,
  piscina("piscina", {}),
  piscina("piscina, `concurrentTasksPerWorker: 16`", { concurrentTasksPerWorker: 16 }, [...submits, "map", "crash"]),
  piscina("piscina, chunks by hand", { concurrentTasksPerWorker: 4 }, ["map"], true),
  tinypool("tinypool, threads", "thread"),
  workerpool("workerpool, threads", "thread"),
  simul("Simul, processes", "process"),
  simul("Simul, processes, `spare: 1`", "process", { spare: 1 }, ["crash", "kill"]),
  ready("process"),
  simulEffect("Simul, processes, with Effect", "process", [...submits, "map"]),
  tinypool("tinypool, processes", "process"),
  workerpool("workerpool, processes", "process")
]
