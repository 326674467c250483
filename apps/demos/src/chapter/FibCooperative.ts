/** The same numbers taking turns: after a number of steps, or after a time. */
import { model } from "@simul/core/scenario/Fibonacci"
import { Machine, type Slice } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"
import { indexes, parameters as numbers } from "./FibSequential.ts"

const parameters = {
  ...numbers,
  steps: Parameter.whole("steps between two yields, as in the tutorial", {
    default: 50_000,
    minimum: 1000,
    maximum: 1_000_000
  }),
  budget: Parameter.number("time between two yields", { default: 10, minimum: 1, maximum: 1000, unit: "ms" })
}

export const fibCooperative = Scenario.make({
  name: "fib-cooperative",
  title: "Fibonacci numbers that take turns: by steps, by time",
  question: {
    text: ({ steps }) => `It yields each ${steps} steps. How many milliseconds is the longest stretch without a yield?`,
    answer: "longestSteps"
  },
  parameters,
  theory: (values) => {
    const { large, steps, budget } = values
    const work = Work.fibonacci(large)
    const last = large % steps === 0 ? large - steps : large - (large % steps)
    const before = Math.max(0, last - steps)
    const longest = Math.max(Work.costOf(work, last, large), Work.costOf(work, before, Math.min(large, before + steps)))
    return {
      digits: {
        what: "last digits of all three",
        formula: "fast doubling",
        value: indexes(values).map(Work.fibonacciDigits).join(" ")
      },
      order: {
        what: "order of their ends",
        formula: "short ones first",
        value: large > values.middle ? `${values.middle} ${values.small} ${large}` : ""
      },
      longestSteps: {
        what: "longest stretch, by steps",
        formula: "cost of the last whole slice",
        value: longest,
        unit: "ms",
        only: "virtual"
      },
      longestBudget: {
        what: "longest stretch, by time",
        formula: "the budget",
        value: budget,
        unit: "ms",
        is: "at most",
        virtual: 0.01,
        real: 0.5
      },
      longer: {
        what: "longest by steps / by time",
        formula: "a quarter of the model's, at least",
        value: longest / Math.min(budget, longest) / 4,
        is: "at least",
        real: 0
      },
      overhead: {
        what: "time by time / by steps",
        formula: "1: turns cost little",
        value: 1.05,
        is: "at most",
        real: 0.05
      }
    }
  },
  lasts: (values) => 2 * indexes(values).reduce((sum, n) => sum + Work.costOf(Work.fibonacci(n)), 0),
  program: Effect.fnUntraced(function* (values) {
    const machine = yield* Machine
    const run = (title: string, slice: Slice) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const order: Array<number> = []
          const before = yield* machine.cpuMs
          const all = yield* Effect.forEach(
            indexes(values),
            (n) =>
              Effect.tap(
                Stage.lane(`F(${n})`, machine.cooperate(`F(${n})`, Work.fibonacci(n), slice)),
                Effect.sync(() => order.push(n))
              ),
            { concurrency: "unbounded" }
          )
          const after = yield* machine.cpuMs
          return {
            digits: all.map(({ result }) => result).join(" "),
            longestMs: Math.max(...all.map(({ longestMs }) => longestMs)),
            order: order.join(" "),
            ms: before === undefined || after === undefined ? yield* Stage.now : after - before
          }
        })
      )
    const bySteps = yield* run(`a turn each ${values.steps} steps`, { steps: values.steps })
    const byTime = yield* run(`a turn each ${values.budget} ms`, { budgetMs: values.budget })
    return {
      digits: bySteps.digits === byTime.digits ? byTime.digits : `${bySteps.digits} and ${byTime.digits}`,
      order: bySteps.order === byTime.order ? byTime.order : `${bySteps.order} and ${byTime.order}`,
      longestSteps: bySteps.longestMs,
      longestBudget: byTime.longestMs,
      longer: bySteps.longestMs / byTime.longestMs,
      overhead: byTime.ms / bySteps.ms
    }
  }),
  prose: ({ steps, budget }, { order, longestSteps, longestBudget, overhead }) => [
    `The short ones end first (${order}), though the longest began first: it lets them in at its first yield.`,
    `But a step is no measure of time: numbers grow, and the last ${steps} additions cost many times the first. By steps the loop is held for ${longestSteps.toFixed(0)} ms at a stretch; by a budget of ${budget} ms for ${longestBudget.toFixed(1)} ms. The whole takes ${overhead.toFixed(2)} times as long.`
  ],
  corrections: [
    {
      says: "yielding each 50,000 iterations keeps the program responsive",
      is: "at 300,000 the longest block between two yields was 268 to 342 ms; with a time budget of 10 ms it was 12"
    },
    {
      says: "the sequential version was faster",
      is: "there is no number there. 1174 ms in turn, 1254 by steps, 1130 by time: the same, but for some percent"
    }
  ],
  model
})
