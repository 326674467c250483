/** Three Fibonacci numbers, the largest first: whoever stands behind it waits. */
import { Machine } from "@simul/core/scenario/Machine"
import { model } from "@simul/core/scenario/Fibonacci"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

export const parameters = {
  large: Parameter.whole("the largest number's index", { default: 300_000, minimum: 60_000, maximum: 1_000_000 }),
  middle: Parameter.whole("the next one's", { default: 1000, minimum: 0, maximum: 50_000 }),
  small: Parameter.whole("the smallest one's", { default: 20, minimum: 0, maximum: 90 })
}

export const indexes = ({ large, middle, small }: Parameter.Values<typeof parameters>) => [large, middle, small]

/** The tutorial's loop as it stands: begins with 1, 2, and prints 0 and 1 without returning. */
const seed = (n: number): ReadonlyArray<bigint> => {
  const printed: Array<bigint> = []
  if (n === 0 || n === 1) printed.push(BigInt(n))
  let [a, b] = [1n, 2n]
  for (let index = 1; index < n; index++) [a, b] = [b, a + b]
  return [...printed, a]
}

export const fibSequential = Scenario.make({
  name: "fib-sequential",
  title: "Fibonacci numbers one after the other: the head of the line",
  question: {
    text: ({ large, small }) =>
      `F(${small}) takes microseconds. After how many milliseconds is it there, behind F(${large})?`,
    answer: "latency"
  },
  parameters,
  theory: (values) => {
    const all = indexes(values).map((n) => Work.costOf(Work.fibonacci(n)))
    return {
      digits: {
        what: "last digits of all three",
        formula: "fast doubling",
        value: indexes(values).map(Work.fibonacciDigits).join(" ")
      },
      latency: {
        what: "the smallest is there after",
        formula: "the costs before it",
        value: all.reduce((sum, ms) => sum + ms),
        unit: "ms",
        only: "virtual"
      },
      share: {
        what: "of that, the largest one",
        formula: "its share of the cost",
        value: 0.95,
        is: "at least",
        real: 0.02
      },
      million: {
        what: "F(1000000), by a million additions",
        formula: "fast doubling",
        value: Work.fibonacciDigits(1_000_000)
      },
      bug: {
        what: "the tutorial's f(20) and f(1000)",
        formula: "F(21) and F(1001): off by one",
        value: [21, 1001].map(Work.fibonacciDigits).join(" ")
      },
      twice: { what: "what its f(0) and f(1) print", formula: "two lines: they do not return", value: "0 1, 1 1" },
      once: { what: "what these print", formula: "a line each", value: "0, 1" }
    }
  },
  lasts: (values) => indexes(values).reduce((sum, n) => sum + Work.costOf(Work.fibonacci(n)), 0),
  program: Effect.fnUntraced(function* (values) {
    const machine = yield* Machine
    const ended: Array<number> = []
    const digits = yield* Stage.variant(
      "largest first",
      Effect.forEach(indexes(values), (n) =>
        Effect.gen(function* () {
          const result = yield* Stage.lane(`F(${n})`, machine.call(`F(${n})`, Work.fibonacci(n)))
          ended.push(yield* Stage.now)
          yield* Stage.say(`F(${n})`, `F(${n}) ends in ${result}`)
          return result
        })
      )
    )
    return {
      digits: digits.join(" "),
      latency: ended.at(-1)!,
      share: ended[0]! / ended.at(-1)!,
      million: Work.resultOf(Work.fibonacci(1_000_000)),
      bug: [20, 1000].map((n) => String(seed(n).at(-1)!).slice(-20)).join(" "),
      twice: [0, 1].map((n) => seed(n).join(" ")).join(", "),
      once: [0, 1].map((n) => Work.perform(Work.fibonacci(n))).join(", ")
    }
  }),
  prose: ({ large, small }, { latency, share }) => [
    `Nothing is wrong with F(${small}); it stands behind F(${large}). It was there after ${latency.toFixed(0)} ms, of which ${(100 * share).toFixed(1)} % were the other one's.`,
    "Spot it: the tutorial's loop begins with a, b = 1, 2. What does it print for 20? 10946, which is F(21); F(20) is 6765. And where n is 0 or 1 it prints and goes on, so it prints twice."
  ],
  corrections: [
    { says: "f(20) = 10946", is: "F(20) = 6765; the loop is one ahead, so every number in the tutorial is" },
    {
      says: "f(1000) ends in 91902245245323403501, f(1000000) in 42277359244926937501",
      is: "F(1000) ends in 76137795166849228875, F(1000000) in 68996526838242546875: again one ahead"
    },
    {
      says: "the last 20 digits, by % 10**20",
      is: "that drops zeros in front: of F(103), which ends in 00520536206896083277, it prints 18 digits. Here they are kept"
    }
  ],
  model
})
