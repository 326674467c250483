/**
 * Do the hooks do in this version of Effect what the recorder believes? A small
 * program of fixed outcome is recorded and the record compared. It runs in
 * place, on a queue and a clock of its own, and takes about a millisecond.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import type { Timeline } from "../Timeline.ts"

/** What of a recorder is tested. */
interface Tested {
  readonly record: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  readonly timeline: () => Timeline
}

const program = Effect.gen(function* () {
  const signal = yield* Deferred.make<void>()
  const first = yield* Effect.forkChild(Effect.andThen(Effect.yieldNow, Deferred.await(signal)))
  yield* Effect.yieldNow
  yield* Effect.yieldNow
  yield* Deferred.succeed(signal, undefined)
  yield* Fiber.await(first)
  const second = yield* Effect.forkChild(Effect.never)
  yield* Effect.yieldNow
  yield* Fiber.interrupt(second)
})

/** Each fiber: its parent's place, its end, and what it went through in order. */
const expected = [
  "- ok: running, yield, running, yield, running, yield, running",
  "0 ok: ready, running, yield, running, callback, running",
  "0 interrupted: ready, running, callback, running"
]

/** Empty if all is well, else what was found instead of what was expected. */
export const selfTest = (make: (context: Context.Context<never>) => Tested): string => {
  try {
    const found = observed(make)
    const wrong = expected.findIndex((line, index) => line !== found[index])
    if (wrong < 0 && found.length === expected.length) return ""
    return explain(`fiber ${wrong} should be "${expected[wrong] ?? "none"}" and was "${found[wrong] ?? "not seen"}"`)
  } catch (error) {
    return explain(String(error))
  }
}

const explain = (fact: string) =>
  `fibers cannot be followed with this version of effect, only counted: ${fact}. Use the version of effect that @simul/core names`

const observed = (make: (context: Context.Context<never>) => Tested): ReadonlyArray<string> => {
  const tasks: Array<() => void> = []
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: () => false,
    makeDispatcher: () => ({ scheduleTask: (task) => void tasks.push(task), flush: () => {} })
  }
  let ticks = 0
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => 0,
    currentTimeMillis: Effect.succeed(0),
    currentTimeNanosUnsafe: () => 0n,
    currentTimeNanos: Effect.succeed(0n),
    monotonicTimeNanosUnsafe: () => BigInt(++ticks) * 1_000_000n,
    monotonicTimeNanos: Effect.succeed(0n),
    sleep: () => Effect.void
  }
  const recorder = make(Context.make(Clock.Clock, clock) as never)
  const fiber = Effect.runFork(recorder.record(program), { scheduler })
  for (let steps = 0; steps < 100 && tasks.length > 0; steps++) tasks.shift()!()
  if (fiber.pollUnsafe()?._tag !== "Success") throw new Error("the program did not end")
  const { lanes, spans } = recorder.timeline()
  return lanes.map(
    ({ parent, end }, index) =>
      `${parent ?? "-"} ${end ?? "alive"}: ${spans
        .filter(({ lane }) => lane === index)
        .map(({ name }) => name)
        .join(", ")}`
  )
}
