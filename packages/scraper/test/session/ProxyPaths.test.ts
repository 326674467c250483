import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as http from "node:http"
import * as https from "node:https"
import * as net from "node:net"
import * as Certificate from "../../src/testing/Certificate.ts"
import * as ForwardProxy from "../../src/testing/ForwardProxy.ts"
import { StallClock } from "../../src/session/StallClock.ts"
import { ask, httpServer, listen, rawServer, session } from "./loopback.ts"
import { until } from "./until.ts"

const own = Certificate.make()
const keys = { key: own.key, cert: own.certificate }
const echo: http.RequestListener = (request, response) => {
  const { "x-seen": _, ...headers } = request.headers
  response.end(JSON.stringify({ url: request.url, headers }))
}
const secure = listen(https.createServer(keys, echo))

/** SOCKS 5 as far as a client can see it (RFC 1928, RFC 1929). */
const socks = (options: { readonly password?: string; readonly refuse?: number } = {}) => {
  const asked: Array<string> = []
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined)
    let stage: "greeting" | "password" | "request" = "greeting"
    socket.on("data", function talk(bytes: Buffer) {
      if (stage === "greeting") {
        const method = options.password === undefined ? 0 : 2
        stage = method === 0 ? "request" : "password"
        socket.write(Uint8Array.of(5, bytes.includes(method, 2) ? method : 255))
      } else if (stage === "password") {
        const name = bytes.subarray(2, 2 + (bytes[1] ?? 0)).toString()
        const password = bytes.subarray(3 + name.length).toString()
        stage = "request"
        socket.write(Uint8Array.of(1, `${name}:${password}` === options.password ? 0 : 1))
      } else {
        const [, , , type, length = 0] = bytes
        const host =
          type === 1
            ? [...bytes.subarray(4, 8)].join(".")
            : type === 4
              ? "v6"
              : bytes.subarray(5, 5 + length).toString()
        const port = bytes.readUInt16BE(bytes.length - 2)
        asked.push(`${host}:${port}`)
        const reply = (code: number) => socket.write(Uint8Array.of(5, code, 0, 1, 0, 0, 0, 0, 0, 0))
        if (options.refuse !== undefined) return void reply(options.refuse)
        socket.off("data", talk)
        const there = net.connect(port, "127.0.0.1", () => {
          reply(0)
          socket.pipe(there).pipe(socket)
        })
        there.on("error", () => socket.destroy())
        socket.on("close", () => there.destroy())
      }
    })
  })
  return Effect.map(listen(server), (up) => ({ ...up, asked }))
}

