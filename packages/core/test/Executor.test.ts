import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import { Executor } from "../src/Executor.ts"
import * as Task from "../src/Task.ts"
import type * as Work from "./tasks/work.task.ts"

const { counted, increment, upTo, waitForSignal } = Task.module<typeof Work>(
  new URL("./tasks/work.task.ts", import.meta.url)
)

/**
 * Runs a program once for each operation of it and of the fibers that it starts, and interrupts it before that one.
 * Promises and tasks go their way meanwhile. Gives the number of operations.
 */
const sweep = Effect.fnUntraced(function* <A, E>(
  program: Effect.Effect<A, E>,
  judge: (exit: Exit.Exit<A, E>, operation: number) => Effect.Effect<void>
) {
  for (let operation = 1; ; operation++) {
    let operations = 0
    let victim: Fiber.Fiber<A, E> | undefined
    class Interrupting extends Scheduler.MixedScheduler {
      override shouldYield(fiber: Fiber.Fiber<unknown, unknown>): boolean {
        if (++operations !== operation) return super.shouldYield(fiber)
        // while that fiber is halted, before anyone else runs
        queueMicrotask(() => victim!.interruptUnsafe())
        return true
      }
    }
    victim = Effect.runFork(program, { scheduler: new Interrupting() })
    yield* judge(yield* Fiber.await(victim), operation)
    if (operations < operation) return operation - 1
  }
})

describe("an executor", () => {
  const programs: Record<
    string,
    (executor: Executor["Service"], source: Iterable<number>) => Effect.Effect<unknown, unknown>
  > = {
    submit: (executor) => executor.submit(increment, [1]),
    "submit, of a task that runs until it is cancelled": (executor) =>
      Effect.raceFirst(executor.submit(waitForSignal, []), Effect.yieldNow),
    "submit, detached": (executor) => executor.submit(increment, [1], { detach: true }),
    map: (executor, source) => Stream.runDrain(Stream.take(executor.map(source, increment, { chunk: 2 }), 6)),
    mapUnordered: (executor, source) =>
      Stream.runDrain(Stream.take(executor.mapUnordered(source, increment, { chunk: 2 }), 6)),
    stream: (executor) => Stream.runDrain(executor.stream(upTo, [5]))
  }
  for (const [name, program] of Object.entries(programs))
    it.live(`has no task of a fiber that was interrupted at any operation of ${name}`, () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        let sources = 0
        const source = {
          *[Symbol.iterator]() {
            sources++
            try {
              for (let n = 0; ; n++) yield n
            } finally {
              sources--
            }
          }
        }
        const points = yield* sweep(
          program(executor, source),
          Effect.fnUntraced(function* (exit, operation) {
            if (Exit.isFailure(exit)) assert.isTrue(Exit.hasInterrupts(exit), `operation ${operation}`)
            // a fiber is told of an end before it is counted
            yield* name === "submit, detached" ? executor.drain : Effect.yieldNow
            const { open, queued } = yield* executor.statistics
            const left = { open, queued, sources }
            assert.deepStrictEqual(left, { open: 0, queued: 0, sources: 0 }, `operation ${operation}`)
            // and its worker takes the next one
            assert.strictEqual(yield* Effect.orDie(executor.submit(increment, [operation])), operation + 1)
            yield* executor.drain
            assert.strictEqual((yield* executor.statistics).running, 0, `operation ${operation}`)
          })
        )
        assert.isAtLeast(points, 3)
      }).pipe(Effect.provide(Executor.layerInline()), Effect.scoped)
    )

  it.live("refuses options that only a promise has, and choices of an end that there are none of", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      const options = { signal: AbortSignal.abort() } as object
      const submit = "priority, key, timeout, idempotent, transfer, onProgress, detach"
      const map = "chunk, buffer, priority, idempotent, transfer"
      for (const [program, names] of [
        [executor.submit(increment, [1], options), submit],
        [Stream.runDrain(executor.stream(upTo, [1], options)), submit],
        [Stream.runDrain(executor.map([1], increment, options)), map]
      ] as const) {
        const { reason } = yield* Effect.flip(program)
        assert.strictEqual(reason.message, `an option must be one of ${names}, got signal`)
      }
      assert.isTrue(Exit.hasDies(yield* Effect.exit(executor.shutdown({ runing: "kill" } as object))))
      assert.strictEqual(yield* executor.submit(increment, [1]), 2)
    }).pipe(Effect.provide(Executor.layerInline()))
  )

  it.live("submits nothing of a stream, and opens no source, before the first pull", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      let opened = 0
      const source = { [Symbol.iterator]: () => (opened++, [1, 2].values()) }
      for (const [stream, first] of [
        [executor.stream(upTo, [1]), 0],
        [executor.map(source, increment), 2],
        [executor.mapUnordered(source, increment), [0, 2]]
      ] as const) {
        const before = { opened, submitted: (yield* executor.statistics).submitted }
        const pull = yield* Stream.toPull(stream as Stream.Stream<unknown>)
        assert.deepStrictEqual({ opened, submitted: (yield* executor.statistics).submitted }, before)
        assert.deepStrictEqual((yield* pull)[0], first)
      }
      assert.strictEqual(opened, 2)
    }).pipe(Effect.provide(Executor.layerInline()), Effect.scoped)
  )

  it.live("runs a generator at most 32 values ahead of what was read", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      const made = new Int32Array(new SharedArrayBuffer(8))
      let read = 0
      yield* executor.stream(counted, [made]).pipe(
        Stream.take(100),
        Stream.runForEach(() =>
          Effect.gen(function* () {
            for (let turn = 0; turn < 5; turn++) yield* Effect.promise(() => new Promise((wake) => setImmediate(wake)))
            assert.isAtMost(made[0]! - read++, 32)
          })
        )
      )
      assert.strictEqual(read, 100)
    }).pipe(Effect.provide(Executor.layerInline()), Effect.scoped)
  )

  it.live("has let go of a task when its interruption is over", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      yield* Effect.timeoutOption(executor.submit(waitForSignal, []), 1)
      assert.strictEqual((yield* executor.statistics).open, 0)
    }).pipe(Effect.provide(Executor.layerInline()), Effect.scoped)
  )
})
