/**
 * Parts of a site that have no end: calendars, sessions in paths, paths that grow, filters in every combination. They are
 * told by evidence, counted for each pattern of URLs (`UrlPattern.ts`), and never by a URL alone.
 *
 * 1. A pattern is caught when of its last `window` pages nearly all brought nothing new, and most of them led to further
 *    targets of the pattern. New is what no other page of the pattern said (`Sketch.ts`), or a target of another pattern,
 *    unless that one is suspect itself. So a catalogue of a million things is no trap, nor is a gallery whose pages differ
 *    in their picture alone, nor are a thousand empty pages that lead nowhere.
 * 2. What is caught stays caught: what else is found of it is refused, and says why.
 * 3. Memory is bounded: the patterns that pages came of last, with the contents that each had last; of what is caught the
 *    pattern alone.
 * 4. A look costs more than to read all links of its page: the longer a pattern has pages that say something new, the fewer of
 *    them are looked at, and all as soon as it is in doubt.
 */
import * as Sketch from "./Sketch.ts"
import * as UrlPattern from "./UrlPattern.ts"

/** What is known of a pattern, as the store has it. `caught`: it has no end. */
export interface Evidence {
  readonly pattern: string
  /** Pages of it that were looked at, and how many different ones they were. */
  readonly pages: number
  readonly contents: number
  readonly caught: boolean
  /** The latest pages and contents, as text. */
  readonly latest: string
}

/** Pages that are judged together. */
export const window = 128
const mostNew = 6
const says = 1
const leadsOn = 2
const growsBy = 4
const leastGrowing = 64
const mostPatterns = 1024
const mostContents = 64
/** A pattern is in doubt where of so many looks in a row so many found nothing new. */
const looksOfDoubt = 8
const silentOfDoubt = 7
/**
 * Of a pattern without doubt one page in so many is looked at after its first `window`. That they say nothing new any more is in
 * doubt after eight of those, of which the first is new: half as many pages again as there were, at least 512 and at most
 * 2,048. So long a stretch of pages that are alike may stand in an honest catalogue.
 */
const everyOf = (seen: number) =>
  seen < window ? 1 : Math.min(256, Math.max(64, 1 << (31 - Math.clz32((looksOfDoubt * seen) / window))))
/** New links of a page that are looked at: what the first ones do not tell, the rest of a long page does not tell either. */
const mostLinks = 1000

class Pattern {
  readonly pattern: string
  seen = 0
  pages = 0
  contents = 0
  caught = false
  isInDoubt = false
  /** Of the latest pages: 1 for one that said something new, 2 for one that led to something new, 4 to more of its kind. */
  readonly latest: Array<number> = []
  /** How many of these said something new, said or led to it, and led to more of their kind. */
  #saying = 0
  #bringing = 0
  #growing = 0
  sketches: Array<Uint32Array> = []
  constructor(pattern: string) {
    this.pattern = pattern
  }
  add(page: number) {
    this.latest.push(page)
    this.#count(page, 1)
    if (this.latest.length > window) this.#count(this.latest.shift()!, -1)
    const silent = this.latest.slice(-looksOfDoubt).filter((page) => (page & says) === 0)
    this.isInDoubt = silent.length >= silentOfDoubt
  }
  #count(page: number, by: number) {
    if (page & says) this.#saying += by
    if (page & (says | leadsOn)) this.#bringing += by
    if (page & growsBy) this.#growing += by
  }
  /** Most of the latest pages said nothing new. */
  get isSuspect() {
    return this.latest.length >= window / 2 && 2 * this.#saying <= this.latest.length
  }
  get isEndless() {
    return this.latest.length === window && this.#bringing <= mostNew && this.#growing >= leastGrowing
  }
}

const encode = ({ latest, sketches }: Pattern) =>
  [latest.join(""), ...sketches.map((sketch) => Buffer.from(sketch.buffer).toString("base64"))].join(" ")
const decode = ({ pattern, pages, contents, caught, latest: text }: Evidence): Pattern => {
  const [latest = "", ...sketches] = text.split(" ")
  const known = Object.assign(new Pattern(pattern), { seen: pages, pages, contents, caught })
  for (const page of latest) known.add(Number(page))
  known.sketches = sketches.map((sketch) => new Uint32Array(new Uint8Array(Buffer.from(sketch, "base64")).buffer))
  return known
}