describe("a proxy", () => {
  it.live("gets whole URLs for http, and its credentials, which go no further", () =>
    Effect.gen(function* () {
      const credentials = { user: "px", password: "s3:cret" }
      const proxy = yield* ForwardProxy.make({ credentials })
      const { origin, port } = yield* httpServer(echo)
      const one = yield* session({ proxy: proxy.url.replace("//", "//px:s3%3Acret@"), perHost: 1, jobs: 3 })
      const { head, body, error } = yield* ask(one, `http://me:pw@127.0.0.1:${port}/a?b`)
      assert.isUndefined(error)
      assert.strictEqual(head?.url, `${origin}/a?b`)
      assert.isUndefined(head?.address, "it is the proxy that connected to the host")
      const seen = JSON.parse(body.toString())
      assert.strictEqual(seen.url, "/a?b")
      assert.strictEqual(seen.headers.host, `127.0.0.1:${port}`)
      assert.strictEqual(seen.headers.authorization, `Basic ${Buffer.from("me:pw").toString("base64")}`)
      assert.isUndefined(seen.headers["proxy-authorization"])
      assert.deepStrictEqual(proxy.requests, [{ method: "GET", target: `${origin}/a?b`, authorized: true }])
    })
  )

  it.live("opens tunnels for https, and sees nothing of what goes through", () =>
    Effect.gen(function* () {
      const credentials = { user: "px", password: "secret" }
      const proxy = yield* ForwardProxy.make({ credentials })
      const { port } = yield* secure
      const one = yield* session({ proxy: proxy.url.replace("//", "//px:secret@"), insecure: true, perHost: 1 })
      for (const path of ["/1", "/2"]) {
        const { head, body, error } = yield* ask(one, `https://localhost:${port}${path}`)
        assert.isUndefined(error)
        assert.isUndefined(head?.address)
        const seen = JSON.parse(body.toString())
        assert.strictEqual(seen.url, path)
        assert.isUndefined(seen.headers["proxy-authorization"])
      }
      assert.deepStrictEqual(proxy.requests, [{ method: "CONNECT", target: `localhost:${port}`, authorized: true }])
    })
  )

  it.live("verifies the far host's certificate through the tunnel", () =>
    Effect.gen(function* () {
      const proxy = yield* ForwardProxy.make()
      const { port } = yield* secure
      const one = yield* session({ proxy: proxy.url })
      assert.strictEqual((yield* ask(one, `https://localhost:${port}/`)).error?._tag, "TlsError")
    })
  )

  it.live("that wants other credentials is an answer for http, an error for https", () =>
    Effect.gen(function* () {
      const proxy = yield* ForwardProxy.make({ credentials: { user: "px", password: "secret" } })
      const { origin } = yield* httpServer(echo)
      const one = yield* session({ proxy: proxy.url, insecure: true })
      assert.strictEqual((yield* ask(one, origin)).head?.status, 407)
      const { error } = yield* ask(one, "https://localhost:1/")
      assert.deepInclude(
        { ...error },
        { _tag: "ProxyError", proxy: proxy.url.replace("px:secret@", ""), code: "PROXY_407" }
      )
    })
  )

  it.live("may itself be reached by TLS", () =>
    Effect.gen(function* () {
      const tunnels: Array<string | undefined> = []
      const front = https.createServer(keys, (request, response) => {
        tunnels.push(request.url)
        http.get(request.url ?? "", { headers: request.headers }, (answer) => answer.pipe(response))
      })
      front.on("connect", (request: http.IncomingMessage, socket: net.Socket) => {
        tunnels.push(request.url)
        const there = net.connect(Number(request.url?.split(":")[1]), "127.0.0.1", () => {
          socket.write("HTTP/1.1 200 OK\r\n\r\n")
          socket.pipe(there).pipe(socket)
        })
        there.on("error", () => socket.destroy())
        socket.on("error", () => there.destroy()).on("close", () => there.destroy())
      })
      const proxy = yield* listen(front)
      const plain = yield* httpServer(echo)
      const far = yield* secure
      const one = yield* session({ proxy: `https://localhost:${proxy.port}`, insecure: true })
      for (const url of [`${plain.origin}/x`, `https://localhost:${far.port}/y`]) {
        const { body, error } = yield* ask(one, url)
        assert.isUndefined(error)
        assert.include(["/x", "/y"], JSON.parse(body.toString()).url)
      }
      assert.deepStrictEqual(tunnels, [`${plain.origin}/x`, `localhost:${far.port}`])
    })
  )

  it.live("that cannot be reached, breaks off or talks nonsense is told from a host behind it", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.scoped(listen(net.createServer()))
      const hasty = yield* rawServer((socket) => socket.end())
      const odd = yield* rawServer((socket) => socket.end("what?\r\n\r\n"))
      const full = yield* rawServer((socket) => socket.end("HTTP/1.1 503 Full\r\n\r\n"))
      const codes: Array<string | undefined> = []
      for (const { port } of [closed, hasty, odd, full]) {
        const one = yield* session({ proxy: `http://127.0.0.1:${port}` })
        const { error } = yield* ask(one, "https://a.test/")
        codes.push(error?.message.replace(`:${port}`, ":port"))
      }
      assert.deepStrictEqual(codes, [
        "cannot talk to the proxy http://127.0.0.1:port (ECONNREFUSED)",
        "cannot talk to a.test (ECONNRESET)",
        "cannot talk to the proxy http://127.0.0.1:port (PROXY_REPLY)",
        "cannot talk to a.test (PROXY_503)"
      ])
      const plain = yield* session({ proxy: `http://127.0.0.1:${closed.port}` })
      assert.strictEqual((yield* ask(plain, "http://a.test/")).error?._tag, "ProxyError")
    })
  )

  it.live("that is silent is a timeout of the connection, and is left", () =>
    Effect.gen(function* () {
      let asked = 0
      const { port, sockets } = yield* rawServer(() => void asked++)
      const clock = new StallClock(1_000_000_000)
      const one = yield* session({ proxy: `http://127.0.0.1:${port}` }, { clock })
      const answers: Array<unknown> = []
      one.open(
        { url: "https://a.test/" },
        { onHead: () => {}, onData: () => {}, onEnd: () => {}, onError: (reason) => answers.push({ ...reason }) }
      )
      yield* until(() => asked === 1)
      clock.sweep()
      clock.sweep()
      yield* until(() => answers.length === 1 && sockets.size === 0)
      assert.deepInclude(answers[0] as object, { _tag: "TimeoutError", phase: "connect" })
    })
  )

  it.live("of SOCKS 5 takes http and https, names unresolved, with a password", () =>
    Effect.gen(function* () {
      const proxy = yield* socks({ password: "me:p:w" })
      const plain = yield* httpServer(echo)
      const far = yield* secure
      const one = yield* session(
        { proxy: `socks5://me:p%3Aw@127.0.0.1:${proxy.port}`, insecure: true },
        { resolve: () => assert.fail("resolved here") }
      )
      for (const url of [
        `http://far.test:${plain.port}/x`,
        `https://far.test:${far.port}/y`,
        `http://127.0.0.1:${plain.port}/z`
      ]) {
        const { body, error } = yield* ask(one, url)
        assert.isUndefined(error)
        assert.strictEqual(JSON.parse(body.toString()).url, new URL(url).pathname)
      }
      assert.deepStrictEqual(proxy.asked, [`far.test:${plain.port}`, `far.test:${far.port}`, `127.0.0.1:${plain.port}`])
    })
  )

  it.live("of SOCKS 5 that refuses a host is told from one that refuses us", () =>
    Effect.gen(function* () {
      const codes: Array<string | undefined> = []
      const refusing = yield* socks({ refuse: 5 })
      const locked = yield* socks({ password: "me:pw" })
      const http = yield* rawServer(() => undefined)
      for (const proxy of [
        `socks5://127.0.0.1:${refusing.port}`,
        `socks5://127.0.0.1:${locked.port}`,
        `socks5://me:no@127.0.0.1:${locked.port}`
      ]) {
        const one = yield* session({ proxy })
        const { error } = yield* ask(one, "http://[::1]:1/")
        codes.push(error !== undefined && "code" in error ? `${error._tag} ${error.code}` : error?._tag)
      }
      assert.deepStrictEqual(codes, [
        "ConnectError SOCKS_5",
        "ProxyError SOCKS_AUTHENTICATION",
        "ProxyError SOCKS_AUTHENTICATION"
      ])
      assert.strictEqual(http.sockets.size, 0)
    })
  )

  it.live("of the environment is passed by for what NO_PROXY names, and for nothing else", () =>
    Effect.gen(function* () {
      const proxy = yield* ForwardProxy.make()
      const { origin, port } = yield* httpServer(echo)
      const resolve = (
        _: string,
        callback: (error: null, addresses: Array<{ address: string; family: number }>) => void
      ) => callback(null, [{ address: "127.0.0.1", family: 4 }])
      const one = yield* session({}, { variables: { http_proxy: proxy.url, NO_PROXY: "near.test" }, resolve })
      assert.isUndefined((yield* ask(one, `http://near.test:${port}/near`)).error)
      assert.isUndefined((yield* ask(one, `${origin}/loopback`)).error)
      assert.deepStrictEqual(
        proxy.requests.map(({ target }) => target),
        [`${origin}/loopback`]
      )
    })
  )

  it.live("is no way around the guard for an address that is plain to see, or a name that always has one", () =>
    Effect.gen(function* () {
      const proxy = yield* ForwardProxy.make()
      const one = yield* session({ proxy: proxy.url, denyPrivate: true })
      const names = ["localhost:1", "a.LOCALHOST.:1", "metadata.google.internal"].map((host) => `http://${host}/`)
      for (const url of [...names, "http://127.0.0.1:1/", "http://[::1]:1/", "https://10.0.0.1/"]) {
        assert.strictEqual((yield* ask(one, url)).error?._tag, "AddressError")
      }
      assert.deepStrictEqual(proxy.requests, [])
    })
  )
})

