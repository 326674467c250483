/**
 * Markup as tags, while it arrives: HTML, or XML as careless people write it.
 *
 * 1. No markup is an error, and none makes it throw.
 * 2. Memory is bounded: by `maxValue` for an attribute, of which only the wanted
 *    ones are kept, and by 64 Ki characters for a name, a comment, a declaration
 *    or a section of CDATA. Nothing is kept for an element that is open.
 * 3. However the text is cut into chunks, tags and attributes are the same; text
 *    and CDATA come in pieces.
 *
 * The tokenizer is htmlparser2's. Its parser is not used: it keeps the open
 * elements, and a page of nothing but `<div>` costs it quadratic time. Where
 * neither references nor places are asked for, tags that are whole, written as
 * nearly all are, are read from the bytes of the document, at a fraction of the
 * cost and without a string: the tokenizer gets the text of what is left, from a
 * `<` to where it is between tags again.
 */
import { decodeHTMLAttribute } from "entities/decode"
import { QuoteType, Tokenizer, type TokenizerCallbacks } from "htmlparser2"
import { Names } from "./Names.ts"

/**
 * The attributes of a tag that were wanted, in their order; the first of the same name counts. Another tag's after it
 * was told.
 */
export class Attributes implements Iterable<readonly [name: string, value: string]> {
  size = 0
  /** Where values stand that nobody has asked for yet. */
  bytes: Buffer = nothing
  readonly #names: Array<string> = []
  readonly #values: Array<string | undefined> = []
  readonly #starts: Array<number> = []
  readonly #ends: Array<number> = []
  readonly #encodings: Array<"latin1" | "utf8"> = []

