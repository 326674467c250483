/**
 * Three countdowns: one after the other, all at once; and what a timer does that is set again after each tick.
 *
 * `a` ticks each second, `b` each 0.8 s, `c` each 0.5 s, three times each.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Parameter from "./Parameter.ts"
import * as Scenario from "./Scenario.ts"
import * as Stage from "./Stage.ts"

const parameters = {
  a: Parameter.number("a's time between ticks", { default: 1000, minimum: 20, maximum: 5000, unit: "ms" }),
  b: Parameter.number("b's", { default: 800, minimum: 20, maximum: 5000, unit: "ms" }),
  c: Parameter.number("c's", { default: 500, minimum: 20, maximum: 5000, unit: "ms" }),
  ticks: Parameter.whole("ticks of each", { default: 3, minimum: 1, maximum: 20 }),
  work: Parameter.number("work at each tick, where drift is shown", {
    default: 20,
    minimum: 1,
    maximum: 90,
    unit: "ms"
  })
}
type Values = Parameter.Values<typeof parameters>

const names = ["a", "b", "c"] as const

/** Ticks of the timer whose drift is measured, and the time between them. */
const drifting = { ticks: 10, everyMs: 100 }

interface Tick {
  readonly name: string
  readonly left: number
  readonly atMs: number
}

/** Waits and says a number, `ticks` times. */
const countdown = Effect.fnUntraced(function* (name: (typeof names)[number], values: Values, said: Array<Tick>) {
  for (let left = values.ticks; left >= 1; left--) {
    yield* Stage.during(name, "sleeping", Effect.sleep(values[name]))
    said.push({ name, left, atMs: yield* Stage.now })
    yield* Stage.say(name, `${name} ${left}`)
  }
})

/** What the clock says of each tick: by time, then by when its timer was set. */
const ideal = (values: Values): ReadonlyArray<Tick> =>
  names
    .flatMap((name) =>
      Array.from({ length: values.ticks }, (_, index) => ({
        name,
        left: values.ticks - index,
        atMs: (index + 1) * values[name],
        setMs: index * values[name]
      }))
    )
    .toSorted((one, other) => one.atMs - other.atMs || one.setMs - other.setMs)

const orderOf = (ticks: ReadonlyArray<Tick>) => ticks.map(({ name, left }) => `${name}${left}`).join(" ")
const timesOf = (ticks: ReadonlyArray<Tick>) => ticks.map(({ atMs }) => Number((atMs / 1000).toFixed(4))).join(" ")

/** How late the last tick is, of a timer whose tick takes `work`. */
const drift = (title: string, work: number, schedule: Schedule.Schedule<unknown>) =>
  Stage.variant(
    title,
    Effect.gen(function* () {
      let lastMs = 0
      const tick = Effect.gen(function* () {
        lastMs = yield* Stage.now
        yield* Stage.during("timer", "running", Effect.sleep(work))
      })
      yield* Effect.repeat(tick, { schedule, times: drifting.ticks })
      return lastMs - drifting.ticks * drifting.everyMs
    })
  )

