/** The machine that this process runs on, for scenarios: the loop is this one, workers are threads and processes. */
import { availableParallelism } from "node:os"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { cooperate } from "../Cooperate.ts"
import { Executor, type ExecutorError } from "../Executor.ts"
import { type Machine, type Sending, type Spent, workersOf } from "../scenario/Machine.ts"
import * as Stage from "../scenario/Stage.ts"
import * as Work from "../scenario/Work.ts"
import * as Task from "../Task.ts"
import * as BlockedDetector from "./BlockedDetector.ts"
import * as ProcessExecutor from "./ProcessExecutor.ts"
import * as RunQueue from "./RunQueue.ts"
import * as ThreadExecutor from "./ThreadExecutor.ts"
import type * as WorkTask from "./work.task.ts"
import { warm } from "./work.task.ts"

/** Where workers find their tasks; a bundle has its copy elsewhere. */
const workTask = new URL("./work.task.ts", import.meta.url)

/** Does work in slices of so many steps. */
const inSteps = (work: Work.Work, steps: number) => {
  const all = Work.steps(work)
  const slice: Effect.Effect<string> = Effect.suspend(() => {
    for (let step = 0; step < steps; step += Work.stride) {
      const next = all.next()
      if (next.done) return Effect.succeed(next.value)
    }
    return Effect.andThen(Effect.yieldNow, slice)
  })
  return slice
}

/** While the loop is held no listener hears of Ctrl-C: without one the system ends the process, as it would any. */
const unheard = <A>(compute: () => A): A => {
  const signals = (["SIGINT", "SIGTERM"] as const).map((signal) => [signal, process.rawListeners(signal)] as const)
  for (const [signal] of signals) process.removeAllListeners(signal)
  try {
    return compute()
  } finally {
    for (const [signal, listeners] of signals)
      for (const listener of listeners) process.on(signal, listener as NodeJS.SignalsListener)
  }
}

/** What came before, Ctrl-C with it, is heard. */
const turn = Effect.callback<void>((resume) => {
  const next = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(next))
})

/** The longest time between two turns of the event loop while an effect runs, less what its thread stood in line. */
const longestStall = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let longestMs = 0
    let lastMs = RunQueue.nowMs()
    let handle: NodeJS.Immediate
    const tick = () => {
      const now = RunQueue.nowMs()
      longestMs = Math.max(longestMs, now - lastMs)
      lastMs = now
      handle = setImmediate(tick)
    }
    tick()
    return Effect.map(
      Effect.onExit(effect, () => Effect.sync(() => clearImmediate(handle))),
      (value) => [value, Math.max(longestMs, RunQueue.nowMs() - lastMs)] as const
    )
  })

