import { assert, describe, it } from "@effect/vitest"
import type { Check } from "@simul/core/scenario/Scenario"
import * as Guess from "../src/Guess.ts"

const check = (measured: Check["measured"], unit?: string): Check => ({
  key: "one",
  what: "",
  formula: "",
  value: 0,
  measured,
  holds: true,
  ...(unit === undefined ? {} : { unit })
})

describe("a prediction", () => {
  it.each([
    ["400", 400, "ms", "You said 400 ms; it is 400 ms: right"],
    ["390 ms", 400, "ms", "You said 390 ms; it is 400 ms: right"],
    ["2,5", 2.5, undefined, "You said 2.5; it is 2.5: right"],
    ["3", 2, undefined, "You said 3; it is 2: off by 50 %"],
    ["0.5", 1, undefined, "You said 0.5; it is 1: 2 times too little"],
    ["3", 400, "ms", "You said 3 ms; it is 400 ms: 133.3 times too little"],
    ["1,200 min", 600, "min", "You said 1200 min; it is 600 min: 2 times too much"],
    ["1200", 600, "min", "You said 1200 min; it is 600 min: 2 times too much"],
    ["3", 0, undefined, "You said 3; it is 0: off by 3"],
    ["0", 0, undefined, "You said 0; it is 0: right"],
    ["0", 7, undefined, "You said 0; it is 7: off by 7"],
    ["-1", 7, undefined, "You said -1; it is 7: off by 8"],
    ["no idea", 7, "ms", "You said no idea; it is 7 ms"],
    [" ", 7, "ms", "You said nothing; it is 7 ms"],
    ["Refused", "answered", undefined, "You said Refused; it is answered"]
  ])("of %s is judged beside %s %s", (guess, measured, unit, text) => {
    assert.strictEqual(Guess.judge(guess, check(measured, unit)).text, text)
  })

  it("is near within 5 % of a number, or as the same word", () => {
    const isNear = (guess: string, measured: number | string) => Guess.judge(guess, check(measured)).isNear
    assert.deepStrictEqual(
      [isNear("105", 100), isNear("106", 100), isNear("95", 100), isNear("94", 100)],
      [true, false, true, false]
    )
    assert.isTrue(isNear(" Answered", "answered"))
  })

  it("is not judged where this kind of run cannot tell", () => {
    const judged = Guess.judge("2", { ...check(undefined), only: "real" })
    assert.strictEqual(judged.text, "You said 2; only a real run can tell")
    assert.isFalse(judged.isNear)
  })
})
