/** Work that waits and work that computes, each in turn, as fibers and on threads. */
import { model } from "@simul/core/scenario/Fibonacci"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Ways from "@simul/core/scenario/Ways"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

const parameters = {
  tasks: Parameter.whole("tasks of each kind", { default: 4, minimum: 2, maximum: 16 }),
  wait: Parameter.number("how long one waits", { default: 200, minimum: 20, maximum: 2000, unit: "ms" }),
  n: Parameter.whole("which Fibonacci number one computes", { default: 120_000, minimum: 20_000, maximum: 500_000 }),
  cores: Parameter.whole("cores, at most those there are", { default: 2, minimum: 1, maximum: 16 })
}

export const concurrencyVsParallelism = Scenario.make({
  name: "concurrency-vs-parallelism",
  title: "Waiting together, computing together",
  question: {
    text: ({ tasks }) => `${tasks} tasks that compute, as ${tasks} fibers. How many times as fast as in turn?`,
    answer: "computeFibers"
  },
  parameters,
  theory: ({ tasks, cores }) => ({
    waitFibers: { what: "waiting, fibers", formula: "tasks", value: tasks, real: 0.2 },
    computeFibers: { what: "computing, fibers", formula: "1", value: 1, virtual: 0.01, real: 0.3 },
    computeThreads: {
      what: "computing, threads",
      formula: "tasks / ceil(tasks / cores)",
      value: tasks / Math.ceil(tasks / cores),
      virtual: 0.01,
      real: 0.25
    },
    waitThreads: {
      what: "waiting, one thread a core",
      formula: "tasks / ceil(tasks / cores)",
      value: tasks / Math.ceil(tasks / cores),
      real: 0.25
    }
  }),
  lasts: ({ tasks, wait, n }) => 3 * tasks * (wait + Work.costOf(Work.fibonacci(n))),
  program: Effect.fnUntraced(function* ({ tasks, wait, n, cores }) {
    const lanes = Array.from({ length: tasks }, (_, index) => `task ${index + 1}`)
    const waits = (title: string, concurrency: number) =>
      Stage.variant(
        title,
        Effect.andThen(
          Effect.forEach(lanes, (lane) => Stage.lane(lane, Stage.during(lane, "sleeping", Effect.sleep(wait))), {
            concurrency,
            discard: true
          }),
          Stage.now
        )
      )
    const waitInTurn = yield* waits("waiting, in turn", 1)
    const waitFibers = yield* waits("waiting, fibers", tasks)
    // a thread that waits is a thread that does nothing else
    const waitThreads = yield* waits("waiting, a thread each, as many as cores", cores)
    const works = lanes.map((lane) => ({ lane, work: Work.fibonacci(n) }))
    const computed = (way: Ways.Way) => Ways.run(way, works, cores, "computing")
    const inTurn = yield* computed("sequential")
    const fibers = yield* computed("cooperative")
    const threads = yield* computed("threads")
    return {
      waitFibers: waitInTurn / waitFibers,
      computeFibers: inTurn.ownMs / fibers.ownMs,
      computeThreads: inTurn.ownMs / threads.ownMs,
      waitThreads: waitInTurn / waitThreads
    }
  }),
  prose: ({ tasks, cores }, { waitFibers, computeFibers, computeThreads, waitThreads }) => [
    `Fibers make waiting ${waitFibers.toFixed(2)} times as fast, and computing ${computeFibers.toFixed(2)} times: waits overlap, but what is computed is still computed by one thread.`,
    `Threads make computing ${computeThreads.toFixed(2)} times as fast, by ${cores} cores. For ${tasks} tasks that wait, ${cores} threads are ${waitThreads.toFixed(2)} times as fast: a blocked thread is a dear way to wait.`
  ],
  corrections: [
    {
      says: "synchronous programs waste CPU by waiting, asynchronous ones cut the total time",
      is: "true of waiting only: as fibers 4 waits are 4 times as fast, and 4 computations 1.00 times"
    }
  ],
  model
})
