/**
 * What is in flight: things that come and go by the ten thousand.
 *
 * An array with slots and not a Set or a Map: those keep a discarded table for
 * each time they grew or shrank, and it keeps what it once held alive, which
 * costs several microseconds a request in garbage collection.
 */

/** Its place, kept by `InFlight`; -1 while it is in none. */
export interface Slotted {
  slot: number
}

export class InFlight<A extends Slotted> {
  readonly #all: Array<A> = []

  add(one: A): void {
    one.slot = this.#all.push(one) - 1
  }

  remove(one: A): void {
    const { slot } = one
    if (slot === -1) return
    one.slot = -1
    const last = this.#all.pop()!
    if (last === one) return
    this.#all[slot] = last
    last.slot = slot
  }

  /** In no order. */
  get all(): ReadonlyArray<A> {
    return this.#all
  }
}
