/**
 * Bytes that are a pure function of a name, so that what a client saved can be
 * verified without anybody storing the original.
 *
 * Invariants:
 * 1. The same name gives the same bytes, in every process and on every run.
 * 2. Any part can be read alone: a body of many GiB costs no memory.
 * 3. No block repeats within a body, so bytes at a wrong offset are noticed.
 */

/** A body: its size in bytes, and any part of it. */
export interface Content {
  readonly size: number
  /** The bytes from `from` up to, not including, `to`. Not to be written into: it may be shared. */
  readonly read: (from: number, to: number) => Buffer
}

/** The content that is just these bytes; text is UTF-8. */
export const fromBytes = (bytes: Uint8Array | string): Content => {
  const buffer =
    typeof bytes === "string" ? Buffer.from(bytes) : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { size: buffer.length, read: (from, to) => buffer.subarray(from, to) }
}

/** Two 32-bit hashes (FNV-1a and a variant of it): 64 bits, so that a million names have no collision. */
export const hash = (name: string): readonly [number, number] => {
  let first = 0x811c9dc5
  let second = 0x9e3779b9
  for (let index = 0; index < name.length; index++) {
    first = Math.imul(first ^ name.charCodeAt(index), 0x01000193)
    second = Math.imul(second ^ name.charCodeAt(index), 0x5bd1e995)
    second ^= second >>> 15
  }
  return [first >>> 0, second >>> 0]
}

/** Bodies up to this size are kept whole once made. */
const wholeBytes = 1024 * 1024

/** The `size` pseudo-random bytes of `name`. */
export const generate = (name: string, size: number): Content => {
  const [first, second] = hash(name)
  const compute = (from: number, to: number): Buffer => {
    const start = Math.floor(from / 4)
    const words = new Uint32Array(Math.ceil(to / 4) - start)
    for (let index = 0; index < words.length; index++) {
      // A counter through a mixing function (Wellons' lowbias32): word n needs no word before it.
      let word = (first + Math.imul(start + index, 0x9e3779b9)) ^ second
      word = Math.imul(word ^ (word >>> 16), 0x7feb352d)
      word = Math.imul(word ^ (word >>> 15), 0x846ca68b)
      words[index] = word ^ (word >>> 16)
    }
    return Buffer.from(words.buffer, from - start * 4, to - from)
  }
  if (size > wholeBytes) return { size, read: compute }
  let whole: Buffer | undefined
  return { size, read: (from, to) => (whole ??= compute(0, size)).subarray(from, to) }
}
