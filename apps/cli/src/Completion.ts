/** How a line of `simul shell` may go on: with a command, or with what is on the page. */
import type { Page } from "@simul/scraper/extract/Page"

/** A name that stands in a selector as it is. */
const plain = /^-?[a-z_][\w-]*$/i

/** Elements, `.classes` and `#ids` of a page, and its attributes as `@attribute`. */
const namesOf = (page: Page): ReadonlyArray<string> => {
  const names = new Set(["@html"])
  const pending: Array<Page["document"] | Page["document"]["children"][number]> = [page.document]
  for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
    if ("children" in node) for (const child of node.children) pending.push(child)
    if (!("attribs" in node)) continue
    const { class: classes = "", id = "" } = node.attribs
    if (plain.test(node.name)) names.add(node.name)
    for (const one of classes.split(/\s+/)) if (plain.test(one)) names.add(`.${one}`)
    if (plain.test(id)) names.add(`#${id}`)
    for (const name of Object.keys(node.attribs)) if (plain.test(name)) names.add(`@${name}`)
  }
  return [...names].toSorted()
}

/** Completes the last word of a line, as `node:readline` asks for it: what it may be, and what of it is there. */
export const completer = (page: Page, commands: ReadonlyArray<string>) => {
  let names: ReadonlyArray<string> | undefined
  return (line: string): [Array<string>, string] => {
    const word = /[.#@]?[\w-]*$/.exec(line)![0]
    names ??= namesOf(page)
    const all = word === line ? [...commands, ...names] : names
    return [all.filter((name) => name.startsWith(word)), word]
  }
}
