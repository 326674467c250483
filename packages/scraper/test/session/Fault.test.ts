import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as net from "node:net"
import * as FetchError from "../../src/FetchError.ts"
import * as Fault from "../../src/session/Fault.ts"
import { ask, listen, rawServer, session } from "./loopback.ts"
import { createServer } from "node:net"

const ok = "HTTP/1.1 200 OK\r\n"
const fail = (code: string) => Object.assign(new Error(code), { code })
const standing = { host: "a.test", connectTimeoutMs: 1000 }

describe("a broken answer", () => {
  /** Done when the client has the first bytes of the body: a reset that comes along with bytes looks like an end to libuv. */
  let whenRead = () => {}
  const reset = (socket: net.Socket, text: string) => {
    whenRead = () => void socket.resetAndDestroy()
    socket.write(text)
  }
  const cases: ReadonlyArray<
    readonly [what: string, say: (socket: net.Socket) => void, tag: string, detail?: Record<string, unknown>]
  > = [
    ["no byte at all", (s) => s.end(), "ConnectError", { code: "ECONNRESET" }],
    ["a reset before any byte", (s) => s.resetAndDestroy(), "ConnectError", { code: "ECONNRESET" }],
    ["a head that breaks off", (s) => s.end("HTTP/1.1 200 OK\r\nContent-Le"), "ConnectError"],
    [
      "fewer bytes than declared",
      (s) => s.end(`${ok}Content-Length: 5000\r\n\r\nabc`),
      "TruncatedError",
      { received: 3, expected: 5000 }
    ],
    [
      "fewer bytes than declared, with connection: close",
      (s) => s.end(`${ok}Connection: close\r\nContent-Length: 5000\r\n\r\nabc`),
      "TruncatedError",
      { received: 3, expected: 5000 }
    ],
    [
      "a reset within a declared body",
      (s) => reset(s, `${ok}Content-Length: 5000\r\n\r\nabc`),
      "TruncatedError",
      { received: 3, expected: 5000 }
    ],
    [
      "chunks without the last one",
      (s) => s.end(`${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
      "TruncatedError",
      { received: 3 }
    ],
    [
      "chunks without the last one, with connection: close",
      (s) => s.end(`${ok}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
      "TruncatedError",
      { received: 3 }
    ],
    [
      "a chunk that breaks off",
      (s) => s.end(`${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nabc`),
      "TruncatedError",
      { received: 3 }
    ],
    [
      "a reset where the end of the connection is the end of the body",
      (s) => reset(s, `${ok}Connection: close\r\n\r\nabc`),
      "TruncatedError",
      { received: 3 }
    ],
    [
      "a reset where the body has no end but that, in HTTP/1.0",
      (s) => reset(s, "HTTP/1.0 200 OK\r\n\r\nabc"),
      "TruncatedError",
      { received: 3 }
    ],
    [
      "a chunk size that is no number",
      (s) => s.end(`${ok}Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n`),
      "ProtocolError"
    ],
    ["a length that is no number", (s) => s.end(`${ok}Content-Length: 3x\r\n\r\nabc`), "ProtocolError"],
    ["a negative length", (s) => s.end(`${ok}Content-Length: -3\r\n\r\nabc`), "ProtocolError"],
    [
      "a length beyond numbers",
      (s) => s.end(`${ok}Content-Length: 99999999999999999999999\r\n\r\nabc`),
      "ProtocolError"
    ],
    ["two different lengths", (s) => s.end(`${ok}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`), "ProtocolError"],
    [
      "as many bytes as declared, but chunks without the last one",
      (s) => s.end(`${ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`),
      "TruncatedError",
      { received: 3 }
    ],
    ["HTTP/0.9", (s) => s.end("hello"), "ProtocolError"],
    ["another protocol", (s) => s.end("SSH-2.0-OpenSSH_9.2\r\n"), "ProtocolError"],
    ["a field without a colon", (s) => s.end(`${ok}Broken\r\n\r\n`), "ProtocolError"],
    ["a NUL in a field", (s) => s.end(`${ok}X: a\0b\r\nContent-Length: 0\r\n\r\n`), "ProtocolError"],
    ["an endless head", (s) => void s.write(`${ok}X: ${"y".repeat(70_000)}`), "ProtocolError"],
    [
      "endless fields",
      (s) => void s.write(`${ok}${"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n".repeat(3000)}`),
      "ProtocolError"
    ],
    [
      "an upgrade nobody asked for",
      (s) => s.end("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
      "ProtocolError"
    ]
  ]
  for (const [what, say, tag, detail = {}] of cases) {
    it.live(`with ${what} is a ${tag}`, () =>
      Effect.gen(function* () {
        whenRead = () => {}
        const { origin } = yield* rawServer(say)
        const one = yield* session()
        const { error } = yield* ask(one, `${origin}/`, { onData: () => setImmediate(() => whenRead()) })
        assert.strictEqual(error?._tag, tag)
        assert.deepInclude({ ...error }, detail)
        assert.strictEqual(one.statistics().inFlight, 0)
      })
    )
  }

  for (const coding of ["gzip, chunked", "chunked, gzip", "xchunked"]) {
    it.live(`in the transfer coding "${coding}" is no content, whoever carries it`, () =>
      Effect.gen(function* () {
        const { origin } = yield* rawServer((s) =>
          s.end(`${ok}Transfer-Encoding: ${coding}\r\n\r\n2\r\nhi\r\n0\r\n\r\n`)
        )
        // the lane, and undici
        for (const options of [{}, { proxy: origin }]) {
          const { error } = yield* ask(yield* session(options), `${origin}/`)
          assert.strictEqual(error?._tag, "ProtocolError")
        }
      })
    )
  }

  for (const coding of ["chunked, Chunked", "chunked\r\nTransfer-Encoding: chunked", "identity, chunked"]) {
    it.live(`in the transfer coding ${JSON.stringify(coding)} is one in chunks, whoever carries it`, () =>
      Effect.gen(function* () {
        const { origin } = yield* rawServer((s, head) =>
          s.end(`${ok}Transfer-Encoding: ${coding}\r\n\r\n2\r\nhi\r\n${/\/cut HTTP/.test(head) ? "" : "0\r\n\r\n"}`)
        )
        for (const options of [{}, { proxy: origin }]) {
          const one = yield* session(options)
          const heard = yield* ask(one, `${origin}/whole`)
          assert.deepStrictEqual([heard.body.toString(), heard.error], ["hi", undefined])
          const { error } = yield* ask(one, `${origin}/cut`)
          assert.strictEqual(error?._tag, "TruncatedError")
        }
      })
    )
  }

  for (const coding of ["identity", "", ","]) {
    it.live(
      `in the transfer coding "${coding}", which is none, is read by the lane, and refused where undici carries it`,
      () =>
        Effect.gen(function* () {
          const { origin } = yield* rawServer((s) => s.end(`${ok}Transfer-Encoding: ${coding}\r\n\r\nhi`))
          const heard = yield* ask(yield* session(), `${origin}/`)
          assert.deepStrictEqual([heard.body.toString(), heard.error], ["hi", undefined])
          const { error } = yield* ask(yield* session({ proxy: origin }), `${origin}/`)
          assert.strictEqual(error?._tag, "ProtocolError")
        })
    )
  }

  it.live("that says more than it declared is cut where it ends, and its connection not used again", () =>
    Effect.gen(function* () {
      let connections = 0
      const { origin, server } = yield* rawServer((socket) =>
        socket.write(`${ok}Content-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`)
      )
      server.on("connection", () => connections++)
      const one = yield* session({ perHost: 1 })
      for (const path of ["/1", "/2"]) {
        const { body, error } = yield* ask(one, origin + path)
        assert.isUndefined(error)
        assert.strictEqual(body.toString(), "abc")
      }
      assert.strictEqual(connections, 2)
    })
  )
})

describe("a connection", () => {
  it.live("to a closed port is refused", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(listen(createServer()))
      const one = yield* session()
      const { error } = yield* ask(one, `http://127.0.0.1:${port}/`)
      assert.deepStrictEqual(
        { ...error },
        {
          ...new FetchError.ConnectError({ host: "127.0.0.1", code: "ECONNREFUSED" })
        }
      )
    })
  )

  for (const code of ["ENOTFOUND", "EAI_AGAIN"]) {
    it.live(`to a name that gives ${code} is a DnsError`, () =>
      Effect.gen(function* () {
        const one = yield* session({}, { resolve: (_, callback) => callback(fail(code), []) })
        const { error } = yield* ask(one, "http://a.test/")
        assert.deepStrictEqual({ ...error }, { ...new FetchError.DnsError({ host: "a.test", code }) })
      })
    )
  }

  it.live("tries all addresses of a name", () =>
    Effect.gen(function* () {
      const { port } = yield* rawServer((socket) => socket.write(`${ok}Content-Length: 2\r\n\r\nok`))
      const one = yield* session(
        {},
        {
          resolve: (_, callback) =>
            callback(null, [
              { address: "::1", family: 6 },
              { address: "127.0.0.1", family: 4 }
            ])
        }
      )
      const { body, error } = yield* ask(one, `http://two.test:${port}/`)
      assert.isUndefined(error)
      assert.strictEqual(body.toString(), "ok")
    })
  )

  it.live("is a ConnectError where all addresses refuse", () =>
    Effect.gen(function* () {
      const { port } = yield* Effect.scoped(listen(createServer()))
      const one = yield* session(
        {},
        {
          resolve: (_, callback) =>
            callback(null, [
              { address: "127.0.0.2", family: 4 },
              { address: "127.0.0.1", family: 4 }
            ])
        }
      )
      const { error } = yield* ask(one, `http://two.test:${port}/`)
      assert.deepInclude({ ...error }, { _tag: "ConnectError", code: "ECONNREFUSED", host: "two.test" })
    })
  )
})

