import { assert, describe, it } from "@effect/vitest"
import * as Traps from "../../src/crawl/Traps.ts"

const host = "http://h.example"
const letters = (number: number) => String(number).replace(/\d/g, (digit) => "abcdefghij"[Number(digit)]!)

interface Kind {
  readonly url: (page: number) => string
  readonly text: (page: number) => string
  /** What a page leads to that nobody had found. */
  readonly links?: (page: number) => ReadonlyArray<string>
}
const visit = (traps: Traps.Traps, kind: Kind, pages: number, from = 0) => {
  const { url, text, links = (page) => [url(page + 1)] } = kind
  for (let page = from; page < from + pages; page++) {
    if (traps.caught(host + url(page)) !== undefined) return page
    const watch = traps.watch(host + url(page))
    const bytes = Buffer.from(text(page))
    watch?.write(bytes, 0, bytes.length)
    watch?.end(links(page).map((path) => ({ url: host + path })))
  }
  return from + pages
}

const months = "January February March April May June July August September October November December".split(" ")
const days = Array.from({ length: 31 }, (_, day) => day + 1).join(" ")
/** What a site says on each page. */
const frame =
  "The shop of all that there is, with a search, the cart, help, terms of use, imprint, and a map of the site"
const endless: Readonly<Record<string, Kind>> = {
  "a calendar": {
    url: (page) => `/calendar/${2026 + Math.floor(page / 12)}/${(page % 12) + 1}`,
    text: (page) => `${months[page % 12]} ${2026 + Math.floor(page / 12)} Mo Tu We Th Fr Sa Su no events ${days}`
  },
  "a session in the path": {
    url: (page) => `/s${page * 7919}x/article`,
    text: (page) => `${frame}. The article. ${"one of three ".repeat(page % 3)} You are visitor ${page}`
  },
  "a path that grows": {
    url: (page) => `${"/docs".repeat(page + 3)}/index.html`,
    text: () => "Documentation: the same page, by a link without a slash"
  },
  "a query in every order": {
    url: (page) => `/shop?sort=${letters(page)}&view=${page % 5}`,
    text: (page) => `${frame}: ${["chairs 12.50, tables 80", "tables 80, chairs 12.50"][page % 2]}`
  }
}
const ending: Readonly<Record<string, Kind>> = {
  "a catalogue of different things": {
    url: (page) => `/item/${page}`,
    text: (page) =>
      `${frame}. Number ${letters(page * 7)} is of ${letters(page * 31)}, ${letters(page * 13)} and ${letters(page + 5)}`
  },
  "pages of numbers": {
    url: (page) => `/station/${page}`,
    text: (page) =>
      `${frame}. Temperatures: ${Array.from({ length: 24 }, (_, hour) => (page * 37 + hour * 101) % 1009).join(" ")}`
  },
  "a gallery whose pages differ in their picture alone": {
    url: (page) => `/photo/${page}`,
    text: (page) => `${frame}. Photo ${page}`,
    links: (page) => [`/photo/${page + 1}`, `/pictures/${page}.jpg`]
  },
  "many empty pages that lead nowhere": { url: (page) => `/user/${page}`, text: () => "no posts yet", links: () => [] },
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

  it("looks at fewer pages of a pattern the more had something to say, and sees soon when none has any more", () => {
    const honest = 5000
    const kind: Kind = {
      url: (page) => `/item/${page}`,
      text: (page) => (page < honest ? ending["a catalogue of different things"]!.text(page) : `${frame}. Not found`)
    }
    let looks = 0
    const traps = Traps.make()
    const watch: Traps.Traps["watch"] = (url) => {
      const watched = traps.watch(url)
      if (watched !== undefined) looks++
      return watched
    }
    visit({ ...traps, watch }, kind, honest)
    assert.isBelow(looks, 250)
    const caught = visit(traps, kind, 10_000, honest)
    assert.isAtLeast(caught, honest + Traps.window / 2)
    assert.isBelow(caught, honest + 2048 + Traps.window)
  })

  it("bears that hundreds of pages are alike in a row, amid many that are not", () => {
    const item = ending["a catalogue of different things"]!
    for (const from of [200, 500, 1000, 4500]) {
      const isAlike = (page: number) => page >= from && page < from + 500
      const text = (page: number) => (isAlike(page) ? `${frame}. Sold` : item.text(page))
      assert.strictEqual(visit(Traps.make(), { ...item, text }, 6000), 6000, `from ${from}`)
    }
  })

  it("catches another one however many it has caught", () => {
    const traps = Traps.make()
    const caught = Array.from({ length: 2000 }, (_, site) => ({
      pattern: `${host}/${letters(site)}/#`,
      pages: 128,
      contents: 1,
      caught: true,
      latest: "4".repeat(Traps.window)
    }))
    traps.restore(caught)
    assert.isBelow(visit(traps, endless["a calendar"]!, 1000), 2 * Traps.window)
    for (const { pattern } of caught) assert.strictEqual(traps.caught(pattern.replace("#", "7"))?.pattern, pattern)
  })

  it("keeps what it knows of the patterns that pages came of last, and of no other", () => {
    const calendar = endless["a calendar"]!
    const others = (traps: Traps.Traps, from: number, to: number) => {
      for (let other = from; other < to; other++) traps.watch(`${host}/${letters(other)}/1`)
    }
    const known = Traps.make()
    visit(known, calendar, 100)
    others(known, 0, 1000)
    visit(known, calendar, 10, 100)
    others(known, 1000, 2000)
    assert.strictEqual(visit(known, calendar, 100, 110), Traps.window)

    const forgotten = Traps.make()
    visit(forgotten, calendar, 100)
    others(forgotten, 0, 1100)
    assert.strictEqual(visit(forgotten, calendar, 100, 100), 200)
  })

  it("catches what leads to nothing but more of other traps, and to a picture that is always the same", () => {
    const traps = Traps.make()
    const kinds = ["article", "about", "imprint"].map((name): Kind => ({
      url: (page) => `/s${page}/${name}.html`,
      text: () => `${frame}: ${name}`,
      links: (page) => ["article", "about", "imprint", "logo"].map((other) => `/s${page + 1}/${other}.html`)
    }))
    let page = 0
    for (; page < 1000 && traps.caught(host + kinds[2]!.url(page)) === undefined; page++) {
      for (const kind of kinds) visit(traps, kind, 1, page)
      traps.body(`${host}/s${page}/logo.html`, "0123456789abcdef")
    }
    assert.isBelow(page, 300)
    for (const kind of kinds) assert.isDefined(traps.caught(host + kind.url(page)))
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
