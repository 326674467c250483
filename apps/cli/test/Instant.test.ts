import { assert, describe, it } from "@effect/vitest"
import * as Instant from "../src/Instant.ts"

describe("Instant", () => {
  it.each([
    [0, "1970-01-01T00:00:00Z"],
    [Date.UTC(2026, 10, 28, 11, 24, 50, 999), "2026-11-28T11:24:50Z"]
  ])("shows %d as %s", (ms, text) => {
    assert.strictEqual(Instant.format(ms), text)
  })
})