/** A tiny task for each item, a long one that is interrupted, bytes there and back, a worker that exits. */
const handsOf = (executor: Executor["Service"], tasks: Task.TasksOf<typeof WorkTask>) => {
  const timed = <E>(effect: Effect.Effect<unknown, E>) =>
    Effect.suspend(() => {
      const began = performance.now()
      return Effect.orDie(Effect.map(effect, () => performance.now() - began))
    })
  const ended = (effect: Effect.Effect<unknown, ExecutorError>) =>
    Effect.match(effect, { onSuccess: () => "done", onFailure: ({ reason }) => reason._tag })
  return {
    map: Effect.fnUntraced(function* (items: number, chunk: number) {
      const began = performance.now()
      let firstMs = 0
      let sum = 0
      yield* Stream.runForEach(executor.map(range(items), tasks.square, { chunk }), (value) =>
        Effect.sync(() => {
          if (firstMs === 0) firstMs = performance.now() - began
          sum += value
        })
      )
      return { firstMs, wallMs: performance.now() - began, sum }
    }, Effect.orDie),
    stop: Effect.fnUntraced(function* (task: "asks" | "ignores") {
      const begun = yield* Deferred.make<void>()
      const onProgress = () => Deferred.doneUnsafe(begun, Effect.void)
      const submitted = executor.submit(tasks.compute, [5000, task === "asks"], { onProgress })
      const fiber = yield* Effect.forkChild(submitted)
      yield* Deferred.await(begun)
      return yield* timed(Fiber.interrupt(fiber))
    }),
    echo: (bytes: number, way: Sending = "copied") => {
      const sent = new Uint8Array(way === "shared" ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
      return timed(executor.submit(tasks.echo, [sent], way === "moved" ? { transfer: [sent.buffer] } : {}))
    },
    crash: Effect.map(
      Effect.all(
        [
          ended(executor.submit(tasks.compute, [500, false])),
          ended(Effect.delay(executor.submit(tasks.exit, []), "100 millis"))
        ],
        { concurrency: 2 }
      ),
      ([other, killed]) => ({ killed, other })
    )
  }
}

function* range(items: number) {
  for (let item = 0; item < items; item++) yield item
}

/** `cores` of what is asked for bounds the model only: here there are as many as there are. */
export const make = (url: URL = workTask): Machine["Service"] => {
  const tasks = Task.module<typeof WorkTask>(url)
  /** Of worker processes: threads are in the process's own count. */
  let processesCpuMs = 0
  let [tookMs, inLineMs, workersMs] = [0, 0, 0]
  const byWorker = new Map<string, Spent>()
  /** A turn of the loop before each call would be one of the latencies that are measured. */
  let hasCalled = false
  const counted = <A>(timed: RunQueue.Timed<A>): A => {
    tookMs += timed.tookMs
    inLineMs += timed.inLineMs
    return timed.value
  }
  const countedBy = <A>(timed: RunQueue.Timed<A> & { readonly worker: string }): A => {
    const before = byWorker.get(timed.worker) ?? { tookMs: 0, inLineMs: 0 }
    byWorker.set(timed.worker, {
      tookMs: before.tookMs + timed.tookMs,
      inLineMs: before.inLineMs + timed.inLineMs
    })
    workersMs += timed.cpuMs
    return counted(timed)
  }
  warm()
  return {
    call: (lane, work) => {
      const call = Stage.during(
        lane,
        "running",
        Effect.sync(() => unheard(() => counted(RunQueue.time()(Work.perform(work)))))
      )
      return Effect.suspend(() => {
        if (hasCalled) return call
        hasCalled = true
        return Effect.andThen(turn, call)
      })
    },
    cooperate: (lane, work, slice) =>
      Stage.during(
        lane,
        "running",
        Effect.suspend(() => {
          const timed = RunQueue.time()
          const sliced = longestStall(
            "steps" in slice
              ? inSteps(work, slice.steps)
              : cooperate(() => Work.steps(work), { budget: slice.budgetMs })
          )
          return Effect.map(sliced, ([result, longestMs]) => counted(timed({ result, longestMs })))
        })
      ),
    sleep: (lane, ms) => Stage.during(lane, "sleeping", Effect.sleep(ms)),
    withWorkers: (kind, { workers }, use) => {
      const layer = kind === "threads" ? ThreadExecutor.layer : ProcessExecutor.layer
      const maximum = Math.min(workers, availableParallelism())
      const before = process.memoryUsage.rss()
      const began = performance.now()
      return Effect.gen(function* () {
        const executor = yield* Executor
        yield* Effect.orDie(executor.warm(maximum))
        const bootMs = performance.now() - began
        const residentBytes =
          kind === "threads"
            ? (process.memoryUsage.rss() - before) / maximum
            : yield* Effect.orDie(executor.submit(tasks.residentBytes, []))
        yield* Effect.forEach(Array.from({ length: maximum }), () => Effect.orDie(executor.submit(tasks.warm, [])), {
          concurrency: "unbounded",
          discard: true
        })
        const value = yield* use(
          workersOf(maximum, {
            ...handsOf(executor, tasks),
            perform: (work) => Effect.orDie(Effect.map(executor.submit(tasks.perform, [work]), countedBy)),
            bootMs,
            memory: residentBytes / 2 ** 20
          })
        )
        if (kind === "processes") for (const { cpuMs } of (yield* executor.statistics).workers) processesCpuMs += cpuMs
        return value
        // ready is who has loaded the tasks: else the first of each worker would measure that, too
      }).pipe(Effect.provide(Layer.orDie(layer({ maximum, tasks: [tasks.perform] }))))
    },
    cpuMs: Effect.sync(() => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1000 + processesCpuMs
    }),
    inLine: Effect.sync(() => ({
      tookMs,
      inLineMs,
      loopMs: RunQueue.inLineMs(),
      cpuMs: RunQueue.cpuMs() + workersMs,
      workers: new Map(byWorker)
    })),
    heapBytes: Effect.sync(() => {
      setFlagsFromString("--expose-gc")
      ;(runInNewContext("gc") as () => void)()
      return process.memoryUsage().heapUsed
    }),
    blocked: (effect) =>
      Effect.scoped(
        Effect.gen(function* () {
          const functions = new Set<string>()
          yield* BlockedDetector.watch({
            onBlocked: ({ stack }) => Effect.sync(() => stack.forEach((frame) => functions.add(frame.function)))
          })
          const value = yield* effect
          // a stall is told of once it is over, on a busy machine a while after that
          for (let tries = 0; tries < 20 && functions.size === 0; tries++) yield* Effect.sleep("100 millis")
          return [value, [...functions]] as const
        })
      )
  }
}
