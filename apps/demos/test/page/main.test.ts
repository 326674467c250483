/** The page in a real browser. Without one every test is skipped, and says why. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { extname, join } from "node:path"
import { pathToFileURL } from "node:url"
import * as Parameter from "@simul/core/scenario/Parameter"
import type { Page as Tab } from "playwright-core"
import { sharedBrowser } from "../../../../test/SharedBrowser.ts"
import { scenarios } from "../../src/Chapters.ts"
import * as Page from "../../src/node/Page.ts"
import * as PageServer from "../../src/node/PageServer.ts"

const folder = mkdtempSync(join(tmpdir(), "simul-page-"))
const types: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml"
}

/** Any host of files: the page is in a folder of it. */
const host = createServer((request, response) => {
  const path = new URL(request.url!, "http://host").pathname.replace("/some/folder/", "") || "index.html"
  try {
    response.writeHead(200, { "content-type": types[extname(path)] ?? "application/json" })
    response.end(readFileSync(join(folder, path)))
  } catch {
    response.destroy()
  }
})

/** The page's script, in the page. */
declare const simul: () => void

const newPage = sharedBrowser()
let hosted = ""
beforeAll(async () => {
  await Page.write(folder)
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve))
  hosted = `http://127.0.0.1:${(host.address() as AddressInfo).port}/some/folder/`
}, 900_000)
afterAll(() => {
  host.closeAllConnections()
  host.close()
  rmSync(folder, { recursive: true, force: true })
})

interface Opened {
  readonly tab: Tab
  /** What the browser complained of, and what was asked of other origins. */
  readonly complaints: ReadonlyArray<string>
}

const open = async (
  url: string,
  media: { readonly reducedMotion?: "reduce" | "no-preference" } = {}
): Promise<Opened> => {
  const tab = await newPage()
  const complaints: Array<string> = []
  tab.on("console", (message) => complaints.push(message.text()))
  tab.on("pageerror", (error) => complaints.push(String(error)))
  const { protocol, host } = new URL(url)
  const isOwn = (asked: string) => asked.startsWith("blob:") || asked.startsWith(`${protocol}//${host}`)
  tab.on("request", (request) => isOwn(request.url()) || complaints.push(request.url()))
  await tab.emulateMedia({ reducedMotion: "reduce", ...media })
  await tab.goto(url)
  await tab.waitForFunction(() => document.title.endsWith("experiments on concurrency"))
  return { tab, complaints }
}

/** Goes to a demo and runs it. */
const play = async (tab: Tab, name: string, prediction = "") => {
  await tab.evaluate((hash) => {
    location.hash = hash
  }, `#/${name}`)
  await tab.waitForSelector(`nav a[aria-current][href="#/${name}"]`, { state: "attached" })
  await tab.fill(".question input", prediction)
  await tab.click(".question button")
  await tab.waitForSelector(".verdict")
}

