/**
 * Why the queue of a host does not move. What is queued waits for the same
 * cause, so it is counted once for the host; a target takes the difference
 * between its end and its start.
 */
import type { Collector } from "@simul/core/Timeline"
import { type Cause, indexOf } from "./Cause.ts"

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
export class Gate {
  queued = 0
  #sums = noSums
  #atMs: number
  #state: State = { pausedMs: 0, asked: false, nextMs: 0, isFull: false }
  readonly #spread: Collector["spread"]

  constructor(nowMs: number, spread: Collector["spread"]) {
    this.#atMs = nowMs
    this.#spread = spread
  }

  /** The sums up to now, by the state as it was until now. */
  read(nowMs: number): Sums {
    const { pausedMs, asked, nextMs, isFull } = this.#state
    const pause = asked ? "retry-after" : "back-off"
    const pauseEnd = Math.min(Math.max(pausedMs, this.#atMs), nowMs)
    const delayEnd = Math.min(Math.max(nextMs, pauseEnd), nowMs)
    const before = this.#sums
    const pausedFor = this.#pass(pause, this.#atMs, pauseEnd)
    // written out and not spread: this is done several times for each target
    this.#sums = {
      "retry-after": before["retry-after"] + (asked ? pausedFor : 0),
      "back-off": before["back-off"] + (asked ? 0 : pausedFor),
      delay: before.delay + this.#pass("delay", pauseEnd, delayEnd),
      slot: before.slot + this.#pass(isFull ? "slot" : "queue", delayEnd, nowMs) * Number(isFull)
    }
    this.#atMs = nowMs
    return this.#sums
  }

  /** After `read`: how it is from now on. */
  become(state: State, queued: number) {
    this.#state = state
    this.queued = queued
  }

  #pass(cause: Cause, fromMs: number, toMs: number): number {
    this.#spread(indexOf[cause], fromMs, toMs, (toMs - fromMs) * this.queued)
    return toMs - fromMs
  }
}
