import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import * as net from "node:net"
import { join } from "node:path"
import { Readable } from "node:stream"
import { gzipSync } from "node:zlib"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"
import * as Directory from "../src/store/Directory.ts"
import * as ForwardProxy from "../src/testing/ForwardProxy.ts"
import { Site } from "../src/testing/index.ts"
import * as Folders from "./Folders.ts"
import * as Outcomes from "./Outcomes.ts"

const { root, folder } = Folders.make("get")

const quick: Partial<Options> = { backoffMs: 1, timeoutMs: 400 }
const { collect, one } = Outcomes.make(() => ({ directory: folder(), ...quick }))
const reason = (outcome: Outcome) => (outcome._tag === "Failed" ? outcome.error._tag : outcome._tag)
const filesIn = (directory: string) =>
  fs
    .readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes(".simul"))
    .map((entry) => join(entry.parentPath, entry.name))
const partsIn = (directory: string) => fs.readdirSync(join(directory, ".simul", "parts"))

/** The outcome is Saved, and the file has the bytes of the path. */
const assertWhole = (outcome: Outcome, directory: string, body: Uint8Array) => {
  assert.strictEqual(reason(outcome), "Saved", JSON.stringify(outcome))
  if (outcome._tag !== "Saved") return
  const file = fs.readFileSync(join(directory, outcome.path))
  assert.isTrue(file.equals(body), `${outcome.path}: ${file.length} of ${body.length} bytes`)
  assert.strictEqual(outcome.bytes, body.length)
  assert.strictEqual(outcome.sha256, createHash("sha256").update(body).digest("hex"))
}

