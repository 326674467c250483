/**
 * Links that were met a moment ago: a site's pages have the same ones in their margins. They are known again by the
 * characters of a reference, before anything is resolved or copied.
 *
 * 1. Memory is bounded: `places` URLs, of `room` characters together. Where there is no place left near its own, a URL takes
 *    that of another, and where there is no room the room of the oldest: those are then looked at once more. What is
 *    forgotten costs time and changes nothing.
 * 2. Whatever the URLs, a look compares `reach` hashes at most.
 * 3. A look waits for memory more than it computes: it reads a row and the characters, and nothing lies apart from them.
 */

const places = 65_536
const room = 1 << 22
const reach = 8
const never = 0x7fff_ffff
/** A longer one is looked at each time. */
const longest = 16_384
/** Follows the characters of a URL, which are ASCII. */
const last = 0xff
const fragment = 0x23

/** What is to be done with a link: `known` and `out` of the rules, nothing. */
type Verdict = "known" | "out" | undefined

/** FNV-1a. */
const basis = 0x811c9dc5 | 0
const hashOf = (bytes: Uint8Array, length: number): number => {
  let hash = basis
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash
}

/**
 * Of each place: the hash of its URL; where its characters begin; how near to a seed it was found, at the least; how
 * near the rules left it out as a page, at the least.
 */
const fields = 4
const start = 1
const known = 2
const out = 3

const nothing = Buffer.alloc(0)
const hex = Buffer.from("0123456789ABCDEF")

/** Where a URL is written to be looked for. */
const scratch = Buffer.alloc(longest)

/** Writes a reference with its octets that are not ASCII as escapes; gives how many characters that takes, -1 for too many. */
const escape = (bytes: Uint8Array, from: number, to: number): number => {
  if (3 * (to - from) > longest) return -1
  let length = 0
  for (let at = from; at < to; at++) {
    const code = bytes[at]!
    if (code < 0x80) scratch[length++] = code
    else {
      scratch[length++] = 0x25
      scratch[length++] = hex[code >> 4]!
      scratch[length++] = hex[code & 15]!
    }
  }
  return length
}

export class Met {
  readonly #rows = new Int32Array(fields * places)
  /** Whether the rules leave out the URL of a place as a resource. */
  readonly #isOutAsResource = new Uint8Array(places)
  /** A ring. */
  readonly #characters = Buffer.alloc(room)
  /** How many were written to it, modulo 2^32. A row that was never taken begins further back than there is room. */
  #written = room + 1
  /** The latest prefix of each length, modulo 64: a page has references of several, by turns. */
  readonly #prefixes = Array.from({ length: 64 }, () => ({ text: "", bytes: nothing, hash: basis }))
  #turn = 0
  /** The URL of the latest verdict that was `out`. */
  latest = ""

  /**
   * What is known of the URL that is `prefix` and the bytes from one place to another, or to a `#` before it. What is not
   * ASCII is UTF-8, of which a URL has the escapes.
   */
  look(prefix: string, bytes: Uint8Array, from: number, to: number, depth: number, isResource: boolean): Verdict {
    const before = this.#prefixes[prefix.length & 63]!
    if (prefix !== before.text) {
      before.text = prefix
      before.bytes = Buffer.from(prefix, "latin1")
      before.hash = hashOf(before.bytes, prefix.length)
    }
    let { hash } = before
    let end = from
    for (; end < to; end++) {
      const code = bytes[end]!
      if (code === fragment) break
      if (code >= 0x80) {
        const length = escape(bytes, from, to)
        return length < 0 ? undefined : this.look(prefix, scratch, 0, length, depth, isResource)
      }
      hash = Math.imul(hash ^ code, 0x01000193)
    }
    const place = this.#find(hash, before.bytes, bytes, from, end)
    if (place < 0) return undefined
    const row = fields * place
    if (this.#rows[row + known]! <= depth) return "known"
    const isOut = isResource ? this.#isOutAsResource[place] === 1 : this.#rows[row + out]! <= depth
    if (!isOut) return undefined
    const at = this.#rows[row + start]! & (room - 1)
    this.latest = this.#characters.toString("latin1", at, at + prefix.length + end - from)
    return "out"
  }

  isKnown(url: string, depth: number): boolean {
    if (url.length > longest) return false
    const length = scratch.write(url, "latin1")
    const place = this.#find(hashOf(scratch, length), nothing, scratch, 0, length)
    return place >= 0 && this.#rows[fields * place + known]! <= depth
  }

  /** It was found so near to a seed; gives whether that is news. */
  know(url: string, depth: number): boolean {
    if (url.length > longest) return true
    const at = fields * this.#take(url) + known
    const isNews = this.#rows[at]! > depth
    if (isNews) this.#rows[at] = depth
    return isNews
  }

  /** The rules leave it out, so far from a seed and further. */
  leaveOut(url: string, depth: number, isResource: boolean): void {
    if (url.length > longest) return
    const place = this.#take(url)
    const at = fields * place + out
    if (isResource) this.#isOutAsResource[place] = 1
    else this.#rows[at] = Math.min(this.#rows[at]!, depth)
  }

  /** Nothing that is there still has this place. */
  #isFree(place: number): boolean {
    return (this.#written - this.#rows[fields * place + start]!) >>> 0 > room
  }
  /** The place of the URL that is `prefix` and the bytes from one place to another; -1 where it has none. */
  #find(hash: number, prefix: Uint8Array, bytes: Uint8Array, from: number, to: number): number {
    const characters = this.#characters
    for (let i = 0; i < reach; i++) {
      const place = (hash + i) & (places - 1)
      const row = fields * place
      if (this.#rows[row] !== hash || this.#isFree(place)) continue
      let at = this.#rows[row + start]! & (room - 1)
      let same = 0
      for (; same < prefix.length && prefix[same] === characters[at]; at++) same++
      if (same < prefix.length) continue
      for (same = from; same < to && bytes[same] === characters[at]; at++) same++
      if (same === to && characters[at] === last) return place
    }
    return -1
  }
  #take(url: string): number {
    const length = scratch.write(url, "latin1")
    const hash = hashOf(scratch, length)
    let place = this.#find(hash, nothing, scratch, 0, length)
    if (place >= 0) return place
    place = (hash + (this.#turn++ % reach)) & (places - 1)
    for (let i = 0; i < reach; i++) {
      const next = (hash + i) & (places - 1)
      if (!this.#isFree(next)) continue
      place = next
      break
    }
    // in one piece
    if ((this.#written & (room - 1)) + length >= room) this.#written = (this.#written | (room - 1)) + 1
    const at = this.#written & (room - 1)
    scratch.copy(this.#characters, at, 0, length)
    this.#characters[at + length] = last
    const row = fields * place
    this.#rows[row] = hash
    this.#rows[row + start] = this.#written
    this.#rows[row + known] = never
    this.#rows[row + out] = never
    this.#isOutAsResource[place] = 0
    this.#written = (this.#written + length + 1) | 0
    return place
  }
}
