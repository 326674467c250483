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

export const mapChunks = Scenario.make({
  name: "map-chunks",
  title: "How many items to a message",
  question: {
    text: () => "Squares of numbers, on a worker. How many times as fast are 256 to a message as one?",
    answer: "gain"
  },
  parameters,
  theory: ({ items }) => {
    const wall = (chunk: number) => Math.ceil(items / chunk) * messageMs + items * itemMs
    return {
      sum: {
        what: "the sum of the squares, each time",
        formula: "(n - 1) n (2 n - 1) / 6",
        value: ((items - 1) * items * (2 * items - 1)) / 6
      },
      gain: {
        what: "256 to a message / one",
        formula: "the ratio of their times",
        value: wall(1) / wall(256),
        only: "virtual"
      },
      atLeast: { what: "the same, at least", formula: "50", value: 50, is: "at least", real: 0.9 },
      monotone: {
        what: "chunks that are slower than smaller ones",
        formula: "0, up to 256",
        value: 0,
        only: "virtual"
      },
      latency: {
        what: "the first result, 1024 / one to a message",
        formula: "(message + 1024 items) / (message + item)",
        value: (messageMs + 1024 * itemMs) / (messageMs + itemMs),
        only: "virtual"
      }
    }
  },
  program: Effect.fnUntraced(function* ({ items }) {
    const machine = yield* Machine
    return yield* machine.withWorkers("threads", { workers: 1, cores: 1 }, ({ map }) =>
      Effect.gen(function* () {
        // a first round, so that the others find everything compiled
        yield* map(1024, 64)
        const found: Array<{ readonly firstMs: number; readonly wallMs: number; readonly sum: number }> = []
        yield* Stage.variant(
          "one size after the other",
          Effect.forEach(
            chunks,
            (chunk) =>
              Effect.gen(function* () {
                const lane = `${chunk} to a message`
                const mapped = yield* Stage.lane(lane, Stage.during(lane, "worker", map(items, chunk)))
                yield* Stage.say("items", `${chunk}: ${Math.round(items / mapped.wallMs)} items a millisecond`)
                found.push(mapped)
              }),
            { discard: true }
          )
        )
        const wall = (chunk: number) => found[chunks.indexOf(chunk)]!.wallMs
        const gain = wall(1) / wall(256)
        return {
          sum: new Set(found.map(({ sum }) => sum)).size === 1 ? found[0]!.sum : "not the same",
          gain,
          atLeast: gain,
          monotone: chunks.filter((chunk, index) => index > 0 && chunk <= 256 && wall(chunk) > wall(chunks[index - 1]!))
            .length,
          latency: found.at(-1)!.firstMs / found[0]!.firstMs
        }
      })
    )
  }),
  prose: (_, { gain, latency }) => [
    `A message costs as much as hundreds of such items. 256 to a message were ${gain.toFixed(0)} times as fast as one.`,
    `The other side: the first result of 1024 to a message came after ${latency.toFixed(1)} times the time. \`chunk: "auto"\` measures the items and sends about a millisecond of work.`
  ],
  model: `a message there and back takes ${messageMs} ms, an item ${itemMs} ms; messages do not overlap. In a real run this package sends short tasks ahead, so one to a message is better off than here.`
})
