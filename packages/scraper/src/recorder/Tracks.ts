/**
 * The tracks of a run: made once, many at a time, and used for one target after
 * the other. There are never more than the targets that were under way at one
 * time, and those that a timeline keeps.
 */
import type { Collector } from "@simul/core/Timeline"
import type { Sums } from "./Gate.ts"
import { type Rows, rowLength, Track } from "./Track.ts"

/** Tracks whose rows lie together: of a small run few. */
const first = 64
const most = 1024

export class Tracks {
  readonly #all: Array<Track> = []
  readonly #free: Array<Track> = []
  readonly #spread: Collector["spread"]
  #rows: Rows | undefined
  #size = 0
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
    track.forget()
    this.#free.push(track)
  }

  /** Those of targets whose life has not ended, in the order in which it began. */
  underWay(): ReadonlyArray<Track> {
    return this.#all.filter(({ isUnderWay }) => isUnderWay).toSorted((a, b) => a.startMs - b.startMs)
  }

  #make(): Track {
    if (this.#rows === undefined || this.#used === this.#size) {
      this.#size = this.#size === 0 ? first : Math.min(most, 2 * this.#size)
      this.#rows = {
        numbers: new Float64Array(this.#size * rowLength),
        codes: new Uint8Array(this.#size * rowLength),
        spread: this.#spread
      }
      this.#used = 0
    }
    const track = new Track(this.#rows, this.#used++)
    this.#all.push(track)
    return track
  }
}
