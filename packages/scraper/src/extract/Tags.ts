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
 * elements, and a page of nothing but `<div>` costs it quadratic time.
 */
import { QuoteType, Tokenizer, type TokenizerCallbacks } from "htmlparser2"

/** The attributes of a tag that were wanted, by name; the first of the same name counts. */
export type Attributes = ReadonlyMap<string, string>

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
  /** A piece of text, references resolved unless `rawText`; within `<script>` and its like as it stands. `position`: where it begins. */
  readonly text?: (text: string, position: number) => void
  /** A comment, or a piece of its end if it is longer than 64 Ki characters. */
  readonly comment?: (text: string) => void
  /** `DOCTYPE …` */
  readonly declaration?: (text: string) => void
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
const noAttributes: Attributes = new Map()

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

/** Resolves the references in the value of an attribute (HTML 13.2.5.73). */
export const resolved = (value: string): string => {
  let text = ""
  const nothing = () => {}
  const tokenizer = new Tokenizer(
    {},
    {
      onattribdata: (start, end) => void (text += tag.slice(start, end)),
      onattribentity: (codepoint) => void (text += String.fromCodePoint(codepoint)),
      isInForeignContext: () => false,
      onattribend: nothing,
      onattribname: nothing,
      oncdata: nothing,
      onclosetag: nothing,
      oncomment: nothing,
      ondeclaration: nothing,
      onend: nothing,
      onopentagend: nothing,
      onopentagname: nothing,
      onprocessinginstruction: nothing,
      onselfclosingtag: nothing,
      ontext: nothing,
      ontextentity: nothing
    }
  )
  const tag = `<a a="${value.replaceAll('"', "&quot;")}">`
  tokenizer.write(tag)
  tokenizer.end()
  return text
}

export class Tags implements TokenizerCallbacks {
  readonly #output: Output
  readonly #options: Options
  readonly #isXml: boolean
  /** References in values are left to us. */
  readonly #isRaw: boolean
  readonly #tokenizer: Tokenizer

  #chunk = ""
  /** The index of the first character of the chunk in the document. */
  #start = 0
  /** What precedes it and is not given out yet. */
  #held = ""
  /** The index of the first character that may still be asked for. */
  #done = 0

  #name = ""
  #position = 0
  #attributes: Map<string, string> | undefined
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
    this.#tokenizer = new Tokenizer(
      {
        xmlMode: this.#isXml,
        recognizeSelfClosing: this.#isXml || options.emptyElements === true,
        decodeEntities: !this.#isRaw
      },
      this
    )
  }

  write(text: string): void {
    const end = this.#start + this.#chunk.length
    this.#held = this.#slice(Math.max(this.#done, end - maxSection), end)
    this.#chunk = text
    this.#start = end
    this.#tokenizer.write(text)
  }

  end(): void {
    this.#tokenizer.end()
  }

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
    this.#attributes = undefined
    this.#done = end
  }
  onattribname(start: number, end: number) {
    this.#attribute = this.#nameOf(start, end)
    this.#isWanted =
      this.#options.wants(this.#attribute) &&
      (this.#attributes === undefined ||
        (this.#attributes.size < maxAttributes && !this.#attributes.has(this.#attribute)))
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
      const value = this.#isRaw && this.#value.includes("&") ? resolved(this.#value) : this.#value
      ;(this.#attributes ??= new Map()).set(this.#attribute, value)
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
    this.#output.open(this.#name, this.#attributes ?? noAttributes, this.#position, end)
  }
  onselfclosingtag(end: number) {
    const isForeign = this.isInForeignContext() || this.#name === "svg" || this.#name === "math"
    if (!isForeign && !this.#isXml && this.#options.emptyElements !== true) return this.onopentagend(end)
    this.#done = end
    this.#output.open(this.#name, this.#attributes ?? noAttributes, this.#position, end)
    this.#output.close(this.#name)
  }
  onclosetag(start: number, end: number) {
    this.#done = end
    const name = this.#nameOf(start, end)
    if (!this.#isXml) this.#leave(name)
    this.#output.close(name)
  }

  ontext(start: number, end: number) {
    this.#done = end
    this.#output.text?.(this.#slice(start, end), start)
  }
  ontextentity(codepoint: number, end: number) {
    this.#done = end
    this.#output.text?.(String.fromCodePoint(codepoint), end)
  }
  oncomment(start: number, end: number, endOffset: number) {
    this.#done = end
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
      if (breakouts.has(name)) while (this.isInForeignContext()) this.#contexts.pop()
      else if (integrations.has(name) && this.#contexts.length < maxContexts) this.#contexts.push(false)
    }
  }
  #leave(name: string) {
    if (this.#contexts.length === 0) return
    if (name === "svg" || name === "math") this.#contexts.length = this.#contexts.lastIndexOf(true)
    else if (integrations.has(name) && !this.isInForeignContext()) this.#contexts.pop()
  }
}
