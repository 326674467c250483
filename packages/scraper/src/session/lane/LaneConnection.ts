/**
 * One socket of the lane, and the request it serves.
 *
 * 1. All sockets read into one buffer. Its bytes are parsed and handed on before
 *    the read returns, and none beyond the read is looked at. What a pause leaves
 *    of them, and it alone, is copied, for the buffer is about to be read into.
 * 2. A connection is used again only when its response ended with the last byte
 *    read. A byte that comes while it serves nothing ends it, so that it is never
 *    taken for an answer to the next request (RFC 9112 9.2).
 * 3. Every call of a handler is the last thing done, or is followed by a look at
 *    what it did: it may abort, pause, send another request or end the lane.
 */
import type * as net from "node:net"
import { Opening } from "../Opening.ts"
import type { Rests } from "../Resting.ts"
import type { Dial } from "./Dial.ts"
import type { Flight, Serving } from "./Flight.ts"
import * as LaneFault from "./LaneFault.ts"
import { ResponseParser } from "./ResponseParser.ts"
import type { Headers, Message } from "./ResponseParser.ts"

/** Whom a connection tells how it stands. */
export interface Owner {
  /** Responses may follow one another on a connection. */
  readonly keeps: boolean
  /** It can take a request: it is new, or its response is complete. */
  readonly onFree: (connection: LaneConnection) => void
  /** The handler of an answer has returned, and may have asked for more. */
  readonly onAnswered: () => void
  /** It is gone. `cause` where it went before it was given any request. */
  readonly onGone: (connection: LaneConnection, cause: Error | undefined) => void
}

/**
 * A file that is written in larger pieces costs less: with 256 KiB a third more CPU. A connection that waits keeps at
 * most one.
 */
const readBytes = 524_288
/** One for all: a read is over before the next begins. */
let shared: Buffer | undefined

export class LaneConnection implements Message, Rests, Serving {
  answered = 0
  opening: Opening | undefined
  /** Never: a body cut by a broken connection is told as an error. */
  readonly broken = false
  readonly multiplexed = false
  isGone = false
  readonly #owner: Owner
  /** Set once it is connected. */
  #socket: net.Socket | undefined
  #attempt: ReturnType<Dial["connect"]> | undefined
  readonly #bytes: Buffer
  readonly #parser = new ResponseParser(this)
  #flight: Flight | undefined
  #address: string | undefined
  /** It was given a request once. */
  #used = false
  /** The present request is written. */
  #sent = false
  /** A first byte of the present response has come. */
  #started = false
  /** Read, but paused before. */
  #rest: Buffer | undefined
  /** The server ended the connection while that was waiting. */
  #ended = false
  #error: Error | undefined

