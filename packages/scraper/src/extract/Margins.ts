/**
 * The margins of a site's pages: menus, headers and footers, the same byte for byte on page after page. An element that was
 * read and had nothing to give out is passed over by one comparison where it stands again.
 *
 * 1. What it says depends on its bytes, the encoding, how deep its page is, and what its references are relative to: where
 *    these are the same it has nothing to give out again. Nothing that depends on more is kept.
 * 2. Memory is bounded: `places` elements of `longest` bytes. What is forgotten is read once more.
 * 3. To look costs a hash of `begun` bytes, and a comparison where that was met. Where that fails again and again no more
 *    is looked for: a page of `<ul>` alone would be compared as often as it has elements.
 */
import * as Reference from "./Reference.ts"

const places = 64
/** In bytes. A shorter one is read as fast. */
const shortest = 256
const longest = 65_536
const begun = 96
/** Elements in one another that are looked at. */
const deepest = 8
/** Of what is compared in a page and is another margin, in bytes. */
const mostOther = 64 * longest

/** A margin with so many references is a menu: what it says is nothing of its page. */
export const menu = 8

/** What margins are made of: in one another, for a menu may differ where it is open. */
const elements: ReadonlySet<string> = new Set("aside footer header menu nav ol select table ul".split(" "))

interface Margin {
  readonly hash: number
  readonly bytes: Buffer
  readonly length: number
  /** It has nothing to give out so deep, and deeper. */
  readonly depth: number
  readonly encoding: string
  readonly origin: string
  /** The folder that it has references to; `undefined` where all begin at the root, at least. */
  readonly folder: string | undefined
  /** References in it. */
  readonly links: number
}

/** FNV-1a. */
const hashOf = (bytes: Uint8Array, from: number): number => {
  const end = Math.min(bytes.length, from + begun)
  let hash = 0x811c9dc5 | 0
  for (let at = from; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash ^ (hash >>> 16)
}

/** Those of the pages that are read. */
export class Margins {
  readonly #kept: Array<Margin | undefined> = Array.from({ length: places }, () => undefined)

  at(hash: number): Margin | undefined {
    return this.#kept[hash & (places - 1)]
  }
  keep(hash: number, bytes: Buffer, from: number, to: number, about: Omit<Margin, "hash" | "bytes" | "length">) {
    const length = to - from
    if (length < shortest || length > longest) return
    const before = this.at(hash)?.bytes
    const own = before !== undefined && before.length >= length ? before : Buffer.allocUnsafeSlow(length)
    bytes.copy(own, 0, from, to)
    this.#kept[hash & (places - 1)] = { ...about, hash, bytes: own, length }
  }
}

/** An element that is being read, and what had been counted before it. */
interface Begun {
  readonly name: string
  readonly hash: number
  readonly at: number
  readonly told: number
  readonly relative: number
  readonly links: number
}

/** Those of one page. */
export class OfPage {
  readonly #margins: Margins
  readonly #depth: number
  readonly #base: string
  readonly #fewest: number
  readonly #open: Array<Begun> = []
  #told = 0
  #relative = 0
  #other = 0

  /**
   * @param base what the references of the page are resolved against
   * @param fewest references of a margin that is passed over
   */
  constructor(margins: Margins, depth: number, base: string, fewest = 0) {
    this.#margins = margins
    this.#depth = depth
    this.#base = base
    this.#fewest = fewest
  }

  /** Something was given out, or changed what comes after it. */
  tell(): void {
    this.#told++
  }
  /** There was a reference to the folder of the page. */
  relate(): void {
    this.#relative++
  }

  /** An element begins at a place in these bytes, after so many references; gives what is known of it. */
  begin(name: string, bytes: Buffer, at: number, encoding: string, links: number): Margin | undefined {
    if (!elements.has(name) || this.#open.length === deepest || this.#other > mostOther) return undefined
    const hash = hashOf(bytes, at)
    const margin = this.#margins.at(hash)
    if (margin !== undefined && margin.hash === hash && this.#holds(margin, encoding)) {
      const end = at + margin.length
      if (end <= bytes.length) {
        if (bytes.compare(margin.bytes, 0, margin.length, at, end) === 0) {
          if (margin.folder !== undefined) this.#relative++
          return margin
        }
        this.#other += margin.length
      }
    }
    this.#open.push({ name, hash, at, told: this.#told, relative: this.#relative, links })
    return undefined
  }
  #holds({ depth, encoding: own, origin, folder, links }: Margin, encoding: string): boolean {
    if (depth > this.#depth || own !== encoding || links < this.#fewest) return false
    const base = Reference.folderOf(this.#base)
    return origin === base.origin && (folder === undefined || folder === base.path)
  }

  /** One ends before a place in the same bytes. */
  end(name: string, bytes: Buffer, to: number, encoding: string, links: number): void {
    if (!elements.has(name)) return
    const begun = this.#open.pop()
    if (begun?.name !== name) return this.forget()
    if (begun.told !== this.#told) return
    const { origin, path } = Reference.folderOf(this.#base)
    const folder = begun.relative === this.#relative ? undefined : path
    const about = { depth: this.#depth, encoding, origin, folder, links: links - begun.links }
    this.#margins.keep(begun.hash, bytes, begun.at, to, about)
  }

  /** Other bytes come next. */
  forget(): void {
    this.#open.length = 0
  }
}
