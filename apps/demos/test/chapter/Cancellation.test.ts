import { assert, describe, it } from "@effect/vitest"
import { Machine, modelled } from "@simul/core/scenario/Machine"
import * as Scenario from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"
import { cancellation } from "../../src/chapter/Cancellation.ts"

describe("cancellation", () => {
  it.live("does not take a root that is interrupted late for a shielded leaf that was quick", () =>
    Effect.gen(function* () {
      const parameters = { branches: 2, leaves: 2, at: 100, shielded: 400 }
      /** Nobody wakes before this, in milliseconds, when the leaf would be nearly done. */
      const late = parameters.at + 350
      const listen = ({ _tag, variant }: StageEvent) => {
        if (_tag !== "Opened" || variant !== 0) return
        const until = performance.now() + late
        setTimeout(() => {
          while (performance.now() < until);
        }, 1)
      }
      const played = yield* Effect.provideServiceEffect(
        Scenario.playReally(cancellation, parameters, { listen }),
        Machine,
        modelled
      )
      // by the tolerance of its prediction
      assert.isAtLeast(Scenario.measuredOf(played)["stop"] as number, 0.6 * parameters.shielded)
    })
  )
})
