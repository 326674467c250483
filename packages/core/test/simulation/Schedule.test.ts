import { assert, describe, it } from "@effect/vitest"
import * as Schedule from "../../src/simulation/Schedule.ts"

describe("Schedule", () => {
  const schedule: Schedule.Schedule = [
    { _tag: "Pick", choice: 3, index: 1 },
    { _tag: "Preemption", fiber: 2, point: 17 }
  ]

  it("is written on one line and read back", () => {
    assert.strictEqual(Schedule.format(schedule), "c3:1 f2@17")
    assert.deepStrictEqual(Schedule.parse(" c3:1  f2@17 "), schedule)
    assert.deepStrictEqual(Schedule.parse(""), [])
  })

  it.each(["f2", "c3@1", "f2:1", "x", "f2@", "c-1:2"])("refuses %s and names it", (part) => {
    assert.throws(() => Schedule.parse(`c1:1 ${part}`), SyntaxError, part)
  })
})