  name(index: number): string {
    return this.#names[index]!
  }
  value(index: number): string {
    return (this.#values[index] ??= this.bytes.toString(this.#encodings[index], this.#starts[index], this.#ends[index]))
  }
  /** The place in `bytes` where a value begins that is the characters that stand there, of UTF-8; -1 where it is not. */
  start(index: number): number {
    return this.#starts[index]!
  }
  end(index: number): number {
    return this.#ends[index]!
  }
  get(name: string): string | undefined {
    const index = this.#indexOf(name)
    return index < 0 ? undefined : this.value(index)
  }
  has(name: string): boolean {
    return this.#indexOf(name) >= 0
  }
  #indexOf(name: string): number {
    for (let i = 0; i < this.size; i++) if (this.#names[i] === name) return i
    return -1
  }
  *[Symbol.iterator](): Iterator<readonly [name: string, value: string]> {
    for (let i = 0; i < this.size; i++) yield [this.#names[i]!, this.value(i)]
  }
  /** Used by `Tags` alone. A NUL is no character of a value (HTML 13.2.5.36). */
  add(name: string, value: string): void {
    this.#put(name, value.includes("\0") ? value.replaceAll("\0", "\uFFFD") : value, -1, -1)
  }
  /** The same of a value that stands in `bytes`, in ASCII or, all of it valid, in UTF-8. */
  addWritten(name: string, start: number, end: number, isAscii: boolean): void {
    this.#encodings[this.size] = isAscii ? "latin1" : "utf8"
    this.#put(name, undefined, start, end)
  }
  #put(name: string, value: string | undefined, start: number, end: number) {
    this.#names[this.size] = name
    this.#values[this.size] = value
    this.#starts[this.size] = start
    this.#ends[this.size++] = end
  }
  clear(): void {
    this.size = 0
  }
}
const nothing = Buffer.alloc(0)

/** Where an attribute stands, in characters from the beginning of the document: its name, and its value without quotes. */
export interface Span {
  readonly name: number
  readonly start: number
  /** `start` where it has no value. */
  readonly end: number
  readonly quote: '"' | "'" | ""
}

export interface Output {
  /** A start tag. `position`: where its `<` stands, in characters from the beginning of the document; `end`: its `>`. */
  readonly open: (name: string, attributes: Attributes, position: number, end: number) => void
  /** An end tag, whether or not anything is open; in XML also the end of an empty element. */
  readonly close: (name: string) => void
  /** Told of each wanted attribute, before its tag is. */
  readonly attribute?: (name: string, span: Span) => void
  /**
   * A piece of text, references resolved unless `rawText`; within `<script>` and its like as it stands. `position`:
   * where it begins.
   */
  readonly text?: (text: string, position: number) => void
  /** The same of what `read` was given: the bytes from one place to another. */
  readonly bytes?: (bytes: Uint8Array, from: number, to: number) => void
  /** A comment, or a piece of its end if it is longer than 64 Ki characters. */
  readonly comment?: ((text: string) => void) | undefined
  /** `DOCTYPE …` */
  readonly declaration?: ((text: string) => void) | undefined
  /** What stands between `<?` and `>`, a comment in HTML and told as one too. `position`: where it begins. */
  readonly instruction?: ((text: string, position: number) => void) | undefined
  /**
   * Asked of an element that begins at a place in what `read` was given, before it is told: the place after what need
   * not be, -1 where it is to be.
   */
  readonly passes?: (name: string, bytes: Buffer, at: number) => number
  /** After an end tag, which ends before a place in what `read` was given. */
  readonly closed?: (name: string, bytes: Buffer, to: number) => void
}

export interface Options {
  /** Names keep their case, there are CDATA sections and empty elements, and no element is special. */
  readonly xml?: boolean
  /** In HTML too, a tag that ends in `/>` is an empty element: XHTML. */
  readonly emptyElements?: boolean
  /** Is this attribute wanted? By its name, in HTML in lower case. */
  readonly wants: (attribute: string) => boolean
  /** The longest value of an attribute, in characters: a longer one is left out, for half a URL is another one. */
  readonly maxValue: number
  /** In HTML, text comes as it stands: it is passed over several times as fast. */
  readonly rawText?: boolean
}

const maxSection = 65_536
const maxAttributes = 256

/** What begins as one of these goes on otherwise than as tags and text. */
const special: ReadonlySet<string> = new Set(
  "iframe noembed noframes plaintext script style svg math title textarea xmp".split(" ")
)
const tagNames = Names.by((name) => special.has(name))
/** Of those, what holds text to its end tag and is read as a whole. */
const holdsText: ReadonlySet<string> = new Set(["script", "style", "textarea", "title"])

const lt = 0x3c
const gt = 0x3e
const slash = 0x2f
const equals = 0x3d
const exclamation = 0x21
const dash = 0x2d
const bracket = 0x5b
const doubleQuote = 0x22
const singleQuote = 0x27
const isBlank = (code: number) => code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0b)
/** Of each byte what it is in a tag. */
const blank = 1
const endsName = 2
const endsAttribute = 4
const marks = Uint8Array.from({ length: 256 }, (_, code) => {
  if (isBlank(code)) return blank | endsName | endsAttribute
  return code === gt || code === slash ? endsName | endsAttribute : code === equals ? endsAttribute : 0
})
const ampersand = 0x26
const isLetter = (code: number) => (code | 0x20) >= 0x61 && (code | 0x20) <= 0x7a

/** HTML 13.2.6.5: these end an `<svg>` or `<math>` that was left open. */
const breakouts: ReadonlySet<string> = new Set(
  (
    "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr " +
    "ol p pre ruby s small span strong strike sub sup table tt u ul var"
  ).split(" ")
)
/** Within `<svg>` and `<math>`, what is in these is HTML again. */
const integrations: ReadonlySet<string> = new Set(
  "foreignobject desc title annotation-xml mi mo mn ms mtext".split(" ")
)
/** How deep such contexts are followed. Beyond, text in `<script>` may be taken for tags. */
const maxContexts = 64

