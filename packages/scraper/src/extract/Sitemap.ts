/**
 * The URLs of a sitemap, while it arrives: an index of others, a set of URLs, a
 * list in plain text, or a feed (sitemaps.org 0.9; RSS; Atom, RFC 4287), each of
 * them gzipped or not.
 *
 * 1. What is no XML is read as far as it can be: namespaces are not asked for,
 *    ends may lack, and an entry without a URL is counted and passed over. A URL
 *    that the document breaks off in is none: half of it is another one.
 * 2. Nothing is lost to a limit of the protocol: 50,000 URLs and 50 MiB are what
 *    a sitemap should keep to, and one that does not gets a warning.
 * 3. Memory is bounded by one entry. Entities are not defined by a document, so
 *    none can blow up; gzip is bounded by `Decode.ts`.
 */
import * as Effect from "effect/Effect"
import * as Decode from "../Decode.ts"
import type { DecodeError, TooLargeError } from "../FetchError.ts"
import type { Robots } from "../robots/Robots.ts"
import * as Encoding from "./Encoding.ts"
import * as Reference from "./Reference.ts"
import { type Attributes, Tags } from "./Tags.ts"

/** A sitemap index, a sitemap, a list of URLs in plain text, or a feed. */
export type Kind = "index" | "urlset" | "text" | "rss" | "atom"

export type ChangeFrequency = (typeof changeFrequencies)[number]

/** A page, or in an index another sitemap. */
export interface Entry {
  /** As `Url.parse` gives it. */
  readonly url: string
  readonly isSitemap: boolean
  /** When it was changed, as the sitemap says, in milliseconds since the epoch. */
  readonly lastModifiedMs: number | undefined
  readonly changeFrequency: ChangeFrequency | undefined
  /** 0 to 1, among the pages of the site; 0.5 is meant where there is none. */
  readonly priority: number | undefined
  /** The same page in other languages, at most 1000. */
  readonly alternates: ReadonlyArray<{ readonly language: string; readonly url: string }>
}

/** What came of reading it. */
export interface Summary {
  /** What it is; `undefined` where nothing of it could be read: a page, or nothing. */
  readonly kind: Kind | undefined
  readonly entries: number
  /** Entries that were passed over since they have no URL that can be fetched. */
  readonly invalid: number
  /** Its length, decompressed. */
  readonly bytes: number
  /** Where it exceeds the protocol. */
  readonly warnings: ReadonlyArray<"bytes" | "urls">
  /** Why the rest could not be read. What precedes was given out. */
  readonly error: DecodeError | TooLargeError | undefined
}

/** Who is told of its entries while it is read. */
export interface Output {
  readonly entry: (entry: Entry) => void
  /** After `write` gave `false`: more input is welcome. */
  readonly drain: () => void
  /** Once, the last call. It comes after `end`, or when the rest cannot be read. */
  readonly end: (summary: Summary) => void
}

/** What a sitemap is, and how much of it is read. */
export interface Options {
  /** Where it came from, after redirects. */
  readonly url: string
  /** The value of its Content-Type. */
  readonly contentType?: string | undefined
  /** Decompressed bytes that are read. Without it, all that is no bomb: see `Decode.make`. */
  readonly maxBytes?: number
}

/** What a sitemap should keep to. */
export const limits = { bytes: 50 << 20, urls: 50_000 }

const changeFrequencies = ["always", "hourly", "daily", "weekly", "monthly", "yearly", "never"] as const
const mostAlternates = 1000
const maxValue = 16_384

const roots: ReadonlyMap<string, Kind> = new Map([
  ["sitemapindex", "index"],
  ["urlset", "urlset"],
  ["rss", "rss"],
  ["rdf", "rss"],
  ["feed", "atom"]
])
/** What an entry is called, and what it is in. */
const entries: ReadonlyMap<string, Kind> = new Map([
  ["sitemap", "index"],
  ["url", "urlset"],
  ["item", "rss"],
  ["entry", "atom"]
])
const fields: ReadonlySet<string> = new Set(
  "loc lastmod changefreq priority link guid pubdate date updated published modified issued".split(" ")
)
/** They may hold elements that are called like fields and are about something else. */
const foreign: ReadonlySet<string> = new Set("source content summary description image video news author".split(" "))
const wanted: ReadonlySet<string> = new Set(["href", "rel", "hreflang", "xml:base"])
const isWanted = (attribute: string) => wanted.has(attribute)

