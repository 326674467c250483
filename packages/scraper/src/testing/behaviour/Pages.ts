/** Small HTML pages that link to each other, for crawls. */
import * as Behaviour from "../Behaviour.ts"
import * as Content from "../Content.ts"
import * as Representation from "../Representation.ts"

/** A page of the tree: its children, while there are levels left, and the way back up. */
const page = (width: number, depth: number, path: string): Content.Content => {
  const base = path.replace(/\/+$/, "")
  // Past /tree/WIDTH/DEPTH each segment is one step down.
  const steps = base.split("/").slice(4)
  const children = steps.length < depth ? Array.from({ length: width }, (_, index) => `${base}/${index}`) : []
  const up = steps.length === 0 ? [] : [base.slice(0, base.lastIndexOf("/"))]
  const links = [...children, ...up].map((link) => `<li><a href="${link}">${link}</a></li>\n`).join("")
  return Content.fromBytes(
    `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${base}</title></head>\n` +
      `<body><h1>${base}</h1>\n<ul>\n${links}</ul>\n</body></html>\n`
  )
}

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make(
    "/tree/WIDTH/DEPTH/name",
    "a page that links to WIDTH children /0 /1 ... and to its parent, DEPTH levels deep",
    (exchange, { values, path }) => {
      const width = Behaviour.count(values.WIDTH)
      const steps = path.replace(/\/+$/, "").split("/").slice(4)
      const exists =
        steps.length <= Behaviour.count(values.DEPTH) &&
        steps.every((step) => /^\d+$/.test(step) && Number(step) < width)
      if (!exists) return exchange.text(404, "no such page\n")
      const representation = Representation.of(path, page(width, Behaviour.count(values.DEPTH), path))
      Representation.answer(exchange, { ...representation, fields: ["content-type", "text/html; charset=utf-8"] })
    },
    (values, path) => page(Behaviour.count(values.WIDTH), Behaviour.count(values.DEPTH), path)
  )
]
