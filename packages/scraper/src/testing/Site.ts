/**
 * A loopback web site, kind and cruel: what it does is chosen by the path that
 * is asked for, so a list of URLs is a scenario.
 *
 * `README.md` beside this file has the table of paths; `behaviour/` is that table
 * as code. A site takes these in turn: `files`, `respond`, the table, 404.
 *
 * Invariants:
 * 1. The content of a path is a function of the path: `body(path)` is what a
 *    client should have in the end, all hops, retries and codings done.
 * 2. A request is in the log before a byte of its response is sent.
 * 3. Closing needs no patience: open connections are destroyed.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Http from "node:http"
import * as Http2 from "node:http2"
import * as Https from "node:https"
import type { Server } from "node:net"
import * as Behaviour from "./Behaviour.ts"
import * as Broken from "./behaviour/Broken.ts"
import * as Encodings from "./behaviour/Encodings.ts"
import * as Pages from "./behaviour/Pages.ts"
import * as Ranges from "./behaviour/Ranges.ts"
import * as Routing from "./behaviour/Routing.ts"
import * as Timing from "./behaviour/Timing.ts"
import * as Whole from "./behaviour/Whole.ts"
import * as Certificate from "./Certificate.ts"
import * as Content from "./Content.ts"
import { Exchange } from "./Exchange.ts"
import * as Listening from "./Listening.ts"
import { Memory } from "./Memory.ts"
import * as Representation from "./Representation.ts"

/** All rows, in the order of the README. */
export const behaviours: ReadonlyArray<Behaviour.Behaviour> = [
  ...Whole.rows,
  ...Timing.rows,
  ...Broken.rows,
  ...Routing.rows,
  ...Ranges.rows,
  ...Encodings.rows,
  ...Pages.rows
]

