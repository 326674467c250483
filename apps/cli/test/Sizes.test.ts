import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Sizes from "../src/Sizes.ts"

describe("Sizes", () => {
  it.each([
    ["0", 0],
    ["500", 500],
    ["64K", 65_536],
    ["50m", 52_428_800],
    ["1.5G", 1_610_612_736]
  ] as const)("reads %s", (text, bytes) => {
    assert.deepStrictEqual(Sizes.parse(text), Result.succeed(bytes))
  })
  it.each(["", "K", "-1", "5X", "5KB", "1e9", "0x10", "1 K", "Infinity"])("refuses %j", (text) => {
    assert.deepStrictEqual(Sizes.parse(text), Result.fail(Sizes.forms))
  })
  it("refuses what a number cannot hold", () => {
    assert.isTrue(Result.isFailure(Sizes.parse("9007199254740993")))
  })
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 KB"],
    [10_240, "10 KB"],
    [1_023_000, "999 KB"],
    [1_023_900, "1.0 MB"],
    [265_289_728, "253 MB"],
    [2_254_857_830, "2.1 GB"]
  ] as const)("shows %d as %s", (bytes, text) => {
    assert.strictEqual(Sizes.format(bytes), text)
  })
})
