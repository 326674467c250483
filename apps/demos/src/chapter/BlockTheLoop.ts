/** One synchronous call, and everybody waits. */
import { Machine } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Ways from "@simul/core/scenario/Ways"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

const parameters = {
  block: Parameter.number("how long the call computes", { default: 400, minimum: 200, maximum: 5000, unit: "ms" })
}

/** What goes before and after, so that the timer is seen to run. */
const aroundMs = 100

export const blockTheLoop = Scenario.make({
  name: "block-the-loop",
  title: "A call that computes stops every timer",
  question: {
    text: ({ block }) =>
      `A timer fires each ${Ways.heartbeatMs} ms. A function computes for ${block} ms. How late is the timer?`,
    answer: "stall"
  },
  parameters,
  theory: ({ block }) => ({
    stall: {
      what: "the timer is late, computing",
      formula: "the call, less at most a beat",
      value: block,
      unit: "ms",
      virtual: Ways.heartbeatMs / block,
      real: 0.125
    },
    asleep: {
      what: "the timer is late, awaiting a sleep",
      formula: "0",
      value: Ways.heartbeatMs,
      unit: "ms",
      is: "at most",
      real: 2
    },
    named: { what: "the detector names", formula: "the function", value: "perform", only: "real" }
  }),
  lasts: ({ block }) => 2 * (block + 2 * aroundMs),
  program: Effect.fnUntraced(function* ({ block }) {
    const machine = yield* Machine
    const around = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Ways.felt(
        Effect.gen(function* () {
          yield* machine.sleep("task", aroundMs)
          yield* effect
          yield* machine.sleep("task", aroundMs)
        })
      )
    const [stall, functions] = yield* Stage.variant(
      "a call that computes",
      machine.blocked(Effect.map(around(machine.call("task", Work.spin(block))), ({ stallMs }) => stallMs))
    )
    const asleep = yield* Stage.variant(
      "a sleep that is awaited",
      Effect.map(around(machine.sleep("task", block)), ({ stallMs }) => stallMs)
    )
    return { stall, asleep, named: functions.find((name) => name === "perform") ?? functions.join(" ") }
  }),
  prose: ({ block }, { stall, asleep }) => [
    `Both tasks take ${block} ms. The one that awaits lets the timer fire, late by ${asleep.toFixed(1)} ms at most; the one that computes makes it ${stall.toFixed(0)} ms late. To the loop it makes no difference that the function is called from an async one.`,
    "In a real run the detector of this package names the function while it blocks: a second thread takes the stack of the first."
  ],
  corrections: [
    {
      says: "if this coroutine is a blocking function (I/O, sleeping) the flow is released back to the loop",
      is: "a blocking function keeps it: 400 ms late for 400 ms of computing. `await` releases only when what is awaited does not block"
    }
  ],
  model: "a thread is one token; who computes holds it, and a timer that is due waits for it."
})
