/** What is compared: each row is measured in a process of its own for each contender, here. */
import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { descendants, field, read, tasks } from "../ProcessTree.ts"
import type { Contender, Opened, RowName } from "./Contender.ts"

/** By column. A contender that never gets there has `Infinity`. */
export type Figures = Readonly<Record<string, number>>

export interface Row {
  readonly name: RowName
  readonly title: string
  /** What the first column, which decides, is better with. */
  readonly better: "more" | "less"
  readonly columns: ReadonlyArray<string>
  /** At most; default as many as asked for. */
  readonly rounds?: number
  /** Has no peers: it says that something does not happen. */
  readonly alone?: boolean
  readonly measure: (contender: Contender) => Promise<Figures>
}

const workers = 2
const mebibyte = 2 ** 20

/** CPU time of this process and those that it started, in microseconds. */
const cpu = (): number => {
  const { user, system } = process.cpuUsage()
  let sum = user + system
  for (const pid of descendants(String(process.pid)))
    for (const task of tasks(pid)) sum += Number(read(`/proc/${pid}/task/${task}/schedstat`).split(" ")[0]) / 1000
  return sum
}

/** Resident memory of the same, in bytes. */
const resident = (): number => {
  let sum = process.memoryUsage.rss()
  for (const pid of descendants(String(process.pid))) sum += field(read(`/proc/${pid}/status`), "VmRSS")
  return sum
}

const collect = async (): Promise<void> => {
  // a second time for what the first let go
  for (let i = 0; i < 2; i++) {
    ;(globalThis as { readonly gc?: () => void }).gc!()
    await delay(50)
  }
}

const keep = (opened: Opened, depth: number, more: () => boolean): Promise<number> => {
  if (opened.keep !== undefined) return opened.keep(depth, more)
  let count = 0
  const loop = async () => {
    while (more()) await opened.run("increment", count++)
  }
  return Promise.all(Array.from({ length: depth }, loop)).then(() => count)
}

const until = (ms: number) => {
  const end = performance.now() + ms
  return () => performance.now() < end
}

const rate = async (work: () => Promise<number>): Promise<Figures> => {
  const used = cpu()
  const began = performance.now()
  const count = await work()
  const seconds = (performance.now() - began) / 1000
  return { "per second": count / seconds, "CPU µs": (cpu() - used) / count }
}

const warmMs = 500
const measuredMs = 1000

const opening = async (contender: Contender, count: number, use: (opened: Opened) => Promise<Figures>) => {
  const open = await contender.load()
  return use(await open(count))
}

const perSecond = ["per second", "CPU µs"]

const submit = (depth: number): Row => ({
  name: `submit${depth}` as RowName,
  title: depth === 1 ? "a task at a time" : `tasks, ${depth} under way`,
  better: "more",
  columns: perSecond,
  measure: (contender) =>
    opening(contender, workers, async (opened) => {
      await keep(opened, depth, until(warmMs))
      return rate(() => keep(opened, depth, until(measuredMs)))
    })
})

/** Without chunks a fiftieth will do. */
const numbers = 1_000_000

const map: Row = {
  name: "map",
  title: "`map` of 1,000,000 numbers",
  better: "more",
  columns: perSecond,
  measure: (contender) =>
    opening(contender, workers, async (opened) => {
      const items = Array.from({ length: opened.map === undefined ? numbers / 50 : numbers }, (_, i) => i)
      const each = () =>
        opened.map?.(items) ?? Promise.all(items.map((n) => opened.run("increment", n))).then(({ length }) => length)
      await each()
      return rate(each)
    })
}

const bytes = (transfer: boolean): Row => ({
  name: transfer ? "move" : "copy",
  title: `an argument of 1 MiB, ${transfer ? "moved" : "copied"}`,
  better: "more",
  columns: perSecond,
  measure: (contender) =>
    opening(contender, workers, async ({ run }) => {
      const task = () => {
        const value = new Uint8Array(mebibyte)
        return run("size", value, transfer ? { transfer: [value.buffer] } : {})
      }
      const opened: Opened = { run: task }
      await keep(opened, 4, until(warmMs))
      return rate(() => keep(opened, 4, until(measuredMs)))
    })
})

const buffers: Row = {
  name: "buffers",
  title: "`map` of 1 GiB in buffers of 1 MiB, moved",
  better: "more",
  columns: ["GiB per second", "peak MiB"],
  measure: (contender) =>
    opening(contender, workers, async (opened) => {
      function* filled() {
        for (let i = 0; i < 1024; i++) yield new Uint8Array(mebibyte).fill(i).buffer
      }
      await opened.run("size", new Uint8Array(1))
      const began = performance.now()
      await (opened.mapBuffers?.(filled()) ??
        Promise.all(Array.from(filled(), (buffer) => opened.run("size", buffer, { transfer: [buffer] }))))
      const seconds = (performance.now() - began) / 1000
      return { "GiB per second": 1 / seconds, "peak MiB": process.resourceUsage().maxRSS / 1024 }
    })
}

