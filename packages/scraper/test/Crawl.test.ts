import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib"
import * as Crawl from "../src/Crawl.ts"
import * as Get from "../src/Get.ts"
import { WriteError } from "../src/FetchError.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"
import { Session } from "../src/Session.ts"
import { Sink } from "../src/Sink.ts"
import * as ControlSocket from "../src/store/ControlSocket.ts"
import * as Directory from "../src/store/Directory.ts"
import { MemorySink, Site, StubSession } from "../src/testing/index.ts"
import * as Folders from "./Folders.ts"

const { folder } = Folders.make("crawl")

const page = (...links: ReadonlyArray<string>) => links.map((link) => `<p><a href="${link}">there</a></p>`).join("\n")

interface Asked extends Partial<Options> {
  readonly rules?: Partial<Crawl.Rules>
  readonly take?: number
}
const crawl = async (seeds: ReadonlyArray<string>, { rules = {}, take = Infinity, ...options }: Asked) => {
  const outcomes: Array<Outcome> = []
  const quick = { backoffMs: 1, timeoutMs: 2000, directory: folder(), ...options }
  for await (const outcome of Crawl.crawl(seeds, rules, quick)) {
    outcomes.push(outcome)
    if (outcomes.length >= take) break
  }
  return outcomes
}
/** What is left in the queue, as it is read back: the limit that each is beyond. */
const left = (directory: string) =>
  Effect.flatMap(Directory.read(directory), ({ entries }) => Stream.runCollect(entries)).pipe(
    Effect.map((entries) => entries.flatMap((entry) => ("pending" in entry ? [entry.pending.beyond] : []))),
    Effect.scoped,
    Effect.runPromise
  )
/** The paths that ended so. */
const paths = (outcomes: ReadonlyArray<Outcome>, tag: Outcome["_tag"] = "Saved") =>
  outcomes
    .filter((outcome) => outcome._tag === tag)
    .map(({ url }) => new URL(url).pathname)
    .toSorted()
const asked = (site: Site.Site) => site.requests.map(({ path }) => path).filter((path) => path !== "/robots.txt")

const withSite = <A>(options: Site.Options, use: (site: Site.Site) => Promise<A>) =>
  Effect.scoped(Effect.flatMap(Site.make(options), (site) => Effect.promise(() => use(site))))

