import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { gzipSync } from "node:zlib"
import type { Transfer } from "../../src/Session.ts"
import { ask, httpServer, rawServer, session } from "./loopback.ts"
import { until } from "./until.ts"

const ok = "HTTP/1.1 200 OK\r\n"

describe("a request", () => {
  it.live("carries our fields, those of the user and those of the request, the later ones first", () =>
    Effect.gen(function* () {
      const seen: Array<Record<string, unknown>> = []
      const { origin } = yield* httpServer((request, response) => {
        seen.push(request.headers)
        response.end("x")
      })
      const one = yield* session({
        userAgent: "tester/1",
        headers: [
          ["X-User", "yes"],
          ["Accept", "text/html"]
        ]
      })
      yield* ask(one, { url: `${origin}/a?b=c#d`, headers: { range: "bytes=1-", "accept-encoding": "identity" } })
      assert.deepInclude(seen[0], {
        accept: "text/html",
        "accept-encoding": "identity",
        "user-agent": "tester/1",
        "x-user": "yes",
        range: "bytes=1-"
      })
      yield* ask(one, `${origin}/`)
      assert.match(String(seen[1]?.["accept-encoding"]), /gzip/)
      assert.isUndefined(seen[1]?.["range"])
    })
  )

  it.live("sends path and query as they are, without the fragment", () =>
    Effect.gen(function* () {
      const urls: Array<string | undefined> = []
      const { origin } = yield* httpServer((request, response) => {
        urls.push(request.url)
        response.end()
      })
      const one = yield* session()
      const answer = yield* ask(one, `${origin}/a%20b/%C3%A9;x?q=1&r=%23#frag`)
      yield* ask(one, `${origin}/a?#?`)
      yield* ask(one, `${origin}/a#?`)
      assert.deepStrictEqual(urls, ["/a%20b/%C3%A9;x?q=1&r=%23", "/a?", "/a"])
      assert.strictEqual(answer.head?.url, `${origin}/a%20b/%C3%A9;x?q=1&r=%23`)
    })
  )

  it.live("turns credentials of the URL into Basic authorization, and shows them to nobody", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      const { origin, port } = yield* httpServer((request, response) => {
        seen.push(request.headers.authorization)
        response.end()
      })
      const one = yield* session({ headers: [["authorization", "Bearer general"]] })
      const answer = yield* ask(one, `http://me:s%40crt@127.0.0.1:${port}/`)
      yield* ask(one, `${origin}/`)
      assert.deepStrictEqual(seen, [`Basic ${Buffer.from("me:s@crt").toString("base64")}`, "Bearer general"])
      assert.strictEqual(answer.head?.url, `${origin}/`)
    })
  )

  for (const url of ["ftp://a.test/", "/relative", "", "http://", "javascript:0"]) {
    it.live(`for ${JSON.stringify(url)} is an invalid URL`, () =>
      Effect.gen(function* () {
        const one = yield* session()
        const answer = yield* ask(one, url)
        assert.strictEqual(answer.error?._tag, "InvalidUrl")
      })
    )
  }
})

