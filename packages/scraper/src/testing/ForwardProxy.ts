/**
 * A small forward proxy: CONNECT tunnels and requests in absolute form (RFC 9110
 * 9.3.6 and 7.1), with a log, and Basic credentials on request (RFC 7617).
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import { pipeline } from "node:stream"
import * as Listening from "./Listening.ts"

/** Of a proxy. */
export interface Options {
  /** Ask for these credentials; without them: 407. */
  readonly credentials?: { readonly user: string; readonly password: string }
}

/** A request as the proxy got it. */
export interface SeenRequest {
  /** `CONNECT`, or the method of a request in absolute form. */
  readonly method: string
  /** `host:port` for CONNECT, else the absolute URL. */
  readonly target: string
  readonly authorized: boolean
}

/** A proxy that runs, with what it was asked for. */
export interface ForwardProxy extends Listening.Running {
  /** Without credentials. */
  readonly url: string
  readonly requests: ReadonlyArray<SeenRequest>
}

const ignore = () => undefined

/** Starts a proxy on 127.0.0.1. */
export const start = async (options: Options = {}): Promise<ForwardProxy> => {
  const { credentials } = options
  const expected =
    credentials && `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`
  const requests: Array<SeenRequest> = []
  const admit = (request: Http.IncomingMessage): boolean => {
    const authorized = expected === undefined || request.headers["proxy-authorization"] === expected
    requests.push({ method: request.method ?? "", target: request.url ?? "", authorized })
    return authorized
  }

  const forward = (request: Http.IncomingMessage, response: Http.ServerResponse): void => {
    if (!admit(request)) {
      response.writeHead(407, { "proxy-authenticate": 'Basic realm="proxy"' })
      return void response.end()
    }
    if (!URL.canParse(request.url ?? "")) return void response.writeHead(400).end("a proxy wants an absolute URL\n")
    const { "proxy-authorization": _, "proxy-connection": __, ...headers } = request.headers
    const onward = Http.request(request.url!, { method: request.method!, headers, agent: false }, (reply) => {
      response.writeHead(reply.statusCode!, reply.rawHeaders)
      pipeline(reply, response, ignore)
    })
    onward.on("error", () => {
      if (response.headersSent) response.destroy()
      else response.writeHead(502).end()
    })
    response.once("close", () => onward.destroy())
    pipeline(request, onward, ignore)
  }

  const tunnel = (request: Http.IncomingMessage, client: Duplex, early: Buffer): void => {
    if (!admit(request)) {
      return void client.end(
        'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n'
      )
    }
    const target = new URL(`tcp://${request.url}`)
    const server = Net.connect(Number(target.port), target.hostname, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n")
      server.write(early)
      pipeline(client, server, ignore)
      pipeline(server, client, ignore)
    })
    server.once("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"))
    client.once("close", () => server.destroy())
  }

  const listening = await Listening.start(
    () => Http.createServer({ keepAliveTimeout: 0 }, forward).on("connect", tunnel),
    ["127.0.0.1"]
  )
  return {
    url: `http://127.0.0.1:${listening.port}`,
    requests,
    close: listening.close,
    [Symbol.asyncDispose]: listening.close
  }
}

/** A proxy that lives as long as the scope. */
export const make = (options: Options = {}): Effect.Effect<ForwardProxy, never, Scope.Scope> =>
  Listening.scoped(() => start(options))
