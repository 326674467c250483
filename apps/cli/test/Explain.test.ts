import { assert, describe, it } from "@effect/vitest"
import { ForwardProxy, Site } from "@simul/scraper/testing"
import { once } from "node:events"
import * as fs from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"
import { read } from "./Killed.ts"
import * as Program from "./Program.ts"

const { folder: root } = Folder.make("explain")

const page = (...links: ReadonlyArray<string>) => links.map((link) => `<a ${link}>there</a>`).join("\n")
const files = {
  "/robots.txt": "# ours\nUser-agent: *\nDisallow: /private/\nCrawl-delay: 0.001\n",
  "/index.html": page(
    `href=/a.html`,
    `href=/private/x.html`,
    `href=/calendar/1.html`,
    `rel="nofollow noopener" href=/n.html`
  ),
  "/a.html": page("href=/deep.html"),
  "/deep.html": "x",
  "/calendar/1.html": "x"
}

/** What it says, without what differs from run to run. */
const explain = async (site: Site.Site, path: string, ...args: ReadonlyArray<string>) => {
  const url = path.includes("://") ? path : site.url(path)
  const screen = await InProcess.screen(["explain", url, ...args], root)
  return screen.replaceAll(String(site.port), "PORT").replaceAll(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
}

describe("simul explain", () => {
  it("says by what the crawl of a directory knows what would become of a URL, and asks nobody", async ({ expect }) => {
    await using site = await Site.start({ files })
    const directory = join(root, "site")
    const crawl = ["crawl", site.url("/index.html"), "--depth", "1", "--exclude", "/calendar/", "-o", directory]
    assert.include(await InProcess.screen([...crawl, "-q"], root), "exit 3")
    site.put("/robots.txt", undefined)
    const requests = site.requests.length
    const told = (path: string) => explain(site, path, "-o", directory)
    expect(await told("/a.html#part")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      url        http://127.0.0.1:PORT/a.html
      target     saved: 127.0.0.1+PORT/a.html (28 B)
      scope      within the host of a seed
      depth      1
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/a.html
      decision   saved: 127.0.0.1+PORT/a.html
      --- stderr
      "
    `)
    expect(await told("/private/x.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/private/x.html
      target     refused: robots.txt line 3 of http://127.0.0.1:PORT: Disallow: /private/
      scope      within the host of a seed
      depth      1
      robots     Disallow: /private/ (line 3, group *); asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/private/x.html
      decision   refused: robots.txt line 3 of http://127.0.0.1:PORT: Disallow: /private/
      --- stderr

      hint: \`--no-robots\` would fetch it; ask the site first
      "
    `)
    expect(await told("/calendar/1.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/calendar/1.html
      target     not known here
      scope      excluded by /calendar/
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/calendar/1.html
      decision   refused: excluded by /calendar/
      --- stderr
      "
    `)
    expect(await told("/deep.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/deep.html
      target     not known here
      scope      2 links from a seed, of 1 at most
      linked     by http://127.0.0.1:PORT/a.html
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/deep.html
      decision   refused: 2 links from a seed, of 1 at most
      --- stderr
      "
    `)
    expect(await told("/n.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/n.html
      target     not known here
      scope      within the host of a seed
      linked     by http://127.0.0.1:PORT/index.html, with rel="nofollow noopener"
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/n.html
      decision   refused: http://127.0.0.1:PORT/index.html links to it with rel="nofollow noopener"
      --- stderr

      hint: \`--no-robots\` would follow it; or give it to the crawl as a further URL
      "
    `)
    expect(await told("/nowhere.html")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/nowhere.html
      target     not known here
      scope      within the host of a seed
      linked     by none of 2 saved pages
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/nowhere.html
      decision   refused: no saved page links to it
      --- stderr

      hint: give it to the crawl as a further URL, or start from \`--sitemaps\` too
      "
    `)
    expect(await told("http://other.example/")).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://other.example/
      target     not known here
      scope      outside of the hosts of the seeds
      file       other.example+80/index.html
      decision   refused: outside of the hosts of the seeds
      --- stderr
      "
    `)
    assert.strictEqual(site.requests.length, requests)
  })

  it("takes no sitemap for what has no end, as no crawl does", async () => {
    await using site = await Site.start({ files: { "/robots.txt": "Sitemap: /map-1.xml", "/index.html": "x" } })
    const directory = join(root, "sitemaps")
    await InProcess.screen(["crawl", site.url("/index.html"), "--sitemaps", "-o", directory, "-q"], root)
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.prepare("INSERT INTO pattern VALUES (?, 128, 3, 1, '')").run(site.url("/map-#.xml"))
    database.close()
    assert.notInclude(await explain(site, "/map-1.xml", "-o", directory), "no end")
    assert.include(await explain(site, "/map-2.xml", "-o", directory), "no end")
  })

  it("tells that a sitemap is not read as too many in a row lead to it", async ({ expect }) => {
    const index = (level: number) => `<sitemapindex><sitemap><loc>/${level}.xml</loc></sitemap></sitemapindex>`
    const indexes = [1, 2, 3, 4].map((level) => [`/${level}.xml`, index(level + 1)])
    const start = { "/robots.txt": "Sitemap: /1.xml", "/index.html": "x" }
    await using site = await Site.start({ files: { ...start, ...Object.fromEntries(indexes) } })
    const directory = join(root, "indexes")
    const crawl = ["crawl", site.url("/index.html"), "--sitemaps", "-o", directory]
    assert.include(await InProcess.screen(crawl, root), "1  sitemaps from here on: too many in a row")
    expect(await explain(site, "/5.xml", "-o", directory)).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/5.xml
      target     refused: sitemaps from here on: too many in a row
      scope      sitemaps from here on: too many in a row
      robots     no line is about it; asked at TIME
      file       127.0.0.1+PORT/5.xml
      decision   refused: sitemaps from here on: too many in a row
      --- stderr

      hint: give it to the crawl as a further URL
      "
    `)
  })

  it("tells a number of pages that is reached", async ({ expect }) => {
    await using site = await Site.start({ files })
    const directory = join(root, "few")
    await InProcess.screen(
      ["crawl", site.url("/index.html"), "--max-pages", "1", "--priority", "/a=5", "-o", directory, "-q"],
      root
    )
    expect(await explain(site, "/a.html", "-o", directory)).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/a.html
      target     queued
      scope      within the host of a seed
      depth      1
      priority   5, by /a
      max-pages  1 of 1 saved
      robots     no line is about it; asked at TIME
      delay      Crawl-delay: 0.001 (line 4); kept last: 1ms
      file       127.0.0.1+PORT/a.html
      decision   refused: 1 of 1 pages are saved
      --- stderr

      hint: the same command with a larger \`--max-pages\` goes on
      "
    `)
  })

  it("asks for robots.txt where nothing is known", async ({ expect }) => {
    await using site = await Site.start({ files })
    const nowhere = join(root, "none")
    expect(await explain(site, "/private/y", "-o", nowhere)).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/private/y
      target     not known here
      robots     Disallow: /private/ (line 3, group *); asked now
      delay      Crawl-delay: 0.001 (line 4)
      file       127.0.0.1+PORT/private/y.data
      decision   refused: robots.txt line 3 of http://127.0.0.1:PORT: Disallow: /private/
      --- stderr

      hint: \`--no-robots\` would fetch it; ask the site first
      "
    `)
    expect(await explain(site, "/public", "-o", nowhere)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      url        http://127.0.0.1:PORT/public
      target     not known here
      robots     no line is about it; asked now
      delay      Crawl-delay: 0.001 (line 4)
      file       127.0.0.1+PORT/public.data
      decision   fetched: nothing is against it
      --- stderr
      "
    `)
    assert.strictEqual(site.requests.length, 2)
    assert.isFalse(fs.existsSync(nowhere), "it makes no directory")
    const json = await explain(site, "/private/y", "-o", nowhere, "--json")
    const { decision, robots } = JSON.parse(json.split("\n")[2]!)
    assert.deepStrictEqual(decision, {
      what: "refuse",
      by: "robots",
      message: "robots.txt line 3 of http://127.0.0.1:PORT: Disallow: /private/"
    })
    assert.strictEqual(robots.crawlDelay.line, 4)
    expect(await explain(site, "/private/y", "-o", nowhere, "--no-robots")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      url        http://127.0.0.1:PORT/private/y
      target     not known here
      file       127.0.0.1+PORT/private/y.data
      decision   fetched: nothing is against it
      --- stderr
      "
    `)
    await site.close()
    expect(await explain(site, "/private/y", "-o", nowhere)).toMatchInlineSnapshot(`
      "exit 3
      --- stdout
      url        http://127.0.0.1:PORT/private/y
      target     not known here
      robots     cannot be had: cannot talk to 127.0.0.1 (ECONNREFUSED); asked now
      file       127.0.0.1+PORT/private/y.data
      decision   refused: robots.txt of http://127.0.0.1:PORT cannot be had: cannot talk to 127.0.0.1 (ECONNREFUSED)
      --- stderr

      hint: \`--no-robots\` would fetch it; ask the site first
      "
    `)
    expect(await explain(site, "ftp://a.example/", "-o", nowhere)).toMatchInlineSnapshot(`
      "exit 2
      --- stdout
      --- stderr
      error: no http(s) URL: ftp://a.example/

      hint: for example: \`simul explain https://example.com/private/a -o site\`
      "
    `)
  })

  it("goes by an old robots.txt where its host gives no other, as a run does", async () => {
    await using site = await Site.start({ files })
    const directory = join(root, "old")
    await InProcess.screen(["get", site.url("/a.html"), "--robots", "-o", directory], root)
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.exec("UPDATE robots SET asked = asked - 90000000")
    database.close()
    site.put("/robots.txt", { status: 503 })
    assert.include(
      await explain(site, "/private/y", "-o", directory),
      "robots     Disallow: /private/ (line 3, group *); asked at TIME"
    )
    assert.include(await explain(site, "/deep.html", "-o", directory), "decision   fetched: nothing is against it")
  })

  it("says of what waits for its turn that it does, and of what failed that it waits for another attempt", async () => {
    await using site = await Site.start({ files })
    const directory = join(root, "turn")
    await InProcess.screen(["get", site.url("/a.html"), "-o", directory], root)
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    const dueIn = (attempts: number) =>
      database.exec(`UPDATE target SET state = 0, attempts = ${attempts}, due = ${Date.now() + 60_000}`)
    dueIn(0)
    assert.include(
      await explain(site, "/a.html", "-o", directory, "--no-robots"),
      "waits until TIME: its turn comes then"
    )
    dueIn(1)
    assert.include(
      await explain(site, "/a.html", "-o", directory, "--no-robots"),
      "waits until TIME: it failed, and waits"
    )
    database.close()
  })

  it("says that a proxy keeps it from robots.txt", async () => {
    await using site = await Site.start({ files })
    await using proxy = await ForwardProxy.start({ credentials: { user: "a", password: "b" } })
    const told = () => explain(site, "/public", "-o", join(root, "none"), "--proxy", proxy.url)
    assert.include(await told(), "robots     cannot be had: HTTP 407; asked now")
    await proxy.close()
    assert.include(await told(), "ECONNREFUSED")
  })

  it("tells until when a host asked to be left alone, and leaves it alone", async ({ expect }) => {
    await using site = await Site.start()
    const directory = join(root, "alone")
    const run = Program.start(["get", site.url("/retry-after/3600/9/503/bytes/10/a"), "-o", directory])
    const ended = once(run, "close")
    while (!(await read(directory)).some((entry) => "pending" in entry && entry.pending.attempts === 1)) {
      assert.strictEqual(run.exitCode, null, "it ended too early")
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    run.kill("SIGKILL")
    await ended
    expect(await explain(site, "/bytes/10/b", "-o", directory)).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      url        http://127.0.0.1:PORT/bytes/10/b
      target     not known here
      host       asked to be left alone until TIME
      file       127.0.0.1+PORT/bytes/10/b.data
      decision   waits until TIME: its host asked to be left alone (Retry-After)
      --- stderr
      "
    `)
    assert.strictEqual(site.requests.length, 1)
  })
})