type Links = ReadonlyArray<{ readonly url: string }>

/** A page that is looked at. */
export interface Watch {
  /** Takes the next piece of its text. */
  readonly write: (bytes: Uint8Array, from: number, to: number) => void
  /** It is whole, and leads to these, which nobody had found. */
  readonly end: (links: Links) => void
}

export const make = () => {
  const nameOf = UrlPattern.make()
  /** Those that are not caught; the one that a page came of last is last. */
  const patterns = new Map<string, Pattern>()
  const caught = new Map<string, Pattern>()
  const changed = new Set<Pattern>()
  let newest: Pattern | undefined

  const patternOf = (name: string) => {
    if (newest?.pattern === name) return newest
    const known = patterns.get(name) ?? new Pattern(name)
    patterns.delete(name)
    patterns.set(name, known)
    newest = known
    if (patterns.size > mostPatterns) patterns.delete(patterns.keys().next().value!)
    return known
  }

  /** Whether more of these are likely to be more of the same. */
  const isSuspect = (name: string) => patterns.get(name)?.isSuspect ?? caught.has(name)

  const learn = (pattern: Pattern, sketch: Uint32Array, links: Links) => {
    let grows = false
    let leads = false
    for (const { url } of links.length > mostLinks ? links.slice(0, mostLinks) : links) {
      const name = nameOf(url)
      if (name === pattern.pattern) grows = true
      else if (!leads) leads = !isSuspect(name)
      if (grows && leads) break
    }
    const before = pattern.sketches.findIndex((other) => Sketch.isAlike(sketch, other))
    const isNew = before < 0
    if (isNew) pattern.contents++
    // the latest last
    pattern.sketches.push(isNew ? sketch : pattern.sketches.splice(before, 1)[0]!)
    if (pattern.sketches.length > mostContents) pattern.sketches.shift()
    pattern.pages++
    pattern.add((isNew ? says : 0) + (leads ? leadsOn : 0) + (grows ? growsBy : 0))
    if (pattern.isSuspect) changed.add(pattern)
    if (!pattern.isEndless) return
    pattern.caught = true
    pattern.sketches = []
    patterns.delete(pattern.pattern)
    caught.set(pattern.pattern, pattern)
  }

  return {
    /** Takes over what the store has. */
    restore: (evidence: ReadonlyArray<Evidence>) => {
      for (const one of evidence) (one.caught ? caught : patterns).set(one.pattern, decode(one))
    },

    /** Looks at a page, if there is something to be learnt of it. */
    watch: (url: string): Watch | undefined => {
      const name = nameOf(url)
      if (name === url || caught.has(name)) return undefined
      const pattern = patternOf(name)
      const isLookedAt = pattern.seen % everyOf(pattern.seen) === 0 || pattern.isInDoubt || pattern.isSuspect
      pattern.seen++
      if (!isLookedAt) return undefined
      const sketch = new Sketch.Sketch()
      return {
        write: (bytes, from, to) => sketch.write(bytes, from, to),
        end: (links) => learn(pattern, sketch.end(), links)
      }
    },

    /** Hears of a picture or another body without links: one that is like the others makes its page no new one. */
    body: (url: string, sha256: string): void => {
      const name = nameOf(url)
      if (name !== url && !caught.has(name))
        learn(patternOf(name), Uint32Array.of(Number.parseInt(sha256.slice(0, 8), 16)), [])
    },

    /** What tells that a URL leads nowhere new; `undefined` where nothing does. */
    caught: (url: string): Pick<Evidence, "pattern" | "pages" | "contents"> | undefined => {
      return caught.size === 0 ? undefined : caught.get(nameOf(url))
    },

    /** What is worth a row and changed since the last call. */
    changes: (): ReadonlyArray<Evidence> => {
      const found = Array.from(changed, (pattern): Evidence => {
        const { pattern: name, pages, contents, caught } = pattern
        return { pattern: name, pages, contents, caught, latest: encode(pattern) }
      })
      changed.clear()
      return found
    }
  }
}

export type Traps = ReturnType<typeof make>
