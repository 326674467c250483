/**
 * The connections to one origin, and the requests that wait for one.
 *
 * Requests go out in the order they came in, and in the check phase of the event
 * loop: whatever lay ready on an idle connection (an end, a stray byte) has been
 * read by then. Connections that an answer has just left have nothing unread, and
 * where many are read in one turn they take requests before it is over.
 */
import type { Dial } from "./Dial.ts"
import { Flight } from "./Flight.ts"
import type { Handler } from "./Flight.ts"
import { LaneConnection } from "./LaneConnection.ts"
import type { Owner } from "./LaneConnection.ts"
import * as LaneFault from "./LaneFault.ts"
import * as Url from "../../Url.ts"
import * as RequestText from "./RequestText.ts"
import type { Fields } from "../RequestFields.ts"
import type { Resting } from "../Resting.ts"

/** What the pools of a lane share. */
export interface Settings {
  /** How an origin is connected to, by its scheme. */
  readonly dials: Readonly<Record<"http:" | "https:", Dial>>
  /** Connections to an origin at one time. */
  readonly connections: number
  /** Connections are used for further requests. */
  readonly keeps: boolean
  /** Those of all pools, and of others, that rest. */
  readonly resting: Resting
}

/** Milliseconds a connection may be idle where the server does not tell, and at most. */
const idleMs = 4_000
const maxIdleMs = 60_000
/** Taken off the server's word: its clock started earlier, and its end is on the way for a while. */
const marginMs = 2_000
/**
 * Connections that wait for the end of a turn. It reads hundreds of answers that come at once, and with each the next answer
 * would be put off until all are saved; one by one takes 6 % more processor time than together.
 */
const freeAtOnce = 16

interface Rest {
  readonly connection: LaneConnection
  /** By `performance.now`. */
  readonly until: number
}

export class OriginPool implements Owner {
  /** It is to be pumped in this turn of the loop. */
  isDue = false
  readonly keeps: boolean
  /** As asked for, not as `URL` writes it. */
  readonly origin: string
  readonly #settings: Settings
  readonly #dial: Dial
  readonly #hostname: string
  readonly #port: number
  readonly #host: string
  readonly #due: (pool: OriginPool) => void
  readonly #all = new Set<LaneConnection>()
  readonly #opening = new Set<LaneConnection>()
  /** Free since the last turn. */
  #free: Array<LaneConnection> = []
  /** Free for longer; the last was used last. */
  #resting: Array<Rest> = []
  #first: Flight | undefined
  #last: Flight | undefined
  #waiting = 0
  /** The fields that were sent last, and what they came to. */
  #fields: Fields | undefined
  #tail = ""

  /** `due`: asks for a `pump` in the check phase. */
  constructor(settings: Settings, origin: string, url: URL, due: (pool: OriginPool) => void) {
    this.origin = origin
    this.#settings = settings
    this.keeps = settings.keeps
    this.#hostname = Url.unbracketed(url.hostname)
    const isSecure = url.protocol === "https:"
    this.#dial = settings.dials[isSecure ? "https:" : "http:"]
    this.#port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port)
    this.#host = url.host
    this.#due = due
  }

  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#waiting === 0
  }

  get hasResting(): boolean {
    return this.#resting.length > 0
  }

  /** Puts a request at the end of the row. Throws `LaneFault` on one that cannot be written. */
  add(path: string, fields: Fields, handler: Handler): void {
    if (fields !== this.#fields) {
      this.#tail = RequestText.tail(this.#host, fields, this.keeps ? "keep-alive" : "close")
      this.#fields = fields
    }
    const flight = new Flight(RequestText.get(path, this.#tail), handler)
    if (this.#last === undefined) this.#first = flight
    else this.#last.next = flight
    this.#last = flight
    this.#waiting++
    this.#due(this)
  }

  /** Sends what can be sent. `now` by `performance.now`. */
  pump(now: number): void {
    this.#send(now)
    const { connections } = this.#settings
    while (this.#opening.size < this.#waiting && this.#all.size < connections) {
      const connection = new LaneConnection(this, this.#dial, this.#hostname, this.#port)
      this.#all.add(connection)
      this.#opening.add(connection)
    }
    for (const connection of this.#free) {
      const said = connection.idleMs
      const until = now + (said === undefined ? idleMs : Math.min(said - marginMs, maxIdleMs))
      connection.hold(false)
      this.#resting.push({ connection, until })
      this.#settings.resting.add(connection)
    }
    this.#free.length = 0
  }

  /** Closes what has been idle for too long. */
  sweep(now: number): void {
    for (const { connection, until } of this.#resting) if (until <= now) connection.leave()
  }

  onFree(connection: LaneConnection): void {
    this.#opening.delete(connection)
    this.#free.push(connection)
    this.#due(this)
  }

  onAnswered(): void {
    // over TLS a request is known to be out at the end of a turn
    if (this.#dial.ready === "connect" && this.#free.length >= freeAtOnce) this.#send(undefined)
  }

  onGone(connection: LaneConnection, cause: Error | undefined): void {
    this.#all.delete(connection)
    this.#opening.delete(connection)
    this.#settings.resting.delete(connection)
    const isOther = (other: LaneConnection) => other !== connection
    this.#free = this.#free.filter(isOther)
    this.#resting = this.#resting.filter((rest) => isOther(rest.connection))
    this.#due(this)
    // an attempt is made for a request: one that fails fails one, or a dead host would be tried for ever
    const flight = cause === undefined ? undefined : this.#take()
    if (cause === undefined || flight === undefined) return
    flight.handler.connection = connection
    flight.handler.onResponseError?.(flight, cause)
  }

  /** Ends every request and connection. */
  destroy(): void {
    const error = LaneFault.destroyed()
    for (let flight = this.#take(); flight !== undefined; flight = this.#take()) {
      flight.handler.onResponseError?.(flight, error)
    }
    for (const connection of this.#all) connection.fail(error)
  }

  /** Sends on what is free since the last turn and, from `now` on, on what has rested. */
  #send(now: number | undefined): void {
    while (this.#waiting > 0) {
      const connection = this.#free.pop() ?? (now === undefined ? undefined : this.#wake(now))
      if (connection === undefined) break
      if (!connection.isOut) connection.leave()
      while (!connection.isGone) {
        const flight = this.#take()
        if (flight === undefined) {
          this.#free.push(connection)
          break
        }
        if (connection.serve(flight)) break
      }
    }
  }

  /** The connection that has rested for the shortest time. */
  #wake(now: number): LaneConnection | undefined {
    for (let rest = this.#resting.pop(); rest !== undefined; rest = this.#resting.pop()) {
      const { connection, until } = rest
      if (until > now) {
        this.#settings.resting.delete(connection)
        connection.hold(true)
        return connection
      }
      connection.leave()
    }
    return undefined
  }

  #take(): Flight | undefined {
    const flight = this.#first
    if (flight === undefined) return undefined
    this.#first = flight.next
    if (flight.next === undefined) this.#last = undefined
    flight.next = undefined
    this.#waiting--
    return flight
  }
}
