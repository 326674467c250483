/**
 * Of any number of lanes those that somebody will look for, in bounded memory.
 *
 * 1. Up to the bound all are kept, in the order in which they were added.
 * 2. Of more half as many stay, for then they are samples, and each costs at the
 *    end. A lane stays while it has a claim: it is one of the first or of the last
 *    that were added, of the slowest, of a sample of those that failed, or of a
 *    sample of all. Each kind of claim has its share.
 * 3. What is kept of lanes depends on the lanes and their order alone.
 */

/** What is asked of a lane. */
export interface Candidate {
  readonly slownessMs: number
  readonly end?: "ok" | "failed" | "interrupted" | undefined
}

/** Shares of the bound, in twelfths: half of it in all. */
const twelfths = { first: 1, last: 1, slowest: 1, failed: 1, sample: 2 }

export class KeptLanes<L extends Candidate> {
  readonly #most: number
  readonly #spare: (lane: L) => void
  #all: Array<L> = []
  #claims: Claims<L> | undefined

  /** Keeps at most `most` lanes. `spare` is given each that is kept no longer, once. */
  constructor(most: number, spare: (lane: L) => void) {
    this.#most = most
    this.#spare = spare
  }

  add(lane: L) {
    if (this.#claims !== undefined) this.#claims.add(lane)
    else if (this.#all.push(lane) > this.#most) {
      this.#claims = new Claims(this.#most, this.#spare)
      for (const one of this.#all) this.#claims.add(one)
      this.#all = []
    }
  }

  lanes(): ReadonlyArray<L> {
    return this.#claims?.lanes() ?? this.#all
  }
}

/** Lanes in numbered places, with the number of claims on each. */
class Claims<L extends Candidate> {
  readonly #lanes: Array<L | undefined> = []
  readonly #claims: Array<number> = []
  readonly #free: Array<number> = []
  readonly #spare: (lane: L) => void
  readonly #first: number
  #added = 0
  readonly #last: Array<number> = []
  readonly #mostLast: number
  readonly #slowest: Slowest
  readonly #failed: Sample
  readonly #sample: Sample

  constructor(most: number, spare: (lane: L) => void) {
    const share = (parts: number) => Math.floor((most * parts) / 12)
    const drop = (place: number) => this.#drop(place)
    this.#spare = spare
    this.#first = share(twelfths.first)
    // the last one is kept whatever the bound: there is a place for it until it is known what else it is
    this.#mostLast = Math.max(1, share(twelfths.last))
    this.#slowest = new Slowest(share(twelfths.slowest), drop)
    this.#failed = new Sample(share(twelfths.failed), drop)
    this.#sample = new Sample(share(twelfths.sample), drop)
  }

  add(lane: L) {
    const place = this.#free.pop() ?? this.#lanes.length
    this.#lanes[place] = lane
    this.#claims[place] = 1
    const at = this.#added++ % this.#mostLast
    const before = this.#last[at]
    this.#last[at] = place
    if (this.#added <= this.#first) this.#claims[place]++
    if (this.#slowest.offer(place, lane.slownessMs)) this.#claims[place]++
    if (lane.end === "failed" && this.#failed.offer(place)) this.#claims[place]++
    if (this.#sample.offer(place)) this.#claims[place]++
    if (before !== undefined) this.#drop(before)
  }

  lanes(): ReadonlyArray<L> {
    return this.#lanes.filter((lane) => lane !== undefined)
  }

  /** Takes one claim from what is there. */
  #drop(place: number) {
    if (--this.#claims[place]! > 0) return
    const lane = this.#lanes[place]!
    this.#lanes[place] = undefined
    this.#free.push(place)
    this.#spare(lane)
  }
}

/**
 * Steps of this size round a circle come nowhere near a place that they had before for as long as possible: 2^32 by the
 * golden ratio.
 */
const golden = 0x9e3779b1

/**
 * An even sample of what is offered: at least half of the bound once that many came. Not every so-many-th, for of hosts
 * that take turns that might all be of one.
 */
class Sample {
  readonly #most: number
  readonly #drop: (place: number) => void
  #places: Array<number> = []
  /** Where on the circle each of them was. */
  #angles: Array<number> = []
  #offered = 0
  /** What lies before this is taken. */
  #below = 2 ** 32

  constructor(most: number, drop: (place: number) => void) {
    this.#most = most
    this.#drop = drop
  }

  /** Whether it is taken, for now. */
  offer(place: number): boolean {
    const angle = Math.imul(this.#offered++, golden) >>> 0
    if (angle >= this.#below || this.#most === 0) return false
    while (this.#places.length >= this.#most) {
      this.#halve()
      if (angle >= this.#below) return false
    }
    this.#places.push(place)
    this.#angles.push(angle)
    return true
  }

  #halve() {
    this.#below /= 2
    const angles = this.#angles
    const stays = (_: number, index: number) => angles[index]! < this.#below
    const gone = this.#places.filter((place, index) => !stays(place, index))
    this.#places = this.#places.filter(stays)
    this.#angles = angles.filter(stays)
    for (const place of gone) this.#drop(place)
  }
}

/** The slowest of what is offered: a binary heap with the least slow one on top. */
class Slowest {
  readonly #most: number
  readonly #drop: (place: number) => void
  readonly #places: Array<number> = []
  /** How slow each of them is. */
  readonly #slowness: Float64Array

  constructor(most: number, drop: (place: number) => void) {
    this.#most = most
    this.#drop = drop
    this.#slowness = new Float64Array(most)
  }

  /** Whether it is taken, for now. */
  offer(place: number, slownessMs: number): boolean {
    const size = this.#places.length
    if (size < this.#most) {
      this.#places.push(place)
      this.#up(size, place, slownessMs)
      return true
    }
    if (size === 0 || slownessMs <= this.#slowness[0]!) return false
    const least = this.#places[0]!
    this.#down(place, slownessMs)
    this.#drop(least)
    return true
  }

  /** Puts it in at the end, `from`. */
  #up(from: number, place: number, slownessMs: number) {
    const slowness = this.#slowness
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (slowness[parent]! <= slownessMs) break
      this.#put(at, this.#places[parent]!, slowness[parent]!)
      at = parent
    }
    this.#put(at, place, slownessMs)
  }

  /** Puts it in instead of the top. */
  #down(place: number, slownessMs: number) {
    const slowness = this.#slowness
    const size = this.#places.length
    let at = 0
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && slowness[child + 1]! < slowness[child]!) child++
      if (slowness[child]! >= slownessMs) break
      this.#put(at, this.#places[child]!, slowness[child]!)
      at = child
    }
    this.#put(at, place, slownessMs)
  }

  #put(at: number, place: number, slownessMs: number) {
    this.#places[at] = place
    this.#slowness[at] = slownessMs
  }
}
