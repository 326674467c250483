/**
 * One request on its way through redirects to its last byte: what a transport (the
 * lane or undici) calls, what the clock watches and what the caller holds are this one object.
 *
 * Its life: queued -> head -> body -> done, and from head over draining back to
 * queued for each redirect. The clock does not count while it is queued, for
 * then it waits for a connection: the connection attempt has a clock of its own.
 *
 * 1. After `done` the receiver hears nothing; the transport may still call.
 * 2. The receiver never hears anything before `open` has returned.
 * 3. `resume` reaches the transport from a microtask: its parser must not be entered
 *    from within another callback of it.
 */
import type { ClientHttp2Stream } from "node:http2"
import * as ContentType from "../ContentType.ts"
import * as FetchError from "../FetchError.ts"
import * as FieldValue from "../FieldValue.ts"
import { retryAfterMs } from "../RetryAfter.ts"
import type { Receiver, Request, ResponseHead, SentRequest, Transfer } from "../Session.ts"
import * as Url from "../Url.ts"
import * as AddressGuard from "./AddressGuard.ts"
import type { Connection, Served } from "./Connection.ts"
import type { Serving } from "./lane/Flight.ts"
import type { Cookies } from "./Cookies.ts"
import * as Fault from "./Fault.ts"
import * as Redirect from "./Redirect.ts"
import * as RequestFields from "./RequestFields.ts"
import type { Route, Routes } from "./Routes.ts"
import type { StallClock, Watched } from "./StallClock.ts"
import type { Dispatcher } from "./Undici.ts"

type Headers = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2]

/** What the exchanges of a session share. */
export interface Shared {
  readonly clock: StallClock
  readonly routes: Routes
  readonly cookies: Cookies | undefined
  /** Sent to the origin of the target. */
  readonly fields: RequestFields.Fields
  /** Sent to any other origin: without what the user set. */
  readonly foreignFields: RequestFields.Fields
  /** The origins whose targets get `fields`; absent: all of them. */
  readonly headersFor: ReadonlySet<string> | undefined
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly denyPrivate: AddressGuard.Denied
  readonly counts: { requests: number; redirects: number; inFlight: number; bytesReceived: number }
}

/**
 * A body that brings fewer bytes in this time, or in the bound for silence where that is longer, is given up: byte by byte it
 * could hold a slot for years. Apache gives up a request below 500 bytes a second (mod_reqtimeout), Kestrel either side
 * below 240.
 */
const leastBytes = 4096
const leastMs = 60_000
/** Bytes and milliseconds that the body of a redirect may take; beyond them a new connection is cheaper. */
const drainBytes = 65_536
const drainMs = 1_000

const queued = 0
const head = 1
const body = 2
const draining = 3
const done = 4

/** Thrown into the transport when a request reaches its connection after it was given up: the connection stays whole. */
const givenUp = new Error("given up")

/** The lines of a field. undici leaves white space behind them, which is no part of a value (RFC 9112 5.1). */
const lines = (headers: Headers, name: string): ReadonlyArray<string> => {
  if (!Object.hasOwn(headers, name)) return []
  const found = headers[name]
  return typeof found === "string" ? [FieldValue.trimmed(found)] : (found ?? []).map(FieldValue.trimmed)
}

/** Fields that are no list: the first of several lines counts, as a time or a URL that is two says nothing. */
const single: ReadonlySet<string> = new Set(
  "content-disposition content-location date etag last-modified location refresh retry-after".split(" ")
)

const value = (headers: Headers, name: string): string | undefined => {
  if (!Object.hasOwn(headers, name)) return undefined
  // nearly all come in one line, and each answer is asked for a dozen
  const found = headers[name]
  if (typeof found === "string") return FieldValue.trimmed(found)
  const told = lines(headers, name)
  return told.length < 2 || single.has(name) ? told[0] : told.join(", ")
}

