import { assert, it } from "@effect/vitest"
import * as Http from "node:http"
import * as Https from "node:https"
import type { Duplex } from "node:stream"
import * as Tls from "node:tls"
import * as ForwardProxy from "../../src/testing/ForwardProxy.ts"
import * as Site from "../../src/testing/Site.ts"

interface Answer {
  readonly status: number
  readonly body: Buffer
}

const collect = (message: Http.IncomingMessage): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    message.on("data", (chunk: Buffer) => chunks.push(chunk))
    message.on("end", () => resolve({ status: message.statusCode!, body: Buffer.concat(chunks) }))
    message.on("error", reject)
  })

const through = (proxy: string, target: string, headers: Http.OutgoingHttpHeaders = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(proxy)
    const options = { host: hostname, port, path: target, headers: { host: "x", ...headers }, agent: false }
    Http.get(options, (message) => resolve(collect(message))).on("error", reject)
  })

const connect = (proxy: string, target: string, headers: Http.OutgoingHttpHeaders = {}) =>
  new Promise<{ readonly status: number; readonly socket: Duplex }>((resolve, reject) => {
    const { hostname, port } = new URL(proxy)
    Http.request({ host: hostname, port, method: "CONNECT", path: target, headers, agent: false })
      .on("connect", ({ statusCode }, socket) => resolve({ status: statusCode!, socket }))
      .on("error", reject)
      .end()
  })

it("forwards a request in absolute form", async () => {
  await using site = await Site.start()
  await using proxy = await ForwardProxy.start()
  const { status, body } = await through(proxy.url, site.url("/bytes/100000/x"), { "x-mine": "1" })
  assert.strictEqual(status, 200)
  assert.isTrue(body.equals(Site.body("/bytes/100000/x")))
  assert.deepStrictEqual(
    site.requests.map(({ path, headers }) => [path, headers["x-mine"], headers["proxy-authorization"]]),
    [["/bytes/100000/x", "1", undefined]]
  )
  assert.deepStrictEqual(proxy.requests, [{ method: "GET", target: site.url("/bytes/100000/x"), authorized: true }])
})

it("tunnels TLS through CONNECT", async () => {
  await using site = await Site.start({ tls: true })
  await using proxy = await ForwardProxy.start()
  const { status, socket } = await connect(proxy.url, `127.0.0.1:${site.port}`)
  assert.strictEqual(status, 200)
  const answer = await new Promise<Answer>((resolve, reject) => {
    const createConnection = () => Tls.connect({ socket, ca: site.ca, host: "127.0.0.1" })
    Https.get(site.url("/bytes/1000/x"), { createConnection }, (message) => resolve(collect(message))).on(
      "error",
      reject
    )
  })
  assert.isTrue(answer.body.equals(Site.body("/bytes/1000/x")))
  assert.deepStrictEqual(proxy.requests, [{ method: "CONNECT", target: `127.0.0.1:${site.port}`, authorized: true }])
})

it("asks for credentials and keeps them from the site", async () => {
  await using site = await Site.start()
  await using proxy = await ForwardProxy.start({ credentials: { user: "ann", password: "secret" } })
  const authorization = `Basic ${Buffer.from("ann:secret").toString("base64")}`
  const target = site.url("/bytes/1/x")
  assert.strictEqual((await through(proxy.url, target)).status, 407)
  assert.strictEqual((await connect(proxy.url, `127.0.0.1:${site.port}`)).status, 407)
  assert.strictEqual(site.count(), 0)
  assert.strictEqual((await through(proxy.url, target, { "proxy-authorization": authorization })).status, 200)
  const tunnel = await connect(proxy.url, `127.0.0.1:${site.port}`, { "proxy-authorization": authorization })
  assert.strictEqual(tunnel.status, 200)
  assert.deepStrictEqual(
    proxy.requests.map(({ authorized }) => authorized),
    [false, false, true, true]
  )
  assert.isUndefined(site.requests[0]!.headers["proxy-authorization"])
})

it("answers 502 for a server that is not there", async () => {
  const gone = await Site.start()
  await gone.close()
  await using proxy = await ForwardProxy.start()
  assert.strictEqual((await through(proxy.url, gone.url("/bytes/1/x"))).status, 502)
  assert.strictEqual((await connect(proxy.url, `127.0.0.1:${gone.port}`)).status, 502)
})

it("passes a cut body on as a cut body", async () => {
  await using site = await Site.start()
  await using proxy = await ForwardProxy.start()
  const failure = await through(proxy.url, site.url("/cut/5000/3")).then(
    () => "none",
    (error: NodeJS.ErrnoException) => error.code
  )
  assert.strictEqual(failure, "ECONNRESET")
})
