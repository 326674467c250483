/**
 * The scraper keeps its laws, however it is crashed. `node packages/scraper/benchmark/simulate.ts` runs as many seeds as
 * one likes; here are some, and the seeds that once failed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Faults } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import { bugs } from "./Bugs.ts"
import { regressions } from "./Regressions.ts"
import { diskFaults, faults, storeFaults } from "./Scenario.ts"
import * as Trial from "./Trial.ts"

/** As a test tells it: with the line that runs it again. */
const told = <A, E extends { readonly message: string; readonly seed: number; readonly point?: number }>(
  sweep: Effect.Effect<A, E>,
  crawl = false
) =>
  Effect.mapError(sweep, ({ message, seed, point }) => {
    const at = `--seed ${seed}${point === undefined ? "" : ` --point ${point}`}${crawl ? " --crawl" : ""}`
    return new Error(`${message}\n  again: node packages/scraper/benchmark/simulate.ts ${at}`)
  })

describe("the scraper in simulation", () => {
  it.effect(
    "keeps its laws when it is stopped, crashed at any operation or loses power, with every fault there is",
    () =>
      Effect.gen(function* () {
        const struck: Partial<Record<string, number>> = {}
        const { points } = yield* told(
          Trial.sweep(400, {
            onEnd: ({ origin, disk, database }) => {
              Faults.add(struck, origin.struck)
              Faults.add(struck, disk.faults.struck)
              Faults.add(struck, database.faults.struck)
            }
          })
        )
        assert.isAtLeast(points, 240)
        for (const fault of [...faults, ...diskFaults, ...storeFaults, "eio-look", "doubled", "lost", "unnamed"])
          assert.isAtLeast(struck[fault] ?? 0, 10, fault)
      })
  )

  it.effect("has in a crawl all that links lead to, by the shortest way, whenever it is stopped or crashed", () =>
    Effect.asVoid(told(Trial.sweep(300, { crawl: true }), true))
  )

  it.effect.each(bugs.map((planted) => [planted.name, planted] as const))(
    "fails a scraper that %s",
    ([, { bug, laws, crawl = false, endless = false, scenario = {} }]) =>
      Effect.gen(function* () {
        const { reason, seed } = yield* Effect.flip(Trial.sweep(1000, { bug, laws, crawl, scenario }))
        const found = reason._tag === "InvariantBroken" ? reason.name : reason._tag
        assert.include(endless ? [...laws, "StepLimit"] : laws, found)
        // and it is the bug that does it
        yield* told(Trial.sweep([seed], { crawl, scenario }), crawl)
      })
  )

  it.effect.each(regressions.map((regression) => [regression.name, regression] as const))(
    "keeps its laws where it once did not: %s",
    ([, { scenario, seeds, points }]) => Effect.asVoid(told(Trial.sweep(seeds, { scenario, points })))
  )
})
