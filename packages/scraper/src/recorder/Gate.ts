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

/** Milliseconds so far that a host was held back, by the causes in `holds`. */
export type Sums = Float64Array

export const holds = ["retry-after", "back-off", "delay", "slot"] as const
const [afterPause, backOff, delay, slot] = [0, 1, 2, 3]
const indexes = holds.map((cause) => indexOf[cause])
const { queue } = indexOf

export const noSums: Sums = new Float64Array(holds.length)

/** Of several causes at one time the first counts: a pause, delay, slot; without any, targets wait for a worker. */
export class Gate {
  readonly host: string
  queued = 0
  readonly #sums: Sums = new Float64Array(holds.length)
  #atMs: number
  #pausedMs = 0
  #asked = false
  #nextMs = 0
  #isFull = false
  readonly #spread: Collector["spread"]

  constructor(host: string, nowMs: number, spread: Collector["spread"]) {
    this.host = host
    this.#atMs = nowMs
    this.#spread = spread
  }

  /** Brings the sums up to now, by the state as it was until now. They are this gate's own: read them at once. */
  read(nowMs: number): Sums {
    const fromMs = this.#pausedMs > this.#atMs || this.#nextMs > this.#atMs ? this.#wait(this.#atMs, nowMs) : this.#atMs
    this.#atMs = nowMs
    if (this.#isFull) this.#hold(slot, fromMs, nowMs)
    else this.#spread(queue, fromMs, nowMs, (nowMs - fromMs) * this.queued)
    return this.#sums
  }

  /** After `read`: how it is from now on. Times of the state count from `originMs`. */
  become({ pausedMs, asked, nextMs, isFull }: State, queued: number, originMs = 0) {
    this.#pausedMs = pausedMs - originMs
    this.#asked = asked
    this.#nextMs = nextMs - originMs
    this.#isFull = isFull
    this.queued = queued
  }

  /** Counts what is held back by times. Gives when that was over. */
  #wait(fromMs: number, nowMs: number): number {
    const pauseEnd = Math.min(Math.max(this.#pausedMs, fromMs), nowMs)
    const delayEnd = Math.min(Math.max(this.#nextMs, pauseEnd), nowMs)
    this.#hold(this.#asked ? afterPause : backOff, fromMs, pauseEnd)
    this.#hold(delay, pauseEnd, delayEnd)
    return delayEnd
  }

  #hold(by: number, fromMs: number, toMs: number) {
    this.#sums[by]! += toMs - fromMs
    this.#spread(indexes[by]!, fromMs, toMs, (toMs - fromMs) * this.queued)
  }
}
