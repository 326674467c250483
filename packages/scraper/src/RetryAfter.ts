/**
 * The Retry-After field (RFC 9110 10.2.3): seconds, or an HTTP date.
 */
import { httpDateMs } from "./HttpDate.ts"

/** Milliseconds from `nowMs` on, never negative; `undefined` where the value is neither form. */
export const retryAfterMs = (value: string | undefined, nowMs: number): number | undefined => {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  // a bare number or word would parse as some date: an HTTP date names a month
  if (!/[A-Za-z]{3}/.test(text)) return undefined
  const at = httpDateMs(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
