/** Small requests while a large computation runs: inline, in turns, on a worker. */
import { Machine } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

const parameters = {
  job: Parameter.number("the large computation", { default: 600, minimum: 100, maximum: 5000, unit: "ms" }),
  requests: Parameter.whole("small requests", { default: 20, minimum: 5, maximum: 200 }),
  every: Parameter.number("time between two requests", { default: 50, minimum: 10, maximum: 500, unit: "ms" }),
  small: Parameter.number("what a request computes", { default: 1, minimum: 0.1, maximum: 5, unit: "ms" }),
  budget: Parameter.number("time between two yields, in turns", { default: 10, minimum: 1, maximum: 50, unit: "ms" })
}

/** The value that `share` of all are not above: nearest rank. */
export const quantile = (values: ReadonlyArray<number>, share: number): number =>
  values.toSorted((one, other) => one - other)[Math.max(0, Math.ceil(share * values.length) - 1)]!

export const responsiveness = Scenario.make({
  name: "responsiveness",
  title: "Small requests beside a large computation",
  question: {
    text: ({ job, every }) =>
      `A request comes each ${every} ms and takes 1. A computation of ${job} ms runs inline. What is the p99 latency?`,
    answer: "inline"
  },
  parameters,
  theory: ({ job, every, small, budget }) => ({
    inline: {
      what: "p99, computed inline",
      formula: "job - every + small",
      value: job - every + small,
      unit: "ms",
      real: 0.15
    },
    turns: {
      what: "p99, in turns",
      formula: "budget + 2 small",
      value: budget + 2 * small,
      unit: "ms",
      is: "at most",
      real: 1
    },
    pool: {
      what: "p99, on a worker",
      formula: "small",
      value: small,
      unit: "ms",
      is: "at most",
      real: 19
    },
    order: {
      what: "the shortest of them first",
      formula: "a worker, turns, inline",
      value: "pool turns inline",
      real: 0
    }
  }),
  lasts: ({ job, requests, every, small }) => 3 * (job + requests * (every + small)),
  program: Effect.fnUntraced(function* ({ job, requests, every, small, budget }) {
    const machine = yield* Machine
    const work = Work.spin(job)
    const run = <R>(title: string, large: Effect.Effect<unknown, never, R>) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const latencies: Array<number> = []
          const looks = [{ atMs: 0, inLineMs: (yield* machine.inLine).loopMs }]
          const request = (index: number) =>
            Effect.gen(function* () {
              const dueMs = index * every
              yield* Effect.sleep(dueMs)
              yield* Stage.lane(`request ${index}`, machine.call(`request ${index}`, Work.spin(small)))
              const [atMs, { loopMs: inLineMs }] = [yield* Stage.now, yield* machine.inLine]
              // what the loop stood in line for a core since it was last looked at is not the computation's doing
              const before = looks.findLast(({ atMs }) => atMs <= dueMs)!
              latencies.push(Math.max(small, atMs - dueMs - (inLineMs - before.inLineMs)))
              looks.push({ atMs, inLineMs })
            })
          const client = Effect.forEach(
            Array.from({ length: requests }, (_, index) => index + 1),
            request,
            { concurrency: "unbounded", discard: true }
          )
          yield* Effect.all([Stage.lane("job", large), client], { concurrency: 2 })
          return quantile(latencies, 0.99)
        })
      )
    const inline = yield* run("inline", machine.call("job", work))
    const turns = yield* run(`in turns of ${budget} ms`, machine.cooperate("job", work, { budgetMs: budget }))
    const pool = yield* machine.withWorkers("threads", { workers: 1, cores: 2 }, ({ submit }) =>
      run("on a worker", submit("job", work))
    )
    const order = Object.entries({ inline, turns, pool }).toSorted(([, one], [, other]) => one - other)
    return { inline, turns, pool, order: order.map(([name]) => name).join(" ") }
  }),
  prose: ({ job }, { inline, turns, pool }) => [
    `The same computation of ${job} ms, the same requests. Their p99 latency is ${inline.toFixed(0)} ms when it runs inline, ${turns.toFixed(1)} ms when it takes turns, ${pool.toFixed(1)} ms when a worker has it.`,
    "Turns cost nothing and need no worker, but each request still waits for one of them; a worker costs a message and leaves the loop alone."
  ],
  corrections: [
    {
      says: "concurrency gives better speed and responsiveness",
      is: "responsiveness is a number: the latency that 99 of 100 requests do not exceed. As it comes, 551, 10 and 1 ms"
    }
  ],
  model: "a thread is one token; work on it is done in the order of asking."
})
