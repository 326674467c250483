import { assert, describe, it } from "@effect/vitest"
import * as RunClock from "../src/RunClock.ts"

describe("RunClock", () => {
  it("goes with the wall's clock, and on from where it was when that is set back", () => {
    let wallMs = 5_000_000
    const now = RunClock.make(() => wallMs)
    const after = (ms: number) => ((wallMs += ms), now())
    assert.strictEqual(now(), 5_000_000)
    assert.strictEqual(after(1000), 5_001_000)
    assert.strictEqual(after(-3_600_000), 5_001_000)
    assert.strictEqual(after(500), 5_001_500)
    // the machine slept
    assert.strictEqual(after(60_000), 5_061_500)
    assert.strictEqual(after(-1), 5_061_500)
    assert.strictEqual(after(1), 5_061_501)
  })
})
