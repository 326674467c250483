/**
 * The main text of a page, without menus, advertisements and comments: what a
 * browser's reader view shows, as text and as Markdown.
 *
 * Mozilla's Readability chooses it, Turndown writes the Markdown; both work on a
 * document of linkedom, which is made of the page's tree, so that they see what
 * a browser would.
 *
 * 1. The page itself stays as it is: Readability tears its document apart.
 * 2. A page without a main text gives `null`, never an error.
 */
import { Readability } from "@mozilla/readability"
import { type Document, isTag, isText, type ParentNode } from "domhandler"
import { parseHTML } from "linkedom"
import TurndownService from "turndown"
import type { Page } from "./Page.ts"
import { absolute } from "./Selector.ts"

/** The main text of a page. What the page does not say is absent. */
export interface Article {
  readonly title: string
  /** As the page writes it. */
  readonly byline?: string
  /** When it was published, as the page writes it. */
  readonly published?: string
  readonly site?: string
  readonly language?: string
  readonly excerpt?: string
  /** Plain, a line for each paragraph, heading, item of a list and cell of a table. */
  readonly text: string
  /** With headings, lists, links, images and tables; addresses are absolute. */
  readonly markdown: string
}

/** As much of the interfaces of a DOM as is used here: the library's own types want those of a browser. */
interface Node {
  readonly nodeType: number
  readonly nodeName: string
  readonly nodeValue: string | null
  readonly childNodes: ArrayLike<Node>
  appendChild(node: Node): void
}
interface DomElement extends Node {
  textContent: string
  innerHTML: string
  getAttribute(name: string): string | null
  setAttribute(name: string, value: string): void
  querySelectorAll(css: string): Iterable<DomElement>
  querySelector(css: string): DomElement | null
  closest(css: string): DomElement | null
  remove(): void
}
interface DomDocument extends Node {
  readonly documentElement: DomElement
  createElement(name: string): DomElement
  createElementNS(namespace: string, name: string): DomElement
  createTextNode(text: string): Node
}

const svg = "http://www.w3.org/2000/svg"

/** A tree once more, as a document that may be torn apart. Comments and templates are left out: they show nothing. */
const toDocument = (tree: Document): DomDocument => {
  const { document } = parseHTML("<!doctype html><html></html>") as unknown as { readonly document: DomDocument }
  document.documentElement.remove()
  const pending: Array<readonly [from: ParentNode, to: Node]> = [[tree, document]]
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [from, to] = next
    for (const child of from.children) {
      if (isText(child)) to.appendChild(document.createTextNode(child.data))
      if (!isTag(child)) continue
      const element =
        child.namespace === svg ? document.createElementNS(svg, child.name) : document.createElement(child.name)
      for (const [name, value] of Object.entries(child.attribs)) element.setAttribute(name, value)
      to.appendChild(element)
      if (child.name !== "template") pending.push([child, element])
    }
  }
  return document
}

const blocks =
  /^(?:ADDRESS|ARTICLE|ASIDE|BLOCKQUOTE|BR|CAPTION|DD|DETAILS|DIV|DL|DT|FIGCAPTION|FIGURE|FOOTER|FORM|H[1-6]|HEADER|HR|LI|MAIN|NAV|OL|P|PRE|SECTION|SUMMARY|TABLE|TD|TH|TR|UL)$/i

const textOf = (root: Node): string => {
  let text = ""
  const pending: Array<Node | string> = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node === "string") text += node
    else if (node.nodeType === 3) text += node.nodeValue!.replace(/\s+/g, " ")
    else {
      const around = blocks.test(node.nodeName) ? "\n" : ""
      text += around
      if (around !== "") pending.push(around)
      // made anew whenever it is asked for
      const { childNodes } = node
      for (let at = childNodes.length - 1; at >= 0; at--) pending.push(childNodes[at]!)
    }
  }
  return text
    .replace(/[ \u00a0]+/g, " ")
    .replace(/\s*\n\s*/g, "\n")
    .trim()
}

