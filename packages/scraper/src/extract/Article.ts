/**
 * The main text of a page, without menus, advertisements and comments: what a
 * browser's reader view shows, as text and as Markdown.
 *
 * Mozilla's Readability chooses it, Turndown writes the Markdown; both work on a
 * document of linkedom, which is made of the page's tree, so that they see what
 * a browser would.
 *
 * 1. The page itself stays as it is: Readability tears its document apart.
 * 2. A page without a main text gives `null`, never an error. So does one with more elements far within one another than
 *    any page needs, for it would take minutes.
 */
import { Readability } from "@mozilla/readability"
import { type ChildNode, type Document, type Element, isTag, isText, type ParentNode } from "domhandler"
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
  readonly parentNode: Node | null
  readonly nextSibling: Node | null
  appendChild(node: Node): void
  insertBefore(node: Node, before: Node): void
}
interface DomElement extends Node {
  readonly children: Iterable<DomElement>
  textContent: string
  innerHTML: string
  getAttribute(name: string): string | null
  getAttributeNames(): Iterable<string>
  removeAttribute(name: string): void
  setAttribute(name: string, value: string): void
  querySelectorAll(css: string): Iterable<DomElement>
  querySelector(css: string): DomElement | null
  closest(css: string): DomElement | null
  cloneNode(): DomElement
  remove(): void
}
interface DomDocument extends Node {
  readonly documentElement: DomElement
  readonly head: DomElement
  readonly body: DomElement
  createElement(name: string): DomElement
  createElementNS(namespace: string, name: string): DomElement
  createTextNode(text: string): Node
}

/** A document of linkedom looks through all attributes of an element for each that is set. */
const mostAttributes = 1000

/** Pages lie so deep; what is not deeper takes time linear in its size. */
const usualDepth = 16

/**
 * What the nodes that lie deeper may come to, each with the square of what it is deeper: for each element around it, Readability
 * reads the text of each in between. The most there can be, as 100,000 nodes 29 deep, 320 levels of two or 400 of one, take some two
 * seconds, or four times what as many take flat.
 */
const mostWork = 2e7

const svg = "http://www.w3.org/2000/svg"

const childOf = (parent: ParentNode | undefined, name: string) =>
  parent?.children.filter(isTag).find((child) => child.name === name)

const copyAttributes = (from: Element | undefined, to: DomElement): void => {
  for (const [name, value] of Object.entries(from?.attribs ?? {}).slice(0, mostAttributes)) to.setAttribute(name, value)
}

/**
 * A tree once more, as a document that may be torn apart. Comments and templates are left out: they show nothing. XHTML may
 * lack a body, or be no more than a text: Readability asks for one, so what stands beside head and body is put there, before
 * and behind what the body has. None where there are too many deep within one another.
 */
const toDocument = (tree: Document): DomDocument | undefined => {
  const { document } = parseHTML("<!doctype html><html><head></head><body></body></html>") as unknown as {
    readonly document: DomDocument
  }
  const root = childOf(tree, "html")
  const head = childOf(root, "head")
  const body = childOf(root, "body")
  copyAttributes(root, document.documentElement)
  copyAttributes(head, document.head)
  copyAttributes(body, document.body)
  const shown = tree.children
    .flatMap((child) => (child === root ? child.children : [child]))
    .flatMap((child) => (child === head ? [] : child === body ? child.children : [child]))
  const pending: Array<readonly [children: ReadonlyArray<ChildNode>, to: Node, depth: number]> = [
    [shown, document.body, 0],
    [head?.children ?? [], document.head, 0]
  ]
  let work = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [children, to, depth] = next
    if (depth > usualDepth) work += children.length * (depth - usualDepth) ** 2
    if (work > mostWork) return undefined
    for (const child of children) {
      if (isText(child)) to.appendChild(document.createTextNode(child.data))
      if (!isTag(child)) continue
      const element =
        child.namespace === svg ? document.createElementNS(svg, child.name) : document.createElement(child.name)
      copyAttributes(child, element)
      to.appendChild(element)
      if (child.name !== "template") pending.push([child.children, element, depth + 1])
    }
  }
  return document
}