  constructor(owner: Owner, dial: Dial, hostname: string, port: number) {
    this.#owner = owner
    const bytes = (shared ??= Buffer.allocUnsafeSlow(readBytes))
    this.#bytes = bytes
    const callback = (length: number) => {
      this.#read(length)
      return true
    }
    this.opening = new Opening(hostname)
    const onread = { buffer: bytes, callback }
    this.#attempt = dial.connect(hostname, port, onread, this.opening, (error, socket) => {
      this.#attempt = undefined
      if (error !== null) return this.fail(error)
      this.#socket = socket
        .on("error", (error) => (this.#error = error))
        .once("end", () => this.#end())
        .once("close", () => {
          if (!this.#ended) this.fail(this.#error ?? LaneFault.closed())
        })
      owner.onFree(this)
    })
  }

  /** How long the server said it keeps the connection while idle, in milliseconds. */
  get idleMs(): number | undefined {
    return this.#parser.idleMs
  }

  /** The request is out: an answer may come before. */
  get isOut(): boolean {
    return this.#socket?.writableLength === 0
  }

  /** It stays the same, and Node goes through four functions to tell it. */
  get address(): string | undefined {
    return (this.#address ??= this.#socket?.remoteAddress)
  }

  /** Whether the process stays alive for it. */
  hold(alive: boolean): void {
    if (alive) this.#socket?.ref()
    else this.#socket?.unref()
  }

  /** Serves `flight`, unless its handler declines by throwing or aborting: then it is over for the flight, and `false`. */
  serve(flight: Flight): boolean {
    this.#flight = flight
    this.#used = true
    this.#sent = false
    this.#started = false
    flight.connection = this
    flight.handler.connection = this
    try {
      flight.handler.onRequestStart?.(flight, null)
    } catch (error) {
      if (this.#flight === flight) this.abort(error as Error)
    }
    if (this.#flight !== flight) return false
    this.#sent = true
    this.#parser.restart()
    this.#socket?.write(flight.request, "latin1")
    return true
  }

  pause(): void {
    this.#parser.paused = true
    this.#socket?.pause()
  }

  resume(): void {
    const flight = this.#flight
    const rest = this.#rest
    this.#parser.paused = false
    if (flight !== undefined && rest !== undefined) {
      this.#rest = undefined
      this.#parse(flight, rest, rest.length)
      if (this.#flight === flight && flight.paused) return
    }
    // even where the response is over now: an idle connection must be heard
    if (this.#ended) this.#end()
    else this.#socket?.resume()
  }

  /** Gives the present flight up, and the connection with it once the request is out. */
  abort(reason: Error): void {
    if (this.#sent) return this.fail(reason)
    const flight = this.#land()
    if (flight?.paused === true) this.resume()
    flight?.handler.onResponseError?.(flight, reason)
  }

  leave(): void {
    this.fail(LaneFault.closed())
  }

  /** Ends the connection; the present flight hears why. */
  fail(error: Error): void {
    const flight = this.#land()
    if (!this.isGone) {
      this.isGone = true
      this.#parser.stop()
      this.#rest = undefined
      this.#attempt?.destroy()
      this.#socket?.destroy()
      this.#owner.onGone(this, this.#used ? undefined : error)
    }
    flight?.handler.onResponseError?.(flight, error)
  }

  // the parser's side

  onHead(status: number, headers: Headers, written: string): void {
    const flight = this.#flight
    if (flight === undefined) return
    flight.handler.onResponseHead?.(written)
    flight.handler.onResponseStart?.(flight, status, headers)
  }

  onBody(chunk: Buffer): void {
    const flight = this.#flight
    flight?.handler.onResponseData?.(flight, chunk)
  }

  // within

  #read(length: number): void {
    const flight = this.#flight
    if (flight === undefined) return this.fail(LaneFault.unasked())
    this.#parse(flight, this.#bytes, length)
  }

  /** Hands on what `bytes` hold up to `length`, to a pause at most. */
  #parse(flight: Flight, bytes: Buffer, length: number): void {
    try {
      if (!this.#started) {
        this.#started = true
        flight.handler.onResponseStarted?.()
      }
      const at = this.#parser.feed(bytes, length)
      if (this.#flight !== flight) return
      if (flight.paused) this.#keep(bytes.subarray(at, length))
      else if (this.#parser.isComplete) this.#complete(flight, at === length)
    } catch (error) {
      this.fail(error as Error)
    }
  }

  /** Puts aside what has been read, but may not be looked at: TLS hands on record by record what it has, after a pause too. */
  #keep(bytes: Buffer): void {
    this.#rest = this.#rest === undefined ? Buffer.from(bytes) : Buffer.concat([this.#rest, bytes])
  }

  #end(): void {
    const flight = this.#flight
    this.#ended = flight?.paused === true
    if (this.#ended) return
    if (flight !== undefined && this.#parser.finish()) this.#complete(flight, false)
    // TLS 1.3 tells a refusal of the client after the handshake, and ends
    else this.fail(this.#error ?? LaneFault.closed())
  }

  #complete(flight: Flight, isClean: boolean): void {
    this.#land()
    if (isClean && !this.#ended && this.#parser.reusable && this.#owner.keeps) {
      this.#owner.onFree(this)
    } else this.fail(LaneFault.closed())
    try {
      flight.handler.onResponseEnd?.(flight, {})
    } catch (error) {
      flight.handler.onResponseError?.(flight, error as Error)
    }
    this.#owner.onAnswered()
  }

  /** Parts with the present flight: nothing reaches the connection through it from here on. */
  #land(): Flight | undefined {
    const flight = this.#flight
    this.#flight = undefined
    if (flight !== undefined) flight.connection = undefined
    return flight
  }
}
