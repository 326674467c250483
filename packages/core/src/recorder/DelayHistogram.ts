/** Durations in buckets that grow by a fifth each, from a microsecond to an hour. Adding one allocates nothing. */
const growth = Math.log(1.2)
const least = 0.001
const size = 122

export class DelayHistogram {
  readonly #counts = new Float64Array(size)
  #total = 0
  /** The longest so far, in milliseconds. */
  most = 0

  add(ms: number): void {
    const bucket = ms > least ? Math.min(size - 1, Math.ceil(Math.log(ms / least) / growth)) : 0
    this.#counts[bucket]!++
    this.#total++
    if (ms > this.most) this.most = ms
  }

  /** In milliseconds, at most a fifth too long; 0 of nothing. */
  quantile(part: number): number {
    if (this.#total === 0) return 0
    let left = part * this.#total
    for (let bucket = 0; bucket < size; bucket++) {
      left -= this.#counts[bucket]!
      if (left <= 0) return Math.min(this.most, bucket === 0 ? least : least * Math.exp(bucket * growth))
    }
    return this.most
  }
}