const blocks =
  /^(?:ADDRESS|ARTICLE|ASIDE|BLOCKQUOTE|BR|CAPTION|DD|DETAILS|DIV|DL|DT|FIGCAPTION|FIGURE|FOOTER|FORM|H[1-6]|HEADER|HR|LI|MAIN|NAV|OL|P|PRE|SECTION|SUMMARY|TABLE|TD|TH|TR|UL)$/i

/** Blanks with a line's end among them as `end`. A pattern that looks for the end itself would do so from each blank on. */
const lineEnds = (text: string, end: string): string =>
  text.replace(/\s+/g, (blanks) => (blanks.includes("\n") ? end : blanks))

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
  return lineEnds(text.replace(/[ \u00a0]+/g, " "), "\n").trim()
}

/** Readability leaves addresses alone where a document has no location. */
const makeAbsolute = (content: DomElement, base: string | undefined): void => {
  for (const name of ["href", "src", "poster"]) {
    for (const element of content.querySelectorAll(`[${name}]`)) {
      element.setAttribute(name, absolute(element.getAttribute(name)!, base))
    }
  }
}

const move = (children: ArrayLike<Node>, put: (child: Node) => void): void => Array.from(children).forEach(put)

const unwrap = (element: DomElement): void => {
  const parent = element.parentNode!
  move(element.childNodes, (child) => parent.insertBefore(child, element))
  element.remove()
}

/** Whether Markdown has anything of it. */
const isShown = (node: Node): boolean =>
  node.nodeType === 3
    ? node.nodeValue!.trim() !== ""
    : (node as DomElement).textContent.trim() !== "" ||
      node.nodeName === "IMG" ||
      (node as DomElement).querySelector("img") !== null

/** Each run of what is in no block, from what is shown on; `around`: all that has blocks in it, and blocks. */
const runsIn = (parent: Node, around: ReadonlySet<Node>, runs: Array<Array<Node>> = []): Array<Array<Node>> => {
  let run: Array<Node> | undefined
  for (const child of Array.from(parent.childNodes)) {
    if (around.has(child)) {
      run = undefined
      if (child.nodeName !== "PRE") runsIn(child, around, runs)
    } else if (run !== undefined) run.push(child)
    else if (isShown(child)) runs.push((run = [child]))
  }
  return runs
}

/** What the addresses and titles of the links of a page may come to, once they stand at each run. */
const mostCopied = 1_000_000

const emphases = "b, strong, i, em, del, s"
const inlines = `a[href], ${emphases}`
const synonyms: Readonly<Record<string, string>> = { B: "STRONG", I: "EM", S: "DEL" }
const markOf = ({ nodeName }: Node): string => synonyms[nodeName] ?? nodeName

/** What of the same mark an element lies in. */
const likeAround = (inline: Node): DomElement | null => {
  const mark = markOf(inline)
  let node = inline.parentNode
  while (node !== null && markOf(node) !== mark) node = node.parentNode
  return node as DomElement | null
}

