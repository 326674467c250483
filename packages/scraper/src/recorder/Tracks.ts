/**
 * The tracks of a run: made once, many at a time, and used for one target after
 * the other. There are never more than the targets that were under way at one
 * time, and those that a timeline keeps.
 */
import type { Collector } from "@simul/core/Timeline"
import { holds, type Sums } from "./Gate.ts"
import { type Columns, room, Track } from "./Track.ts"

/** Tracks whose stamps lie in the same columns: of a small run few. */
const first = 64
const most = 1024

export class Tracks {
  readonly #free: Array<Track> = []
  readonly #spread: Collector["spread"]
  #columns: Columns | undefined
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

  #make(): Track {
    if (this.#columns === undefined || this.#used === this.#size) {
      this.#size = this.#size === 0 ? first : Math.min(most, 2 * this.#size)
      this.#columns = {
        atMs: new Float64Array(this.#size * room),
        codes: new Uint8Array(this.#size * room),
        sums: new Float64Array(this.#size * holds.length),
        spread: this.#spread
      }
      this.#used = 0
    }
    return new Track(this.#columns, this.#used++)
  }
}
