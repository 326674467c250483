/**
 * An attempt to connect to a host, which one clock bounds: its addresses race.
 *
 * The next address is tried once the one before has failed or been silent for a while, and the first that is connected
 * wins (RFC 8305 5). A silent one goes on beside the next, or a host over a slow line could never be had.
 *
 * 1. Addresses are judged when they are about to be connected to.
 * 2. It calls back once, and not before it has begun; never, where it is destroyed or the session ends.
 * 3. None of its sockets is left then, but the one that it gives.
 */
import type { LookupAddress } from "node:dns"
import type { Socket } from "node:net"
import type { Judge } from "./AddressGuard.ts"
import type { DnsCache } from "./DnsCache.ts"
import { ConnectTimeout } from "./Fault.ts"
import type { Opening } from "./Opening.ts"
import type { StallClock, Watched } from "./StallClock.ts"

/** What all attempts of a session share. */
export interface AttemptSettings {
  readonly clock: StallClock
  readonly dns: DnsCache
  readonly connectTimeoutMs: number
}

/** How a host is connected to. */
export interface Way {
  /** Begins to connect to one of its addresses. */
  readonly open: (address: string) => Socket
  /** The socket's event from which on it can be written to. */
  readonly ready: "connect" | "secureConnect"
  readonly judge?: Judge | undefined
  /** What an error on this way is told as. */
  readonly blame?: (error: Error) => Error
}

export type Connected = (...outcome: [error: null, socket: Socket] | [error: Error, socket: null]) => void

/** How long an address may be silent before the next one is tried, too (RFC 8305 8). */
const headStartMs = 250
/** Addresses that are tried at one time, for a name may have hundreds: of more the one silent for longest is given up. */
const mostAtOnce = 4

export class ConnectAttempt implements Watched {
  slot = -1
  readonly #settings: AttemptSettings
  readonly #opening: Opening
  readonly #connected: Connected
  readonly #until: number
  readonly #sockets = new Set<Socket>()
  #blame: Way["blame"]
  /** Tries the next address, which is due after this tick. */
  #next = () => {}
  #nextAt = Infinity

  constructor(settings: AttemptSettings, opening: Opening, connected: Connected) {
    const { clock, connectTimeoutMs } = settings
    this.#settings = settings
    this.#opening = opening
    this.#connected = connected
    this.#until = clock.tick + clock.ticks(connectTimeoutMs)
    clock.watch(this)
  }

  /** Connects to `host`. That is the whole attempt, unless `then` goes on with it. */
  race(host: string, way: Way, then = this.succeed): this {
    this.#blame = way.blame
    this.#settings.dns.addresses(host, (error, addresses) => {
      if (this.slot === -1) return
      const fault = error ?? way.judge?.(addresses)
      if (fault !== undefined) return this.fail(fault)
      this.#opening.turn("connect")
      this.#race(host, addresses, way, then)
    })
    return this
  }

  #race(host: string, addresses: ReadonlyArray<LookupAddress>, way: Way, then: (socket: Socket) => void): void {
    const { clock, dns } = this.#settings
    const sockets = this.#sockets
    const errors: Array<Error> = []
    let tried = 0
    this.#next = () => {
      const { address } = addresses[tried++]!
      this.#nextAt = tried === addresses.length ? Infinity : clock.tick + clock.ticks(headStartMs)
      const [longest] = sockets
      if (sockets.size === mostAtOnce) this.#drop(longest!)
      const socket = way.open(address)
      sockets.add(socket)
      const onError = (error: Error) => {
        if (!sockets.delete(socket)) return
        errors.push(error)
        if (tried < addresses.length) this.#next()
        else if (sockets.size === 0) this.fail(errors.length === 1 ? error : new AggregateError(errors))
      }
      socket.once("error", onError).once("connect", () => {
        socket.off("error", onError)
        this.#nextAt = Infinity
        for (const other of sockets) if (other !== socket) this.#drop(other)
        const won = (usable: Socket) => {
          dns.prefer(host, address)
          this.#blame = undefined
          then(usable)
        }
        if (way.ready === "connect") won(socket)
        else this.secure(socket, won)
      })
    }
    this.#next()
  }

  /** Agrees on TLS, over a connection that stands. */
  secure(socket: Socket, then = this.succeed): void {
    this.#sockets.add(socket)
    this.#opening.turn("tls")
    socket.once("secureConnect", () => then(socket)).once("error", this.fail)
  }

  onTick(tick: number): void {
    if (tick > this.#until) this.fail(new ConnectTimeout(`no connection within ${this.#settings.connectTimeoutMs} ms`))
    else if (tick > this.#nextAt) this.#next()
  }

  onStop(): void {
    this.destroy()
  }

  readonly succeed = (socket: Socket): void => {
    if (this.slot === -1) return
    this.#settings.clock.unwatch(this)
    this.#sockets.clear()
    this.#opening.turn("open")
    this.#connected(null, socket)
  }

  readonly fail = (error: Error): void => {
    if (this.slot === -1) return
    this.destroy()
    this.#connected(this.#blame?.(error) ?? error, null)
  }

  destroy(): void {
    this.#settings.clock.unwatch(this)
    for (const socket of this.#sockets) this.#drop(socket)
  }

  #drop(socket: Socket): void {
    this.#sockets.delete(socket)
    socket.destroy()
  }
}
