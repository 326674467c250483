/** Executors that tell a recorder: real workers, and what the timeline shows of their tasks. */
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { Executor } from "../../src/Executor.ts"
import * as ProcessExecutor from "../../src/node/ProcessExecutor.ts"
import * as ThreadExecutor from "../../src/node/ThreadExecutor.ts"
import * as Recorder from "../../src/Recorder.ts"
import * as Task from "../../src/Task.ts"
import type { Timeline } from "../../src/Timeline.ts"
import type * as Work from "../tasks/work.task.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

/** What workers ran: name, end and reason of each task, by worker. */
const ran = ({ lanes, spans }: Timeline) =>
  lanes.flatMap(({ name, group, end }, index) =>
    group === "workers"
      ? [
          [
            name,
            end,
            ...spans
              .filter(({ lane, category }) => lane === index && category === "worker")
              .map((span) => [span.name, span.arguments?.["end"], span.arguments?.["reason"]].join(" ").trim())
          ]
        ]
      : []
  )

for (const [name, layer] of [
  ["thread", ThreadExecutor.layer],
  ["process", ProcessExecutor.layer],
  ["inline", Executor.layerInline]
] as const)
  describe(`a recorded executor: ${name}`, () => {
    it.live("shows tasks with their fiber, their worker and why they failed", () =>
      Effect.gen(function* () {
        const recorder = yield* Recorder.make()
        const program = Effect.gen(function* () {
          const executor = yield* Executor
          const submit = Effect.fn("submit")((n: number) => executor.submit(work.increment, [n]))
          yield* submit(1)
          yield* Effect.flip(executor.submit(work.fail, ["wrong"]))
          yield* Stream.runDrain(executor.map([1, 2, 3], work.increment, { chunk: 3 }))
        })
        yield* recorder.record(Effect.provide(program, layer({ maximum: 1, onEvent: recorder.workers })))
        const timeline = recorder.timeline()
        assert.deepStrictEqual(ran(timeline), [
          [`${name} 1`, "ok", "increment ok", "fail failed TaskFailed", "increment ok"]
        ])
        const worker = timeline.lanes.findIndex(({ group }) => group === "workers")
        const submitted = timeline.flows!.find(({ kind }) => kind === "submit")
        assert.strictEqual(submitted!.to, worker)
        const result = timeline.flows!.find(({ kind, from }) => kind === "result" && from === worker)
        assert.strictEqual(result?.to, submitted!.from)
        // as seen on one clock: asked for, begun, ended, told
        assert.isAtLeast(submitted!.toMs, submitted!.fromMs)
        assert.isAtLeast(result!.fromMs, submitted!.toMs)
        assert.isAtLeast(result!.toMs, result!.fromMs)
      })
    )
  })

describe("a recorded executor", () => {
  it.live("shows a task that runs now, and the worker that was killed for it", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const program = Effect.gen(function* () {
        const executor = yield* Executor
        yield* executor.warm(1)
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          executor.submit(work.begin, ["spin", 60_000], {
            onProgress: () => Deferred.doneUnsafe(begun, Effect.void)
          })
        )
        yield* Deferred.await(begun)
        assert.deepStrictEqual(ran(recorder.timeline()), [["thread 1", undefined, "begin"]])
        yield* Fiber.interrupt(fiber)
      })
      yield* Effect.provide(program, ThreadExecutor.layer({ maximum: 1, grace: 0, onEvent: recorder.workers }))
      assert.deepInclude(ran(recorder.timeline()), ["thread 1", "interrupted", "begin killed Cancelled"])
    })
  )

  it.live("shows the worker that a task took with it", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const program = Effect.gen(function* () {
        yield* Effect.flip((yield* Executor).submit(work.exit, [3]))
      })
      yield* Effect.provide(program, ThreadExecutor.layer({ maximum: 1, onEvent: recorder.workers }))
      assert.deepInclude(ran(recorder.timeline()), ["thread 1", "failed", "exit failed WorkerCrashed"])
    })
  )
})
