/** Plays on this machine: its clock, threads and processes, and a site on loopback for those who fetch. */
import * as RealMachine from "@simul/core/node/RealMachine"
import { Machine } from "@simul/core/scenario/Machine"
import * as Scenario from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"
import { fetching } from "../Chapters.ts"
import { Web } from "../Web.ts"

/** `listen` hears each event as it happens. Fails after the time that `Scenario.boundOf` gives it. */
export const play = (
  scenario: Scenario.Scenario,
  parameters: Scenario.Played["parameters"],
  listen: (event: StageEvent) => void
): Effect.Effect<Scenario.Played, Scenario.TooLong> =>
  Effect.gen(function* () {
    const played = Effect.provideService(
      Scenario.playReally(scenario, parameters, { listen }),
      Machine,
      RealMachine.make()
    )
    if (!fetching.includes(scenario)) return yield* played
    const { make } = yield* Effect.promise(() => import("./RealWeb.ts"))
    return yield* Effect.provideService(played, Web, Effect.succeed(yield* make))
  }).pipe(Effect.scoped)