describe("reasonOf", () => {
  const body = { received: 3, expected: undefined }
  const table: ReadonlyArray<readonly [code: string, before: string, after: string]> = [
    ["ECONNREFUSED", "ConnectError", "TruncatedError"],
    ["EHOSTUNREACH", "ConnectError", "TruncatedError"],
    ["ECONNRESET", "ConnectError", "TruncatedError"],
    ["EPIPE", "ConnectError", "TruncatedError"],
    ["UND_ERR_SOCKET", "ConnectError", "TruncatedError"],
    ["ERR_HTTP2_STREAM_ERROR", "ConnectError", "TruncatedError"],
    ["ENOTFOUND", "DnsError", "DnsError"],
    ["EAI_AGAIN", "DnsError", "DnsError"],
    ["UND_ERR_CONNECT_TIMEOUT", "TimeoutError", "TimeoutError"],
    ["ETIMEDOUT", "TimeoutError", "TruncatedError"],
    ["CERT_HAS_EXPIRED", "TlsError", "TruncatedError"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "TlsError", "TruncatedError"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "TlsError", "TruncatedError"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "TlsError", "TruncatedError"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "TlsError", "TruncatedError"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "TlsError", "TruncatedError"],
    ["EPROTO", "TlsError", "TruncatedError"],
    ["UND_ERR_HEADERS_OVERFLOW", "ProtocolError", "ProtocolError"],
    ["UND_ERR_RES_CONTENT_LENGTH_MISMATCH", "ProtocolError", "TruncatedError"]
  ]
  for (const [code, before, after] of table) {
    it(`makes ${code} a ${before} before the head, a ${after} within the body`, () => {
      assert.strictEqual(Fault.reasonOf(fail(code), standing)._tag, before)
      assert.strictEqual(Fault.reasonOf(fail(code), { ...standing, body })._tag, after)
    })
  }

  for (const [codes, code] of [
    [["ETIMEDOUT", "ECONNREFUSED"], "ECONNREFUSED"],
    [["ECONNREFUSED", "ENETUNREACH"], "ECONNREFUSED"],
    [["ECONNREFUSED", "ECONNRESET", "EADDRNOTAVAIL", "EHOSTUNREACH"], "ECONNRESET"],
    [["EHOSTUNREACH", "ENETUNREACH"], "ENETUNREACH"],
    [["EMFILE", "ECONNREFUSED"], "EMFILE"]
  ] as const)
    it(`names ${code} of ${codes.join(", ")}: the last that a way led to, and files that ran out before all`, () => {
      assert.deepInclude(Fault.reasonOf(new AggregateError(codes.map(fail)), standing), { _tag: "ConnectError", code })
    })

  it("never shows a code of undici as the system's", () => {
    for (const code of ["UND_ERR_SOCKET", "UND_ERR_INFO", "UND_ERR_ABORTED", "UND_ERR_DESTROYED", "UND_ERR_CLOSED"]) {
      const reason = Fault.reasonOf(fail(code), standing)
      assert.notInclude(reason.message, "UND_ERR")
    }
  })
})