/** The host of a URL, as errors name it. */
const hostOf = (url: string) => Url.origin(url).replace(/^https?:\/\/\[?|\]?(?::\d+)?$/g, "")

const isOrigin = /^https?:\/\/./

/** Host and port of an origin, as the field `host` has them. */
const authorityOf = (origin: string) => origin.slice(origin.indexOf("://") + 3)

/** A class and not closures: one is made for each request. */
class Answer implements ResponseHead {
  readonly status: number
  readonly url: string
  readonly reason?: string
  readonly text?: string
  readonly address?: string
  readonly #headers: Headers
  readonly #sent: RequestFields.Fields

  /** `url`: without credentials. `sent`: the fields of the request, without those of the connection. */
  constructor(
    status: number,
    url: string,
    headers: Headers,
    text: string | undefined,
    reason: string | undefined,
    sent: RequestFields.Fields,
    address: string | undefined
  ) {
    this.status = status
    this.url = url
    if (text !== undefined) this.text = text
    else if (reason !== undefined) this.reason = reason
    if (address !== undefined) this.address = address
    this.#headers = headers
    this.#sent = sent
  }

  get request(): SentRequest {
    const origin = Url.origin(this.url)
    return { target: this.url.slice(origin.length), fields: ["host", authorityOf(origin), ...this.#sent] }
  }

  header(name: string) {
    const found = value(this.#headers, name)
    return found !== undefined && name === "content-type" ? ContentType.of(found) : found
  }

  fields() {
    return Object.keys(this.#headers).flatMap((name) => lines(this.#headers, name).map((line) => [name, line] as const))
  }
}

export class Exchange implements Served, Transfer, Watched {
  connection: Connection | Serving | undefined
  stream: ClientHttp2Stream | undefined
  slot = -1
  readonly #shared: Shared
  readonly #request: Request
  readonly #receiver: Receiver
  readonly #deadline: number
  /** Of the present hop. It is no `URL`: to make one costs as much as all that is needed of it. */
  #url: string
  /** The same without credentials. */
  #bare: string
  /** The origin of the target, the only one to get the user's fields. */
  readonly #origin: string
  #state: 0 | 1 | 2 | 3 | 4 = queued
  #opened = false
  /** The tick of the last sign of life; infinite while nobody need show one. */
  #since = Infinity
  /** The tick from which the bytes of the body are counted, and how many there were by then. */
  #countedSince = Infinity
  #countedFrom = 0
  #paused = false
  #controller: Dispatcher.DispatchController | undefined
  /** A first byte of the present hop has come. */
  #started = false
  /** The present hop is sent for the second time. */
  #again = false
  #received = 0
  #headers: Headers | undefined
  /** The head of the present hop as it came, where that is told. */
  #text: string | undefined
  /** The fields that the present hop was asked with. */
  #sent: RequestFields.Fields = []
  /** The cookies of the jar among them. */
  #cookie: string | undefined
  /** On which the present hop goes out. */
  #route: Route | undefined
  #redirect: { readonly head: ResponseHead; readonly chunks: Array<Uint8Array> } | undefined
  #trail: Redirect.Trail | undefined
  /** A redirect that is not followed: how the exchange ends when its body has passed by. */
  #left: FetchError.RedirectError | undefined

  constructor(shared: Shared, request: Request, receiver: Receiver) {
    this.#shared = shared
    this.#request = request
    this.#receiver = receiver
    const { url, from } = request
    this.#url = from === undefined ? url : from.url
    this.#bare = Url.withoutCredentials(this.#url)
    this.#origin = Url.origin(url)
    if (from !== undefined) this.#trail = new Redirect.Trail(from.asked)
    const { maxTimeMs } = request
    this.#deadline = maxTimeMs === undefined ? Infinity : performance.now() + maxTimeMs - (request.spentMs ?? 0)
  }

  open(): Transfer {
    const { clock, counts } = this.#shared
    counts.requests++
    counts.inFlight++
    clock.watch(this)
    if (this.#step()) this.#send()
    this.#opened = true
    return this
  }

  // the caller's side

  pause(): void {
    this.#paused = true
    if (this.#state !== body) return
    this.#since = Infinity
    this.#countedSince = Infinity
    this.#controller?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#state !== body) return
    this.#count(this.#shared.clock.tick)
    queueMicrotask(() => {
      if (!this.#paused && this.#state === body) this.#controller?.resume()
    })
  }

  abort(): void {
    if (this.#state === done) return
    this.#end()
    this.#controller?.abort(givenUp)
  }

  // the clock's side

  onTick(tick: number, now: number): void {
    const { clock, timeoutMs } = this.#shared
    if (now >= this.#deadline) {
      this.#stop(new FetchError.TimeoutError({ phase: "total", ms: Math.round(this.#request.maxTimeMs as number) }))
    } else if (this.#state === draining) {
      if (tick - this.#since > clock.ticks(drainMs)) this.#controller?.abort(givenUp)
    } else if (tick - this.#since > clock.ticks(timeoutMs)) {
      const phase = this.#state === body ? "body" : "headers"
      this.#stop(new FetchError.TimeoutError({ phase, ms: Math.round(timeoutMs) }))
    } else {
      const withinMs = Math.max(leastMs, timeoutMs)
      if (tick - this.#countedSince <= clock.ticks(withinMs)) return
      if (this.#received - this.#countedFrom >= leastBytes) this.#count(tick)
      else this.#stop(new FetchError.TimeoutError({ phase: "pace", ms: Math.round(withinMs) }))
    }
  }

  /** From now on bytes of the body must come, and enough of them. */
  #count(tick: number): void {
    this.#since = tick
    this.#countedSince = tick
    this.#countedFrom = this.#received
  }

  onStop(): void {
    this.#stop(new FetchError.ConnectError({ host: hostOf(this.#url), code: "ESHUTDOWN" }))
  }

  // the transport's side

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#state === done) throw givenUp
    if (this.connection?.multiplexed === true && "starting" in this.connection) this.connection.starting = this
    this.#controller = controller
    this.#state = head
    this.#since = this.#shared.clock.tick
    this.#tellOpening()
    this.#receiver.onSent?.()
  }

  onResponseStarted(): void {
    this.#started = true
  }

  onResponseHead(text: string): void {
    this.#text = text
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Headers,
    statusMessage?: string
  ): void {
    if (status < 200 || this.#state !== head) return
    if (this.connection !== undefined) this.connection.answered++
    // undici hands on a body in codings that it cannot take off, and that nobody asked for, as if it were the content
    const coding = value(headers, "transfer-encoding")
    if (coding !== undefined && !chunks.test(coding)) {
      return this.#stop(new FetchError.ProtocolError({ detail: "unknown transfer coding" }))
    }
    const { clock, cookies } = this.#shared
    cookies?.keep(this.#url, lines(headers, "set-cookie"))
    if (Redirect.isRedirect(status)) {
      const [location] = lines(headers, "location")
      if (location !== undefined && location !== "") {
        if (this.#receiver.onRedirect !== undefined)
          this.#redirect = { head: this.#answer(status, headers, statusMessage), chunks: [] }
        return this.#turn(location, headers)
      }
    }
    this.#state = body
    this.#headers = headers
    if (this.#paused) {
      this.#since = Infinity
      controller.pause()
    } else this.#count(clock.tick)
    this.#receiver.onHead(this.#answer(status, headers, statusMessage))
  }

  #answer(status: number, headers: Headers, reason: string | undefined): Answer {
    const address = this.#route?.proxied === true ? undefined : this.connection?.address
    return new Answer(status, this.#bare, headers, this.#text, reason, this.#sent, address)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    const { clock, counts } = this.#shared
    counts.bytesReceived += chunk.length
    this.#received += chunk.length
    if (this.#state === body) {
      if (!this.#paused) this.#since = clock.tick
      this.#receiver.onData(chunk)
    } else if (this.#state === draining) {
      this.#redirect?.chunks.push(Buffer.from(chunk))
      if (this.#received > drainBytes) this.#controller?.abort(givenUp)
    }
  }

  onResponseEnd(): void {
    if (this.#state === draining) this.#follow(!this.#isCut())
    if (this.#state !== body) return
    if (this.#isCut()) return this.#fail(new FetchError.TruncatedError({ received: this.#received }))
    this.#end()
    this.#receiver.onEnd()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#state === done) return
    if (this.#state === draining) return this.#follow(false)
    // the server closed the idle connection just as it was used again: nothing was answered, ask anew (RFC 9112 9.3.1)
    const isStale = this.#state === head && (this.connection?.answered ?? 0) > 0
    if ((isStale || error instanceof Fault.Unserved) && !this.#started && !this.#again) return this.#sendAgain()
    const refuse = this.#route?.refuse
    if (refuse !== undefined && Fault.isOtherHttp(error)) {
      refuse(Url.origin(this.#bare))
      return this.#requeue()
    }
    const { connectTimeoutMs } = this.#shared
    const standing = this.#headers && { received: this.#received, expected: expectedLength(this.#headers) }
    this.#fail(Fault.reasonOf(error, { host: hostOf(this.#url), connectTimeoutMs, body: standing }))
  }

  // within

  /**
   * Whether an end that undici calls whole is none. It takes the reset of a
   * connection for the end of a body that has no other (RFC 9112 8), and the
   * cancelling of a stream for the end of any (RFC 9113 8.1). A reset in one
   * packet with the last bytes is beyond us: older libuv reports an end.
   */
  #isCut(): boolean {
    if (this.stream !== undefined) return this.stream.rstCode !== 0
    return this.connection?.broken === true && this.#headers !== undefined && !isFramed(this.#headers)
  }

  #send(): void {
    const { routes, cookies, fields, foreignFields, headersFor, denyPrivate } = this.#shared
    const url = this.#url
    const bare = this.#bare
    // the first hop asks the target's own
    const origin = this.#trail === undefined ? this.#origin : Url.origin(bare)
    if (!isOrigin.test(origin)) return this.#fail(new FetchError.InvalidUrl({ detail: "is no absolute http(s) URL" }))
    const route = routes.to(origin)
    if (route.proxied && denyPrivate !== false) {
      const host = hostOf(url)
      const address = AddressGuard.known(host)
      if (address !== undefined && AddressGuard.judge(denyPrivate)?.([{ address }]) !== undefined)
        return this.#fail(new FetchError.AddressError({ host, address }))
    }
    const { headers: further, isForeign } = this.#request
    const own = origin === this.#origin && isForeign !== true && (headersFor === undefined || headersFor.has(origin))
    let headers = own ? fields : foreignFields
    if (further !== undefined) headers = RequestFields.override(headers, Object.entries(further).flat())
    const authorization = url === bare ? undefined : RequestFields.basic(new URL(url))
    if (authorization !== undefined) headers = RequestFields.override(headers, ["authorization", authorization])
    const cookie = (this.#cookie = cookies?.header(url))
    if (cookie !== undefined) headers = RequestFields.withCookie(headers, cookie)
    this.#sent = headers
    this.#route = route
    const path = bare.slice(origin.length)
    const dispatcher = this.#again ? route.single() : route.kept
    const proxy = route.absolute
    if (proxy === undefined) {
      dispatcher.dispatch({ origin, path, method: "GET", headers: headers as Array<string> }, this)
      return
    }
    const forThem = ["host", authorityOf(origin)]
    if (proxy.authorization !== undefined) forThem.push("proxy-authorization", proxy.authorization)
    // one name for the TLS with the proxy: undici would take that of each target, and reconnect
    const servername = proxy.hostname
    const options = { origin: proxy.origin, path: bare, method: "GET" as const, servername }
    dispatcher.dispatch({ ...options, headers: RequestFields.override(headers, forThem) as Array<string> }, this)
  }

  #requeue(): void {
    this.#state = queued
    this.#since = Infinity
    this.#started = false
    this.#received = 0
    this.#text = undefined
    this.#controller = undefined
    this.stream = undefined
    this.#receiver.onAgain?.()
    // undici is in the midst of ending the hop before
    queueMicrotask(() => {
      if (this.#state === queued) this.#send()
    })
  }

  #sendAgain(): void {
    this.#again = true
    this.#requeue()
  }

  /** A redirect: looks where it leads, and lets its body pass by. */
  #turn(location: string, headers: Headers): void {
    const next = Redirect.resolve(new URL(this.#url), location)
    if (!(next instanceof URL)) {
      this.#tellRedirect(false)
      return this.#stop(next)
    }
    if (this.#trail === undefined) {
      this.#trail = new Redirect.Trail()
      this.#trail.step(this.#bare, this.#cookie)
    }
    const { asked } = this.#trail
    const waitMs = retryAfterMs(value(headers, "retry-after"), Date.now(), value(headers, "date"))
    if (this.#request.follows?.(next, asked, waitMs) === false)
      this.#left = new FetchError.RedirectError({
        kind: "scope",
        location: Redirect.bare(next),
        count: asked.length
      })
    else {
      this.#url = next.href
      this.#bare = Url.withoutCredentials(next.href)
    }
    this.#state = draining
    this.#since = this.#shared.clock.tick
  }

  #follow(isWhole: boolean): void {
    this.#tellRedirect(isWhole)
    if (this.#left !== undefined) return this.#fail(this.#left)
    this.#shared.counts.redirects++
    this.#again = false
    if (this.#step()) this.#requeue()
  }

  /** Notes that the present hop is asked for, once however often it is sent; gives whether it may be. */
  #step(): boolean {
    const fault = this.#trail?.step(this.#bare, this.#shared.cookies?.header(this.#url))
    if (fault !== undefined) this.#fail(fault)
    return fault === undefined
  }

  #tellRedirect(isWhole: boolean): void {
    const told = this.#redirect
    if (told === undefined) return
    this.#redirect = undefined
    this.#receiver.onRedirect?.({ head: told.head, body: Buffer.concat(told.chunks), isWhole })
  }

  #tellOpening(): void {
    const { connection } = this
    if (connection?.opening === undefined) return
    this.#receiver.onOpening?.(connection.opening.marks)
    connection.opening = undefined
  }

  #end(): void {
    if (this.#state === queued) this.#tellOpening()
    this.#state = done
    this.connection = undefined
    // it may be long-lived for the collector by now, and should keep nothing that came since
    this.#headers = undefined
    this.#text = undefined
    this.#shared.counts.inFlight--
    this.#shared.clock.unwatch(this)
  }

  #fail(reason: FetchError.FetchReason): void {
    if (!this.#opened) {
      queueMicrotask(() => {
        if (this.#state !== done) this.#fail(reason)
      })
      return
    }
    this.#end()
    this.#receiver.onError(reason)
  }

  /** Fails, and gives the connection up. */
  #stop(reason: FetchError.FetchReason): void {
    this.#end()
    this.#controller?.abort(givenUp)
    this.#receiver.onError(reason)
  }
}

/** Codings that come to chunks, for each transport (RFC 9112 7.4). */
const chunks = /^(?:(?:identity|chunked)[\t ]*,[\t ]*)*chunked$/i

/** The body has an end of its own: a length, chunks, or none at all (RFC 9112 6.3). */
const isFramed = (headers: Headers) =>
  Object.hasOwn(headers, "content-length") || Object.hasOwn(headers, "transfer-encoding")

const expectedLength = (headers: Headers): number | undefined => {
  const length = Object.hasOwn(headers, "transfer-encoding") ? undefined : value(headers, "content-length")
  if (length === undefined) return undefined
  const bytes = Number(length)
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
