import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import * as Net from "node:net"
import * as zlib from "node:zlib"
import * as Site from "../../src/testing/Site.ts"
import { ask, Connection, request } from "./RawClient.ts"

/** One site for the tests that leave nothing behind in it: state is kept by path, and each path is used once. */
const shared = Site.start()
const get = async (path: string, fields?: Readonly<Record<string, string>>, method?: string) =>
  ask((await shared).url(path), fields, method)

/** A whole reply through Node's own client; rejects when it ends too early. */
const collected = (get: typeof Https.get | typeof Http.get, url: string, options: Https.RequestOptions) =>
  new Promise<{ readonly body: Buffer; readonly version: string }>((resolve, reject) => {
    get(url, options, (message) => {
      const chunks: Array<Buffer> = []
      message.on("data", (chunk: Buffer) => chunks.push(chunk))
      message.on("end", () => resolve({ body: Buffer.concat(chunks), version: message.httpVersion }))
      message.on("error", reject)
    }).on("error", reject)
  })

describe("content", () => {
  it("is the same for the same path and differs between paths", () => {
    assert.isTrue(Site.body("/bytes/1000/a").equals(Site.body("/bytes/1000/a")))
    assert.isFalse(Site.body("/bytes/1000/a").equals(Site.body("/bytes/1000/b")))
  })

  it("does not change between versions of this package", () => {
    assert.strictEqual(Site.body("/bytes/12/a").toString("hex"), "7a09afc068f39116a605655e")
  })

  it("has no repeated block", () => {
    const body = Site.body("/bytes/1000000/a")
    const words = new Set<string>()
    for (let at = 0; at < body.length; at += 8) words.add(body.toString("latin1", at, at + 8))
    assert.strictEqual(words.size, body.length / 8)
  })

  it("is seen through wrappers", () => {
    const path = "/bytes/10/a"
    for (const wrapped of ["/slow/5", "/redirect/3", "/flaky/2/503", "/auth/u/p", "/cut-first/3/slow/1", "/header"]) {
      assert.isTrue(Site.body(`${wrapped}${path}?x=1`).equals(Site.body(path)), wrapped)
    }
  })

  it("is refused for paths that have none", () => {
    assert.throws(() => Site.body("/silent"), /no content/)
    assert.throws(() => Site.body("/nowhere"), /no behaviour/)
    assert.throws(() => Site.body("/bytes/many/x"), /whole number/)
  })
})

describe("whole bodies", () => {
  it("declares a length and sends the path's content", async () => {
    const { status, body, fields } = await get("/bytes/10240/name.bin")
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(fields("content-length"), ["10240"])
    assert.isTrue(body.equals(Site.body("/bytes/10240/name.bin")))
  })

  it("sends bodies larger than it keeps in memory, unchanged", async () => {
    const { body } = await get("/bytes/3000001/large")
    assert.isTrue(body.equals(Site.body("/bytes/3000001/large")))
  })

  it("reads any part of a large body as it is in the whole", async () => {
    const whole = Site.body("/bytes/3000001/parts")
    const { body } = await get("/bytes/3000001/parts", { range: "bytes=1000003-2000004" })
    assert.isTrue(body.equals(whole.subarray(1000003, 2000005)))
  })

  it("answers HEAD with the head alone", async () => {
    const { status, body, fields } = await get("/bytes/100/head", {}, "HEAD")
    assert.strictEqual(status, 200)
    assert.deepStrictEqual(fields("content-length"), ["100"])
    assert.strictEqual(body.length, 0)
  })

  it("sends chunks, several of them, and no length", async () => {
    const { body, fields } = await get("/chunked/1000/c")
    assert.deepStrictEqual(fields("transfer-encoding"), ["chunked"])
    assert.deepStrictEqual(fields("content-length"), [])
    const text = body.toString("latin1")
    assert.isTrue(text.startsWith("fa\r\n"))
    assert.isTrue(text.endsWith("\r\n0\r\n\r\n"))
    assert.strictEqual(body.length, 1000 + 4 * "fa\r\n\r\n".length + "0\r\n\r\n".length)
  })

  it("ends a body without any framing by the connection's end", async () => {
    const site = await shared
    const url = site.url("/close/1000/c")
    const { body, fields, end } = await new Connection(url, request(url)).until()
    assert.deepStrictEqual([...fields("content-length"), ...fields("transfer-encoding")], [])
    assert.strictEqual(end, "end")
    assert.isTrue(body.equals(Site.body("/close/1000/c")))
  })

  it("answers an empty 204 and any status asked for", async () => {
    const empty = await get("/empty")
    assert.deepStrictEqual([empty.status, empty.body.length, empty.fields("content-length").length], [204, 0, 0])
    assert.strictEqual((await get("/status/418")).status, 418)
  })

  it("says what is wrong with a path it cannot read", async () => {
    const { status, body } = await get("/bytes/many/x")
    assert.strictEqual(status, 400)
    assert.include(body.toString(), 'got "many"')
    assert.strictEqual((await get("/cut/10")).status, 400)
    assert.strictEqual((await get("/status/99")).status, 400)
    assert.strictEqual((await get("/header?bad%0Aname=1")).status, 400)
    assert.strictEqual((await get("/nowhere")).status, 404)
  })
})

