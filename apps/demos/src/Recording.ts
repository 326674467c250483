/** A run as plain data, as it goes over a wire or into a file: pictures and prose are made of it where it is read. */
import type * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"

export interface Recording extends Pick<Scenario.Played, "mode" | "parameters" | "checks" | "inLine" | "loopInLineMs"> {
  readonly events: ReadonlyArray<StageEvent>
}

/** Plays in virtual time, wherever JavaScript runs. */
export const virtual = (
  scenario: Scenario.Scenario,
  parameters: Parameter.Values<any>,
  seed: number = 1
): Promise<Recording> =>
  Effect.runPromise(
    Effect.map(
      Scenario.playVirtually(scenario, parameters, { seed }),
      ({ mode, parameters, checks, inLine, loopInLineMs, events }) => ({
        mode,
        parameters,
        checks,
        inLine,
        loopInLineMs,
        events
      })
    )
  )

/** What was measured, by its key. */
export const measured = ({ checks }: Pick<Recording, "checks">): Scenario.Measured<string> =>
  Object.fromEntries(checks.map(({ key, measured }) => [key, measured]))
