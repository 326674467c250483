import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as RealMachine from "../../src/node/RealMachine.ts"

describe("a real machine", () => {
  it.live.each(["threads", "processes"] as const)(
    "has loaded the tasks on its %s before they are used, so that loading is not measured as work",
    (kind) =>
      Effect.gen(function* () {
        // tasks that cannot be loaded: only one who loads them first knows before any is submitted
        const machine = RealMachine.make(new URL("./NoSuchTasks.ts", import.meta.url))
        let isUsed = false
        const exit = yield* Effect.exit(
          machine.withWorkers(kind, { workers: 2, cores: 2 }, () => Effect.sync(() => (isUsed = true)))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.isFalse(isUsed)
      })
  )
})
