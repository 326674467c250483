/**
 * Makes a failing schedule small: fewer deviations that still fail in the same way.
 *
 * First the end is cut off, then all picks are tried away at once, then pre-emptions one by one, then delta debugging
 * takes away ever smaller parts until no single deviation can go.
 *
 * Source: Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, IEEE TSE 28(2), 2002.
 */
import * as Effect from "effect/Effect"
import type { Schedule } from "./Schedule.ts"

export interface Shrunk {
  readonly schedule: Schedule
  /** How many schedules were tried. */
  readonly runs: number
}

/** Shrinks a schedule for which `fails` holds, in at most `maxRuns` tries. */
export const shrink = (
  schedule: Schedule,
  fails: (schedule: Schedule) => Effect.Effect<boolean>,
  maxRuns: number
): Effect.Effect<Shrunk> =>
  Effect.gen(function* () {
    let best = schedule
    let runs = 0
    const attempt = Effect.fnUntraced(function* (candidate: Schedule) {
      if (candidate.length >= best.length || runs >= maxRuns) return false
      runs++
      if (!(yield* fails(candidate))) return false
      best = candidate
      return true
    })

    for (let length = 0; length < best.length; length = length === 0 ? 1 : 2 * length)
      if (yield* attempt(best.slice(0, length))) break
    yield* attempt(best.filter(({ _tag }) => _tag === "Preemption"))
    yield* attempt(best.filter(({ _tag }) => _tag === "Pick"))
    for (let index = best.length - 1; index >= 0; index--)
      if (best[index]?._tag === "Preemption") yield* attempt(best.toSpliced(index, 1))

    for (let size = Math.ceil(best.length / 2); size >= 1 && runs < maxRuns;) {
      let smaller = false
      for (let from = 0; from < best.length;) {
        if (yield* attempt(best.toSpliced(from, size))) smaller = true
        else from += size
      }
      // One deviation may have needed another that is gone now.
      if (!smaller || size > 1) {
        if (size === 1) break
        size = Math.ceil(size / 2)
      }
    }
    return { schedule: best, runs }
  })