/** Whether these are whole characters of UTF-8 (Unicode, table 3-7). */
const isValidUtf8 = (bytes: Uint8Array, from: number, to: number): boolean => {
  for (let at = from; at < to;) {
    const first = bytes[at++]!
    if (first < 0x80) continue
    const more = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3
    if (more === 0 || at + more > to) return false
    const second = bytes[at]!
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
    if (second < least || second > most) return false
    for (const end = at + more; at < end; at++) if ((bytes[at]! & 0xc0) !== 0x80) return false
  }
  return true
}

export class Tags implements TokenizerCallbacks {
  readonly #output: Output
  readonly #options: Options
  readonly #isXml: boolean
  /** References in values are left to us. */
  readonly #isRaw: boolean
  /** Made when there is text for it: most pages are read from their bytes. */
  #tokenizer: Tokenizer | undefined
  /** Its state then, which is its first one. */
  #betweenTags: unknown
  readonly #names: Names

  /** The latest chunk. */
  #chunk = ""
  /** The index of its first character. */
  #start = 0
  /** What precedes it and is not given out yet. */
  #held = ""
  /** The index of the first character that may still be asked for. */
  #done = 0

  #name = ""
  #position = 0
  readonly #attributes = new Attributes()
  #attribute = ""
  #span = { name: 0, start: 0, end: 0 }
  #isWanted = false
  #value = ""
  /** Innermost last: is this foreign (`<svg>`, `<math>`), or HTML within it? */
  readonly #contexts: Array<boolean> = []

  constructor(options: Options, output: Output) {
    this.#options = options
    this.#output = output
    this.#isXml = options.xml === true
    this.#isRaw = !this.#isXml && options.rawText === true
    this.#names = Names.by(options.wants)
  }