export const countdowns = Scenario.make({
  name: "countdown",
  title: "Three countdowns, one after the other and at once",
  question: {
    text: ({ a, b, c, ticks }) =>
      `One after the other they take ${(ticks * (a + b + c)) / 1000} seconds. How many at once?`,
    answer: "atOnce"
  },
  parameters,
  theory: (values) => {
    const { a, b, c, ticks, work } = values
    const inTurn = (ticks * (a + b + c)) / 1000
    const atOnce = (ticks * Math.max(a, b, c)) / 1000
    return {
      inTurn: { what: "one after the other", formula: "n (a + b + c)", value: inTurn, unit: "s", real: 0.05 },
      atOnce: { what: "at once", formula: "n max(a, b, c)", value: atOnce, unit: "s", real: 0.05 },
      faster: { what: "times as fast", formula: "their ratio", value: inTurn / atOnce, real: 0.05 },
      first: {
        what: "first word, one after the other",
        formula: "a",
        value: a / 1000,
        unit: "s",
        real: 0.05
      },
      firstAtOnce: {
        what: "first word, at once",
        formula: "min(a, b, c)",
        value: Math.min(a, b, c) / 1000,
        unit: "s",
        real: 0.05
      },
      order: { what: "order", formula: "by time, then by when it was set", value: orderOf(ideal(values)) },
      ticks: {
        what: "at, in seconds",
        formula: "k a, k b, k c",
        value: timesOf(ideal(values)),
        only: "virtual"
      },
      off: {
        what: "a tick is late by at most",
        formula: "the timer's precision",
        value: 15,
        unit: "ms",
        is: "at most",
        only: "real",
        real: 0
      },
      spaced: {
        what: "late at the last tick, spaced",
        formula: `${drifting.ticks} work`,
        value: drifting.ticks * work,
        unit: "ms",
        real: 0.4
      },
      fixed: {
        what: "late at the last tick, fixed rate",
        formula: "work: the first tick's only",
        value: work,
        unit: "ms",
        real: 1
      },
      drifts: {
        what: "later, spaced than fixed",
        formula: `${drifting.ticks - 1} work`,
        value: (drifting.ticks - 1) * work,
        unit: "ms",
        real: 0.4
      }
    }
  },
  lasts: ({ a, b, c, ticks, work }) =>
    ticks * (a + b + c + Math.max(a, b, c)) + 2 * drifting.ticks * (drifting.everyMs + work),
  program: Effect.fnUntraced(function* (values) {
    const inTurn: Array<Tick> = []
    const atOnce: Array<Tick> = []
    yield* Stage.variant(
      "one after the other",
      Effect.forEach(names, (name) => countdown(name, values, inTurn), { discard: true })
    )
    yield* Stage.variant(
      "at once",
      Effect.forEach(names, (name) => countdown(name, values, atOnce), { discard: true, concurrency: "unbounded" })
    )
    const spaced = yield* drift("waits after each tick", values.work, Schedule.spaced(drifting.everyMs))
    const fixed = yield* drift("at a fixed rate", values.work, Schedule.fixed(drifting.everyMs))
    const end = (ticks: ReadonlyArray<Tick>) => ticks.at(-1)!.atMs / 1000
    const expected = ideal(values)
    return {
      inTurn: end(inTurn),
      atOnce: end(atOnce),
      faster: end(inTurn) / end(atOnce),
      first: inTurn[0]!.atMs / 1000,
      firstAtOnce: atOnce[0]!.atMs / 1000,
      order: orderOf(atOnce),
      ticks: timesOf(atOnce),
      off: Math.max(...atOnce.map(({ atMs }, index) => Math.abs(atMs - expected[index]!.atMs))),
      spaced,
      fixed,
      drifts: spaced - fixed
    }
  }),
  prose: ({ work }, { inTurn, atOnce, firstAtOnce, first, faster, spaced, fixed }) => [
    `A countdown only waits, so three of them wait at the same time: ${inTurn.toFixed(2)} s became ${atOnce.toFixed(2)} s, ${faster.toFixed(2)} times as fast or ${(100 * (1 - atOnce / inTurn)).toFixed(1)} % less. The first word comes after ${firstAtOnce.toFixed(2)} s instead of ${first.toFixed(2)}.`,
    "Where two ticks fall on the same instant, as a3 and c2 do at 1.0 s, the timer that was set first fires first: a's was set at 0, c's at 0.5 s.",
    `A timer that is set again after ${work} ms of work is later with each tick: ${spaced.toFixed(0)} ms after ${drifting.ticks} of them. One at a fixed rate waits only for what is left: ${fixed.toFixed(0)} ms.`
  ],
  corrections: [
    { says: "one after the other they take 7 seconds", is: "3 (1 + 0.8 + 0.5) = 6.9 seconds" },
    {
      says: "a 233 % speed-up",
      is: "6.9 / 3 = 2.30 times as fast, that is 130 % faster or 56.5 % less time"
    },
    {
      says: "after the last task switches, the first one gets the flow again",
      is: "only where all are ready. Otherwise they run in the order in which they became so: c3 b3 a3 c2 c1 b2 a2 b1 a1"
    },
    {
      does: "`start` is read before it is assigned, and `time` is used where nobody imported it",
      is: "that runs only in a notebook whose cells ran in a lucky order. Here a run has its parameters and 0 variables from outside"
    }
  ]
})
