/** The HTML file in a real browser. Without one every test is skipped, and says why. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { Page } from "playwright-core"
import * as Recorder from "../src/Recorder.ts"
import * as Timeline from "../src/Timeline.ts"
import * as TimelineHtml from "../src/TimelineHtml.ts"
import { duration } from "../src/TimelineLayout.ts"
import { sharedBrowser } from "../../../test/SharedBrowser.ts"
import * as Sample from "./TimelineSample.ts"

/** A parent, its children that sleep, one that fails, one that is interrupted, and a worker. */
const record = (title: string, children: number): Promise<Timeline.Timeline> =>
  Effect.gen(function* () {
    const recorder = yield* Recorder.make({ title, sampleMs: 10 })
    const child = Effect.fn("child")(function* (index: number) {
      yield* Effect.sleep(50 * (index + 1))
      if (index === 1) return yield* Effect.fail("failed")
    })
    // a name that no folder on the way to this file has: lines of the source are searched too
    const main = Effect.fn("conductor")(function* () {
      recorder.workers({ kind: "spawn", worker: 1 })
      recorder.workers({ kind: "submit", task: 1, name: "hash", fiber: yield* Effect.fiberId })
      const endless = yield* Effect.forkChild(Effect.never)
      recorder.workers({ kind: "run", task: 1, worker: 1 })
      yield* Effect.forEach(
        Array.from({ length: children }, (_, index) => index),
        (index) => Effect.exit(child(index)),
        { concurrency: "unbounded" }
      )
      recorder.workers({ kind: "done", task: 1, worker: 1, end: "ok" })
      yield* Fiber.interrupt(endless)
    })
    const fiber = yield* Effect.forkChild(recorder.record(main()))
    yield* TestClock.adjust(1000)
    yield* Fiber.join(fiber)
    return recorder.timeline()
  }).pipe(Effect.provide(TestClock.layer()), Effect.runPromise)

/** Runs in the page: counts what is drawn, in calls of the canvas. */
const counting = `
globalThis.drawn = 0
for (const name of ["fillRect", "fillText", "stroke", "fill", "strokeRect"]) {
  const draw = CanvasRenderingContext2D.prototype[name]
  CanvasRenderingContext2D.prototype[name] = function (...all) {
    drawn++
    return draw.apply(this, all)
  }
}`

