/** Large Fibonacci numbers in four ways: what concurrency does for work that computes, and what parallelism does. */
import * as Effect from "effect/Effect"
import { messageMs } from "./Machine.ts"
import * as Parameter from "./Parameter.ts"
import * as Scenario from "./Scenario.ts"
import * as Ways from "./Ways.ts"
import * as Work from "./Work.ts"

const parameters = {
  n: Parameter.whole("which Fibonacci number", { default: 150_000, minimum: 1000, maximum: 1_000_000 }),
  tasks: Parameter.whole("how many times", { default: 4, minimum: 1, maximum: 16 }),
  cores: Parameter.whole("cores, at most those there are", { default: 2, minimum: 1, maximum: 16 })
}

/** What the modelled machine stands on. */
export const model = `an addition of the i-th numbers takes 50 + 0.024 i nanoseconds, fitted to a run of 300,000 additions; a task's way to a warm worker and back ${messageMs} ms; one thread is one token that whoever runs holds.`

export const fibonacci = Scenario.make({
  name: "fibonacci",
  title: "Large Fibonacci numbers: sequential, cooperative, threads, processes",
  question: {
    text: ({ tasks, cores }) =>
      `${tasks} equal numbers, ${cores} cores. How many times as fast are threads as calls in turn?`,
    answer: "threads"
  },
  parameters,
  theory: ({ n, tasks, cores }) => {
    const rounds = Math.ceil(tasks / cores)
    const one = Work.costOf(Work.fibonacci(n))
    return {
      digits: {
        what: "the last digits, in all four ways",
        formula: "fast doubling",
        value: Work.fibonacciDigits(n)
      },
      cooperative: { what: "times as fast, cooperative", formula: "1", value: 1, real: 0.3, virtual: 0.01 },
      threads: {
        what: "times as fast, threads",
        formula: "0.85 tasks / ceil(tasks / cores)",
        value: (0.85 * tasks) / rounds,
        is: "at least",
        real: 0.1
      },
      processes: {
        what: "times as fast, processes",
        formula: "the same",
        value: (0.85 * tasks) / rounds,
        is: "at least",
        real: 0.1
      },
      bound: {
        what: "no way is faster than",
        formula: "tasks / ceil(tasks / cores)",
        value: tasks / rounds,
        is: "at most",
        real: 0.1
      },
      stallSequential: {
        what: "a timer is late, sequential",
        formula: "one call less a beat",
        value: one - Ways.heartbeatMs,
        unit: "ms",
        is: "at least",
        only: "virtual"
      },
      stallCooperative: {
        what: "a timer is late, cooperative",
        formula: "tasks x 10 ms",
        value: 10 * (tasks + 1),
        unit: "ms",
        is: "at most",
        real: 1
      },
      stallThreads: {
        what: "a timer is late, threads",
        formula: "the loop is free",
        value: 10,
        unit: "ms",
        is: "at most",
        real: 4
      }
    }
  },
  lasts: ({ n, tasks }) => 4 * tasks * Work.costOf(Work.fibonacci(n)),
  program: Effect.fnUntraced(function* ({ n, tasks, cores }) {
    const works = Array.from({ length: tasks }, (_, index) => ({ lane: `F ${index + 1}`, work: Work.fibonacci(n) }))
    const run = (way: Ways.Way) => Ways.run(way, works, cores)
    const sequential = yield* run("sequential")
    const cooperative = yield* run("cooperative")
    const threads = yield* run("threads")
    const processes = yield* run("processes")
    const digits = new Set([sequential, cooperative, threads, processes].flatMap(({ results }) => results))
    const faster = ({ ownMs }: Ways.Outcome) => sequential.ownMs / ownMs
    return {
      digits: [...digits].join(" and "),
      cooperative: faster(cooperative),
      threads: faster(threads),
      processes: faster(processes),
      bound: Math.max(faster(threads), faster(processes)),
      stallSequential: sequential.stallMs,
      stallCooperative: cooperative.stallMs,
      stallThreads: threads.stallMs
    }
  }),
  prose: ({ tasks, cores }, { cooperative, threads, processes, stallSequential, stallCooperative, stallThreads }) => [
    `Turns do not make work less: cooperative is ${cooperative.toFixed(2)} times as fast as call after call. What they give is the loop: a timer is late by ${stallCooperative.toFixed(1)} ms at most instead of ${stallSequential.toFixed(0)}.`,
    `Threads are ${threads.toFixed(2)} times as fast, processes ${processes.toFixed(2)} times: ${tasks} tasks on ${cores} cores are ${Math.ceil(tasks / cores)} rounds instead of ${tasks}. And the loop stays free (${stallThreads.toFixed(1)} ms).`
  ],
  corrections: [
    {
      does: "nothing is said of the lock that keeps Python's threads from computing at the same time",
      is: "a ThreadPoolExecutor would not have sped this up there; a JavaScript worker thread has a heap and a loop of its own, so here it does"
    }
  ],
  model
})
