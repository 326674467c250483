/**
 * A page or a style sheet with its references led to the files of a mirror.
 *
 * 1. What is edited is edited at its place in the bytes; all else stays as it is.
 * 2. A reference to what is saved becomes the way to its file, with its fragment;
 *    another one becomes its absolute URL, if it was relative.
 * 3. What is put in is ASCII, escaped for where it stands.
 * 4. What would be in the way is put out of force by a `data-` before its name:
 *    `<base href>`, a policy (`<meta http-equiv=Content-Security-Policy>`), and
 *    where what an element loads is a file of the mirror, `integrity` and
 *    `crossorigin`: browsers load files without CORS, and refuse what asks for it.
 *    So do `ping`, and links that would only open a connection.
 * 5. An encoding that only the Content-Type told is written into the document.
 *
 * References are found as a crawl finds them (`extract/Links.ts`), so that what
 * was saved for a page is what the page leads to.
 */
import { decodeHTMLAttribute } from "entities/decode"
import * as ContentType from "../ContentType.ts"
import { Css } from "../extract/Css.ts"
import * as Encoding from "../extract/Encoding.ts"
import * as Reference from "../extract/Reference.ts"
import * as Refresh from "../extract/Refresh.ts"
import * as Srcset from "../extract/Srcset.ts"
import { type Attributes, type Span, Tags } from "../extract/Tags.ts"
import * as XmlStylesheet from "../extract/XmlStylesheet.ts"
import * as View from "./View.ts"

/** The way to the file of a URL, as `MirrorName.way` gives it; `undefined` for what is not in the mirror. */
export type Locate = (url: string) => string | undefined

export interface Rewriting {
  /** All URLs that the document refers to, each once, as `Url.parse` gives them. */
  readonly urls: ReadonlyArray<string>
  /** The document as it is in the mirror; `undefined` where nothing changes. */
  readonly write: (locate: Locate) => Uint8Array | undefined
}

export interface Document {
  readonly bytes: Uint8Array
  /** Where it came from, after redirects. */
  readonly url: string
  /** Its Content-Type; one that `Links.syntaxOf` has a syntax for. */
  readonly contentType: string
}

/** A reference as it stands, and what it leads to. */
interface Led {
  /** What it becomes; `undefined` where it stays. */
  readonly become: (locate: Locate) => string | undefined
  readonly isLocal: (locate: Locate) => boolean
}

/** A place that may have to be edited. */
type Spot = (locate: Locate) => View.Edit | undefined

/** How deep documents within attributes are read. */
const maxDepth = 2
const absolute = /^[\0- ]*https?:\/\//i

/** What the documents of one file share. */
class Reading {
  readonly urls = new Set<string>()
  readonly #own: string
  base: string
  readonly encoding: string

  constructor(url: string, encoding: string) {
    this.#own = url
    this.base = url
    this.encoding = encoding
  }

