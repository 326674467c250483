/**
 * The tree of an XHTML page. It is XML, so `<script/>` is a whole element, CDATA is
 * text, and a list may stand within a paragraph (HTML 14.1); but where a browser shows
 * an error instead of a page, here it is mended: tags that lack, entities of HTML.
 * Names are in small letters, as selectors are read.
 */
import { type Document, DomHandler, type ParentNode } from "domhandler"
import { Parser, type ParserOptions, Tokenizer, type TokenizerCallbacks } from "htmlparser2"
import { TooDeep } from "./PageError.ts"

/** Where names are no longer those of HTML, and where they are again. */
const turns = /^(?:svg|math|foreignobject)$/

class Bounded extends DomHandler {
  readonly #maxDepth: number
  readonly #turns: Array<ParentNode> = []
  constructor(maxDepth: number) {
    super()
    this.#maxDepth = maxDepth
  }
  override onopentag(...tag: Parameters<DomHandler["onopentag"]>) {
    super.onopentag(...tag)
    const { length } = this.tagStack
    if (length > this.#maxDepth + 1) throw new TooDeep({ maxDepth: this.#maxDepth })
    if (turns.test(tag[0])) this.#turns.push(this.tagStack[length - 1]!)
  }
  override onclosetag() {
    if (this.tagStack.at(-1) === this.#turns.at(-1)) this.#turns.pop()
    super.onclosetag()
  }
  get isInForeign() {
    const latest = this.#turns.at(-1)
    return latest !== undefined && "name" in latest && latest.name !== "foreignobject"
  }
}

/** Reads text as HTML has it: its entities, and scripts that are in no CDATA. */
class Lenient extends Tokenizer {
  constructor(_options: object, callbacks: TokenizerCallbacks) {
    super({ recognizeSelfClosing: true }, callbacks)
  }
}

const empty =
  /^(?:area|base|basefont|br|col|command|embed|frame|hr|img|input|isindex|keygen|link|meta|param|source|track|wbr)$/

/** What each of these ends, if that is what it stands in: no page is valid where it does. */
const ends = new Map([
  ["p", /^p$/],
  ["li", /^li$/],
  ["option", /^option$/],
  ["dt", /^d[dt]$/],
  ["dd", /^d[dt]$/],
  ["td", /^t[dh]$/],
  ["th", /^t[dh]$/],
  ["tr", /^t[dhr]$/]
])

class Mending extends Parser {
  readonly #handler: Bounded
  constructor(handler: Bounded, options: ParserOptions) {
    super(handler, options)
    this.#handler = handler
  }
  /** The slash of these is what lacks most often. */
  protected override isVoidElement(name: string): boolean {
    return empty.test(name)
  }
  override onopentagname(start: number, end: number) {
    const ended = ends.get(this["getSlice"](start, end).toLowerCase())
    if (ended !== undefined) while (ended.test(this["stack"][0] ?? "")) this["popElement"](true)
    super.onopentagname(start, end)
  }
  /** There, a title may have elements. */
  override isInForeignContext() {
    return this.#handler.isInForeign
  }
}

/** Throws `TooDeep`. */
export const parse = (text: string, maxDepth: number): Document => {
  const handler = new Bounded(maxDepth)
  new Mending(handler, {
    xmlMode: true,
    lowerCaseTags: true,
    lowerCaseAttributeNames: true,
    Tokenizer: Lenient
  }).end(text)
  return handler.root
}

const type = /^\s*application\/xhtml\+xml\s*(?:;|$)/i

/** Whether a page is XHTML: its Content-Type says so, or where there is none the name of its file. */
export const is = ({
  contentType = "",
  path = ""
}: {
  readonly contentType?: string | undefined
  readonly path?: string | undefined
}): boolean => (contentType === "" ? /\.xht(?:ml)?$/i.test(path) : type.test(contentType))