describe("conditions and ranges", () => {
  const path = "/bytes/100/conditional"
  const whole = Site.body(path)
  const validators = async () => {
    const { fields } = await get(path)
    return { etag: fields("etag")[0]!, lastModified: fields("last-modified")[0]! }
  }

  it("has a strong ETag and a Last-Modified in the past", async () => {
    const { etag, lastModified } = await validators()
    assert.match(etag, /^"[^"]+"$/)
    assert.isBelow(Date.parse(lastModified), Date.now())
  })

  it("answers 304 with the ETag and without a body when the client has it", async () => {
    const { etag, lastModified } = await validators()
    const conditions = [
      { "if-none-match": etag },
      { "if-none-match": `"x", W/${etag}` },
      { "if-none-match": "*" },
      { "if-modified-since": lastModified }
    ]
    for (const condition of conditions) {
      const { status, body, fields } = await get(path, condition)
      assert.deepStrictEqual([status, body.length, fields("etag")[0]], [304, 0, etag], JSON.stringify(condition))
    }
  })

  it("sends everything when the condition is about something else", async () => {
    const { lastModified } = await validators()
    assert.strictEqual((await get(path, { "if-none-match": '"x"' })).status, 200)
    assert.strictEqual((await get(path, { "if-modified-since": "Mon, 01 Jan 2001 00:00:00 GMT" })).status, 200)
    // If-None-Match outranks If-Modified-Since.
    assert.strictEqual((await get(path, { "if-none-match": '"x"', "if-modified-since": lastModified })).status, 200)
    assert.strictEqual((await get(path, { "if-match": '"x"' })).status, 412)
  })

  const ranges: ReadonlyArray<readonly [string, number, number]> = [
    ["bytes=10-", 10, 100],
    ["bytes=10-19", 10, 20],
    ["bytes=90-200", 90, 100],
    ["bytes=-10", 90, 100],
    ["bytes=-200", 0, 100],
    ["bytes=0-0", 0, 1]
  ]
  for (const [range, from, to] of ranges) {
    it(`sends bytes ${from} to ${to} for ${range}`, async () => {
      const { status, body, fields } = await get(path, { range })
      assert.strictEqual(status, 206)
      assert.deepStrictEqual(fields("content-range"), [`bytes ${from}-${to - 1}/100`])
      assert.isTrue(body.equals(whole.subarray(from, to)))
    })
  }

  for (const range of ["bytes=100-", "bytes=-0"]) {
    it(`answers 416 with the length for ${range}`, async () => {
      const { status, fields } = await get(path, { range })
      assert.deepStrictEqual([status, ...fields("content-range")], [416, "bytes */100"])
    })
  }

  for (const range of ["bytes=20-10", "bytes=-", "lines=1-2", "bytes=0-1,5-6"]) {
    it(`ignores the range ${range}`, async () => {
      const { status, body } = await get(path, { range })
      assert.deepStrictEqual([status, body.length], [200, 100])
    })
  }

  it("continues only what If-Range recognises", async () => {
    const { etag, lastModified } = await validators()
    const statusOf = async (ifRange: string) => (await get(path, { range: "bytes=50-", "if-range": ifRange })).status
    assert.strictEqual(await statusOf(etag), 206)
    assert.strictEqual(await statusOf(lastModified), 206)
    assert.strictEqual(await statusOf(`W/${etag}`), 200)
    assert.strictEqual(await statusOf('"x"'), 200)
  })
})

