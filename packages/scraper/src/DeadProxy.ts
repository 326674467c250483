/**
 * A proxy that does not answer is the fault of no URL: while nothing else answers either, the line waits for it, longer
 * each time, and targets keep their attempts. After as many waits as a target has retries the run ends.
 *
 * Where answers come meanwhile (from hosts without a proxy, or through one that comes and goes), what fails is a failed
 * attempt as any other: no list is held up for the part of it that cannot be had.
 */
import * as Effect from "effect/Effect"
import type { ProxyError } from "./FetchError.ts"
import type { Frontier } from "./Frontier.ts"
import type { Options } from "./Options.ts"
import { type Backoff, backoffMs } from "./Politeness.ts"
import { ProxyUnusable } from "./RunError.ts"

/** @param now milliseconds; those of `startedMs`, and never set back */
export const make = (
  frontier: Pick<Frontier, "pause" | "resume">,
  { retries }: Pick<Options, "retries">,
  backoff: Backoff,
  now: () => number
) => {
  /** Something answered since the last fault. */
  let isAnswered = false
  let waits = 0
  /** What began before that says nothing new. */
  let sinceMs = -Infinity
  let wanted: { readonly proxy: string; readonly untilMs: number } | undefined

  const wait = Effect.fnUntraced(function* ({ proxy }: ProxyError) {
    const ms = backoffMs(waits, backoff)
    wanted = { proxy, untilMs: now() + ms }
    frontier.pause("proxy")
    yield* Effect.sleep(ms)
    wanted = undefined
    sinceMs = now()
    frontier.resume("proxy")
  })

  return {
    answered: () => {
      isAnswered = true
    },
    /**
     * An exchange that began then failed for its proxy. `undefined`: as any attempt does; else its target is to be
     * asked again after that.
     */
    failed: (error: ProxyError, startedMs: number): Effect.Effect<void, ProxyUnusable> | undefined => {
      if (wanted !== undefined || startedMs < sinceMs) return waits > 0 ? Effect.void : undefined
      if (isAnswered) {
        isAnswered = false
        waits = 0
        sinceMs = now()
        return undefined
      }
      if (!error.retryable || waits === retries)
        return Effect.fail(new ProxyUnusable({ proxy: error.proxy, code: error.code, tries: waits + 1 }))
      waits++
      return wait(error)
    },
    /** The proxy that is waited for, and for how much longer. */
    wanted: () => wanted && { host: wanted.proxy, waitMs: Math.max(0, wanted.untilMs - now()) }
  }
}

export type DeadProxy = ReturnType<typeof make>
