/**
 * When workers may be started after one could not: at once after the first
 * failure, then after pauses that double. After three failures in a row nothing
 * waits for a worker any more; when the pause is over one is tried, and if it
 * starts all is as before.
 */
import type { Reason } from "./ExecutorError.ts"

const firstPauseMs = 100
const longestPauseMs = 30_000
const threshold = 3

export class Breaker {
  failures = 0
  #last: Reason | undefined
  #retryAt = 0

  /** Whether tasks fail at once instead of waiting for a worker. */
  isOpen(now: number): boolean {
    return this.failures >= threshold && now < this.#retryAt
  }
  get tripped(): boolean {
    return this.failures >= threshold
  }
  get last(): Reason {
    return this.#last!
  }
  /** Milliseconds until a worker may be started. */
  pauseMs(now: number): number {
    return Math.max(0, this.#retryAt - now)
  }
  fail(reason: Reason, now: number): void {
    this.failures++
    this.#last = reason
    this.#retryAt = this.failures === 1 ? now : now + Math.min(longestPauseMs, firstPauseMs * 2 ** (this.failures - 2))
  }
  succeed(): void {
    this.failures = 0
    this.#retryAt = 0
  }
}
