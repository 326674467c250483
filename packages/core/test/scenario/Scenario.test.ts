import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { countdowns } from "../../src/scenario/Countdown.ts"
import { exhibition } from "../../src/scenario/Exhibition.ts"
import { fibonacci } from "../../src/scenario/Fibonacci.ts"
import { Machine, modelled } from "../../src/scenario/Machine.ts"
import * as Parameter from "../../src/scenario/Parameter.ts"
import * as Scenario from "../../src/scenario/Scenario.ts"
import * as ScenarioText from "../../src/scenario/ScenarioText.ts"

const scenario = (prediction: Partial<Scenario.Prediction>) =>
  Scenario.make({
    name: "test",
    title: "A test",
    question: { text: () => "how long?", answer: "it" },
    parameters: { n: Parameter.whole("n", { default: 2, minimum: 1, maximum: 3 }) },
    theory: () => ({ it: { what: "it", formula: "10", value: 10, ...prediction } }),
    lasts: ({ n }) => 1000 * n,
    program: () => Effect.succeed({ it: 10 }),
    prose: () => ["prose"]
  })

const holds = (prediction: Partial<Scenario.Prediction>, measured: number | string, mode: Scenario.Mode) =>
  Scenario.checks(scenario(prediction), { n: 2 }, { it: measured }, mode)[0]!.holds

describe("a check", () => {
  it("is exact in virtual time, and within the stated share in real time", () => {
    assert.isTrue(holds({ real: 0.1 }, 10, "virtual"))
    assert.isFalse(holds({ real: 0.1 }, 10.001, "virtual"))
    assert.isTrue(holds({ real: 0.1 }, 10.9, "real"))
    assert.isFalse(holds({ real: 0.1 }, 11.1, "real"))
    assert.isFalse(holds({ real: 0.1 }, 8.9, "real"))
    assert.isFalse(holds({}, Number.NaN, "virtual"))
  })

  it("knows bounds", () => {
    assert.isTrue(holds({ is: "at most" }, 1, "virtual"))
    assert.isFalse(holds({ is: "at most" }, 10.1, "virtual"))
    assert.isTrue(holds({ is: "at least" }, 100, "virtual"))
    assert.isFalse(holds({ is: "at least" }, 9.9, "virtual"))
  })

  it("compares texts whole", () => {
    assert.isTrue(holds({ value: "a b" }, "a b", "real"))
    assert.isFalse(holds({ value: "a b" }, "b a", "real"))
    assert.isFalse(holds({ value: 10 }, "10", "real"))
  })

  it("says nothing of what only the other mode can measure", () => {
    assert.isUndefined(holds({ only: "real" }, 99, "virtual"))
    assert.isFalse(holds({ only: "real" }, 99, "real"))
  })
})

describe("a check on a busy machine", () => {
  const judged = (
    prediction: Partial<Scenario.Prediction>,
    measured: number | string,
    load: Partial<Scenario.Load> = {},
    mode: Scenario.Mode = "real"
  ) => {
    const share = { share: 0.5, loopMs: 30, ...load }
    const { holds, isBusy } = Scenario.checks(scenario(prediction), { n: 2 }, { it: measured }, mode, share)[0]!
    return holds ?? (isBusy ? "busy" : "elsewhere")
  }

  it("is not judged where a time is late by no more than the loop stood in line", () => {
    const time = { unit: "ms", real: 0.1 }
    assert.strictEqual(judged(time, 10.9), true)
    assert.strictEqual(judged(time, 41), "busy")
    assert.strictEqual(judged(time, 41.1), false)
    assert.strictEqual(judged({ ...time, value: 0.01, unit: "s" }, 0.0409), "busy")
    assert.strictEqual(judged({ ...time, value: 0.01, unit: "s" }, 0.042), false)
    assert.strictEqual(judged({ ...time, is: "at most" }, 41), "busy")
    assert.strictEqual(judged({ ...time, is: "at most", real: 0 }, 40), "busy")
    assert.strictEqual(judged({ ...time, is: "at most" }, 42), false)
    assert.strictEqual(judged(time, 19, { loopMs: 1 }), false)
  })

  it("is judged where a time is too short: nothing that stands in line makes it so", () => {
    assert.strictEqual(judged({ unit: "ms", real: 0.1 }, 5), false)
    assert.strictEqual(judged({ unit: "ms", real: 0.1, is: "at least" }, 5), false)
  })

  it("is not judged where a ratio is off by no more than the share of its time that was spent in line", () => {
    assert.strictEqual(judged({ real: 0.1 }, 4.5), "busy")
    assert.strictEqual(judged({ real: 0.1 }, 4.4), false)
    assert.strictEqual(judged({ real: 0.1 }, 22), "busy")
    assert.strictEqual(judged({ real: 0.1 }, 22.1), false)
    assert.strictEqual(judged({ real: 0, is: "at least" }, 5), "busy")
    assert.strictEqual(judged({ real: 0, is: "at least" }, 4.9), false)
  })

  it("is judged where the machine was idle, where load changes nothing, and in virtual time", () => {
    assert.strictEqual(judged({ unit: "ms", real: 0.1 }, 20, { share: 0.049 }), false)
    assert.strictEqual(judged({ unit: "ms" }, 20), false)
    assert.strictEqual(judged({}, 9), false)
    assert.strictEqual(judged({ unit: "ms", real: 0.1 }, 20, {}, "virtual"), false)
    assert.strictEqual(judged({ real: 0.1 }, "nothing"), false)
  })

  it("leaves an order of times open, and no other text", () => {
    assert.strictEqual(judged({ value: "a b", real: 0 }, "b a"), "busy")
    assert.strictEqual(judged({ value: "a b" }, "b a"), false)
  })
})

