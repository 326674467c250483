/**
 * A generated site to crawl: pages of prose that link to their children, to their parent, to other pages and, all alike,
 * to the heads of the chapters. Each page is a function of its number, and every one is at most four links away from the first.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { files } from "./Outputs.ts"

export interface CrawlSite {
  readonly pages: number
}

const digits = (number: number) => String(number).padStart(6, "0")
const nameOf = (page: number) => `page-${digits(page)}.html`
const pathOf = (page: number) => `/d${String(page % 100).padStart(2, "0")}/${nameOf(page)}`

/** Where a crawl begins. */
export const first: string = pathOf(0)

const children = 10
const chapters = 20
const others = 10
const paragraphs = 20

const words =
  "a time when all of the people in that house had one more thing to say about how long it was before they came to this place and no other who knew what would be left".split(
    " "
  )

/** Numbers from 0 below `below`, the same for the same page (xorshift). */
const numbers = (page: number) => {
  let state = (page + 1) * 2654435761
  return (below: number) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

const link = (page: number) => `<a class="link" href="${pathOf(page)}">Page ${page}</a>`

const html = ({ pages }: CrawlSite, page: number): string => {
  const next = numbers(page)
  const below = Array.from({ length: children }, (_, index) => children * page + index + 1).filter((one) => one < pages)
  const linked = [
    ...below,
    ...(page === 0 ? [] : [Math.floor((page - 1) / children)]),
    ...Array.from({ length: others }, () => next(pages))
  ]
  const prose = Array.from({ length: paragraphs }, () => {
    const text = Array.from({ length: 80 }, () => words[next(words.length)]).join(" ")
    const to = linked.shift()
    return `<p id="p${next(1000)}">${text}${to === undefined ? "" : ` ${link(to)}`}.</p>\n`
  }).join("")
  const heads = Array.from({ length: Math.min(chapters, pages) }, (_, index) => `<li>${link(index)}</li>`).join("\n")
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Page ${page}</title><meta name="description" content="One of ${pages}"></head>
<body><nav><ul>${heads}</ul></nav>
<main><h1>Page ${page}</h1>
${prose}<ul>${linked.map((to) => `<li>${link(to)}</li>`).join("\n")}</ul></main>
</body></html>
`
}

/** Writes the pages below `root`, where a file server finds them. Gives their bytes together. */
export const write = (site: CrawlSite, root: string): number => {
  let bytes = 0
  for (let folder = 0; folder < 100; folder++)
    mkdirSync(join(root, `d${String(folder).padStart(2, "0")}`), { recursive: true })
  for (let page = 0; page < site.pages; page++) {
    const text = html(site, page)
    bytes += text.length
    writeFileSync(join(root, pathOf(page)), text)
  }
  return bytes
}

/** How many pages are not there, or differ from what was served, unless its links were rewritten. Other files are no fault. */
export const bad = (site: CrawlSite, root: string, out: string, rewritten = false): number => {
  const saved = new Map(Array.from(files(out), ({ name, path }) => [name, path]))
  let bad = 0
  for (let page = 0; page < site.pages; page++) {
    const path = saved.get(nameOf(page))
    const isGood =
      path !== undefined && (rewritten || readFileSync(path).equals(readFileSync(join(root, pathOf(page)))))
    if (!isGood) bad++
  }
  return bad
}
