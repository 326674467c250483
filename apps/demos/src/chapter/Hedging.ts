/** A second request when the first is late: the tail of latencies gets short. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import { raceStaggered } from "@simul/core/StaggeredRace"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { quantile } from "./Responsiveness.ts"

const parameters = {
  requests: Parameter.whole("requests", { default: 400, minimum: 100, maximum: 5000 }),
  fast: Parameter.number("what most take", { default: 10, minimum: 1, maximum: 100, unit: "ms" }),
  slow: Parameter.number("what a few take", { default: 500, minimum: 200, maximum: 5000, unit: "ms" }),
  share: Parameter.number("how many those are", { default: 5, minimum: 2, maximum: 8, unit: "%" }),
  delay: Parameter.number("when a second request is sent", { default: 30, minimum: 1, maximum: 150, unit: "ms" })
}

type Values = Parameter.Values<typeof parameters>

/** Who calls, one call after the other each. */
const callers = Array.from({ length: 8 }, (_, index) => `caller ${index + 1}`)

export const hedging = Scenario.make({
  name: "hedging",
  title: "Hedged requests: paying a little for the tail",
  question: {
    text: ({ share, slow, delay, fast }) =>
      `${share} % of requests take ${slow} ms, the others ${fast}. A second one is sent after ${delay} ms. What is the p99?`,
    answer: "hedged"
  },
  parameters,
  theory: ({ fast, slow, share, delay }) => ({
    plain: { what: "p99, one request", formula: "slow", value: slow, unit: "ms", real: 0.1 },
    hedged: {
      what: "p99, a second one if it is late",
      formula: "delay + fast",
      value: Math.min(slow, delay + fast),
      unit: "ms",
      is: "at most",
      real: 1
    },
    gain: {
      what: "p99, times as short",
      formula: "slow / (delay + fast)",
      value: slow / Math.min(slow, delay + fast),
      is: "at least",
      // in a real run it says no more than the two that it is made of
      only: "virtual"
    },
    extra: {
      what: "requests more",
      formula: delay >= fast ? "those that are slow" : "all",
      value: delay >= fast ? 2 * share : 105,
      unit: "%",
      is: "at most",
      real: 0.5
    },
    both: { what: "medians differ by", formula: "0", value: fast, unit: "ms", is: "at most", real: 0 }
  }),
  lasts: ({ requests, fast, slow, share }) => (2 * requests * (fast + (share / 100) * slow)) / callers.length + slow,
  program: Effect.fnUntraced(function* ({ requests, fast, slow, share, delay }: Values) {
    const run = (title: string, isHedged: boolean) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const latencies: Array<number> = []
          let sent = 0
          const request = Effect.gen(function* () {
            sent++
            yield* Effect.sleep((yield* Random.next) < share / 100 ? slow : fast)
          })
          let left = requests
          const caller = (lane: string) =>
            Effect.gen(function* () {
              while (left-- > 0) {
                const began = yield* Stage.now
                yield* Stage.during(lane, "worker", isHedged ? raceStaggered([request, request], delay) : request)
                latencies.push((yield* Stage.now) - began)
              }
            })
          yield* Effect.forEach(callers, caller, { concurrency: "unbounded", discard: true })
          return { p99: quantile(latencies, 0.99), p50: quantile(latencies, 0.5), sent }
        })
      )
    const plain = yield* run("one request", false)
    const hedged = yield* run(`a second one after ${delay} ms`, true)
    return {
      plain: plain.p99,
      hedged: hedged.p99,
      gain: plain.p99 / hedged.p99,
      extra: (100 * (hedged.sent - requests)) / requests,
      both: Math.abs(hedged.p50 - plain.p50)
    }
  }),
  prose: ({ delay, share }, { plain, hedged, gain, extra }) => [
    `A second request after ${delay} ms, the first answer wins: p99 went from ${plain.toFixed(0)} to ${hedged.toFixed(0)} ms, ${gain.toFixed(1)} times as short, for ${extra.toFixed(1)} % more requests. Both must be slow for the answer to be, ${share} % of ${share} % or ${((share * share) / 100).toFixed(2)} % of calls (Dean and Barroso, "The tail at scale", 2013).`,
    "Only what may be done twice may be hedged, and the loser is interrupted: otherwise the extra load stays when it hurts most."
  ]
})
