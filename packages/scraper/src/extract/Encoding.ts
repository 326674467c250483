/**
 * The encoding of a document, and its bytes as text.
 *
 * 1. A byte order mark wins over the Content-Type, that over what the document
 *    says of itself, that over the default (HTML 13.2.3.2, CSS Syntax 3.2, RFC
 *    7303 3).
 * 2. A document is asked within its first 1024 bytes; no more is ever held back.
 * 3. Any bytes decode: what is not of the encoding becomes U+FFFD.
 * 4. However the bytes are cut into chunks, the text is the same.
 *
 * Labels and decoders are those of the Encoding Standard. Node's own `TextDecoder`
 * is not used: by its ICU it differs for Big5, EUC-JP, EUC-KR and Shift_JIS.
 */
import { getBOMEncoding, normalizeEncoding, TextDecoder } from "@exodus/bytes/encoding.js"
import sniffHtml from "html-encoding-sniffer"

/** How a document may say its encoding: `<meta>`, the XML declaration, `@charset`, or not at all. */
export type Syntax = "html" | "xml" | "css" | "text"

/** Who said it. Nobody did: `default`. */
export type Source = "mark" | "header" | "document" | "default"

/** An encoding, and who said so. */
export interface Sniffed {
  /** A name of the Encoding Standard in lower case, `utf-8`, `shift_jis`; `replacement` for those not to be decoded. */
  readonly encoding: string
  readonly source: Source
}

/** What is known of a document beside its bytes. */
export interface Hints {
  readonly syntax: Syntax
  /** The value of the Content-Type field. */
  readonly contentType?: string | undefined
  /**
   * What the document is in if nobody says: `windows-1252` for HTML, else `utf-8`. A style sheet's is that of the page
   * which asks for it.
   */
  readonly fallback?: string | undefined
}

/** How far a document is read for what it says of itself: bytes (HTML 13.2.3.2). */
export const headBytes = 1024

/** The encoding that a label names, in any case and with blanks around it; `undefined` for an unknown one (Encoding 4.2). */
export const fromLabel = (label: string): string | undefined => normalizeEncoding(label) ?? undefined

/**
 * A quoted value may hold what looks like another parameter. A comma is where another line of the field begins. A name that
 * could begin with a blank could begin with each of many, and as many would be looked at for each.
 */
const parameter = /;[\t\n\r ]*([^;=\t\n\r ][^;=]*|)=(?:"((?:[^"\\]|\\[^])*)|([^;,]*))/g

/** A site says it in the same words for all of its pages. */
let latest: { readonly contentType: string; readonly encoding: string | undefined } | undefined

/**
 * The encoding that the first `charset` of a Content-Type names, as MIME Sniffing 4.4 reads it: no blank before the
 * `=`, no single quotes; without a value it is none.
 */
export const fromContentType = (contentType: string | undefined): string | undefined => {
  if (contentType?.includes(";") !== true) return undefined
  if (latest?.contentType !== contentType) latest = { contentType, encoding: named(contentType) }
  return latest.encoding
}
const named = (contentType: string): string | undefined => {
  for (const [, name, quoted, token] of contentType.matchAll(parameter))
    if (name!.toLowerCase() === "charset" && token?.trim() !== "")
      return fromLabel(quoted?.replace(/\\([^])/g, "$1") ?? token!)
  return undefined
}

const pragma = /charset[\t\n\f\r ]*=[\t\n\f\r ]*(?:"([^"]*)"|'([^']*)'|([^\t\n\f\r ;"'][^\t\n\f\r ;]*))/i

/** The encoding that the `content` of a `<meta http-equiv=content-type>` names, which is read otherwise (HTML 2.5.5). */
export const fromPragma = (content: string): string | undefined => {
  const [, ...labels] = pragma.exec(content) ?? []
  return fromLabel(labels.find((label) => label !== undefined) ?? "")
}

/** What a declaration within a document means: that it could be read at all says that it is not UTF-16. */
export const declared = (label: string): string | undefined => {
  const encoding = fromLabel(label)
  if (encoding === "utf-16le" || encoding === "utf-16be") return "utf-8"
  return encoding === "x-user-defined" ? "windows-1252" : encoding
}

/** Whether the bytes of ASCII mean the same in it, and are no part of anything else that markup is made of. */
export const isLikeAscii = (encoding: string): boolean =>
  encoding !== "iso-2022-jp" && encoding !== "replacement" && !encoding.startsWith("utf-16")

/** What a document of this encoding is answered in (Encoding 4.3, get an output encoding). */
export const output = (encoding: string): string =>
  encoding === "replacement" || encoding.startsWith("utf-16") ? "utf-8" : encoding

const charsetRule = /^@charset "([^"]*)";/

/** `options` are those of the library's seventh version; its types are of the third. */
const sniff: (bytes: Uint8Array, options: { readonly xml?: boolean; readonly defaultEncoding: string }) => string =
  sniffHtml

const none = new Uint8Array(0)