  /** `undefined` for what stays whatever is in the mirror. `isSent`: it is no answer that could be saved. */
  lead(reference: string, isSent = false): Led | undefined {
    const { base, encoding } = this
    const text = reference.trim()
    // within the page itself
    if ((text === "" || text.startsWith("#")) && base === this.#own) return undefined
    const url = Reference.resolve(reference, base, encoding)
    if (url !== undefined && !isSent) this.urls.add(url)
    const fragment = text.includes("#") ? (URL.parse(text, base)?.hash ?? "") : ""
    const way = (locate: Locate) => (url === undefined || isSent ? undefined : locate(url))
    return {
      isLocal: (locate) => way(locate) !== undefined,
      become: (locate) => {
        const file = way(locate)
        if (file !== undefined) return file + fragment
        if (absolute.test(reference)) return undefined
        if (url !== undefined) return url + fragment
        // too long for a crawl, but a URL
        const whole = URL.parse(reference, base)
        return whole !== null && /^https?:$/.test(whole.protocol) ? whole.href : undefined
      }
    }
  }
}

// ---- text within text

/** For an attribute, in any quotes or none. */
const inMarkup = (text: string, quote: string): string =>
  text.replace(quote === "" ? /[&"'<>`=\s]/g : /[&"'<>]/g, (character) =>
    character === "&" ? "&amp;" : `&#${character.codePointAt(0)!};`
  )
const inAscii = (text: string): string => text.replace(/[^\0-\x7f]/gu, (character) => `&#${character.codePointAt(0)!};`)
/** For a string or a `url()` of a style sheet. */
const inSheet = (text: string): string => text.replace(/["'()\\\s]/g, "\\$&")

/** The spots of a style sheet. `decode`: what stands in it from here to there. */
const ofSheet = (
  reading: Reading,
  decode: (start: number, end: number) => string,
  add: (start: number, spot: Spot) => void
) =>
  new Css((given, _isImport, start, end) => {
    const written = decode(start, end)
    const url = isAscii(written) ? given : unescaped(written)
    // within the page, wherever the sheet is
    if (url.startsWith("#")) return
    const led = reading.lead(url)
    if (led === undefined) return
    add(start, (locate) => {
      const text = led.become(locate)
      return text === undefined ? undefined : { start, end, text: inSheet(text) }
    })
  }, Infinity)
// oxlint-disable-next-line no-control-regex -- that is what ASCII is
const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text)
const unescaped = (written: string): string => {
  let value = written
  const quote = written.includes('"') ? "'" : '"'
  new Css((url) => (value = url), Infinity).end(`url(${quote}${written}${quote})`)
  return value
}

// ---- markup

class Html {
  readonly spots: Array<readonly [start: number, spot: Spot]> = []
  /** Where a declaration of the encoding may be put: after `<head>`, or what else stands before all other tags. */
  head: number
  readonly #reading: Reading
  readonly #view: Pick<View.View, "text" | "decode">
  readonly #depth: number
  readonly #isXml: boolean
  readonly #tags: Tags
  #spans = new Map<string, Span>()
  #hasBase = false
  #isBeginning = true
  /** No element was met. */
  #isProlog = true
  /** The sheet in an open `<style>`, and up to where it was read. */
  #sheet: { readonly css: Css; end: number } | undefined

  constructor(reading: Reading, view: Pick<View.View, "text" | "decode">, isXml: boolean, depth: number) {
    this.#reading = reading
    this.#view = view
    this.#depth = depth
    this.#isXml = isXml
    this.head = /^(?:\s+|<!--[^]*?-->|<!doctype[^>]*>)*/i.exec(view.text)![0].length
    this.#tags = new Tags(
      { wants: isKnown, maxValue: Infinity, emptyElements: isXml, rawText: true },
      {
        open: (name, attributes, _position, end) => this.#open(name, attributes, end),
        close: () => this.#endSheet(),
        attribute: (name, span) => void this.#spans.set(name, span),
        text: (text, position) => this.#text(text, position),
        instruction: isXml ? (text, position) => this.#instruction(text, position) : undefined
      }
    )
    this.#tags.write(view.text)
    this.#tags.end()
    this.#endSheet()
  }

  /** In their order, none within another. */
  edits(locate: Locate): ReadonlyArray<View.Edit> {
    return editsOf(this.spots, locate)
  }

  #open(name: string, attributes: Attributes, end: number) {
    this.#endSheet()
    this.#isProlog = false
    const spans = this.#spans
    this.#spans = new Map()
    if (this.#isBeginning) {
      if (name === "html" || name === "head") this.head = end + 1
      this.#isBeginning = name === "html"
    }
    if (name === "style") this.#sheet = { css: this.#sheetFrom(0), end: -1 }
    if (attributes.size === 0) return
    const values = new Map<string, string>()
    for (const [attribute, span] of spans) values.set(attribute, this.#valueOf(span))
    if (name === "meta") return this.#meta(values, spans)
    const loaded: Array<Led> = []
    for (const [attribute, value] of values) this.#attribute(name, attribute, value, values, spans, loaded)
    // what these play may be said by elements in them
    const isLoader = name === "video" || name === "audio"
    for (const attribute of ["integrity", "crossorigin"]) {
      const span = spans.get(attribute)
      if (span !== undefined) this.#disarm(span, (locate) => isLoader || loaded.some((led) => led.isLocal(locate)))
    }
  }

  #instruction(text: string, position: number) {
    const found = this.#isProlog ? XmlStylesheet.place(text) : undefined
    if (found === undefined) return
    const span = { name: position, start: position + found.start, end: position + found.end, quote: found.quote }
    this.#whole(this.#valueOf(span), span)
  }

  #valueOf({ start, end }: Span): string {
    return decodeHTMLAttribute(this.#view.decode(start, end))
  }

  #attribute(
    name: string,
    attribute: string,
    value: string,
    values: ReadonlyMap<string, string>,
    spans: ReadonlyMap<string, Span>,
    loaded: Array<Led>
  ) {
    const span = spans.get(attribute)!
    switch (attribute) {
      case "href": {
        if (name === "base") return this.#base(value, span)
        if (name === "link" && /(?:^|\s)(?:preconnect|dns-prefetch)(?:\s|$)/i.test(values.get("rel") ?? ""))
          return this.#disarm(span)
        const led = this.#whole(value, span)
        if (name === "link" && led !== undefined) loaded.push(led)
        return
      }
      case "data":
        if (name === "object") this.#whole(value, span)
        return
      case "src": {
        const led = this.#whole(value, span)
        if (led !== undefined) loaded.push(led)
        return
      }
      case "xlink:href":
      case "data-src":
      case "data-original":
      case "data-lazy-src":
      case "poster":
      case "background":
      case "lowsrc":
      case "dynsrc":
      case "cite":
      case "longdesc":
        return void this.#whole(value, span)
      case "action":
      case "formaction": {
        const method = values.get(attribute === "action" ? "method" : "formmethod") ?? ""
        return void this.#whole(value, span, method.trim().toLowerCase() === "post")
      }
      case "ping":
        return this.#disarm(span)
      case "srcset":
      case "imagesrcset":
      case "data-srcset":
      case "data-lazy-srcset": {
        const pieces: Array<readonly [number, Spot]> = []
        for (const { start, end } of Srcset.places(value)) {
          const led = this.#reading.lead(value.slice(start, end))
          if (led === undefined) continue
          loaded.push(led)
          pieces.push([start, piece(start, end, led)])
        }
        return this.#within(value, span, (locate) => editsOf(pieces, locate))
      }
      case "style": {
        if (!/url\(|image-set\(/i.test(value)) return
        const pieces: Array<readonly [number, Spot]> = []
        ofSheet(
          this.#reading,
          (start, end) => value.slice(start, end),
          (start, spot) => pieces.push([start, spot])
        ).end(value)
        return this.#within(value, span, (locate) => editsOf(pieces, locate))
      }
      case "srcdoc": {
        if (this.#depth === maxDepth) return
        const { base } = this.#reading
        const text = { text: value, decode: (start: number, end: number) => value.slice(start, end) }
        const inner = new Html(this.#reading, text, false, this.#depth + 1)
        this.#reading.base = base
        return this.#within(value, span, (locate) => inner.edits(locate))
      }
    }
  }

  /** HTML 4.2.3: the first one with a `href` counts. In SVG there is none. */
  #base(value: string, span: Span) {
    if (this.#tags.isInForeignContext()) return
    this.#disarm(span)
    if (this.#hasBase) return
    this.#hasBase = true
    const base = Reference.base(value, this.#reading.base, this.#reading.encoding)
    if (base !== undefined) this.#reading.base = base
  }

  #meta(values: ReadonlyMap<string, string>, spans: ReadonlyMap<string, Span>) {
    const kind = values.get("http-equiv")?.trim().toLowerCase()
    const content = values.get("content")
    if (kind === "content-security-policy") this.#disarm(spans.get("http-equiv")!)
    if (kind !== "refresh" || content === undefined) return
    const place = Refresh.place(content)
    const led = place && this.#reading.lead(content.slice(place.start, place.end))
    if (led === undefined) return
    const spot = piece(place!.start, place!.end, led)
    this.#within(content, spans.get("content")!, (locate) =>
      // it may stand in quotes
      editsOf([[0, spot]], locate).map((edit) => ({ ...edit, text: edit.text.replaceAll("'", "%27") }))
    )
  }

  #text(text: string, position: number) {
    if (this.#sheet === undefined) return
    // pieces of it follow each other, but for what begins and ends CDATA
    if (this.#sheet.end !== position) {
      this.#sheet.css.end()
      this.#sheet = { css: this.#sheetFrom(position), end: position }
    }
    this.#sheet.css.write(text)
    this.#sheet.end = position + text.length
  }
  #endSheet() {
    this.#sheet?.css.end()
    this.#sheet = undefined
  }
  #sheetFrom(position: number): Css {
    return ofSheet(
      this.#reading,
      (start, end) => this.#view.decode(position + start, position + end),
      (start, spot) =>
        this.spots.push([
          position + start,
          (locate) => {
            const edit = spot(locate)
            if (edit === undefined) return undefined
            const text = this.#isXml ? edit.text.replaceAll("&", "\\26 ") : edit.text
            return { start: position + edit.start, end: position + edit.end, text }
          }
        ])
    )
  }

  // ---- spots

  /** A value that is one reference. */
  #whole(value: string, span: Span, isSent = false): Led | undefined {
    const led = this.#reading.lead(value, isSent)
    if (led !== undefined)
      this.spots.push([
        span.start,
        (locate) => {
          const text = led.become(locate)
          return text === undefined ? undefined : { ...span, text: inMarkup(text, span.quote) }
        }
      ])
    return led
  }

  /** A value that holds references: edited where they stand, unless it is written with character references. */
  #within(value: string, span: Span, edits: (locate: Locate) => ReadonlyArray<View.Edit>) {
    const isPlain = this.#view.text.slice(span.start, span.end) === value && isAscii(value)
    this.spots.push([
      span.start,
      (locate) => {
        const inside = edits(locate)
        if (inside.length === 0) return undefined
        const text = isPlain
          ? View.apply(
              value,
              inside.map((edit) => ({ ...edit, text: inMarkup(edit.text, span.quote) }))
            )
          : inAscii(inMarkup(View.apply(value, inside), span.quote))
        return { ...span, text }
      }
    ])
  }