  /** Takes the next text. */
  write(text: string): void {
    const end = this.#start + this.#chunk.length
    this.#held = this.#slice(Math.max(this.#done, end - maxSection), end)
    this.#chunk = text
    this.#start = end
    this.#tokenizer ??= this.#makeTokenizer()
    this.#tokenizer.write(text)
  }
  #makeTokenizer(): Tokenizer {
    const tokenizer = new Tokenizer(
      {
        xmlMode: this.#isXml,
        recognizeSelfClosing: this.#isXml || this.#options.emptyElements === true,
        decodeEntities: !this.#isRaw
      },
      this
    )
    this.#betweenTags = tokenizer["state"]
    return tokenizer
  }

  /** Whether what comes next may be given to `read` instead. */
  get isBetween(): boolean {
    return (
      this.#isRaw &&
      this.#tokenizer?.["state"] === this.#betweenTags &&
      this.#contexts.length === 0 &&
      this.#output.attribute === undefined
    )
  }

  end(): void {
    this.#tokenizer?.end()
  }

  // ---- without the tokenizer

  /**
   * Reads text and tags from their bytes, of any encoding in which those of ASCII mean the same as there; places in the document
   * are not told. Gives the end, or the place from which on the text is to be written: of the `<` of what is not whole, or
   * where the last text begins, of which the end may be half a character. `decode`: to the text of bytes that stand alone.
   * `isUtf8`: which is what the document is in.
   */
  read(bytes: Uint8Array, from: number, decode: (bytes: Uint8Array) => string, isUtf8: boolean): number {
    const buffer = bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.#attributes.bytes = buffer
    try {
      return this.#readAll(buffer, from, decode, isUtf8)
    } finally {
      this.#attributes.bytes = nothing
    }
  }
  #readAll(bytes: Buffer, from: number, decode: (bytes: Uint8Array) => string, isUtf8: boolean): number {
    const { length } = bytes
    for (let at = from; ;) {
      const start = at
      const near = Math.min(length, at + 16)
      while (at < near && bytes[at] !== lt) at++
      // a call costs as much as some twenty bytes
      if (at === near && at < length) {
        at = bytes.indexOf(lt, at)
        if (at < 0) at = length
      }
      // the last text may end with half a character, but for these, which are no part of another
      if (at === length && (at === start || bytes[at - 1]! >= 0x30)) return start
      if (at > start) this.#output.bytes?.(bytes, start, at)
      if (at === length) return at
      const open = at
      const first = bytes[open + 1]!
      if (isLetter(first)) at = this.#readOpen(bytes, open, decode, isUtf8)
      else if (first === slash) at = this.#readClose(bytes, open)
      else at = first === exclamation ? this.#readDeclaration(bytes, open) : -1
      if (at < 0) return open
    }
  }

  /** Reads an end tag; gives the place after it, -1 where it is not whole. */
  #readClose(bytes: Buffer, open: number): number {
    if (!isLetter(bytes[open + 2]!)) return -1
    const { length } = bytes
    let hash = 0
    let at = open + 2
    for (; at < length; at++) {
      const code = bytes[at]!
      if ((marks[code]! & endsName) !== 0) break
      hash = Math.imul(hash, 31) + code
    }
    const place = tagNames.find(bytes, open + 2, at, hash)
    while (at < length && bytes[at] !== gt) at++
    if (at === length || place < 0) return -1
    const element = tagNames.name(place)
    this.#output.close(element)
    this.#output.closed?.(element, bytes, at + 1)
    return at + 1
  }

  /** Reads a comment or a declaration that nobody asks for; gives the place after it, -1 where it is not whole. */
  #readDeclaration(bytes: Buffer, open: number): number {
    const first = bytes[open + 2]!
    if (first === bracket || this.#output.comment !== undefined || this.#output.declaration !== undefined) return -1
    if (first !== dash || bytes[open + 3] !== dash) return bytes.indexOf(gt, open + 2) + 1 || -1
    // HTML 13.2.5.43: `<!-->` and `<!--->` are whole, and `--!>` is an end
    const text = open + 4
    if (bytes[text] === gt) return text + 1
    if (bytes[text] === dash && bytes[text + 1] === gt) return text + 2
    for (let end = text; ; end++) {
      end = bytes.indexOf(gt, end)
      if (end < 0) return -1
      const dashes = (bytes[end - 1] === exclamation ? end - 1 : end) - 2
      if (dashes >= text && bytes[dashes] === dash && bytes[dashes + 1] === dash) return end + 1
    }
  }

  /** The place of the end tag of what holds text from `at` on; -1 where it is not there. */
  #endOf(name: string, bytes: Buffer, at: number): number {
    for (let end = at; ;) {
      end = bytes.indexOf(lt, end)
      const after = end + 2 + name.length
      if (end < 0 || after >= bytes.length) return -1
      let same = 0
      if (bytes[end + 1] === slash)
        while (same < name.length && (bytes[end + 2 + same]! | 0x20) === name.charCodeAt(same)) same++
      if (same === name.length && (marks[bytes[after]!]! & endsName) !== 0) return end
      end++
    }
  }

  /**
   * Reads a start tag, and the text that it begins; gives the place after it, -1 where it is not whole or more begins
   * with it.
   */
  #readOpen(bytes: Buffer, open: number, decode: (bytes: Uint8Array) => string, isUtf8: boolean): number {
    const { length } = bytes
    let hash = 0
    let code = 0
    let at = open + 1
    for (; at < length; at++) {
      code = bytes[at]!
      if ((marks[code]! & endsName) !== 0) break
      hash = Math.imul(hash, 31) + code
    }
    const tag = tagNames.find(bytes, open + 1, at, hash)
    if (tag < 0) return -1
    const element = tagNames.name(tag)
    const isText = tagNames.isWanted(tag)
    if (isText && !holdsText.has(element)) return -1
    const after = this.#output.passes?.(element, bytes, open) ?? -1
    if (after >= 0) return after
    const attributes = this.#attributes
    attributes.clear()
    for (;;) {
      while (at < length && (marks[(code = bytes[at]!)]! & blank) !== 0) at++
      if (at >= length) return -1
      if (code === gt) {
        const end = isText ? this.#endOf(element, bytes, at + 1) : at + 1
        if (end < 0) return -1
        this.#output.open(element, attributes, 0, 0)
        if (end > at + 1) {
          // with what ends it, as below
          if (element === "style") this.#output.text?.(decode(bytes.subarray(at + 1, end + 1)).slice(0, -1), 0)
          else this.#output.bytes?.(bytes, at + 1, end)
        }
        return end
      }
      if (code === slash) {
        for (at++; at < length && (marks[bytes[at]!]! & blank) !== 0;) at++
        if (at >= length) return -1
        if (bytes[at] !== gt) continue
        if (isText) return -1
        this.#output.open(element, attributes, 0, 0)
        if (this.#options.emptyElements === true) this.#output.close(element)
        return at + 1
      }
      const name = at
      hash = code
      for (at++; at < length; at++) {
        code = bytes[at]!
        if ((marks[code]! & endsAttribute) !== 0) break
        hash = Math.imul(hash, 31) + code
      }
      const attribute = this.#names.find(bytes, name, at, hash)
      if (attribute < 0) return -1
      while (at < length && (marks[(code = bytes[at]!)]! & blank) !== 0) at++
      if (at >= length) return -1
      let start = at
      let end = at
      let isAscii = true
      let isOdd = false
      let hasReference = false
      if (code === equals) {
        for (at++; at < length && (marks[(code = bytes[at]!)]! & blank) !== 0;) at++
        if (at >= length) return -1
        const quote = code === doubleQuote || code === singleQuote ? code : 0
        if (quote !== 0) at++
        start = at
        for (; at < length; at++) {
          code = bytes[at]!
          if (quote === 0 ? code === gt || (marks[code]! & blank) !== 0 : code === quote) break
          if (code === ampersand) hasReference = true
          else if (code >= 0x80) isAscii = false
          else if (code === 0) isOdd = true
        }
        if (at >= length) return -1
        end = at
        if (quote !== 0) at++
      }
      if (!this.#names.isWanted(attribute)) continue
      if (attributes.size === maxAttributes || attributes.has(this.#names.name(attribute))) continue
      const isTooLong = end - start > this.#options.maxValue
      const isWritten = isAscii || (isUtf8 && !isTooLong && isValidUtf8(bytes, start, end))
      if (isOdd || hasReference || !isWritten) {
        // with what ends it: half a character before that is what it is in the whole document
        const value = isAscii
          ? bytes.toString("latin1", start, end)
          : decode(bytes.subarray(start, end + 1)).slice(0, -1)
        if (value.length > this.#options.maxValue) continue
        attributes.add(this.#names.name(attribute), hasReference ? decodeHTMLAttribute(value) : value)
      } else if (!isTooLong) attributes.addWritten(this.#names.name(attribute), start, end, isAscii)
    }
  }

  // ---- with it

  #slice(start: number, end: number): string {
    if (start >= this.#start) return this.#chunk.slice(start - this.#start, end - this.#start)
    const held = this.#held.slice(
      Math.max(0, start - (this.#start - this.#held.length)),
      Math.max(0, end - (this.#start - this.#held.length))
    )
    return end > this.#start ? held + this.#chunk.slice(0, end - this.#start) : held
  }

  #nameOf(start: number, end: number): string {
    const name = this.#slice(start, end)
    return this.#isXml ? name : name.toLowerCase()
  }

  // ---- from the tokenizer

  onopentagname(start: number, end: number) {
    this.#name = this.#nameOf(start, end)
    this.#position = start - 1
    this.#attributes.clear()
    this.#done = end
  }
  onattribname(start: number, end: number) {
    this.#attribute = this.#nameOf(start, end)
    this.#isWanted =
      this.#options.wants(this.#attribute) &&
      this.#attributes.size < maxAttributes &&
      !this.#attributes.has(this.#attribute)
    this.#value = ""
    this.#span = { name: start, start: end, end }
    this.#done = end
  }
  onattribdata(start: number, end: number) {
    if (this.#isWanted) this.#append(this.#slice(start, end))
    if (this.#span.end === this.#span.start) this.#span.start = start
    this.#span.end = end
    this.#done = end
  }
  onattribentity(codepoint: number) {
    if (this.#isWanted) this.#append(String.fromCodePoint(codepoint))
  }
  onattribend(quote: QuoteType, end: number) {
    if (this.#isWanted) {
      this.#output.attribute?.(this.#attribute, {
        ...this.#span,
        quote: quote === QuoteType.Double ? '"' : quote === QuoteType.Single ? "'" : ""
      })
      const value = this.#isRaw ? decodeHTMLAttribute(this.#value) : this.#value
      this.#attributes.add(this.#attribute, value)
    }
    this.#done = end
  }
  #append(piece: string) {
    if (this.#value.length + piece.length > this.#options.maxValue) {
      this.#isWanted = false
      this.#value = ""
    } else this.#value += piece
  }

  onopentagend(end: number) {
    this.#done = end
    if (!this.#isXml) this.#enter()
    this.#output.open(this.#name, this.#attributes, this.#position, end)
  }
  onselfclosingtag(end: number) {
    const isForeign = this.isInForeignContext() || this.#name === "svg" || this.#name === "math"
    if (!isForeign && !this.#isXml && this.#options.emptyElements !== true) return this.onopentagend(end)
    this.#done = end
    this.#output.open(this.#name, this.#attributes, this.#position, end)
    this.#output.close(this.#name)
  }
  onclosetag(start: number, end: number) {
    this.#done = end
    const name = this.#nameOf(start, end)
    if (!this.#isXml) this.#leave(name)
    this.#output.close(name)
  }

  ontext(start: number, end: number) {
    // an end tag in which the document ends
    if (start < 0) return
    this.#done = end
    this.#output.text?.(this.#slice(start, end), start)
  }
  ontextentity(codepoint: number, end: number) {
    this.#done = end
    this.#output.text?.(String.fromCodePoint(codepoint), end)
  }
  oncomment(start: number, end: number, endOffset: number) {
    this.#done = end
    if (this.#output.instruction !== undefined && this.#slice(start - 1, start + 1) === "<?")
      this.#output.instruction(this.#slice(start + 1, end), start + 1)
    this.#output.comment?.(this.#slice(start, end - endOffset))
  }
  oncdata(start: number, end: number, endOffset: number) {
    this.#done = end
    this.#output.text?.(this.#slice(start, end - endOffset), start)
  }
  ondeclaration(start: number, end: number) {
    this.#done = end
    this.#output.declaration?.(this.#slice(start, end))
  }
  onprocessinginstruction(_start: number, end: number) {
    this.#done = end
  }
  onend() {}

  // ---- foreign elements: a `<script>` or `<style>` in them is no text

  isInForeignContext(): boolean {
    return this.#contexts.at(-1) === true
  }
  #enter() {
    const name = this.#name
    if (name === "svg" || name === "math") {
      if (this.#contexts.length < maxContexts) this.#contexts.push(true)
    } else if (this.isInForeignContext()) {
      if (breakouts.has(name)) this.#breakOut()
      else if (integrations.has(name) && this.#contexts.length < maxContexts) this.#contexts.push(false)
    }
  }
  #breakOut() {
    while (this.isInForeignContext()) this.#contexts.pop()
  }
  #leave(name: string) {
    if (this.#contexts.length === 0) return
    if (name === "svg" || name === "math") this.#contexts.length = this.#contexts.lastIndexOf(true)
    else if (this.isInForeignContext()) {
      // the only end tags that are breakouts
      if (name === "p" || name === "br") this.#breakOut()
    } else if (integrations.has(name)) this.#contexts.pop()
  }
}
