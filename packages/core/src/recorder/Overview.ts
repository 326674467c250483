/**
 * How many lanes were in each category, on average over each bin of time, in
 * bounded memory: the bins double their length when time outgrows them.
 */

/** Between half of these and all of them are in use. */
const bins = 512

export class Overview {
  readonly #categories: number
  /** Category by category: what lies in each bin alone, and what changes from a bin on in all that follow. */
  readonly #values: Float64Array
  readonly #changes: Float64Array
  #binMs = 1

  constructor(categories: number) {
    this.#categories = categories
    this.#values = new Float64Array(categories * bins)
    this.#changes = new Float64Array(categories * bins)
  }

  /** Adds `ms` spent on a category (by index), evenly between two times. */
  readonly spread = (category: number, startMs: number, endMs: number, ms: number): void => {
    if (!(ms > 0)) return
    while (endMs >= bins * this.#binMs) this.#coarsen()
    const first = category * bins
    const bin = Math.floor(startMs / this.#binMs)
    if (endMs < (bin + 1) * this.#binMs) this.#values[first + bin]! += ms
    else this.#spreadOver(first, startMs, endMs, ms)
  }

  /** First index: category; second: bin. */
  until(endMs: number): { readonly binMs: number; readonly counts: ReadonlyArray<ReadonlyArray<number>> } {
    const used = Math.min(bins, Math.max(1, Math.ceil(endMs / this.#binMs)))
    const counted = (_: unknown, category: number) => {
      const first = category * bins
      const counts: Array<number> = []
      let sum = 0
      for (let bin = first; bin < first + used; bin++)
        counts.push((this.#values[bin]! + (sum += this.#changes[bin]!)) / this.#binMs)
      return counts
    }
    return { binMs: this.#binMs, counts: Array.from({ length: this.#categories }, counted) }
  }

  /** From one bin to a later one. */
  #spreadOver(first: number, startMs: number, endMs: number, ms: number) {
    const binMs = this.#binMs
    const from = first + Math.floor(startMs / binMs)
    const to = first + Math.floor(endMs / binMs)
    const share = ms / (endMs - startMs)
    this.#values[from]! += share * ((from + 1 - first) * binMs - startMs)
    this.#values[to]! += share * (endMs - (to - first) * binMs)
    // the same in each between, however many
    this.#changes[from + 1]! += share * binMs
    this.#changes[to]! -= share * binMs
  }

  /** Bins of twice the length. */
  #coarsen() {
    const values = this.#values
    const changes = this.#changes
    const half = bins / 2
    for (let first = 0; first < values.length; first += bins) {
      for (let bin = 0; bin < half; bin++) {
        // what changes amid a bin counts once in it, and twice in those that follow
        values[first + bin] = values[first + 2 * bin]! + values[first + 2 * bin + 1]! + changes[first + 2 * bin + 1]!
        changes[first + bin] = 2 * (changes[first + 2 * bin]! + (bin === 0 ? 0 : changes[first + 2 * bin - 1]!))
      }
      changes[first + half] = 2 * changes[first + bins - 1]!
      values.fill(0, first + half, first + bins)
      changes.fill(0, first + half + 1, first + bins)
    }
    this.#binMs *= 2
  }
}
