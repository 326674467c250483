/**
 * The links of a page or a style sheet, while it arrives: bytes in, links out.
 *
 * It is a leaf of the line: the pipeline writes what it saves to this as well,
 * and hands the links to the frontier when the outcome is settled.
 *
 * 1. Whatever a page holds, nothing throws, time is linear in its length, and
 *    memory is bounded: one chunk, the attributes of one tag, some KiB.
 * 2. However the bytes are cut into chunks, the links are the same.
 * 3. A link is given out as soon as its tag ends, in the order of the page, and
 *    as often as it stands there. What the page says of itself comes with `end`:
 *    directives for crawlers may follow the links they are about.
 * 4. `<base>` counts from where it stands.
 * 5. While the encoding is only a guess, bytes are decoded a tag at a time, so a
 *    late declaration counts from its own end on.
 *
 * Which of them are followed is not decided here; `kind` tells what they are for.
 */
import { decodeHTMLAttribute } from "entities/decode"
import * as ContentType from "../ContentType.ts"
import type { Robots } from "../robots/Robots.ts"
import { Css } from "./Css.ts"
import * as Encoding from "./Encoding.ts"
import * as Guesses from "./Guesses.ts"
import type * as Margins from "./Margins.ts"
import * as Reference from "./Reference.ts"
import * as Refresh from "./Refresh.ts"
import * as RobotsDirectives from "./RobotsDirectives.ts"
import * as Srcset from "./Srcset.ts"
import { type Attributes, type Output, Tags } from "./Tags.ts"
import * as XmlStylesheet from "./XmlStylesheet.ts"

/**
 * What a link is for.
 *
 * - `navigation`: another page, or a frame of this one
 * - `resource`: what the page needs to be shown
 * - `reference`: what the page speaks of, and needs not
 * - `form`: where a form is sent; `source` tells how
 * - `base`: what others are resolved against
 * - `report`: what is only ever posted to
 * - `guess`: what looks like a URL, see `Options.guesses`
 */
export type Kind = "navigation" | "resource" | "reference" | "form" | "base" | "report" | "guess"

/** A reference of a document to a URL that can be fetched. */
export interface Link {
  /** As `Url.parse` gives it. */
  readonly url: string
  readonly kind: Kind
  /** Where it stands: `a href`, `img srcset`, `form action post`, `css url`, `css import`, `header link`. */
  readonly source: string
  /** The relations of `<a>`, `<area>`, `<link>` and `Link`, in lower case, divided by a blank; else empty. */
  readonly rel: string
  /** `nofollow`, `ugc` or `sponsored` is among them. */
  readonly nofollow: boolean
}

/** What a document is, what is wanted of it, and how much of it is read. */
export interface Options {
  /** Where the document came from, after redirects. */
  readonly url: string
  /** The value of its Content-Type. */
  readonly contentType?: string | undefined
  /** What a style sheet is in if it does not say: the encoding of the page that asks for it. */
  readonly fallback?: string | undefined
  /** Our product token: `<meta name=token>` is for us. `simul`, unless given. */
  readonly token?: string
  /** Also look for URLs in text, comments, unknown attributes and `data:` URLs. Off, unless given: most are noise. */
  readonly guesses?: boolean
  /**
   * Asked of each reference, but not of those with `nofollow`, before a string is made of it and it is resolved: whether it
   * need not be given out. It is the bytes from one place to another, of UTF-8.
   */
  readonly passesOver?: ((bytes: Uint8Array, from: number, to: number, base: string, kind: Kind) => boolean) | undefined
  /**
   * Told of the text between tags, but not of scripts and styles: in pieces, the bytes from one place to another, of UTF-8. A
   * piece goes on where the one before ended; where a tag was stands a blank, at least.
   */
  readonly text?: ((bytes: Uint8Array, from: number, to: number) => void) | undefined
  /**
   * What is known of its margins, which are passed over, with their text, where no guesses are asked for. `passesOver` tells
   * them what the next page is to ask again, and what is relative to its folder.
   */
  readonly margins?: Margins.OfPage | undefined
  /** Bytes of the document that are read. 16 MiB, unless given. */
  readonly maxBytes?: number
  /** Links that are given out. 250,000, unless given. */
  readonly maxLinks?: number
}