describe("crawl", () => {
  it.effect("follows links from page to page, and takes what pages need to be shown, each once", () =>
    withSite(
      {
        files: {
          "/index.html": `${page("/a.html", "b.html", "/a.html#part")}<img src="/p.png"><link rel=stylesheet href="/s.css">`,
          "/a.html": page("/b.html", "/index.html", "/sub/c.html"),
          "/b.html": page("/a.html"),
          "/sub/c.html": `<base href="/other/">${page("d.html")}`,
          "/other/d.html": "nothing",
          "/s.css": `@import "t.css"; body { background: url(bg.gif) }`,
          "/t.css": "",
          "/bg.gif": "gif",
          "/p.png": "png",
          "/unlinked.html": "alone"
        }
      },
      async (site) => {
        const directory = folder()
        const outcomes = await crawl([site.url("/index.html")], { directory })
        const all = ["/a.html", "/b.html", "/bg.gif", "/index.html", "/other/d.html", "/p.png", "/s.css", "/sub/c.html"]
        assert.deepStrictEqual(paths(outcomes), [...all, "/t.css"])
        assert.deepStrictEqual(asked(site).toSorted(), [...all, "/t.css"])
        assert.strictEqual(
          fs.readFileSync(join(directory, `127.0.0.1+${site.port}`, "b.html"), "utf8"),
          page("/a.html")
        )
      }
    )
  )

  it.effect("stops at the depth, counting what a page needs to be shown as the page itself", () =>
    withSite(
      {
        files: {
          "/0.html": page("/1.html"),
          "/1.html": `${page("/2.html")}<link rel=stylesheet href="/1.css">`,
          "/1.css": "a { background: url(1.png) }",
          "/1.png": "png",
          "/2.html": page("/3.html")
        }
      },
      async (site) => {
        assert.deepStrictEqual(paths(await crawl([site.url("/0.html")], { rules: { depth: 1 } })), [
          "/0.html",
          "/1.css",
          "/1.html",
          "/1.png"
        ])
        assert.deepStrictEqual(paths(await crawl([site.url("/0.html")], { rules: { depth: 0 } })), ["/0.html"])
      }
    )
  )

  it.effect("follows the links of a page that was found by a longer way first, as far as its shortest way allows", () =>
    withSite(
      {
        files: {
          "/seed.html": page("/1.html", "/hold/gate/tree/1/9/0"),
          "/1.html": page("/2.html"),
          "/2.html": page("/3.html"),
          "/3.html": page("/tree/1/9/0/0")
        }
      },
      async (site) => {
        const found: Array<string> = []
        const options = { directory: folder(), robots: false }
        for await (const { url } of Crawl.crawl([site.url("/seed.html")], { depth: 4 }, options)) {
          const { pathname } = new URL(url)
          found.push(pathname)
          // the short way opens when the page at the end of the long one is saved
          if (pathname === "/tree/1/9/0/0") site.release("gate")
        }
        assert.deepStrictEqual(found.slice(0, 5), ["/seed.html", "/1.html", "/2.html", "/3.html", "/tree/1/9/0/0"])
        // at depth 1, 2, 3, 3 and 4
        const near = ["/hold/gate/tree/1/9/0", "/tree/1/9", "/tree/1/9/0", "/tree/1/9/0/0/0", "/tree/1/9/0/0/0/0"]
        assert.sameMembers(found.slice(5), near)
        assert.strictEqual(new Set(asked(site)).size, asked(site).length)
      }
    )
  )

  it.effect("stays in its scope: host, path, patterns; pictures may lie elsewhere", () =>
    withSite({ hosts: ["127.0.0.1", "127.0.0.2"] }, async (site) => {
      const other = (path: string) => site.url(path, { host: "127.0.0.2" })
      site.put(
        "/docs/index.html",
        `${page("a.html", "b-old.html", "/top.html", other("/far.html"))}<img src="${other("/p.png")}">`
      )
      for (const path of ["/docs/a.html", "/docs/b-old.html", "/top.html", "/far.html", "/p.png"]) site.put(path, "x")
      const seed = site.url("/docs/index.html")
      assert.deepStrictEqual(paths(await crawl([seed], {})), [
        "/docs/a.html",
        "/docs/b-old.html",
        "/docs/index.html",
        "/p.png",
        "/top.html"
      ])
      assert.deepStrictEqual(paths(await crawl([seed], { rules: { scope: "path", exclude: [/-old/] } })), [
        "/docs/a.html",
        "/docs/index.html",
        "/p.png"
      ])
      assert.deepStrictEqual(paths(await crawl([seed], { rules: { include: [/top/], exclude: [/\.png$/] } })), [
        "/docs/index.html",
        "/top.html"
      ])
      assert.deepStrictEqual(
        paths(await crawl([seed, other("/far.html")], { rules: { exclude: [/docs.+docs|top/] } })).length,
        5
      )
    })
  )

  it.effect("does not follow a redirect out of its scope", () =>
    withSite(
      {
        hosts: ["127.0.0.1", "127.0.0.2"],
        files: { "/index.html": page("/away", "/near"), "/far.html": "x", "/here.html": "x" }
      },
      async (site) => {
        const far = site.url("/far.html", { host: "127.0.0.2" })
        site.put("/away", { status: 302, headers: { location: far } })
        site.put("/near", { status: 302, headers: { location: "/here.html" } })
        const outcomes = await crawl([site.url("/index.html")], {})
        assert.deepStrictEqual(paths(outcomes), ["/index.html", "/near"])
        const refused = outcomes.find((outcome) => outcome._tag === "Refused")!
        assert.deepStrictEqual(refused.error, {
          reason: "OutOfScope",
          message: `redirects to ${far}, which is out of scope`
        })
        assert.strictEqual(site.count("/far.html"), 0)
      }
    )
  )

  it.effect("obeys robots.txt and nofollow, unless it is told not to", () =>
    withSite(
      {
        files: {
          "/robots.txt": "User-agent: *\nDisallow: /private/",
          "/index.html": `${page("/private/a.html", "/b.html")}<a rel=nofollow href="/c.html">c</a><a href="/header.html">h</a>`,
          "/b.html": `<meta name=robots content=nofollow>${page("/d.html")}<img src="/p.png">`,
          "/header.html": {
            headers: { "x-robots-tag": "nofollow", "content-type": "text/html" },
            body: page("/e.html")
          },
          "/private/a.html": "x",
          "/c.html": "x",
          "/d.html": "x",
          "/e.html": "x",
          "/p.png": "x"
        }
      },
      async (site) => {
        const polite = await crawl([site.url("/index.html")], {})
        assert.deepStrictEqual(paths(polite), ["/b.html", "/header.html", "/index.html", "/p.png"])
        assert.deepStrictEqual(paths(polite, "Refused"), ["/private/a.html"])
        assert.strictEqual(paths(await crawl([site.url("/index.html")], { robots: false })).length, 8)
      }
    )
  )

  it.effect("goes on where it stopped, and asks for nothing that was saved again", () =>
    withSite(
      {
        respond: ({ path }) => {
          const number = Number(/^\/(\d+)\.html$/.exec(path)?.[1] ?? Number.NaN)
          return number < 100 ? page(...[1, 2, 7].map((step) => `/${(number + step) % 100}.html`)) : undefined
        }
      },
      async (site) => {
        const directory = folder()
        const saved = new Set<string>()
        for (;;) {
          const before = site.requests.length
          const outcomes = await crawl([site.url("/0.html")], { directory, take: 10, jobs: 3 })
          if (outcomes.length === 0) break
          const again = site.requests.slice(before).filter(({ path }) => saved.has(path))
          assert.deepStrictEqual(again, [])
          for (const path of paths(outcomes)) saved.add(path)
        }
        assert.strictEqual(fs.readdirSync(join(directory, `127.0.0.1+${site.port}`)).length, 100)
        assert.strictEqual(new Set(asked(site)).size, 100)
      }
    )
  )

  it.effect("has what was fetched by itself meanwhile, and follows its links", () =>
    withSite(
      { files: { "/": page("/x.html"), "/x.html": page("/y.html"), "/y.html": page("/z.html", "/x.html") } },
      async (site) => {
        const directory = folder()
        const get = async (...urls: ReadonlyArray<string>) => {
          const outcomes: Array<Outcome> = []
          for await (const outcome of Get.get(urls, { directory, retries: 0, refresh: true })) outcomes.push(outcome)
          return outcomes.map(({ _tag }) => _tag)
        }
        const seeds = [site.url("/")]
        assert.deepStrictEqual(paths(await crawl(seeds, { directory, rules: { maxPages: 1 } })), ["/"])
        assert.deepStrictEqual(await get(site.url("/x.html")), ["Saved"])
        const rest = await crawl(seeds, { directory })
        assert.deepStrictEqual(
          [paths(rest, "Unchanged"), paths(rest), paths(rest, "Failed")],
          [[], ["/y.html"], ["/z.html"]]
        )
        // what it failed with, and what it has saved
        assert.deepStrictEqual(await get(site.url("/z.html")), ["Failed"])
        site.put("/y.html", page("/new.html"))
        assert.deepStrictEqual(await get(site.url("/y.html")), ["Saved"])
        const more = await crawl(seeds, { directory })
        assert.deepStrictEqual(
          [paths(more, "Unchanged"), paths(more), paths(more, "Failed")],
          [[], [], ["/new.html", "/z.html"]]
        )
      }
    )
  )

  it.effect("reads what was fetched by itself before, and does not ask for it again", () =>
    withSite(
      { files: { "/": page("/x.html"), "/x.html": page("/y.html"), "/y.html": page("/x.html") } },
      async (site) => {
        for (const fetched of ["/", "/x.html"]) {
          const directory = folder()
          await Effect.runPromise(Stream.runDrain(Get.outcomes([site.url(fetched)], { directory })))
          site.reset()
          const found = paths(await crawl([site.url("/")], { directory }))
          assert.sameMembers([fetched, ...found], ["/", "/x.html", "/y.html"])
          assert.isEmpty(site.requests.filter(({ path }) => path === fetched))
        }
      }
    )
  )

  it.effect("asks conditionally by refresh, and finds what pages link to now, the unchanged ones too", () =>
    withSite(
      { files: { "/index.html": page("/a.html"), "/a.html": page("/b.html"), "/b.html": "x" } },
      async (site) => {
        const directory = folder()
        await crawl([site.url("/index.html")], { directory })
        site.put("/b.html", page("/c.html"))
        site.put("/c.html", "x")
        const outcomes = await crawl([site.url("/index.html")], { directory, refresh: true })
        assert.deepStrictEqual(paths(outcomes, "Unchanged"), ["/a.html", "/index.html"])
        assert.deepStrictEqual(paths(outcomes), ["/b.html", "/c.html"])
      }
    )
  )

  it.effect("goes on with a refresh that was stopped, and begins another one when it is done", () => {
    const names = Array.from({ length: 100 }, (_, index) => `/${index}.html`)
    const files = Object.fromEntries(names.map((name) => [name, ""]))
    return withSite({ files: { "/": page(...names), ...files }, latencyMs: 5 }, async (site) => {
      const directory = folder()
      const refresh = async (take: number) => {
        site.reset()
        const outcomes = await crawl([site.url("/")], { directory, refresh: true, take, jobs: 4 })
        return { told: paths(outcomes, "Unchanged"), asked: asked(site) }
      }
      assert.lengthOf(await crawl([site.url("/")], { directory }), 101)
      const stopped = await refresh(30)
      const rest = await refresh(Infinity)
      assert.lengthOf(stopped.told, 30)
      assert.deepStrictEqual(
        stopped.told.filter((path) => rest.asked.includes(path)),
        []
      )
      assert.strictEqual(new Set([...stopped.asked, ...rest.asked]).size, 101)
      assert.lengthOf((await refresh(Infinity)).told, 101)
    })
  })

  it.effect("fetches by refresh what is not there any more or has another length, and follows its links", () =>
    withSite(
      {
        files: { "/": `${page("/a.html")}<img src="/p.png">`, "/a.html": page("/b.html"), "/b.html": "", "/p.png": "p" }
      },
      async (site) => {
        const directory = folder()
        const seeds = [site.url("/")]
        const all = ["/", "/a.html", "/b.html", "/p.png"]
        assert.deepStrictEqual(paths(await crawl(seeds, { directory })), all)
        const files = join(directory, `127.0.0.1+${site.port}`)
        fs.rmSync(join(files, "a.html"))
        fs.writeFileSync(join(files, "p.png"), "more")
        const again = await crawl(seeds, { directory, refresh: true })
        assert.deepStrictEqual(
          [paths(again), paths(again, "Unchanged")],
          [
            ["/a.html", "/p.png"],
            ["/", "/b.html"]
          ]
        )
        assert.strictEqual(fs.readFileSync(join(files, "p.png"), "utf8"), "p")
        assert.isTrue(fs.existsSync(join(files, "a.html")))
      }
    )
  )

  it.effect("finds in what it saved the links that it found when it came, in the encoding that its server told", () =>
    withSite(
      {
        respond: ({ path, headers }) => {
          if (headers["if-none-match"] !== undefined) return { status: 304 }
          const body = path === "/index.html" ? Buffer.from('<a href="/\xe6">', "latin1") : "x"
          return { headers: { "content-type": "text/html; charset=windows-1251", etag: '"1"' }, body }
        }
      },
      async (site) => {
        const directory = folder()
        const seeds = [site.url("/index.html")]
        await crawl(seeds, { directory, rules: { depth: 0 }, robots: false })
        await crawl(seeds, { directory, rules: { depth: 1 }, robots: false })
        assert.deepStrictEqual(asked(site), ["/index.html", "/%D0%B6"])
        const outcomes = await crawl(seeds, { directory, rules: { depth: 1 }, robots: false, refresh: true })
        assert.deepStrictEqual(paths(outcomes, "Unchanged"), ["/%D0%B6", "/index.html"])
        assert.strictEqual(outcomes.length, 2)
      }
    )
  )

  it.effect("reads the links of coded and of archived pages", () =>
    withSite(
      {
        files: {
          "/index.html": page("/encoded/gzip/5000/x.html", "/a.html"),
          "/a.html": page("/b.html"),
          "/b.html": "x"
        }
      },
      async (site) => {
        const outcomes = await crawl([site.url("/index.html")], { format: "warc" })
        assert.deepStrictEqual(paths(outcomes), ["/a.html", "/b.html", "/encoded/gzip/5000/x.html", "/index.html"])
      }
    )
  )

  it.effect("saves no more than it may", () =>
    withSite(
      { respond: ({ path }) => page(`${path.slice(0, -5)}x.html`, `${path.slice(0, -5)}y.html`) },
      async (site) => {
        const directory = folder()
        const rules = { maxPages: 25 }
        const seeds = [site.url("/s.html")]
        assert.strictEqual(paths(await crawl(seeds, { directory, rules, robots: false })).length, 25)
        assert.strictEqual((await crawl(seeds, { directory, rules, robots: false })).length, 0)
        assert.strictEqual((await crawl(seeds, { directory, rules: { maxPages: 30 }, robots: false })).length, 5)
      }
    )
  )

  for (const rules of [{ maxPages: 3 }, { maxPagesPerHost: 3 }])
    it(`saves another for a body that gets no place as it is committed, with ${Object.keys(rules)[0]}`, async () => {
      const memory = MemorySink.make()
      let synced = 0
      const sink: Sink["Service"] = {
        ...memory.sink,
        sync: () => {
          const failed = [...memory.bodies.keys()].slice(synced).filter((path) => /[ab]\.data$/.test(path))
          synced = memory.bodies.size
          const faults = failed.map((path) => [path, new WriteError({ path, code: "EIO" })] as const)
          return Effect.succeed({ placed: new Map(), failed: new Map(faults), archives: [], captures: [] })
        }
      }
      const session = StubSession.make(({ url }) =>
        new URL(url).pathname === "/robots.txt"
          ? { status: 404 }
          : { headers: { "content-type": "text/html" }, body: page("/a", "/b", "/c", "/d", "/e", "/f") }
      )
      const outcomes = await Crawl.outcomes(["http://a.test/"], rules, { directory: folder(), jobs: 1 }).pipe(
        Stream.provideService(Sink, sink),
        Stream.provideService(Session, session),
        Stream.runCollect,
        Effect.runPromise
      )
      assert.deepStrictEqual([paths(outcomes).length, paths(outcomes, "Failed").length], [3, 2])
    })

  it.effect("saves no more of a host than it may, and another of it for each that failed", () =>
    withSite(
      {
        respond: ({ path }) =>
          /[23]x*\.html$/.test(path)
            ? { status: 404 }
            : page(...["1", "2", "3", "4", "5"].map((name) => `${path.slice(0, -5)}${name}.html`))
      },
      async (site) => {
        const directory = folder()
        const port = new URL(site.url("/")).port
        const seeds = [site.url("/s.html"), `http://localhost:${port}/t.html`]
        const go = async (rules: Partial<Crawl.Rules>) => {
          const saved = (await crawl(seeds, { directory, rules, robots: false })).filter(({ _tag }) => _tag === "Saved")
          return ["127.0.0.1", "localhost"].map(
            (name) => saved.filter(({ url }) => new URL(url).hostname === name).length
          )
        }
        assert.deepStrictEqual(await go({ maxPagesPerHost: 7 }), [7, 7])
        assert.deepStrictEqual(await go({ maxPagesPerHost: 7 }), [0, 0])
        const beyond = await left(directory)
        assert.isAbove(beyond.length, 0)
        for (const limit of beyond) assert.deepStrictEqual(limit, { by: "maxPagesPerHost", most: 7 })
        assert.deepStrictEqual(await go({ maxPagesPerHost: 9 }), [2, 2])
        assert.deepStrictEqual(await go({ maxPages: 20 }).then(([a = 0, b = 0]) => a + b), 2)
        for (const limit of await left(directory)) assert.deepStrictEqual(limit, { by: "maxPages", most: 20 })
      }
    )
  )

  it.effect("asks first for what matters most, and by other priorities goes on with what it has", () =>
    withSite(
      {
        files: {
          "/index.html": page("/a.html", "/docs/b.html", "/c.pdf", "/docs/d.html", "/e.html"),
          "/docs/b.html": page("/docs/deep.html"),
          "/docs/deep.html": "x",
          "/a.html": "x",
          "/c.pdf": "x",
          "/docs/d.html": "x",
          "/e.html": "x"
        }
      },
      async (site) => {
        const seeds = [site.url("/index.html")]
        const directory = folder()
        const options = { directory, robots: false, jobs: 1, perHost: 1 }
        const priorities = [
          { pattern: /\/docs\//u, value: 10 },
          { pattern: /\.pdf$/u, value: -1 }
        ]
        await crawl(seeds, { ...options, rules: { priorities, maxPages: 3 } })
        assert.deepStrictEqual(asked(site), ["/index.html", "/docs/b.html", "/docs/d.html"])
        await crawl(seeds, { ...options, rules: { priorities: [{ pattern: /pdf/u, value: 3 }], maxPages: 4 } })
        assert.deepStrictEqual(asked(site).slice(3), ["/c.pdf"])
        await crawl(seeds, { ...options, rules: { priorities: [{ pattern: /deep/u, value: 1 }], maxPages: 5 } })
        assert.deepStrictEqual(asked(site).slice(4), ["/docs/deep.html"])
        await crawl(seeds, options)
        assert.deepStrictEqual(asked(site).slice(5).toSorted(), ["/a.html", "/e.html"])
      }
    )
  )

  it.effect("sends the user's headers and credentials to the seeds' origins alone", () =>
    withSite({ hosts: ["127.0.0.1", "127.0.0.2"] }, async (site) => {
      const other = site.url("/p.png", { host: "127.0.0.2" })
      site.put("/index.html", `${page("/a.html")}<img src="${other}"><img src="${other.replace("//", "//u:p@")}?2">`)
      site.put("/a.html", "x")
      site.put("/p.png", "x")
      const headers = [["x-secret", "1"]] as const
      await crawl([site.url("/index.html", { userinfo: "me:word" })], { headers })
      const secrets = site.requests
        .filter(({ path }) => path !== "/robots.txt")
        .map(({ path, headers }) => [path, headers["x-secret"], headers.authorization])
      const mine = `Basic ${btoa("me:word")}`
      assert.sameDeepMembers(secrets, [
        ["/a.html", "1", mine],
        ["/index.html", "1", mine],
        ["/p.png", undefined, undefined],
        ["/p.png?2", undefined, undefined]
      ])
    })
  )

  it.effect("lets no page lead it to a private address, unless a seed has one", () =>
    withSite({ files: { "/index.html": page("/a.html"), "/a.html": "x" } }, async (site) => {
      const outcomes = await crawl([site.url("/index.html")], { rules: { denyPrivate: true }, robots: false })
      assert.deepStrictEqual(paths(outcomes, "Failed"), ["/index.html"])
      assert.strictEqual(site.requests.length, 0)
      assert.strictEqual(paths(await crawl([site.url("/index.html")], {})).length, 2)
    })
  )

  it.effect("lets no page of a private site lead it to the metadata service of a cloud", () =>
    withSite({}, async (site) => {
      const addresses = [
        "http://169.254.169.254/latest/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/"
      ]
      site.put("/index.html", `${addresses.map((url) => `<img src="${url}a.png">`).join("")}<img src="/b.png">`)
      site.put("/b.png", "x")
      const outcomes = await crawl([site.url("/index.html")], { robots: false })
      assert.deepStrictEqual(paths(outcomes), ["/b.png", "/index.html"])
      const reasons = outcomes.flatMap((outcome) => (outcome._tag === "Failed" ? [outcome.error._tag] : []))
      assert.deepStrictEqual(reasons, ["AddressError", "AddressError", "AddressError"])
    })
  )

  it.effect("takes the URLs of one page for one", () =>
    withSite(
      {
        files: {
          "/index.html": page("/a.html?utm_source=x", "/a.html?", "/a.html", "/a.html;jsessionid=1"),
          "/a.html": "x"
        }
      },
      async (site) => {
        assert.strictEqual((await crawl([site.url("/index.html")], {})).length, 2)
        assert.strictEqual(asked(site).length, 2)
      }
    )
  )

  it.effect("says of a page that is too long to be read to the end that later links are not followed", () =>
    withSite(
      {
        files: {
          "/index.html": `${page("/a.html")}${" ".repeat(16 << 20)}${page("/b.html")}`,
          "/a.html": "x",
          "/b.html": "x"
        }
      },
      async (site) => {
        const directory = folder()
        const cut = (outcomes: ReadonlyArray<Outcome>) =>
          outcomes.map((outcome) => `${new URL(outcome.url).pathname} ${"linksCut" in outcome}`).toSorted()
        const told = cut(await crawl([site.url("/index.html")], { directory }))
        assert.deepStrictEqual(told, ["/a.html false", "/index.html true"])
        const kept = await Effect.flatMap(Directory.read(directory), ({ entries }) => Stream.runCollect(entries)).pipe(
          Effect.scoped,
          Effect.runPromise
        )
        assert.deepStrictEqual(cut(kept.flatMap((entry) => ("outcome" in entry ? [entry.outcome] : []))), told)
      }
    )
  )

  for (const [how, options] of [
    ["", {}],
    [", before they have their names", { durability: "power" }],
    [", before they are archived", { format: "warc" }]
  ] as const)
    it.effect(`starts from the sitemaps that robots.txt names, gzipped ones and those in an index too${how}`, () =>
      withSite(
        { files: { "/index.html": "x", "/a.html": page("/c.html"), "/b.html": "x", "/c.html": "x" } },
        async (site) => {
          const urls = (root: string, of: string, ...paths: ReadonlyArray<string>) =>
            `<${root}>${paths.map((path) => `<${of}><loc>${site.url(path)}</loc></${of}>`).join("")}</${root}>`
          site.put("/robots.txt", `Sitemap: ${site.url("/index.xml")}`)
          site.put("/index.xml", urls("sitemapindex", "sitemap", "/sitemap-1.xml.gz"))
          site.put("/sitemap-1.xml.gz", gzipSync(urls("urlset", "url", "/a.html", "/b.html")))
          const rules = { sitemaps: true, depth: 0 }
          const outcomes = await crawl([site.url("/index.html")], { rules, ...options })
          assert.deepStrictEqual(paths(outcomes), [
            "/a.html",
            "/b.html",
            "/index.html",
            "/index.xml",
            "/robots.txt",
            "/sitemap-1.xml.gz"
          ])
        }
      )
    )

  it.effect(
    "reads what is archived without its codings: sitemaps at once, pages by wider rules, both after a 304",
    () =>
      withSite({ files: { "/index.html": "x", "/c.html": "x", "/d.html": "x" } }, async (site) => {
        const codings = { br: brotliCompressSync, deflate: deflateSync, gzip: gzipSync }
        const put = (path: string, coding: keyof typeof codings, text: string) =>
          site.put(path, {
            headers: { "content-encoding": coding, "content-type": path.endsWith("html") ? "text/html" : "text/plain" },
            body: codings[coding](text)
          })
        put("/robots.txt", "br", `Sitemap: ${site.url("/index.xml")}`)
        put(
          "/index.xml",
          "deflate",
          `<sitemapindex><sitemap><loc>${site.url("/map.xml")}</loc></sitemap></sitemapindex>`
        )
        put("/map.xml", "br", `<urlset><url><loc>${site.url("/a.html")}</loc></url></urlset>`)
        put("/a.html", "gzip", page("/c.html"))
        const directory = folder()
        const run = async (rules: Partial<Crawl.Rules>, refresh = false) =>
          paths(
            await crawl([site.url("/index.html")], {
              rules: { sitemaps: true, ...rules },
              directory,
              format: "warc",
              refresh
            })
          )
        const first = ["/a.html", "/index.html", "/index.xml", "/map.xml", "/robots.txt"]
        assert.deepStrictEqual(await run({ depth: 0 }), first)
        assert.deepStrictEqual(await run({ depth: 1 }), ["/c.html"])
        put("/robots.txt", "br", `Sitemap: ${site.url("/index.xml")}\n# another`)
        assert.deepStrictEqual(await run({ depth: 1 }, true), ["/robots.txt"])
      })
  )

  it.effect("reads a sitemap whatever it is called and comes as, and a page that is XML as a page", () =>
    withSite({ files: { "/index.html": "x", "/a.html": "x", "/b.html": "x" } }, async (site) => {
      site.put("/robots.txt", `Sitemap: ${site.url("/urls.txt")}\nSitemap: ${site.url("/map.gz")}`)
      site.put("/urls.txt", site.url("/a.html"))
      site.put("/map.gz", gzipSync(`<urlset><url><loc>${site.url("/page.xhtml")}</loc></url></urlset>`))
      site.put("/page.xhtml", { headers: { "content-type": "application/xhtml+xml" }, body: page("/b.html") })
      const outcomes = await crawl([site.url("/index.html")], { rules: { sitemaps: true } })
      assert.includeMembers(paths(outcomes), ["/a.html", "/b.html", "/page.xhtml"])
    })
  )

  it.effect("takes nothing that a seed needs to be shown for a sitemap", () =>
    withSite(
      { files: { "/index.html": `<script src="/list.txt"></script>`, "/robots.txt": "", "/a.html": "x" } },
      async (site) => {
        site.put("/list.txt", site.url("/a.html"))
        const outcomes = await crawl([site.url("/index.html")], { rules: { sitemaps: true } })
        assert.deepStrictEqual(paths(outcomes), ["/index.html", "/list.txt", "/robots.txt"])
      }
    )
  )

  it.effect("comes to an end where indexes of sitemaps name further ones, and themselves", () =>
    withSite(
      {
        respond: ({ path }) => {
          const index = Number(/^\/index-(\d+)\.xml$/.exec(path)?.[1] ?? Number.NaN)
          if (Number.isNaN(index)) return path === "/robots.txt" ? { status: 404 } : "x"
          const locations = [path, `/index-${index + 1}.xml`, `/page-${index}.html`]
          return `<sitemapindex>${locations.map((loc) => `<sitemap><loc>${loc}</loc></sitemap>`).join("")}</sitemapindex>`
        }
      },
      async (site) => {
        site.put("/robots.txt", "Sitemap: /index-1.xml")
        const outcomes = await crawl([site.url("/start.html")], { rules: { sitemaps: true } })
        const indexes = [1, 2, 3, 4].map((index) => `/index-${index}.xml`)
        const pages = [1, 2, 3].map((index) => `/page-${index}.html`)
        assert.deepStrictEqual(paths(outcomes), [...indexes, ...pages, "/robots.txt", "/start.html"])
      }
    )
  )

  it.effect(
    "tells of the first of those sitemaps that it does not read, and reads it where another way leads to it",
    () =>
      withSite({ files: { "/start.html": "x", "/page.html": "x", "/beside.html": "x" } }, async (site) => {
        const urls = (root: string, of: string, ...paths: ReadonlyArray<string>) =>
          `<${root}>${paths.map((path) => `<${of}><loc>${site.url(path)}</loc></${of}>`).join("")}</${root}>`
        const index = (...paths: ReadonlyArray<string>) => urls("sitemapindex", "sitemap", ...paths)
        site.put("/robots.txt", "Sitemap: /1.xml")
        for (const level of [1, 2, 3]) site.put(`/${level}.xml`, index(`/${level + 1}.xml`))
        site.put("/4.xml", index("/4.xml", "/private.xml", "/5.xml", "/beside.xml"))
        site.put("/5.xml", urls("urlset", "url", "/page.html"))
        site.put("/beside.xml", urls("urlset", "url", "/beside.html"))
        const directory = folder()
        const given = { directory, rules: { sitemaps: true, exclude: [/private/] } }
        const outcomes = await crawl([site.url("/start.html")], given)
        assert.deepStrictEqual(
          outcomes.flatMap((one) => (one._tag === "Refused" ? [{ url: one.url, error: one.error }] : [])),
          [
            {
              url: site.url("/5.xml"),
              error: { reason: "TooManySitemaps", message: "sitemaps from here on: too many in a row" }
            }
          ]
        )
        assert.deepStrictEqual(await crawl([site.url("/start.html")], given), [], "known by the next run")
        const further = await crawl([site.url("/start.html"), site.url("/5.xml")], given)
        assert.deepStrictEqual(paths(further), ["/5.xml", "/page.html"])
      })
  )

  it.effect(
    "comes to an end where sets of URLs and lists name further ones as their pages, by name and by type",
    () => {
      let origin = ""
      return withSite(
        {
          respond: ({ path }) => {
            const [, name, number, type] = /^\/(sitemap-|x)(\d+)\.(xml|txt)$/.exec(path) ?? []
            if (name === undefined) return path === "/robots.txt" ? { status: 404 } : "x"
            const urls = [`${origin}/${name}${Number(number) + 1}.${type}`, `${origin}/${name}${number}.html`]
            if (type === "txt") return { headers: { "content-type": "text/plain" }, body: urls.join("\n") }
            const set = `<urlset>${urls.map((url) => `<url><loc>${url}</loc></url>`).join("")}</urlset>`
            return { headers: { "content-type": "application/xml" }, body: set }
          }
        },
        async (site) => {
          origin = site.url("")
          const asked = async (first: string) => {
            site.put("/robots.txt", `Sitemap: ${first}`)
            const outcomes = await crawl([site.url("/start.html")], { rules: { sitemaps: true, maxPages: 50 } })
            return paths(outcomes).filter((path) => !/robots|start/.test(path))
          }
          const named = [1, 2, 3, 4].map((number) => `/sitemap-${number}`)
          for (const type of ["xml", "txt"])
            assert.sameMembers(await asked(`/sitemap-1.${type}`), [
              ...named.map((name) => `${name}.${type}`),
              ...named.map((name) => `${name}.html`)
            ])
          // what is no sitemap by its name is the page that it was named as
          assert.sameMembers(await asked("/x1.xml"), ["/x1.html", "/x1.xml", "/x2.xml"])
        }
      )
    }
  )

  it.effect("stops where pages have no end, says why, and goes on there where it is told to", () =>
    withSite(
      {
        respond: ({ path }) => {
          const month = Number(/^\/calendar\/(\d+)\.html$/.exec(path)?.[1] ?? Number.NaN)
          if (month < 400)
            return `<p>No events in month ${month} of a calendar that knows no end, and has no events at all</p>${page(`/calendar/${month + 1}.html`)}`
          return path === "/index.html" ? page("/calendar/1.html", "/last.html") : undefined
        }
      },
      async (site) => {
        site.put("/last.html", "x")
        const directory = folder()
        const seeds = [site.url("/index.html")]
        const outcomes = await crawl(seeds, { directory, robots: false })
        assert.include(paths(outcomes), "/last.html")
        const [refused, ...others] = outcomes.filter(({ _tag }) => _tag === "Refused")
        assert.deepStrictEqual([refused!.url, others], [site.url("/calendar/129.html"), []])
        assert.deepStrictEqual("error" in refused! && refused.error, {
          reason: "Trap",
          message: `${site.url("/calendar/#.html")} has no end: 128 pages of it had 1 different contents, and led to more of them`
        })
        const before = site.requests.length
        assert.strictEqual((await crawl(seeds, { directory, robots: false })).length, 1)
        assert.strictEqual(site.requests.length, before, "known by the next run")
        const rules = { traps: false, maxPages: 300 }
        assert.strictEqual(paths(await crawl(seeds, { directory, rules, robots: false })).length, 300 - 130)
      }
    )
  )

  it.effect(
    "leaves out what earlier rules had queued and those of now do not let in, and takes it again when they do",
    () =>
      withSite(
        {
          files: {
            "/0.html": `${page("/1.html", "/old/a.html", "/old/b.html")}<img src="/old/p.png">`,
            "/1.html": page("/2.html"),
            "/2.html": page("/3.html"),
            "/3.html": "x",
            "/old/a.html": "x",
            "/old/b.html": "x",
            "/old/p.png": "png"
          }
        },
        async (site) => {
          const directory = folder()
          const go = async (rules: Partial<Crawl.Rules>) => {
            const outcomes = await crawl([site.url("/0.html")], { directory, rules })
            const refused = outcomes.flatMap((one) => (one._tag === "Refused" ? [one] : []))
            return {
              saved: paths(outcomes),
              refused: refused.map(({ url, error }) => `${new URL(url).pathname} ${error.message}`).toSorted()
            }
          }
          assert.deepStrictEqual((await go({ maxPages: 1 })).saved, ["/0.html"])
          assert.deepStrictEqual(await go({ exclude: [/old\/.*html/], depth: 1 }), {
            saved: ["/1.html", "/old/p.png"],
            refused: ["/old/a.html excluded by old/.*html", "/old/b.html excluded by old/.*html"]
          })
          assert.deepStrictEqual(await go({ exclude: [/old\/.*html/], depth: 1 }), { saved: [], refused: [] })
          assert.strictEqual(asked(site).length, 3)
          assert.deepStrictEqual(await go({ exclude: [/old\/a/], depth: 1 }), { saved: ["/old/b.html"], refused: [] })
          assert.deepStrictEqual(await go({}), { saved: ["/2.html", "/3.html", "/old/a.html"], refused: [] })
        }
      )
  )

  it.effect("asks first for what a sitemap puts higher, or says to be new, and for what the user does before all", () =>
    withSite(
      {
        files: {
          "/robots.txt": "Sitemap: /sitemap.xml",
          "/index.html": page(),
          "/sitemap.xml": `<urlset>
            <url><loc>/low.html</loc><priority>0.1</priority></url>
            <url><loc>/plain.html</loc></url>
            <url><loc>/new.html</loc><lastmod>${new Date().toISOString()}</lastmod></url>
            <url><loc>/high.html</loc><priority>0.9</priority></url>
            <url><loc>/asked.html</loc><priority>0.0</priority></url>
          </urlset>`
        },
        respond: () => page()
      },
      async (site) => {
        const rules = { sitemaps: true, priorities: [{ pattern: /asked/u, value: 1 }] }
        await crawl([site.url("/index.html")], { rules, jobs: 1, perHost: 1 })
        const pages = asked(site).filter((path) => /^\/(?!index).*html$/.test(path))
        assert.deepStrictEqual(pages, ["/asked.html", "/high.html", "/new.html", "/plain.html", "/low.html"])
      }
    )
  )

  it.effect("asks in another order as soon as it is told to", () =>
    Effect.promise(async () => {
      const order: Array<string> = []
      let change!: () => void
      const isAsked = new Promise<void>((resolve) => (change = resolve))
      let goOn!: () => void
      const isChanged = new Promise<void>((resolve) => (goOn = resolve))
      const server = createServer(async ({ url = "" }, response) => {
        order.push(url)
        if (url === "/a.html") {
          change()
          await isChanged
        }
        response.setHeader("content-type", "text/html")
        response.end(url === "/" ? page("/a.html", "/b.html", "/c.html", "/docs/d.html", "/e.html") : "x")
      })
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      const directory = folder()
      const { port } = server.address() as AddressInfo
      const ended = crawl([`http://127.0.0.1:${port}/`], {
        directory,
        robots: false,
        jobs: 1,
        perHost: 1,
        timeoutMs: 60_000
      })
      await isAsked
      const priorities = [{ pattern: String(/docs/u), value: 5 }]
      const told = await Effect.runPromise(
        Stream.runCollect(ControlSocket.send(directory, { _tag: "Scope", change: { priorities } }))
      )
      assert.deepInclude(told.at(-1), { _tag: "Scope", priorities })
      goOn()
      assert.strictEqual((await ended).length, 6)
      server.close()
      assert.deepStrictEqual(order, ["/", "/a.html", "/docs/d.html", "/b.html", "/c.html", "/e.html"])
    })
  )

  it.effect("keeps what asks not to be indexed and says so; or does not, and follows its links all the same", () =>
    withSite(
      {
        files: {
          "/0.html": page("/meta.html", "/header.pdf", "/other.html"),
          "/meta.html": `<meta name=robots content=noindex>${page("/leaf.html")}`,
          "/header.pdf": { body: "pdf", headers: { "content-type": "application/pdf", "x-robots-tag": "noindex" } },
          "/other.html": { body: "x", headers: { "content-type": "text/html", "x-robots-tag": "otherbot: noindex" } },
          "/leaf.html": "x"
        }
      },
      async (site) => {
        const seeds = [site.url("/0.html")]
        const directory = folder()
        const marked = (outcomes: ReadonlyArray<Outcome>) =>
          paths(outcomes.filter((one) => "noindex" in one && one.noindex))
        const kept = await crawl(seeds, { directory })
        assert.deepStrictEqual(paths(kept), ["/0.html", "/header.pdf", "/leaf.html", "/meta.html", "/other.html"])
        assert.deepStrictEqual(marked(kept), ["/header.pdf", "/meta.html"])
        const again = await crawl(seeds, { directory, refresh: true })
        assert.deepStrictEqual(
          again.flatMap((one) => ("noindex" in one ? [`${one._tag} ${new URL(one.url).pathname}`] : [])).toSorted(),
          ["Unchanged /header.pdf", "Unchanged /meta.html"]
        )

        const other = folder()
        const skipped = await crawl(seeds, { directory: other, rules: { skipNoindex: true } })
        assert.deepStrictEqual(paths(skipped), ["/0.html", "/leaf.html", "/other.html"])
        assert.deepStrictEqual(paths(skipped, "Refused"), ["/header.pdf", "/meta.html"])
        assert.isFalse(fs.existsSync(join(other, `127.0.0.1+${site.port}`, "meta.html")))
        assert.deepStrictEqual(fs.readdirSync(join(other, ".simul", "parts")), [])
      }
    )
  )

  it.effect("goes deeper or wider by other rules, and asks for nothing that is there", () =>
    withSite(
      {
        files: {
          "/0.html": `${page("/1.html", "/other.html")}<link rel=stylesheet href="/s.css">`,
          "/1.html": page("/2.html"),
          "/2.html": page("/3.html"),
          "/3.html": "x",
          "/other.html": "x",
          "/s.css": "a { background: url(p.png) }",
          "/p.png": "png"
        }
      },
      async (site) => {
        const directory = folder()
        const more = async (rules: Partial<Crawl.Rules>) =>
          paths(await crawl([site.url("/0.html")], { directory, rules }))
        assert.deepStrictEqual(await more({ depth: 1, exclude: [/other/, /png/] }), ["/0.html", "/1.html", "/s.css"])
        assert.deepStrictEqual(await more({ depth: 2, exclude: [/other/] }), ["/2.html", "/p.png"])
        assert.deepStrictEqual(await more({}), ["/3.html", "/other.html"])
        assert.deepStrictEqual(await more({}), [])
        assert.strictEqual(asked(site).length, 7)
      }
    )
  )
})
