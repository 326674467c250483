/** Fibonacci numbers on workers: the tutorial's three, of which one is nearly all of the work, and equal ones. */
import { model } from "@simul/core/scenario/Fibonacci"
import { messageMs } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Ways from "@simul/core/scenario/Ways"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"
import { indexes, parameters as numbers } from "./FibSequential.ts"

const parameters = {
  ...numbers,
  equal: Parameter.whole("tasks of equal size, half of the largest", { default: 4, minimum: 2, maximum: 16 }),
  cores: Parameter.whole("cores, at most those there are", { default: 2, minimum: 1, maximum: 16 })
}

const threeOf = (values: Parameter.Values<typeof parameters>) =>
  indexes(values).map((n) => ({ lane: `F(${n})`, work: Work.fibonacci(n) }))

const equalOf = ({ large, equal }: Parameter.Values<typeof parameters>) => {
  const n = Math.floor(large / 2)
  return Array.from({ length: equal }, (_, index) => ({ lane: `F(${n}) ${index + 1}`, work: Work.fibonacci(n) }))
}

export const fibPool = Scenario.make({
  name: "fib-pool",
  title: "Fibonacci numbers on a pool: where it helps, where it cannot",
  question: {
    text: ({ large, middle, small }) =>
      `F(${large}), F(${middle}) and F(${small}) on a pool of processes. How many times as fast as in turn?`,
    answer: "unequal"
  },
  parameters,
  theory: (values) => {
    const { equal, cores } = values
    const costs = indexes(values).map((n) => Work.costOf(Work.fibonacci(n)))
    const bound = costs.reduce((sum, ms) => sum + ms) / Math.max(...costs)
    const rounds = Math.ceil(equal / Math.min(cores, equal))
    return {
      digits: {
        what: "last digits, everywhere the same",
        formula: "fast doubling",
        value: indexes(values).map(Work.fibonacciDigits).join(" ")
      },
      unequal: {
        what: "times as fast, the tutorial's three",
        formula: "at most all / the largest",
        value: bound,
        is: "at most",
        real: 0.05
      },
      threads: {
        what: "times as fast, equal ones, threads",
        formula: "0.85 tasks / rounds",
        value: (0.85 * equal) / rounds,
        is: "at least",
        real: 0.1
      },
      processes: {
        what: "times as fast, equal ones, processes",
        formula: "0.85 tasks / rounds",
        value: (0.85 * equal) / rounds,
        is: "at least",
        real: 0.1
      },
      modelled: {
        what: "pool's time, equal ones",
        formula: "rounds (cost + message)",
        value: rounds * (Work.costOf(Work.fibonacci(values.large / 2)) + messageMs),
        unit: "ms",
        only: "virtual"
      }
    }
  },
  lasts: (values) => {
    const costs = [
      ...indexes(values),
      ...indexes(values),
      ...Array.from({ length: 3 * values.equal }, () => values.large / 2)
    ]
    return costs.reduce((sum, n) => sum + Work.costOf(Work.fibonacci(n)), 0)
  },
  program: Effect.fnUntraced(function* (values) {
    const three = (way: Ways.Way) => Ways.run(way, threeOf(values), values.cores, "the tutorial's three")
    const equal = (way: Ways.Way) => Ways.run(way, equalOf(values), values.cores, `${values.equal} equal ones`)
    const inTurn = yield* three("sequential")
    const pooled = yield* three("processes")
    const equalInTurn = yield* equal("sequential")
    const threads = yield* equal("threads")
    const processes = yield* equal("processes")
    const digits = [inTurn, pooled].map(({ results }) => results.join(" "))
    return {
      digits: [...new Set(digits)].join(" and "),
      unequal: inTurn.ownMs / pooled.ownMs,
      threads: equalInTurn.ownMs / threads.ownMs,
      processes: equalInTurn.ownMs / processes.ownMs,
      modelled: processes.wallMs
    }
  }),
  prose: ({ equal, cores }, { unequal, threads, processes }) => [
    `The tutorial's three numbers on a pool are ${unequal.toFixed(2)} times as fast as in turn: nothing is faster than its longest part, and here that is nearly everything.`,
    `${equal} equal ones on ${cores} cores: ${threads.toFixed(2)} times as fast on threads, ${processes.toFixed(2)} times on processes. Whether a pool helps is decided by how the work divides before it is by the pool.`
  ],
  corrections: [
    {
      says: "the process pool gives an improvement in speed",
      is: "not for these three: 2.01 s in turn, 2.10 s on the pool, 0.95 times as fast. Divide the work first (see amdahl)"
    },
    {
      says: "run_in_executor takes a coroutine",
      is: "it takes a plain function; a coroutine function would come back as a coroutine that nobody awaits: 0 lines of it run"
    },
    {
      does: "the executor is never shut down, and main has no guard",
      is: "a pool is a scope here: when it closes 0 workers are left. Tasks are named by module, so a spawned child has nothing undefined"
    },
    {
      does: "a task reads `start`, and main uses `loop` before it is assigned",
      is: "a child that is spawned runs the module anew and finds neither: a NameError on Windows and macOS, on Linux from Python 3.14 on. What a task needs goes with it, 0 globals"
    }
  ],
  model
})