describe("the guard", () => {
  const at = (...addresses: ReadonlyArray<string>) => ({
    resolve: (_: string, callback: (error: null, found: Array<{ address: string; family: number }>) => void) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: net.isIP(address) }))
      )
  })

  for (const url of [
    "http://127.0.0.1:1/",
    "http://[::1]:1/",
    "http://[::ffff:127.0.0.1]:1/",
    "http://0x7f.1:1/",
    "http://2130706433:1/"
  ]) {
    it.live(`denies ${url}`, () =>
      Effect.gen(function* () {
        const one = yield* session({ denyPrivate: true })
        assert.strictEqual((yield* ask(one, url)).error?._tag, "AddressError")
      })
    )
  }

  it.live("denies a name for any private address it has, and names both", () =>
    Effect.gen(function* () {
      const one = yield* session({ denyPrivate: true }, at("192.88.1.1", "10.1.2.3"))
      const { error } = yield* ask(one, "http://both.test/")
      assert.deepInclude({ ...error }, { _tag: "AddressError", host: "both.test", address: "10.1.2.3" })
    })
  )

  it.live("judges the hops of a redirect", () =>
    Effect.gen(function* () {
      let inner = 0
      const secret = yield* httpServer((_, response) => {
        inner++
        response.end("secret")
      })
      const { port } = yield* httpServer((_, response) =>
        response.writeHead(302, { location: `http://inner.test:${secret.port}/` }).end()
      )
      // without the guard the way is open; with it neither hop is reached
      const open = yield* session({}, at("127.0.0.1"))
      assert.strictEqual((yield* ask(open, `http://outer.test:${port}/`)).body.toString(), "secret")
      const one = yield* session({ denyPrivate: true }, at("127.0.0.1"))
      assert.strictEqual((yield* ask(one, `http://outer.test:${port}/`)).error?._tag, "AddressError")
      assert.strictEqual(inner, 1)
    })
  )

  it.live("lets nothing through that it does not deny by name: it is off by default", () =>
    Effect.gen(function* () {
      const { origin } = yield* httpServer((_, response) => response.end("x"))
      const one = yield* session()
      assert.isUndefined((yield* ask(one, origin)).error)
    })
  )
})
