/**
 * The connections of all origins that serve nothing and are kept for what may come. Each is an open file, of which a process
 * has few: a crawl of thousands of hosts would have one at each of them.
 */

/** A connection that rests. */
export interface Rests {
  /** Closes it: it serves nothing. */
  readonly leave: () => void
}

export class Resting {
  /** The longest resting first. */
  readonly #all = new Set<Rests>()
  readonly #most: number

  /** `most`: connections that may rest at one time, 1 or more. */
  constructor(most: number) {
    this.#most = most
  }

  /** One begins to rest, or goes on. Closes the one that has rested for the longest where they are too many. */
  add(connection: Rests): void {
    this.#all.add(connection)
    if (this.#all.size <= this.#most) return
    const [longest] = this.#all
    this.#all.delete(longest!)
    longest!.leave()
  }

  /** It rests no more: it serves again, or is gone. */
  delete(connection: Rests): void {
    this.#all.delete(connection)
  }
}
