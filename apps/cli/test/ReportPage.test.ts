import { assert, describe, it } from "@effect/vitest"
import * as Report from "@simul/scraper/Report"
import { sharedBrowser } from "../../../test/SharedBrowser.ts"
import * as ReportPage from "../src/ReportPage.ts"
import { notFound, saved } from "./FakeEngine.ts"

const page = (() => {
  const fold = Report.make()
  for (let index = 0; index < 1200; index++) fold.add({ outcome: saved(`https://a.example/${index}`, 2000) })
  fold.add({ outcome: notFound(`https://long-name-of-a-host.example/${"x".repeat(300)}`) })
  return ReportPage.render(fold.result(), "pages")
})()

describe("the page of a report", () => {
  it("says no reason and no count twice", () => {
    assert.include(
      page,
      "<td>HTTP 404</td><td>1</td><td>long-name-of-a-host.example</td><td>https://long-name-of-a-host.example/xxx"
    )
    assert.notInclude(page, "<small>HTTP 404")
  })
})

describe("the page of a report in a browser", () => {
  const newPage = sharedBrowser()

  it("breaks no word of its names into letters on a phone, and is no wider than it", async () => {
    const shown = await newPage()
    await shown.setViewportSize({ width: 360, height: 700 })
    await shown.setContent(page)
    const lines = await shown.evaluate<
      ReadonlyArray<number>
    >(`[...document.querySelectorAll("th, td:first-child")].map((cell) => {
      const text = document.createRange()
      text.selectNodeContents(cell)
      return text.getClientRects().length
    })`)
    assert.isAtMost(Math.max(...lines), 2)
    assert.isAtMost(await shown.evaluate<number>("document.documentElement.scrollWidth"), 360)
    await shown.close()
  })
})