describe("the HTML file in a browser", () => {
  const newPage = sharedBrowser()
  const folder = mkdtempSync(join(tmpdir(), "simul-timeline-"))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  let files = 0
  /** Opens it from a file. What the browser complains of, and what it wants from a network, is collected. */
  const open = async (timeline: Timeline.Timeline) => {
    const file = join(folder, `${files++}.html`)
    writeFileSync(file, TimelineHtml.render(timeline))
    const page = await newPage()
    const complaints: Array<string> = []
    page.on("console", (message) => complaints.push(message.text()))
    page.on("pageerror", (error) => complaints.push(String(error)))
    page.on("request", (request) => request.url().startsWith("file:") || complaints.push(request.url()))
    await page.addInitScript({ content: counting })
    await page.goto(pathToFileURL(file).href)
    await frame(page)
    return { page, complaints }
  }
  /** Until what was asked to be drawn is. */
  const frame = (page: Page) =>
    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
  /** How many calls of the canvas an action costs. */
  const drawnBy = async (page: Page, action: () => Promise<unknown>) => {
    await page.evaluate("drawn = 0")
    await action()
    await frame(page)
    return page.evaluate<number>("drawn")
  }
  /** What a canvas shows. */
  const picture = (page: Page, selector: string) =>
    page.locator(selector).evaluate((canvas) => (canvas as unknown as { toDataURL: () => string }).toDataURL())

  it("shows a run of fibers: its numbers, its tree, its counters, without a complaint", async () => {
    const timeline = await record("fibers at work", 4)
    const { page, complaints } = await open(timeline)
    assert.strictEqual(await page.title(), "fibers at work")
    const cells = await page
      .locator("#causes tbody tr")
      .evaluateAll((rows) =>
        rows.map((row) => [...row.querySelectorAll("th, td")].slice(0, 2).map((cell) => cell.textContent))
      )
    const sums = new Map<string, number>()
    for (const { times } of timeline.lanes)
      for (const [name, ms] of Object.entries(times)) sums.set(name, (sums.get(name) ?? 0) + ms)
    assert.deepStrictEqual(
      cells,
      [...sums].toSorted((a, b) => b[1] - a[1]).map(([name, ms]) => [name, duration(ms)])
    )
    assert.include(await page.locator("header").textContent(), "7 fibers in 1 s")
    assert.include((await page.locator("#counters").getAttribute("aria-label"))!, "most ready, live fibers")
    // something is drawn on each canvas
    for (const id of ["#canvas", "#overview", "#counters"]) assert.isAbove((await picture(page, id)).length, 1000, id)
    assert.deepStrictEqual(complaints, [])
    await page.close()
  })

  it("draws the whole run from and to the same places on each canvas", async () => {
    const { page } = await open(await record("fibers", 4))
    for (const view of ["At work", "Every fiber"]) {
      await page.getByRole("button", { name: view }).click()
      await page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
      // where the lines below the overview and the counters end, and where the end of the run is in the chart
      const ends = await page.evaluate<ReadonlyArray<number>>(`["overview", "counters", "canvas"].map((id) => {
        const canvas = document.getElementById(id), { left, height } = canvas.getBoundingClientRect()
        if (id === "canvas") return left + xOf(whole)
        const ratio = canvas.width / canvas.clientWidth, y = height - (id === "overview" ? 0.5 : 1.5)
        const { data } = canvas.getContext("2d").getImageData(0, Math.floor(y * ratio), canvas.width, 1)
        let x = canvas.width - 1
        while (data[4 * x + 3] === 0) x--
        return left + (x + 1) / ratio
      })`)
      for (const end of ends) assert.approximately(end, ends[2]!, 1.5, view)
    }
    await page.close()
  })

  it("finds, shows what is known of a fiber, goes to its parent and folds", async () => {
    const { page, complaints } = await open(await record("fibers", 4))
    await page.getByRole("button", { name: "Every fiber" }).click()
    await page.locator("#search").fill("child #")
    assert.strictEqual(await page.locator("#found").textContent(), "4 found")
    await page.locator("#search").press("Enter")
    await frame(page)
    const card = page.locator("#card")
    const text = (await card.innerText()).replaceAll(/\s+/g, " ")
    assert.match(text, /^child #\d /)
    assert.include(text, "started by conductor #1")
    assert.match(text, /source \S*TimelinePage\.test\.ts:\d+:\d+/)
    await page.locator("#search").press("Escape")
    await page.locator("#chart").focus()
    await page.keyboard.press("u")
    await frame(page)
    assert.include(await card.innerText(), "conductor #1")
    assert.match((await card.innerText()).replaceAll(/\s+/g, " "), /started 5 /)
    const before = await picture(page, "#canvas")
    await page.keyboard.press("f")
    await frame(page)
    const folded = await picture(page, "#canvas")
    assert.notStrictEqual(folded, before)
    await page.keyboard.press("f")
    await frame(page)
    assert.notStrictEqual(await picture(page, "#canvas"), folded)
    assert.deepStrictEqual(complaints, [])
    await page.close()
  })

  it("zooms with the wheel, pans with the hand and the keys, and comes back", async () => {
    const { page } = await open(Sample.make(2000, 8))
    const whole = await picture(page, "#canvas")
    await page.locator("#canvas").hover()
    await page.mouse.wheel(0, -600)
    await frame(page)
    await page.mouse.move(5, 5)
    await frame(page)
    const zoomed = await picture(page, "#canvas")
    assert.notStrictEqual(zoomed, whole)
    await page.locator("#chart").focus()
    await page.keyboard.press("ArrowRight")
    await frame(page)
    assert.notStrictEqual(await picture(page, "#canvas"), zoomed)
    await page.keyboard.press("0")
    await frame(page)
    assert.strictEqual(await picture(page, "#canvas"), whole)
    await page.close()
  })

  it("shows what is under the pointer", async () => {
    const timeline = Sample.make(3, 1)
    const { page } = await open(timeline)
    const box = (await page.locator("#canvas").boundingBox())!
    // the first lane's request fills the left of the first row
    const request = timeline.spans.find(({ name }) => name === "request")!
    const x = box.x + 34 + ((request.startMs + request.endMs) / 2 / (timeline.durationMs * 1.01)) * (box.width - 42)
    await page.mouse.move(x, box.y + 26 + 10)
    await frame(page)
    const text = (await page.locator("#card").innerText()).replaceAll(/\s+/g, " ")
    assert.include(text, "https://a.example/0")
    assert.include(text, `request ${duration(request.endMs - request.startMs)}`)
    await page.close()
  })

  it("draws runs beside each other on one time scale", async () => {
    const [one, other] = [await record("before", 4), await record("after", 2)]
    const { page, complaints } = await open(Timeline.beside([one, other]))
    assert.deepStrictEqual(await page.locator("#runs li").allTextContents(), ["before: 1 s", "after: 1 s"])
    assert.include(await page.locator("header").textContent(), "12 fibers in 1 s")
    await page.getByRole("button", { name: "Every fiber" }).click()
    await page.locator("#search").fill("conductor")
    assert.strictEqual(await page.locator("#found").textContent(), "2 found")
    const groups = await page.locator("#groups tbody th").allTextContents()
    assert.includeMembers(groups, ["before: conductor", "after: conductor"])
    assert.deepStrictEqual(complaints, [])
    await page.close()
  })

  it("draws a bounded number of things in a frame of 100,000 events, however it is looked at", async () => {
    const timeline = Sample.make(25_000, 60)
    assert.isAbove(timeline.spans.length, 95_000)
    const { page, complaints } = await open(timeline)
    // at most the visible rows times the pixels of a row, in each of its two arrangements; in truth far less
    const width = 1200
    const rows = 40
    const most = rows * width
    const draw = (key: string) => drawnBy(page, () => page.keyboard.press(key))
    await page.locator("#chart").focus()
    for (const view of ["At work", "Every target"]) {
      const counts = [await drawnBy(page, () => page.getByRole("button", { name: view }).click())]
      await page.locator("#chart").focus()
      for (const key of ["0", "+", "+", "+", "+", "+", "+", "ArrowRight", "PageDown"]) counts.push(await draw(key))
      assert.isAtMost(Math.max(...counts), most, `${view}: ${counts.join()}`)
      assert.isAbove(Math.min(...counts), 0)
    }
    await page.locator("#search").fill("/2499")
    await frame(page)
    assert.strictEqual(await page.locator("#found").textContent(), "11 found")
    assert.deepStrictEqual(complaints, [])
    await page.close()
  })

  it("draws neighbours of a pixel that look the same as one, and leaves a gap between those that have one", async () => {
    const rows = 20
    /** Lanes of 1 ms, so many at one time, each so long after the one before. */
    const count = async (every: number) => {
      const lanes = Array.from({ length: 1000 * rows }, (_, index) => {
        const startMs = every * Math.floor(index / rows)
        return { name: `f${index}`, group: "f", startMs, endMs: startMs + 1, times: { running: 1 } }
      })
      const timeline: Timeline.Timeline = {
        ...(await record("neighbours", 1)),
        lanes,
        spans: lanes.map(({ startMs, endMs }, lane) => ({
          lane,
          name: "running",
          category: "running",
          startMs,
          endMs
        })),
        flows: [],
        durationMs: every * 1000
      }
      const { page } = await open(timeline)
      await page.locator("#chart").focus()
      const drawn = await drawnBy(page, () => page.keyboard.press("0"))
      await page.close()
      return drawn
    }
    const [together, apart] = [await count(1), await count(5)]
    assert.isBelow(together, 100 * rows)
    assert.isAbove(apart, 500 * rows)
  })

  it("draws a bounded number of the flows of one fiber", async () => {
    const lanes = Array.from({ length: 5000 }, (_, index) => ({
      name: `f${index}`,
      group: "f",
      startMs: 0,
      endMs: 100,
      times: { running: 100 },
      ...(index === 0 ? {} : { parent: 0 })
    }))
    const timeline: Timeline.Timeline = {
      ...(await record("flows", 1)),
      lanes,
      spans: lanes.map((_, lane) => ({ lane, name: "running", category: "running", startMs: 0, endMs: 100 })),
      flows: lanes.slice(1).map((_, index) => ({ kind: "fork", from: 0, to: index + 1, fromMs: 1, toMs: 50 })),
      durationMs: 100
    }
    const { page } = await open(timeline)
    await page.getByRole("button", { name: "Every fiber" }).click()
    await page.locator("#chart").focus()
    const plain = await drawnBy(page, () => page.keyboard.press("0"))
    const withFlows = await drawnBy(page, () => page.keyboard.press("n"))
    assert.isAtLeast(withFlows - plain, 500)
    assert.isAtMost(withFlows - plain, 700)
    await page.close()
  })
})
