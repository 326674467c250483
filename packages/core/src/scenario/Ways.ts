/** The same work in four ways: call after call, cooperatively, on threads, on processes; and what the event loop feels of it. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Machine } from "./Machine.ts"
import * as Stage from "./Stage.ts"
import type { Work } from "./Work.ts"

export const ways = ["sequential", "cooperative", "threads", "processes"] as const
export type Way = (typeof ways)[number]

export const titles: { readonly [_ in Way]: string } = {
  sequential: "call after call",
  cooperative: "cooperative, 10 ms at a time",
  threads: "on threads",
  processes: "on processes"
}

export interface Outcome {
  readonly results: ReadonlyArray<string>
  readonly wallMs: number
  /** What it would have been on cores of its own. */
  readonly ownMs: number
  /** How many computed at a time: processor time by `ownMs`. */
  readonly atOnce: number
  /** The longest that a timer was late because the loop was busy. */
  readonly stallMs: number
  /** When each ended. */
  readonly endedMs: ReadonlyArray<number>
  /** CPU time with the workers' start and end, where it can be measured. */
  readonly cpuMs: number | undefined
}

/**
 * Runs work, and tells how long it would have taken on cores of its own: by the clock, less what the event loop,
 * and the worker that has most to do, stood in line for a core which other programs had.
 */
export const onOwnCores = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const machine = yield* Machine
    const [before, beganMs] = [yield* machine.inLine, yield* Stage.now]
    const value = yield* effect
    const [after, endedMs] = [yield* machine.inLine, yield* Stage.now]
    const wallMs = endedMs - beganMs
    const workers = Array.from(after.workers, ([worker, { tookMs, inLineMs }]) => {
      const since = before.workers.get(worker) ?? { tookMs: 0, inLineMs: 0 }
      return { tookMs: tookMs - since.tookMs, ownMs: tookMs - since.tookMs - (inLineMs - since.inLineMs) }
    })
    // where others had the cores one worker may have been kept waiting long after the rest were done
    const longestMs = Math.max(...workers.map(({ tookMs }) => tookMs), 0)
    const ofLoopMs = Math.max(0, wallMs - longestMs - (after.loopMs - before.loopMs))
    const ownMs = ofLoopMs + Math.max(...workers.map(({ ownMs }) => ownMs), 0)
    return { value, ownMs, atOnce: (after.cpuMs - before.cpuMs) / ownMs }
  })

/** A timer's period while others work. */
export const heartbeatMs = 10

/** The timer's lane. */
const timer = `${heartbeatMs} ms timer`

/** Runs something beside a timer that tells how late it fires: by what the loop did, not by other programs. */
export const felt = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const machine = yield* Machine
    let stallMs = 0
    const ownMs = Effect.zipWith(Stage.now, machine.inLine, (now, { loopMs }) => now - loopMs)
    let dueMs = heartbeatMs + (yield* ownMs)
    const late = Effect.map(ownMs, (now) => Math.max(stallMs, now - dueMs))
    const beat = Effect.gen(function* () {
      yield* machine.sleep(timer, heartbeatMs)
      stallMs = yield* late
      dueMs = heartbeatMs + (yield* ownMs)
    })
    const heart = yield* Effect.forkChild(Effect.forever(beat), { startImmediately: true })
    const value = yield* effect
    // a beat that could not come yet was held up, too
    stallMs = yield* late
    yield* Fiber.interrupt(heart)
    return { value, stallMs }
  })

interface Task {
  readonly lane: string
  readonly work: Work
}

/** Does all of the work in one way, as a variant of its own; `what` is done stands before how, where there are several. */
export const run = (way: Way, works: ReadonlyArray<Task>, cores: number, what?: string) =>
  Effect.gen(function* () {
    const machine = yield* Machine
    const before = yield* machine.cpuMs
    const outcome = yield* perform(way, works, cores, what === undefined ? titles[way] : `${what}, ${titles[way]}`)
    const after = yield* machine.cpuMs
    return { ...outcome, cpuMs: before === undefined || after === undefined ? undefined : after - before }
  })

const perform = (way: Way, works: ReadonlyArray<Task>, cores: number, title: string) =>
  Effect.gen(function* () {
    const machine = yield* Machine
    const endedMs: Array<number> = []
    const all = (
      perform: (lane: string, work: Work) => Effect.Effect<string, never, Stage.Stage>,
      concurrency: 1 | "unbounded"
    ) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const { value, stallMs } = yield* felt(
            onOwnCores(
              Effect.forEach(
                works,
                ({ lane, work }, index) =>
                  Effect.gen(function* () {
                    const result = yield* Stage.lane(lane, perform(lane, work))
                    endedMs[index] = yield* Stage.now
                    return result
                  }),
                { concurrency }
              )
            )
          )
          const { value: results, ...own } = value
          return { results, stallMs, endedMs, wallMs: Math.max(...endedMs), ...own } satisfies Omit<Outcome, "cpuMs">
        })
      )
    switch (way) {
      case "sequential":
        return yield* all(machine.call, 1)
      case "cooperative":
        return yield* all(
          (lane, work) => Effect.map(machine.cooperate(lane, work, { budgetMs: 10 }), ({ result }) => result),
          "unbounded"
        )
      case "threads":
      case "processes":
        return yield* machine.withWorkers(way, { workers: Math.min(works.length, cores), cores }, ({ submit }) =>
          all(submit, "unbounded")
        )
    }
  })
