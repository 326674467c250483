/** Children that fail: stop everything, hear them all, or let each have its own end. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as TaskGroup from "@simul/core/TaskGroup"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

const parameters = {
  children: Parameter.whole("children, the k-th ends after k steps", { default: 6, minimum: 4, maximum: 20 }),
  step: Parameter.number("a step", { default: 50, minimum: 10, maximum: 500, unit: "ms" })
}

/** Which of them fail. */
const failing = new Set([2, 4])

export const errors = Scenario.make({
  name: "errors",
  title: "When children fail: stop, collect, isolate",
  question: {
    text: ({ children }) =>
      `Of ${children} children the 2nd and the 4th fail. How many come to their end when the first failure stops the rest?`,
    answer: "stopOk"
  },
  parameters,
  theory: ({ children, step }) => ({
    stopOk: { what: "stop: succeeded", formula: "those before the first failure", value: 1 },
    stopInterrupted: { what: "stop: interrupted", formula: "those after it", value: children - 2 },
    stopMs: { what: "stop: over after", formula: "the first failure", value: 2 * step, unit: "ms", real: 0.4 },
    collectOk: { what: "collect: succeeded", formula: "all that do not fail", value: children - 2 },
    collectErrors: { what: "collect: errors heard of", formula: "all, in order", value: "child 2, child 4" },
    isolateFailed: { what: "isolate: errors of the group", formula: "0: each was handled", value: 0 },
    isolateHandled: { what: "isolate: handled", formula: "2", value: 2 },
    lost: { what: "errors that nobody heard of", formula: "0", value: 0 }
  }),
  lasts: ({ children, step }) => 3 * children * step,
  program: Effect.fnUntraced(function* ({ children, step }) {
    const run = (title: string, options: TaskGroup.Options<string, string>) =>
      Stage.variant(
        title,
        Effect.gen(function* () {
          const ends = { ok: 0, failed: 0, interrupted: 0 }
          const child = (number: number) => {
            const name = `child ${number}`
            return Stage.lane(
              name,
              Effect.andThen(
                Stage.during(name, "running", Effect.sleep(number * step)),
                failing.has(number) ? Effect.fail(name) : Effect.void
              )
            ).pipe(
              Effect.onExit((exit) =>
                Effect.sync(() => {
                  if (Exit.isSuccess(exit)) ends.ok++
                  else if (Exit.hasInterrupts(exit)) ends.interrupted++
                  else ends.failed++
                })
              )
            )
          }
          const exit = yield* Effect.exit(
            TaskGroup.run(
              (group: TaskGroup.TaskGroup<string>) =>
                Effect.gen(function* () {
                  for (let number = 1; number <= children; number++)
                    yield* group.spawn(child(number), { name: `child ${number}` })
                }),
              options
            )
          )
          const heard = Exit.isFailure(exit)
            ? exit.cause.reasons.flatMap((reason) => (reason._tag === "Fail" ? [reason.error] : []))
            : []
          return { ...ends, heard, ms: yield* Stage.now }
        })
      )
    const handled: Array<string> = []
    const stop = yield* run("the first failure interrupts the others", {})
    const collect = yield* run("all go on, all failures are kept", { onChildFailure: "isolate" })
    const isolate = yield* run("each failure is handled where it happens", {
      onChildFailure: ({ child }) => Effect.sync(() => void handled.push(child ?? ""))
    })
    return {
      stopOk: stop.ok,
      stopInterrupted: stop.interrupted,
      stopMs: stop.ms,
      collectOk: collect.ok,
      collectErrors: collect.heard.join(", "),
      isolateFailed: isolate.heard.length,
      isolateHandled: handled.length,
      lost:
        stop.failed -
        stop.heard.length +
        (collect.failed - collect.heard.length) +
        (isolate.failed - handled.length - isolate.heard.length)
    }
  }),
  prose: (_, { stopOk, stopInterrupted, stopMs, collectErrors, isolateHandled, lost }) => [
    `Stop at the first: ${stopOk} had succeeded, ${stopInterrupted} were interrupted, and it was over after ${stopMs.toFixed(0)} ms. Right where one result without the others is worth nothing.`,
    `Collect: everything runs, and the group fails with all of it: ${collectErrors}. Isolate: ${isolateHandled} failures were handled as they came, the group succeeded; right for a list of URLs. In all three ${lost} errors were lost.`
  ],
  corrections: [
    {
      says: "gather over the whole list",
      is: "its first failure is raised while the siblings run on, unobserved. Here they are interrupted, and 0 errors are lost"
    }
  ]
})
