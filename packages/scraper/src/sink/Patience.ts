/** Waits for files that may be opened: too many pass with what has them. */
import * as Effect from "effect/Effect"
import { isOutOfFiles } from "../FetchError.ts"
import { codeOf } from "./SystemError.ts"

/**
 * For a group that is written: what finds too many files open is tried again each second, `again` where that is told. Where
 * it is not over in five seconds, nothing more of the group waits for it.
 */
export const make = () => {
  let isPatient = true
  return <A, E, R>(first: Effect.Effect<A, E, R>, again = first): Effect.Effect<A, E, R> => {
    const tried = (attempt: Effect.Effect<A, E, R>, waits: number): Effect.Effect<A, E, R> =>
      Effect.catch(attempt, (error) => {
        if (!isOutOfFiles(codeOf(error))) return Effect.fail(error)
        isPatient &&= waits > 0
        return isPatient ? Effect.delay(tried(again, waits - 1), "1 second") : Effect.fail(error)
      })
    return tried(first, 5)
  }
}