/** A head that says it first, written as most are: what is found by it is what is found attribute by attribute. */
const plain = /^(?:\s*<(?:!doctype[^>]*|html(?: [\w:-]+="[^"]*")*|head)>)*\s*<meta charset="([\w-]+)" ?\/?>/i
/** Bytes in which it is looked for. */
const plainBytes = 256

/** What was found by it last. Pages of a site begin alike, and the first thousands are asked by code that is not hot yet. */
let latestHead: { readonly bytes: Uint8Array; readonly encoding: string } = { bytes: none, encoding: "" }
const isLatest = (head: Uint8Array): boolean => {
  const { bytes } = latestHead
  let at = 0
  while (at < bytes.length && bytes[at] === head[at]) at++
  return at > 0 && at === bytes.length
}

const ofPlain = (head: Uint8Array): string | undefined => {
  if (isLatest(head)) return latestHead.encoding
  const begin = Buffer.from(head.buffer, head.byteOffset, Math.min(head.length, plainBytes)).toString("latin1")
  const [text, label] = plain.exec(begin) ?? []
  const encoding = label === undefined ? undefined : declared(label)
  if (encoding !== undefined) latestHead = { bytes: Buffer.from(text!, "latin1"), encoding }
  return encoding
}

const ofDocument = (head: Uint8Array, syntax: Syntax): string | undefined => {
  switch (syntax) {
    case "text":
      return undefined
    case "css": {
      const rule = charsetRule.exec(String.fromCharCode(...head))
      return rule === null ? undefined : declared(rule[1]!)
    }
    default: {
      const found = syntax === "html" ? ofPlain(head) : undefined
      if (found !== undefined) return found
      const encoding = sniff(head, { xml: syntax === "xml", defaultEncoding: "" })
      return encoding === "" ? undefined : encoding.toLowerCase()
    }
  }
}

/**
 * The encoding of the document that begins with these bytes.
 *
 * @param head the first 1024 bytes, or all of a shorter document; of more, the rest is not read
 */
export const detect = (head: Uint8Array, { syntax, contentType, fallback }: Hints): Sniffed => {
  const mark = getBOMEncoding(head)
  if (mark !== null) return { encoding: mark, source: "mark" }
  const header = fromContentType(contentType)
  if (header !== undefined) return { encoding: header, source: "header" }
  const document = ofDocument(head.subarray(0, headBytes), syntax)
  if (document !== undefined) return { encoding: document, source: "document" }
  return { encoding: fallback ?? (syntax === "html" ? "windows-1252" : "utf-8"), source: "default" }
}

interface Decoding {
  readonly decode: (bytes?: Uint8Array, options?: { readonly stream: boolean }) => string
}

/** Encoding 14.1: one U+FFFD for all the bytes, since they may mean another thing to whoever made them. */
const makeReplacement = (): Decoding => {
  let begun = false
  return {
    decode: (bytes) => {
      if (begun || bytes === undefined || bytes.length === 0) return ""
      begun = true
      return "\uFFFD"
    }
  }
}

const decoding = (encoding: string, ignoreBOM = false): Decoding =>
  encoding === "replacement" ? makeReplacement() : new TextDecoder(encoding, { ignoreBOM })

/** Decodes a document piece by piece. */
export class Decoder {
  readonly #hints: Hints
  /** What has been held back to ask the document. */
  #head: Uint8Array | undefined = none
  #sniffed: Sniffed | undefined
  /** Made when there is something to decode: most pages are read from their bytes. */
  #decoding: Decoding | undefined
  #alone: Decoding | undefined

  constructor(hints: Hints) {
    this.#hints = hints
  }

  /** What the bytes were decoded as; `undefined` as long as they are held back. */
  get sniffed(): Sniffed | undefined {
    return this.#sniffed
  }

  /** The text of the next bytes, without a byte order mark. `chunk` is only read during the call. */
  write(chunk: Uint8Array): string {
    return this.decode(this.take(chunk))
  }

  /** The text of what remains. */
  end(): string {
    return this.decode(this.takeAll()) + (this.#decoding?.decode() ?? "")
  }

  /** The same in two steps: the bytes that can be decoded by now, and their text. Of those between tags it may be left out. */
  take(chunk: Uint8Array): Uint8Array {
    if (this.#head === undefined) return chunk
    const held = this.#head.length
    if (held === 0 && chunk.length >= headBytes) return this.#begin(chunk)
    const head = new Uint8Array(held + chunk.length)
    head.set(this.#head)
    head.set(chunk, held)
    this.#head = head
    return head.length < headBytes ? none : this.#begin(head)
  }
  /** What is held back still. */
  takeAll(): Uint8Array {
    return this.#head === undefined ? none : this.#begin(this.#head)
  }
  decode(bytes: Uint8Array): string {
    if (bytes.length === 0) return ""
    return (this.#decoding ??= decoding(this.#sniffed!.encoding)).decode(bytes, { stream: true })
  }

  /** The text of bytes from within the document, whatever comes before and after them. */
  decodeAlone = (bytes: Uint8Array): string => (this.#alone ??= decoding(this.#sniffed!.encoding, true)).decode(bytes)

  /** Decodes what is still to come as something else (HTML 13.2.3.4). What was given out stays what it was. */
  change(encoding: string): void {
    this.#sniffed = { encoding, source: "document" }
    this.#decoding = undefined
    this.#alone = undefined
  }

  #begin(head: Uint8Array): Uint8Array {
    this.#head = undefined
    this.#sniffed = detect(head, this.#hints)
    return head
  }
}
