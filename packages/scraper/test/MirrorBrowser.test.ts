/**
 * A saved site in a real browser: from the disk, with the server gone. Every page
 * is reached by a click, every picture is there, every style counts, and nothing
 * is asked of a network.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Page } from "playwright-core"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Browser, launch } from "../../../test/Browser.ts"
import * as Crawl from "../src/Crawl.ts"
import { Site } from "../src/testing/index.ts"
import * as Folders from "./Folders.ts"

const { root } = Folders.make("mirror-browser")
let browser: Browser
beforeAll(async () => {
  const launched = await launch()
  if (typeof launched === "string") throw new Error(launched)
  browser = launched
})
afterAll(async () => {
  await browser?.close()
})

const png = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64"
)
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>'
const script = "document.documentElement.dataset.ran = 'yes'"
const hash = (text: string) => `sha256-${createHash("sha256").update(text).digest("base64")}`
const html = (body: string | Buffer, charset = "; charset=utf-8") => ({
  headers: { "content-type": `text/html${charset}` },
  body
})

/** Each page has the same style and a link back; the style makes its text of this colour. */
const colour = "rgb(1, 2, 3)"
const main = "body{color:rgb(1,2,3)}"
const page = (title: string, body: string) =>
  `<!doctype html><html><head><title>${title}</title><link rel=stylesheet href=/css/main.css></head><body>${body}<a id=home href="/">home</a></body></html>`

const shiftJis = Buffer.from([0x93, 0xfa, 0x96, 0x7b])

const files = (host: string): Record<string, Parameters<Site.Site["put"]>[1]> => ({
  "/": html(
    `<!doctype html><html><head><base href="${host}/deep/"><title>start</title>
    <meta http-equiv="Content-Security-Policy" content="default-src ${host}; style-src ${host}">
    <link rel="dns-prefetch" href="//elsewhere.invalid">
    <link rel="stylesheet" href="/css/main.css" integrity="${hash(main)}" crossorigin="anonymous">
    <link rel="stylesheet" href="/styles.php?theme=dark">
    <script src="/js/app" integrity="${hash(script)}" crossorigin></script></head>
    <body><p id=imported>imported</p><p id=themed style="background-image: url(&quot;/i/plain.png&quot;)">themed</p>
    <img src="../i/plain.png"><img src="/i/drawn"><img src=/missing.png srcset="/i/plain.png?w=1 1x, /i/plain.png?w=2 2x"
    crossorigin><picture><source srcset="/i/drawn 1x"><img src=/i/plain.png></picture>
    <a href="a">a</a> <a href="./b.php?id=1&amp;x=y#part">b</a> <a href="/odd/%E6%97%A5%E6%9C%AC%20x/it's%20(1)%23.html">c</a>
    <a href="/moved">d</a> <a href="/README.MD">e</a> <a href="/q?b=2&amp;a=1">f</a> <a href="/q?a=1&amp;b=2">f</a>
    <a href="/sjis">g</a> <a href="/frame/">h</a> <a href="/refresh">i</a> <a href=" /deep/con ">j</a>
    <a href="/deep">k</a> <a href="/deep.html">l</a> <a href="https://elsewhere.invalid/x">away</a> <a href="mailto:a@b.c">mail</a>
    </body></html>`
  ),
  "/css/main.css": `@import "more.css" screen;@import url(odd%20name.css);${main}`,
  "/css/more.css": "#imported{background:url('../i/plain.png?css=1')}",
  "/css/odd name.css": "#imported{border-top:1px solid rgb(4,5,6)}",
  "/css/odd%20name.css": "#imported{border-top:1px solid rgb(4,5,6)}",
  "/styles.php": { headers: { "content-type": "text/css" }, body: "#themed{border-top:1px solid rgb(7,8,9)}" },
  "/js/app": { headers: { "content-type": "application/javascript" }, body: script },
  "/i/plain.png": png,
  "/i/drawn": { headers: { "content-type": "image/svg+xml" }, body: svg },
  "/deep/a": html(page("a", `<img src="../i/plain.png" loading=lazy><a href=b.php?id=1&x=y>b</a>`)),
  "/deep/b.php": html(page("b", `<p id=part>part</p><style>#part{background:url(/i/drawn)}</style>`)),
  "/odd/%E6%97%A5%E6%9C%AC%20x/it's%20(1)%23.html": html(page("odd", `<img src="/i/plain.png?it's=(1)">`)),
  "/moved": { status: 301, headers: { location: "/landed/page" } },
  "/landed/page": html(page("landed", "<a href='/moved'>again</a>")),
  "/README.MD": html(page("readme", "")),
  "/q": html(page("query", "")),
  "/sjis": html(
    Buffer.concat([
      Buffer.from("<!doctype html><title>"),
      shiftJis,
      Buffer.from("</title><link rel=stylesheet href=/css/main.css><a href='/"),
      shiftJis,
      Buffer.from("'>x</a><a id=home href='/'>home</a>")
    ]),
    "; charset=Shift_JIS"
  ),
  "/%E6%97%A5%E6%9C%AC": html(page("nihon", "")),
  "/frame/": html(
    page("frame", `<iframe src=inner></iframe><iframe srcdoc="<img src=/i/plain.png><a href='/deep/a'>é</a>"></iframe>`)
  ),
  "/frame/inner": html(page("inner", "")),
  "/refresh": html(
    `<!doctype html><title>refresh</title><meta http-equiv=refresh content="0; url='/deep/a'"><a id=home href=/>home</a>`
  ),
  "/deep/con": html(page("con", "")),
  "/deep": html(page("deep", "")),
  "/deep.html": html(page("deep.html", ""))
})

