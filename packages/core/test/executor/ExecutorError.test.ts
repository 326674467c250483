import { assert, describe, it } from "@effect/vitest"
import { TaskFailed } from "../../src/executor/ExecutorError.ts"

describe("a failed task", () => {
  it.each<readonly [thrown: unknown, message: string]>([
    [new TypeError("no"), "threw TypeError: no"],
    [undefined, "threw undefined"],
    [{ code: 5 }, "threw [object Object]"],
    [Object.create(null), "threw [object Object]"],
    ["a".repeat(1e6), `threw ${"a".repeat(100)}...`]
  ])("tells in a few words what it threw: %o", (error, message) => {
    assert.strictEqual(new TaskFailed({ error }).message, message)
  })
})
