/** What a thread pool means in Python and what it means here. */
import { model } from "@simul/core/scenario/Fibonacci"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Ways from "@simul/core/scenario/Ways"
import * as Work from "@simul/core/scenario/Work"
import * as Effect from "effect/Effect"

const parameters = {
  n: Parameter.whole("which Fibonacci number, twice", { default: 150_000, minimum: 20_000, maximum: 1_000_000 }),
  cores: Parameter.whole("cores, at most those there are", { default: 2, minimum: 2, maximum: 16 })
}

export const gilNote = Scenario.make({
  name: "gil-note",
  title: "Threads with one lock, threads without",
  question: {
    text: ({ n }) => `F(${n}) twice, on 2 worker threads. How many compute at a time?`,
    answer: "threads"
  },
  parameters,
  theory: () => ({
    lock: {
      what: "compute at a time, under one lock",
      formula: "1: whoever computes holds it",
      value: 1,
      virtual: 0.01,
      real: 0.1
    },
    threads: {
      what: "compute at a time, worker threads",
      formula: "2, less messages",
      value: 2,
      virtual: 0.01,
      real: 0.2
    }
  }),
  lasts: ({ n }) => 6 * Work.costOf(Work.fibonacci(n)),
  program: Effect.fnUntraced(function* ({ n, cores }) {
    const works = ["F 1", "F 2"].map((lane) => ({ lane, work: Work.fibonacci(n) }))
    yield* Ways.run("sequential", works, cores)
    // one thread whose holders change each 10 ms: that is what a global lock makes of two
    const locked = yield* Ways.run("cooperative", works, cores)
    const threads = yield* Ways.run("threads", works, cores)
    return { lock: locked.atOnce, threads: threads.atOnce }
  }),
  prose: (_, { lock, threads }) => [
    `In CPython one lock, the GIL, lets one thread compute at a time and changes hands each 5 ms. Two computing threads are then what two cooperative tasks are: ${lock.toFixed(2)} compute at a time, and both end no earlier than in turn. They pay where threads wait, for files or sockets, since who waits lets go of it.`,
    `A worker thread of JavaScript shares no objects, so it needs no such lock: ${threads.toFixed(2)} compute at a time, each on a core of its own. The price is that what goes there and back is copied, or moved, or lies in shared memory (see thread-vs-process).`
  ],
  corrections: [
    {
      does: "ThreadPoolExecutor is named and never shown, and there is no word of the GIL",
      is: "for this work it would have been 1.00 times as fast; only processes are faster, or a build without the lock (since Python 3.13)"
    }
  ],
  model
})
