/**
 * Times counted in buckets that double: cheap enough for every task, and exact
 * to a factor of two, which is what one asks of waiting times.
 */

/** From one microsecond to over an hour. */
const buckets = 32

/** A histogram at one moment. */
export interface HistogramSnapshot {
  readonly count: number
  readonly meanMs: number
  readonly maxMs: number
  /** Upper bounds of the buckets that hold the median, the 90th and the 99th of a hundred; at most `maxMs`. */
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  /** Counts by bucket: the first holds times below 1 µs, bucket n those below 2^n µs. */
  readonly buckets: ReadonlyArray<number>
}

export class Histogram {
  readonly #counts = new Float64Array(buckets)
  #count = 0
  #sum = 0
  #max = 0

  record(ms: number): void {
    const microseconds = ms * 1000
    this.#counts[microseconds < 1 ? 0 : Math.min(buckets - 1, 32 - Math.clz32(microseconds))]!++
    this.#count++
    this.#sum += ms
    if (ms > this.#max) this.#max = ms
  }

  snapshot(): HistogramSnapshot {
    const quantile = (share: number) => {
      let left = share * this.#count
      for (let i = 0; i < buckets; i++) if ((left -= this.#counts[i]!) <= 0) return Math.min(this.#max, 2 ** i / 1000)
      return this.#max
    }
    return {
      count: this.#count,
      meanMs: this.#count === 0 ? 0 : this.#sum / this.#count,
      maxMs: this.#max,
      p50Ms: quantile(0.5),
      p90Ms: quantile(0.9),
      p99Ms: quantile(0.99),
      buckets: [...this.#counts]
    }
  }
}
