/**
 * What to take from a page, in a line:
 *
 *     selector = css [ "@" what ] [ "[]" ]
 *     what     = "text" | "html" | the name of an attribute
 *
 * | selector | gives |
 * |---|---|
 * | `h1` | the text of the first `<h1>`, in one line |
 * | `a.next@href` | its address, absolute where the page's own is known |
 * | `.tag[]` | the texts of all that match, a list |
 * | `img@src[]` | the addresses of all images |
 * | `article@html` | the markup within |
 * | `@data-id` | no CSS: an attribute of the element itself |
 *
 * 1. `[]` and a last `@name` are no CSS, so nothing that CSS can say is lost.
 * 2. Elements without the attribute are passed over, they do not count as found.
 * 3. Nothing found is `null`, or an empty list.
 */
import { compile, type Options, selectAll } from "css-select"
import { type AnyNode, type Document, type Element, isCDATA, isTag, isText } from "domhandler"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { DomUtils } from "htmlparser2"
import { serialize } from "parse5"
import { adapter } from "parse5-htmlparser2-tree-adapter"
import { isHtml, type Page } from "./Page.ts"
import * as Text from "./Text.ts"

/** A text that is no selector. */
export class SelectorError extends Schema.TaggedError<SelectorError>()("SelectorError", {
  selector: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `no selector: "${this.selector}": ${this.detail}`
  }
}

/** A selector, read: what it looks for and what it takes of it. */
export interface Selector {
  /** As it was written. */
  readonly text: string
  /** Empty for the element itself. */
  readonly css: string
  /** `text`, `html`, or the name of an attribute in lower case. */
  readonly take: string
  /** A list of all, not the first. */
  readonly many: boolean
  /** The elements that match, in the order of the page, within `scope` or in all of it. */
  readonly find: (page: Page, scope?: Element) => ReadonlyArray<Element>
}

const rootOf = (document: Document): ReadonlyArray<Element> => document.children.filter(isTag)

/** By its name in lower case: the parser writes those of SVG as `viewBox` (HTML 13.2.6.1), browsers find them in any case. */
const attributeOf = (element: Element, name: string): string | undefined => {
  if (Object.hasOwn(element.attribs, name)) return element.attribs[name]
  if (isHtml(element)) return undefined
  return Object.entries(element.attribs).find(([written]) => written.toLowerCase() === name)?.[1]
}

const options: Options<AnyNode, Element> = {
  adapter: {
    ...DomUtils,
    isTag,
    getName: (element) => (isHtml(element) ? element.name : element.name.toLowerCase()),
    getAttributeValue: attributeOf,
    hasAttrib: (element, name) => attributeOf(element, name) !== undefined
  },
  // as browsers have them: a blank is not nothing, nor is text in CDATA, and `<link>` is no link
  pseudos: {
    empty: ({ children }) =>
      !children.some((child) => isTag(child) || ((isText(child) || isCDATA(child)) && Text.verbatim(child) !== "")),
    "any-link": ":is(a, area)[href]"
  }
}

/** Throws where the CSS is none. */
const finder = (css: string): Selector["find"] => {
  if (css === "") return (page, scope) => (scope === undefined ? rootOf(page.document) : [scope])
  const compiled = compile<AnyNode, Element>(css, options)
  // what is said relative to the scope cannot be compiled before the scope is known
  const relative = /:scope|^\s*[>+~]|,\s*[>+~]/.test(css)
  return (page, scope) =>
    relative && scope !== undefined
      ? selectAll<AnyNode, Element>(css, scope, { ...options, context: scope })
      : selectAll<AnyNode, Element>(compiled, scope ?? page.document, options)
}

/** The parts of a selector. Fails where the CSS is none, or has a pseudo-class that no saved page can answer. */
export const parse = (text: string): Result.Result<Selector, SelectorError> => {
  if (typeof text !== "string")
    return Result.fail(new SelectorError({ selector: String(text), detail: "it is no text" }))
  const [, before = "", brackets] = /^([^]*?)(\s*\[\s*\])?\s*$/.exec(text)!
  const [, css = "", what] = /^([^]*?)(?:@([\w:.-]+))?$/.exec(before)!
  const fail = (detail: string) => Result.fail(new SelectorError({ selector: text, detail }))
  if (css.trim() === "" && what === undefined) return fail("it is empty")
  // as it is written for Scrapy, behind each of several
  const [taken, attribute = "text"] = /::(?:text|attr\(\s*([\w:.-]+)\s*\))\s*$/.exec(css) ?? []
  const elements = taken === undefined ? css : css.replaceAll(taken.trimEnd(), "")
  if (taken !== undefined && !elements.includes("::"))
    return fail(`write ${elements.trimEnd()}@${attribute}${brackets?.trim() ?? ""}`)
  if (/^\s*\(?\.?\/(?!\*)/.test(css)) return fail("it is XPath, expected CSS")
  // the compiler takes it for a selector that nothing matches
  if (/(?<!\\)[>+~,|]\s*$/.test(css)) return fail(`nothing follows "${css.trim().at(-1)}"`)
  try {
    const find = finder(css.trim())
    return Result.succeed({
      text,
      css: css.trim(),
      take: what?.toLowerCase() ?? "text",
      many: brackets !== undefined,
      find
    })
  } catch (error) {
    return fail((error as Error).message.replace(/(?: yet)? supported by css-select$/, " supported"))
  }
}

/** Attributes that hold one URL (HTML, index of attributes). */
const addresses: ReadonlySet<string> = new Set(
  "action background cite codebase data formaction href itemid longdesc manifest poster src".split(" ")
)

/** A reference of the page as an absolute URL; as it stands where that cannot be made. */
export const absolute = (reference: string, base: string | undefined): string =>
  URL.parse(reference, base)?.href ?? reference

const take = (element: Element, { take }: Selector, page: Page): string | undefined => {
  if (take === "text") return Text.inline(element)
  if (take === "html") return serialize(element, { treeAdapter: adapter })
  const value = attributeOf(element, take)
  return value !== undefined && addresses.has(take) ? absolute(value, page.base) : value
}

/** All that a selector finds, lists or not. */
export const values = (selector: Selector, page: Page, scope?: Element): ReadonlyArray<string> =>
  selector.find(page, scope).flatMap((element) => take(element, selector, page) ?? [])

/** What a selector finds: a text or `null`; with `[]` a list. */
export const select = (selector: Selector, page: Page, scope?: Element): string | null | ReadonlyArray<string> => {
  if (selector.many) return values(selector, page, scope)
  for (const element of selector.find(page, scope)) {
    const value = take(element, selector, page)
    if (value !== undefined) return value
  }
  return null
}

/** The selector of a text that is known to be one. Throws `SelectorError`. */
export const make = (text: string): Selector => Result.getOrThrow(parse(text))
