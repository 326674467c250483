/** The text of a part of a page, as a reader sees it. */
import { type AnyNode, isText } from "domhandler"

/** Not shown, so no text. */
const hidden: ReadonlySet<string> = new Set(["script", "style", "template", "noscript", "head"])

/** What stands on lines of its own (HTML 15.3). */
const blocks: ReadonlySet<string> = new Set(
  (
    "address article aside blockquote body br center dd details dialog dir div dl dt fieldset figcaption figure footer form " +
    "h1 h2 h3 h4 h5 h6 header hr legend li main menu nav ol option p pre search section summary table tbody td tfoot th " +
    "thead title tr ul"
  ).split(" ")
)

const raw = (root: AnyNode, between: string): string => {
  let text = ""
  // with a stack of its own: a tree may be deeper than the one of functions
  const pending: Array<AnyNode | string> = [root]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if (typeof node === "string") text += node
    else if (isText(node)) text += node.data
    else if ("children" in node) {
      // asked for itself, a hidden element has its text
      if (node !== root && "name" in node && hidden.has(node.name)) continue
      const around = "name" in node && blocks.has(node.name) ? between : ""
      text += around
      if (around !== "") pending.push(around)
      for (let at = node.children.length - 1; at >= 0; at--) pending.push(node.children[at]!)
    }
  }
  return text
}

/** In one line: blanks are one space, also where a block begins or ends. */
export const inline = (node: AnyNode): string =>
  raw(node, " ")
    .replace(/[\s\u00a0]+/g, " ")
    .trim()

/** As it stands in the document, of scripts too. */
export const verbatim = (node: AnyNode): string => raw(node, "")