/** What a site answers for a path of its own. */
export interface Reply {
  /** Default 200. With 200 it gets an ETag, and conditions and ranges are honoured. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly body?: string | Uint8Array
}

/** A request as a site saw it. */
export interface SeenRequest {
  readonly method: string
  /** Path and query as they came. */
  readonly path: string
  readonly headers: Http.IncomingHttpHeaders
  /** The loopback address that was asked. */
  readonly host: string
  /** When it arrived: milliseconds of `performance.now()`. */
  readonly atMs: number
}

/** Which requests: those whose path begins with a text, or that pass a test. Absent: all. */
export type Where = string | ((request: SeenRequest) => boolean)

/** Of a site: where it listens, and what it serves beside the paths of the tables. */
export interface Options {
  /** Default: a free one. */
  readonly port?: number
  /** Addresses to listen on, all in 127.0.0.0/8, with one port. Default: 127.0.0.1. */
  readonly hosts?: ReadonlyArray<string>
  /** Milliseconds before every answer. */
  readonly latencyMs?: number
  /** Serve https; options for a certificate that is expired or for another name. */
  readonly tls?: boolean | Certificate.Options
  /** With `tls`: HTTP/2 through ALPN, HTTP/1.1 for those who do not offer it. */
  readonly http2?: boolean
  /** What to answer at given paths (without query); text and bytes get a Content-Type by their ending. */
  readonly files?: Readonly<Record<string, Reply | string | Uint8Array>>
  /** Asked for what is not among `files`; `undefined`: the table decides. */
  readonly respond?: (request: SeenRequest) => Reply | string | Uint8Array | undefined
  /** Hears each request when it arrives. */
  readonly onRequest?: (request: SeenRequest) => void
  /** Keep the log. Default true; a benchmark with many requests turns it off. */
  readonly log?: boolean
}

/** A site that runs, with what it was asked for. */
export interface Site extends Listening.Running {
  readonly port: number
  /** PEM of the authority to trust; empty without `tls`. */
  readonly ca: string
  /** The absolute URL of a path. */
  readonly url: (path: string, options?: { readonly host?: string; readonly userinfo?: string }) => string
  /** Requests in the order of their arrival, since the start or `reset`. */
  readonly requests: ReadonlyArray<SeenRequest>
  /** Requests so far for exactly this path (and query), or of this kind. */
  readonly count: (where?: Where) => number
  /** Requests that are being answered now. */
  readonly inFlight: (where?: Where) => number
  /** The most that were being answered at one time. */
  readonly maxInFlight: (where?: Where) => number
  /** Connections taken since the start. */
  readonly connections: number
  /** Resolves when `count` requests have arrived, earlier ones included. */
  readonly arrived: (count: number, where?: Where) => Promise<void>
  /** Opens the gate of `/hold/GATE/...` and `/hold-body/...`, also for those who come later. */
  readonly release: (gate: string) => void
  /** Serves this at a path from now on; `undefined`: no more. */
  readonly put: (path: string, reply: Reply | string | Uint8Array | undefined) => void
  /** Forgets the log, the counts that `/flaky` and its like keep, and released gates. */
  readonly reset: () => void
}

const find = Behaviour.finder(behaviours)

/**
 * The body that a client has in the end after asking for `path`: wrappers are
 * seen through, codings taken off. `version` 1 is the content of `/range/changed`
 * after its change. Throws `BadPath` where a path has no content of its own.
 */
export const body = (path: string, version = 0): Buffer => {
  const leaf = path.replace(/[?#].*$/, "")
  const found = find(leaf)
  if (found === undefined) throw new Behaviour.BadPath(`no behaviour for ${leaf}`)
  if (found.behaviour.wraps) return body(found.rest, version)
  const content = found.behaviour.content(found.values, leaf, version)
  return content.read(0, content.size)
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  txt: "text/plain; charset=utf-8",
  css: "text/css",
  js: "text/javascript",
  json: "application/json",
  xml: "application/xml",
  pdf: "application/pdf",
  png: "image/png"
}

const typeOf = (path: string): string =>
  path.endsWith("/") ? types["html"]! : (types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream")

const sendReply = (exchange: Exchange, given: Reply | string | Uint8Array): void => {
  const reply: Reply = typeof given === "string" || given instanceof Uint8Array ? { body: given } : given
  const content = Content.fromBytes(reply.body ?? "")
  const fields = Object.entries(reply.headers ?? {}).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).flatMap((one) => [name, one])
  )
  const names = new Set(fields.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()))
  if (!names.has("content-type")) fields.push("content-type", typeOf(exchange.path))
  const status = reply.status ?? 200
  if (status !== 200 || names.has("etag")) return exchange.send({ status, fields, content })
  const { etag } = Representation.of(content.read(0, content.size).toString("latin1"), content)
  Representation.answer(exchange, { content, etag: etag!, fields })
}

const answer = (exchange: Exchange, path: string): void => {
  try {
    const found = find(path)
    if (found === undefined) return exchange.text(404, "no such page\n")
    const { behaviour, values, rest } = found
    behaviour.answer(exchange, { values, path, rest, next: (inner) => answer(exchange, inner) })
  } catch (error) {
    exchange.fail(error instanceof Error ? error.message : String(error))
  }
}

/** A request in the log, with the moments of its begin and end on the site's own count. */
interface Logged extends SeenRequest {
  readonly began: number
  ended: number
}

const matcher = (where: Where | undefined): ((request: SeenRequest) => boolean) =>
  where === undefined ? () => true : typeof where === "string" ? (request) => request.path.startsWith(where) : where

/** Starts a site; `await using site = await Site.start()` closes it. */
export const start = async (options: Options = {}): Promise<Site> => {
  const { hosts = ["127.0.0.1"], latencyMs = 0, log = true, onRequest, respond } = options
  const files = new Map(Object.entries(options.files ?? {}))
  const memory = new Memory()
  let requests: Array<Logged> = []
  let moment = 0
  let waiting: Array<{ readonly expected: number; readonly where: Where | undefined; readonly resolve: () => void }> =
    []

  const listener: Http.RequestListener = (request, response) => {
    const seen: Logged | undefined =
      log || onRequest !== undefined || respond !== undefined
        ? {
            method: request.method ?? "GET",
            path: request.url ?? "/",
            headers: request.headers,
            host: request.socket.localAddress ?? "",
            atMs: performance.now(),
            began: moment++,
            ended: Infinity
          }
        : undefined
    const exchange = new Exchange(request, response, memory, () => {
      if (seen?.ended === Infinity) seen.ended = moment++
    })
    const proceed = () => {
      const given = files.get(exchange.path) ?? respond?.(seen!)
      if (given === undefined) answer(exchange, exchange.path)
      else sendReply(exchange, given)
    }
    if (seen !== undefined) {
      if (log) requests.push(seen)
      onRequest?.(seen)
      if (waiting.length > 0) {
        const ready = waiting.filter(({ expected, where }) => seenAt(where) >= expected)
        waiting = waiting.filter((one) => !ready.includes(one))
        for (const one of ready) one.resolve()
      }
    }
    if (latencyMs === 0) proceed()
    else exchange.after(latencyMs, proceed)
  }

  // A test decides when a connection ends, not a clock of the server.
  const patient: Http.ServerOptions = {
    keepAliveTimeout: 0,
    requestTimeout: 0,
    headersTimeout: 0,
    maxHeaderSize: 256 * 1024
  }
  const certificate = options.tls
    ? Certificate.make({ names: ["localhost", ...hosts], ...(options.tls === true ? {} : options.tls) })
    : undefined
  const make = (): Server => {
    if (certificate === undefined) return Http.createServer(patient, listener)
    const identity = { key: certificate.key, cert: certificate.certificate }
    if (options.http2 !== true) return Https.createServer({ ...patient, ...identity }, listener)
    const server = Http2.createSecureServer({ ...patient, ...identity, allowHTTP1: true })
    // The compatibility layer of node:http2 answers through the same interface.
    server.on("request", listener as unknown as Parameters<typeof server.on<"request">>[1])
    return server
  }
  const listening = await Listening.start(make, hosts, options.port)
  const origin = (host: string, userinfo?: string) =>
    `${certificate === undefined ? "http" : "https"}://${userinfo === undefined ? "" : `${userinfo}@`}${host}:${listening.port}`

  const seenAt = (where?: Where): number => requests.filter(matcher(where)).length
  const count = (where?: Where): number =>
    requests.filter(typeof where === "string" ? (request) => request.path === where : matcher(where)).length

  return {
    port: listening.port,
    ca: certificate?.ca ?? "",
    url: (path, { host = hosts[0]!, userinfo } = {}) => `${origin(host, userinfo)}${path}`,
    get requests() {
      return requests
    },
    get connections() {
      return listening.connections()
    },
    count,
    inFlight: (where) => requests.filter((request) => request.ended === Infinity).filter(matcher(where)).length,
    maxInFlight: (where) => {
      const changes = requests
        .filter(matcher(where))
        .flatMap(({ began, ended }) => [[began, 1] as const, [ended, -1] as const])
        .toSorted(([one], [other]) => (one === other ? 0 : one - other))
      let now = 0
      let most = 0
      for (const [, change] of changes) most = Math.max(most, (now += change))
      return most
    },
    arrived: (expected, where) =>
      new Promise((resolve) => {
        if (seenAt(where) >= expected) resolve()
        else waiting.push({ expected, where, resolve })
      }),
    release: (gate) => memory.release(gate),
    put: (path, reply) => void (reply === undefined ? files.delete(path) : files.set(path, reply)),
    reset: () => {
      requests = []
      memory.reset()
    },
    close: listening.close,
    [Symbol.asyncDispose]: listening.close
  }
}

/** A site that lives as long as the scope. */
export const make = (options: Options = {}): Effect.Effect<Site, never, Scope.Scope> =>
  Listening.scoped(() => start(options))