const titles = "a b con deep deep.html frame landed nihon odd query readme start \u65e5\u672c".split(" ")

const mirror = (seed: string, directory: string, options: { readonly refresh?: boolean } = {}) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const run = yield* Crawl.open([seed], { mirror: true }, { directory, backoffMs: 1, retries: 0, ...options })
      yield* Stream.runDrain(run.outcomes)
      return run.progress().mirror!.starts![0]!
    }).pipe(Effect.scoped)
  )

interface Seen {
  readonly title: string
  readonly colour: string
  readonly pictures: ReadonlyArray<number>
  readonly links: ReadonlyArray<string>
  /** Titles of the documents in frames. */
  readonly frames: ReadonlyArray<string>
}

/** What a page shows once everything in it, and in its frames, is loaded. */
const look = async (tab: Page): Promise<Seen> => {
  const pictures = await Promise.all(tab.frames().map((frame) => frame.evaluate<ReadonlyArray<number>>(widths)))
  return {
    title: await tab.title(),
    colour: await tab.evaluate<string>("getComputedStyle(document.body).color"),
    pictures: pictures.flat(),
    frames: await Promise.all(
      tab
        .frames()
        .slice(1)
        .map((frame) => frame.title())
    ),
    links: await tab.evaluate<ReadonlyArray<string>>("[...document.links].map((link) => link.href)")
  }
}
const widths = `Promise.all([...document.images].map((image) => image.decode().catch(() => {}))).then(() =>
  [...document.images].map((image) => image.naturalWidth))`