describe("time", () => {
  it("is slow before the head, by a lower bound", async () => {
    const begin = performance.now()
    const { status } = await get("/slow/30/bytes/1/x")
    assert.strictEqual(status, 200)
    assert.isAtLeast(performance.now() - begin, 29)
  })

  it("holds a response until the gate is released", async () => {
    await using site = await Site.start()
    const url = site.url("/hold/a/bytes/10/x")
    const connection = new Connection(url, request(url, { connection: "close" }))
    await site.arrived(1, "/hold/")
    // A whole other exchange later there is still nothing.
    await ask(site.url("/bytes/1/other"))
    assert.strictEqual(connection.now.bytes.length, 0)
    assert.strictEqual(site.inFlight("/hold/"), 1)
    site.release("a")
    assert.isTrue((await connection.until()).body.equals(Site.body("/bytes/10/x")))
    assert.strictEqual((await ask(url)).status, 200)
  })

  it("holds a body in its middle until the gate is released over HTTP", async () => {
    await using site = await Site.start()
    const url = site.url("/hold-body/10/4/b/x")
    const connection = new Connection(url, request(url, { connection: "close" }))
    assert.strictEqual((await connection.until(({ body }) => body.length >= 4)).body.length, 4)
    assert.strictEqual((await ask(site.url("/release/b"))).status, 204)
    assert.isTrue((await connection.until()).body.equals(Site.body("/hold-body/10/4/b/x")))
  })

  it("drips a body byte by byte", async () => {
    const { body, fields } = await get("/drip/5/1/x")
    assert.deepStrictEqual(fields("content-length"), ["5"])
    assert.isTrue(body.equals(Site.body("/drip/5/1/x")))
  })

  it("stalls after the head and the bytes named, the connection open", async () => {
    const site = await shared
    const url = site.url("/stall/100/7")
    const connection = new Connection(url, request(url))
    await connection.until(({ body }) => body.length >= 7)
    await ask(site.url("/bytes/1/other"))
    const { body, end, fields } = connection.now
    assert.deepStrictEqual([body.length, end, ...fields("content-length")], [7, "open", "100"])
    connection.socket.destroy()
  })

  it("stays silent after the request", async () => {
    await using site = await Site.start()
    const url = site.url("/silent")
    const connection = new Connection(url, request(url))
    await site.arrived(1)
    await ask(site.url("/bytes/1/other"))
    assert.deepStrictEqual([connection.now.bytes.length, connection.now.end], [0, "open"])
    connection.socket.destroy()
  })

  it("waits for its latency before every answer", async () => {
    await using site = await Site.start({ latencyMs: 20 })
    const begin = performance.now()
    await ask(site.url("/bytes/1/x"))
    assert.isAtLeast(performance.now() - begin, 19)
  })
})

describe("broken replies", () => {
  it("a cut body ends after 3 of 5000 bytes", async () => {
    const { body, fields, end } = await get("/cut/5000/3/x", { connection: "keep-alive" })
    assert.deepStrictEqual([end, ...fields("content-length")], ["end", "5000"])
    assert.isTrue(body.equals(Site.body("/cut/5000/3/x").subarray(0, 3)))
  })

  it("a cut at 0 still sends the head", async () => {
    const { status, body } = await get("/cut/5000/0")
    assert.deepStrictEqual([status, body.length], [200, 0])
  })

  it("a cut far into a large body ends exactly there", async () => {
    const { body } = await get("/cut/3000000/2000001/x")
    assert.isTrue(body.equals(Site.body("/cut/3000000/2000001/x").subarray(0, 2000001)))
  })

  it("cut-once cuts the first response and continues it when asked", async () => {
    const path = "/cut-once/1000/300/x"
    const first = await get(path)
    assert.strictEqual(first.body.length, 300)
    const rest = await get(path, { range: "bytes=300-", "if-range": first.fields("etag")[0]! })
    assert.strictEqual(rest.status, 206)
    assert.isTrue(Buffer.concat([first.body, rest.body]).equals(Site.body(path)))
    assert.isTrue((await get(path)).body.equals(Site.body(path)))
  })

  it("cut-first cuts the first response of what it wraps", async () => {
    const path = "/cut-first/10/range/ignored/100/x"
    assert.strictEqual((await get(path)).body.length, 10)
    const second = await get(path, { range: "bytes=10-" })
    assert.deepStrictEqual([second.status, second.body.length], [200, 100])
  })

  it("cut-chunked sends no last chunk", async () => {
    const { body, end } = await get("/cut-chunked/1000/500/x")
    assert.strictEqual(end, "end")
    const content = Site.body("/cut-chunked/1000/500/x").toString("latin1", 0, 500)
    const chunks = content.match(/[^]{125}/g)!.map((chunk) => `7d\r\n${chunk}\r\n`)
    assert.strictEqual(body.toString("latin1"), chunks.join(""))
  })

  // Node 22's client often reports an RST that follows data as an ordinary end.
  it.skipIf(Number.parseInt(process.versions.node) < 24)("reset ends with RST and not with FIN", async () => {
    const { end, body } = await get("/reset/5000/3/x")
    assert.strictEqual(end, "reset")
    assert.isAtMost(body.length, 3)
  })

  it("hang-up ends without a byte", async () => {
    const { end, bytes } = await get("/hang-up")
    assert.deepStrictEqual([end, bytes.length], ["end", 0])
  })

  it("garbage and HTTP/0.9 have no status line", async () => {
    const garbage = await get("/garbage")
    assert.strictEqual(garbage.bytes.length, 4096)
    assert.notInclude(garbage.bytes.toString("latin1"), "HTTP/")
    assert.isTrue((await get("/http09/100/x")).bytes.equals(Site.body("/http09/100/x")))
  })

  it("writes malformed heads as they are", async () => {
    const textOf = async (path: string) => (await get(path)).bytes.toString("latin1")
    assert.strictEqual(await textOf("/lf-only"), "HTTP/1.1 200 OK\nConnection: close\nContent-Length: 6\n\nplain\n")
    assert.match(await textOf("/two-lengths"), /Content-Length: 5\r\nContent-Length: 6\r\n\r\nplain\n$/)
    assert.match(await textOf("/length-and-chunked"), /Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n/)
    assert.match(await textOf("/bad-chunk"), /\r\n\r\nsix\r\n/)
  })

  it("sends heads of any size", async () => {
    assert.strictEqual((await get("/large-head/20000")).fields("x-large")[0]!.length, 20000)
    assert.isAbove((await get("/head-too-large")).bytes.length, 1024 * 1024)
  })
})

