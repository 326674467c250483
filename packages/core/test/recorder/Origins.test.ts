import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { StackFrame } from "effect/References"
import { ChildFrame } from "../../src/ChildFrame.ts"
import { Life } from "../../src/recorder/Life.ts"
import { Origins } from "../../src/recorder/Origins.ts"

const frame = (name: string, parent?: StackFrame): StackFrame => ({
  name,
  stack: () => `at ${name} (/src/a.ts:1:2)`,
  parent
})

/** The record of a fiber that was started by another one in `inherited`. */
const lifeIn = async (inherited: StackFrame | undefined) => {
  const fiber = Effect.runFork(Effect.void)
  await Effect.runPromise(Fiber.await(fiber))
  return Object.assign(new Life(fiber, 0, 0, false), { inherited })
}

describe("Origins", () => {
  it("name a fiber by the outermost function that it did not inherit, with its place", async () => {
    const origins = new Origins()
    const inherited = frame("parent")
    const life = await lifeIn(inherited)
    origins.identify(life, inherited)
    assert.strictEqual(life.name, "")
    origins.identify(life, frame("inner", frame("own (definition)", inherited)))
    assert.deepStrictEqual([life.name, life.source], ["own", "/src/a.ts:1:2"])
    assert.deepStrictEqual([...origins.sources], [["own", "/src/a.ts:1:2"]])
  })

  it("take the frame of a child of a group for its own once: who comes under it later inherited it", () => {
    const origins = new Origins()
    const child = new ChildFrame("a", undefined)
    assert.isFalse(origins.isFirstUnder(undefined))
    assert.isFalse(origins.isFirstUnder(frame("f")))
    assert.isTrue(origins.isFirstUnder(child))
    assert.isFalse(origins.isFirstUnder(child))
  })
})
