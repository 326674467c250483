import { assert, describe, it } from "@effect/vitest"
import * as Margins from "../../src/extract/Margins.ts"

const url = "http://h/a"

/** Elements at these places in a page, each ended at once; gives how many bytes were compared. */
const compared = (margins: Margins.Margins, html: string, places: ReadonlyArray<number>): number => {
  let sum = 0
  const bytes = Buffer.from(html)
  const compare = bytes.compare.bind(bytes)
  bytes.compare = (other, from = 0, to = other.length, ...own) => {
    sum += to - from
    return compare(other, from, to, ...own)
  }
  const page = new Margins.OfPage(margins, 0, url)
  for (const at of places) {
    page.begin("ul", bytes, at, "utf-8", 0)
    page.end("ul", bytes, at, "utf-8", 0)
  }
  return sum
}

describe("the margins of a page", () => {
  const period = "<ul><ul></ul>"
  const margin = Buffer.from(`${period.repeat(2000)}</ul>`)
  const make = () => {
    const margins = new Margins.Margins()
    const page = new Margins.OfPage(margins, 0, url)
    page.begin("ul", margin, 0, "utf-8", 0)
    page.end("ul", margin, margin.length, "utf-8", 0)
    return margins
  }
  const places = Array.from({ length: 20_000 }, (_, index) => index * period.length)

  it("are found again", () => {
    const page = new Margins.OfPage(make(), 0, url)
    assert.deepInclude(page.begin("ul", margin, 0, "utf-8", 0), { length: margin.length })
  })

  it("are compared a bounded number of times where a page only begins as they do, again and again", () => {
    const html = period.repeat(places.length)
    assert.isBelow(compared(make(), html, places), 5 << 20)
  })
})
