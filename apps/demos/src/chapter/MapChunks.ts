/** Tiny items over a worker: how many to a message? */
import { itemMs, Machine, messageMs } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"

const parameters = {
  items: Parameter.whole("numbers to square", { default: 16_384, minimum: 1024, maximum: 1_000_000 })
}

const chunks = [1, 4, 16, 64, 256, 1024]

/** Each size so often; the cheapest time counts, for whatever else goes on only adds to one. */
const rounds = 5

const messages = (items: number, chunk: number) => Math.ceil(items / chunk)

export const mapChunks = Scenario.make({
  name: "map-chunks",
  title: "How many items to a message",
  question: {
    text: () => "Squares of numbers, on a worker. How many times as cheap are 256 to a message as one?",
    answer: "gain"
  },
  parameters,
  theory: ({ items }) => {
    const cost = (chunk: number) => messages(items, chunk) * messageMs + items * itemMs
    return {
      sum: {
        what: "the sum of the squares, each time",
        formula: "(n - 1) n (2 n - 1) / 6",
        value: ((items - 1) * items * (2 * items - 1)) / 6
      },
      gain: {
        what: "one to a message / 256",
        formula: "the ratio of their times",
        value: cost(1) / cost(256),
        only: "virtual"
      },
      atLeast: { what: "the same, at least", formula: "50", value: 50, is: "at least", real: 0 },
      monotone: { what: "sizes that cost more than smaller ones", formula: "0, up to 256", value: 0 },
      law: {
        what: "16 to a message / what 1 and 1024 foretell",
        formula: "messages a + items b: two times give a, b",
        value: 1,
        real: 0.3
      },
      latency: {
        what: "the first result, 1024 / one to a message",
        formula: "(message + 1024 items) / (message + item)",
        value: (messageMs + 1024 * itemMs) / (messageMs + itemMs),
        only: "virtual"
      }
    }
  },
  lasts: ({ items }) =>
    rounds * chunks.reduce((sum, chunk) => sum + messages(items, chunk) * messageMs + items * itemMs, 0),
  program: Effect.fnUntraced(function* ({ items }) {
    const machine = yield* Machine
    return yield* machine.withWorkers("threads", { workers: 1, cores: 1 }, ({ map }) =>
      Effect.gen(function* () {
        // a first round, so that the others find everything compiled
        yield* map(1024, 1)
        yield* map(1024, 64)
        /** What it took of the processor; of the clock, in a model. */
        const mapped = Effect.fnUntraced(function* (chunk: number) {
          const before = yield* machine.cpuMs
          const { firstMs, wallMs, sum } = yield* map(items, chunk)
          const after = yield* machine.cpuMs
          return { firstMs, sum, ms: before === undefined || after === undefined ? wallMs : after - before }
        })
        const found = yield* Stage.variant(
          `so many items to a message, ${rounds} times each`,
          Effect.forEach(chunks, (chunk) =>
            Effect.gen(function* () {
              const lane = chunk === 1 ? "1 item" : `${chunk} items`
              const all = yield* Stage.lane(
                lane,
                Effect.forEach(Array.from({ length: rounds }), () => Stage.during(lane, "worker", mapped(chunk)))
              )
              const ms = Math.min(...all.map(({ ms }) => ms))
              yield* Stage.say("to a message", `${lane}: ${Math.round(items / ms)} a millisecond`)
              return { ms, firstMs: Math.min(...all.map(({ firstMs }) => firstMs)), sums: all.map(({ sum }) => sum) }
            })
          )
        )
        const cost = (chunk: number) => found[chunks.indexOf(chunk)]!.ms
        const sums = new Set(found.flatMap(({ sums }) => sums))
        const message = (cost(1) - cost(1024)) / (messages(items, 1) - messages(items, 1024))
        const foretold = cost(1024) + (messages(items, 16) - messages(items, 1024)) * message
        const gain = cost(1) / cost(256)
        return {
          sum: sums.size === 1 ? [...sums][0]! : "not the same",
          gain,
          atLeast: gain,
          monotone: chunks.filter((chunk, index) => index > 0 && chunk <= 256 && cost(chunk) > cost(chunks[index - 1]!))
            .length,
          law: cost(16) / foretold,
          latency: found.at(-1)!.firstMs / found[0]!.firstMs
        }
      })
    )
  }),
  prose: (_, { gain, law, latency }) => [
    `A message costs as much as hundreds of such items. 256 to a message were ${gain.toFixed(0)} times as cheap as one. A cost for each message and one for each item explain all of it: from the times for 1 and 1024 that for 16 is foretold, and it was ${law.toFixed(2)} of that.`,
    `The other side: the first result of 1024 to a message came after ${latency.toFixed(1)} times the time. \`chunk: "auto"\` measures the items and sends about a millisecond of work.`
  ],
  model: `a message there and back takes ${messageMs} ms, an item ${itemMs} ms; messages do not overlap. A real run counts time of the processor, and this package sends short tasks ahead, so one to a message is better off there.`
})
