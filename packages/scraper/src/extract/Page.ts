/**
 * A page as a tree that selectors are asked of: bytes, by the rules of WHATWG
 * for encodings and for parsing (parse5), so that a selector which works in a
 * browser's tools works here.
 *
 * 1. No bytes are malformed: the parser mends as a browser does.
 * 2. Work is bounded: by the bytes of a page and by the depth of its tree, for
 *    parsing costs length times depth.
 * 3. Scripts do not run; what is within `<noscript>` is markup.
 */
import { compile, selectAll } from "css-select"
import { type AnyNode, type Document, type Element, isTag, type ParentNode } from "domhandler"
import * as Result from "effect/Result"
import { html, parse as parseHtml, type TreeAdapter } from "parse5"
import { adapter, type Htmlparser2TreeAdapterMap } from "parse5-htmlparser2-tree-adapter"
import * as Encoding from "./Encoding.ts"
import { NoPage, type PageError, TooDeep, TooLarge } from "./PageError.ts"
import * as Reference from "./Reference.ts"
import * as Xhtml from "./Xhtml.ts"

/** Where a page came from. */
export interface Origin {
  /** The URL that answered with it; relative references are resolved against it. */
  readonly url?: string | undefined
  /** The file it lies in; where nobody says more, its name tells XHTML. */
  readonly path?: string | undefined
  /** The value of the Content-Type field, for the encoding and to tell XHTML. */
  readonly contentType?: string | undefined
}

/** A page as a tree, and where it came from. */
export interface Page {
  readonly url: string | undefined
  readonly path: string | undefined
  /** What references are relative to: `<base href>` or the URL; `undefined` where neither is known. */
  readonly base: string | undefined
  readonly document: Document
}

/** How large and how deep a page may be. */
export interface Limits {
  readonly maxBytes: number
  /** Elements within elements. Browsers stop at 512. */
  readonly maxDepth: number
}

/** At most 32 MiB, and 1,024 elements deep. */
export const limits: Limits = { maxBytes: 32 * 1024 * 1024, maxDepth: 1024 }

/** A tree builder that gives up at a depth. */
const bounded = (maxDepth: number): TreeAdapter<Htmlparser2TreeAdapterMap> => {
  let open = 0
  return {
    ...adapter,
    onItemPush: () => {
      if (++open > maxDepth) throw new TooDeep({ maxDepth })
    },
    onItemPop: () => {
      open -= 1
    }
  }
}

/** Mending moves elements into one another, so a tree may be deeper than what was ever open. */
const isDeeper = (root: ParentNode, most: number): boolean => {
  let level: ReadonlyArray<ParentNode> = [root]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true
    level = level.flatMap((node) => node.children.filter((child): child is Element => "children" in child))
  }
  return false
}

/** How far a file is looked at to tell text from other things (MIME Sniffing 7.1). */
export const sniffBytes = 1445

/** No text has a NUL, but for UTF-16. */
const isBinary = (head: Uint8Array): boolean =>
  head.includes(0) && !Encoding.detect(head, { syntax: "html" }).encoding.startsWith("utf-16")

/** A comment ends at the first end of one: if it could at any other, comments could be told apart in 2^n ways. */
const opening =
  /^(?:\ufeff|\s|<\?xml[^>]*>|<!--(?:(?!-->)[^])*-->)*<(?:!doctype\s+html|html|head|body|title|meta|link|script|style|iframe|h1|div|font|table|a|br|b|p|article|main|section)(?=[\s>/])/i

/** Whether a file that begins like this is an HTML page; after MIME Sniffing 7.1, some elements more. */
export const looksLikePage = (head: Uint8Array): boolean =>
  !isBinary(head) && opening.test(new Encoding.Decoder({ syntax: "html" }).write(padded(head)))

/** The decoder waits for 1024 bytes. */
const padded = (head: Uint8Array): Uint8Array => {
  if (head.length >= Encoding.headBytes) return head
  const whole = new Uint8Array(Encoding.headBytes).fill(0x20)
  whole.set(head)
  return whole
}

const ofHtml: string = html.NS.HTML
/** The parser of XHTML gives no namespaces. */
export const isHtml = ({ namespace = ofHtml }: Element): boolean => namespace === ofHtml