  #disarm({ name }: Span, when: (locate: Locate) => boolean = () => true) {
    this.spots.push([name, (locate) => (when(locate) ? { start: name, end: name, text: "data-" } : undefined)])
  }
}

const known = new Set(
  (
    "href xlink:href src srcset imagesrcset data-src data-srcset data-original data-lazy-src data-lazy-srcset data action " +
    "formaction formmethod method ping poster background lowsrc dynsrc cite longdesc style srcdoc rel content http-equiv " +
    "integrity crossorigin"
  ).split(" ")
)
const isKnown = (attribute: string) => known.has(attribute)

const piece =
  (start: number, end: number, led: Led): Spot =>
  (locate) => {
    const text = led.become(locate)
    return text === undefined ? undefined : { start, end, text }
  }

const editsOf = (spots: ReadonlyArray<readonly [number, Spot]>, locate: Locate): ReadonlyArray<View.Edit> =>
  spots
    .toSorted(([one], [other]) => one - other)
    .flatMap(([, spot]) => {
      const edit = spot(locate)
      return edit === undefined ? [] : [edit]
    })

// ---- documents

/** What a document is in, and whether nobody but its Content-Type says so. */
const encodingOf = ({ bytes, contentType }: Document, syntax: Encoding.Syntax) => {
  const { encoding, source } = Encoding.detect(bytes, { syntax, contentType })
  const isTold = source !== "header" || Encoding.detect(bytes, { syntax }).encoding === encoding
  return { encoding, isUntold: !isTold && bytes.some((byte) => byte > 0x7f) }
}

/** Reads a page or a style sheet. */
export const read = (document: Document): Rewriting => {
  const { bytes, url, contentType } = document
  const type = ContentType.essence(contentType)
  const isCss = type === "text/css"
  const isXml = type.endsWith("+xml")
  const { encoding, isUntold } = encodingOf(document, isCss ? "css" : isXml ? "xml" : "html")
  const reading = new Reading(url, isCss ? "utf-8" : encoding)
  const view = View.ofBytes(bytes, encoding)
  let spots: Array<readonly [number, Spot]> = []
  if (isCss) {
    ofSheet(reading, view.decode, (start, spot) => spots.push([start, spot])).end(view.text)
    if (isUntold) spots.unshift([0, () => ({ start: 0, end: 0, text: `@charset "${encoding}";` })])
  } else {
    const html = new Html(reading, view, isXml, 0)
    spots = html.spots
    if (isUntold && !isXml)
      spots.push([html.head, () => ({ start: html.head, end: html.head, text: `<meta charset="${encoding}">` })])
  }
  return {
    urls: [...reading.urls],
    write: (locate) => {
      const edits = editsOf(spots, locate)
      return edits.length === 0 ? undefined : view.edited(edits)
    }
  }
}
