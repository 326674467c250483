/**
 * What a text says, in 128 bytes: the least hashes of the set of its words and numbers (bottom-k sketch; Broder, "On the
 * resemblance and containment of documents", 1997). Order is no word: what is only sorted differently says the same.
 */

/** Words of a sketch. */
export const size = 32
/** Of words that were met last. */
const places = 1024

/** Whether nine of ten words are in both, by what the sketches tell. */
export const isAlike = (one: Uint32Array, other: Uint32Array): boolean => {
  const needed = Math.ceil(0.9 * Math.max(one.length, other.length))
  let found = 0
  let i = 0
  for (let j = 0; i < one.length && j < other.length;) {
    const a = one[i]!
    const b = other[j]!
    if (a === b) found++
    // most are of other words altogether: a few tell
    else if (found + Math.min(one.length - i, other.length - j) < needed) return false
    if (a <= b) i++
    if (b <= a) j++
  }
  return found >= needed
}

/** Of each byte, what it is in a word, the same in upper and lower case; 0 where it is in none. What is not ASCII is. */
const letters = Uint8Array.from({ length: 256 }, (_, byte) => {
  const letter = byte < 0x80 ? byte | 0x20 : byte
  return letter >= 0x80 || (letter >= 0x61 && letter <= 0x7a) || (byte >= 0x30 && byte <= 0x39) ? letter : 0
})

const noWord = 0x811c9dc5 | 0

/** A sketch in the making. */
export class Sketch {
  readonly #least = new Uint32Array(size)
  #length = 0
  /** FNV-1a of what there is of a word. */
  #word = noWord
  /** Words that were met last, each where its hash says: most of a text are those. */
  readonly #met = new Int32Array(places)

  /** Takes the next piece of the text, of UTF-8. A word may go on in the next one. */
  write(bytes: Uint8Array, from: number, to: number): void {
    const met = this.#met
    let hash = this.#word
    for (let i = from; i < to; i++) {
      let letter = letters[bytes[i]!]!
      while (letter !== 0) {
        hash = Math.imul(hash ^ letter, 0x01000193)
        letter = ++i < to ? letters[bytes[i]!]! : 0
      }
      if (i >= to) break
      if (hash === noWord) continue
      const place = (hash ^ (hash >>> 16)) & (places - 1)
      if (met[place] !== hash) {
        met[place] = hash
        this.#add(hash)
      }
      hash = noWord
    }
    this.#word = hash
  }

  #add(word: number): void {
    // the finalizer of MurmurHash3: the least ones are any ones
    let hash = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    hash = (hash ^ (hash >>> 16)) >>> 0
    const least = this.#least
    if (this.#length === size && hash >= least[size - 1]!) return
    let at = this.#length
    while (at > 0 && least[at - 1]! > hash) at--
    if (at > 0 && least[at - 1] === hash) return
    // what is beyond the last one falls off
    for (let i = Math.min(this.#length, size - 1); i > at; i--) least[i] = least[i - 1]!
    least[at] = hash
    if (this.#length < size) this.#length++
  }

  /** The sketch of all that was written. */
  end(): Uint32Array {
    if (this.#word !== noWord) this.#add(this.#word)
    return this.#least.slice(0, this.#length)
  }
}
