import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { countdowns } from "../../src/scenario/Countdown.ts"
import { exhibition } from "../../src/scenario/Exhibition.ts"
import * as Parameter from "../../src/scenario/Parameter.ts"
import * as Scenario from "../../src/scenario/Scenario.ts"
import * as ScenarioText from "../../src/scenario/ScenarioText.ts"
import * as Stage from "../../src/scenario/Stage.ts"

const played = (scenario: Scenario.Scenario) =>
  Scenario.playVirtually(scenario, Parameter.defaults(scenario.parameters), { seed: 1 })

// oxlint-disable-next-line no-control-regex
const colours = /\x1b\[\d+m/g

/** What a terminal shows of it: lines without their colours. */
const shown = (run: Scenario.Played, options: ScenarioText.Options) =>
  ScenarioText.pictures(Stage.timelines(run.events), run.events, options).replace(colours, "").split("\n")

describe("pictures", () => {
  it.effect("are no wider than the terminal", () =>
    Effect.gen(function* () {
      for (const scenario of [countdowns, exhibition]) {
        const run = yield* played(scenario)
        for (const width of [40, 53, 60, 75, 80, 100, 117, 160, 200])
          for (const compare of [true, false])
            for (const colour of [true, false]) {
              const lines = shown(run, { width, compare, colour })
              const widest = lines.reduce((most, line) => (line.length > most.length ? line : most), "")
              assert.isAtMost(widest.length, width, `${scenario.name} at ${width}: ${widest}`)
            }
      }
    })
  )

  it.effect("stand beside each other, as many as fit, each below its title", () =>
    Effect.gen(function* () {
      const run = yield* played(countdowns)
      const axes = (width: number) =>
        shown(run, { width, compare: true }).flatMap((line) => line.match(/ ┴─/g)?.length ?? [])
      assert.deepStrictEqual([74, 75, 113, 114, 153].map(axes), [[1, 1, 1, 1], [2, 2], [2, 2], [3, 1], [4]])
      const text = shown(run, { width: 153, compare: true }).join("\n")
      for (const { title } of Stage.timelines(run.events)) assert.include(text, title.split(" ")[0]!)
    })
  )
})