/** Goes from link to link until there is no new one, by clicks. */
const visitAll = async (start: string) => {
  const tab = await browser.context.newPage()
  const asked: Array<string> = []
  const failed: Array<string> = []
  const said: Array<string> = []
  tab.on("request", (request) => asked.push(request.url()))
  tab.on("requestfailed", (request) => {
    const error = request.failure()?.errorText
    // what was under way when the page was left
    if (error !== "net::ERR_ABORTED") failed.push(`${request.url()} ${error}`)
  })
  tab.on("console", (message) => said.push(message.text()))
  tab.on("pageerror", (error) => said.push(error.message))
  const pages = new Map<string, Seen>()
  // one that goes on by itself cannot be looked at
  const local = (url: string) => url.startsWith("file:") && !url.endsWith("/refresh.html")
  const bare = (url: string) => url.replace(/#.*$/, "")
  try {
    await tab.goto(start)
    const queue = [start]
    for (const at of queue) {
      if (bare(tab.url()) !== bare(at)) await tab.goto(at)
      const seen = await look(tab)
      pages.set(bare(tab.url()), seen)
      for (const [index, link] of seen.links.entries()) {
        if (!local(link) || queue.some((known) => bare(known) === bare(link))) continue
        queue.push(link)
        if (bare(tab.url()) !== bare(at)) await tab.goto(at)
        await Promise.all([
          tab.waitForURL((url) => bare(url.href) !== bare(at), { waitUntil: "load" }),
          // it may be gone before it has answered
          tab.evaluate(`document.links[${index}].click()`).catch(() => {})
        ])
      }
    }
    return { pages, asked, failed, said }
  } finally {
    await tab.close()
  }
}

describe("a mirror in a browser", () => {
  it("shows every page as the site did, from the disk alone", async () => {
    const directory = join(root, "site")
    const site = await Site.start()
    for (const [path, reply] of Object.entries(files(site.url("")))) site.put(path, reply)
    const start = await mirror(site.url("/"), directory)
    await site.close()

    const url = pathToFileURL(join(directory, start)).href
    const { pages, asked, failed, said } = await visitAll(url)
    assert.deepStrictEqual(said, [])
    assert.deepStrictEqual(failed, [])
    assert.deepStrictEqual(
      asked.filter((url) => !url.startsWith("file:") && !url.startsWith("about:")),
      []
    )
    assert.sameMembers([...new Set([...pages.values()].map(({ title }) => title))], titles)
    for (const [url, { title, colour: found, pictures }] of pages) {
      assert.strictEqual(found, colour, `${title} (${url}) has its style`)
      assert.isTrue(
        pictures.every((width) => width > 0),
        `${title} (${url}) has its pictures: ${pictures.join(" ")}`
      )
    }
    const first = pages.get(url)!
    assert.strictEqual(first.pictures.length, 4)
    const framing = [...pages.values()].find(({ title }) => title === "frame")!
    assert.deepStrictEqual([framing.frames, framing.pictures], [["inner", ""], [1]])
    // what is not there leads to where it was
    assert.includeMembers([...first.links], ["https://elsewhere.invalid/x", "mailto:a@b.c"])
    // one page by two URLs
    assert.strictEqual(new Set(first.links).size, first.links.length - 1)

    const tab = await browser.context.newPage()
    await tab.goto(url)
    const style = (of: string, property: string) =>
      tab.evaluate<string>(`getComputedStyle(document.querySelector("${of}")).getPropertyValue("${property}")`)
    assert.strictEqual(await style("#imported", "border-top-color"), "rgb(4, 5, 6)")
    assert.strictEqual(await style("#themed", "border-top-color"), "rgb(7, 8, 9)")
    assert.match(
      await style("#imported", "background-image"),
      /^url\("file:.*plain@css=1\.png"\)|^url\("file:.*plain%40css%3D1\.png"\)/
    )
    assert.strictEqual(await tab.evaluate("document.documentElement.dataset.ran"), "yes")
    const refresh = first.links.find((link) => link.endsWith("/refresh.html"))!
    await Promise.all([tab.waitForURL(/\/deep\/a\.html$/, { waitUntil: "load" }), tab.goto(refresh).catch(() => {})])
    assert.strictEqual(await tab.title(), "a")
    await tab.close()
  })

  it("shows what a second crawl has found changed", async () => {
    const directory = join(root, "again")
    await using site = await Site.start({
      files: { "/": html(page("start", "<a href=/old>old</a>")), "/css/main.css": main, "/old": html(page("old", "")) }
    })
    await mirror(site.url("/"), directory)
    site.put("/", html(page("start", `<a href=/old>old</a><a href=/new>new</a><img src=/i.png>`)))
    site.put("/new", html(page("new", "")))
    site.put("/i.png", png)
    site.put("/css/main.css", "@import 'more.css';")
    site.put("/css/more.css", main)
    const start = await mirror(site.url("/"), directory, { refresh: true })
    const { pages, failed, said } = await visitAll(pathToFileURL(join(directory, start)).href)
    assert.deepStrictEqual([...failed, ...said], [])
    assert.sameMembers(
      [...pages.values()].map(({ title }) => title),
      ["start", "old", "new"]
    )
    for (const { title, colour: found, pictures } of pages.values()) {
      assert.strictEqual(found, colour, title)
      assert.isTrue(pictures.every((width) => width > 0))
    }
  })
})
