/** Very many fibers that sleep: what one costs. */
import { Machine } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

const parameters = {
  fibers: Parameter.whole("fibers", { default: 100_000, minimum: 1000, maximum: 1_000_000 }),
  sleep: Parameter.number("how long each sleeps", { default: 2000, minimum: 100, maximum: 60_000, unit: "ms" })
}

export const fibersAtScale = Scenario.make({
  name: "fibers-at-scale",
  title: "Very many fibers, asleep",
  question: {
    text: ({ fibers, sleep }) => `${fibers} fibers sleep ${sleep} ms, all at once. How many KB does one of them take?`,
    answer: "kilobytes"
  },
  parameters,
  theory: ({ fibers, sleep }) => ({
    wall: { what: "until all are awake", formula: "one sleep", value: sleep, unit: "ms", real: 1 },
    sum: {
      what: "in turn it would be",
      formula: "fibers x sleep",
      value: (fibers * sleep) / 60_000,
      unit: "min"
    },
    awake: { what: "that woke", formula: "all", value: fibers },
    kilobytes: {
      what: "heap of one that sleeps",
      formula: "at most 1.6 KB",
      value: 1.6,
      unit: "KB",
      is: "at most",
      only: "real",
      real: 0.1
    }
  }),
  lasts: ({ fibers, sleep }) => sleep + fibers / 100,
  program: Effect.fnUntraced(function* ({ fibers, sleep }) {
    const machine = yield* Machine
    return yield* Stage.variant(
      `${fibers} fibers`,
      Effect.gen(function* () {
        let awake = 0
        const before = yield* machine.heapBytes
        const began = yield* Stage.now
        const sleeper = Effect.andThen(
          Effect.sleep(sleep),
          Effect.sync(() => awake++)
        )
        yield* Stage.begin("all of them", "sleeping")
        const all: Array<Fiber.Fiber<number>> = []
        for (let count = 0; count < fibers; count++) all.push(yield* Effect.forkChild(sleeper))
        yield* Stage.count("fibers", fibers)
        // each has come to its sleep after one turn of the loop
        yield* Effect.sleep(1)
        const asleep = yield* machine.heapBytes
        yield* Fiber.awaitAll(all)
        yield* Stage.pause("all of them")
        return {
          wall: (yield* Stage.now) - began,
          sum: (awake * sleep) / 60_000,
          awake,
          ...(before === undefined || asleep === undefined ? {} : { kilobytes: (asleep - before) / fibers / 1000 })
        }
      })
    )
  }),
  prose: ({ fibers }, { wall, sum, kilobytes }) => [
    `${fibers} sleeps took ${wall.toFixed(0)} ms together; in turn they would take ${sum.toFixed(0)} minutes. ${
      kilobytes === undefined
        ? "What a fiber takes in memory only a real run can tell."
        : `One fiber asleep takes ${kilobytes.toFixed(2)} KB of heap; a worker thread takes some 10,000.`
    }`
  ]
})
