import { assert, describe, it, vi } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as fs from "node:fs"
import * as http2 from "node:http2"
import * as https from "node:https"
import * as net from "node:net"
import * as path from "node:path"
import type { Writable } from "node:stream"
import * as tls from "node:tls"
import * as Certificate from "../../src/testing/Certificate.ts"
import * as ForwardProxy from "../../src/testing/ForwardProxy.ts"
import { type Answer, ask, directory, httpServer, listen, rawServer, session } from "./loopback.ts"

const own = Certificate.make()
const keys = { key: own.key, cert: own.certificate }

/** A file with the authority of the test certificates. */
const cacert = Effect.map(directory, (folder) => {
  const file = path.join(folder, "ca.pem")
  fs.writeFileSync(file, own.ca)
  return file
})

/** Whether the bytes of a client, from its preface on, hold the HEADERS of a request (RFC 9113 4.1). */
const hasRequest = (bytes: Buffer) => {
  for (let at = 24; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) if (bytes[at + 3] === 1) return true
  return false
}

const secure = listen(https.createServer(keys, (request, response) => response.end(`hello ${request.url}`)))

describe("TLS", () => {
  it.live("refuses a certificate nobody vouches for", () =>
    Effect.gen(function* () {
      const { port } = yield* secure
      const one = yield* session()
      const { error } = yield* ask(one, `https://localhost:${port}/`)
      assert.deepInclude({ ...error }, { _tag: "TlsError", host: "localhost" })
      assert.match((error as { code: string }).code, /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/)
    })
  )

  it.live("says that a server of TLS 1.3 refuses a client without a certificate, through a tunnel too", () =>
    Effect.gen(function* () {
      const options = { ...keys, requestCert: true, minVersion: "TLSv1.3" } as const
      const { port } = yield* listen(https.createServer(options, (_, response) => response.end()))
      const proxy = yield* ForwardProxy.make()
      for (const way of [{}, { proxy: proxy.url }]) {
        const { error } = yield* ask(yield* session({ insecure: true, ...way }), `https://localhost:${port}/`)
        assert.strictEqual(
          error?.message,
          "TLS with localhost failed: client certificate required (ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED)"
        )
      }
    })
  )

  it.live("trusts the authorities of --cacert", () =>
    Effect.gen(function* () {
      const { port } = yield* secure
      const one = yield* session({ cacert: yield* cacert })
      const { body, error } = yield* ask(one, `https://localhost:${port}/x`)
      assert.isUndefined(error)
      assert.strictEqual(body.toString(), "hello /x")
    })
  )

  it.live("reads the authorities of --cacert once for all connections, straight ones and tunnels", () =>
    Effect.gen(function* () {
      const { port } = yield* listen(
        https.createServer(keys, (_, response) => response.writeHead(200, { connection: "close" }).end("hello"))
      )
      const proxy = yield* ForwardProxy.make()
      const options = { cacert: yield* cacert }
      const sessions = [yield* session(options), yield* session({ ...options, proxy: proxy.url })]
      const made = vi.spyOn(process.getBuiltinModule("node:tls"), "createSecureContext")
      yield* Effect.addFinalizer(() => Effect.sync(() => made.mockRestore()))
      for (const one of [...sessions, ...sessions, ...sessions])
        assert.strictEqual((yield* ask(one, `https://localhost:${port}/`)).body.toString(), "hello")
      assert.strictEqual(made.mock.calls.length, sessions.length)
    })
  )

  it.live("refuses a trusted certificate of another name, or one that has expired", () =>
    Effect.gen(function* () {
      const folder = yield* directory
      const cases = [
        [Certificate.make({ names: ["other.test"] }), "ERR_TLS_CERT_ALTNAME_INVALID"],
        [Certificate.make({ notAfter: new Date(Date.now() - 60_000) }), "CERT_HAS_EXPIRED"]
      ] as const
      for (const [certificate, code] of cases) {
        const file = path.join(folder, `${code}.pem`)
        fs.writeFileSync(file, certificate.ca)
        const { port } = yield* listen(https.createServer({ key: certificate.key, cert: certificate.certificate }))
        const one = yield* session({ cacert: file })
        const { error } = yield* ask(one, `https://localhost:${port}/`)
        assert.deepInclude({ ...error }, { _tag: "TlsError", code })
      }
    })
  )

  it.live("verifies nothing when told so", () =>
    Effect.gen(function* () {
      const { port } = yield* secure
      const one = yield* session({ insecure: true })
      assert.strictEqual((yield* ask(one, `https://127.0.0.1:${port}/`)).body.toString(), "hello /")
    })
  )

  it.live("with a server that speaks plain HTTP is a TlsError", () =>
    Effect.gen(function* () {
      const { port } = yield* listen(net.createServer((socket) => socket.end("HTTP/1.1 400 Bad\r\n\r\n")))
      const one = yield* session()
      const { error } = yield* ask(one, `https://127.0.0.1:${port}/`)
      assert.strictEqual(error?._tag, "TlsError")
    })
  )

  it.live("goes along a redirect from https to http and back", () =>
    Effect.gen(function* () {
      const ports = { secure: 0 }
      const plain = yield* rawServer((socket) =>
        socket.write(`HTTP/1.1 302 F\r\nLocation: https://localhost:${ports.secure}/end\r\nContent-Length: 0\r\n\r\n`)
      )
      const { port } = yield* listen(
        https.createServer(keys, (request, response) =>
          request.url === "/end" ? response.end("end") : response.writeHead(302, { location: plain.origin }).end()
        )
      )
      ports.secure = port
      const one = yield* session({ insecure: true })
      const { body, head } = yield* ask(one, `https://localhost:${port}/`)
      assert.strictEqual(body.toString(), "end")
      assert.strictEqual(head?.url, `https://localhost:${port}/end`)
      assert.strictEqual(head?.address, "127.0.0.1")
    })
  )

  for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
    it.live(`takes up the session of the connection before to the same host, by ${maxVersion}`, () =>
      Effect.gen(function* () {
        const resumed: Array<boolean> = []
        const { port } = yield* listen(
          https.createServer({ ...keys, maxVersion }, ({ socket }, response) => {
            resumed.push((socket as tls.TLSSocket).isSessionReused())
            response.writeHead(200, { connection: "close" }).end("hello")
          })
        )
        const one = yield* session({ cacert: yield* cacert })
        for (const host of ["localhost", "localhost", "localhost", "127.0.0.1"])
          assert.strictEqual((yield* ask(one, `https://${host}:${port}/`)).body.toString(), "hello")
        assert.deepStrictEqual(resumed, [false, true, true, false])
      })
    )
  }

  it.live("tells the name that is asked for, without the dot of the root, and no address", () =>
    Effect.gen(function* () {
      const names: Array<string | false | null> = []
      const { port } = yield* listen(
        https.createServer(keys, ({ socket }, response) => {
          names.push((socket as tls.TLSSocket).servername)
          response.end()
        })
      )
      const one = yield* session(
        { cacert: yield* cacert },
        { resolve: (_, callback) => callback(null, [{ address: "127.0.0.1", family: 4 }]) }
      )
      for (const host of ["localhost", "localhost.", "127.0.0.1"])
        assert.isUndefined((yield* ask(one, `https://${host}:${port}/`)).error)
      assert.deepStrictEqual(names, ["localhost", "localhost", false])
    })
  )

  it.live("that a server breaks off before it is agreed is a ConnectError", () =>
    Effect.gen(function* () {
      for (const end of [(socket: net.Socket) => socket.end(), (socket: net.Socket) => socket.resetAndDestroy()]) {
        const { port } = yield* listen(net.createServer((socket) => socket.once("data", () => end(socket))))
        const one = yield* session()
        const { error } = yield* ask(one, `https://127.0.0.1:${port}/`)
        assert.deepInclude({ ...error }, { _tag: "ConnectError", code: "ECONNRESET" })
      }
    })
  )

  it.live(
    "ends a body without a length with its connection, whether or not that was announced, but not by a reset",
    () =>
      Effect.gen(function* () {
        const { port: inner } = yield* listen(
          tls.createServer(keys, (socket) =>
            socket.on("error", () => undefined).on("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nhello"))
          )
        )
        for (const [end, tag] of [
          [(socket: net.Socket) => socket.end(), undefined],
          [(socket: net.Socket) => socket.resetAndDestroy(), "TruncatedError"]
        ] as const) {
          const taken: Array<net.Socket> = []
          const { port } = yield* listen(
            net.createServer((socket) => {
              const there = net.connect(inner, "127.0.0.1").on("error", () => undefined)
              socket.pipe(there).pipe(socket)
              taken.push(socket)
            })
          )
          const one = yield* session({ insecure: true })
          const { body, error } = yield* ask(one, `https://127.0.0.1:${port}/`, { onData: () => taken.forEach(end) })
          assert.deepStrictEqual([body.toString(), error?._tag], ["hello", tag])
        }
      })
  )

  for (const [what, content] of [
    ["is absent", undefined],
    ["holds no certificate", "hello"],
    ["holds a damaged certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
  ] as const) {
    it.live(`makes no session with a --cacert that ${what}`, () =>
      Effect.gen(function* () {
        const file = path.join(yield* directory, "ca.pem")
        if (content !== undefined) fs.writeFileSync(file, content)
        const fault = yield* Effect.flip(session({ cacert: file }))
        assert.deepStrictEqual([fault._tag, fault.option, fault.value], ["OptionUnusable", "--cacert", file])
      })
    )
  }
})

