/** What the Effect service adds to the engine; the laws of the engine are in `Executors.test.ts`. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as Deadline from "../../src/Deadline.ts"
import { Executor } from "../../src/Executor.ts"
import * as ProcessExecutor from "../../src/node/ProcessExecutor.ts"
import * as ThreadExecutor from "../../src/node/ThreadExecutor.ts"
import * as Task from "../../src/Task.ts"
import type * as Work from "../tasks/work.task.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))
const range = (length: number) => Array.from({ length }, (_, i) => i)

for (const [name, layer] of [
  ["threads", ThreadExecutor.layer({ maximum: 2, grace: "50 millis" })],
  ["processes", ProcessExecutor.layer({ maximum: 2, grace: "50 millis" })],
  ["inline", Executor.layerInline({ maximum: 2 })]
] as const)
  describe(`the executor service of ${name}`, () => {
    it.live("runs, maps and streams", () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        assert.strictEqual(yield* executor.submit(work.increment, [1]), 2)
        const items = range(1000)
        const expected = items.map((n) => n + 1)
        assert.deepStrictEqual(yield* Stream.runCollect(executor.map(items, work.increment)), expected)
        assert.deepStrictEqual(
          yield* Stream.runCollect(executor.map(Stream.fromIterable(items), work.increment)),
          expected
        )
        const unordered = yield* Stream.runCollect(executor.mapUnordered(items, work.increment, { chunk: 7 }))
        assert.deepStrictEqual(
          [...unordered].toSorted(([a], [b]) => a - b).map(([, value]) => value),
          expected
        )
        assert.deepStrictEqual(yield* Stream.runCollect(executor.stream(work.upTo, [100])), range(100))
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.take(executor.stream(work.upTo, [1e9]), 3)), [0, 1, 2])
      }).pipe(Effect.provide(layer))
    )

    it.live("fails with a reason that can be caught by its tag", () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        const message = yield* executor
          .submit(work.fail, ["wrong"])
          .pipe(
            Effect.catchReason("ExecutorError", "TaskFailed", ({ error }) => Effect.succeed((error as Error).message))
          )
        assert.strictEqual(message, "wrong")
        const exit = yield* Effect.exit(Stream.runCollect(executor.map(Stream.fail("the source"), work.increment)))
        assert.deepStrictEqual(exit, Exit.fail("the source"))
        const item = yield* Effect.flip(Stream.runDrain(executor.map(range(100), work.failAt)))
        assert.strictEqual(item.item, 13)
      }).pipe(Effect.provide(layer))
    )

    it.live("ends an interruption when no worker has the task", () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        const fibers = yield* Effect.forEach(range(5), () => Effect.forkChild(executor.submit(work.waitForSignal, [])))
        yield* Effect.yieldNow
        yield* Fiber.interruptAll(fibers)
        assert.strictEqual((yield* executor.statistics).open, 0)
        assert.strictEqual(yield* executor.submit(work.increment, [1]), 2)
      }).pipe(Effect.provide(layer))
    )

    it.live("tells a task the deadline of its fiber", () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        assert.strictEqual(yield* executor.submit(work.deadline, []), Infinity)
        const at = yield* Deadline.within("1 hour")(executor.submit(work.deadline, []))
        assert.isAtMost(Math.abs(at - Date.now() - 3_600_000), 60_000)
      }).pipe(Effect.provide(layer))
    )

    it.live("cancels what runs when its scope closes, and leaves nothing", () =>
      Effect.gen(function* () {
        const fiber = yield* Effect.scoped(
          Effect.gen(function* () {
            const executor = yield* Executor
            const fiber = yield* Effect.forkDetach(executor.submit(work.waitForSignal, []))
            yield* Effect.yieldNow
            return fiber
          }).pipe(Effect.provide(layer, { local: true }))
        )
        const error = yield* Effect.flip(Fiber.join(fiber))
        assert.strictEqual(error.reason._tag, "ShutDown")
      })
    )

    it.live("shows its statistics as data, as a stream and as metrics", () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        yield* executor.submit(work.increment, [1])
        const [now] = yield* Stream.runCollect(Stream.take(executor.statisticsEvery("1 second"), 1))
        assert.isAtLeast(now!.succeeded, 1)
        assert.isAtLeast(now!.run.count, 1)
        const names = (yield* Metric.snapshot).map(({ id }) => id)
        assert.include(names, "simul_executor_submitted")
      }).pipe(Effect.provide(layer))
    )
  })

for (const [name, layer] of [
  ["threads", ThreadExecutor.layer],
  ["processes", ProcessExecutor.layer],
  ["inline", Executor.layerInline]
] as const)
  it.live(`the executor service of ${name} takes null for options that are not given`, () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      const detached = { detach: null as never }
      for (const options of [null as never, detached])
        assert.strictEqual(yield* executor.submit(work.increment, [1], options), 2)
      for (const options of [null as never, detached])
        assert.deepStrictEqual(yield* Stream.runCollect(executor.stream(work.upTo, [1], options)), [0])
      assert.deepStrictEqual(yield* Stream.runCollect(executor.map([1], work.increment, null as never)), [2])
      yield* executor.shutdown(null as never)
    }).pipe(Effect.provide(layer(null as never)))
  )

describe("an executor that cannot start", () => {
  it.live("fails its layer with what is wrong", () =>
    Effect.gen(function* () {
      const open = (options: ThreadExecutor.ThreadExecutorOptions) =>
        Effect.map(Effect.flip(Effect.provide(Executor, ThreadExecutor.layer(options))), ({ reason }) => reason._tag)
      assert.strictEqual(yield* open({ maximum: -1 }), "InvalidOption")
      assert.strictEqual(yield* open({ setup: work.failingSetup }), "InitializationFailed")
      const missing = Task.module<typeof Work>(new URL("nowhere.task.ts", import.meta.url)).increment
      assert.strictEqual(yield* open({ tasks: [missing] }), "ModuleMissing")
    })
  )
})
