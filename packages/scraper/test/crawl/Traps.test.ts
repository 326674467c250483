import { assert, describe, it } from "@effect/vitest"
import * as Traps from "../../src/crawl/Traps.ts"

const host = "http://h.example"
const letters = (number: number) => String(number).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!)

interface Kind {
  readonly url: (page: number) => string
  readonly text: (page: number) => string
  /** Which page a page leads to, besides others. */
  readonly next?: (page: number) => number | undefined
}
const visit = (traps: Traps.Traps, { url, text, next = (page) => page + 1 }: Kind, pages: number, from = 0) => {
  for (let page = from; page < from + pages; page++) {
    if (traps.caught(host + url(page)) !== undefined) return page
    const watch = traps.watch(host + url(page))
    const to = next(page)
    watch?.write(text(page))
    watch?.end([{ url: `${host}/other.html` }, ...(to === undefined ? [] : [{ url: host + url(to) }])])
  }
  return from + pages
}

const months = "January February March April May June July August September October November December".split(" ")
const endless: Readonly<Record<string, Kind>> = {
  "a calendar": {
    url: (page) => `/calendar/${2026 + Math.floor(page / 12)}/${(page % 12) + 1}`,
    text: (page) => `${months[page % 12]} ${2026 + Math.floor(page / 12)} Mo Tu We Th Fr Sa Su no events 1 2 3`
  },
  "a session in the path": {
    url: (page) => `/s${page * 7919}x/article`,
    text: (page) => `The article. ${"one of three ".repeat(page % 3)} You are visitor ${page}`
  },
  "a path that grows": {
    url: (page) => `${"/docs".repeat(page + 3)}/index.html`,
    text: () => "Documentation: the same page, by a link without a slash"
  },
  "a query in every order": {
    url: (page) => `/shop?sort=${letters(page)}&view=${page % 5}`,
    text: (page) =>
      "chairs tables lamps shelves"
        .split(" ")
        .toSorted(() => (page % 2) - 0.5)
        .join(" ")
  }
}
const ending: Readonly<Record<string, Kind>> = {
  "a catalogue of different things": {
    url: (page) => `/item/${page}`,
    text: (page) =>
      `The shop, the cart, the imprint. Number ${letters(page * 7)} is of ${letters(page * 31)} and ${letters(page + 5)}`
  },
  "many empty pages that lead nowhere": {
    url: (page) => `/user/${page}`,
    text: () => "no posts yet",
    next: () => undefined
  },
  "pages without a pattern": { url: (page) => `/${letters(page)}.html`, text: () => "the same" }
}

describe("Traps", () => {
  for (const [name, kind] of Object.entries(endless))
    it(`catches ${name}`, () => {
      const traps = Traps.make()
      const caught = visit(traps, kind, 1000)
      assert.isAtLeast(caught, Traps.window)
      assert.isBelow(caught, 2 * Traps.window)
      const { pattern, pages, contents } = traps.caught(host + kind.url(5000))!
      assert.isAbove(pages, 10 * contents, pattern)
      assert.isUndefined(traps.caught(`${host}/other.html`))
    })

  for (const [name, kind] of Object.entries(ending))
    it(`leaves ${name} alone`, () => {
      assert.strictEqual(visit(Traps.make(), kind, 5000), 5000)
    })

  it("goes on where an earlier run stopped, with what is worth a row", () => {
    const kind = endless["a calendar"]!
    const first = Traps.make()
    visit(first, ending["a catalogue of different things"]!, 500)
    const page = visit(first, kind, 100)
    const second = Traps.make()
    const changes = first.changes()
    assert.deepStrictEqual(
      changes.map(({ pattern, pages, caught }) => [pattern, pages, caught]),
      [[`${host}/calendar/#/#`, 100, false]]
    )
    assert.deepStrictEqual(first.changes(), [])
    second.restore(changes)
    const whole = visit(Traps.make(), kind, 1000)
    assert.strictEqual(visit(second, kind, 1000, page), whole)
    const third = Traps.make()
    third.restore(second.changes())
    assert.isDefined(third.caught(host + kind.url(9999)))
  })
})
