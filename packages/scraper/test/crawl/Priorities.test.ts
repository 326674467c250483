import { assert, describe, it } from "@effect/vitest"
import * as Priorities from "../../src/crawl/Priorities.ts"

describe("Priorities", () => {
  const priorities = [
    { pattern: /\/docs\//u, value: 10 },
    { pattern: /\.pdf$/u, value: -5 }
  ]

  it("lets the first pattern decide that matches", () => {
    assert.strictEqual(Priorities.find(priorities, "http://h/docs/a.pdf")?.value, 10)
    assert.strictEqual(Priorities.find(priorities, "http://h/b.pdf")?.value, -5)
    assert.isUndefined(Priorities.find(priorities, "http://h/"))
  })

  it("reads what it wrote", () => {
    assert.deepStrictEqual(Priorities.decode(Priorities.encode(priorities)), priorities)
    assert.strictEqual(Priorities.encode([]), "[]")
  })
})