/** Readability leaves addresses alone where a document has no location. */
const makeAbsolute = (content: DomElement, base: string | undefined): void => {
  for (const name of ["href", "src", "poster"]) {
    for (const element of content.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, absolute(element.getAttribute(name)!, base))
    }
  }
}

/**
 * Turndown takes for code what is in one `<code>` at the start of a `<pre>`, in the language that its class tells.
 * Highlighters write none, or one for each line; people write blanks around it, and `<br>` for the end of a line.
 */
const markCode = (content: DomElement): void => {
  for (const pre of content.querySelectorAll("pre")) {
    for (const lineBreak of pre.querySelectorAll("br")) lineBreak.textContent = "\n"
    const first = pre.querySelector("code")
    const isAlone = first !== null && pre.textContent.trim() === first.textContent.trim()
    const text = isAlone ? first.textContent : pre.textContent
    pre.innerHTML = "<code></code>"
    const code = pre.querySelector("code")!
    code.textContent = text
    code.setAttribute("class", first?.getAttribute("class") ?? "")
  }
}

const turndown = new TurndownService({
  headingStyle: "atx",
  codeBlockStyle: "fenced",
  bulletListMarker: "-",
  hr: "---"
})
turndown.addRule("strikethrough", { filter: ["del", "s"], replacement: (text) => `~~${text}~~` })

// Tables as GitHub writes them. The plugin for them asks for `rows` of a table, which this document has not.
type Filtered = Parameters<TurndownService.ReplacementFunction>[1]
const element = (node: Filtered) => node as unknown as DomElement
const cellsOf = (row: DomElement) => [...row.querySelectorAll("td, th")]

/** One that is there for the places of things has tables within it, or but one column: it is no table in Markdown. */
interface Shape {
  readonly isTable: boolean
  readonly firstRow: DomElement | undefined
}
const shapes = new WeakMap<DomElement, Shape>()
const shapeOf = (node: Filtered): Shape | undefined => {
  const table = element(node).closest("table")
  if (table === null) return undefined
  let shape = shapes.get(table)
  if (shape === undefined) {
    const rows = [...table.querySelectorAll("tr")]
    const isTable = table.querySelector("table") === null && rows.some((row) => cellsOf(row).length > 1)
    shapes.set(table, (shape = { isTable, firstRow: rows[0] }))
  }
  return shape
}

turndown.addRule("cell", {
  filter: ["td", "th"],
  replacement: (text, node) => {
    if (shapeOf(node)?.isTable !== true) return `\n\n${text}\n\n`
    return ` ${text
      .trim()
      .replace(/\s*\n\s*/g, " ")
      .replaceAll("|", "\\|")} |`
  }
})
turndown.addRule("row", {
  filter: "tr",
  replacement: (text, node) => {
    const shape = shapeOf(node)
    if (shape?.isTable !== true) return text
    const line = `|${text}\n`
    const row = element(node)
    return shape.firstRow === row ? `${line}|${" --- |".repeat(cellsOf(row).length)}\n` : line
  }
})
turndown.addRule("table", { filter: "table", replacement: (text) => `\n\n${text}\n\n` })
turndown.addRule("section of a table", { filter: ["thead", "tbody", "tfoot"], replacement: (text) => text })

/** The main text of a page; `null` where there is none. */
export const of = (page: Page): Article | null => {
  const reader = new Readability<DomElement>(toDocument(page.document), {
    serializer: (node) => node,
    keepClasses: true
  })
  const found = reader.parse()
  if (found?.content === undefined || found.content === null) return null
  const { content, title, byline, publishedTime, siteName, lang, excerpt } = found
  makeAbsolute(content, page.base)
  const text = textOf(content)
  if (text === "") return null
  markCode(content)
  const said = { byline, published: publishedTime, site: siteName, language: lang, excerpt }
  return {
    title: title ?? "",
    ...Object.fromEntries(Object.entries(said).flatMap(([name, value]) => (value ? [[name, value.trim()]] : []))),
    text,
    markdown: turndown.turndown(content)
  }
}