describe("get", () => {
  const whole = [
    "/bytes/0/empty.bin",
    "/bytes/10240/page.html",
    "/bytes/300000/large.bin",
    "/chunked/200000/chunks.bin",
    "/close/5000/until-close.bin",
    "/slow/50/bytes/100/late.bin",
    "/flaky/3/503/bytes/1000/third-time.bin",
    "/retry-after/0/2/429/bytes/1000/asked-to-wait.bin",
    "/redirect/5/bytes/1000/far.bin",
    "/auth/user/pass%20word/bytes/1000/secret.bin",
    "/encoded/gzip/50000/page.html",
    "/encoded/br/50000/page.html",
    "/encoded/deflate/50000/page.html",
    "/encoded/raw-deflate/50000/page.html",
    "/encoded/gzip,br/50000/page.html",
    "/encoded/gzip/900000/long.html",
    "/cut-once/100/50/short.bin",
    "/cut-once/900000/400000/resumed.bin",
    "/cut-first/400000/chunked/900000/again.bin",
    "/cut-first/400000/range/ignored/900000/a.bin",
    "/cut-first/400000/range/wrong-offset/900000/a.bin",
    "/cut-first/400000/range/wrong-total/900000/a.bin",
    "/cut-first/400000/range/wrong-validator/900000/a.bin",
    "/cut-first/400000/range/unstated/900000/a.bin",
    "/cut-first/400000/range/short/900000/a.bin",
    "/cut-first/400000/range/416/900000/a.bin",
    "/cut-first/400000/range/weak/900000/a.bin",
    "/cut-first/400000/range/bare/900000/a.bin"
  ]
  it("saves every body whole, whatever the way to it", async () => {
    await using site = await Site.start()
    const directory = folder()
    const userinfo = (path: string) => (path.startsWith("/auth") ? { userinfo: "user:pass%20word" } : {})
    const paths = new Map(whole.map((path) => [site.url(path, userinfo(path)), path]))
    const outcomes = await collect(paths.keys(), { directory, retries: 6 })
    assert.strictEqual(outcomes.length, whole.length)
    const seen = new Map(outcomes.map((outcome) => [outcome.url, outcome]))
    for (const [url, path] of paths)
      assertWhole(seen.get(url.replace("user:pass%20word", "***")) ?? outcomes[0]!, directory, Site.body(path))
    assert.deepStrictEqual(partsIn(directory), [])
  })

  it("saves all chunks of a body whose length is told as less", async () => {
    await using site = await Site.start()
    const directory = folder()
    assertWhole(
      await one(site.url("/length-and-chunked"), { directory, maxSize: 6 }),
      directory,
      Buffer.from("plain\n")
    )
  })

  it("resumes a cut body with If-Range instead of asking for it again", async () => {
    await using site = await Site.start()
    const directory = folder()
    const path = "/cut-once/900000/400000/a.bin"
    assertWhole(await one(site.url(path), { directory }), directory, Site.body(path))
    const [first, second] = site.requests.filter((request) => request.path === path)
    assert.isUndefined(first!.headers.range)
    assert.match(second!.headers.range!, /^bytes=\d{6}-$/)
    assert.match(second!.headers["if-range"] as string, /^"/)
    assert.strictEqual(second!.headers["accept-encoding"], "identity")
  })

  it("starts over when the content changed under a part", async () => {
    await using site = await Site.start()
    const directory = folder()
    const path = "/cut-first/400000/range/changed/900000/a.bin"
    assertWhole(await one(site.url(path), { directory }), directory, Site.body(path, 1))
  })

  const failing: ReadonlyArray<readonly [path: string, reason: string]> = [
    ["/status/404/a", "StatusError"],
    ["/status/500/a", "StatusError"],
    ["/cut/5000/3/a", "TruncatedError"],
    ["/cut-chunked/90000/3000/a", "TruncatedError"],
    ["/stall/5000/3/a", "TimeoutError"],
    ["/silent", "TimeoutError"],
    ["/hang-up", "ConnectError"],
    ["/garbage", "ProtocolError"],
    ["/two-lengths", "ProtocolError"],
    ["/head-too-large", "ProtocolError"],
    ["/redirect-loop", "RedirectError"],
    ["/redirect/30/bytes/10/a", "RedirectError"],
    ["/redirect-to?url=ftp%3A%2F%2Fa%2Fb", "RedirectError"],
    ["/encoded/mislabelled-gzip/5000/a.html", "DecodeError"],
    ["/encoded/truncated-gzip/5000/a.html", "DecodeError"],
    ["/encoded/unknown-thing/5000/a.html", "DecodeError"],
    ["/bytes/2000000/too-large.bin", "TooLargeError"],
    ["/chunked/2000000/too-large.bin", "TooLargeError"],
    ["/bomb/gzip/500000000/a.html", "TooLargeError"]
  ]
  it("fails with a typed reason and leaves neither file nor part", async () => {
    await using site = await Site.start()
    // a directory for each: in one run so many faults would make the host be taken for down
    await Promise.all(
      failing.map(async ([path, tag]) => {
        const directory = folder()
        assert.strictEqual(reason(await one(site.url(path), { directory, retries: 1, maxSize: 1_000_000 })), tag, path)
        assert.deepStrictEqual(filesIn(directory), [], path)
        assert.deepStrictEqual(partsIn(directory), [], path)
      })
    )
  })

  it("gives every line one outcome, lines that are no URL by their number, and a URL that comes twice only once", async () => {
    await using site = await Site.start()
    const list = join(root, "list.txt")
    const a = site.url("/bytes/10/a.txt")
    fs.writeFileSync(
      list,
      `\uFEFF# a comment\r\n${a}\r\n\r\nnonsense\r\nftp://host/x\r\n${a}\r\n${site.url("/bytes/10/b.txt")}`
    )
    const directory = folder()
    const outcomes = await Effect.runPromise(
      Effect.scoped(Effect.flatMap(Get.open({ file: list }, { directory }), (run) => Stream.runCollect(run.outcomes)))
    )
    const lines = outcomes.map((outcome) => (outcome._tag === "Failed" ? outcome.error.message : outcome.url))
    assert.deepStrictEqual(lines.map((line) => line.replace(/:.*/, "")).toSorted(), [
      "http",
      "http",
      "line 4",
      "line 5"
    ])
    assert.strictEqual(site.count("/bytes/10/a.txt"), 1)
  })

  it("makes no directory for a list that is not there, or is a folder", async () => {
    const directory = folder()
    for (const [file, code] of [
      [join(root, "none.txt"), "ENOENT"],
      [root, "EISDIR"]
    ] as const) {
      const error = await Effect.runPromise(Effect.flip(Effect.scoped(Get.open({ file }, { directory }))))
      assert.deepInclude(error, { _tag: "ListUnreadable", file, code })
      assert.isFalse(fs.existsSync(directory))
    }
  })

  it("ends, with the reason, where a list is no text or cannot be read on, and keeps what it gave", async () => {
    const fails = (source: Get.Source, directory: string) =>
      Effect.runPromise(
        Effect.flip(
          Effect.scoped(Effect.flatMap(Get.open(source, { directory }), (run) => Stream.runDrain(run.outcomes)))
        )
      )
    const list = join(root, "list.gz")
    fs.writeFileSync(list, gzipSync("http://a/1\n"))
    assert.deepInclude(await fails({ file: list }, folder()), { _tag: "ListUnreadable", file: list, code: "gzip" })
    const unmarked = { bytes: Readable.from([Buffer.from("http://a/1\n", "utf16le")]) }
    assert.deepInclude(await fails(unmarked, folder()), {
      code: "UTF-16LE",
      hint: "a list is UTF-8: `iconv -f UTF-16LE -t UTF-8 LIST | simul get -i -`"
    })
    const broken = (async function* () {
      yield Buffer.from("nonsense\n")
      throw Object.assign(new Error("i/o error"), { code: "EIO" })
    })()
    const directory = folder()
    assert.deepInclude(await fails({ bytes: broken }, directory), {
      _tag: "ListUnreadable",
      code: "EIO",
      hint: "see what writes to it, then run the same command again"
    })
    const entries = Effect.flatMap(Directory.read(directory), (store) => Stream.runCollect(store.entries))
    assert.lengthOf(await Effect.runPromise(Effect.scoped(entries)), 1)
  })

  const moved = [
    ["its directory was renamed", () => {}],
    [
      "another state lies in the place of its own",
      (directory: string) => {
        fs.mkdirSync(join(directory, ".simul"), { recursive: true })
        fs.writeFileSync(join(directory, ".simul", "store.sqlite"), "")
      }
    ]
  ] as const
  it("takes no fault of Node's or its own for one of the list", async () => {
    const faulty = (async function* () {
      yield Buffer.from("nonsense\n")
      Buffer.alloc(-1)
    })()
    const outcomes = Effect.flatMap(Get.open({ bytes: faulty }, { directory: folder() }), (run) =>
      Stream.runDrain(run.outcomes)
    )
    const exit = await Effect.runPromiseExit(Effect.scoped(outcomes))
    assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause), String(exit))
  })

  it.each(moved)("fetches nothing more where %s", async (_, replace) => {
    await using site = await Site.start()
    const directory = folder()
    const renamed = Promise.withResolvers<void>()
    const urls = async function* () {
      yield site.url("/bytes/10/a")
      await renamed.promise
      yield site.url("/bytes/10/b")
      for (let count = 0; count < 10_000; count++) yield site.url(`/bytes/10/${count}`)
    }
    const gone = Effect.gen(function* () {
      const run = yield* Get.open({ urls: urls() }, { directory, ...quick })
      const move = Effect.sync(() => {
        assert.isUndefined(run.gone())
        fs.renameSync(directory, folder())
        replace(directory)
        renamed.resolve()
        return run.gone()
      })
      const told = yield* Effect.flip(Stream.runDrain(Stream.tap(run.outcomes, () => move)))
      return [told, run.gone()]
    })
    for (const error of await Effect.runPromise(Effect.scoped(gone)))
      assert.deepInclude(error, { _tag: "DirectoryGone", directory })
  })

  it("ends for want of its proxy with every target left to the next run", async () => {
    await using site = await Site.start()
    const closed = await ForwardProxy.start()
    await closed.close()
    const directory = folder()
    const urls = Array.from({ length: 100 }, (_, index) => site.url(`/bytes/10/${index}.txt`))
    const told: Array<Outcome> = []
    const run = (options: Partial<Options>) =>
      Stream.runForEach(Get.outcomes(urls, { directory, ...quick, ...options }), (outcome) =>
        Effect.sync(() => told.push(outcome))
      )
    for (const robots of [false, true]) {
      const error = await Effect.runPromise(Effect.flip(run({ proxy: closed.url, robots })))
      assert.deepInclude(error, { _tag: "ProxyUnusable", proxy: closed.url, code: "ECONNREFUSED", tries: 5 })
    }
    assert.lengthOf(told, 0)
    await using proxy = await ForwardProxy.start()
    await Effect.runPromise(run({ proxy: proxy.url }))
    assert.lengthOf(told, 100)
    assert.isTrue(told.every((outcome) => outcome._tag === "Saved" && outcome.attempts === 1))
  })

  it("ends for want of credentials at its proxy, and refuses nothing for want of robots.txt", async () => {
    await using site = await Site.start()
    const proxy = await ForwardProxy.start({ credentials: { user: "px", password: "secret" } })
    const directory = folder()
    const run = (urls: ReadonlyArray<string>, to: string) =>
      Effect.runPromise(
        Effect.exit(Stream.runCollect(Get.outcomes(urls, { directory, robots: true, proxy: to, ...quick })))
      )
    const ended = await run(["https://localhost:1/a", "https://localhost:1/b"], proxy.url)
    const fault = Exit.isFailure(ended) ? Cause.squash(ended.cause) : undefined
    assert.deepInclude(fault, { _tag: "ProxyUnusable", proxy: proxy.url, code: "PROXY_407" })
    // what it says of http is an answer, but none of the host for robots.txt
    const url = site.url("/bytes/10/a.txt")
    for (const [to, status] of [
      [proxy.url, "HTTP 407"],
      [proxy.url.replace("//", "//px:secret@"), "Saved"]
    ] as const) {
      const ended = await run([url], to)
      const outcomes = Exit.isSuccess(ended) ? ended.value : []
      const said = outcomes.map((one) => (one._tag === "Failed" ? one.error.message : one._tag))
      assert.deepStrictEqual(said, [status])
    }
    assert.strictEqual(proxy.requests.filter(({ target }) => target.endsWith("/robots.txt")).length, 2)
    await proxy.close()
  })

  it("asks for nothing that is saved when run again, and again for what failed", async () => {
    await using site = await Site.start()
    const directory = folder()
    const list = join(root, "again.txt")
    const urls = Array.from({ length: 600 }, (_, index) => site.url(`/bytes/10/${index}.txt`))
    fs.writeFileSync(list, [...urls, site.url("/flaky/1/404/bytes/10/late.txt"), ""].join("\n"))
    const run = (file: string) =>
      Effect.runPromise(
        Effect.scoped(Effect.flatMap(Get.open({ file }, { directory }), (run) => Stream.runCollect(run.outcomes)))
      )
    assert.strictEqual((await run(list)).filter(({ _tag }) => _tag === "Failed").length, 1)
    assert.deepStrictEqual(
      (await run(list)).map(({ _tag }) => _tag),
      ["Saved"]
    )
    assert.deepStrictEqual(await run(list), [])
    assert.strictEqual(site.requests.length, 602)
    // a list that grew goes on where it ended; one that changed is looked through from the start
    fs.appendFileSync(list, `${site.url("/bytes/10/new.txt")}\n`)
    assert.strictEqual((await run(list)).length, 1)
    fs.writeFileSync(list, [site.url("/bytes/10/first.txt"), ...urls].join("\n"))
    assert.strictEqual((await run(list)).length, 1)
    assert.strictEqual(site.requests.length, 604)
  })

  it("asks again for what failed when another list has failed with it since", async () => {
    await using site = await Site.start()
    const directory = folder()
    const listOf = (name: string, ...paths: ReadonlyArray<string>) => {
      const file = join(root, name)
      fs.writeFileSync(file, paths.map((path) => `${site.url(path)}\n`).join(""))
      return file
    }
    const flaky = "/flaky/2/404/bytes/10/both.txt"
    const files = [listOf("one.txt", "/bytes/10/1.txt", flaky), listOf("other.txt", flaky, "/bytes/10/2.txt")]
    const run = async (file: string) => {
      const opened = Effect.flatMap(Get.open({ file }, { directory }), ({ outcomes }) => Stream.runCollect(outcomes))
      return (await Effect.runPromise(Effect.scoped(opened))).map(({ _tag }) => _tag).toSorted()
    }
    assert.deepStrictEqual(await run(files[0]!), ["Failed", "Saved"])
    assert.deepStrictEqual(await run(files[1]!), ["Failed", "Saved"])
    assert.deepStrictEqual(await run(files[0]!), ["Saved"])
    for (const file of files) assert.deepStrictEqual(await run(file), [])
  })

  it("asks conditionally with refresh, and keeps what did not change", async () => {
    await using site = await Site.start()
    const directory = folder()
    const path = "/bytes/1000/a.txt"
    await one(site.url(path), { directory })
    const again = await one(site.url(path), { directory, refresh: true })
    assert.strictEqual(again._tag, "Unchanged")
    assert.isString(site.requests[1]!.headers["if-none-match"])
    const changed = "/range/changed/1000/b.txt"
    await one(site.url(changed), { directory })
    assertWhole(await one(site.url(changed), { directory, refresh: true }), directory, Site.body(changed, 1))
  })

  it("saves what comes with control octets in its fields, and sends none of them back", async () => {
    const heads: Array<string> = []
    const server = net.createServer((socket) =>
      socket.once("data", (head) => {
        heads.push(head.toString())
        socket.end('HTTP/1.1 200 \x1b[2J\r\nETag: "\x7f"\r\nLast-Modified: \x01\r\nSet-Cookie: a=\x0b\r\n\r\nwhole')
      })
    )
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(server.address() as net.AddressInfo).port}/a.txt`
    const options = { directory: folder(), cookieJar: join(root, "controls.txt"), refresh: true }
    assertWhole(await one(url, options), options.directory, Buffer.from("whole"))
    assertWhole(await one(url, options), options.directory, Buffer.from("whole"))
    server.close()
    const [first] = heads
    assert.deepStrictEqual(heads, [first, first])
  })

  it("refreshes a whole list from its start, and the list goes on from there", async () => {
    await using site = await Site.start()
    const directory = folder()
    const list = join(root, "refresh.txt")
    const urls = [site.url("/bytes/10/a"), site.url("/flaky/1/404/bytes/10/b"), site.url("/bytes/10/c")]
    fs.writeFileSync(list, urls.map((url) => `${url}\n`).join(""))
    const run = (options: Partial<Options>) =>
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(Get.open({ file: list }, { directory, ...options }), (run) => Stream.runCollect(run.outcomes))
        )
      )
    const tags = async (options: Partial<Options>) => (await run(options)).map(({ _tag }) => _tag).toSorted()
    assert.deepStrictEqual(await tags({}), ["Failed", "Saved", "Saved"])
    site.reset()
    assert.deepStrictEqual(await tags({ refresh: true }), ["Failed", "Unchanged", "Unchanged"])
    assert.deepStrictEqual(await tags({}), ["Saved"])
    assert.deepStrictEqual(await tags({}), [])
  })

  it.each([
    ["within its first lines", 250, 80, 80, 20],
    ["later", 600, 400, 256, 2]
  ])(
    "goes on with a refresh that was stopped %s, and begins another one when it is done",
    async (_when, all, most, kept, latencyMs) => {
      await using site = await Site.start({ latencyMs })
      const directory = folder()
      const file = join(root, "refreshed.txt")
      // what is to be stopped cannot come to its end before
      const path = (index: number) => (index < all - 1 ? `/bytes/10/${index}` : "/hold/end/bytes/10/last")
      const urls = Array.from({ length: all }, (_, index) => site.url(path(index)))
      fs.writeFileSync(file, urls.map((url) => `${url}\n`).join(""))
      const run = async (refresh: boolean, most = Infinity) => {
        site.reset()
        if (most === Infinity) site.release("end")
        const outcomes = Stream.unwrap(
          Effect.map(Get.open({ file }, { directory, refresh, jobs: 4 }), (run) => run.outcomes)
        )
        const told = await Effect.runPromise(Stream.runCollect(Stream.take(outcomes, most)))
        return { told: told.map(({ url }) => url), asked: new Set(site.requests.map(({ path }) => site.url(path))) }
      }
      assert.lengthOf((await run(false)).told, all)
      const stopped = await run(true, most)
      const rest = await run(true)
      assert.isBelow(rest.asked.size, all - kept + 1)
      assert.deepStrictEqual(
        stopped.told.filter((url) => rest.asked.has(url)),
        []
      )
      assert.strictEqual(new Set([...stopped.asked, ...rest.asked]).size, all)
      assert.strictEqual((await run(true)).asked.size, all)
    }
  )

  it("fetches again what was deleted, when it is asked for by name", async () => {
    await using site = await Site.start()
    const directory = folder()
    const path = "/bytes/1000/a.txt"
    const first = await one(site.url(path), { directory })
    fs.rmSync(join(directory, first._tag === "Saved" ? first.path : ""))
    assertWhole(await one(site.url(path), { directory }), directory, Site.body(path))
  })

  it("never has more requests in flight to a host than allowed, nor closer than the delay", async () => {
    await using site = await Site.start({ latencyMs: 5 })
    const urls = Array.from({ length: 60 }, (_, index) => site.url(`/bytes/10/${index}`))
    await collect(urls, { directory: folder(), perHost: 3 })
    assert.isAtMost(site.maxInFlight(), 3)
    site.reset()
    const startedMs = performance.now()
    await collect(urls.slice(0, 8), { directory: folder(), delayMs: 20 })
    // from the start of all, for the way to a busy server may take longer for one than for the next; a timer may fire a
    // little early
    for (const [index, { atMs }] of site.requests.entries()) assert.isAtLeast(atMs - startedMs, index * 19)
  })

  it("keeps from a slow host for as long as its answers take, where the delay adapts", async () => {
    await using site = await Site.start()
    const startedMs = performance.now()
    const paths = Array.from({ length: 6 }, (_, index) => `/slow/50/bytes/10/${index}`)
    await collect(
      paths.map((path) => site.url(path)),
      { directory: folder(), adaptive: 1 }
    )
    // a timer may fire a little early
    for (const [index, { atMs }] of site.requests.entries()) assert.isAtLeast(atMs - startedMs, index * 48)
  })

  it("waits no longer for Retry-After when the clock of the machine is set back meanwhile", async () => {
    await using site = await Site.start()
    const urls = [site.url("/retry-after/1/1/429/bytes/10/a"), site.url("/bytes/10/b")]
    const { now } = Date
    let behindMs = 0
    Date.now = () => now() - behindMs
    const fetched = Effect.gen(function* () {
      const run = yield* Get.open({ urls }, { directory: folder(), ...quick, perHost: 1 })
      const outcomes = yield* Effect.forkChild(Stream.runCollect(run.outcomes))
      // the pause has begun
      while (run.progress().slow.length === 0) yield* Effect.sleep(5)
      behindMs = 3_600_000
      return yield* Fiber.join(outcomes)
    }).pipe(Effect.scoped)
    try {
      assert.deepStrictEqual((await Effect.runPromise(fetched)).map(reason), ["Saved", "Saved"])
    } finally {
      Date.now = now
    }
  })

  it("pauses the whole host for Retry-After", async () => {
    await using site = await Site.start()
    const busy = site.url("/retry-after/1/1/429/bytes/10/busy")
    const urls = [busy, ...Array.from({ length: 20 }, (_, index) => site.url(`/bytes/10/${index}`))]
    await collect(urls, { directory: folder(), perHost: 1 })
    const [first, second] = site.requests
    assert.isAtLeast(second!.atMs - first!.atMs, 900)
    assert.strictEqual(site.count("/retry-after/1/1/429/bytes/10/busy"), 2)
  })

  it("guesses how many targets a list has by the part of it that was read", async () => {
    await using site = await Site.start()
    const directory = folder()
    const list = `${directory}.txt`
    const urls = Array.from({ length: 9000 }, (_, index) => site.url(`/silent?${10_000 + index}`))
    fs.writeFileSync(list, urls.map((url) => `${url}\n`).join(""))
    const { expected, total } = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const run = yield* Get.open({ file: list }, { directory, jobs: 1 })
          while (run.progress().expected === undefined) yield* Effect.sleep(5)
          return run.progress()
        })
      )
    )
    assert.strictEqual(expected, urls.length)
    assert.isUndefined(total)
  })

  it("reads a list on behind more targets than it holds of a host that asked it to wait", async () => {
    await using slow = await Site.start()
    await using quick = await Site.start()
    const directory = folder()
    const paused = Array.from({ length: 3000 }, (_, index) => slow.url(`/retry-after/3600/9/429/bytes/10/${index}`))
    const others = Array.from({ length: 300 }, (_, index) => quick.url(`/bytes/10/${index}`))
    const list = `${directory}.txt`
    fs.writeFileSync(list, [...paused, ...others, ""].join("\n"))
    const [saved, total] = await Effect.runPromise(
      Effect.scoped(
        Effect.gen(function* () {
          const run = yield* Get.open({ file: list }, { directory, jobs: 4 })
          return [yield* Stream.runCollect(Stream.take(run.outcomes, others.length)), run.progress().total] as const
        })
      )
    )
    assert.deepStrictEqual(
      saved.map(({ _tag, url }) => `${_tag} ${url}`).toSorted(),
      others.map((url) => `Saved ${url}`).toSorted()
    )
    assert.strictEqual(total, paused.length + others.length)
    assert.isBelow(slow.requests.length, 100)
  })

  it("does not hold against a host what becomes of its redirects at another one", async () => {
    await using site = await Site.start()
    const away = [1, 2, 3, 4].map((n) => site.url(`/redirect-to/${n}?url=http%3A%2F%2F127.0.0.1%3A1%2F`))
    const here = [1, 2].map((n) => site.url(`/bytes/10/${n}`))
    const outcomes = await collect([...away, ...here], { perHost: 1, retries: 0 })
    const reasons = new Map(outcomes.map((outcome) => [outcome.url, reason(outcome)]))
    assert.deepStrictEqual(
      here.map((url) => reasons.get(url)),
      ["Saved", "Saved"]
    )
    assert.sameMembers([...new Set(away.map((url) => reasons.get(url)))], ["ConnectError", "HostDown"])
  })

  it("gives a URL so much time for all its attempts, and for the redirects that wait for their turn", async () => {
    await using site = await Site.start()
    const bounded = { maxTimeMs: 550, retries: 9 }
    const busy = await one(site.url("/slow/100/status/503/busy"), { directory: folder(), ...bounded })
    assert.include(["StatusError", "TimeoutError"], reason(busy))
    assert.isAtMost(site.requests.length, 6)

    // with a delay no redirect is sent at once
    const far = site.url(`${"/slow/100/redirect/1".repeat(8)}/bytes/1/far`)
    assert.strictEqual(reason(await one(far, { directory: folder(), delayMs: 1, ...bounded })), "TimeoutError")
  })

  it("stops asking a host that only fails, and says so of each target", async () => {
    const gone = await Site.start()
    const url = gone.url("/")
    await gone.close()
    const urls = Array.from({ length: 50 }, (_, index) => `${url}${index}`)
    const outcomes = await collect(urls, { directory: folder(), retries: 2 })
    assert.strictEqual(outcomes.length, 50)
    const reasons = new Set(outcomes.map(reason))
    assert.isTrue(reasons.has("HostDown"))
    assert.isTrue(
      [...reasons].every((tag) => tag === "HostDown" || tag === "ConnectError"),
      [...reasons].join()
    )
  })

  it("stops by a signal while it waits for an outcome, with the signal's reason, and goes on when called again", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = ["/bytes/10/a", "/hold/gate/bytes/10/b"].map((path) => site.url(path))
    const controller = new AbortController()
    const seen: Array<string> = []
    const read = async (signal: AbortSignal) => {
      for await (const { url } of Get.get(urls, { directory }, { signal })) {
        seen.push(url)
        controller.abort(new Error("enough"))
      }
    }
    assert.strictEqual(await read(controller.signal).catch((error: Error) => error.message), "enough")
    assert.deepStrictEqual(seen, urls.slice(0, 1))
    assert.strictEqual(await read(controller.signal).catch((error: Error) => error.message), "enough")
    await fetch(site.url("/release/gate"))
    await read(new AbortController().signal)
    assert.deepStrictEqual(seen, urls)
  })

  it("stops by a signal while the loop is at work, and throws the reason when that asks for more", async () => {
    const { promise: stopped, resolve: stop } = Promise.withResolvers<void>()
    const refused: Outcome = {
      _tag: "Refused",
      url: "http://h/",
      attempts: 0,
      durationMs: 0,
      error: { reason: "Robots", message: "" }
    }
    const run = Stream.unwrap(
      Effect.as(
        Effect.addFinalizer(() => Effect.sync(stop)),
        Stream.concat(Stream.fromArrays([refused], [refused]), Stream.never)
      )
    )
    const controller = new AbortController()
    const read = async () => {
      for await (const { url } of Get.iterate(run, controller)) {
        controller.abort(new Error(`enough of ${url}`))
        await stopped
      }
    }
    assert.strictEqual(await read().catch((error: Error) => error.message), "enough of http://h/")
  })

  it("gives no host up for the first connection that broke, without retries either", async () => {
    await using site = await Site.start()
    const urls = ["/hang-up", ...Array.from({ length: 9 }, (_, index) => `/bytes/1/${index}`)].map((path) =>
      site.url(path)
    )
    const outcomes = await collect(urls, { directory: folder(), perHost: 1, retries: 0, backoffMs: 1 })
    assert.deepStrictEqual(
      outcomes.filter(({ _tag }) => _tag !== "Saved").map((outcome) => `${reason(outcome)} ${outcome.url}`),
      [`ConnectError ${urls[0]}`]
    )
  })

  it("names short names by the first who asks, the same way after a restart", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = ["/bytes/10/a/page.html", "/bytes/10/b/page.html", "/bytes/10/c/Page.html"].map((path) =>
      site.url(path)
    )
    const names = async () =>
      (await collect(urls, { directory, naming: "flat" })).map((outcome) =>
        outcome._tag === "Saved" ? outcome.path : ""
      )
    const first = await names()
    assert.strictEqual(new Set(first.map((name) => name.toLowerCase())).size, 3)
    assert.include(first, "page.html")
    assert.deepStrictEqual(await names(), [])
  })

  it("takes the server's name, made safe, where it is asked to", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url(`/disposition/bytes/10/x?value=${encodeURIComponent('attachment; filename="../../evil.txt"')}`)
    const outcome = await one(url, { directory, naming: "flat", serverNames: true })
    assert.strictEqual(outcome._tag === "Saved" ? outcome.path : "", "evil.txt")
    assert.isFalse(fs.existsSync(join(directory, "..", "..", "evil.txt")))
  })

  it("writes over no file of the user's under a short name, nor under one that a server suggests", async () => {
    await using site = await Site.start()
    const directory = folder()
    fs.mkdirSync(directory)
    const suggesting = site.url(
      `/disposition/bytes/10/x?value=${encodeURIComponent("attachment; filename=report.csv")}`
    )
    const urls = [site.url("/bytes/10/page.html"), suggesting, site.url("/bytes/10/other.html")]
    const own = ["page.html", "report.csv"]
    for (const name of own) fs.writeFileSync(join(directory, name), "the user's own")
    const options = { directory, naming: "flat", serverNames: true } as const
    const pathsOf = (outcomes: ReadonlyArray<Outcome>) =>
      outcomes.map((outcome) => ("path" in outcome ? outcome.path : reason(outcome)))
    const paths = pathsOf(await collect(urls, options)).toSorted()
    const [third, first, second] = paths
    assert.strictEqual(third, "other.html")
    assert.match(first!, /^page~[a-z2-7]{12}\.html$/)
    assert.match(second!, /^report~[a-z2-7]{12}\.csv$/)
    // another list, and what is its own is asked for again
    assert.deepStrictEqual(pathsOf(await collect([site.url("/bytes/10/a/other.html")], options)).length, 1)
    assert.deepStrictEqual(pathsOf(await collect(urls, { ...options, refresh: true })).toSorted(), paths)
    for (const name of own) assert.strictEqual(fs.readFileSync(join(directory, name), "utf8"), "the user's own")
  })

  it("writes over no file that the user made where a body did not come, or before it came", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url("/flaky/1/404/bytes/10/report.csv")
    const own = join(directory, "report.csv")
    assert.strictEqual(reason(await one(url, { directory, naming: "flat" })), "StatusError")
    fs.writeFileSync(own, "the user's own")
    const saved = await one(url, { directory, naming: "flat" })
    assert.match(saved._tag === "Saved" ? saved.path : "", /^report~[a-z2-7]{12}\.csv$/)
    assert.strictEqual(fs.readFileSync(own, "utf8"), "the user's own")
    // that of a refresh has its place by then
    fs.writeFileSync(own, "changed")
    const again = await one(url, { directory, naming: "flat", refresh: true })
    assert.strictEqual("path" in again ? again.path : "", saved._tag === "Saved" ? saved.path : "none")

    const late = folder()
    const running = one(site.url("/hold/gate/bytes/10/late.csv"), { directory: late, naming: "flat" })
    await site.arrived(1, "/hold/gate/bytes/10/late.csv")
    fs.writeFileSync(join(late, "late.csv"), "the user's own")
    site.release("gate")
    const outcome = await running
    assert.match(outcome._tag === "Saved" ? outcome.path : "", /^late~[a-z2-7]{12}\.csv$/)
    assert.strictEqual(fs.readFileSync(join(late, "late.csv"), "utf8"), "the user's own")
  })

  it("gives a file with a short name that was damaged its place again", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url("/flaky/0/404/bytes/10/a.html")
    const options = { directory, naming: "flat" } as const
    const pathOf = async () => {
      const outcome = await one(url, options)
      return outcome._tag === "Saved" ? outcome.path : reason(outcome)
    }
    assert.strictEqual(await pathOf(), "a.html")
    fs.truncateSync(join(directory, "a.html"), 3)
    assert.strictEqual(await pathOf(), "a.html")
    fs.writeFileSync(join(directory, "a.html"), "0".repeat(10))
    // as after a run of long ago
    fs.rmSync(join(directory, ".simul", "placed"))
    assert.strictEqual(await Effect.runPromise(Directory.distrust(directory, new Set(["a.html"]))), 1)
    assert.strictEqual(await pathOf(), "a.html")
  })

  it("gives no page the file of another below a host, whatever a server suggests", async () => {
    await using site = await Site.start()
    const suggesting = site.url(`/disposition/bytes/10/x?value=${encodeURIComponent("attachment; filename=y.html")}`)
    const plain = site.url("/disposition/bytes/10/y.html")
    for (const urls of [
      [suggesting, plain],
      [plain, suggesting]
    ]) {
      const directory = folder()
      const paths: Array<string> = []
      for (const url of urls) {
        const outcome = await one(url, { directory, serverNames: true })
        paths.push(outcome._tag === "Saved" ? outcome.path : "")
      }
      assert.strictEqual(new Set(paths).size, 2)
      for (const path of paths) assert.isTrue(fs.existsSync(join(directory, path)))
      assert.isTrue(paths.some((path) => /\/y~[a-z2-7]{12}\.html$/.test(path)))
    }
  })

  it("never writes through a symbolic link below the directory", async () => {
    await using site = await Site.start()
    const directory = folder()
    const outside = folder()
    fs.mkdirSync(outside)
    fs.mkdirSync(directory)
    fs.symlinkSync(outside, join(directory, `127.0.0.1+${site.port}`))
    const outcome = await one(site.url("/bytes/10/a.txt"), { directory })
    assert.strictEqual(reason(outcome), "WriteError")
    assert.include(outcome._tag === "Failed" ? outcome.error.message : "", "symbolic link")
    assert.deepStrictEqual(fs.readdirSync(outside), [])
  })

  it("keeps the rate, all transfers together", async () => {
    await using site = await Site.start()
    const began = performance.now()
    await collect(
      [0, 1, 2, 3].map((index) => site.url(`/bytes/100000/${index}`)),
      { directory: folder(), rate: 400_000 }
    )
    // 400,000 bytes less the burst of a quarter second
    assert.isAtLeast(performance.now() - began, 600)
  })

  it("syncs files before they get their names when power may fail", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = Array.from({ length: 30 }, (_, index) => `/bytes/1000/${index}.bin`)
    const outcomes = await collect(
      paths.map((path) => site.url(path)),
      { directory, durability: "power" }
    )
    assert.strictEqual(outcomes.filter(({ _tag }) => _tag === "Saved").length, 30)
    assert.strictEqual(filesIn(directory).length, 30)
    assert.deepStrictEqual(partsIn(directory), [])
  })

  it("refuses a directory that another run holds", async () => {
    await using site = await Site.start()
    const directory = folder()
    const error = await Effect.runPromise(
      Effect.scoped(
        Effect.andThen(
          Get.open({ urls: [site.url("/silent")] }, { directory }),
          Effect.flip(Effect.scoped(Get.open({ urls: [] }, { directory })))
        )
      )
    )
    assert.deepInclude(error, { _tag: "DirectoryLocked", isOwn: true, pid: process.pid })
  })

  it("says that a store is damaged or from a newer version, and changes nothing", async () => {
    await using site = await Site.start()
    const directory = folder()
    await one(site.url("/bytes/10/a"), { directory })
    const file = join(directory, ".simul", "store.sqlite")
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(file)
    database.exec("INSERT INTO migration (migration_id, name) VALUES (999, 'future')")
    database.close()
    const attempt = () => Effect.runPromise(Effect.flip(Effect.scoped(Get.open({ urls: [] }, { directory }))))
    assert.strictEqual((await attempt())._tag, "StoreNewer")
    fs.rmSync(`${file}-wal`, { force: true })
    fs.rmSync(`${file}-shm`, { force: true })
    fs.writeFileSync(
      file,
      "this is no database, but a text of more than a hundred bytes, as it has to be to be looked at by it at all"
    )
    const before = fs.readFileSync(file)
    const error = await attempt()
    assert.strictEqual(error._tag, "StoreDamaged")
    assert.isTrue(fs.readFileSync(file).equals(before))
  })

  it("leaves a database of another program as it is, whether to write there or to read", async () => {
    const { DatabaseSync } = await import("node:sqlite")
    for (const table of ["mine", "migration"]) {
      const directory = folder()
      const file = join(directory, ".simul", "store.sqlite")
      fs.mkdirSync(join(directory, ".simul"), { recursive: true })
      const database = new DatabaseSync(file)
      database.exec(`CREATE TABLE ${table} (a); CREATE TABLE other (a)`)
      database.close()
      const before = fs.readFileSync(file)
      const tag = (use: Effect.Effect<unknown, { readonly _tag: string }, Scope.Scope>) =>
        Effect.runPromise(Effect.map(Effect.flip(Effect.scoped(use)), ({ _tag }) => _tag))
      assert.strictEqual(await tag(Get.open({ urls: [] }, { directory })), "StoreForeign")
      assert.strictEqual(await tag(Directory.read(directory)), "StoreForeign")
      assert.isTrue(fs.readFileSync(file).equals(before))
    }
  })

  for (const naming of ["tree", "flat"] as const)
    it(`looks at unsynced files after the machine was started anew (${naming})`, async () => {
      await using site = await Site.start()
      const directory = folder()
      const paths = ["/bytes/1000/good.bin", "/bytes/1000/bad.bin"]
      const list = join(root, "power.txt")
      fs.writeFileSync(list, paths.map((path) => `${site.url(path)}\n`).join(""))
      const checked: Array<readonly [files: number, total: number]> = []
      const onCheck = (files: number, total: number) => void checked.push([files, total])
      const run = () =>
        Effect.runPromise(
          Effect.scoped(
            Effect.flatMap(Get.open({ file: list }, { directory, naming, onCheck }), (run) =>
              Stream.runCollect(run.outcomes)
            )
          )
        )
      await run()
      assert.deepStrictEqual(checked, [])
      const { DatabaseSync } = await import("node:sqlite")
      const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
      database.exec("UPDATE run SET boot = 'another'")
      database.close()
      // as where it lost its bytes with those of the file
      fs.rmSync(join(directory, ".simul", "placed"), { force: true })
      const bad = filesIn(directory).find((file) => file.endsWith("bad.bin"))!
      fs.writeFileSync(bad, Buffer.alloc(1000))
      assert.deepStrictEqual(
        (await run()).map(({ _tag, url }) => [_tag, url]),
        [["Saved", site.url(paths[1]!)]]
      )
      assert.isTrue(fs.readFileSync(bad).equals(Site.body(paths[1]!)))
      assert.deepStrictEqual(checked, [
        [1, 2],
        [2, 2]
      ])
    })

  it("fetches nothing again that cannot be read after the machine was started anew", async () => {
    await using site = await Site.start()
    const directory = folder()
    const run = () => Effect.runPromise(Stream.runCollect(Get.outcomes([site.url("/bytes/1000/a.bin")], { directory })))
    await run()
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.exec("UPDATE run SET boot = 'another'")
    database.close()
    const file = filesIn(directory).find((file) => file.endsWith("a.bin"))!
    fs.renameSync(file, join(root, "aside"))
    // the one thing that no user may read as a file
    const server = net.createServer().listen(join(root, "socket"))
    await once(server, "listening")
    fs.renameSync(join(root, "socket"), file)
    const error = await run().catch((error: unknown) => error)
    assert.deepInclude(error, { _tag: "DirectoryUnusable", directory: file, isUnseen: true })
    server.close()
    fs.renameSync(join(root, "aside"), file)
    assert.deepStrictEqual(await run(), [])
  })

  it("fetches again what is distrusted, of files and of records, and nothing else", async () => {
    await using site = await Site.start()
    const urls = [1, 2, 3].map((name) => site.url(`/bytes/1000/${name}.bin`))
    for (const format of ["files", "warc"] as const) {
      const directory = folder()
      const list = join(root, "distrusted.txt")
      fs.writeFileSync(list, urls.map((url) => `${url}\n`).join(""))
      const run = () => {
        const opened = Get.open({ file: list }, { directory, format })
        return Effect.runPromise(Effect.scoped(Effect.flatMap(opened, ({ outcomes }) => Stream.runCollect(outcomes))))
      }
      const [first, second] = (await run()).toSorted((one, other) => (one.url < other.url ? -1 : 1))
      const paths = [first!, second!].flatMap((outcome) => (outcome._tag === "Saved" ? [outcome.path] : []))
      const distrusted = Directory.distrust(directory, new Set([...paths, "another"]))
      assert.strictEqual(await Effect.runPromise(distrusted), 2)
      site.reset()
      // though it has the length that it had, it is not asked for conditionally
      assert.sameDeepMembers(
        (await run()).map(({ _tag, url }) => [_tag, url]),
        urls.slice(0, 2).map((url) => ["Saved", url])
      )
      assert.isTrue(site.requests.every(({ headers }) => headers["if-none-match"] === undefined))
      assert.deepStrictEqual(await run(), [])
    }
  })

  it("stops cleanly when nobody listens any more, and goes on with the same part", async () => {
    await using site = await Site.start()
    const directory = folder()
    const held = "/hold-body/900000/400000/gate/a.bin"
    const fast = "/bytes/10/fast.txt"
    for await (const outcome of Get.get([site.url(fast), site.url(held)], { directory })) {
      assert.strictEqual(outcome.url, site.url(fast))
      break
    }
    const { entries } = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(Directory.read(directory), ({ entries }) =>
          Effect.map(Stream.runCollect(entries), (entries) => ({ entries }))
        )
      )
    )
    assert.strictEqual(entries.length, 2)
    site.release("gate")
    const [outcome] = await collect([site.url(fast), site.url(held)], { directory })
    assertWhole(outcome!, directory, Site.body(held))
    assert.strictEqual(site.count(fast), 1)
  })
})