const w3c = /^(\d{4}(?:-\d\d(?:-\d\d)?)?)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?) ?(Z|[+-]\d\d:?\d\d)?)?$/i
const rfc822 =
  /^(?:[A-Z]{3,9}, ?)?\d{1,2} [A-Z]{3,9} \d{2,4} \d\d:\d\d(?::\d\d)? (?:GMT|UTC?|Z|[ECMP][SD]T|[+-]\d{4})$/i

/** A W3C date, or one of RFC 822; without a zone it is UTC. */
const parseDate = (text: string): number | undefined => {
  const match = w3c.exec(text)
  if (match === null && !rfc822.test(text)) return undefined
  const [, date, time, zone = "Z"] = match ?? []
  const ms = Date.parse(match === null ? text : time === undefined ? date! : `${date}T${time}${zone}`)
  return Number.isNaN(ms) ? undefined : ms
}

const parsePriority = (text: string): number | undefined =>
  /^\d*\.?\d+$/.test(text) ? Math.min(1, Number(text)) : undefined

const parseFrequency = (text: string): ChangeFrequency | undefined =>
  changeFrequencies.find((frequency) => frequency === text.toLowerCase())

/** Reads text; gives URLs as they are written. */
interface Reader {
  readonly kind: Kind | undefined
  readonly write: (text: string) => void
  /** @param isCut the document goes on, and cannot be read */
  readonly end: (isCut: boolean) => void
}

/** @param entry with its URL as it is written */
type Emit = (entry: Entry) => void

const plain = {
  isSitemap: false,
  lastModifiedMs: undefined,
  changeFrequency: undefined,
  priority: undefined,
  alternates: []
}

/** One URL a line. */
class Lines implements Reader {
  readonly kind = "text"
  readonly #emit: Emit
  #rest = ""

  constructor(emit: Emit) {
    this.#emit = emit
  }
  write(text: string) {
    const lines = (this.#rest + text).split(/\r\n|\r|\n/)
    this.#rest = lines.pop()!.slice(0, maxValue)
    for (const line of lines) this.#line(line)
  }
  end(isCut: boolean) {
    if (!isCut) this.#line(this.#rest)
  }
  #line(line: string) {
    const url = line.trim()
    if (url !== "") this.#emit({ ...plain, url })
  }
}

class Xml implements Reader {
  kind: Kind | undefined
  readonly #emit: Emit
  readonly #base: string
  readonly #tags: Tags
  /** What references are resolved against in a feed, and in an entry of it (RFC 4287 2). */
  #feedBase: string
  #entryBase: string
  /** What the open entry is in. */
  #entry: Kind | undefined
  #prefix = ""
  /** An element of the entry that is about something else. */
  #foreign: string | undefined
  #field: string | undefined
  #text = ""
  /** How the last tag begins, unless it has an end. */
  #tag = ""
  #values = new Map<string, string>()
  #alternates: Array<{ readonly language: string; readonly url: string }> = []

  constructor(emit: Emit, base: string) {
    this.#emit = emit
    this.#base = this.#feedBase = this.#entryBase = base
    this.#tags = new Tags(
      { xml: true, wants: isWanted, maxValue },
      {
        open: (name, attributes) => this.#open(name, attributes),
        close: (name) => this.#close(name),
        text: (text) => {
          if (this.#field !== undefined && this.#text.length < maxValue) this.#text += text
        }
      }
    )
  }

