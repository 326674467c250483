/**
 * How connections come to be, and what must be known of one while it serves.
 *
 * An attempt is everything up to a usable socket: resolution, TCP, proxy, TLS. It
 * has one clock, and the addresses race inside it. undici's own connect timer is
 * off; its resolution is a second.
 */
import type { Serving } from "./lane/Flight.ts"
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2"
import type * as net from "node:net"
import type { SecureContext } from "node:tls"
import * as AddressGuard from "./AddressGuard.ts"
import { type AttemptSettings, ConnectAttempt, type Way } from "./ConnectAttempt.ts"
import { ConnectFailure, ProxyFailure, Unserved } from "./Fault.ts"
import { Opening } from "./Opening.ts"
import * as Parser from "./Parser.ts"
import type { Proxy } from "./Proxies.ts"
import type { Resting, Rests } from "./Resting.ts"
import type { Watched } from "./StallClock.ts"
import * as Tunnel from "./Tunnel.ts"
import {
  buildConnector,
  Client,
  contextOf,
  onErrorOf,
  pendingOf,
  queueOf,
  resumeOf,
  sessionOf,
  sizeOf
} from "./Undici.ts"
import type { Connector, Dispatcher, PoolTypes } from "./Undici.ts"

/** How long requests wait for a socket that is at its end, before they get another. */
const forsakenMs = 1_000

/** What all connections of a session share. */
export interface Settings extends AttemptSettings {
  /** Judge the addresses of hosts that are connected to directly. */
  readonly denyPrivate: AddressGuard.Denied
  readonly tls: {
    readonly rejectUnauthorized: boolean
    /**
     * Loads TLS with the first call, and gives one context for all: with authorities of its own another takes the CPU
     * of ten connections.
     */
    readonly context: () => SecureContext
  }
}

/** A connector that tells what it is at. */
export type Connect = (options: Connector.Options, callback: Connector.Callback, opening: Opening) => void

/** Makes undici connect, to one address. Its connectors return the socket at once, though their type does not say so. */
type Build = (options: Connector.Options) => net.Socket

/** `secure`: what is connected to over TLS. */
const builder = (settings: Settings, secure?: { readonly allowH2: boolean }): Build => {
  const { rejectUnauthorized, context } = settings.tls
  const overTls = secure && { ...secure, rejectUnauthorized, secureContext: context() }
  // `timeout: 0` switches undici's timer off
  const build = buildConnector({ ...overTls, timeout: 0 })
  return (to) => build(to, () => {}) as unknown as net.Socket
}

/** Connects over TLS to the host itself. */
export const direct = (settings: Settings): Connect => {
  const judge = AddressGuard.judge(settings.denyPrivate)
  const build = builder(settings, { allowH2: true })
  return (to, connected, opening) => {
    const open = (hostname: string) => build({ ...to, hostname })
    new ConnectAttempt(settings, opening, connected).race(to.hostname, { judge, ready: "secureConnect", open })
  }
}

const wayToProxy = (settings: Settings, proxy: Proxy): Way => {
  const isSecure = proxy.protocol === "https:"
  // the proxy is the user's choice, wherever it stands
  const build = builder(settings, isSecure ? { allowH2: false } : undefined)
  const to = { protocol: isSecure ? "https:" : "http:", host: proxy.hostname, port: `${proxy.port}` }
  return {
    open: (hostname) => build({ ...to, hostname }),
    ready: isSecure ? "secureConnect" : "connect",
    blame: (error) => new ProxyFailure(proxy.origin, error)
  }
}

/** Connects to the proxy, for requests in absolute form (RFC 9112 3.2.2). */
export const toProxy = (settings: Settings, proxy: Proxy): Connect => {
  const way = wayToProxy(settings, proxy)
  return (_to, connected, opening) => void new ConnectAttempt(settings, opening, connected).race(proxy.hostname, way)
}

/** Connects to the host by a tunnel through the proxy. */
export const throughProxy = (settings: Settings, proxy: Proxy): Connect => {
  const way = wayToProxy(settings, proxy)
  let build: Build | undefined
  return (to, connected, opening) => {
    const attempt = new ConnectAttempt(settings, opening, connected)
    attempt.race(proxy.hostname, way, (socket) => {
      // what follows is the way through the proxy, a part of connecting
      opening.turn("connect")
      const port = to.port === "" ? (to.protocol === "https:" ? 443 : 80) : Number(to.port)
      Tunnel.open(socket, proxy, to.hostname, port).then(() => {
        if (to.protocol !== "https:") return attempt.succeed(socket)
        build ??= builder(settings, { allowH2: true })
        attempt.secure(build({ ...to, httpSocket: socket }))
      }, attempt.fail)
    })
  }
}

/** A handler of undici that hears which connection it runs on. */
export interface Served extends Dispatcher.DispatchHandler {
  connection: Connection | Serving | undefined
  /** Its stream, where the connection is HTTP/2. */
  stream: ClientHttp2Stream | undefined
}

