/** The worker of the page: plays demos in virtual time, so that the page stays alive meanwhile. */
import { scenarios } from "../Chapters.ts"
import * as Recording from "../Recording.ts"

/** What it is asked. */
export interface Question {
  readonly name: string
  readonly parameters: Recording.Recording["parameters"]
}

export type Answer = { readonly recording: Recording.Recording } | { readonly error: string }

const answer = (answer: Answer) => postMessage(answer)

/** Answers every message, in a worker. */
export const listen = (): void =>
  addEventListener("message", ({ data: { name, parameters } }: MessageEvent<Question>) => {
    const scenario = scenarios.find((one) => one.name === name)!
    Recording.virtual(scenario, parameters).then(
      (recording) => answer({ recording }),
      (error: unknown) => answer({ error: String(error) })
    )
  })
