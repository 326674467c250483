/**
 * Why the queue of a host does not move. What is queued waits for the same
 * cause, so it is counted once for the host; a target takes the difference
 * between its end and its start.
 */
import type { Collector } from "@simul/core/Timeline"
import { indexOf } from "./Cause.ts"

/** What holds a host back from a time on: its pause and its delay until they end, then its slots. Milliseconds. */
export interface State {
  readonly pausedMs: number
  /** It asked for that pause itself. */
  readonly asked: boolean
  readonly nextMs: number
  readonly isFull: boolean
}

/** Milliseconds so far that a host was held back by each. */
export interface Sums {
  readonly "retry-after": number
  readonly "back-off": number
  readonly delay: number
  readonly slot: number
}

export const noSums: Sums = { "retry-after": 0, "back-off": 0, delay: 0, slot: 0 }

/** Of several causes at one time the first counts: a pause, delay, slot; without any, targets wait for a worker. */
export class Gate implements Sums {
  queued = 0
  "retry-after" = 0
  "back-off" = 0
  delay = 0
  slot = 0
  #atMs: number
  #pausedMs = 0
  #asked = false
  #nextMs = 0
  #isFull = false
  readonly #spread: Collector["spread"]

  constructor(nowMs: number, spread: Collector["spread"]) {
    this.#atMs = nowMs
    this.#spread = spread
  }

  /** Brings the sums up to now, by the state as it was until now. They are this very object's: read them at once. */
  read(nowMs: number): Sums {
    const fromMs = this.#atMs
    const pauseEnd = Math.min(Math.max(this.#pausedMs, fromMs), nowMs)
    const delayEnd = Math.min(Math.max(this.#nextMs, pauseEnd), nowMs)
    if (pauseEnd > fromMs) {
      this[this.#asked ? "retry-after" : "back-off"] += pauseEnd - fromMs
      this.#pass(this.#asked ? indexOf["retry-after"] : indexOf["back-off"], fromMs, pauseEnd)
    }
    if (delayEnd > pauseEnd) {
      this.delay += delayEnd - pauseEnd
      this.#pass(indexOf.delay, pauseEnd, delayEnd)
    }
    if (nowMs > delayEnd) {
      if (this.#isFull) this.slot += nowMs - delayEnd
      this.#pass(this.#isFull ? indexOf.slot : indexOf.queue, delayEnd, nowMs)
    }
    this.#atMs = nowMs
    return this
  }

  /** After `read`: how it is from now on. Times of the state count from `originMs`. */
  become({ pausedMs, asked, nextMs, isFull }: State, queued: number, originMs = 0) {
    this.#pausedMs = pausedMs - originMs
    this.#asked = asked
    this.#nextMs = nextMs - originMs
    this.#isFull = isFull
    this.queued = queued
  }

  #pass(cause: number, fromMs: number, toMs: number) {
    this.#spread(cause, fromMs, toMs, (toMs - fromMs) * this.queued)
  }
}
