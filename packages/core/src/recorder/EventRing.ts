/**
 * The memory of a flight recorder: events as columns of numbers in a ring.
 *
 * 1. Its size is fixed when it is made: 21 bytes an event. The oldest event is
 *    overwritten, and counted.
 * 2. `put` allocates nothing.
 */

import type { TaskEnd } from "../WorkerEvent.ts"

/** How a fiber or a task ended, by what an event holds. */
export const ends: ReadonlyArray<TaskEnd> = ["ok", "failed", "interrupted"]

/** What is counted, by what an event holds. */
export const counters = ["most ready", "live fibers", "loop delay ms", "loop utilisation"] as const

/** What an event is about; the columns `id`, `other` and `value` mean what stands here. */
export const kind = {
  /** A fiber's first run. id: fiber, other: parent, value: milliseconds since it was forked. */
  start: 0,
  /** A fiber goes on. id: fiber, other: the fiber that woke it, value: milliseconds it was ready before. */
  run: 1,
  /** A fiber stops to wait. id: fiber, other: the wait's name. */
  park: 2,
  /** id: fiber, other: its name, value: index in `ends`. */
  end: 3,
  /** id: task, other: fiber, value: its name. */
  submit: 4,
  /** id: task, other: worker. */
  dequeue: 5,
  runTask: 6,
  /** id: task, other: worker or 0, value: index in `ends`, and their number times that of the reason. */
  done: 7,
  /** id: task, other: worker, value: the reason. */
  kill: 8,
  /** other: worker, value: the name of its executor. */
  spawn: 9,
  /** other: worker, value: index in `ends`. */
  exit: 10,
  /** id: counter, value: its value. */
  count: 11
} as const

export interface Event {
  readonly atMs: number
  readonly kind: number
  readonly id: number
  readonly other: number
  readonly value: number
}

export class EventRing {
  /** Events put so far, overwritten ones included. */
  count = 0
  readonly capacity: number
  readonly #mask: number
  readonly #at: Float64Array
  readonly #kind: Uint8Array
  readonly #id: Uint32Array
  readonly #other: Uint32Array
  readonly #value: Float32Array

  /** For at least `capacity` events: the next power of two, from 16 to 2^24. */
  constructor(capacity: number) {
    this.capacity = 2 ** Math.min(24, Math.max(4, Math.ceil(Math.log2(capacity))))
    this.#mask = this.capacity - 1
    this.#at = new Float64Array(this.capacity)
    this.#kind = new Uint8Array(this.capacity)
    this.#id = new Uint32Array(this.capacity)
    this.#other = new Uint32Array(this.capacity)
    this.#value = new Float32Array(this.capacity)
  }

  put(kind: number, atMs: number, id: number, other: number, value: number): void {
    const index = this.count++ & this.#mask
    this.#at[index] = atMs
    this.#kind[index] = kind
    this.#id[index] = id
    this.#other[index] = other
    this.#value[index] = value
  }

  get overwritten(): number {
    return Math.max(0, this.count - this.capacity)
  }

  /** What it holds, oldest first in the order of being put; times need not be in order. */
  *events(): Generator<Event> {
    for (let number = this.overwritten; number < this.count; number++) {
      const index = number & this.#mask
      yield {
        atMs: this.#at[index]!,
        kind: this.#kind[index]!,
        id: this.#id[index]!,
        other: this.#other[index]!,
        value: this.#value[index]!
      }
    }
  }
}