describe("routing", () => {
  it("fails as often as told, then answers", async () => {
    const statuses = []
    for (let time = 0; time < 4; time++) statuses.push((await get("/flaky/2/503/bytes/10/flaky")).status)
    assert.deepStrictEqual(statuses, [503, 503, 200, 200])
  })

  it("counts each of two nested failures", async () => {
    const statuses = []
    for (let time = 0; time < 4; time++) statuses.push((await get("/flaky/1/503/flaky/2/429/bytes/1/x")).status)
    assert.deepStrictEqual(statuses, [503, 429, 429, 200])
  })

  it("says when to come back, in both forms", async () => {
    const seconds = await get("/retry-after/7/1/429/bytes/10/x")
    assert.deepStrictEqual([seconds.status, ...seconds.fields("retry-after")], [429, "7"])
    assert.strictEqual((await get("/retry-after/7/1/429/bytes/10/x")).status, 200)
    const date = (await get("/retry-after/date-3600/1/503/bytes/10/x")).fields("retry-after")[0]!
    assert.match(date, / GMT$/)
    assert.isAbove(Date.parse(date), Date.now() + 1_000_000)
  })

  it("redirects hop by hop", async () => {
    const first = await get("/redirect/2/bytes/10/x")
    assert.deepStrictEqual([first.status, ...first.fields("location")], [302, "/redirect/1/bytes/10/x"])
    assert.deepStrictEqual((await get("/redirect/1/bytes/10/x")).fields("location"), ["/bytes/10/x"])
    assert.deepStrictEqual((await get("/redirect-loop")).fields("location"), ["/redirect-loop"])
  })

  it("redirects wherever the query says, with the status it says", async () => {
    const { status, fields } = await get("/redirect-to?url=http%3A%2F%2F127.0.0.2%2Fx%3Fa%3Db&code=308")
    assert.deepStrictEqual([status, ...fields("location")], [308, "http://127.0.0.2/x?a=b"])
  })

  it("asks for credentials and takes only the right ones", async () => {
    const path = "/auth/ann/se%20cret/bytes/10/x"
    const refused = await get(path)
    assert.deepStrictEqual([refused.status, ...refused.fields("www-authenticate")], [401, 'Basic realm="site"'])
    const authorization = `Basic ${Buffer.from("ann:se cret").toString("base64")}`
    assert.strictEqual((await get(path, { authorization })).status, 200)
    assert.strictEqual((await get(path, { authorization: `${authorization}x` })).status, 401)
  })

  it("sets cookies and asks for them", async () => {
    assert.deepStrictEqual((await get("/cookie/set?a=1&b=2")).fields("set-cookie"), ["a=1; Path=/", "b=2; Path=/"])
    assert.strictEqual((await get("/cookie/need/a/1/bytes/1/x")).status, 403)
    assert.strictEqual((await get("/cookie/need/a/1/bytes/1/x", { cookie: "b=2; a=1" })).status, 200)
  })

  it("adds header fields byte for byte, replacing those of the same name", async () => {
    const { fields } = await get("/header/bytes/10/x?x-a=1&x-a=%C3%A4&etag=%22mine%22")
    assert.deepStrictEqual(fields("x-a"), ["1", "\u00c3\u00a4"])
    assert.deepStrictEqual(fields("etag"), ['"mine"'])
    const value = 'attachment; filename="a%3B b.txt"'
    const disposed = await get(`/disposition/bytes/10/x?value=${encodeURIComponent(value)}`)
    assert.deepStrictEqual(disposed.fields("content-disposition"), [value])
    assert.strictEqual((await get("/disposition?value=inline")).status, 200)
  })

  it("echoes the request", async () => {
    const { body } = await get("/echo/x?y", { "x-mine": "1" })
    const echoed = JSON.parse(body.toString())
    assert.deepStrictEqual([echoed.method, echoed.url, echoed.headers["x-mine"]], ["GET", "/echo/x?y", "1"])
  })
})

