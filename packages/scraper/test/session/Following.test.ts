import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as http from "node:http"
import type { Request } from "../../src/Session.ts"
import * as Folders from "../Folders.ts"
import { ask, httpServer, rawServer, session } from "./loopback.ts"

const { folder } = Folders.make("following")

const moved = (response: http.ServerResponse, location: string, status = 302) =>
  response.writeHead(status, { location }).end("moved")

describe("redirects", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    it.live(`${status} are followed to the answer, which tells its URL`, () =>
      Effect.gen(function* () {
        const { origin } = yield* httpServer((request, response) =>
          request.url === "/a/from"
            ? moved(response, "../to?x#frag", status)
            : response.end(`${request.method} ${request.url}`)
        )
        const one = yield* session()
        const { head, body, error } = yield* ask(one, `${origin}/a/from`)
        assert.isUndefined(error)
        assert.deepStrictEqual([head?.status, head?.url], [200, `${origin}/to?x`])
        assert.strictEqual(body.toString(), "GET /to?x")
        assert.deepInclude(one.statistics(), { requests: 1, redirects: 1, inFlight: 0 })
      })
    )
  }

  for (const [status, location] of [
    [300, "/x"],
    [304, "/x"],
    [305, "/x"],
    [302, undefined],
    [302, ""]
  ] as const) {
    it.live(
      `${status} with Location ${location === undefined ? "absent" : JSON.stringify(location)} is the answer`,
      () =>
        Effect.gen(function* () {
          const { origin } = yield* httpServer((_, response) => {
            response.writeHead(status, location === undefined ? {} : { location })
            response.end()
          })
          const one = yield* session()
          const { head, error } = yield* ask(one, `${origin}/`)
          assert.isUndefined(error)
          assert.strictEqual(head?.status, status)
        })
    )
  }

  it.live("tell for how long their host asks to wait before", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((request, response) => {
        const nth = Number(request.url?.slice(1))
        if (nth === 0) response.setHeader("retry-after", "7")
        return nth < 2 ? moved(response, `/${nth + 1}`) : response.end("there")
      })
      const waits: Array<number | undefined> = []
      const follows = (_url: URL, _asked: ReadonlyArray<string>, retryAfterMs?: number) => waits.push(retryAfterMs) > 0
      yield* ask(yield* session(), { url: `${origin}/0`, follows })
      assert.deepStrictEqual(waits, [7000, undefined])
    })
  )

  it.live("use the same connection where they can", () =>
    Effect.gen(function* () {
      let connections = 0
      const { origin, server } = yield* httpServer((request, response) => {
        const nth = Number(request.url?.slice(1))
        return nth < 5 ? moved(response, `/${nth + 1}`) : response.end("there")
      })
      server.on("connection", () => connections++)
      const one = yield* session({ perHost: 1 })
      const { body } = yield* ask(one, `${origin}/0`)
      assert.strictEqual(body.toString(), "there")
      assert.strictEqual(connections, 1)
    })
  )

  it.live("in a loop are an error", () =>
    Effect.gen(function* () {
      const asked: Array<string | undefined> = []
      const { origin } = yield* httpServer((request, response) => {
        asked.push(request.url)
        moved(response, request.url === "/a" ? "/b" : "/a#x")
      })
      const one = yield* session()
      const { error, head } = yield* ask(one, `${origin}/a`)
      assert.isUndefined(head)
      assert.deepInclude({ ...error }, { _tag: "RedirectError", kind: "loop", location: `${origin}/a` })
      assert.deepStrictEqual(asked, ["/a", "/b", "/a", "/b", "/a", "/b", "/a", "/b"])
    })
  )

  it.live("in a loop are an error as soon where a cookie was there from the start", () =>
    Effect.gen(function* () {
      let rounds = 0
      const { origin } = yield* httpServer((request, response) => {
        if (request.url === "/in") return response.setHeader("set-cookie", "in=1").end()
        rounds++
        moved(response, "/")
      })
      const one = yield* session({ cookieJar: folder() })
      yield* ask(one, `${origin}/in`)
      const { error } = yield* ask(one, `${origin}/`)
      assert.deepInclude({ ...error }, { _tag: "RedirectError", kind: "loop" })
      assert.strictEqual(rounds, 4)
    })
  )

  it.live("in a loop are an error where each is an exchange of its own, too", () =>
    Effect.gen(function* () {
      let requests = 0
      const { origin } = yield* httpServer((request, response) => {
        requests++
        moved(response, request.url === "/a" ? "/b" : "/a")
      })
      const one = yield* session()
      let from: Request["from"]
      const follows: Request["follows"] = (url, asked) => {
        from = { url: url.href, asked }
        return false
      }
      const next = () => ask(one, { url: `${origin}/a`, follows, ...(from === undefined ? {} : { from }) })
      let { error } = yield* next()
      while (error?._tag === "RedirectError" && error.kind === "scope") ({ error } = yield* next())
      assert.deepInclude({ ...error }, { _tag: "RedirectError", kind: "loop", location: `${origin}/a`, count: 8 })
      assert.strictEqual(requests, 8)
    })
  )

  it.live("to the same URL are followed for a few rounds: the server may be getting ready", () =>
    Effect.gen(function* () {
      let asked = 0
      const { origin } = yield* httpServer((_, response) =>
        ++asked < 4 ? moved(response, "/") : response.end("ready")
      )
      const one = yield* session()
      const { body, error } = yield* ask(one, `${origin}/`)
      assert.isUndefined(error)
      assert.strictEqual(body.toString(), "ready")
    })
  )

  it.live("beyond twenty are an error", () =>
    Effect.gen(function* () {
      let asked = 0
      const { origin } = yield* httpServer((_, response) => moved(response, `/${++asked}`))
      const one = yield* session()
      const { error } = yield* ask(one, `${origin}/0`)
      assert.deepInclude({ ...error }, { _tag: "RedirectError", kind: "limit", count: 20 })
      assert.strictEqual(asked, 21)
    })
  )

  for (const location of ["ftp://a.test/x", "file:///etc/passwd", "javascript:alert(1)", "http://", "http://[::1"]) {
    it.live(`to ${location} are an error`, () =>
      Effect.gen(function* () {
        const { origin } = yield* httpServer((_, response) => moved(response, location))
        const one = yield* session()
        const { error } = yield* ask(one, `${origin}/`)
        assert.deepInclude({ ...error }, { _tag: "RedirectError", kind: "location" })
        assert.strictEqual(one.statistics().inFlight, 0)
      })
    )
  }

  it.live("to another origin take no credentials and no user's fields along, and get them back at home", () =>
    Effect.gen(function* () {
      const seen: Array<
        readonly [where: string, authorization: unknown, user: unknown, agent: unknown, range: unknown]
      > = []
      const note = (where: string, { headers }: http.IncomingMessage) =>
        seen.push([where, headers.authorization, headers["x-secret"], headers["user-agent"], headers["range"]])
      let home = ""
      const away = yield* httpServer((request, response) => {
        note("away", request)
        moved(response, `${home}/back`)
      })
      const there = yield* httpServer((request, response) => {
        note("home", request)
        if (request.url === "/from") moved(response, "/same")
        else if (request.url === "/same") moved(response, `http://x:y@127.0.0.1:${away.port}/`)
        else response.end("end")
      })
      home = there.origin
      const one = yield* session({
        headers: [
          ["X-Secret", "s"],
          ["User-Agent", "mine"]
        ],
        userAgent: "general"
      })
      const { error } = yield* ask(one, {
        url: `http://me:pw@127.0.0.1:${there.port}/from`,
        headers: { range: "bytes=5-" }
      })
      assert.isUndefined(error)
      const basic = `Basic ${Buffer.from("me:pw").toString("base64")}`
      assert.deepStrictEqual(seen, [
        ["home", basic, "s", "mine", "bytes=5-"],
        ["home", basic, "s", "mine", "bytes=5-"],
        ["away", undefined, undefined, "general", "bytes=5-"],
        ["home", undefined, "s", "mine", "bytes=5-"]
      ])
    })
  )

  it.live("within the origin may bring credentials, which stay hidden", () =>
    Effect.gen(function* () {
      const { origin, port } = yield* httpServer((request, response) =>
        request.url === "/"
          ? moved(response, `http://u:p@127.0.0.1:${port}/in`)
          : response.end(request.headers.authorization)
      )
      const one = yield* session()
      const { head, body } = yield* ask(one, `${origin}/`)
      assert.strictEqual(body.toString(), `Basic ${Buffer.from("u:p").toString("base64")}`)
      assert.strictEqual(head?.url, `${origin}/in`)
    })
  )

  const bodies: ReadonlyArray<readonly [what: string, rest: string, endless: boolean]> = [
    ["an endless body", "Transfer-Encoding: chunked\r\n\r\n", true],
    ["a body that stops short", "Content-Length: 1000\r\n\r\nabc", false],
    ["a body that is broken", "Transfer-Encoding: chunked\r\n\r\nzz\r\n", false]
  ]
  for (const [what, rest, endless] of bodies) {
    it.live(`with ${what} are followed all the same`, () =>
      Effect.gen(function* () {
        const { origin } = yield* rawServer((socket, head) => {
          if (head.includes("/to")) return void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
          socket.write(`HTTP/1.1 302 Found\r\nLocation: /to\r\n${rest}`)
          const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`
          const more = () => {
            if (!socket.destroyed) socket.write(chunk, () => setImmediate(more))
          }
          if (endless) more()
        })
        const one = yield* session({ timeoutMs: 20_000 })
        const { body, error } = yield* ask(one, `${origin}/from`)
        assert.isUndefined(error)
        assert.strictEqual(body.toString(), "ok")
        // the redirect's bytes are not the answer's, and reading them was bounded
        assert.isBelow(one.statistics().bytesReceived, 1_000_000)
      })
    )
  }

  it.live("may be aborted on the way", () =>
    Effect.gen(function* () {
      let asked = 0
      const { origin } = yield* httpServer((_, response) => {
        asked++
        moved(response, `/${asked}`)
        if (asked === 3) transfer.abort()
      })
      const one = yield* session()
      let heard = 0
      const hear = () => void heard++
      const transfer = one.open({ url: `${origin}/0` }, { onHead: hear, onData: hear, onEnd: hear, onError: hear })
      const other = yield* httpServer((_, response) => response.end("x"))
      while (asked < 3) yield* ask(one, `${other.origin}/`)
      for (let i = 0; i < 5; i++) yield* ask(one, `${other.origin}/`)
      assert.strictEqual(heard, 0)
      assert.strictEqual(asked, 3)
      assert.strictEqual(one.statistics().inFlight, 0)
    })
  )
})
