/**
 * The Retry-After field (RFC 9110 10.2.3): seconds, or an HTTP date.
 */
import { httpDateMs } from "./HttpDate.ts"

/**
 * Milliseconds from now on, never negative; `undefined` where the value is neither form. A date is one of the host's clock,
 * which `date` tells, the answer's own field; where that is not there, `nowMs` stands in.
 */
export const retryAfterMs = (value: string | undefined, nowMs: number, date?: string): number | undefined => {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1000
  // a bare number or word would parse as some date: an HTTP date names a month
  if (!/[A-Za-z]{3}/.test(text)) return undefined
  const at = httpDateMs(text, nowMs)
  if (Number.isNaN(at)) return undefined
  const sentMs = date === undefined ? NaN : httpDateMs(date, nowMs)
  return Math.max(0, at - (Number.isNaN(sentMs) ? nowMs : sentMs))
}
