/** `wait`, `gather` and `as_completed`: what becomes of results, and of errors. */
import { asCompleted } from "@simul/core/Concurrently"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Stage from "@simul/core/scenario/Stage"
import { waitFor } from "@simul/core/WaitFor"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"

const parameters = {
  step: Parameter.number("c ends after it, b fails after 2, a ends after 3", {
    default: 100,
    minimum: 20,
    maximum: 1000,
    unit: "ms"
  })
}

const names = ["a", "b", "c"] as const
type Name = (typeof names)[number]

const work = (step: number, name: Name) =>
  Stage.lane(
    name,
    Effect.gen(function* () {
      yield* Stage.during(name, "sleeping", Effect.sleep(step * { a: 3, b: 2, c: 1 }[name]))
      if (name === "b") return yield* Effect.fail("b is gone")
      return name
    })
  )

export const wat = Scenario.make({
  name: "wat",
  title: "wait, gather, as_completed: where do errors go?",
  question: {
    text: () => "Three tasks, one of which fails. How many errors does `wait` for all of them raise?",
    answer: "raisedByWait"
  },
  parameters,
  theory: ({ step }) => ({
    first: { what: "wait for the first: done | pending", formula: "the shortest | the others", value: "c | a b" },
    firstMs: { what: "that took", formula: "the shortest", value: step, unit: "ms", real: 0.3 },
    raisedByWait: { what: "errors that wait raises", formula: "none: it only looks", value: 0 },
    found: { what: "errors found in what is done", formula: "all that happened", value: 1 },
    gatherMs: { what: "gather fails after", formula: "the first failure", value: 2 * step, unit: "ms", real: 0.3 },
    interrupted: { what: "others that it interrupts", formula: "those that still run", value: "a" },
    completed: {
      what: "as completed",
      formula: "by their end, failures too",
      value: "c ok, b failed, a ok"
    }
  }),
  lasts: ({ step }) => 8 * step,
  program: Effect.fnUntraced(function* ({ step }) {
    const fork = Effect.forEach(names, (name) => Effect.forkChild(work(step, name)))
    const named = (fibers: ReadonlyArray<Fiber.Fiber<string, string>>, all: typeof fibers) =>
      all.flatMap((fiber, index) => (fibers.includes(fiber) ? [names[index]!] : [])).join(" ")

    const waited = yield* Stage.variant(
      "wait",
      Effect.gen(function* () {
        const fibers = yield* fork
        const first = yield* waitFor(fibers, "first completed")
        const firstMs = yield* Stage.now
        const exit = yield* Effect.exit(waitFor(fibers, "all"))
        const exits = yield* Fiber.awaitAll(fibers)
        return {
          first: `${named(first.done, fibers)} | ${named(first.pending, fibers)}`,
          firstMs,
          raisedByWait: Exit.isFailure(exit) ? 1 : 0,
          found: exits.filter(Exit.isFailure).length
        }
      })
    )
    const gathered = yield* Stage.variant(
      "gather",
      Effect.gen(function* () {
        const interrupted: Array<Name> = []
        const noticed = (name: Name) =>
          Effect.onInterrupt(work(step, name), () => Effect.sync(() => interrupted.push(name)))
        yield* Effect.exit(Effect.forEach(names, noticed, { concurrency: "unbounded" }))
        return { gatherMs: yield* Stage.now, interrupted: interrupted.join(" ") }
      })
    )
    const completed = yield* Stage.variant(
      "as completed",
      asCompleted({ a: work(step, "a"), b: work(step, "b"), c: work(step, "c") }).pipe(
        Stream.map(({ key, exit }) => `${key} ${Exit.isSuccess(exit) ? "ok" : "failed"}`),
        Stream.runCollect
      )
    )
    return { ...waited, ...gathered, completed: completed.join(", ") }
  }),
  prose: (_, { raisedByWait, found, firstMs, gatherMs, interrupted, completed }) => [
    `\`wait\` gives two sets, done and pending, after ${firstMs.toFixed(0)} ms here, and leaves everything running. It raised ${raisedByWait} errors; ${found} was there for whoever looks into what is done. That is the "wat".`,
    `\`gather\`, Effect.all here, fails with the first failure, after ${gatherMs.toFixed(0)} ms. Python's leaves the others running, unobserved; Effect's interrupted ${interrupted} and waited for its clean-up.`,
    `As completed, each comes as it ends, with its name: ${completed}.`
  ],
  corrections: [
    {
      says: '`asyncio.wait(tasks)`, marked "TODO wat?"',
      is: "it returns (done, pending), two sets without an order, and raises 0 of the tasks' errors. Today: asyncio.run and a TaskGroup"
    },
    {
      says: "`get_event_loop()` creates a loop",
      is: "it looks for the one that runs; where there is none it raises since Python 3.14. asyncio.run makes 1, and closes it"
    }
  ]
})