describe("HTTP/2", () => {
  const server = (handler: (stream: http2.ServerHttp2Stream, path: string) => void) =>
    listen(
      http2.createSecureServer(keys).on("stream", (stream: http2.ServerHttp2Stream, headers) => {
        stream.on("error", () => undefined)
        handler(stream, String(headers[":path"]))
      })
    )

  it.live("is spoken where a server speaks nothing else, and all that was asked at once gets its answer", () =>
    Effect.gen(function* () {
      let connections = 0
      const up = yield* server((stream, at) => {
        stream.respond({ ":status": 200, "x-a": ["1", "2"] })
        stream.end(`h2 ${at}`)
      })
      up.server.on("secureConnection", () => connections++)
      const one = yield* session({ insecure: true, perHost: 4 })
      const all = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => i),
        (i) => ask(one, `https://localhost:${up.port}/${i}`),
        { concurrency: 10 }
      )
      for (const [i, { head, body, error }] of all.entries()) {
        assert.isUndefined(error)
        assert.strictEqual(body.toString(), `h2 /${i}`)
        assert.strictEqual(head?.header("x-a"), "1, 2")
        assert.isUndefined(head?.header(":status"))
        assert.strictEqual(head?.address, "127.0.0.1")
      }
      assert.isAtMost(connections, 4)
    })
  )

  it.live("that a redirect leads to counts as one more request, though it is sent twice", () =>
    Effect.gen(function* () {
      const up = yield* server((stream) => {
        stream.respond({ ":status": 200 })
        stream.end("hello")
      })
      let asked = 0
      const { origin } = yield* httpServer((_, response) => {
        const location = ++asked < 20 ? `/${asked}` : `https://localhost:${up.port}/`
        response.writeHead(302, { location }).end()
      })
      const one = yield* session({ insecure: true })
      const { body, error } = yield* ask(one, `${origin}/`)
      assert.isUndefined(error)
      assert.deepStrictEqual([body.toString(), asked], ["hello", 20])
    })
  )

  const frame = (type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array()) => {
    const head = Buffer.alloc(9)
    head.writeUIntBE(payload.length, 0, 3)
    head[3] = type
    head[4] = flags
    head.writeUInt32BE(stream, 5)
    return Buffer.concat([head, payload])
  }
  const settings = frame(4, 0, 0)
  const acknowledged = frame(4, 1, 0)
  // 0x88 is `:status: 200` (RFC 7541 appendix A); flag 4 ends the headers
  const headers = frame(1, 4, 1, Uint8Array.of(0x88))
  const data = frame(0, 0, 1, Buffer.from("hello"))
  const reset = (code: number) => (socket: Writable) => socket.write(frame(3, 0, 1, Uint8Array.of(0, 0, 0, code)))

  const ends: ReadonlyArray<readonly [how: string, end: (socket: Writable) => void, tag: string | undefined]> = [
    ["the end of the stream", (socket) => socket.write(frame(0, 1, 1)), undefined],
    ["a reset for an inner error", reset(2), "TruncatedError"],
    ["a cancelled stream", reset(8), "TruncatedError"],
    ["the end of the connection", (socket) => socket.end(), "TruncatedError"],
    ["a lost connection", (socket) => socket.destroy(), "TruncatedError"]
  ]
  for (const [how, end, tag] of ends) {
    it.live(`takes ${how} for ${tag === undefined ? "the end of a body" : "a cut body"}`, () =>
      Effect.gen(function* () {
        let answer = () => {}
        const { port } = yield* listen(
          tls.createServer({ ...keys, ALPNProtocols: ["h2"] }, (socket) => {
            socket.on("error", () => undefined).write(settings)
            answer = () => {
              socket.write(Buffer.concat([acknowledged, headers, data]))
              answer = () => end(socket)
            }
            // preface, settings, request: whenever HEADERS of stream 1 have come
            let seen = Buffer.alloc(0)
            socket.on("data", (chunk: Buffer) => {
              seen = Buffer.concat([seen, chunk])
              if (hasRequest(seen)) {
                seen = Buffer.alloc(0)
                answer()
              }
            })
          })
        )
        const one = yield* session({ insecure: true })
        const { body, error } = yield* ask(one, `https://localhost:${port}/`, { onData: () => answer() })
        assert.strictEqual(error?._tag, tag)
        assert.strictEqual(body.toString(), "hello")
      })
    )
  }

  it.live("knows a refused stream and a length that is not kept", () =>
    Effect.gen(function* () {
      const { port } = yield* server((stream, at) => {
        if (at === "/refused") return stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR)
        stream.respond({ ":status": 200, "content-length": "10" })
        stream.end("hello")
      })
      const one = yield* session({ insecure: true })
      const tags: Array<string | undefined> = []
      for (const at of ["/refused", "/short"]) {
        tags.push((yield* ask(one, `https://localhost:${port}${at}`)).error?._tag)
      }
      assert.deepStrictEqual(tags, ["ConnectError", "TruncatedError"])
    })
  )

  it.live("follows redirects, keeps back-pressure and stalls like HTTP/1.1", () =>
    Effect.gen(function* () {
      const { port } = yield* server((stream, at) => {
        if (at === "/from") {
          stream.respond({ ":status": 302, location: "/big" })
          stream.end("moved")
        } else if (at === "/big") {
          stream.respond({ ":status": 200 })
          stream.end(Buffer.alloc(3_000_000))
        } else stream.respond({ ":status": 200 })
      })
      const one = yield* session({ insecure: true, timeoutMs: 500 })
      let transfer: { pause: () => void; resume: () => void } | undefined
      const big = yield* ask(one, `https://localhost:${port}/from`, {
        onOpen: (opened) => (transfer = opened),
        onData: () => {
          transfer?.pause()
          setImmediate(() => transfer?.resume())
        }
      })
      assert.isUndefined(big.error)
      assert.strictEqual(big.body.length, 3_000_000)
      const { error } = yield* ask(one, `https://localhost:${port}/silent`)
      assert.deepInclude({ ...error }, { _tag: "TimeoutError", phase: "body" })
    })
  )

  it.live("ends only what was begun when a server goes away before what it has taken", () =>
    Effect.gen(function* () {
      const taken = new WeakMap<object, number>()
      const { port } = yield* server((stream) => {
        const connection = stream.session!
        const nth = (taken.get(connection) ?? 0) + 1
        taken.set(connection, nth)
        // the answers before are under way still
        if (nth % 7 === 0) connection.goaway(0, stream.id! - 4)
        stream.respond({ ":status": 200 })
        stream.end("hi")
      })
      const one = yield* session({ insecure: true, connectTimeoutMs: 200 })
      const urls = Array.from({ length: 120 }, (_, index) => `https://127.0.0.1:${port}/${index}`)
      const answers = yield* Effect.forEach(urls, (url) => ask(one, url), { concurrency: 6 })
      const got = answers.filter(({ error }) => error === undefined)
      assert.isTrue(got.every(({ body }) => body.toString() === "hi"))
      assert.isAtLeast(got.length, 60)
      // the server began those it then said not to take: what waited behind them went elsewhere
      const faults = answers.flatMap(({ error }) => (error === undefined ? [] : [error._tag]))
      assert.deepStrictEqual(new Set(faults), new Set(["TruncatedError"]))
    })
  )

  it.live("asks elsewhere what waits behind a long answer of a server that goes away, and has that whole", () =>
    Effect.gen(function* () {
      let finish = () => {}
      let first = true
      const { port } = yield* server((stream, at) => {
        if (at !== "/long" && first) {
          first = false
          return stream.session!.goaway(0, stream.id! - 2)
        }
        stream.respond({ ":status": 200 })
        if (at !== "/long") return stream.end("short")
        stream.write("lo")
        finish = () => stream.end("ng")
      })
      const one = yield* session({ insecure: true, perHost: 1 })
      const url = `https://127.0.0.1:${port}`
      const begun = yield* Deferred.make<void>()
      const onData = () => Deferred.doneUnsafe(begun, Effect.void)
      const long = yield* Effect.forkChild(ask(one, `${url}/long`, { onData }))
      yield* Deferred.await(begun)
      const short = yield* ask(one, `${url}/short`)
      finish()
      const whole = yield* Fiber.join(long)
      assert.deepStrictEqual(
        [short.error, short.body.toString(), whole.error, whole.body.toString()],
        [undefined, "short", undefined, "long"]
      )
    })
  )

  it.live("asks elsewhere what it is given in place of what a broken connection served", () =>
    Effect.gen(function* () {
      let connections = 0
      const { port } = yield* listen(
        tls.createServer({ ...keys, ALPNProtocols: ["h2"] }, (socket) => {
          const isFirst = ++connections === 1
          socket.on("error", () => undefined).write(settings)
          let stream = 1
          let seen = Buffer.alloc(0)
          socket.on("data", (chunk: Buffer) => {
            seen = Buffer.concat([seen, chunk])
            if (!hasRequest(seen)) return
            seen = seen.subarray(0, 24)
            // a setting that nobody may have (RFC 9113 6.5.2)
            if (isFirst) return socket.write(frame(4, 0, 0, Uint8Array.of(0, 5, 0, 0, 0, 1)))
            socket.write(
              Buffer.concat([frame(1, 4, stream, Uint8Array.of(0x88)), frame(0, 1, stream, Buffer.from("hi"))])
            )
            stream += 2
          })
        })
      )
      const one = yield* session({ insecure: true, perHost: 1 })
      const url = `https://127.0.0.1:${port}/`
      const others: Array<Fiber.Fiber<Answer>> = []
      const onError = () => others.push(Effect.runFork(ask(one, url)), Effect.runFork(ask(one, url)))
      const { error } = yield* ask(one, url, { onError })
      assert.strictEqual(error?._tag, "ProtocolError")
      for (const other of yield* Fiber.joinAll(others))
        assert.deepStrictEqual([other.error, other.body.toString()], [undefined, "hi"])
    })
  )

  it.live("gives up what a server takes on none of its connections, each of which breaks", () =>
    Effect.gen(function* () {
      let connections = 0
      const { port } = yield* listen(
        tls.createServer({ ...keys, ALPNProtocols: ["h2"] }, (socket) => {
          socket.on("error", () => undefined)
          // whoever goes on and on is served at last
          if (++connections > 9) {
            socket.on("data", () => socket.write(Buffer.concat([settings, frame(1, 5, 1, Uint8Array.of(0x88))])))
            return
          }
          // no stream may be open (RFC 9113 6.5.2)
          socket.write(frame(4, 0, 0, Uint8Array.of(0, 3, 0, 0, 0, 0)))
          // nor may anybody have this
          socket.once("data", () => socket.write(frame(4, 0, 0, Uint8Array.of(0, 5, 0, 0, 0, 1))))
        })
      )
      const one = yield* session({ insecure: true, perHost: 1 })
      for (let index = 1; index <= 3; index++) {
        const { error } = yield* ask(one, `https://127.0.0.1:${port}/`)
        assert.strictEqual(error?._tag, "ProtocolError")
        assert.strictEqual(connections, index)
      }
    })
  )
})
