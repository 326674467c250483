/**
 * What scenarios ask of a machine: a thread with an event loop, and workers beside it.
 *
 * There are two. A real one does the work (`node/RealMachine.ts`). The modelled one pretends, in virtual time: work
 * takes the time that `Work.costOf` says, and
 *
 * 1. one thread is one token: what runs on the event loop holds it, so a call that does not return keeps timers, too;
 * 2. `workers` are as many as asked for, but never more at work than there are cores;
 * 3. a task's way to a worker and back costs `messageMs`; workers are warm.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stage from "./Stage.ts"
import * as Work from "./Work.ts"

/** When a cooperative loop lets others run: after so many steps, or after so much time. */
export type Slice = { readonly steps: number } | { readonly budgetMs: number }

export interface Sliced {
  readonly result: string
  /** The longest that it held the thread. */
  readonly longestMs: number
}

export interface Workers {
  /** Does work on a worker; the lane is ready until one is free. */
  readonly submit: (lane: string, work: Work.Work) => Effect.Effect<string, never, Stage.Stage>
  /** Begins a task that goes on for seconds, interrupts it, and tells after how long its worker is free again. */
  readonly stop: (task: "asks" | "ignores") => Effect.Effect<number>
  /** Sends bytes there and back; tells how long it took. Processes copy whatever the way. */
  readonly echo: (bytes: number, way?: Sending) => Effect.Effect<number>
  /** How long it took until all of them could work, in milliseconds. */
  readonly bootMs: number
  /** Resident memory of one worker, in MiB: what a process has, what a thread adds. */
  readonly memory: number
  /** Kills the worker of a task while another task runs elsewhere; tells how each ended. */
  readonly crash: Effect.Effect<{ readonly killed: string; readonly other: string }>
  /** Maps so many tiny items on one worker, in chunks of that size. */
  readonly map: (items: number, chunk: number) => Effect.Effect<Mapped>
}

/** How a message gets to a worker [copied]: moved, its sender has it no more; shared, both have it. */
export type Sending = "copied" | "moved" | "shared"

/** What work took by the clock so far, added up, and for how much of that others had the cores it could have run on. */
export interface Spent {
  readonly tookMs: number
  readonly inLineMs: number
}

/** Of all work, and: */
export interface InLine extends Spent {
  /** How long the event loop's thread stood in line, whatever it did. */
  readonly loopMs: number
  /** Processor time of the event loop's thread and of what workers did. */
  readonly cpuMs: number
  /** Of each worker's work. */
  readonly workers: ReadonlyMap<string, Spent>
}

export interface Mapped {
  /** From the start to the first result, and to the last. */
  readonly firstMs: number
  readonly wallMs: number
  /** Of the squares of 0 to `items - 1`. */
  readonly sum: number
}

