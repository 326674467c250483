/**
 * The tree of an XHTML page. It is XML, so `<script/>` is a whole element and CDATA
 * is text (HTML 14.1); but where a browser shows an error instead of a page, here it
 * is mended: tags that lack, entities of HTML.
 */
import { type Document, DomHandler } from "domhandler"
import { Parser } from "htmlparser2"
import * as ContentType from "../ContentType.ts"
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

/** Throws `TooDeep`. */
export const parse = (text: string, maxDepth: number): Document => {
  const handler = new Bounded(maxDepth)
  new Parser(handler, { recognizeSelfClosing: true, recognizeCDATA: true }).end(text)
  return handler.root
}

/** Whether a page is XHTML: its Content-Type says so, or where there is none the name of its file. */
export const is = ({
  contentType = "",
  path = ""
}: {
  readonly contentType?: string | undefined
  readonly path?: string | undefined
}): boolean =>
  contentType === "" ? /\.xht(?:ml)?$/i.test(path) : ContentType.essence(contentType) === "application/xhtml+xml"