/** Markdown has no links and no emphasis around blocks, and cannot tell two of a mark that follow without a blank. */
const arrangeInline = (content: DomElement): void => {
  for (const inline of content.querySelectorAll(inlines)) {
    const like = likeAround(inline)
    // in code marks would be read as they stand
    if (inline.closest("code") !== null) unwrap(inline)
    else if (inline.nodeName === "A") {
      // a click follows the inner one
      if (like !== null) unwrap(like)
      // nothing leads to where it does
      if (!isShown(inline)) unwrap(inline)
      // blank emphasis becomes nothing, but the end of a line parts words
    } else if (like !== null || (!isShown(inline) && inline.querySelector("br") !== null)) unwrap(inline)
  }
  const around = new Set<Node>()
  for (const element of content.querySelectorAll("*")) {
    if (element.nodeName === "BR" || !blocks.test(element.nodeName)) continue
    for (let node: Node | null = element; node !== null && !around.has(node); node = node.parentNode) around.add(node)
  }
  let copied = 0
  for (const inline of [...content.querySelectorAll(inlines)].toReversed()) {
    if (!around.has(inline)) continue
    let length = 0
    for (const name of inline.getAttributeNames()) {
      if (name === "href" || name === "title") length += inline.getAttribute(name)!.length
      else inline.removeAttribute(name)
    }
    const runs = runsIn(inline, around)
    if (copied + length * runs.length <= mostCopied) {
      copied += length * runs.length
      for (const run of runs) {
        const copy = inline.cloneNode()
        run[0]!.parentNode!.insertBefore(copy, run[0]!)
        move(run, (node) => copy.appendChild(node))
      }
    }
    unwrap(inline)
  }
  for (const inline of content.querySelectorAll(emphases)) {
    const mark = markOf(inline)
    for (let next = inline.nextSibling; next !== null && markOf(next) === mark; next = inline.nextSibling) {
      move(next.childNodes, (child) => inline.appendChild(child))
      ;(next as DomElement).remove()
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

/** A list that stands between the items of another is shown as one within the item before it. */
const nestLists = (content: DomElement): void => {
  for (const list of content.querySelectorAll("ul, ol")) {
    let item: DomElement | undefined
    for (const child of list.children) {
      if (child.nodeName === "LI") item = child
      else if (child.nodeName === "UL" || child.nodeName === "OL") item?.appendChild(child)
    }
  }
}

/** Turndown would count the items before each; it passes over a `value` (HTML 4.4.8). */
const numberItems = (content: DomElement): void => {
  for (const list of content.querySelectorAll("ol")) {
    let number = integer(list.getAttribute("start")) ?? 1
    for (const item of list.children) {
      number = integer(item.getAttribute("value")) ?? number
      item.setAttribute("value", `${number++}`)
    }
  }
}
const integer = (text: string | null): number | undefined =>
  text !== null && /^\s*-?\d{1,9}/.test(text) ? Number.parseInt(text, 10) : undefined

/** Stands for the mark of emphasis until its neighbours are known: half a character, which no bytes decode to. */
const emphasis = "\ud800"
/** `_`, as `*` would run into that of strong text; but beside a letter `_` is no mark (CommonMark 6.2). */
const markEmphasis = (markdown: string): string =>
  markdown.replace(
    /(?<=([^\s\p{P}\p{S}]?))\ud800([^\ud800]*)\ud800(?=([^\s\p{P}\p{S}\ud800]?))/gu,
    (_, before: string, text: string, after: string) => {
      const mark = before + after === "" ? "_" : "*"
      return mark + text + mark
    }
  )

const turndown = new TurndownService({
  headingStyle: "atx",
  codeBlockStyle: "fenced",
  emDelimiter: emphasis as "_",
  hr: "---"
})
turndown.addRule("strikethrough", {
  filter: ["del", "s"],
  replacement: (text) => (text.trim() === "" ? "" : `~~${text}~~`)
})

const escape = turndown.escape.bind(turndown)
/** What else would be a tag, a character, struck through or an item of a list; within a word `_` says nothing. */
turndown.escape = (text) =>
  escape(text)
    .replace(/<(?=[a-z/!?])|&(?=#?\w+;)|(?<!\\)~/gi, "\\$&")
    .replace(/^(\d+)(?=\)(?:\s|$))/, "$1\\")
    .replace(/(?<=[^\W_])\\_(?=[^\W_])/g, "_")

type Filtered = Parameters<TurndownService.ReplacementFunction>[1]
const element = (node: Filtered) => node as unknown as DomElement
turndown.addRule("heading", {
  filter: ["h1", "h2", "h3", "h4", "h5", "h6"],
  replacement: (text, node) => `\n\n${"#".repeat(Number(node.nodeName[1]))} ${lineEnds(text, " ")}\n\n`
})
turndown.addRule("item", {
  filter: "li",
  replacement: (text, node) => {
    const item = element(node)
    const mark = item.parentNode!.nodeName === "OL" ? `${item.getAttribute("value")}.  ` : "-   "
    const lines = text
      .replace(/^\n+/, "")
      .trimEnd()
      .replace(/\n(?!\n)/g, `\n${" ".repeat(mark.length)}`)
    return mark + lines + (text.endsWith("\n") ? "\n" : "") + (item.nextSibling === null ? "" : "\n")
  }
})

// Tables as GitHub writes them. The plugin for them asks for `rows` of a table, which this document has not.
const cellsOf = (row: DomElement) => [...row.querySelectorAll("td, th")]

/** One that is there for the places of things has tables within it, or but one column: it is no table in Markdown. */
interface Shape {
  readonly isTable: boolean
  readonly firstRow: DomElement | undefined
  /** Cells beyond those of the first row would be left out. */
  readonly columns: number
}
const shapes = new WeakMap<DomElement, Shape>()
const shapeOf = (node: Filtered): Shape | undefined => {
  const table = element(node).closest("table")
  if (table === null) return undefined
  let shape = shapes.get(table)
  if (shape === undefined) {
    const rows = [...table.querySelectorAll("tr")]
    const columns = rows.reduce((most, row) => Math.max(most, cellsOf(row).length), 0)
    const isTable = table.querySelector("table") === null && columns > 1
    shapes.set(table, (shape = { isTable, firstRow: rows[0], columns }))
  }
  return shape
}

turndown.addRule("cell", {
  filter: ["td", "th"],
  replacement: (text, node) => {
    if (shapeOf(node)?.isTable !== true) return `\n\n${text}\n\n`
    return ` ${lineEnds(text.trim(), " ").replaceAll("|", "\\|")} |`
  }
})
turndown.addRule("row", {
  filter: "tr",
  replacement: (text, node) => {
    const shape = shapeOf(node)
    if (shape?.isTable !== true) return text
    const row = element(node)
    if (shape.firstRow !== row) return `|${text}\n`
    return `|${text}${"  |".repeat(shape.columns - cellsOf(row).length)}\n|${" --- |".repeat(shape.columns)}\n`
  }
})
turndown.addRule("block", { filter: ["table", "caption", "summary"], replacement: (text) => `\n\n${text}\n\n` })
turndown.addRule("section of a table", { filter: ["thead", "tbody", "tfoot"], replacement: (text) => text })

/**
 * What the elements at the top become: what Turndown returns it trims by a pattern that looks at each blank from each
 * before it.
 */
let tops: Array<string> = []
turndown.addRule("top", {
  filter: (node) => node.parentNode!.parentNode === null,
  replacement: (text) => {
    tops.push(text)
    return ""
  }
})
const markdownOf = (content: DomElement): string => {
  markCode(content)
  arrangeInline(content)
  nestLists(content)
  numberItems(content)
  tops = []
  turndown.turndown(content)
  return markEmphasis(tops.join("\n\n"))
    .replace(/^\s*\n/, "")
    .trimEnd()
}

const inOneLine = (text: string) => text.replace(/\s+/g, " ").trim()

/** The main text of a page; `null` where there is none. */
export const of = (page: Page): Article | null => {
  const document = toDocument(page.document)
  if (document === undefined) return null
  // links of headings and paragraphs to themselves, as Sphinx, MkDocs and RFCs have them
  for (const link of document.body.querySelectorAll("a")) if (link.textContent.trim() === "¶") link.remove()
  const reader = new Readability<DomElement>(document, {
    serializer: (node) => node,
    keepClasses: true
  })
  const found = reader.parse()
  if (found?.content === undefined || found.content === null) return null
  const { content, title, byline, publishedTime, siteName, lang, excerpt } = found
  makeAbsolute(content, page.base)
  const text = textOf(content)
  if (text === "") return null
  const said = { byline, published: publishedTime, site: siteName, language: lang, excerpt }
  return {
    title: inOneLine(title ?? ""),
    ...Object.fromEntries(Object.entries(said).flatMap(([name, value]) => (value ? [[name, inOneLine(value)]] : []))),
    text,
    markdown: markdownOf(content)
  }
}
