/**
 * Links that were met a moment ago: a site's pages have the same ones in their margins. They are known again by the
 * characters of a reference, before anything is resolved or copied.
 *
 * 1. Memory is bounded: `places` URLs. Where there is no place left near its own, a URL takes that of another, which is
 *    then looked at once more; what is forgotten costs time and changes nothing.
 * 2. Whatever the URLs, a look compares `reach` hashes at most.
 */

const places = 65_536
const reach = 8
const never = 0x7fff_ffff
const fragment = 0x23

/** What is to be done with a link: `known` and `out` of the rules, nothing. */
export type Verdict = "known" | "out" | undefined

/** FNV-1a. */
const hashOf = (text: string): number => {
  let hash = basis
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash
}
const basis = 0x811c9dc5 | 0

/** Of each place: the hash of its URL; how near to a seed it was found, at the least; how near the rules left it out as a page, at the least; whether they do as a resource. */
const fields = 4
const known = 1
const out = 2
const outAsResource = 3

export class Met {
  readonly #urls: Array<string> = Array.from({ length: places }, () => "")
  readonly #places = new Int32Array(fields * places)
  #prefix = ""
  #prefixHash = basis
  #turn = 0
  /** The URL of the latest verdict. */
  latest = ""

  /** What is known of the URL that is `prefix` and the bytes from one place to another, or to a `#` before it. */
  look(prefix: string, bytes: Uint8Array, from: number, to: number, depth: number, isResource: boolean): Verdict {
    if (prefix !== this.#prefix) {
      this.#prefix = prefix
      this.#prefixHash = hashOf(prefix)
    }
    let hash = this.#prefixHash
    let end = from
    for (; end < to && bytes[end] !== fragment; end++) hash = Math.imul(hash ^ bytes[end]!, 0x01000193)
    for (let i = 0; i < reach; i++) {
      const place = (hash + i) & (places - 1)
      const at = fields * place
      if (this.#places[at] !== hash) continue
      const url = this.#urls[place]!
      if (url.length !== prefix.length + end - from || !url.startsWith(prefix)) continue
      let same = from
      while (same < end && url.charCodeAt(prefix.length + same - from) === bytes[same]) same++
      if (same < end) continue
      this.latest = url
      if (this.#places[at + known]! <= depth) return "known"
      const isOut = isResource ? this.#places[at + outAsResource] === 1 : this.#places[at + out]! <= depth
      return isOut ? "out" : undefined
    }
    return undefined
  }

  isKnown(url: string, depth: number): boolean {
    const place = this.#find(url, hashOf(url))
    return place >= 0 && this.#places[fields * place + known]! <= depth
  }

  /** It was found so near to a seed; gives whether that is news. */
  know(url: string, depth: number): boolean {
    const at = fields * this.#take(url) + known
    const isNews = this.#places[at]! > depth
    if (isNews) this.#places[at] = depth
    return isNews
  }

  /** The rules leave it out, so far from a seed and further. */
  leaveOut(url: string, depth: number, isResource: boolean): void {
    const at = fields * this.#take(url)
    if (isResource) this.#places[at + outAsResource] = 1
    else this.#places[at + out] = Math.min(this.#places[at + out]!, depth)
  }

  #find(url: string, hash: number): number {
    for (let i = 0; i < reach; i++) {
      const place = (hash + i) & (places - 1)
      if (this.#places[fields * place] === hash && this.#urls[place] === url) return place
    }
    return -1
  }
  #take(url: string): number {
    const hash = hashOf(url)
    let place = this.#find(url, hash)
    if (place >= 0) return place
    place = (hash + (this.#turn++ % reach)) & (places - 1)
    for (let i = 0; i < reach; i++) {
      const next = (hash + i) & (places - 1)
      if (this.#urls[next] !== "") continue
      place = next
      break
    }
    this.#urls[place] = url
    const at = fields * place
    this.#places[at] = hash
    this.#places[at + known] = never
    this.#places[at + out] = never
    this.#places[at + outAsResource] = 0
    return place
  }
}
