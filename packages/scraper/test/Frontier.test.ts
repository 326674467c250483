import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Frontier from "../src/Frontier.ts"
import * as Politeness from "../src/Politeness.ts"
import type { Store } from "../src/Store.ts"
import * as Idle from "./Idle.ts"

describe("Frontier", () => {
  it.effect("gives out nothing until all who paused it have it go on", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      const store: Pick<Store["Service"], "waiting"> = { waiting: () => Effect.succeed({ count: 0, dueMs: undefined }) }
      const frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], politeness, Idle.frontier)
      const add = (name: string) => politeness.add({ url: `http://h/${name}`, host: "http://h", path: "", attempts: 0 })
      add("a")
      add("b")
      assert.isDefined(frontier.poll())
      frontier.pause("somebody")
      frontier.pause("disk")
      assert.isUndefined(frontier.poll())
      assert.isTrue(frontier.resume("disk"))
      assert.isUndefined(frontier.poll())
      assert.isTrue(frontier.isPausedBy("somebody"))
      assert.isFalse(frontier.resume("disk"))
      assert.isTrue(frontier.resume("somebody"))
      assert.isDefined(frontier.poll())
    })
  )
})