  write(text: string) {
    const start = text.lastIndexOf("<")
    if (text.lastIndexOf(">") > start) this.#tag = ""
    else this.#tag = (start < 0 ? this.#tag + text : text.slice(start)).slice(0, 2)
    this.#tags.write(text)
  }
  end() {
    this.#tags.end()
    if (!/^<[a-z/]/i.test(this.#tag)) this.#field = undefined
    this.#endEntry()
  }

  #open(name: string, attributes: Attributes) {
    const [prefix, local] = split(name)
    this.kind ??= roots.get(local)
    if (local === "feed") this.#feedBase = baseOf(attributes, this.#base)
    if (this.#begins(prefix, local)) {
      // <loc><url>http://…
      if (this.#field === "loc" && this.#text.trim() === "") return
      this.#begin(entries.get(local)!, prefix)
      this.#entryBase = baseOf(attributes, this.#feedBase)
      return
    }
    if (this.#foreign !== undefined) return
    this.#endField()
    // two of them in one entry: an end and a beginning lack
    if (local === "loc" && this.#values.has("loc") && prefix === this.#prefix) this.#begin(this.#entry!, prefix)
    if (this.#entry === undefined) return
    if (local === "link" && attributes.has("href")) this.#link(attributes)
    else if (foreign.has(local)) this.#foreign = name
    else if (fields.has(local) && (prefix === this.#prefix || local === "date")) this.#field = local
  }

  #begin(entry: Kind, prefix: string) {
    this.#endEntry()
    this.#entry = entry
    this.kind ??= entry
    this.#prefix = prefix
    // a URL may stand there itself
    if (isProtocol(entry)) this.#field = "text"
  }

  /** Does an entry begin, even if the one before it has no end? A feed may speak of other things that are called `url`. */
  #begins(prefix: string, local: string): boolean {
    const entry = entries.get(local)
    if (entry === undefined || (this.#entry !== undefined && prefix !== this.#prefix)) return false
    return this.kind === undefined || entry === this.kind || (isProtocol(entry) && isProtocol(this.kind))
  }

  #close(name: string) {
    if (this.#foreign === name) this.#foreign = undefined
    if (this.#foreign === undefined) this.#endField()
    const [prefix, local] = split(name)
    // whatever was left open within it
    if (this.#entry !== undefined && entries.get(local) === this.#entry && prefix === this.#prefix) this.#endEntry()
  }

  #link(attributes: Attributes) {
    const href = attributes.get("href")!.trim()
    const rel = attributes.get("rel") ?? ""
    const language = attributes.get("hreflang")
    if (this.#entry === "atom") {
      const url = Reference.resolve(href, baseOf(attributes, this.#entryBase))
      if (rel === "" || rel === "alternate") this.#set(rel === "" ? "href" : "alternate", url ?? href)
    } else if (language !== undefined && this.#alternates.length < mostAlternates) {
      const url = Reference.resolve(href, this.#base)
      if (url !== undefined) this.#alternates.push({ language, url })
    }
  }

  /** The first one that says something counts. An entity that is not defined says nothing. */
  #set(name: string, value: string) {
    if (value !== "" && !/^&[\w.-]+;$/.test(value) && !this.#values.has(name)) this.#values.set(name, value)
  }

  #endField() {
    if (this.#field !== undefined) this.#set(this.#field, this.#text.trim())
    this.#field = undefined
    this.#text = ""
  }

  #endEntry() {
    this.#endField()
    this.#foreign = undefined
    if (this.#entry === undefined) return
    const values = this.#values
    const first = (...names: ReadonlyArray<string>) => names.map((name) => values.get(name)).find((value) => value)
    const permanent = [values.get("guid"), values.get("text")].find((value) => /^https?:\/\//i.test(value ?? ""))
    this.#emit({
      url: first("loc", "href", "alternate", "link") ?? permanent ?? "",
      isSitemap: this.#entry === "index",
      lastModifiedMs: parseDate(
        first("lastmod", "pubdate", "updated", "modified", "published", "issued", "date") ?? ""
      ),
      changeFrequency: parseFrequency(values.get("changefreq") ?? ""),
      priority: parsePriority(values.get("priority") ?? ""),
      alternates: this.#alternates
    })
    this.#entry = undefined
    values.clear()
    this.#alternates = []
  }
}

const baseOf = (attributes: Attributes, around: string): string => {
  const base = attributes.get("xml:base")
  return (base === undefined ? undefined : Reference.resolve(base, around)) ?? around
}

const isProtocol = (kind: Kind) => kind === "index" || kind === "urlset"

const split = (name: string): readonly [prefix: string, local: string] => {
  const colon = name.indexOf(":")
  return [name.slice(0, Math.max(0, colon)), name.slice(colon + 1).toLowerCase()]
}

/** Reads one sitemap. */
export class Sitemap {
  readonly #options: Options
  readonly #output: Output
  readonly #decoder: Encoding.Decoder
  /** Undoes gzip; made when the first bytes tell whether there is any. */
  #gzip: Decode.Decoder | undefined
  /** The first byte, as long as it is the only one. */
  #first: Uint8Array | undefined
  #reader: Reader | undefined
  #entries = 0
  #invalid = 0
  #bytes = 0
  #ended = false

  /** @param output called from within `write` and `end`, and, of a gzipped sitemap, later as well */
  constructor(options: Options, output: Output) {
    this.#options = options
    this.#output = output
    this.#decoder = new Encoding.Decoder({ syntax: "xml", contentType: options.contentType })
  }

  /**
   * Takes bytes as they were received, without content codings; `chunk` is only read during the call. `false`: hold
   * back until `drain`.
   */
  write(chunk: Uint8Array): boolean {
    if (this.#ended || chunk.length === 0) return true
    if (this.#gzip !== undefined) return this.#gzip.write(chunk)
    const bytes = this.#first === undefined ? chunk : Buffer.concat([this.#first, chunk])
    if (bytes.length < 2) {
      this.#first = Uint8Array.from(bytes)
      return true
    }
    return this.#open(bytes[0] === 0x1f && bytes[1] === 0x8b).write(bytes)
  }

  /** The input is complete. */
  end(): void {
    if (this.#ended) return
    const gzip = this.#gzip ?? this.#open(false)
    if (this.#gzip === undefined) gzip.write(this.#first ?? new Uint8Array(0))
    gzip.end()
  }

  /** Gives up. Nothing is called after it. */
  close(): void {
    this.#ended = true
    this.#gzip?.close()
  }

  #open(isGzip: boolean): Decode.Decoder {
    const { maxBytes } = this.#options
    const decoder = Decode.make(isGzip ? ["gzip"] : [], maxBytes === undefined ? {} : { maxBytes }, {
      data: (bytes) => {
        this.#bytes += bytes.length
        this.#read(this.#decoder.write(bytes))
      },
      drain: () => this.#output.drain(),
      end: () => this.#end(undefined),
      error: (reason) => this.#end(reason)
    })
    return (this.#gzip = decoder as Decode.Decoder)
  }

  #read(text: string) {
    // markup or lines: the first character tells
    if (this.#reader === undefined) {
      const start = text.trimStart()
      if (start === "") return
      this.#reader = start.startsWith("<") ? new Xml(this.#emit, this.#options.url) : new Lines(this.#emit)
    }
    this.#reader.write(text)
  }

  #emit: Emit = (entry) => {
    if (this.#ended) return
    const url = entry.url === "" ? undefined : Reference.resolve(entry.url, this.#options.url)
    // a list has absolute URLs: of a text that is none, any line would be one
    if (url === undefined || (this.#reader?.kind === "text" && !/^https?:/i.test(entry.url))) this.#invalid++
    else {
      this.#entries++
      this.#output.entry({ ...entry, url })
    }
  }

  #end(error: DecodeError | TooLargeError | undefined) {
    this.#read(this.#decoder.end())
    this.#reader?.end(error !== undefined)
    this.#ended = true
    const kind = this.#reader?.kind
    const warnings: Array<"bytes" | "urls"> = []
    if (this.#bytes > limits.bytes) warnings.push("bytes")
    if (this.#entries > limits.urls) warnings.push("urls")
    this.#output.end({
      kind: kind === "text" && this.#entries === 0 ? undefined : kind,
      entries: this.#entries,
      invalid: this.#invalid,
      bytes: this.#bytes,
      warnings,
      error
    })
  }
}

/** All of a sitemap that is there as a whole. */
export const read = (
  document: Uint8Array,
  options: Options
): Effect.Effect<{ readonly entries: ReadonlyArray<Entry>; readonly summary: Summary }> =>
  Effect.callback((resume) => {
    const entries: Array<Entry> = []
    const sitemap = new Sitemap(options, {
      entry: (entry) => entries.push(entry),
      drain: () => {},
      end: (summary) => resume(Effect.succeed({ entries, summary }))
    })
    sitemap.write(document)
    sitemap.end()
    return Effect.sync(() => sitemap.close())
  })

/**
 * Where the sitemaps of a site are: what its robots.txt says, or else `/sitemap.xml`, where there may be none.
 *
 * @param url of the robots.txt
 */
export const locations = (robots: Robots | undefined, url: string): ReadonlyArray<string> => {
  const named = (robots?.sitemaps ?? []).flatMap((sitemap) => Reference.resolve(sitemap, url) ?? [])
  return named.length > 0 ? [...new Set(named)] : [new URL("/sitemap.xml", url).href]
}
