/**
 * 64 bits that stand for a text, and a table of them: 10 to 16 bytes for each,
 * whatever the texts.
 *
 * 1. `false` is certain: a text whose fingerprint is not in the table was never
 *    added. `true` is not: two texts may have one, about one pair in 2^64, or
 *    whichever someone finds who knows the seed.
 * 2. Memory is typed arrays outside the heap, so it costs the garbage collector
 *    nothing. Each of 256 parts is between 53 and 80 % full once it has grown,
 *    and grows alone and in its place: there is never a second copy of the whole.
 *    A part takes a page of memory at least, so the 16 bytes hold beyond some
 *    100,000.
 */

/** The two halves of a fingerprint, as unsigned 32-bit numbers; used again at the next call. */
export interface Fingerprint {
  high: number
  low: number
}

/** Makes the fingerprint of a text. */
export type Of = (text: string) => Fingerprint

const rotate = (word: number, by: number) => (word << by) | (word >>> (32 - by))

const finish = (word: number) => {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return word ^ (word >>> 16)
}

/**
 * Two lanes of MurmurHash3 (x86, 32 bits), each with its own constants, mixed at the end.
 *
 * @param seed secret and new for each run, so that no page can be written whose links have one fingerprint
 */
export const make = (seed: readonly [number, number]): Of => {
  const fingerprint: Fingerprint = { high: 0, low: 0 }
  return (text) => {
    const { length } = text
    let [high, low] = seed
    for (let index = 0; index < length; index += 2) {
      const block = text.charCodeAt(index) | ((index + 1 < length ? text.charCodeAt(index + 1) : 0) << 16)
      high ^= Math.imul(rotate(Math.imul(block, 0xcc9e2d51), 15), 0x1b873593)
      high = (Math.imul(rotate(high, 13), 5) + 0xe6546b64) | 0
      low ^= Math.imul(rotate(Math.imul(block, 0x239b961b), 16), 0xab0e9789)
      low = (Math.imul(rotate(low, 17), 5) + 0x561ccd1b) | 0
    }
    high = finish(high ^ length)
    low = finish(low ^ length ^ high)
    fingerprint.high = (high ^ low) >>> 0
    fingerprint.low = low >>> 0
    return fingerprint
  }
}

const partBits = 8
const parts = 1 << partBits
const leastSlots = 16
/** Fuller than this, and looking takes too many steps; 10 for what is not there. */
const mostFull = 0.8
/** The least full is then 53 %: 8 bytes a slot make 15 for each fingerprint. */
const growth = 1.5
/** Address space that a part reserves, not memory: for 1.6 million fingerprints, 430 million in all. */
const mostBytes = 2 ** 24

/** A set of fingerprints, with open addressing. Nothing is ever taken out. Beyond 400 million, `add` throws `RangeError`. */
export class Table {
  /** Two words a slot, high and low; a slot of zeros is free. */
  readonly #slots: Array<Uint32Array<ArrayBuffer>> = []
  readonly #counts = new Uint32Array(parts)
  #size = 0

  constructor() {
    for (let part = 0; part < parts; part++)
      this.#slots.push(new Uint32Array(new ArrayBuffer(8 * leastSlots, { maxByteLength: mostBytes })))
  }

  get size(): number {
    return this.#size
  }
  get bytes(): number {
    return this.#slots.reduce((sum, { byteLength }) => sum + byteLength, this.#counts.byteLength)
  }

  has({ high, low }: Fingerprint): boolean {
    const slots = this.#slots[high >>> (32 - partBits)]!
    return isTaken(slots, find(slots, high, orOne(high, low)))
  }

  /** Adds it; `false` if it was there. */
  add({ high, low }: Fingerprint): boolean {
    const part = high >>> (32 - partBits)
    const slots = this.#slots[part]!
    const word = orOne(high, low)
    let at = find(slots, high, word)
    if (isTaken(slots, at)) return false
    if ((this.#counts[part]! + 1) * 2 > slots.length * mostFull) {
      grow(slots)
      at = find(slots, high, word)
    }
    slots[at] = high
    slots[at + 1] = word
    this.#counts[part]!++
    this.#size++
    return true
  }
}

/** Zeros are for free slots. */
const orOne = (high: number, low: number) => (high === 0 && low === 0 ? 1 : low)

const isTaken = (slots: Uint32Array, at: number) => slots[at] !== 0 || slots[at + 1] !== 0

/** Where it stands, or would stand. The low word says where to begin: the parts took bits of the high one. */
const find = (slots: Uint32Array, high: number, low: number): number => {
  let at = 2 * Math.floor((low / 2 ** 32) * (slots.length >>> 1))
  while (isTaken(slots, at) && (slots[at] !== high || slots[at + 1] !== low)) {
    at += 2
    if (at === slots.length) at = 0
  }
  return at
}

/** In its place: copies of all sizes would leave holes in the allocator's memory. */
const grow = (slots: Uint32Array<ArrayBuffer>): void => {
  const old = slots.slice()
  slots.fill(0)
  slots.buffer.resize(8 * Math.ceil((slots.length / 2) * growth))
  for (let at = 0; at < old.length; at += 2) {
    if (!isTaken(old, at)) continue
    const [high, low] = [old[at]!, old[at + 1]!]
    const free = find(slots, high, low)
    slots[free] = high
    slots[free + 1] = low
  }
}
