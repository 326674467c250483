import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Durations from "../src/Durations.ts"

describe("Durations", () => {
  it.each([
    ["300ms", 300],
    ["2s", 2000],
    ["1.5S", 1500],
    [" 5m ", 300_000],
    ["1h", 3_600_000],
    ["0", 0],
    ["0s", 0],
    ["596h", 2_145_600_000]
  ] as const)("reads %s", (text, ms) => {
    assert.deepStrictEqual(Durations.parse(text), Result.succeed(ms))
  })
  it.each(["", "5", "s", "-1s", "1e3s", "1 s", "1d", ".5s", "Infinity", "1s2s", "１s"])("refuses %j", (text) => {
    assert.deepStrictEqual(Durations.parse(text), Result.fail(Durations.forms))
  })
  it("refuses what a timer cannot wait", () => {
    assert.isTrue(Result.isFailure(Durations.parse("597h")))
  })
  it.each([
    [0, "0s"],
    [40, "40ms"],
    [95, "0.1s"],
    [440, "0.4s"],
    [9949, "9.9s"],
    [9950, "10s"],
    [59_499, "59s"],
    [59_500, "1m 00s"],
    [65_000, "1m 05s"],
    [3_599_600, "1h 00m"],
    [8_000_000, "2h 13m"],
    [360_000_000, "4d 4h"]
  ] as const)("shows %d ms as %s", (ms, text) => {
    assert.strictEqual(Durations.format(ms), text)
  })
})