const taskFile = fileURLToPath(new URL("trivial.task.ts", import.meta.url))

const boot = (cached: boolean): Row => ({
  name: cached ? "bootCached" : "boot",
  title: `a pool of one, to its first result${cached ? ", with `NODE_COMPILE_CACHE`" : ""}`,
  better: "less",
  columns: ["ms", "CPU ms"],
  measure: async (contender) => {
    const open = await contender.load()
    if (cached) {
      // workers see it as if it had been set for the program
      process.env["NODE_COMPILE_CACHE"] = join(process.cwd(), "compile-cache")
      spawnSync(process.execPath, [...process.execArgv, taskFile])
    }
    const used = cpu()
    const began = performance.now()
    const opened = await open(1)
    await opened.run("increment", 1)
    return { ms: performance.now() - began, "CPU ms": (cpu() - used) / 1000 }
  }
})

/** After this nothing is expected any more. */
const patienceMs = 5000

const crash: Row = {
  name: "crash",
  title: "a worker that exits, to the next result",
  better: "less",
  columns: ["ms", "innocents failed, of 8"],
  measure: (contender) =>
    opening(contender, 1, async ({ run }) => {
      for (let i = 0; i < 20; i++) await run("increment", i)
      await delay(500)
      let first = Infinity
      let succeeded = 0
      const began = performance.now()
      const next = () =>
        run("increment", 1).then(
          () => {
            first = Math.min(first, performance.now() - began)
            return true
          },
          () => false
        )
      run("exit", 1).catch(() => {})
      const innocents = Array.from({ length: 8 }, () => next().then((success) => void (success && succeeded++)))
      // some pools look for work only when there is more of it, and a task that hangs does not hide that the next would succeed
      for (; first === Infinity && performance.now() - began < patienceMs; await delay(10)) void next()
      await Promise.race([Promise.all(innocents), delay(1000)])
      return { ms: first, "innocents failed, of 8": 8 - succeeded }
    })
}

const kill: Row = {
  name: "kill",
  title: "a busy worker killed, to the next result",
  better: "less",
  columns: ["ms", "ms until the task is said to be gone"],
  measure: (contender) =>
    opening(contender, 1, async ({ run }) => {
      for (let i = 0; i < 20; i++) await run("increment", i)
      const controller = new AbortController()
      const spinning = run("spin", 0, { signal: controller.signal })
      await delay(500)
      const began = performance.now()
      const since = () => performance.now() - began
      const gone = spinning.then(since, since)
      controller.abort()
      const ms = await Promise.race([run("increment", 1).then(since), delay(patienceMs, Infinity)])
      return {
        ms,
        "ms until the task is said to be gone": await Promise.race([gone, delay(patienceMs, Infinity)])
      }
    })
}

const memory: Row = {
  name: "memory",
  title: "memory of an idle worker",
  better: "less",
  columns: ["MiB"],
  measure: async (contender) => {
    const open = await contender.load()
    const openIdle = async (count: number) => {
      const { run } = await open(count)
      await Promise.all(Array.from({ length: count }, () => run("nap", 300)))
      await collect()
      return resident()
    }
    const one = await openIdle(1)
    const more = 4
    return { MiB: ((await openIdle(more)) - one) / more / mebibyte }
  }
}

const growth: Row = {
  name: "growth",
  title: "after 1,000,000 tasks, more than after 10,000",
  better: "less",
  columns: ["heap MiB", "resident MiB"],
  rounds: 1,
  alone: true,
  measure: (contender) =>
    opening(contender, workers, async (opened) => {
      const times = async (count: number) => {
        let left = count
        await keep(opened, 64, () => left-- > 0)
        await collect()
        return { heap: process.memoryUsage().heapUsed, resident: resident() }
      }
      const few = await times(10_000)
      const many = await times(990_000)
      return {
        "heap MiB": (many.heap - few.heap) / mebibyte,
        "resident MiB": (many.resident - few.resident) / mebibyte
      }
    })
}

export const rows: ReadonlyArray<Row> = [
  ...[1, 16, 64, 256].map(submit),
  map,
  bytes(false),
  bytes(true),
  buffers,
  boot(false),
  boot(true),
  crash,
  kill,
  memory,
  growth
]