/** One connection of a pool; it makes a new socket when it needs one. Tells each exchange that it serves it. */
export class Connection extends Client implements Rests, Watched {
  /** How the present socket came to be, until somebody has taken that. */
  opening: Opening | undefined
  /** Responses that the present socket has brought. */
  answered = 0
  /** The present socket broke, instead of being closed. */
  broken = false
  /** The present socket speaks HTTP/2. */
  multiplexed = false
  /** Whose stream is opened next. */
  starting: Served | undefined
  /** A socket is being made. */
  connecting = false
  slot = -1
  #until = 0
  #socket: net.Socket | undefined
  /** What waits while the present socket breaks goes to the next: something went out on this one, or has failed with it. */
  #passes = false
  readonly #origin: URL
  readonly #settings: Settings

  /** `resting`: where it is while its socket is open and serves nothing. */
  constructor(origin: URL, options: ConstructorParameters<typeof Client>[1], settings: Settings, resting: Resting) {
    super(origin, options)
    this.#origin = origin
    this.#settings = settings
    const own = this as unknown as Record<symbol, unknown>
    // undici would fail what waits, though it was not sent, and throw where that gives way to another: it gets the next
    // socket, unless it would wait at that as well
    own[onErrorOf] = (error: Error) => {
      if (!this.multiplexed || this.#passes) return
      this.#passes = true
      this.#failWaiting(error)
    }
    const resume = own[resumeOf] as (isSync?: boolean) => void
    own[resumeOf] = (isSync?: boolean) => {
      this.#drop()
      resume(isSync)
      const isIdle = own[sizeOf] === 0
      if (isIdle && this.#socket?.destroyed === false) resting.add(this)
      else resting.delete(this)
      const waits = (own[queueOf] as Array<unknown>).length > (own[pendingOf] as number)
      this.#watch(waits && !this.connecting && own[contextOf] === null && !this.destroyed)
    }
  }

  /**
   * Requests wait, and neither is there a socket nor is one being made: undici waits for the end of what a socket with a
   * GOAWAY (RFC 9113 6.8) still serves. Where answers ended with it, it counts on them for ever.
   */
  #watch(isForsaken: boolean): void {
    const { clock } = this.#settings
    if (!isForsaken) clock.unwatch(this)
    else if (this.slot === -1) {
      this.#until = clock.tick + clock.ticks(forsakenMs)
      clock.watch(this)
    }
  }

  /** Sends what waits to other connections, and leaves the pool. */
  onTick(tick: number): void {
    if (tick <= this.#until) return
    this.onStop()
    const error = new Unserved()
    void this.destroy(error)
    this.emit("connectionError", this.#origin, [this], error)
  }

  onStop(): void {
    this.#settings.clock.unwatch(this)
  }

  /**
   * Sends on what has come back to a client that is at its end, from a socket with a GOAWAY: undici takes it for a bug
   * in itself, and throws.
   */
  #drop(): void {
    if (!this.destroyed) return
    this.#failWaiting(new Unserved())
    const own = this as unknown as Record<symbol, unknown>
    // the end of one such socket cuts the queue, and at that of a second undici counts what is cut
    own[pendingOf] = (own[queueOf] as Array<unknown>).length
  }

  #failWaiting(error: Error): void {
    const own = this as unknown as Record<symbol, unknown>
    const queue = own[queueOf] as Array<{ onResponseError: (error: Error) => void } | null>
    for (const request of queue.splice(own[pendingOf] as number)) request?.onResponseError(error)
  }

  /** The IP address at the other end of the present socket: the proxy's, where there is one. */
  get address(): string | undefined {
    return this.#socket?.remoteAddress
  }

  leave(): void {
    this.#socket?.destroy()
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    ;(handler as Served).connection = this
    return super.dispatch(options, handler)
  }

  adopt(socket: net.Socket) {
    this.#socket = socket
    this.answered = 0
    this.#passes = false
    this.broken = false
    // first in the row of listeners: undici ends a body without a length as whole on a reset
    socket.prependListener("error", () => {
      if (this.#socket === socket) this.broken = true
      // TLS 1.3 tells a refusal of the client after the handshake, and ends: undici would tell of the end alone
      socket.destroy()
    })
  }

  ready() {
    if (this.#socket !== undefined) Parser.mend(this.#socket)
    const session = (this as unknown as Record<symbol, ClientHttp2Session | undefined | null>)[sessionOf]
    this.multiplexed = session !== undefined && session !== null
    if (!session) return
    session.prependListener("close", () => this.#drop())
    // undici announces a request and opens its stream in one go
    const request = session.request.bind(session)
    session.request = (...options) => {
      // undici asks on another connection where this is thrown; Node gives a stream that fails
      if (session.destroyed) throw new ConnectFailure("ERR_HTTP2_INVALID_SESSION")
      const stream = request(...options)
      this.#passes = true
      if (this.starting !== undefined) this.starting.stream = stream
      this.starting = undefined
      return stream
    }
  }
}

/** Makes the connections of a pool. */
export const factory =
  (connect: Connect, settings: Settings, resting: Resting): NonNullable<PoolTypes.Options["factory"]> =>
  (origin, options) => {
    const connection: Connection = new Connection(
      origin,
      {
        ...options,
        connect: (target, callback) => {
          const opening = (connection.opening = new Opening(target.hostname))
          connection.connecting = true
          const done: Connector.Callback = (...outcome) => {
            connection.connecting = false
            // on failure there is no second argument, whatever its type says
            if (outcome[0] === null) connection.adopt(outcome[1])
            callback(...outcome)
          }
          connect(target, done, opening)
        }
      },
      settings,
      resting
    )
    connection.on("connect", () => connection.ready())
    return connection
  }
