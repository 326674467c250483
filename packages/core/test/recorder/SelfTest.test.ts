import { assert, describe, it } from "@effect/vitest"
import * as Recorder from "../../src/Recorder.ts"
import { selfTest } from "../../src/recorder/SelfTest.ts"

describe("selfTest", () => {
  const make = (context: Parameters<typeof Recorder.makeUnsafe>[1]) =>
    Recorder.makeUnsafe({ level: "timeline" }, context)

  it("is content with the hooks of this version", () => {
    assert.strictEqual(selfTest(make), "")
  })

  it("notices a tracer whose context is never called", () => {
    const found = selfTest((context) => ({ ...make(context), record: (effect) => effect }))
    assert.include(found, `fiber 0 should be "- ok: running,`)
    assert.include(found, `was "not seen"`)
  })

  it("notices a wait that cannot be told from an end", () => {
    const found = selfTest((context) => {
      const recorder = make(context)
      return {
        record: recorder.record,
        timeline: () => {
          const timeline = recorder.timeline()
          return { ...timeline, spans: timeline.spans.filter(({ name }) => name !== "callback") }
        }
      }
    })
    assert.include(found, "fiber 1 should be")
  })

  it("notices a hook that breaks the program, and one that throws", () => {
    const stuck = selfTest((context) => ({ ...make(context), record: () => undefined as never }))
    assert.include(stuck, "the program did not end")
    const thrown = selfTest(() => {
      throw new Error("no such hook")
    })
    assert.include(thrown, "no such hook")
    assert.include(thrown, "only counted")
  })
})
