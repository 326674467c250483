/** Times as people write them: `300ms`, `2s`, `5m`, `1h`. Inside the program they are milliseconds. */
import * as Result from "effect/Result"

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

// setTimeout of Node wraps round above this and would fire at once.
const longest = 2 ** 31 - 1

/** What `parse` takes, for messages. */
export const forms = "a time such as 300ms, 2s, 5m or 1h"

/** Milliseconds, rounded; fails with what was expected. A bare number is refused, but for `0`: nobody can see its unit. */
export const parse = (text: string): Result.Result<number, string> => {
  if (text === "0") return Result.succeed(0)
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim().toLowerCase())
  if (match === null) return Result.fail(forms)
  const ms = Math.round(Number(match[1]) * units[match[2] as keyof typeof units])
  return ms > longest ? Result.fail("a time of at most 596h") : Result.succeed(ms)
}

/** A time to read at a glance, two units at most: `40ms`, `0.4s`, `24s`, `3m 05s`, `2h 10m`, `4d 3h`. */
export const format = (ms: number): string => {
  if (ms > 0 && ms < 95) return `${Math.max(1, Math.round(ms))}ms`
  if (ms < 9950) return `${+(ms / 1000).toFixed(1)}s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}m ${two(seconds % 60)}s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours}h ${two(minutes % 60)}m`
  return `${Math.floor(hours / 24)}d ${hours % 24}h`
}

const two = (count: number) => String(count).padStart(2, "0")
