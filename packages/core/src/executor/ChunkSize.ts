/**
 * How many items of a `map` travel as one message.
 *
 * A message costs some microseconds whatever it holds, so cheap items want large
 * chunks; a large chunk of dear items leaves other workers idle and makes the
 * first result late. Aimed at is `targetMs` of work a chunk:
 *
 * 1. It begins with one item and grows at most eightfold from one chunk to the next.
 * 2. Where the number of items is known, a chunk is at most half of a fair share
 *    of those that are left (guided self-scheduling, Polychronopoulos and Kuck 1987).
 */
const targetMs = 1
const largest = 2048

export class ChunkSize {
  readonly #fixed: number | undefined
  #size: number
  #itemMs = 0

  constructor(chunk: "auto" | number) {
    this.#fixed = chunk === "auto" ? undefined : chunk
    this.#size = this.#fixed ?? 1
  }

  /** Items for the next chunk. `left`: how many there are still, if known; `workers`: how many share them. */
  next(left: number, workers: number): number {
    return this.#fixed ?? Math.max(1, Math.min(this.#size, Math.ceil(left / (2 * workers))))
  }

  /** A chunk of `items` took its worker `ms`. */
  record(items: number, ms: number): void {
    if (this.#fixed !== undefined) return
    const itemMs = ms / items
    this.#itemMs = this.#itemMs === 0 ? itemMs : this.#itemMs * 0.7 + itemMs * 0.3
    this.#size = Math.max(1, Math.min(largest, this.#size * 8, Math.floor(targetMs / Math.max(this.#itemMs, 1e-6))))
  }
}
