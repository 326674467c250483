/** What a run archives, record by record: judged by the standard, and read by warcio. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import * as zlib from "node:zlib"
import { WARCParser } from "warcio"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"
import { recorded } from "../src/sink/Recorded.ts"
import { Site } from "../src/testing/index.ts"
import { assertRevisits, type Found, recordsOf } from "./warc/conforms.ts"
import * as Folders from "./Folders.ts"

const { folder } = Folders.make("records")
const first = "simul-00000.warc.gz"

const collect = async (urls: Iterable<string>, directory: string, options: Partial<Options> = {}) => {
  const outcomes: Array<Outcome> = []
  for await (const outcome of Get.get(urls, { backoffMs: 1, jobs: 1, format: "warc", directory, ...options }))
    outcomes.push(outcome)
  return outcomes
}
const pathOf = (outcome: Outcome | undefined) =>
  outcome !== undefined && "path" in outcome ? outcome.path : assert.fail(JSON.stringify(outcome))
const assertStands = async (directory: string, outcome: Outcome | undefined) => {
  if (outcome === undefined || !("path" in outcome)) return assert.fail(JSON.stringify(outcome))
  const { path, bytes, sha256 } = outcome
  assert.isUndefined(await Effect.runPromise(recorded(directory, path, { bytes, sha256 })), path)
}
const allIn = async (directory: string): Promise<ReadonlyArray<Found>> => {
  const records: Array<Found> = []
  for (const name of fs.readdirSync(directory).toSorted())
    if (name.endsWith(".warc.gz")) records.push(...(await recordsOf(join(directory, name))))
  assertRevisits(records)
  return records
}
const told = (records: ReadonlyArray<Found>) =>
  records.flatMap(({ type, fields, head }) =>
    type === "warcinfo"
      ? []
      : [`${type} ${new URL(fields.get("warc-target-uri")!).pathname} ${head.split("\r\n")[0]!.replace(/ HTTP.*/, "")}`]
  )

describe("records of get --format warc", () => {
  it("has a request for each answer, with its secrets withheld", async () => {
    await using site = await Site.start()
    const directory = folder()
    await collect([site.url("/auth/user/secret/bytes/100/a", { userinfo: "user:secret" })], directory, {
      headers: [
        ["x-key", "hidden"],
        ["accept-language", "da"]
      ]
    })
    const records = await allIn(directory)
    assert.deepStrictEqual(told(records), [
      "response /auth/user/secret/bytes/100/a HTTP/1.1 200 OK",
      "request /auth/user/secret/bytes/100/a GET /auth/user/secret/bytes/100/a"
    ])
    const [, response, request] = records
    assert.strictEqual(request!.fields.get("warc-concurrent-to"), response!.fields.get("warc-record-id"))
    assert.match(request!.head, /^host: 127\.0\.0\.1:\d+$/m)
    assert.match(request!.head, /^accept-language: da$/m)
    assert.match(request!.head, /^x-key: \(withheld\)$/m)
    assert.match(request!.head, /^authorization: \(withheld\)$/m)
    assert.notMatch(request!.head, /hidden|dXNlcjpzZWNyZXQ/)
  })

  it("says from which address each answer came, hop by hop", async () => {
    await using site = await Site.start({ hosts: ["127.0.0.1", "127.0.0.2"] })
    const directory = folder()
    const far = site.url("/bytes/100/far", { host: "127.0.0.2" })
    await collect([site.url(`/redirect-to?url=${encodeURIComponent(far)}`)], directory, { robots: true })
    for (const { type, fields } of await allIn(directory)) {
      const uri = fields.get("warc-target-uri")
      assert.strictEqual(fields.get("warc-ip-address"), uri && new URL(uri).hostname, `${type} of ${uri}`)
    }
  })

  it("keeps the head of an answer as it came: its reason, its spelling, its order", async () => {
    await using site = await Site.start()
    const directory = folder()
    await collect([site.url("/header/bytes/10/a?X-Two=2&x-ONE=1&X-Two=3")], directory)
    const head = (await allIn(directory))[1]!.head
    assert.strictEqual(head.split("\r\n")[0], "HTTP/1.1 200 OK")
    assert.deepStrictEqual(head.match(/^x-(?:one|two): \d$/gim), ["X-Two: 2", "x-ONE: 1", "X-Two: 3"])
  })

  it("archives a payload once: the same from elsewhere is a revisit, and its target's body lies in the first", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = ["a", "b", "c"].map((name) => site.url(`/header/bytes/20000/same?X=${name}`))
    const outcomes = await collect(urls, directory)
    assert.deepStrictEqual(
      told(await allIn(directory)).filter((one) => !one.startsWith("request")),
      [
        "response /header/bytes/20000/same HTTP/1.1 200 OK",
        "revisit /header/bytes/20000/same HTTP/1.1 200 OK",
        "revisit /header/bytes/20000/same HTTP/1.1 200 OK"
      ]
    )
    for (const outcome of outcomes) await assertStands(directory, outcome)
    assert.strictEqual(new Set(outcomes.map(pathOf)).size, 1)

    // and in another run, in another archive
    const [later] = await collect([site.url("/header/bytes/20000/same?X=d")], directory, { archiveBytes: 1 })
    assert.strictEqual(pathOf(later), pathOf(outcomes[0]))
    const records = await recordsOf(join(directory, "simul-00001.warc.gz"))
    assert.deepStrictEqual(
      records.map(({ type }) => type),
      ["warcinfo", "revisit", "request"]
    )
    await allIn(directory)
    assert.isBelow(fs.statSync(join(directory, "simul-00001.warc.gz")).size, 2500)
  })

  it("archives a payload anew when the record that has it is gone or damaged", async () => {
    await using site = await Site.start()
    for (const harm of [
      (file: string) => fs.rmSync(file),
      (file: string) => fs.truncateSync(file, fs.statSync(file).size - 1500),
      (file: string) => fs.writeFileSync(file, fs.readFileSync(file).fill(0, 300, 600))
    ]) {
      const directory = folder()
      await collect([site.url("/header/bytes/900/same?X=a")], directory)
      harm(join(directory, first))
      const [later] = await collect([site.url("/header/bytes/900/same?X=b")], directory, { archiveBytes: 1 })
      assert.match(pathOf(later), /^simul-00001/)
      await assertStands(directory, later)
      assert.deepStrictEqual(
        (await recordsOf(join(directory, "simul-00001.warc.gz"))).map(({ type }) => type),
        ["warcinfo", "response", "request"]
      )
    }
  })

  it("archives a 304 as a revisit of the record that still stands", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url("/bytes/5000/a.txt")
    const [saved] = await collect([url], directory)
    const [again] = await collect([url], directory, { refresh: true })
    assert.strictEqual(again!._tag, "Unchanged")
    assert.strictEqual(pathOf(again), pathOf(saved))
    const records = await allIn(directory)
    assert.deepStrictEqual(told(records), [
      "response /bytes/5000/a.txt HTTP/1.1 200 OK",
      "request /bytes/5000/a.txt GET /bytes/5000/a.txt",
      "revisit /bytes/5000/a.txt HTTP/1.1 304 Not Modified",
      "request /bytes/5000/a.txt GET /bytes/5000/a.txt"
    ])
    assert.strictEqual(
      records[3]!.fields.get("warc-profile"),
      "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
    )
    assert.match(records[4]!.head, /^if-none-match: "/m)
  })

  it("archives every answer on the way: redirects, errors, and those that said to come back", async () => {
    await using site = await Site.start()
    const directory = folder()
    await collect(
      [
        site.url("/redirect-to?url=/redirect/1/bytes/100/far&code=301"),
        site.url("/status/404/lost"),
        site.url("/flaky/2/503/bytes/100/third")
      ],
      directory
    )
    assert.deepStrictEqual(
      told(await allIn(directory)).filter((one) => !one.startsWith("request")),
      [
        "response /redirect-to HTTP/1.1 301 Moved Permanently",
        "revisit /redirect/1/bytes/100/far HTTP/1.1 302 Found",
        "response /bytes/100/far HTTP/1.1 200 OK",
        "response /status/404/lost HTTP/1.1 404 Not Found",
        "response /flaky/2/503/bytes/100/third HTTP/1.1 503 Service Unavailable",
        "revisit /flaky/2/503/bytes/100/third HTTP/1.1 503 Service Unavailable",
        "response /flaky/2/503/bytes/100/third HTTP/1.1 200 OK"
      ]
    )
  })

  it("archives every answer for robots.txt, as it came; the same one of a later run is a revisit", async () => {
    const text = "User-agent: *\nDisallow: /private/\n"
    const file = zlib.gzipSync(text)
    const server = http.createServer((request, response) => {
      if (request.url === "/robots.txt") response.writeHead(301, { location: "/moved.txt" }).end("moved")
      else if (request.url === "/moved.txt") response.writeHead(200, { "content-encoding": "gzip" }).end(file)
      else response.end("page")
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const directory = folder()
    const { port } = server.address() as AddressInfo
    const urls = ["page", "private/page"].map((path) => `http://127.0.0.1:${port}/${path}`)
    const asked = ["request /robots.txt GET /robots.txt", "request /moved.txt GET /moved.txt"]
    await collect(urls, directory, { robots: true })
    const records = await allIn(directory)
    assert.deepStrictEqual(told(records), [
      "response /robots.txt HTTP/1.1 301 Moved Permanently",
      asked[0],
      "response /moved.txt HTTP/1.1 200 OK",
      asked[1],
      "response /page HTTP/1.1 200 OK",
      "request /page GET /page"
    ])
    assert.isTrue(records[3]!.payload.equals(file))
    // asked again, though its day is not over
    await collect(urls, directory, { robots: true, refresh: true })
    server.close()
    server.closeAllConnections()
    assert.deepStrictEqual(
      told(await allIn(directory)).filter((one) => one.startsWith("revisit")),
      [
        "revisit /robots.txt HTTP/1.1 301 Moved Permanently",
        "revisit /moved.txt HTTP/1.1 200 OK",
        "revisit /page HTTP/1.1 200 OK"
      ]
    )
    const lines = fs.readFileSync(join(directory, "index.cdxj"), "utf8").trimEnd().split("\n")
    assert.deepStrictEqual(
      lines.map((line) => new URL(/"url": "([^"]+)"/.exec(line)![1]!).pathname),
      ["/moved.txt", "/moved.txt", "/page", "/page", "/robots.txt", "/robots.txt"]
    )
  })

  it("archives a redirect to another host, and one that waits for its turn, before what it leads to", async () => {
    await using site = await Site.start()
    await using other = await Site.start()
    const directory = folder()
    const far = other.url("/bytes/100/far")
    await collect([site.url(`/redirect-to?url=${encodeURIComponent(far)}`)], directory, { delayMs: 5, robots: true })
    const urls = (await allIn(directory)).flatMap(({ type, fields }) =>
      type === "response" ? [fields.get("warc-target-uri")!] : []
    )
    assert.deepStrictEqual(
      urls.filter((url) => !url.endsWith("/robots.txt")),
      [site.url(`/redirect-to?url=${encodeURIComponent(far)}`), far]
    )
  })

  it("keeps the first bytes of an endless error, and says that it is cut", async () => {
    const server = http.createServer((_, response) => {
      response.writeHead(500)
      const more = () => {
        while (response.write(Buffer.alloc(16_384, "x")));
      }
      response.on("drain", more)
      more()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const directory = folder()
    const { port } = server.address() as AddressInfo
    await collect([`http://127.0.0.1:${port}/`], directory, { retries: 0 })
    server.close()
    server.closeAllConnections()
    const [, response] = await allIn(directory)
    assert.strictEqual(response!.fields.get("warc-truncated"), "length")
    assert.strictEqual(response!.payload.length, 65_536)
  })

  it("keeps what came of a body that never came whole, and says why it is cut", async () => {
    await using site = await Site.start()
    const directory = folder()
    const cut: ReadonlyArray<readonly [path: string, truncated: string, options?: Partial<Options>]> = [
      ["/cut/5000/400/small", "disconnect"],
      ["/cut/9000000/3000000/large", "disconnect"],
      ["/bytes/2000000/declared", "length", { maxSize: 1_000_000 }],
      ["/bytes/1000000/small-bound", "length", { maxSize: 1000 }],
      ["/chunked/2000000/told-nothing", "length", { maxSize: 1_000_000 }],
      ["/stall/9000/3000/silence", "time", { timeoutMs: 1000 }]
    ]
    for (const [path, , options] of cut) {
      const [outcome] = await collect([site.url(path)], directory, { retries: 0, ...options })
      assert.strictEqual(outcome!._tag, "Failed", path)
    }
    assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
    const responses = (await allIn(directory)).filter(({ type }) => type === "response")
    assert.deepStrictEqual(
      responses.map(({ fields }) => fields.get("warc-truncated")),
      cut.map(([, truncated]) => truncated)
    )
    for (const [index, { payload }] of responses.entries()) {
      const [path] = cut[index]!
      const whole = Site.body(path)
      assert.isAbove(payload.length, 0, path)
      assert.isTrue(payload.equals(whole.subarray(0, payload.length)), path)
    }
    assert.deepStrictEqual(
      responses.slice(0, 5).map(({ payload }) => payload.length),
      [400, 3_000_000, 65_536, 1000, 1_000_000]
    )
  })

  it("has a record of each attempt that broke off, whatever comes of the next", async () => {
    let asked = 0
    const server = http.createServer((request, response) => {
      const isFirst = asked++ === 0
      if (isFirst) response.writeHead(200, { "content-length": 5000 }).write("x".repeat(4000), () => response.destroy())
      else if (request.url === "/whole") response.end("y".repeat(5000))
      else if (request.url === "/gone") response.writeHead(404).end()
      else request.socket.destroy()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const nexts: ReadonlyArray<readonly [path: string, ...bytes: ReadonlyArray<number>]> = [
      ["/whole", 5000],
      ["/gone", 0],
      ["/reset"]
    ]
    for (const [path, ...bytes] of nexts) {
      asked = 0
      const directory = folder()
      await collect([`http://127.0.0.1:${port}${path}`], directory, { retries: 1 })
      const responses = (await allIn(directory)).filter(({ type }) => type === "response")
      assert.deepStrictEqual(
        responses.map(({ fields, payload }) => [fields.get("warc-truncated"), payload.length]),
        [["disconnect", 4000], ...bytes.map((length) => [undefined, length])],
        path
      )
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
    }
    server.close()
    server.closeAllConnections()
  })

  it("archives a whole payload once, though what was cut before has the same bytes", async () => {
    const server = http.createServer((request, response) => {
      response.write("the same", () => {
        // chunks without the last: all that was to come, but nobody can know that
        if (request.url === "/cut") response.destroy()
        else response.end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    const directory = folder()
    for (const name of ["cut", "whole1", "whole2", "whole3"])
      await collect([`http://127.0.0.1:${port}/${name}`], directory, { retries: 0 })
    server.close()
    server.closeAllConnections()
    assert.deepStrictEqual(
      (await allIn(directory)).map(({ type }) => type).filter((type) => type.startsWith("re") && type !== "request"),
      ["response", "response", "revisit", "revisit"]
    )
  })

  it("is read by warcio: every response with its body", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = ["/bytes/0/empty", "/bytes/2000000/large", "/chunked/70000/chunks", "/encoded/gzip/30000/page.html"]
    await collect(
      paths.map((path) => site.url(path)),
      directory
    )
    const bodies = new Map<string, Buffer>()
    for await (const record of WARCParser.iterRecords(fs.createReadStream(join(directory, first)))) {
      if (record.warcType === "response") {
        assert.strictEqual(record.httpHeaders?.statusCode, 200)
        bodies.set(new URL(record.warcTargetURI!).pathname, Buffer.from(await record.readFully(true)))
      } else await record.skipFully()
    }
    assert.deepStrictEqual([...bodies.keys()], paths)
    // it undoes content codings
    for (const path of paths) assert.isTrue(bodies.get(path)!.equals(Site.body(path)), path)
  })
})
