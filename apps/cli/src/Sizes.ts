/** Amounts of bytes as people write and read them. `K`, `M` and `G` are powers of 1024, in and out. */
import * as Result from "effect/Result"

const units = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const

/** What `parse` takes, for messages. */
export const forms = "a size such as 500, 64K, 50M or 2G"

/** Bytes, rounded; fails with what was expected. */
export const parse = (text: string): Result.Result<number, string> => {
  const match = /^(\d+(?:\.\d+)?)([kmg]?)$/.exec(text.trim().toLowerCase())
  if (match === null) return Result.fail(forms)
  const bytes = Math.round(Number(match[1]) * units[match[2] as keyof typeof units])
  return Number.isSafeInteger(bytes) ? Result.succeed(bytes) : Result.fail("a size below 8388608G")
}

const names = ["B", "KB", "MB", "GB", "TB", "PB"]

/** Two or three digits and a unit: `812 B`, `9.8 KB`, `253 MB`, `2.1 GB`. */
export const format = (bytes: number): string => {
  let value = bytes
  let unit = 0
  // 999.5 would print as 1000: four digits, so the next unit takes over before it.
  while (value >= 999.5 && unit < names.length - 1) {
    value /= 1024
    unit += 1
  }
  const digits = unit > 0 && value < 9.95 ? value.toFixed(1) : value.toFixed(0)
  return `${digits} ${names[unit]}`
}
