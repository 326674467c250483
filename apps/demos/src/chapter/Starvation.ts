/** A queue with priorities, always busy: when does the least urgent get its turn? */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"

const parameters = {
  urgent: Parameter.whole("urgent jobs, one after the other", { default: 40, minimum: 5, maximum: 400 }),
  service: Parameter.number("what a job takes, and the time between two", {
    default: 20,
    minimum: 5,
    maximum: 200,
    unit: "ms"
  }),
  gap: Parameter.whole("how much more urgent they are", { default: 5, minimum: 1, maximum: 50 }),
  age: Parameter.number("waiting that counts as one degree of urgency", {
    default: 30,
    minimum: 5,
    maximum: 1000,
    unit: "ms"
  })
}
type Values = Parameter.Values<typeof parameters>

interface Job {
  readonly lane: string
  readonly urgency: number
  readonly cameMs: number
}

const disciplines = {
  fifo: { title: "first come, first served", rank: (job: Job) => -job.cameMs },
  strict: { title: "the most urgent first", rank: (job: Job) => job.urgency },
  ageing: {
    title: "the most urgent first, waiting counts",
    rank: (job: Job, nowMs: number, age: number) => job.urgency + (nowMs - job.cameMs) / age
  }
}

/** Serves jobs one at a time, always the one of the highest rank; gives how long `patient` waited. */
const serve = ({ urgent, service, gap, age }: Values, { title, rank }: (typeof disciplines)["ageing"]) =>
  Stage.variant(
    title,
    Effect.gen(function* () {
      const arrivals: Array<Job> = Array.from({ length: urgent }, (_, index) => ({
        lane: "urgent",
        urgency: gap,
        cameMs: index * service
      }))
      // comes first by the clock, but an urgent one is there at the same time
      arrivals.splice(1, 0, { lane: "patient", urgency: 0, cameMs: 0 })
      const waiting: Array<Job> = []
      let waitedMs = 0
      yield* Stage.begin("patient", "ready")
      while (arrivals.length > 0 || waiting.length > 0) {
        const now = yield* Stage.now
        while (arrivals.length > 0 && arrivals[0]!.cameMs <= now + 1e-6) waiting.push(arrivals.shift()!)
        const next = waiting.toSorted((one, other) => rank(other, now, age) - rank(one, now, age))[0]
        if (next === undefined) {
          yield* Effect.sleep(arrivals[0]!.cameMs - now)
          continue
        }
        waiting.splice(waiting.indexOf(next), 1)
        if (next.lane === "patient") waitedMs = now - next.cameMs
        yield* Stage.during(next.lane, "running", Effect.sleep(service))
      }
      return waitedMs
    })
  )

export const starvation = Scenario.make({
  name: "starvation",
  title: "Priorities, and who never gets a turn",
  question: {
    text: ({ urgent, service }) =>
      `${urgent} urgent jobs of ${service} ms keep a worker busy. How long does the one wait that is not urgent?`,
    answer: "strict"
  },
  parameters,
  theory: ({ urgent, service, gap, age }) => {
    // it overtakes an urgent job that has just come once it has waited gap * age, at the next start of a job
    const ageing = Math.min(urgent, Math.floor((gap * age) / service) + 1) * service
    return {
      fifo: { what: "it waits, first come first served", formula: "one job", value: service, unit: "ms", real: 0.4 },
      strict: {
        what: "it waits, most urgent first",
        formula: "all urgent jobs",
        value: urgent * service,
        unit: "ms",
        real: 0.2
      },
      ageing: {
        what: "it waits, with ageing",
        formula: "gap age, and one job at most",
        value: Math.max(gap * age + service, ageing),
        unit: "ms",
        is: "at most",
        real: 0.2
      }
    }
  },
  lasts: ({ urgent, service }) => 3 * (urgent + 1) * service,
  program: Effect.fnUntraced(function* (values) {
    return {
      fifo: yield* serve(values, disciplines.fifo),
      strict: yield* serve(values, disciplines.strict),
      ageing: yield* serve(values, disciplines.ageing)
    }
  }),
  prose: ({ gap, age }, { fifo, strict, ageing }) => [
    `By strict priority it waited ${strict.toFixed(0)} ms, and would have waited for ever had the urgent jobs not ended. That is starvation: no bound.`,
    `Where ${age} ms of waiting count as one degree, ${gap} degrees of distance are a bound of ${(gap * age).toFixed(0)} ms and one job; it waited ${ageing.toFixed(0)} ms. Without priorities it was ${fifo.toFixed(0)}. The executors of this package age like that.`
  ]
})
