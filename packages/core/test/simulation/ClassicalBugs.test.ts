import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bugs } from "../../benchmark/ClassicalBugs.ts"
import { Simulation, Strategy } from "../../src/simulation/index.ts"

/** Seeds within which a strategy finds a bug; what is left out takes at most 200. */
const within: Readonly<Record<string, number>> = { "bug of depth 4": 5000, "bug of depth 5": 20_000 }

describe.each(bugs.map((bug) => [bug.name, bug] as const))("%s", (name, { program, invariants }) => {
  it.effect("does not show in the default order", () =>
    Effect.gen(function* () {
      const { distinct } = yield* Simulation.explore(program, {
        strategy: Strategy.roundRobin(),
        seeds: 20,
        invariants
      })
      assert.strictEqual(distinct, 1)
    })
  )

  it.effect("is found by pre-emptions at random, with a schedule that is small and fails again", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(
        Simulation.explore(program, { strategy: Strategy.random(0.3), seeds: within[name] ?? 200, invariants })
      )
      assert.isAtMost(failure.schedule.length, 8, failure.message)
      const again = yield* Effect.flip(Simulation.replay(program, failure.replay, { invariants }))
      assert.strictEqual(again.reason.message, failure.reason.message)
    })
  )
})

describe("a strategy with priorities", () => {
  const deep = bugs.filter(({ name }) => name !== "5 locks in a circle" && !/depth [45]/.test(name))
  it.effect.each(deep.map((bug) => [bug.name, bug] as const))("finds %s within 400 seeds", ([, bug]) =>
    Effect.gen(function* () {
      const { program, invariants } = bug
      const failure = yield* Effect.flip(
        Simulation.explore(program, { strategy: Strategy.pct(3), seeds: 400, invariants, shrinkRuns: 0 })
      )
      assert.isAtMost(failure.seed, 400)
    })
  )
})
