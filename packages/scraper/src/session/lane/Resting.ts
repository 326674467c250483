/**
 * The connections of all origins that serve nothing and are kept for what may come. Each is an open file, of which a process
 * has few: a crawl of thousands of hosts would have one at each of them.
 */
import type { LaneConnection } from "./LaneConnection.ts"
import * as LaneFault from "./LaneFault.ts"

export class Resting {
  /** The longest resting first. */
  readonly #all = new Set<LaneConnection>()
  readonly #most: number

  /** `most`: connections that may rest at one time, 1 or more. */
  constructor(most: number) {
    this.#most = most
  }

  /** One begins to rest. Closes the one that has rested for the longest where they are too many. */
  add(connection: LaneConnection): void {
    this.#all.add(connection)
    if (this.#all.size <= this.#most) return
    const [longest] = this.#all
    longest?.fail(LaneFault.closed())
  }

  /** It rests no more: it serves again, or is gone. */
  delete(connection: LaneConnection): void {
    this.#all.delete(connection)
  }
}