/** What is known of a document at its end. */
export interface Page {
  readonly encoding: string
  /** What references were resolved against in the end. */
  readonly base: string
  /** What it says to crawlers; its head may say more (`HeadLinks.ts`). */
  readonly robots: RobotsDirectives.RobotsDirectives
  /** Links given out. */
  readonly links: number
  /** Why the rest was not read. */
  readonly truncated: "bytes" | "links" | undefined
}

const defaultMaxBytes = 16 << 20
const defaultMaxLinks = 250_000
const defaultToken = "simul"
/** An attribute that is longer, in characters, is left out: `srcdoc` and `data:` may be long, URLs are not. */
const maxValue = 262_144
/** So far a declaration of the encoding is looked for, in bytes. */
const lateBytes = 65_536
/** How deep documents within attributes are read. */
const maxDepth = 2

const known = new Set(
  (
    "href xlink:href src srcset imagesrcset data-src data-srcset data-original data-lazy-src data-lazy-srcset data action " +
    "formaction formmethod method ping poster background lowsrc dynsrc archive cite longdesc manifest profile codebase " +
    "style srcdoc rel content http-equiv name property charset"
  ).split(" ")
)

const isKnown = (attribute: string) => known.has(attribute)
const isAny = () => true

export const words = (text: string): ReadonlyArray<string> => text.split(/[\t\n\f\r ]+/).filter((word) => word !== "")

const resourceRel =
  /^(?:stylesheet|icon|apple-touch-icon(?:-precomposed)?|apple-touch-startup-image|mask-icon|preload|modulepreload|manifest|image_src)$/
const navigationRel =
  /^(?:alternate|amphtml|appendix|author|bookmark|canonical|chapter|contents|copyright|first|glossary|help|home|index|last|license|next|prev|previous|section|shortlink|start|subsection|toc|up)$/

/** What a link with these relations is for: a style sheet is one, be it an alternate one. */
export const kindOf = (rels: ReadonlyArray<string>): Kind =>
  rels.some((rel) => resourceRel.test(rel))
    ? "resource"
    : rels.some((rel) => navigationRel.test(rel))
      ? "navigation"
      : "reference"

/** Search engines let commas divide relations too. */
export const isNofollow = (rel: string) => /(?:^|[ ,])(?:nofollow|ugc|sponsored)(?:[ ,]|$)/.test(rel)

const pictures =
  /^(?:og:(?:audio|image|url|video)(?::(?:secure_)?url)?|twitter:(?:image\d?|player)(?::(?:src|stream))?|msapplication-(?:config|tileimage|(?:square|wide)\d+x\d+logo)|thumbnail(?:url)?)$/i

/** How a document is read by its Content-Type; `undefined` for one that holds no links for us. Without a type: a page. */
export const syntaxOf = (contentType: string | undefined): "html" | "css" | undefined => {
  const type = ContentType.essence(contentType)
  if (type === "text/css") return "css"
  return type === "" || type === "image/svg+xml" || ContentType.pages.has(type) ? "html" : undefined
}

const dataUrl = /^data:(text\/html|text\/css|image\/svg\+xml|application\/xhtml\+xml)((?:;[^,]{0,200})?),/i

/** The text of a `data:` URL that may hold links. */
const dataOf = (url: string): { readonly type: string; readonly text: string } | undefined => {
  const match = dataUrl.exec(url)
  if (match === null) return undefined
  const [whole, type, parameters] = match
  try {
    const body = decodeURIComponent(url.slice(whole.length))
    return { type: type!.toLowerCase(), text: /;\s*base64$/i.test(parameters!) ? atob(body) : body }
  } catch {
    return undefined
  }
}

/** Reads text of one syntax; `Links` joins it to bytes. */
interface Reader {
  readonly write: (text: string) => void
  readonly end: () => void
  /** What can be read from its bytes (`Tags.ts`); after that, `flush`. */
  readonly tags?: Tags
  readonly flush?: () => void
  /** Other bytes come next. */
  readonly forget?: () => void
}

/** What readers of one document share: a frame's `srcdoc` is part of it. */
interface Document {
  /** Of bytes that stand alone. */
  readonly decode: (bytes: Uint8Array) => string
  encoding: string
  base: string
  robots: RobotsDirectives.RobotsDirectives
  links: number
  /** A declaration that was met while the encoding was a guess. */
  declared: string | undefined
}