export class Machine extends Context.Service<
  Machine,
  {
    /** Calls a function on the event loop: nothing else runs on it until it returns. */
    readonly call: (lane: string, work: Work.Work) => Effect.Effect<string, never, Stage.Stage>
    /** The same in slices, between which others run. */
    readonly cooperate: (lane: string, work: Work.Work, slice: Slice) => Effect.Effect<Sliced, never, Stage.Stage>
    /** Waits for a timer, and for the event loop to come to it. */
    readonly sleep: (lane: string, ms: number) => Effect.Effect<void, never, Stage.Stage>
    /** Runs something with workers that are ready. */
    readonly withWorkers: <A, E, R>(
      kind: "threads" | "processes",
      options: { readonly workers: number; readonly cores: number },
      use: (workers: Workers) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E, R>
    /** CPU time of all threads and of worker processes that have ended, in milliseconds. A model has none. */
    readonly cpuMs: Effect.Effect<number | undefined>
    /** How long work stood in line for a core, where the system tells (Linux). A model has cores of its own. */
    readonly inLine: Effect.Effect<InLine>
    /** Bytes of the heap in use after a collection. A model has none. */
    readonly heapBytes: Effect.Effect<number | undefined>
    /** Runs something, and names the functions that blocked the event loop meanwhile. A model has none. */
    readonly blocked: <A, E, R>(
      effect: Effect.Effect<A, E, R>
    ) => Effect.Effect<readonly [value: A, functions: ReadonlyArray<string>], E, R>
  }
>()("@simul/core/scenario/Machine") {}

/** A task's way to a worker and back in the model. */
export const messageMs = 0.1

/** Costs by the kind of worker in the model: until it is ready, a message, a KiB of one that is copied, in milliseconds; MiB. */
export const costs = {
  threads: { boot: 40, message: 0.1, kibibyte: 0.0004, memory: 10 },
  processes: { boot: 100, message: 0.15, kibibyte: 0.004, memory: 60 }
}

/** How long a task that ignores its cancellation is waited for before its worker is killed. */
export const graceMs = 250

/** In the model: until a task that asks sees that it is not wanted, and until a killed worker is gone. */
const noticeMs = 3

/** What a tiny item of a chunk costs in the model. */
export const itemMs = 0.0005

/** What works for `workersOf`. */
interface Hands extends Omit<Workers, "submit"> {
  readonly perform: (work: Work.Work) => Effect.Effect<string>
}

/** So many workers, each of which does one task at a time. */
export const workersOf = (workers: number, { perform, ...others }: Hands): Workers => {
  const free = Semaphore.makeUnsafe(workers)
  return {
    ...others,
    submit: (lane, work) =>
      Effect.andThen(Stage.begin(lane, "ready"), free.withPermits(1)(Stage.during(lane, "worker", perform(work))))
  }
}

/** A modelled machine of its own. */
export const modelled: Effect.Effect<Machine["Service"]> = Effect.sync(() => {
  const thread = Semaphore.makeUnsafe(1)
  let cpuMs = 0
  const computing = (ms: number) =>
    Effect.andThen(
      Effect.sleep(ms),
      Effect.sync(() => void (cpuMs += ms))
    )
  const hold = (lane: string, ms: number) =>
    Effect.andThen(Stage.begin(lane, "ready"), thread.withPermits(1)(Stage.during(lane, "running", computing(ms))))
  return {
    call: (lane, work) => Effect.as(hold(lane, Work.costOf(work)), Work.resultOf(work)),
    cooperate: Effect.fnUntraced(function* (lane, work, slice) {
      const all = Work.stepsOf(work)
      let longestMs = 0
      for (let from = 0; from < all;) {
        const to = "steps" in slice ? Math.min(all, from + slice.steps) : Work.stepAfter(work, from, slice.budgetMs)
        const ms = Work.costOf(work, from, to)
        longestMs = Math.max(longestMs, ms)
        yield* hold(lane, ms)
        yield* Effect.yieldNow
        from = to
      }
      return { result: Work.resultOf(work), longestMs }
    }),
    sleep: (lane, ms) =>
      Effect.andThen(
        Stage.during(lane, "sleeping", Effect.sleep(ms)),
        Stage.during(lane, "ready", thread.withPermits(1)(Effect.void))
      ),
    withWorkers: (kind, { workers, cores }, use) => {
      const { boot, message, kibibyte, memory } = costs[kind]
      const taking = (ms: number) => Effect.as(Effect.sleep(ms), ms)
      return Effect.andThen(
        Effect.sleep(boot),
        use(
          workersOf(Math.min(workers, cores), {
            perform: (work) =>
              Effect.as(Effect.andThen(Effect.sleep(messageMs), computing(Work.costOf(work))), Work.resultOf(work)),
            stop: (task) => taking(task === "asks" ? noticeMs : graceMs + noticeMs),
            echo: (bytes, way = "copied") =>
              taking(message + (kind === "threads" && way !== "copied" ? 0 : (kibibyte * bytes) / 1024)),
            bootMs: boot,
            memory,
            crash: Effect.as(Effect.sleep(boot), { killed: "WorkerCrashed", other: "done" }),
            map: (items, chunk) => {
              const wallMs = Math.ceil(items / chunk) * messageMs + items * itemMs
              const sum = ((items - 1) * items * (2 * items - 1)) / 6
              return Effect.as(Effect.sleep(wallMs), { firstMs: messageMs + chunk * itemMs, wallMs, sum })
            }
          })
        )
      )
    },
    cpuMs: Effect.undefined,
    inLine: Effect.sync(() => ({ tookMs: 0, inLineMs: 0, loopMs: 0, cpuMs, workers: new Map<string, Spent>() })),
    heapBytes: Effect.undefined,
    blocked: (effect) => Effect.map(effect, (value) => [value, []])
  }
})
