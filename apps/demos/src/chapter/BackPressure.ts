/** A fast producer and a slow consumer: what stands between them decides who pays. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Queue from "effect/Queue"

const parameters = {
  items: Parameter.whole("items", { default: 120, minimum: 20, maximum: 2000 }),
  produce: Parameter.number("time to make one", { default: 5, minimum: 1, maximum: 100, unit: "ms" }),
  consume: Parameter.number("time to use one", { default: 15, minimum: 1, maximum: 300, unit: "ms" }),
  capacity: Parameter.whole("places in a bounded queue", { default: 8, minimum: 1, maximum: 1000 })
}
type Values = Parameter.Values<typeof parameters>

const run = (
  title: string,
  make: Effect.Effect<Queue.Queue<number, Cause.Done>>,
  { items, produce, consume }: Values
) =>
  Stage.variant(
    title,
    Effect.gen(function* () {
      const queue = yield* make
      let peak = 0
      let accepted = 0
      let refused = 0
      let consumed = 0
      let producedMs = 0
      const producer = Effect.gen(function* () {
        for (let item = 0; item < items; item++) {
          yield* Stage.during("producer", "running", Effect.sleep(produce))
          if (yield* Queue.offer(queue, item)) accepted++
          else refused++
          const size = yield* Queue.size(queue)
          peak = Math.max(peak, size)
          yield* Stage.count("queue", size)
        }
        producedMs = yield* Stage.now
        yield* Queue.end(queue)
      })
      const consumer = Pull.catchDone(
        Effect.forever(
          Effect.gen(function* () {
            yield* Queue.take(queue)
            yield* Stage.count("queue", yield* Queue.size(queue))
            yield* Stage.during("consumer", "running", Effect.sleep(consume))
            consumed++
          })
        ),
        () => Effect.void
      )
      yield* Effect.all([Stage.lane("producer", producer), Stage.lane("consumer", consumer)], { concurrency: 2 })
      return { peak, accepted, refused, consumed, producedMs, wallMs: yield* Stage.now }
    })
  )

export const backPressure = Scenario.make({
  name: "back-pressure",
  title: "A fast producer, a slow consumer, and what is between them",
  question: {
    text: ({ items, produce, consume }) =>
      `${items} items, one made each ${produce} ms and one used each ${consume} ms. How many wait at most, without a bound?`,
    answer: "unbounded"
  },
  parameters,
  theory: ({ items, produce, consume, capacity }) => {
    const isFast = produce < consume
    return {
      unbounded: {
        what: "most that wait, no bound",
        formula: "items (1 - produce / consume)",
        value: isFast ? items * (1 - produce / consume) : 0,
        virtual: isFast ? 3 / (items * (1 - produce / consume)) : 0,
        is: isFast ? "equal" : "at least",
        real: 0.2
      },
      bounded: { what: "most that wait, bounded", formula: "capacity", value: capacity, is: "at most" },
      slowed: {
        what: "the producer is done, bounded",
        formula: isFast ? "(items - capacity) consume, nearly" : "items produce",
        value: isFast ? (items - capacity - 1) * consume : items * produce,
        unit: "ms",
        is: "at least",
        virtual: 0.05,
        real: 0.1
      },
      lost: { what: "lost, bounded or not", formula: "0", value: 0 },
      dropped: {
        what: "dropped, where full means drop",
        formula: "produced - consumed",
        value: isFast ? Math.max(0, items * (1 - produce / consume) - capacity) : 0,
        virtual: 0.1,
        is: isFast ? "equal" : "at least",
        real: 0.3
      },
      account: { what: "produced - consumed - dropped", formula: "0: each has its end", value: 0 }
    }
  },
  lasts: ({ items, produce, consume }) => 3 * items * (produce + consume),
  program: Effect.fnUntraced(function* (values) {
    const { items, capacity } = values
    const unbounded = yield* run("no bound", Queue.unbounded<number, Cause.Done>(), values)
    const bounded = yield* run(
      `bounded at ${capacity}: who makes waits`,
      Queue.bounded<number, Cause.Done>(capacity),
      values
    )
    const dropping = yield* run(
      `bounded at ${capacity}: what has no place is dropped`,
      Queue.dropping<number, Cause.Done>(capacity),
      values
    )
    return {
      unbounded: unbounded.peak,
      bounded: bounded.peak,
      slowed: bounded.producedMs,
      lost: 2 * items - unbounded.consumed - bounded.consumed,
      dropped: dropping.refused,
      account: items - dropping.consumed - dropping.refused
    }
  }),
  prose: ({ items }, { unbounded, bounded, slowed, dropped }) => [
    `Without a bound ${unbounded} of ${items} items waited in memory, and a longer list would have had more of them there. Nobody noticed: that is what makes it dangerous.`,
    `With a bound ${bounded} waited, and the producer, held back, was done after ${slowed.toFixed(0)} ms. Back-pressure is only this: whoever is too fast waits. Where it cannot wait one drops, ${dropped} of ${items} here, and counts them.`
  ]
})