describe("the exported page", () => {
  it("plays every demo, each check of which holds, without an error and from its own origin alone", async () => {
    const { tab, complaints } = await open(hosted)
    for (const { name } of scenarios) {
      await play(tab, name)
      const [, held, all] = /^(\d+) of (\d+) predictions hold/.exec((await tab.textContent(".verdict"))!)!
      assert.strictEqual(held, all, name)
      assert.strictEqual(await tab.locator(".fails").count(), 0, name)
      assert.isAbove(await tab.locator(".holds").count(), 0, name)
      assert.isAbove(await tab.locator(".pictures figure").count(), 0, name)
      assert.include(await tab.textContent(".code pre"), `name: "${name}"`)
    }
    assert.deepStrictEqual(complaints, [])
    await tab.close()
  })

  it("simulates in the browser what was simulated here", async () => {
    const { tab } = await open(hosted)
    const sample = new Set(["chess", "littles-law", "deadlock", "download-many"])
    for (const { name, parameters } of scenarios.filter(({ name }) => sample.has(name))) {
      const recording = await tab.evaluate(
        (question) =>
          new Promise((resolve) => {
            const worker = new Worker(URL.createObjectURL(new Blob([`(${String(simul)})()`])))
            worker.addEventListener("message", ({ data }: MessageEvent<{ readonly recording: unknown }>) =>
              resolve(JSON.stringify(data.recording))
            )
            worker.postMessage(question, [])
          }),
        { name, parameters: Parameter.defaults(parameters as Parameter.Parameters) }
      )
      const script = readFileSync(join(folder, `runs/${name}.js`), "utf8")
      assert.strictEqual(`simulData["runs/${name}"]=${recording as string}\n`, script, name)
    }
    await tab.close()
  })

  it("is opened by a double click: without a server it plays, shows the program, and simulates what is turned", async () => {
    const { tab, complaints } = await open(pathToFileURL(join(folder, "index.html")).href)
    await play(tab, "chess")
    assert.strictEqual(await tab.locator(".fails").count(), 0)
    assert.include(await tab.textContent(".code pre"), `name: "chess"`)
    assert.include(await tab.textContent(".reveal .said"), "It is 600 min.")
    await tab.getByRole("slider", { name: "opponents" }).press("ArrowLeft")
    await tab.waitForFunction(() => document.querySelector(".reveal .said")!.textContent === "It is 540 min.")
    assert.deepStrictEqual(complaints, [])
    await tab.close()
  })

  it("runs again when a slider moves, and keeps what is turned in its address", async () => {
    const { tab, complaints } = await open(`${hosted}#/chess?opponents=4`)
    await tab.fill(".question input", "200")
    await tab.click(".question button")
    await tab.waitForSelector(".verdict")
    assert.include(await tab.textContent(".reveal .said"), "You said 200 min; it is 240 min: off by 17 %.")
    const slider = tab.getByRole("slider", { name: "opponents" })
    await slider.focus()
    await tab.keyboard.press("ArrowLeft")
    // what was said was said of 4 boards
    await tab.waitForFunction(() => document.querySelector(".reveal .said")!.textContent === "It is 180 min.")
    assert.match(tab.url(), /#\/chess\?opponents=3$/)
    assert.include(await tab.textContent(".command"), "npx -y pnpm@12 --filter demos start chess --opponents 3")
    await tab.getByRole("button", { name: "Predict this one" }).click()
    await tab.fill(".question input", "180")
    await tab.click(".question button")
    await tab.waitForSelector(".said.near")
    assert.include(await tab.textContent(".reveal .said"), "You said 180 min; it is 180 min: right.")
    assert.deepStrictEqual(complaints, [])
    await tab.close()
  })

  it("saves its pictures as a file that stands alone", async () => {
    const { tab } = await open(`${hosted}#/countdown`)
    await play(tab, "countdown")
    const download = tab.waitForEvent("download")
    await tab.click(".save")
    const file = await download
    assert.strictEqual(file.suggestedFilename(), "countdown.svg")
    const svg = readFileSync(await file.path(), "utf8")
    const [root, texts, paths] = await tab.evaluate((svg) => {
      const parsed = new DOMParser().parseFromString(svg, "image/svg+xml")
      const texts = [...parsed.querySelectorAll("text")].map(({ textContent }) => textContent)
      return [parsed.documentElement.tagName, texts, parsed.querySelectorAll("path[stroke]").length] as const
    }, svg)
    assert.strictEqual(root, "svg")
    assert.includeMembers([...texts], ["one after the other", "6.9 s", "at once", "3 s", "3"])
    assert.isAbove(paths, 5)
    assert.notMatch(svg, /var\(|class=/)
    await tab.close()
  })

  it("is light or dark, as the system says or as the reader does", async () => {
    const { tab } = await open(hosted)
    const back = () => tab.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await tab.emulateMedia({ colorScheme: "light" })
    const light = await back()
    await tab.emulateMedia({ colorScheme: "dark" })
    const dark = await back()
    assert.notStrictEqual(light, dark)
    await tab.click(".theme")
    assert.strictEqual(await back(), light)
    await tab.reload()
    await tab.waitForSelector(".theme:text('Light')")
    assert.strictEqual(await back(), light)
    await tab.click(".theme")
    await tab.click(".theme")
    assert.strictEqual(await back(), dark)
    await tab.close()
  })

  it.each(["light", "dark"] as const)(
    "draws what is seen on its ground (WCAG 2.2, 1.4.3 and 1.4.11), %s",
    async (colorScheme) => {
      const { tab } = await open(hosted)
      await tab.emulateMedia({ colorScheme })
      const contrasts = await tab.evaluate(() => {
        const light = (colour: string) => {
          document.body.style.outlineColor = colour
          const [red = 0, green = 0, blue = 0] = getComputedStyle(document.body)
            .outlineColor.match(/\d+/g)!
            .map((part) => Number(part) / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
          return 0.2126 * red + 0.7152 * green + 0.0722 * blue
        }
        return ["--back", "--panel"].flatMap((ground) =>
          [
            ["text", "dim", "accent", "good", "bad"].map((name) => ({ name, least: 4.5 })),
            // 24 pixels, or lines
            ["guess", "running", "worker", "ready", "sleeping", "waiting", "field"].map((name) => ({ name, least: 3 }))
          ]
            .flat()
            .map(({ name, least }) => {
              const [less, more] = [light(`var(--${name})`), light(`var(${ground})`)].toSorted(
                (one, other) => one - other
              )
              return { what: `${name} on ${ground}`, contrast: (more! + 0.05) / (less! + 0.05), least }
            })
        )
      })
      assert.deepStrictEqual(
        contrasts.filter(({ contrast, least }) => !(contrast >= least)),
        []
      )
      await tab.close()
    }
  )

  it("says what of an address cannot be", async () => {
    const { tab } = await open(`${hosted}#/chess?opponents=200`)
    assert.include(await tab.textContent("[role=alert]"), "opponents must be a whole number from 1 to 50, got 200")
    await tab.close()
  })

  it("is used by keyboard alone", async () => {
    const { tab } = await open(`${hosted}#/definitions`)
    await tab.waitForSelector(".question input")
    await tab.keyboard.press("ArrowRight")
    await tab.waitForFunction(() => location.hash === "#/chess")
    // what is read out first is where one is
    await tab.waitForFunction(() => document.activeElement?.textContent === "A chess master plays many opponents")
    await tab.keyboard.press("Tab")
    await tab.keyboard.type("600")
    // in a text the arrow moves the caret
    await tab.keyboard.press("ArrowLeft")
    await tab.keyboard.press("Enter")
    await tab.waitForSelector(".verdict")
    assert.match(tab.url(), /#\/chess$/)
    // the button is gone that was pressed: what took its place is where one is
    await tab.waitForSelector("button[aria-label=Play]:focus")
    await tab.getByRole("button", { name: "Predict again" }).press("Enter")
    await tab.waitForSelector(".question input:focus")
    const seen = await tab.evaluate(() => {
      const reached = [...document.querySelectorAll<HTMLElement>("a[href], button, input, select, summary, pre")]
      return reached.filter((one) => one.tabIndex < 0).length
    })
    assert.strictEqual(seen, 0)
    await tab.close()
  })

  it("shows the end at once to those who want no motion, and moves for others", async () => {
    const playheads = async (reducedMotion: "reduce" | "no-preference") => {
      const { tab } = await open(`${hosted}#/countdown`, { reducedMotion })
      // sees each change of the page, however long it takes the test to look
      const seen = await tab.evaluateHandle(() => {
        const seen = { playheads: 0 }
        const look = () => (seen.playheads += document.querySelectorAll(".playhead").length)
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true })
        return seen
      })
      await tab.click(".question button")
      await tab.getByRole("slider", { name: "Time", exact: true }).press("End")
      await tab.waitForSelector(".verdict")
      const { playheads } = await seen.jsonValue()
      await tab.close()
      return playheads
    }
    assert.strictEqual(await playheads("reduce"), 0)
    assert.isAbove(await playheads("no-preference"), 0)
  })

  it.each([1100, 1280, 1440])("has the program beside its picture, %i pixels wide", async (width) => {
    const { tab } = await open(hosted)
    await tab.setViewportSize({ width, height: 800 })
    await play(tab, "countdown")
    const [story, code] = [await tab.locator(".story").boundingBox(), await tab.locator(".code").boundingBox()]
    assert.isAtLeast(code!.x, story!.x + story!.width)
    assert.isAtMost(code!.x + code!.width, width)
    assert.isAtLeast(story!.width, 500)
    await tab.close()
  })

  it.each([360, 768, 1099])("has picture or program, whichever is asked for, %i pixels wide", async (width) => {
    const { tab } = await open(hosted)
    await tab.setViewportSize({ width, height: 800 })
    await play(tab, "countdown")
    const seen = () => Promise.all([tab.locator(".story").isVisible(), tab.locator(".code").isVisible()])
    assert.deepStrictEqual(await seen(), [true, false])
    await tab.getByRole("button", { name: "The program" }).click()
    assert.deepStrictEqual(await seen(), [false, true])
    await tab.getByRole("button", { name: "The picture" }).click()
    assert.deepStrictEqual(await seen(), [true, false])
    await tab.close()
  })

  it("fits a phone: nothing is wider than it, and no number stands apart from its unit", async () => {
    const { tab } = await open(hosted)
    await tab.setViewportSize({ width: 360, height: 740 })
    const excess = () => tab.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.isAtMost(await excess(), 0)
    for (const name of ["chess", "fib-cooperative", "littles-law", "race", "download-many"]) {
      await play(tab, name, "1")
      assert.isAtMost(await excess(), 0, name)
      const lines = await tab.$$eval("main .quantity", (all) =>
        all.map((one) => [one.textContent, one.getClientRects().length])
      )
      assert.isNotEmpty(lines, name)
      assert.deepStrictEqual(
        lines.filter(([, count]) => count !== 1),
        [],
        `a number apart from its unit: ${name}`
      )
    }
    await tab.click(".menu")
    await tab.waitForSelector("#contents", { state: "visible" })
    await tab.close()
  })
})

describe("the served page", () => {
  it("draws a real run while it goes on, and ends it when told", async () => {
    const server = await PageServer.start(0)
    try {
      const { tab, complaints } = await open(`${server.url}#/chess?minute=1000`)
      await tab.click(".question button")
      await tab.waitForSelector(".verdict")
      await tab.click("button.real")
      // it would go on for most of an hour
      await tab.waitForFunction(
        () => document.querySelector(".live") !== null && document.querySelector(".pictures .span.running") !== null
      )
      assert.match((await tab.textContent(".pictures .took"))!, /^\d/)
      await tab.getByRole("button", { name: "Stop", exact: true }).click()
      await tab.waitForSelector("button.real")
      assert.deepStrictEqual(complaints, [])
      await tab.close()
    } finally {
      await server.close()
    }
  })

  it("says that its server is gone, while a run goes on and before one begins", async () => {
    const server = await PageServer.start(0)
    const { tab } = await open(`${server.url}#/chess?minute=1000`)
    await tab.click(".question button")
    await tab.click("button.real")
    await tab.waitForSelector(".pictures .span.running")
    await server.close()
    const gone = "The server behind this page is gone: start it again, then run this again."
    assert.strictEqual(await tab.textContent(".fault"), gone)
    await tab.click("button.real")
    await tab.waitForSelector("button.real")
    assert.strictEqual(await tab.textContent(".fault"), gone)
    await tab.close()
  })

  it("tells a second tab that a run is under way in the first", async () => {
    const server = await PageServer.start(0)
    try {
      const { tab: first } = await open(`${server.url}#/chess?minute=1000`)
      await first.click(".question button")
      await first.click("button.real")
      await first.waitForSelector(".pictures .span.running")
      const { tab: second } = await open(`${server.url}#/chess`)
      await second.click(".question button")
      await second.click("button.real")
      await second.waitForSelector(`.fault:text("another run is under way: two would measure each other")`)
      assert.isAbove(await first.locator(".live").count(), 0)
      await first.close()
      await second.close()
    } finally {
      await server.close()
    }
  })

  it("plays for real, and shows what was measured", async () => {
    const server = await PageServer.start(0)
    try {
      const { tab, complaints } = await open(server.url)
      // these end as they do on any machine; of others a slow one measures itself
      for (const name of ["wat", "get-html"]) {
        await play(tab, name)
        await tab.click("button.real")
        await tab.waitForSelector(`th:text("This machine")`)
        assert.include(await tab.textContent(".verdict"), "measured on this machine")
        assert.isAbove(await tab.locator(`td[data-label="this machine"]`).count(), 0)
      }
      assert.deepStrictEqual(complaints, [])
      await tab.close()
    } finally {
      await server.close()
    }
  })
})
