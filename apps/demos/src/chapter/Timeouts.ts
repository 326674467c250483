/** Timeouts over what can be interrupted and what cannot, and deadlines inside deadlines. */
import * as Deadline from "@simul/core/Deadline"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"

const parameters = {
  timeout: Parameter.number("the timeout, and the inner deadline", {
    default: 20,
    minimum: 10,
    maximum: 1000,
    unit: "ms"
  }),
  work: Parameter.number("what the work takes", { default: 300, minimum: 100, maximum: 5000, unit: "ms" })
}

export const timeouts = Scenario.make({
  name: "timeouts",
  title: "Timeouts, and deadlines inside deadlines",
  question: {
    text: ({ timeout, work }) =>
      `Work of ${work} ms that may not be interrupted, under a timeout of ${timeout} ms. When does the call return?`,
    answer: "uninterruptible"
  },
  parameters,
  theory: ({ timeout, work }) => {
    const inner = timeout
    const outer = 3 * timeout
    return {
      interruptible: {
        what: "timeout, interruptible work",
        formula: "min(timeout, work)",
        value: Math.min(timeout, work),
        unit: "ms",
        real: 0.8
      },
      uninterruptible: {
        what: "timeout, uninterruptible work",
        formula: "work",
        value: work,
        unit: "ms",
        real: 0.2
      },
      narrower: {
        what: "a nearer deadline inside",
        formula: "the nearer one",
        value: Math.min(inner, work),
        unit: "ms",
        real: 0.8
      },
      wider: {
        what: "a farther deadline inside",
        formula: "the nearer one again",
        value: Math.min(inner, work),
        unit: "ms",
        real: 0.8
      },
      alone: {
        what: "the farther one alone",
        formula: "3 timeouts, or the work",
        value: Math.min(outer, work),
        unit: "ms",
        real: 0.5
      },
      begun: { what: "work begun after its deadline", formula: "0", value: 0 }
    }
  },
  lasts: ({ timeout, work }) => 6 * Math.max(timeout, work),
  program: Effect.fnUntraced(function* ({ timeout, work }) {
    const inner = timeout
    const outer = 3 * timeout
    const took = <A, E>(title: string, effect: Effect.Effect<A, E, Stage.Stage>) =>
      Stage.variant(title, Effect.andThen(Effect.exit(Stage.lane("call", effect)), Stage.now))
    const job = Stage.during("call", "running", Effect.sleep(work))
    const interruptible = yield* took("a timeout over work that can be interrupted", Effect.timeout(job, timeout))
    const uninterruptible = yield* took(
      "a timeout over work that cannot",
      Effect.timeout(Effect.uninterruptible(job), timeout)
    )
    const narrower = yield* took(
      "a deadline with a nearer one inside",
      Deadline.within(outer)(Deadline.within(inner)(job))
    )
    const wider = yield* took(
      "a deadline with a farther one inside",
      Deadline.within(inner)(Deadline.within(outer)(job))
    )
    const alone = yield* took("the farther one alone", Deadline.within(outer)(job))
    let begun = 0
    yield* Effect.exit(
      Deadline.within(inner)(
        Effect.uninterruptible(
          Effect.andThen(Effect.sleep(inner + 1), Effect.exit(Deadline.within(outer)(Effect.sync(() => begun++))))
        )
      )
    )
    return { interruptible, uninterruptible, narrower, wider, alone, begun }
  }),
  prose: ({ timeout, work }, { interruptible, uninterruptible, wider, alone }) => [
    `A timeout asks; it does not kill. Over work that can be interrupted it came back after ${interruptible.toFixed(0)} ms, over work that cannot after ${uninterruptible.toFixed(0)}, though ${timeout} was asked for: the ${work} ms had to end first.`,
    `A deadline is a point in time that everything below knows. One further away set inside changes nothing: ${wider.toFixed(0)} ms, not ${alone.toFixed(0)}. What would begin after it does not begin.`
  ]
})