describe("the table of checks", () => {
  const table = (width: number) => {
    const what = "how long it takes, from the first to the last of them"
    const formula = "the sum of all that is waited for, and of nothing else"
    const played = {
      mode: "virtual" as const,
      parameters: { n: 2 },
      checks: Scenario.checks(scenario({ what, formula, unit: "ms" }), { n: 2 }, { it: 10 }, "virtual"),
      inLine: 0,
      loopInLineMs: 0,
      events: []
    }
    const lines = ScenarioText.reveal(scenario({}), played, { width }).split("\n")
    return lines.slice(0, lines.indexOf(""))
  }

  it("has a column for what theory says where there is room", () => {
    const [, row, ...others] = table(140)
    assert.match(row!, /^how long .* of them {2}the sum .* else +10 ms +10 ms {2}✔$/)
    assert.deepStrictEqual(others, [])
  })

  it.each([40, 60, 80, 100])("is not wider than a terminal of %i columns", (width) => {
    const lines = table(width)
    assert.isAtLeast(lines.length, 3)
    for (const line of lines) assert.isAtMost(line.length, width)
    const text = lines.slice(1).join(" ").replace(/ +/g, " ")
    assert.include(text, "the sum of all that")
    assert.include(text, "10 ms 10 ms ✔")
  })
})

describe("a real run", () => {
  it.effect("is ended after a minute and ten times what theory says, and gives back what it holds", () =>
    Effect.gen(function* () {
      let isHeld = true
      const endless = {
        ...scenario({}),
        program: () =>
          Effect.ensuring(
            Effect.never,
            Effect.sync(() => (isHeld = false))
          )
      }
      const machine = yield* modelled
      const fiber = yield* Effect.forkChild(
        Effect.flip(Effect.provideService(Scenario.playReally(endless, { n: 2 }), Machine, machine)),
        { startImmediately: true }
      )
      yield* TestClock.adjust(79_999)
      assert.isUndefined(fiber.pollUnsafe())
      assert.isTrue(isHeld)
      yield* TestClock.adjust(1)
      const failure = yield* Fiber.join(fiber)
      assert.strictEqual(failure.message, "test was not over after 1 m 20 s; by theory it takes 2 s")
      assert.isFalse(isHeld)
    })
  )
})

describe("the scenarios of the command", () => {
  it.effect("are decided by their parameters: the same events and the same text again", () =>
    Effect.gen(function* () {
      for (const scenario of [exhibition, countdowns, fibonacci] as ReadonlyArray<Scenario.Scenario>) {
        const parameters = Parameter.defaults(scenario.parameters)
        const one = yield* Scenario.playVirtually(scenario, parameters)
        const other = yield* Scenario.playVirtually(scenario, parameters)
        assert.deepStrictEqual(one.events, other.events)
        assert.strictEqual(ScenarioText.render(scenario, one), ScenarioText.render(scenario, other))
        for (const { what, holds } of one.checks) assert.isTrue(holds ?? true, `${scenario.name}: ${what}`)
      }
    })
  )

  it.effect("tell the nine ticks of the tutorial in their order, a3 before c2", () =>
    Effect.gen(function* () {
      const { events } = yield* Scenario.playVirtually(countdowns, Parameter.defaults(countdowns.parameters))
      const said = events.filter((event) => event._tag === "Said" && event.variant === 1)
      assert.deepStrictEqual(
        said.map((event) => [Math.round(event.atMs), event._tag === "Said" ? event.text : ""]),
        [
          [500, "c 3"],
          [800, "b 3"],
          [1000, "a 3"],
          [1000, "c 2"],
          [1500, "c 1"],
          [1600, "b 2"],
          [2000, "a 2"],
          [2400, "b 1"],
          [3000, "a 1"]
        ]
      )
    })
  )
})

describe("parameters", () => {
  const parameters = {
    boards: Parameter.whole("boards", { default: 10, minimum: 1, maximum: 50 }),
    move: Parameter.number("a move", { default: 3, minimum: 1, maximum: 60, unit: "min" })
  }

  it("are the defaults but for what is given", () => {
    assert.deepStrictEqual(Parameter.parse(parameters, { move: "2.5" }), { boards: 10, move: 2.5 })
  })

  it("name what is wrong, and what is right", () => {
    const message = (given: Readonly<Record<string, string>>) => {
      try {
        Parameter.parse(parameters, given)
        return ""
      } catch (error) {
        return (error as Error).message
      }
    }
    assert.strictEqual(message({ boards: "0" }), "--boards must be a whole number from 1 to 50, got 0")
    assert.strictEqual(message({ boards: "" }), "--boards must be a whole number from 1 to 50, got nothing")
    assert.strictEqual(message({ move: "61" }), "--move must be a number from 1 to 60 (min), got 61")
    assert.strictEqual(message({ speed: "1" }), "--speed must be one of --boards, --move, got 1")
  })

  it("have a schema with their bounds", () => {
    const is = Schema.is(Parameter.schemaOf(parameters))
    assert.isTrue(is({ boards: 50, move: 1.5 }))
    assert.isFalse(is({ boards: 51, move: 1.5 }))
    assert.isFalse(is({ boards: 1.5, move: 1.5 }))
  })
})
