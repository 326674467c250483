/**
 * The lanes and times of each group, in bounded memory: of more than twice the
 * bound those with most time stay, and the rest is one sum.
 */

/** Of some lanes. */
export interface Sum {
  lanes: number
  failed: number
  /** Milliseconds by index of category. */
  readonly times: Float64Array
}

const total = ({ times }: Sum) => times.reduce((sum, ms) => sum + ms, 0)

export class GroupSums {
  readonly #most: number
  #sums = new Map<string, Sum>()
  /** Of what was known of groups that did not stay. */
  readonly #rest: Sum

  constructor(most: number, categories: number) {
    this.#most = most
    this.#rest = { lanes: 0, failed: 0, times: new Float64Array(categories) }
  }

  /** To be added to. */
  of(group: string): Sum {
    let sum = this.#sums.get(group)
    if (sum === undefined) {
      if (this.#sums.size >= 2 * this.#most) this.#sums = new Map(this.#heaviest(this.#rest))
      sum = { lanes: 0, failed: 0, times: new Float64Array(this.#rest.times.length) }
      this.#sums.set(group, sum)
    }
    return sum
  }

  /** Of the groups with most time, longest first, and of all others together. */
  result(): { readonly heaviest: ReadonlyArray<readonly [group: string, sum: Sum]>; readonly rest: Sum } {
    const rest = { ...this.#rest, times: this.#rest.times.slice() }
    return { heaviest: this.#heaviest(rest), rest }
  }

  /** The groups with most time; the others are added to `rest`. */
  #heaviest(rest: Sum): ReadonlyArray<readonly [string, Sum]> {
    const sorted = [...this.#sums].toSorted(([, a], [, b]) => total(b) - total(a))
    for (const [, { lanes, failed, times }] of sorted.splice(this.#most)) {
      rest.lanes += lanes
      rest.failed += failed
      for (const [index, ms] of times.entries()) rest.times[index]! += ms
    }
    return sorted
  }
}