describe("wrong ranges", () => {
  const range = "bytes=40-"
  const contentRange = async (kind: string) => {
    const { status, fields, body } = await get(`/range/${kind}/100/x`, { range })
    return { status, stated: fields("content-range")[0], body, whole: Site.body(`/range/${kind}/100/x`) }
  }

  it("ignored sends everything and does not offer ranges", async () => {
    const { status, body, whole } = await contentRange("ignored")
    assert.strictEqual(status, 200)
    assert.isTrue(body.equals(whole))
    assert.deepStrictEqual((await get("/range/ignored/100/x")).fields("accept-ranges"), [])
  })

  it("wrong-offset sends another range than asked", async () => {
    const { status, stated, body, whole } = await contentRange("wrong-offset")
    assert.deepStrictEqual([status, stated], [206, "bytes 39-99/100"])
    assert.isTrue(body.equals(whole.subarray(39)))
  })

  it("short ends before the range does", async () => {
    const { status, stated, body } = await contentRange("short")
    assert.deepStrictEqual([status, stated, body.length], [206, "bytes 40-69/100", 30])
  })

  it("wrong-total gives another total", async () => {
    const { status, stated, body } = await contentRange("wrong-total")
    assert.deepStrictEqual([status, stated, body.length], [206, "bytes 40-99/101", 60])
  })

  it("wrong-validator has another ETag in 206", async () => {
    const whole = (await get("/range/wrong-validator/100/x")).fields("etag")[0]!
    const part = await get("/range/wrong-validator/100/x", { range, "if-range": whole })
    assert.strictEqual(part.status, 206)
    assert.notStrictEqual(part.fields("etag")[0], whole)
  })

  it("unstated leaves Content-Range out", async () => {
    const { status, stated, body } = await contentRange("unstated")
    assert.deepStrictEqual([status, stated, body.length], [206, undefined, 60])
  })

  it("416 refuses every range and sends the whole", async () => {
    const { status, stated } = await contentRange("416")
    assert.deepStrictEqual([status, stated], [416, "bytes */100"])
    assert.strictEqual((await get("/range/416/100/x")).status, 200)
  })

  it("changed has other content and validators from the second request on", async () => {
    const path = "/range/changed/100/y"
    const first = await get(path)
    assert.isTrue(first.body.equals(Site.body(path)))
    const second = await get(path, { range, "if-range": first.fields("etag")[0]! })
    assert.strictEqual(second.status, 200)
    assert.notStrictEqual(second.fields("etag")[0], first.fields("etag")[0])
    assert.isFalse(second.body.equals(first.body))
    assert.isTrue(second.body.equals(Site.body(path, 1)))
  })

  it("changed-silently has other content under the same validators", async () => {
    const path = "/range/changed-silently/100/y"
    const first = await get(path)
    const second = await get(path)
    assert.deepStrictEqual(second.fields("etag"), first.fields("etag"))
    assert.isTrue(second.body.equals(Site.body(path, 1)))
    assert.isFalse(second.body.equals(first.body))
  })

  it("weak has a weak ETag that never continues", async () => {
    const { fields } = await get("/range/weak/100/x")
    const etag = fields("etag")[0]!
    assert.match(etag, /^W\/"/)
    assert.deepStrictEqual(fields("last-modified"), [])
    assert.strictEqual((await get("/range/weak/100/x", { range, "if-range": etag })).status, 200)
    assert.strictEqual((await get("/range/weak/100/x", { "if-none-match": etag })).status, 304)
  })

  it("bare has ranges and nothing to recognise it by", async () => {
    const { status, fields } = await get("/range/bare/100/x", { range })
    assert.deepStrictEqual([status, ...fields("etag"), ...fields("last-modified")], [206])
  })
})

describe("content codings", () => {
  const decoders: ReadonlyArray<readonly [string, string, (bytes: Buffer) => Buffer]> = [
    ["gzip", "gzip", zlib.gunzipSync],
    ["x-gzip", "x-gzip", zlib.gunzipSync],
    ["deflate", "deflate", zlib.inflateSync],
    ["raw-deflate", "deflate", zlib.inflateRawSync],
    ["br", "br", zlib.brotliDecompressSync],
    ["identity", "identity", (bytes) => bytes],
    ["mislabelled-gzip", "gzip", (bytes) => bytes],
    ["unheard-of", "unheard-of", (bytes) => bytes],
    ["gzip,br", "gzip, br", (bytes) => zlib.gunzipSync(zlib.brotliDecompressSync(bytes))]
  ]
  for (const [coding, label, decode] of decoders) {
    it(`${coding} is labelled ${label} and decodes to the path's content`, async () => {
      const path = `/encoded/${coding}/1000/x`
      const { body, fields } = await get(path)
      assert.deepStrictEqual(fields("content-encoding"), [label])
      assert.isTrue(decode(body).equals(Site.body(path)))
    })
  }

  it.skipIf(zlib.zstdDecompressSync === undefined)("zstd decodes to the path's content", async () => {
    const { body } = await get("/encoded/zstd/1000/x")
    assert.isTrue(zlib.zstdDecompressSync(body).equals(Site.body("/encoded/zstd/1000/x")))
  })

  it("truncated and corrupt codings arrive whole and do not decode", async () => {
    for (const fault of ["truncated", "corrupt"]) {
      for (const [coding, decode] of [
        ["gzip", zlib.gunzipSync],
        ["deflate", zlib.inflateSync],
        ["br", zlib.brotliDecompressSync]
      ] as const) {
        const { body, fields } = await get(`/encoded/${fault}-${coding}/1000/x`)
        assert.strictEqual(body.length, Number(fields("content-length")[0]))
        assert.throws(() => {
          const decoded = decode(body)
          if (!decoded.equals(Site.body(`/encoded/${fault}-${coding}/1000/x`))) throw new Error("other bytes")
        })
      }
    }
  })

  for (const [coding, decode] of [
    ["gzip", zlib.gunzipSync],
    ["deflate", zlib.inflateSync],
    ["br", zlib.brotliDecompressSync]
  ] as const) {
    it(`a bomb in ${coding} is small and decodes to that many zeros`, async () => {
      const size = 5_000_001
      const site = await shared
      const response = await collected(Http.get, site.url(`/bomb/${coding}/${size}`), {})
      assert.isBelow(response.body.length, size / 50)
      assert.isTrue(decode(response.body).equals(Buffer.alloc(size)))
    })
  }
})

describe("pages", () => {
  const linksOf = (html: Buffer) => [...html.toString().matchAll(/href="([^"]+)"/g)].map(([, link]) => link!)

  it("a tree has the promised number of pages, each reachable from the root", async () => {
    const seen = new Set(["/tree/3/2"])
    for (const page of seen) {
      const { status, body, fields } = await get(page)
      assert.strictEqual(status, 200)
      assert.deepStrictEqual(fields("content-type"), ["text/html; charset=utf-8"])
      assert.isTrue(body.equals(Site.body(page)))
      for (const link of linksOf(body)) seen.add(link)
    }
    assert.strictEqual(seen.size, 1 + 3 + 9)
  })

  it("has no page below its depth or beside its width", async () => {
    assert.strictEqual((await get("/tree/3/2/0/0/0")).status, 404)
    assert.strictEqual((await get("/tree/3/2/3")).status, 404)
  })

  it("serves files of its own before the table", async () => {
    await using site = await Site.start({
      files: {
        "/robots.txt": "User-agent: *\n",
        "/bytes/10/x": { status: 503, headers: { "Retry-After": "1", "Set-Cookie": ["a=1", "b=2"] }, body: "no" }
      },
      respond: ({ path }) => (path.endsWith(".found") ? `found ${path}` : undefined)
    })
    const robots = await ask(site.url("/robots.txt?x"))
    assert.deepStrictEqual(
      [robots.status, robots.body.toString(), ...robots.fields("content-type")],
      [200, "User-agent: *\n", "text/plain; charset=utf-8"]
    )
    assert.strictEqual((await ask(site.url("/robots.txt"), { "if-none-match": robots.fields("etag")[0]! })).status, 304)
    const busy = await ask(site.url("/bytes/10/x"))
    assert.deepStrictEqual([busy.status, busy.body.toString()], [503, "no"])
    assert.deepStrictEqual(busy.fields("set-cookie"), ["a=1", "b=2"])
    assert.strictEqual((await ask(site.url("/a/b.found"))).body.toString(), "found /a/b.found")
    site.put("/bytes/10/x", undefined)
    assert.strictEqual((await ask(site.url("/bytes/10/x"))).body.length, 10)
    site.put("/bytes/10/x", "new")
    assert.strictEqual((await ask(site.url("/bytes/10/x"))).body.toString(), "new")
  })
})

describe("the log", () => {
  it("has each request with its time, path and headers, until reset", async () => {
    await using site = await Site.start()
    await ask(site.url("/bytes/1/a?q"), { "x-mine": "1" })
    await ask(site.url("/flaky/1/503/bytes/1/a"))
    const [first, second] = site.requests
    assert.deepStrictEqual([first!.method, first!.path, first!.headers["x-mine"]], ["GET", "/bytes/1/a?q", "1"])
    assert.isAtLeast(second!.atMs, first!.atMs)
    assert.deepStrictEqual([site.count("/bytes/1/a?q"), site.count("/bytes/1/a"), site.count()], [1, 0, 2])
    assert.strictEqual(site.connections, 2)
    site.reset()
    assert.strictEqual(site.count(), 0)
    assert.strictEqual((await ask(site.url("/flaky/1/503/bytes/1/a"))).status, 503)
  })

  it("knows how many were in flight at most, for each prefix", async () => {
    await using site = await Site.start()
    const held = ["/hold/g/bytes/1/a", "/hold/g/bytes/1/b", "/hold/g/status/200"].map((path) => ask(site.url(path)))
    await site.arrived(3)
    assert.deepStrictEqual([site.inFlight(), site.inFlight("/hold/g/bytes/")], [3, 2])
    site.release("g")
    await Promise.all(held)
    for (let time = 0; time < 3; time++) await ask(site.url("/cut/100/10/x"))
    assert.deepStrictEqual([site.maxInFlight(), site.maxInFlight("/hold/g/bytes/"), site.inFlight()], [3, 2, 0])
    assert.deepStrictEqual([site.maxInFlight("/cut/"), site.maxInFlight("/none")], [1, 0])
  })

  it("forgets a request when its client leaves", async () => {
    await using site = await Site.start()
    const url = site.url("/silent")
    const connection = new Connection(url, request(url))
    await site.arrived(1)
    assert.strictEqual(site.inFlight(), 1)
    connection.socket.destroy()
    while (site.inFlight() > 0) await ask(site.url("/bytes/1/x"))
    assert.strictEqual(site.maxInFlight("/silent"), 1)
  })

  it("tells which of several loopback addresses was asked", async () => {
    await using site = await Site.start({ hosts: ["127.0.0.1", "127.0.0.2"] })
    const other = await ask(site.url("/bytes/10/x", { host: "127.0.0.2" }))
    assert.isTrue(other.body.equals(Site.body("/bytes/10/x")))
    await ask(site.url("/bytes/10/x"))
    assert.deepStrictEqual(
      site.requests.map((seen) => seen.host),
      ["127.0.0.2", "127.0.0.1"]
    )
    assert.strictEqual(site.url("/x", { userinfo: "a:b" }), `http://a:b@127.0.0.1:${site.port}/x`)
  })
})

describe("life", () => {
  it("listens on the port given, and fails when it is taken", async () => {
    await using site = await Site.start()
    const failed = await Site.start({ port: site.port }).then(
      () => "started",
      (error: NodeJS.ErrnoException) => error.code
    )
    assert.strictEqual(failed, "EADDRINUSE")
  })

  it("destroys open connections when it closes", async () => {
    const site = await Site.start()
    const url = site.url("/silent")
    const connection = new Connection(url, request(url))
    await site.arrived(1)
    await site.close()
    assert.strictEqual((await connection.until()).bytes.length, 0)
    const refused = Net.connect(site.port, "127.0.0.1")
    const [error] = await once(refused, "error")
    assert.strictEqual(error.code, "ECONNREFUSED")
  })

  it.live("closes with its scope", () =>
    Effect.gen(function* () {
      const port = yield* Effect.scoped(
        Effect.gen(function* () {
          const site = yield* Site.make()
          const reply = yield* Effect.promise(() => ask(site.url("/bytes/3/x")))
          assert.strictEqual(reply.body.length, 3)
          return site.port
        })
      )
      const [error] = yield* Effect.promise(() => once(Net.connect(port, "127.0.0.1"), "error"))
      assert.strictEqual(error.code, "ECONNREFUSED")
    })
  )
})

describe("TLS", () => {
  const fetched = (url: string, ca: string) => collected(Https.get, url, { ca, agent: false })
  const failure = (url: string, ca: string) =>
    fetched(url, ca).then(
      () => "none",
      (error: NodeJS.ErrnoException) => error.code
    )

  it("is trusted with its authority and not without", async () => {
    await using site = await Site.start({ tls: true, hosts: ["127.0.0.1", "127.0.0.2"] })
    const { body } = await fetched(site.url("/bytes/10/x"), site.ca)
    assert.isTrue(body.equals(Site.body("/bytes/10/x")))
    await fetched(site.url("/bytes/10/x", { host: "127.0.0.2" }), site.ca)
    assert.strictEqual(await failure(site.url("/bytes/10/x"), ""), "UNABLE_TO_VERIFY_LEAF_SIGNATURE")
  })

  it("can be expired, or for another name", async () => {
    const failureWith = async (tls: Site.Options["tls"] & object) => {
      await using site = await Site.start({ tls })
      return await failure(site.url("/bytes/10/x"), site.ca)
    }
    assert.strictEqual(await failureWith({ notAfter: new Date(Date.now() - 1000) }), "CERT_HAS_EXPIRED")
    assert.strictEqual(await failureWith({ names: ["elsewhere.test"] }), "ERR_TLS_CERT_ALTNAME_INVALID")
  })

  it("cuts and resets as without TLS", async () => {
    await using site = await Site.start({ tls: true })
    for (const path of ["/cut/5000/3", "/reset/5000/3"]) {
      assert.strictEqual(await failure(site.url(path), site.ca), "ECONNRESET")
    }
  })

  it("speaks HTTP/2 to those who offer it and HTTP/1.1 to others", async () => {
    await using site = await Site.start({ tls: true, http2: true })
    assert.strictEqual((await fetched(site.url("/bytes/10/x"), site.ca)).version, "1.1")
    const session = Http2.connect(site.url(""), { ca: site.ca })
    session.on("error", () => undefined)
    const over = async (path: string) => {
      const stream = session.request({ ":path": path })
      let status: number | undefined
      stream.on("response", (headers) => (status = headers[":status"]))
      const chunks: Array<Buffer> = []
      try {
        for await (const chunk of stream) chunks.push(chunk)
        return { status, body: Buffer.concat(chunks), code: stream.rstCode }
      } catch {
        return { status, body: Buffer.concat(chunks), code: stream.rstCode }
      }
    }
    for (const path of [
      "/bytes/10/x",
      "/bytes/3000001/x",
      "/chunked/1000/x",
      "/close/1000/x",
      "/encoded/gzip,br/9/x"
    ]) {
      const { status, body, code } = await over(path)
      assert.deepStrictEqual([status, code], [200, 0], path)
      if (!path.startsWith("/encoded")) assert.isTrue(body.equals(Site.body(path)), path)
    }
    assert.strictEqual((await over("/redirect/1/bytes/1/x")).status, 302)
    assert.strictEqual((await over("/nowhere")).status, 404)
    const cut = await over("/cut/5000/3/x")
    assert.deepStrictEqual([cut.status, cut.body.length], [200, 3])
    assert.strictEqual(cut.code, Http2.constants.NGHTTP2_INTERNAL_ERROR)
    // The connection outlives a cut stream, not what is no HTTP.
    assert.strictEqual((await over("/bytes/1/x")).status, 200)
    const closed = once(session, "close")
    await over("/garbage")
    await closed
    assert.strictEqual(site.inFlight(), 0)
  })
})

describe("the README", () => {
  it("has every behaviour as the table has it", () => {
    const readme = readFileSync(new URL("../../src/testing/README.md", import.meta.url), "utf8")
    for (const { form, does } of Site.behaviours) {
      assert.include(readme, `| \`${form}\` | ${does.replaceAll("|", "\\|")} |`)
    }
  })

  it("has behaviours whose names are distinct", () => {
    assert.strictEqual(new Set(Site.behaviours.map(({ name }) => name)).size, Site.behaviours.length)
  })
})
