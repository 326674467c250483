/**
 * Bytes a second, all transfers together: a bucket that may run into debt. Who
 * takes from it is told how long to pause, so a chunk already read is never
 * held in memory.
 */
export interface RateLimit {
  /** Takes `bytes`; the milliseconds to pause, 0 while within the rate. */
  readonly take: (bytes: number) => number
}

/** `bytesPerSecond` at least 1. A quarter of a second's worth may be taken at once. */
export const make = (bytesPerSecond: number, now: () => number = () => performance.now()): RateLimit => {
  const burst = bytesPerSecond / 4
  let tokens = burst
  let last = now()
  return {
    take: (bytes) => {
      const at = now()
      tokens = Math.min(burst, tokens + ((at - last) / 1000) * bytesPerSecond) - bytes
      last = at
      return tokens >= 0 ? 0 : (-tokens / bytesPerSecond) * 1000
    }
  }
}
