/** What follows a failed attempt: another one, and when; and what it says of the host. */
import type { FetchReason } from "./FetchError.ts"
import type { Options } from "./Options.ts"
import { type Backoff, backoffMs, maxPauseMs, type Verdict } from "./Politeness.ts"

/**
 * Milliseconds to wait before the next attempt; `undefined` where none follows.
 * `attempts`: those made, this one included. Retry-After wins over back-off, up
 * to a day; a wait that takes longer than is left of a target's time is not begun.
 * `spentMs`: what is gone of it.
 */
export const delayMs = (
  reason: FetchReason,
  attempts: number,
  { retries, maxTimeMs = Infinity }: Pick<Options, "retries" | "maxTimeMs">,
  backoff: Backoff,
  spentMs = 0
): number | undefined => {
  if (!reason.retryable || attempts > retries) return undefined
  const asked = reason._tag === "StatusError" ? reason.retryAfterMs : undefined
  const delay = Math.min(asked ?? backoffMs(attempts, backoff), maxPauseMs)
  return delay < maxTimeMs - spentMs ? delay : undefined
}

/** What a failure says of the host: whether it is at fault as a whole, or asked for a pause. */
export const verdict = (reason: FetchReason, attempts: number, backoff: Backoff): Verdict | undefined => {
  switch (reason._tag) {
    case "DnsError":
      return { fault: reason.message }
    case "ConnectError":
      return reason.outOfFiles ? "unasked" : { fault: reason.message }
    // no host behind it was asked
    case "ProxyError":
      return "unasked"
    case "TimeoutError":
      if (reason.phase === "body" || reason.phase === "pace") return { stall: reason.message }
      return reason.phase === "total" ? "answered" : { fault: reason.message }
    case "StatusError":
      if (reason.retryAfterMs !== undefined) return { pauseMs: reason.retryAfterMs }
      // Too Many Requests speaks for the host even without a time (RFC 6585 4)
      if (reason.status === 429) return { pauseMs: backoffMs(attempts, backoff) }
      return reason.status === 503 ? { unavailable: reason.message, isFirst: attempts === 1 } : "answered"
    case "InvalidUrl":
    case "AddressError":
    case "HostDown":
      return undefined
    default:
      return "answered"
  }
}
