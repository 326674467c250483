import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Zlib from "node:zlib"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"
import { Site } from "../src/testing/index.ts"
import * as Folders from "./Folders.ts"
import * as Outcomes from "./Outcomes.ts"

const { root, folder } = Folders.make("robots")

const quick: Partial<Options> = { robots: true, backoffMs: 1, timeoutMs: 1000, retries: 2 }
const { collect, one } = Outcomes.make(() => ({ directory: folder(), ...quick }))
const numbered = (count: number, path = "/bytes/10/") => Array.from({ length: count }, (_, index) => `${path}${index}`)
const ends = (outcomes: ReadonlyArray<Outcome>) =>
  [...new Set(outcomes.map((outcome) => (outcome._tag === "Refused" ? outcome.error.reason : outcome._tag)))].toSorted()
/** Each request comes at the earliest this long after the one before, as far as a busy server can tell: from the start of all. */
const assertApart = (site: Site.Site, startedMs: number, ms: number) => {
  // a timer may fire a little early
  for (const [index, { atMs }] of site.requests.entries()) assert.isAtLeast(atMs - startedMs, index * (ms - 2))
}

const file = "# ours\nUser-agent: *\nAllow: /\nDisallow: /bytes/10/private/\n"

describe("get with robots", () => {
  it("fetches what the file allows, and refuses the rest by its line without a request", async () => {
    await using site = await Site.start({ files: { "/robots.txt": file } })
    const allowed = site.url("/bytes/10/public/a.txt")
    const refused = site.url("/bytes/10/private/a.txt", { userinfo: "user:secret" })
    const outcomes = await collect([allowed, refused])
    const byTag = new Map(outcomes.map((outcome) => [outcome._tag, outcome]))
    assert.strictEqual(byTag.get("Saved")?.url, allowed)
    const { durationMs, ...refusal } = byTag.get("Refused")!
    assert.isAtLeast(durationMs, 0)
    assert.deepStrictEqual<unknown>(refusal, {
      _tag: "Refused",
      url: refused.replace("user:secret", "***"),
      attempts: 0,
      error: {
        reason: "RobotsDisallowed",
        message: `robots.txt line 4 of http://127.0.0.1:${site.port}: Disallow: /bytes/10/private/`
      }
    })
    assert.deepStrictEqual(
      site.requests.map(({ path }) => path),
      ["/robots.txt", "/bytes/10/public/a.txt"]
    )
  })

  it("asks for no robots.txt unless told to", async () => {
    await using site = await Site.start({ files: { "/robots.txt": "User-agent: *\nDisallow: /" } })
    assert.deepStrictEqual(ends(await collect([site.url("/bytes/10/a")], { robots: false })), ["Saved"])
    assert.strictEqual(site.count("/robots.txt"), 0)
  })

  it("asks each host once, before anything else, and keeps to its slots", async () => {
    await using site = await Site.start({ files: { "/robots.txt": file }, latencyMs: 2 })
    const outcomes = await collect(
      numbered(200).map((path) => site.url(path)),
      { perHost: 4 }
    )
    assert.strictEqual(outcomes.length, 200)
    assert.deepStrictEqual(ends(outcomes), ["Saved"])
    assert.strictEqual(site.count("/robots.txt"), 1)
    assert.strictEqual(site.requests[0]!.path, "/robots.txt")
    assert.isAtMost(site.maxInFlight(), 4)
  })

  it("judges each host by its own file", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    await using site = await Site.start({
      hosts,
      respond: ({ host, path }) =>
        path !== "/robots.txt" || host === hosts[2]
          ? undefined
          : `User-agent: *\nDisallow: ${host === hosts[0] ? "/bytes/10/a" : "/bytes/10/b"}`
    })
    const urls = hosts.flatMap((host) => ["a", "b"].map((name) => site.url(`/bytes/10/${name}`, { host })))
    const saved = (await collect(urls)).filter(({ _tag }) => _tag === "Saved").map(({ url }) => url)
    assert.deepStrictEqual(saved.toSorted(), [urls[1]!, urls[2]!, urls[4]!, urls[5]!])
    for (const host of hosts)
      assert.strictEqual(site.requests.filter((seen) => seen.host === host && seen.path === "/robots.txt").length, 1)
  })

  it("takes 404, and redirects without end, for no file", async () => {
    for (const reply of [
      { status: 404, body: "Disallow: /" },
      { status: 403 },
      { status: 302, headers: { location: "/robots.txt" } },
      { status: 404, body: "x".repeat(1_000_000) }
    ]) {
      await using site = await Site.start({ files: { "/robots.txt": reply } })
      assert.deepStrictEqual(ends(await collect(numbered(10).map((path) => site.url(path)))), ["Saved"])
      if (reply.status !== 302) assert.strictEqual(site.count("/robots.txt"), 1)
    }
  })

  it("follows redirects, to another host too, and binds the host that was asked first", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2"]
    await using site = await Site.start({ hosts, files: { "/rules": "User-agent: *\nDisallow: /bytes" } })
    site.put("/robots.txt", { status: 301, headers: { location: "/hop" } })
    site.put("/hop", { status: 302, headers: { location: site.url("/rules", { host: hosts[1]! }) } })
    const outcome = await one(site.url("/bytes/10/a"))
    assert.strictEqual(
      outcome._tag === "Refused" ? outcome.error.message : outcome._tag,
      `robots.txt line 2 of http://${hosts[0]}:${site.port}: Disallow: /bytes`
    )
    assert.strictEqual(site.requests.at(-1)!.host, hosts[1])
  })

  it("undoes content codings, however long the coded file is", async () => {
    const noise = Site.body("/bytes/300000/noise")
      .toString("base64")
      .replaceAll(/.{100}/g, "#$&\n")
    for (const [coding, body] of [
      ["gzip", Zlib.gzipSync(file)],
      ["gzip", Zlib.gzipSync(`#${noise}\n${file}`)],
      ["br", Zlib.brotliCompressSync(file)],
      ["gzip, gzip", Zlib.gzipSync(Zlib.gzipSync(file))]
    ] as const) {
      await using site = await Site.start({
        files: { "/robots.txt": { body, headers: { "content-encoding": coding } } }
      })
      const outcomes = await collect([site.url("/bytes/10/private/a"), site.url("/bytes/10/b")])
      assert.deepStrictEqual(ends(outcomes), ["RobotsDisallowed", "Saved"], coding)
    }
  })

  it("reads 500 KiB of a file and gives up the rest, decoded or not", async () => {
    const comment = `${"#".repeat(99)}\n`
    const early = "User-agent: *\nDisallow: /bytes/10/early\n"
    const body = early + comment.repeat(500_000 / 100) + "Disallow: /bytes/10/in\n" + comment.repeat(200_000)
    const late = `${body}Disallow: /bytes/10/late\n`
    for (const reply of [{ body: late }, { body: Zlib.gzipSync(late), headers: { "content-encoding": "gzip" } }]) {
      await using site = await Site.start({ files: { "/robots.txt": reply } })
      const outcomes = await collect(["early", "in", "late"].map((name) => site.url(`/bytes/10/${name}`)))
      const refused = outcomes
        .filter(({ _tag }) => _tag === "Refused")
        .map(({ url }) => url.slice(url.lastIndexOf("/")))
      assert.deepStrictEqual(refused.toSorted(), ["/early", "/in"])
    }
  })

  it("survives a file that never ends and one that unpacks to gigabytes", async () => {
    for (const location of ["/bomb/gzip/3000000000/robots.txt", "/chunked/300000000/robots.txt"]) {
      await using site = await Site.start({ files: { "/robots.txt": { status: 302, headers: { location } } } })
      assert.deepStrictEqual(ends(await collect([site.url("/bytes/10/a")])), ["Saved"], location)
    }
  })

  it("refuses all of a host whose file cannot be had, after as many tries as a target gets", async () => {
    for (const [path, tries] of [
      ["/status/500/x", 3],
      ["/status/429/x", 3],
      ["/cut/5000/3/x", 3],
      ["/hang-up", 3],
      ["/encoded/mislabelled-gzip/5000/x", 1],
      ["/status/501/x", 1]
    ] as const) {
      await using site = await Site.start({
        files: { "/robots.txt": { status: 302, headers: { location: path } } }
      })
      const outcomes = await collect(numbered(30).map((path) => site.url(path)))
      assert.strictEqual(outcomes.length, 30, path)
      assert.deepStrictEqual(ends(outcomes), ["RobotsUnreachable"], path)
      assert.isTrue(
        outcomes.every(({ attempts }) => attempts === 0),
        path
      )
      assert.strictEqual(site.count("/robots.txt"), tries, path)
      assert.strictEqual(
        site.count(({ path }) => path.startsWith("/bytes")),
        0,
        path
      )
    }
  })

  it("names what kept it from the file", async () => {
    const gone = await Site.start()
    await gone.close()
    const outcome = await one(gone.url("/a"))
    assert.deepStrictEqual(outcome._tag === "Refused" ? outcome.error : undefined, {
      reason: "RobotsUnreachable",
      message: `robots.txt of http://127.0.0.1:${gone.port} cannot be had: cannot talk to 127.0.0.1 (ECONNREFUSED)`
    })
  })

  it("goes on when the file comes after all, and counts no attempt of a target for it", async () => {
    await using site = await Site.start({
      files: { "/robots.txt": { status: 302, headers: { location: "/flaky/2/503/bytes/10/rules.txt" } } }
    })
    const outcomes = await collect(numbered(30).map((path) => site.url(path)))
    assert.deepStrictEqual(ends(outcomes), ["Saved"])
    assert.isTrue(outcomes.every(({ attempts }) => attempts === 1))
    assert.strictEqual(site.count("/robots.txt"), 3)
  })

  it("waits for as long as a host asks for", async () => {
    await using site = await Site.start({
      files: { "/robots.txt": { status: 302, headers: { location: "/retry-after/1/1/503/bytes/10/rules.txt" } } }
    })
    assert.strictEqual((await one(site.url("/bytes/10/a")))._tag, "Saved")
    const [first, second] = site.requests.filter(({ path }) => path === "/robots.txt")
    assert.isAtLeast(second!.atMs - first!.atMs, 900)
  })

  it("keeps the delay from the request for the file on, and the one that the file asks for if it is longer", async () => {
    await using site = await Site.start({ files: { "/robots.txt": `${file}Crawl-delay: 0.1\n` } })
    let startedMs = performance.now()
    await collect(
      numbered(6).map((path) => site.url(path)),
      { delayMs: 10 }
    )
    assert.strictEqual(site.requests.length, 7)
    assertApart(site, startedMs, 100)
    site.put("/robots.txt", `${file}Crawl-delay: 0.001\n`)
    site.reset()
    startedMs = performance.now()
    await collect(
      numbered(5).map((path) => site.url(path)),
      { delayMs: 100 }
    )
    assertApart(site, startedMs, 100)
  })

  it("waits for nothing between targets that are not asked", async () => {
    await using site = await Site.start({ files: { "/robots.txt": "User-agent: *\nDisallow: /\nCrawl-delay: 0.2" } })
    // with a delay for each of them it would take a minute and more
    const outcomes = await collect(numbered(400).map((path) => site.url(path)))
    assert.strictEqual(outcomes.length, 400)
    assert.deepStrictEqual(ends(outcomes), ["RobotsDisallowed"])
    assert.strictEqual(site.requests.length, 1)
  })

  it("looks for itself by the product token of its User-Agent", async () => {
    const rules =
      "User-agent: *\nDisallow: /\n\nUser-agent: simul\nDisallow:\n\nUser-agent: mybot\nDisallow: /bytes/10/a"
    await using site = await Site.start({ files: { "/robots.txt": rules } })
    const urls = [site.url("/bytes/10/a"), site.url("/bytes/10/b")]
    assert.deepStrictEqual(ends(await collect(urls)), ["Saved"])
    assert.deepStrictEqual(ends(await collect(urls, { userAgent: "MyBot/2.0 (simul)" })), ["RobotsDisallowed", "Saved"])
    assert.deepStrictEqual(ends(await collect(urls, { headers: [["User-Agent", "other/1"]] })), ["RobotsDisallowed"])
  })

  it("asks again for what was refused when it is run again, and keeps the file that it has", async () => {
    await using site = await Site.start({ files: { "/robots.txt": file } })
    const directory = folder()
    const list = join(root, "again.txt")
    fs.writeFileSync(list, ["private/a", "b"].map((name) => `${site.url(`/bytes/10/${name}`)}\n`).join(""))
    const run = (options: Partial<Options> = {}) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.gen(function* () {
            const { outcomes, progress } = yield* Get.open({ file: list }, { directory, ...quick, ...options })
            const told = yield* Stream.runCollect(outcomes)
            return { ends: told.map(({ _tag }) => _tag).toSorted(), refused: progress().refused }
          })
        )
      )
    assert.deepStrictEqual(await run(), { ends: ["Refused", "Saved"], refused: 1 })
    assert.deepStrictEqual(await run(), { ends: ["Refused"], refused: 1 })
    site.put("/robots.txt", undefined)
    assert.deepStrictEqual(await run(), { ends: ["Refused"], refused: 1 }, "the file counts for a day")
    assert.strictEqual(site.count("/robots.txt"), 1)
    assert.deepStrictEqual(await run({ refresh: true }), { ends: ["Saved", "Unchanged"], refused: 0 })
    const files = () =>
      fs
        .readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && !entry.parentPath.includes(".simul"))
    assert.strictEqual(files().length, 2)
    site.put("/robots.txt", "User-agent: *\nDisallow: /")
    const refreshed = await collect([site.url("/bytes/10/b")], { directory, refresh: true })
    assert.deepStrictEqual(ends(refreshed), ["RobotsDisallowed"])
    assert.strictEqual(files().length, 2)
  })

  it("judges where a redirect leads, and asks for nothing there that is disallowed", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    await using site = await Site.start({
      hosts,
      respond: ({ host, path }) =>
        path !== "/robots.txt"
          ? undefined
          : host === hosts[2]
            ? { status: 404 }
            : "User-agent: *\nDisallow: /bytes/10/no"
    })
    const to = (host: string, path: string) =>
      site.url(`/redirect-to/${host}?url=${encodeURIComponent(site.url(path, { host }))}`)
    const refused = hosts.slice(0, 2).map((host) => [to(host, "/bytes/10/no"), host] as const)
    const saved = [to(hosts[0]!, "/bytes/10/a"), to(hosts[1]!, "/bytes/10/b"), to(hosts[2]!, "/bytes/10/no")]
    const outcomes = new Map((await collect([...refused.map(([url]) => url), ...saved])).map((one) => [one.url, one]))
    for (const [url, host] of refused) {
      const outcome = outcomes.get(url)!
      const origin = `http://${host}:${site.port}`
      assert.deepStrictEqual(outcome._tag === "Refused" ? outcome.error : outcome._tag, {
        reason: "RobotsDisallowed",
        message: `redirects to ${origin}/bytes/10/no; robots.txt line 2 of ${origin}: Disallow: /bytes/10/no`
      })
    }
    for (const url of saved) assert.strictEqual(outcomes.get(url)!._tag, "Saved")
    const at = (host: string) => site.requests.filter((seen) => seen.host === host).map(({ path }) => path)
    assert.deepStrictEqual(at(hosts[1]!), ["/robots.txt", "/bytes/10/b"])
    assert.deepStrictEqual(at(hosts[2]!), ["/robots.txt", "/bytes/10/no"])
    assert.strictEqual(
      site.count(({ path }) => path.startsWith("/redirect-to/")),
      5,
      "each goes on where it was"
    )
  })

  it("asks another host for its robots.txt without what the user sends to the first", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2"]
    await using site = await Site.start({ hosts })
    const there = site.url("/bytes/10/there", { host: hosts[1]! })
    await collect([site.url(`/redirect-to/x?url=${encodeURIComponent(there)}`)], { headers: [["x-secret", "1"]] })
    const told = site.requests.map(({ host, path, headers }) => [host, path.split("?")[0], headers["x-secret"]])
    assert.deepStrictEqual(told, [
      [hosts[0], "/robots.txt", "1"],
      [hosts[0], "/redirect-to/x", "1"],
      [hosts[1], "/robots.txt", undefined],
      [hosts[1], "/bytes/10/there", undefined]
    ])
  })

  it("gives a redirect its turn at the host that it leads to: slots and delay hold there too", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2"]
    await using site = await Site.start({
      hosts,
      respond: ({ host, path }) =>
        path === "/robots.txt" ? `User-agent: *\nCrawl-delay: ${host === hosts[0] ? 0 : 0.1}` : undefined
    })
    const startedMs = performance.now()
    const outcomes = await collect(
      numbered(5, "/slow/20/bytes/10/").map((path) =>
        site.url(`/redirect-to/${path}?url=${encodeURIComponent(site.url(path, { host: hosts[1]! }))}`)
      ),
      { perHost: 1 }
    )
    assert.deepStrictEqual(ends(outcomes), ["Saved"])
    const there = site.requests.filter(({ host }) => host === hosts[1])
    assert.strictEqual(there.length, 6)
    for (const [index, { atMs }] of there.entries()) assert.isAtLeast(atMs - startedMs, index * 98)
    assert.strictEqual(site.maxInFlight("/slow/"), 1)
  })

  it("waits before a redirect to another host as long as it is asked to, and asks for none of them twice", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2"]
    await using site = await Site.start({ hosts })
    const there = site.url("/bytes/10/there", { host: hosts[1]! })
    site.put("/here", { status: 302, headers: { location: there, "retry-after": "1" } })
    assert.strictEqual((await one(site.url("/here")))._tag, "Saved")
    const [here, ...further] = site.requests.filter(({ path }) => path !== "/robots.txt")
    assert.deepStrictEqual(
      further.map(({ host, path }) => [host, path]),
      [[hosts[1], "/bytes/10/there"]]
    )
    assert.isAtLeast(further[0]!.atMs - here!.atMs, 990)
  })

  it("gives up redirects that lead round from host to host", async () => {
    const hosts = ["127.0.0.1", "127.0.0.2"]
    await using site = await Site.start({ hosts })
    site.put("/hop", { status: 302, headers: { location: "/there" } })
    site.put("/there", { status: 302, headers: { location: site.url("/back", { host: hosts[1]! }) } })
    site.put("/back", { status: 302, headers: { location: site.url("/hop", { host: hosts[0]! }) } })
    const outcome = await one(site.url("/hop"))
    assert.strictEqual(
      outcome._tag === "Failed" ? outcome.error.message : outcome._tag,
      `redirects in a loop, to ${site.url("/hop")}`
    )
    assert.strictEqual(
      site.count(({ path }) => path !== "/robots.txt"),
      12
    )
  })

  it("stops cleanly while it waits for the file, and asks for all of it the next time", async () => {
    await using site = await Site.start({
      files: { "/robots.txt": { status: 302, headers: { location: "/hold/gate/bytes/10/rules.txt" } } }
    })
    const directory = folder()
    const list = join(root, "interrupted.txt")
    fs.writeFileSync(
      list,
      numbered(20)
        .map((path) => `${site.url(path)}\n`)
        .join("")
    )
    const source = { file: list }
    await Effect.runPromise(
      Effect.scoped(
        Effect.andThen(
          Get.open(source, { directory, ...quick, timeoutMs: 60_000 }),
          Effect.promise(() => site.arrived(1, ({ path }) => path.startsWith("/hold/")))
        )
      )
    )
    site.release("gate")
    const outcomes = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(Get.open(source, { directory, ...quick }), ({ outcomes }) => Stream.runCollect(outcomes))
      )
    )
    assert.strictEqual(outcomes.length, 20)
    assert.deepStrictEqual(ends(outcomes), ["Saved"])
    assert.strictEqual(site.count("/robots.txt"), 2)
  })
})
