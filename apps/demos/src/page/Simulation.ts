/** The worker of the page: plays demos in virtual time, so that the page stays alive meanwhile. */
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Effect from "effect/Effect"
import { scenarios } from "../Chapters.ts"

/** What it is asked. */
export interface Question {
  readonly name: string
  readonly parameters: Scenario.Played["parameters"]
}

export type Answer = { readonly recording: Scenario.Played } | { readonly error: string }

const answer = (answer: Answer) => postMessage(answer)

/** Answers every message, in a worker. */
export const listen = (): void =>
  addEventListener("message", ({ data: { name, parameters } }: MessageEvent<Question>) => {
    const scenario = scenarios.find((one) => one.name === name)!
    Effect.runPromise(Scenario.playVirtually(scenario, parameters)).then(
      (recording) => answer({ recording }),
      (error: unknown) => answer({ error: String(error) })
    )
  })
