/**
 * The tracks of a run: made once, many at a time, and used for one target after
 * the other. There are never more than the targets that were under way at one
 * time, and those that a timeline keeps.
 */
import type { Collector } from "@simul/core/Timeline"
import type { Sums } from "./Gate.ts"
import { stride, Track } from "./Track.ts"

/** Tracks whose numbers lie in one array: of a small run few. */
const first = 64
const most = 1024

export class Tracks {
  readonly #free: Array<Track> = []
  readonly #spread: Collector["spread"]
  #numbers = new Float64Array(0)
  #used = 0

  constructor(spread: Collector["spread"]) {
    this.#spread = spread
  }

  /** A track for a target that is queued for its host now. */
  begin(url: string, host: string, nowMs: number, sums: Sums): Track {
    const track = this.#free.pop() ?? this.#make()
    track.begin(url, host, nowMs, sums)
    return track
  }

  /** Nobody needs what it says any more. */
  giveBack(track: Track) {
    this.#free.push(track)
  }

  #make(): Track {
    if (this.#used === this.#numbers.length) {
      const tracks = this.#used === 0 ? first : Math.min(most, (2 * this.#used) / stride)
      this.#numbers = new Float64Array(tracks * stride)
      this.#used = 0
    }
    const track = new Track(this.#numbers, this.#used, this.#spread)
    this.#used += stride
    return track
  }
}
