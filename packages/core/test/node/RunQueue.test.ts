import { assert, describe, it } from "@effect/vitest"
import * as RunQueue from "../../src/node/RunQueue.ts"

describe("the line for a core", () => {
  it("is part of the time that work takes, and gives back what was done", () => {
    const timed = RunQueue.time()
    let sum = 0
    for (let turn = 0; turn < 1e6; turn++) sum += turn
    const { value, tookMs, inLineMs, cpuMs } = timed(sum)
    assert.strictEqual(value, 499_999_500_000)
    assert.isAbove(tookMs, 0)
    assert.isAtLeast(inLineMs, 0)
    assert.isAtLeast(cpuMs, 0)
  })

  it("is no part of the time that a thread runs, nor is what it waits for", async () => {
    const timed = RunQueue.time()
    await new Promise((wake) => setTimeout(wake, 300))
    const { tookMs, cpuMs } = timed(undefined)
    assert.isBelow(cpuMs, tookMs / 2)
  })

  it("only grows", () => {
    let lastMs = RunQueue.inLineMs()
    for (let turn = 0; turn < 100; turn++) {
      const ms = RunQueue.inLineMs()
      assert.isAtLeast(ms, lastMs)
      lastMs = ms
    }
  })
})
