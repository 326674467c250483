import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Run from "../../src/simulation/Run.ts"
import * as Stage from "../../src/scenario/Stage.ts"

/** The timelines of a program in virtual time, and what was heard while it ran. */
const staged = Effect.fnUntraced(function* (program: Effect.Effect<unknown, string, Stage.Stage>) {
  const heard: Array<Stage.StageEvent> = []
  const stage = Stage.make((event) => heard.push(event))
  yield* Run.run(Effect.provideService(program, Stage.Stage, stage))
  return { timelines: Stage.timelines(stage.events), events: stage.events, heard }
})

const spansOf = ([timeline]: ReturnType<typeof Stage.timelines>) =>
  timeline!.spans.map(({ lane, category, startMs, endMs }) => [timeline!.lanes[lane]!.name, category, startMs, endMs])

describe("a stage", () => {
  it.effect("draws what lanes do, and that they wait in between", () =>
    Effect.gen(function* () {
      const program = Stage.variant(
        "one",
        Stage.lane(
          "a",
          Effect.gen(function* () {
            yield* Stage.during("a", "running", Effect.sleep(10))
            yield* Effect.sleep(5)
            yield* Stage.during("a", "sleeping", Effect.sleep(20))
          })
        )
      )
      const { timelines, events, heard } = yield* staged(program)
      assert.deepStrictEqual(spansOf(timelines), [
        ["a", "running", 0, 10],
        ["a", "waiting", 10, 15],
        ["a", "sleeping", 15, 35]
      ])
      assert.deepInclude(timelines[0]!.lanes[0], {
        end: "ok",
        startMs: 0,
        endMs: 35,
        times: { running: 10, waiting: 5, sleeping: 20 }
      })
      assert.deepStrictEqual(heard, events)
    })
  )

  it.effect("tells how lanes end", () =>
    Effect.gen(function* () {
      const { timelines } = yield* staged(
        Stage.variant(
          "ends",
          Effect.gen(function* () {
            yield* Stage.lane("ok", Effect.void)
            yield* Effect.exit(Stage.lane("failed", Effect.fail("no")))
            yield* Effect.timeoutOption(Stage.lane("interrupted", Effect.never), 10)
          })
        )
      )
      assert.deepStrictEqual(
        timelines[0]!.lanes.map(({ name, end }) => [name, end]),
        [
          ["ok", "ok"],
          ["failed", "failed"],
          ["interrupted", "interrupted"]
        ]
      )
    })
  )

  it.effect("begins each variant at 0", () =>
    Effect.gen(function* () {
      const one = (title: string) => Stage.variant(title, Stage.during("a", "running", Effect.sleep(10)))
      const { timelines } = yield* staged(Effect.andThen(Effect.andThen(one("first"), Effect.sleep(7)), one("second")))
      assert.deepStrictEqual(
        timelines.map(({ title, durationMs, lanes }) => [title, durationMs, lanes[0]!.startMs]),
        [
          ["first", 10, 0],
          ["second", 10, 0]
        ]
      )
    })
  )

  it.effect("draws a run that still goes on up to the time that is asked for", () =>
    Effect.gen(function* () {
      const { events } = yield* staged(Stage.variant("one", Stage.during("a", "running", Effect.sleep(100))))
      const timelines = Stage.timelines(events, 40)
      assert.deepStrictEqual([timelines[0]!.durationMs, spansOf(timelines)], [40, [["a", "running", 0, 40]]])
    })
  )
})