describe("a response", () => {
  it.live("comes as head, data and end, with fields by lower-case name, lines joined", () =>
    Effect.gen(function* () {
      const { origin } = yield* rawServer((socket) =>
        socket.write(`${ok}X-A: 1\r\nx-a:  2 \t\r\nX-B: voilà\r\nContent-Length: 5 \r\nConstructor: c\r\n\r\nhello`)
      )
      const one = yield* session()
      const { head, body, error } = yield* ask(one, `${origin}/`)
      assert.isUndefined(error)
      assert.strictEqual(head?.status, 200)
      assert.strictEqual(head?.header("x-a"), "1, 2")
      assert.strictEqual(head?.header("x-b"), "voil\u00c3\u00a0")
      assert.strictEqual(head?.header("content-length"), "5")
      assert.strictEqual(head?.header("constructor"), "c")
      assert.isUndefined(head?.header("tostring"))
      assert.isUndefined(head?.header("toString"))
      assert.strictEqual(body.toString(), "hello")
    })
  )

  it.live("tells of a field in several lines what counts: a list, or the first, or the type that does", () =>
    Effect.gen(function* () {
      const told = [
        ["content-type", ["text/html; charset=koi8-r", "text/html"], "text/html; charset=koi8-r"],
        ["content-disposition", ["attachment; filename=a", "attachment; filename=a"], "attachment; filename=a"],
        ["date", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:38 GMT"], "Sun, 06 Nov 1994 08:49:37 GMT"],
        ["etag", ['"a"', '"b"'], '"a"'],
        ["last-modified", ["Sun, 06 Nov 1994 08:49:37 GMT", "0"], "Sun, 06 Nov 1994 08:49:37 GMT"],
        ["retry-after", ["7", "7"], "7"],
        ["content-location", ["/a", "/b"], "/a"],
        ["location", ["/a", "/b"], "/a"],
        ["refresh", ["0; /a", "0; /b"], "0; /a"],
        ["link", ["<a>", "<b>"], "<a>, <b>"]
      ] as const
      const written = told.flatMap(([name, values]) => values.map((value) => `${name}: ${value}\r\n`))
      const { origin } = yield* rawServer((socket) => socket.write(`${ok}${written.join("")}Content-Length: 0\r\n\r\n`))
      const { head } = yield* ask(yield* session(), origin)
      for (const [name, values, counts] of told) {
        assert.strictEqual(head?.header(name), counts, name)
        assert.deepStrictEqual(
          head?.fields?.().flatMap(([field, value]) => (field === name ? [value] : [])),
          [...values]
        )
      }
    })
  )

  const bodies: ReadonlyArray<readonly [how: string, bytes: string, close: boolean]> = [
    ["a length", `${ok}Content-Length: 11\r\n\r\nhello world`, false],
    [
      "chunks",
      `${ok}Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nTrailer: t\r\n\r\n`,
      false
    ],
    ["the end of the connection", `${ok}Connection: close\r\n\r\nhello world`, true],
    ["the end of the connection, in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello world", true],
    [
      "interim answers before it",
      `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok}Content-Length: 11\r\n\r\nhello world`,
      false
    ],
    [
      "a 100 (Continue) that nobody asked for",
      `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 11\r\n\r\nhello world`,
      false
    ]
  ]
  for (const [how, bytes, close] of bodies) {
    it.live(`is whole with ${how}, even byte by byte`, () =>
      Effect.gen(function* () {
        const { origin } = yield* rawServer((socket, head) => {
          if (head.includes("/slow")) {
            let at = 0
            const next = () => {
              if (at < bytes.length) socket.write(bytes.slice(at, ++at), "latin1", () => setImmediate(next))
              else if (close) socket.end()
            }
            socket.setNoDelay(true)
            next()
          } else if (close) socket.end(bytes)
          else socket.write(bytes)
        })
        const one = yield* session()
        for (const path of ["/", "/slow"]) {
          const { head, body, error } = yield* ask(one, origin + path)
          assert.isUndefined(error)
          assert.strictEqual(head?.status, 200)
          assert.strictEqual(body.toString(), "hello world")
        }
      })
    )
  }

  for (const status of [204, 304]) {
    it.live(`${status} has no body whatever its fields say`, () =>
      Effect.gen(function* () {
        const { origin } = yield* rawServer((socket) =>
          socket.write(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\nLocation: /x\r\n\r\n`)
        )
        const one = yield* session()
        const { head, body, error } = yield* ask(one, `${origin}/`)
        assert.isUndefined(error)
        assert.strictEqual(head?.status, status)
        assert.strictEqual(body.length, 0)
      })
    )
  }

  it.live("is not decoded", () =>
    Effect.gen(function* () {
      const packed = gzipSync("hello")
      const { origin } = yield* httpServer((_, response) =>
        response.writeHead(200, { "content-encoding": "gzip" }).end(packed)
      )
      const one = yield* session()
      const { body } = yield* ask(one, `${origin}/`)
      assert.deepStrictEqual(body, packed)
    })
  )

  it.live("of an error status is a response like any other", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((_, response) => response.writeHead(503).end("busy"))
      const one = yield* session()
      const { head, body, error } = yield* ask(one, `${origin}/`)
      assert.isUndefined(error)
      assert.strictEqual(head?.status, 503)
      assert.strictEqual(body.toString(), "busy")
    })
  )
})

describe("connections", () => {
  it.live("are used again, and no more than perHost are opened", () =>
    Effect.gen(function* () {
      let connections = 0
      let inFlight = 0
      let most = 0
      const { origin, server } = yield* httpServer((_, response) => {
        most = Math.max(most, ++inFlight)
        setImmediate(() => {
          inFlight--
          response.end("x")
        })
      })
      server.on("connection", () => connections++)
      const one = yield* session({ perHost: 3 })
      yield* Effect.forEach(
        Array.from({ length: 30 }, (_, i) => i),
        (i) => ask(one, `${origin}/${i}`),
        { concurrency: 10 }
      )
      assert.isAtMost(most, 3)
      assert.isAtMost(connections, 3)
      assert.deepInclude(one.statistics(), { requests: 30, inFlight: 0, bytesReceived: 30 })
    })
  )

  it.live("that died while idle are replaced without the caller noticing, once", () =>
    Effect.gen(function* () {
      const requests: Array<number> = []
      let connection = 0
      const { origin, server } = yield* rawServer((socket) => {
        const nth = (socket as { nth?: number }).nth ?? 0
        requests.push(nth)
        // the first connection answers once, and takes its leave as the second request arrives
        if (nth === 1 && requests.length > 1) socket.destroy()
        else socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
      })
      server.on("connection", (socket) => Object.assign(socket, { nth: ++connection }))
      const one = yield* session({ perHost: 1 })
      yield* ask(one, `${origin}/1`)
      const { body, error } = yield* ask(one, `${origin}/2`)
      assert.isUndefined(error)
      assert.strictEqual(body.toString(), "x")
      assert.deepStrictEqual(requests, [1, 1, 2])
      assert.deepInclude(one.statistics(), { requests: 2, inFlight: 0 })
    })
  )

  it.live("that die again on the new connection are an error", () =>
    Effect.gen(function* () {
      let requests = 0
      const { origin } = yield* rawServer((socket) => {
        if (++requests === 1) socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
        else socket.destroy()
      })
      const one = yield* session({ perHost: 1 })
      yield* ask(one, `${origin}/1`)
      const { error } = yield* ask(one, `${origin}/2`)
      assert.strictEqual(error?._tag, "ConnectError")
      assert.strictEqual(requests, 3)
    })
  )

  it.live("that break after the first byte of a reused connection are not asked again", () =>
    Effect.gen(function* () {
      let requests = 0
      const { origin } = yield* rawServer((socket) => {
        if (++requests === 1) socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
        else socket.end("HTTP/1.1 200 OK\r\nContent-")
      })
      const one = yield* session({ perHost: 1 })
      yield* ask(one, `${origin}/1`)
      const { error } = yield* ask(one, `${origin}/2`)
      assert.strictEqual(error?._tag, "ConnectError")
      assert.strictEqual(requests, 2)
    })
  )
})

describe("abort", () => {
  /** A server that says `text` and nothing more, to see what happens when we leave. */
  const silentAfter = (text: string) => rawServer((socket) => void (text === "" ? undefined : socket.write(text)))

  const phases: ReadonlyArray<readonly [when: string, said: string]> = [
    ["before the head", ""],
    ["within the head", "HTTP/1.1 200 OK\r\nContent"],
    ["within the body", `${ok}Content-Length: 10\r\n\r\nhello`]
  ]
  for (const [when, said] of phases) {
    it.live(`${when} is silent and closes the connection`, () =>
      Effect.gen(function* () {
        const { origin, sockets, server } = yield* silentAfter(said)
        let arrived = 0
        server.on("connection", (socket) => socket.on("data", () => arrived++))
        const one = yield* session()
        let heard = 0
        let data = 0
        const hear = () => void heard++
        const transfer = one.open(
          { url: `${origin}/` },
          { onHead: () => {}, onData: () => void data++, onEnd: hear, onError: hear }
        )
        yield* until(() => arrived > 0 && (!said.endsWith("hello") || data > 0))
        transfer.abort()
        transfer.abort()
        transfer.pause()
        transfer.resume()
        yield* until(() => sockets.size === 0)
        assert.strictEqual(heard, 0)
        assert.strictEqual(one.statistics().inFlight, 0)
      })
    )
  }

  it.live("from within each callback is the last that is heard", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((_, response) => response.end("hello"))
      const one = yield* session()
      for (const at of ["onHead", "onData", "onEnd"] as const) {
        const heard: Array<string> = []
        yield* Effect.callback<void>((resume) => {
          const hear = (name: string) => () => {
            heard.push(name)
            if (name !== at) return
            transfer.abort()
            resume(Effect.void)
          }
          const transfer: Transfer = one.open(
            { url: `${origin}/` },
            { onHead: hear("onHead"), onData: hear("onData"), onEnd: hear("onEnd"), onError: hear("onError") }
          )
        })
        // a later exchange on the same session has come through: nothing is left to be heard
        assert.isUndefined((yield* ask(one, `${origin}/`)).error)
        assert.strictEqual(heard.at(-1), at)
        assert.strictEqual(one.statistics().inFlight, 0)
      }
    })
  )

  it.live("while waiting for a connection leaves the connection to the others", () =>
    Effect.gen(function* () {
      const seen: Array<string | undefined> = []
      let release = () => {}
      let connections = 0
      const { origin, server } = yield* httpServer((request, response) => {
        seen.push(request.url)
        if (request.url === "/first") release = () => void response.end("x")
        else response.end("y")
      })
      server.on("connection", () => connections++)
      const one = yield* session({ perHost: 1 })
      const first = yield* Effect.forkChild(ask(one, `${origin}/first`))
      yield* until(() => seen.length === 1)
      const heard: Array<string> = []
      const hear = (name: string) => () => void heard.push(name)
      const waiting = one.open(
        { url: `${origin}/waiting` },
        { onHead: hear("head"), onData: hear("data"), onEnd: hear("end"), onError: hear("error") }
      )
      const last = yield* Effect.forkChild(ask(one, `${origin}/last`))
      waiting.abort()
      release()
      assert.strictEqual((yield* Fiber.join(first)).body.toString(), "x")
      assert.strictEqual((yield* Fiber.join(last)).body.toString(), "y")
      assert.deepStrictEqual(seen, ["/first", "/last"])
      assert.deepStrictEqual(heard, [])
      assert.strictEqual(connections, 1)
    })
  )

  it.live("right after open is silent", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((_, response) => response.end("x"))
      const one = yield* session()
      let heard = 0
      const hear = () => void heard++
      for (const url of [`${origin}/`, "http://127.0.0.1:1/", "no url"]) {
        one.open({ url }, { onHead: hear, onData: hear, onEnd: hear, onError: hear }).abort()
      }
      yield* ask(one, `${origin}/`)
      assert.strictEqual(heard, 0)
      assert.strictEqual(one.statistics().inFlight, 0)
    })
  )
})

describe("back-pressure", () => {
  it.live("stops the server: a paused transfer holds a bounded piece, and loses nothing", () =>
    Effect.gen(function* () {
      const total = 32 * 1024 * 1024
      const { origin } = yield* httpServer((_, response) => {
        response.writeHead(200, { "content-length": total })
        const block = Buffer.alloc(65_536, 1)
        let left = total
        const write = () => {
          while (left > 0) {
            left -= block.length
            if (!response.write(block)) return void response.once("drain", write)
          }
          response.end()
        }
        write()
      })
      const one = yield* session()
      let received = 0
      let whilePaused = 0
      let paused = false
      let transfer: Transfer | undefined
      const { error } = yield* ask(one, `${origin}/`, {
        onOpen: (opened) => (transfer = opened),
        onData: (chunk) => {
          received += chunk.length
          if (paused) whilePaused += chunk.length
          else {
            paused = true
            transfer?.pause()
            setImmediate(() =>
              setImmediate(() => {
                paused = false
                transfer?.resume()
              })
            )
          }
        }
      })
      assert.isUndefined(error)
      assert.strictEqual(received, total)
      assert.strictEqual(whilePaused, 0)
    })
  )

  it.live("holds from before the head, through a redirect, until resumed", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((request, response) =>
        request.url === "/from"
          ? response.writeHead(302, { location: "/to" }).end("moved")
          : response.end(Buffer.alloc(200_000))
      )
      const one = yield* session()
      let transfer: Transfer | undefined
      let released = false
      let early = 0
      const { body, error } = yield* ask(one, `${origin}/from`, {
        onOpen: (opened) => {
          transfer = opened
          opened.pause()
        },
        onHead: () =>
          setImmediate(() => {
            released = true
            transfer?.resume()
          }),
        onData: () => {
          if (!released) early++
        }
      })
      assert.isUndefined(error)
      assert.strictEqual(body.length, 200_000)
      assert.strictEqual(early, 0)
    })
  )

  it.live("may be lifted from within a callback of another transfer", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((_, response) => response.end(Buffer.alloc(300_000)))
      const one = yield* session()
      let first: Transfer | undefined
      let paused = false
      const slow = yield* Effect.forkChild(
        ask(one, `${origin}/slow`, {
          onOpen: (opened) => (first = opened),
          onHead: () => {
            paused = true
            first?.pause()
          }
        })
      )
      yield* until(() => paused)
      const quick = yield* ask(one, `${origin}/quick`, { onData: () => first?.resume() })
      assert.strictEqual(quick.body.length, 300_000)
      assert.strictEqual((yield* Fiber.join(slow)).body.length, 300_000)
    })
  )
})

describe("the end of the scope", () => {
  it.live("closes every connection, idle, busy or being made, and tells those who wait", () =>
    Effect.gen(function* () {
      const { origin, sockets } = yield* rawServer((socket, head) => {
        if (head.includes("/idle")) socket.write(`${ok}Content-Length: 1\r\n\r\nx`)
      })
      const scope = yield* Scope.make()
      const resolving: Array<string> = []
      const one = yield* session({ perHost: 2 }, { resolve: (host) => void resolving.push(host) }).pipe(
        Scope.provide(scope)
      )
      yield* ask(one, `${origin}/idle`)
      const busy = yield* Effect.forkChild(
        Effect.forEach([1, 2, 3], (i) => ask(one, `${origin}/busy/${i}`), { concurrency: 3 })
      )
      const dialling = yield* Effect.forkChild(ask(one, "http://never.test/"))
      yield* until(() => sockets.size === 2 && resolving.length === 1)
      yield* Scope.close(scope, Exit.void)
      const told = [...(yield* Fiber.join(busy)), yield* Fiber.join(dialling)].map(({ error }) =>
        error?._tag === "ConnectError" ? error.code : error?._tag
      )
      assert.deepStrictEqual(told, ["ESHUTDOWN", "ESHUTDOWN", "ESHUTDOWN", "ESHUTDOWN"])
      yield* until(() => sockets.size === 0)
      assert.strictEqual(one.statistics().inFlight, 0)
      const after = yield* ask(one, `${origin}/idle`)
      assert.strictEqual(after.error?._tag, "ConnectError")
    })
  )

  it.live("leaves no timer and no socket of ours behind", () =>
    Effect.gen(function* () {
      const { origin, sockets } = yield* httpServer((_, response) => response.end("x"))
      const before = process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      yield* Effect.scoped(
        Effect.gen(function* () {
          const one = yield* session()
          yield* ask(one, `${origin}/`)
        })
      )
      yield* until(() => sockets.size === 0)
      assert.isAtMost(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length, before + 1)
    })
  )
})