/** Of the parser of XHTML, which gives no namespaces. */
const isForeign = ({ name, namespace }: Element): boolean =>
  namespace === undefined && (name === "svg" || name === "math")

/** The first that says something, wherever it stands (HTML 4.2.3). A template is a document of its own; SVG has none. */
const findBase = (document: Document): string | undefined => {
  const pending: Array<ParentNode> = [document]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if ("attribs" in node && node.name === "base" && isHtml(node)) {
      const href = node.attribs["href"]
      if (href !== undefined) return href
    }
    for (let at = node.children.length - 1; at >= 0; at--) {
      const child = node.children[at]!
      if (isTag(child) && !isForeign(child)) pending.push(child)
    }
  }
  return undefined
}

/** The page of a text. Fails with `TooDeep`. */
export const fromText = (
  text: string,
  origin: Origin = {},
  maxDepth = limits.maxDepth
): Result.Result<Page, TooDeep> => {
  let document: Document
  try {
    document = Xhtml.is(origin)
      ? Xhtml.parse(text, maxDepth)
      : parseHtml(text, { treeAdapter: bounded(maxDepth), scriptingEnabled: false })
  } catch (error) {
    if (error instanceof TooDeep) return Result.fail(error)
    throw error
  }
  if (isDeeper(document, maxDepth + 1)) return Result.fail(new TooDeep({ maxDepth }))
  const { url, path } = origin
  const stated = findBase(document)
  const base = stated === undefined ? url : (URL.parse(stated, url)?.href ?? url)
  return Result.succeed({ url, path, base: base !== undefined && Reference.isNoBase(base) ? url : base, document })
}

/** The page of a file or an answer. Fails with `TooLarge`, `NoPage` or `TooDeep`. */
export const fromBytes = (
  bytes: Uint8Array,
  origin: Origin = {},
  { maxBytes, maxDepth }: Limits = limits
): Result.Result<Page, PageError> => {
  if (bytes.length > maxBytes) return Result.fail(new TooLarge({ maxBytes }))
  if (isBinary(bytes.subarray(0, sniffBytes))) return Result.fail(new NoPage({}))
  const { encoding, source } = Encoding.detect(bytes, {
    syntax: Xhtml.is(origin) ? "xml" : "html",
    contentType: origin.contentType
  })
  if (source !== "default" || isUtf8(bytes)) {
    return fromText(decode(bytes, source === "default" ? "utf-8" : encoding), origin, maxDepth)
  }
  const page = fromText(decode(bytes, encoding), origin, maxDepth)
  // said too late to be found beforehand: what is parsed by then is parsed again (HTML 13.2.3.4)
  const late = Result.isSuccess(page) ? declaredIn(page.success.document) : undefined
  return late === undefined || late === encoding ? page : fromText(decode(bytes, late), origin, maxDepth)
}

const decode = (bytes: Uint8Array, encoding: string): string => {
  const decoder = new Encoding.Decoder({ syntax: "text", fallback: encoding })
  return decoder.write(bytes) + decoder.end()
}

/** Nothing but UTF-8 is UTF-8 by chance; HTML 13.2.3.2 allows to look, and browsers do for files. */
const isUtf8 = (bytes: Uint8Array): boolean => {
  try {
    utf8.decode(bytes)
    return true
  } catch {
    return false
  }
}
const utf8 = new TextDecoder("utf-8", { fatal: true })

const declarations = compile<AnyNode, Element>("meta[charset], meta[http-equiv=content-type i][content]")

const declaredIn = (document: Document): string | undefined => {
  for (const { attribs } of selectAll<AnyNode, Element>(declarations, document)) {
    const { charset, content } = attribs
    const encoding = charset === undefined ? Encoding.fromPragma(content!) : Encoding.fromLabel(charset)
    if (encoding !== undefined) return Encoding.declared(encoding)
  }
  return undefined
}

/** What to call a page in a message. */
export const nameOf = ({
  url,
  path
}: {
  readonly url?: string | undefined
  readonly path?: string | undefined
}): string => url ?? path ?? "page"