class Html implements Reader, Output {
  readonly #options: Options
  readonly #document: Document
  readonly #onLink: (link: Link) => void
  readonly #guesses: boolean
  readonly #depth: number
  /** What references were resolved against before it. */
  readonly #outerBase: string
  #margins: Margins.OfPage | undefined
  readonly tags: Tags
  readonly comment: Output["comment"]
  readonly declaration: Output["declaration"]
  readonly instruction: Output["instruction"]
  /** Those of the tag that is read. */
  #attributes: Attributes | undefined
  #hasBase = false
  /** No element was met. */
  #isProlog = true
  #element = ""
  /** The sheet in an open `<style>`. */
  #css: Css | undefined
  /** What stands in an open `<noframes>` or `<noembed>`, text to a browser: like `<noscript>` it is for those who see no more. */
  #fallback: Html | undefined
  /** Text to guess in, to its last blank. */
  #prose = ""
  #isProse = true
  /** What was told last does not end with a blank. */
  #isOpen = false
  /** Text that is still to be decoded: decoding each piece alone costs more than all else of it. */
  #gathered: Uint8Array | undefined
  #size = 0

  constructor(options: Options, document: Document, onLink: (link: Link) => void, depth: number, isXml: boolean) {
    this.#options = options
    this.#document = document
    this.#onLink = onLink
    this.#depth = depth
    this.#outerBase = document.base
    this.#guesses = options.guesses === true
    this.comment = this.declaration = this.#guesses ? (text) => this.#guess(text) : undefined
    this.instruction = isXml ? (text) => this.#instruction(text) : undefined
    this.#margins = depth === 0 && !isXml && !this.#guesses ? options.margins : undefined
    this.tags = new Tags(
      {
        wants: this.#guesses ? isAny : isKnown,
        maxValue,
        emptyElements: isXml,
        // of text only styles are read, which have no references, and guesses
        rawText: !this.#guesses
      },
      this
    )
  }

  write(text: string) {
    this.tags.write(text)
  }
  end() {
    this.tags.end()
    this.#endText()
    if (this.#depth > 0) this.#document.base = this.#outerBase
  }

  // ---- tags

  open(name: string, attributes: Attributes) {
    this.#endText()
    this.#isProlog = false
    this.#isProse = name !== "script"
    if (name === "style") this.#css = this.#sheet()
    if (name === "noframes" || name === "noembed") this.#fallback = this.#inner(false)
    if (attributes.size === 0) return
    this.#element = name
    this.#attributes = attributes
    if (name === "meta") return this.#meta(attributes)
    for (let i = 0; i < attributes.size; i++) this.#attribute(name, attributes.name(i), i, attributes)
  }

  passes(name: string, bytes: Buffer, at: number): number {
    const { encoding, links } = this.#document
    const margin = this.#margins?.begin(name, bytes, at, encoding, links)
    if (margin === undefined) return -1
    this.#document.links += margin.links
    this.#endText()
    return at + margin.length
  }
  closed(name: string, bytes: Buffer, to: number): void {
    const { encoding, links } = this.#document
    this.#margins?.end(name, bytes, to, encoding, links)
  }
  forget() {
    this.#margins?.forget()
  }

  close() {
    this.#endText()
    this.#isProse = true
  }

  #instruction(text: string) {
    const found = this.#isProlog ? XmlStylesheet.place(text) : undefined
    if (found === undefined) return
    this.#element = "xml-stylesheet"
    this.#add(decodeHTMLAttribute(text.slice(found.start, found.end)), "resource", "href")
  }

