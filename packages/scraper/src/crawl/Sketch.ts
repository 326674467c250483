/**
 * What a text says, in 128 bytes: the least hashes of the set of its words and numbers (bottom-k sketch; Broder, "On the
 * resemblance and containment of documents", 1997). Order is no word: what is only sorted differently says the same.
 */

/** Words of a sketch. */
export const size = 32

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

/** A sketch in the making. */
export class Sketch {
  readonly #least = new Uint32Array(size)
  #length = 0

  /** Takes the next piece of the text. A piece ends a word. */
  write(text: string): void {
    let hash = 0
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      const letter = code < 0x80 ? code | 0x20 : code
      const isWord = letter >= 0x80 || (letter >= 0x61 && letter <= 0x7a) || (code >= 0x30 && code <= 0x39)
      // FNV-1a
      if (isWord) hash = Math.imul((hash || 0x811c9dc5) ^ letter, 0x01000193)
      else if (hash !== 0) {
        this.#add(hash)
        hash = 0
      }
    }
    if (hash !== 0) this.#add(hash)
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
    least.copyWithin(at + 1, at, Math.min(this.#length, size - 1))
    least[at] = hash
    if (this.#length < size) this.#length++
  }

  /** The sketch of all that was written. */
  end(): Uint32Array {
    return this.#least.slice(0, this.#length)
  }
}
