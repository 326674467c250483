/**
 * The tree of an XHTML page. It is XML, so `<script/>` is a whole element, CDATA is
 * text, and a list may stand within a paragraph (HTML 14.1); but where a browser shows
 * an error instead of a page, here it is mended: tags that lack, entities of HTML.
 * Names are in small letters, as selectors are read.
 */
import { type Document, DomHandler } from "domhandler"
import { Parser, Tokenizer, type TokenizerCallbacks } from "htmlparser2"
import { TooDeep } from "./PageError.ts"

class Bounded extends DomHandler {
  readonly #maxDepth: number
  constructor(maxDepth: number) {
    super()
    this.#maxDepth = maxDepth
  }
  override onopentag(...tag: Parameters<DomHandler["onopentag"]>) {
    super.onopentag(...tag)
    const { length } = this.tagStack
    if (length > this.#maxDepth + 1) throw new TooDeep({ maxDepth: this.#maxDepth })
  }
}

/** Reads text as HTML has it: its entities, and scripts that are in no CDATA. */
class Lenient extends Tokenizer {
  constructor(_options: object, callbacks: TokenizerCallbacks) {
    super({ recognizeSelfClosing: true }, callbacks)
  }
}

const empty = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/

class Mending extends Parser {
  /** The slash of these is what lacks most often. */
  protected override isVoidElement(name: string): boolean {
    return empty.test(name)
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