  #attribute(name: string, attribute: string, index: number, attributes: Attributes) {
    switch (attribute) {
      case "href":
      case "xlink:href":
        return this.#href(name, attribute, index, attributes)
      case "src":
      case "data-src":
      case "data-original":
      case "data-lazy-src":
        return this.#add(index, name === "iframe" || name === "frame" ? "navigation" : "resource", attribute)
      case "poster":
      case "background":
      case "lowsrc":
      case "dynsrc":
        return this.#add(index, "resource", attribute)
      case "srcset":
      case "imagesrcset":
      case "data-srcset":
      case "data-lazy-srcset":
        for (const url of Srcset.urls(attributes.value(index))) this.#add(url, "resource", attribute)
        return
      case "data":
        if (name === "object") this.#add(index, "resource", attribute)
        return
      case "archive":
        for (const url of attributes.value(index).split(/[\s,]+/)) if (url !== "") this.#add(url, "resource", attribute)
        return
      case "action":
        return this.#add(index, "form", `action ${methodOf(attributes.get("method"))}`)
      case "formaction":
        return this.#add(index, "form", `formaction ${methodOf(attributes.get("formmethod"))}`)
      case "ping":
        for (const url of words(attributes.value(index))) this.#add(url, "report", attribute)
        return
      case "cite":
      case "longdesc":
      case "manifest":
      case "profile":
        return this.#add(index, "reference", attribute)
      case "codebase":
        return this.#add(index, "base", attribute)
      case "style": {
        const value = attributes.value(index)
        if (/url\(|image-set\(/i.test(value)) this.#sheet().end(value)
        return
      }
      case "srcdoc":
        return this.#nest(attributes.value(index), false)
      default:
        if (this.#guesses && !known.has(attribute)) this.#guess(attributes.value(index), attribute)
    }
  }

  #href(name: string, attribute: string, index: number, attributes: Attributes) {
    switch (name) {
      case "a":
      case "area": {
        const rel = attributes.get("rel")
        return this.#add(index, "navigation", attribute, rel === undefined ? noRels : words(rel))
      }
      case "base":
        return this.#base(attributes.value(index))
      case "link": {
        const rels = words((attributes.get("rel") ?? "").toLowerCase())
        return this.#add(index, kindOf(rels), attribute, rels)
      }
      default:
        return this.#add(index, "resource", attribute)
    }
  }

  /** HTML 4.2.3: the first one with a `href` counts, and is resolved against the document's own URL. In SVG there is none. */
  #base(value: string) {
    if (this.#hasBase || this.tags.isInForeignContext()) return
    this.#hasBase = true
    this.#margins = undefined
    const base = Reference.base(value, this.#options.url, this.#document.encoding)
    if (base === undefined) return
    this.#add(value, "base", "href")
    this.#document.base = base
  }

  #meta(attributes: Attributes) {
    this.#margins?.tell()
    const content = attributes.get("content")
    const charset = attributes.get("charset")
    if (charset !== undefined) this.#declare(charset)
    if (content === undefined) return
    switch (attributes.get("http-equiv")?.toLowerCase()) {
      case "content-type": {
        const encoding = Encoding.fromPragma(content)
        if (encoding !== undefined) this.#declare(encoding)
        return
      }
      case "refresh": {
        const target = Refresh.target(content)
        if (target !== undefined) this.#add(target, "navigation", "refresh")
        return
      }
      case "content-security-policy":
        for (const directive of content.split(";")) {
          const [name, ...targets] = words(directive)
          if (name?.toLowerCase() === "report-uri") for (const url of targets) this.#add(url, "report", "report-uri")
        }
        return
    }
    const name = (attributes.get("name") ?? attributes.get("property") ?? "").toLowerCase()
    if (name === "robots" || name === (this.#options.token ?? defaultToken).toLowerCase())
      this.#document.robots = RobotsDirectives.union(this.#document.robots, RobotsDirectives.fromMeta(content))
    else if (pictures.test(name)) this.#add(content, "reference", name)
    else if (this.#guesses) this.#guess(content, "content")
  }

  #declare(label: string) {
    this.#document.declared ??= Encoding.declared(label)
  }

  // ---- what is between tags

  text(text: string) {
    if (this.#css !== undefined) return this.#css.write(text)
    if (this.#fallback !== undefined) return this.#fallback.write(text)
    if (!this.#isProse) return
    if (this.#options.text !== undefined) {
      const bytes = Buffer.from(text)
      this.#tell(bytes, 0, bytes.length)
    }
    if (this.#guesses) {
      this.#prose += text
      if (this.#prose.length < maxProse) return
      const end = this.#prose.lastIndexOf(" ")
      this.#guess(this.#prose.slice(0, end + 1))
      this.#prose = end < 0 ? "" : this.#prose.slice(end)
    }
  }

  /** The same of bytes between tags, where no sheet and no fallback is open. */
  bytes(bytes: Uint8Array, from: number, to: number) {
    if (!this.#isProse || this.#options.text === undefined) return
    if (this.#size === 0 && (this.#document.encoding === "utf-8" || isAscii(bytes, from, to)))
      return this.#tell(bytes, from, to)
    if (this.#size + to - from > maxGathered) this.flush()
    if (to - from > maxGathered) return this.text(this.#document.decode(bytes.subarray(from, to)))
    // with room for the blank
    const gathered = (this.#gathered ??= new Uint8Array(maxGathered + 1))
    for (let at = from; at < to; at++) gathered[this.#size++] = bytes[at]!
    this.#isOpen = true
  }
  /** Tells what was gathered. */
  flush() {
    if (this.#size === 0) return
    const text = Buffer.from(this.#document.decode(this.#gathered!.subarray(0, this.#size)))
    this.#size = 0
    this.#options.text!(text, 0, text.length)
  }

  #tell(bytes: Uint8Array, from: number, to: number) {
    if (to > from) this.#isOpen = bytes[to - 1] !== 0x20
    this.#options.text!(bytes, from, to)
  }

  #endText() {
    if (this.#isOpen) {
      this.#isOpen = false
      if (this.#size > 0) this.#gathered![this.#size++] = 0x20
      else this.#options.text!(blank, 0, 1)
    }
    this.#css?.end()
    this.#css = undefined
    this.#fallback?.end()
    this.#fallback = undefined
    if (this.#prose === "") return
    this.#guess(this.#prose)
    this.#prose = ""
  }

  #sheet(): Css {
    return new Css((url, isImport) => {
      const element = this.#element
      this.#element = "css"
      this.#add(url, "resource", isImport ? "import" : "url")
      // more of its attributes may follow
      this.#element = element
    })
  }

  // ---- what was found

  /** Nobody says what a path in prose is relative to: the page, the root of the site, or what `<base>` says. */
  #guess(text: string, source = "text") {
    for (const url of Guesses.urls(text)) {
      this.#add(url, "guess", source)
      if (url.startsWith(".")) this.#add(url.replace(/^\.+/, ""), "guess", source)
      else if (this.#hasBase && /^\/(?!\/)/.test(url))
        this.#add(this.#document.base.replace(/\/?$/, url), "guess", source)
    }
  }

  /** @param written a reference, or the index of the attribute that is one */
  #add(written: string | number, kind: Kind, source: string, rels: ReadonlyArray<string> = noRels) {
    const { base, encoding } = this.#document
    const isOwn = base === this.#options.url
    const start = typeof written === "number" ? this.#attributes!.start(written) : -1
    // a place in the page itself, as half of all links are in some manuals
    if (isOwn && start >= 0 && this.#attributes!.bytes[start] === numberSign) return
    const rel = rels.length === 0 ? "" : rels.join(" ").toLowerCase()
    const nofollow = rel !== "" && isNofollow(rel)
    if (!nofollow && this.#passesOver(written, kind)) {
      this.#document.links++
      return
    }
    const reference = typeof written === "string" ? written : this.#attributes!.value(written)
    // the page itself
    if (reference === "" || (isOwn && reference.startsWith("#"))) return
    if (!Reference.isForeign(reference)) this.#margins?.tell()
    const url = Reference.resolve(reference, base, encoding)
    if (url === undefined) {
      if (this.#guesses) this.#data(reference)
      return
    }
    const { links } = this.#document
    if (links < (this.#options.maxLinks ?? defaultMaxLinks))
      this.#onLink({ url, kind, source: `${this.#element} ${source}`, rel, nofollow })
    this.#document.links = links + 1
  }

  #passesOver(written: string | number, kind: Kind): boolean {
    const { passesOver } = this.#options
    if (passesOver === undefined) return false
    const { base, encoding } = this.#document
    if (typeof written === "number") {
      const attributes = this.#attributes!
      const start = attributes.start(written)
      if (start >= 0) return passesOver(attributes.bytes, start, attributes.end(written), base, kind)
      written = attributes.value(written)
    }
    return passesOverText(passesOver, written, base, kind, Encoding.output(encoding) === "utf-8")
  }

  #data(reference: string) {
    const data = dataOf(reference)
    if (data === undefined) return
    if (data.type === "text/css") this.#sheet().end(data.text)
    else this.#nest(data.text, data.type !== "text/html")
  }

  /** Reads markup within this document, with a `<base>` of its own; `undefined` where it is too deep. */
  #inner(isXml: boolean): Html | undefined {
    this.#margins?.tell()
    if (this.#depth === maxDepth) return undefined
    return new Html(this.#options, this.#document, this.#onLink, this.#depth + 1, isXml)
  }

  /** A document within this one: what it says to crawlers is not about this one. */
  #nest(text: string, isXml: boolean) {
    const { robots } = this.#document
    const inner = this.#inner(isXml)
    inner?.write(text)
    inner?.end()
    this.#document.robots = robots
  }
}

const numberSign = 0x23
const blank = Uint8Array.of(0x20)
/** Of text that is decoded at once. */
const maxGathered = 4096
const isAscii = (bytes: Uint8Array, from: number, to: number) => {
  let at = from
  while (at < to && bytes[at]! < 0x80) at++
  return at === to
}

const encoder = new TextEncoder()
const encoded = new Uint8Array(4096)
/** What is not ASCII may mean another URL in a document that is not of UTF-8. */
const passesOverText = (
  passesOver: NonNullable<Options["passesOver"]>,
  text: string,
  base: string,
  kind: Kind,
  isUtf8 = true
) => {
  const { read, written } = encoder.encodeInto(text, encoded)
  return read === text.length && (isUtf8 || written === read) && passesOver(encoded, 0, written, base, kind)
}

const noRels: ReadonlyArray<string> = []
const maxProse = 65_536

const methodOf = (method: string | undefined) => (method?.trim().toLowerCase() === "post" ? "post" : "get")

/** A document that is a style sheet. */
const sheet = (options: Options, document: Document, onLink: (link: Link) => void): Reader => {
  const { url: base, maxLinks = defaultMaxLinks, passesOver } = options
  return new Css((reference, isImport) => {
    if (passesOver !== undefined && passesOverText(passesOver, reference, base, "resource")) {
      document.links++
      return
    }
    const url = Reference.resolve(reference, base)
    if (url === undefined) return
    const source = isImport ? "css import" : "css url"
    if (document.links++ < maxLinks) onLink({ url, kind: "resource", source, rel: "", nofollow: false })
  })
}

/** Reads the links of one document. */
export class Links {
  readonly #maxBytes: number
  readonly #maxLinks: number
  readonly #decoder: Encoding.Decoder
  readonly #document: Document
  readonly #reader: Reader
  /** Bytes that were given to the decoder. */
  #decoded = 0
  #truncated: Page["truncated"]
  /** What was decoded last surely ends with a whole character. */
  #isWhole = true
  /** The encoding is a guess that a declaration may still change. */
  #isTentative = true

  /** @param onLink called from within `write` and `end` */
  constructor(options: Options, onLink: (link: Link) => void) {
    const { url, contentType, fallback, maxBytes = defaultMaxBytes, maxLinks = defaultMaxLinks } = options
    this.#maxBytes = maxBytes
    this.#maxLinks = maxLinks
    const type = ContentType.essence(contentType)
    const isCss = type === "text/css"
    const isXml = type.endsWith("+xml")
    this.#decoder = new Encoding.Decoder({ syntax: isCss ? "css" : isXml ? "xml" : "html", contentType, fallback })
    this.#document = {
      decode: this.#decoder.decodeAlone,
      encoding: "utf-8",
      base: url,
      robots: RobotsDirectives.none,
      links: 0,
      declared: undefined
    }
    this.#reader = isCss ? sheet(options, this.#document, onLink) : new Html(options, this.#document, onLink, 0, isXml)
    if (isCss || isXml) this.#isTentative = false
  }

  /** Takes the next bytes; `chunk` is only read during the call. `false`: no more is read. */
  write(chunk: Uint8Array): boolean {
    if (this.#truncated !== undefined) return false
    const room = this.#maxBytes - this.#decoded
    this.#decode(chunk.length > room ? chunk.subarray(0, room) : chunk)
    if (this.#document.links > this.#maxLinks) this.#truncated = "links"
    else if (chunk.length > room) this.#truncated = "bytes"
    return this.#truncated === undefined
  }

  end(): Page {
    this.#give(this.#decoder.takeAll())
    this.#write(this.#decoder.end())
    this.#reader.end()
    const { base, encoding, robots, links } = this.#document
    const truncated = links > this.#maxLinks ? "links" : this.#truncated
    return { encoding, base, robots, links: Math.min(links, this.#maxLinks), truncated }
  }

  /** Takes one piece at a time as long as the encoding is a guess: the head that the decoder asks, then tag by tag. */
  #decode(chunk: Uint8Array) {
    let start = 0
    // a page that says it in its head is not cut where that ends
    if (this.#isTentative && this.#decoded === 0 && chunk.length > Encoding.headBytes) {
      const head = this.#decoder.take(chunk.subarray(0, Encoding.headBytes))
      this.#settle()
      if (this.#isTentative) {
        start = this.#decoded = head.length
        this.#give(head)
        this.#settle()
      }
    }
    while (this.#isTentative && start < chunk.length) {
      const { sniffed } = this.#decoder
      const head = start + Encoding.headBytes - this.#decoded
      const end =
        sniffed === undefined ? Math.min(head, chunk.length) : chunk.indexOf(tagEnd, start) + 1 || chunk.length
      this.#read(chunk.subarray(start, end))
      start = end
      this.#settle()
    }
    if (start < chunk.length) this.#read(chunk.subarray(start))
  }

  #settle() {
    const source = this.#decoder.sniffed?.source
    const { declared } = this.#document
    if (source === undefined) return
    if (source === "default" && declared !== undefined && this.#decoded <= lateBytes) {
      this.#decoder.change(declared)
      this.#document.encoding = declared
    }
    this.#isTentative = source === "default" && declared === undefined && this.#decoded <= lateBytes
  }

  #read(bytes: Uint8Array) {
    this.#decoded += bytes.length
    this.#give(this.#decoder.take(bytes))
  }

  #give(bytes: Uint8Array) {
    const encoding = (this.#document.encoding = this.#decoder.sniffed?.encoding ?? this.#document.encoding)
    const tags = Encoding.isLikeAscii(encoding) ? this.#reader.tags : undefined
    this.#reader.forget?.()
    let size = 1
    for (let at = 0; at < bytes.length;) {
      let isRest = tags === undefined
      if (tags?.isBetween === true && this.#isWhole) {
        at = tags.read(bytes, at, this.#document.decode, encoding === "utf-8")
        this.#reader.flush?.()
        size = 1
        if (at === bytes.length) return
        isRest = bytes[at] !== tagStart
      }
      // in growing pieces: what is no tag may be long, and what follows it should not go this way
      const end = isRest ? bytes.length : bytes.indexOf(tagEnd, at + size) + 1 || bytes.length
      this.#write(this.#decoder.decode(bytes.subarray(at, end)))
      // no character has such a byte in it but as its only one
      const last = bytes[end - 1]!
      this.#isWhole = last < 0x30 || last === tagEnd
      at = end
      size *= 2
    }
  }

  #write(text: string) {
    if (text !== "") this.#reader.write(text)
  }
}

const tagStart = 0x3c
const tagEnd = 0x3e

/** The links of a whole document. */
export const extract = (
  document: Uint8Array,
  options: Options
): { readonly links: ReadonlyArray<Link>; readonly page: Page } => {
  const links: Array<Link> = []
  const reader = new Links(options, (link) => links.push(link))
  reader.write(document)
  return { links, page: reader.end() }
}

/**
 * The links in a robots.txt: its sitemaps, as references, and, among guesses, the paths that its rules speak of, whole
 * ones without wildcards. That they are found says nothing about whether they may be asked.
 */
export const fromRobots = (
  robots: Robots,
  { url: base, guesses = false }: Pick<Options, "url" | "guesses">
): ReadonlyArray<Link> => {
  const rules = guesses ? [...robots.groups.values()].flatMap((group) => group.rules) : []
  const paths = rules.flatMap(({ pattern }) => (pattern.pieces.length === 1 ? [pattern.pieces[0]!.text] : []))
  const link = (kind: Kind, source: string) => (reference: string) => {
    const url = Reference.resolve(reference, base)
    return url === undefined ? [] : [{ url, kind, source, rel: "", nofollow: false }]
  }
  return [
    ...robots.sitemaps.flatMap(link("reference", "robots sitemap")),
    ...paths.flatMap(link("guess", "robots rule"))
  ]
}
