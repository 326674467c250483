/**
 * One request in the lane, and the handle by which its handler steers it: waiting
 * for a connection, in the air on one, or landed.
 *
 * The handler hears what undici would tell it, in undici's order: `onRequestStart`
 * when the request gets its connection, and `onResponseEnd` or `onResponseError`
 * once, as the last. `abort` is answered by `onResponseError` before it returns.
 */
import type { Opening } from "../Opening.ts"
import type { Dispatcher } from "../Undici.ts"

/** What a handler may know of the connection that serves it. */
export interface Serving {
  /** How it came to be, until somebody has taken that. */
  opening: Opening | undefined
  /** Responses that the connection has brought; the handler counts them. */
  answered: number
  /** An end of the connection that was told as the end of a body was no proper one. */
  readonly broken: boolean
  /** Requests run on it side by side. */
  readonly multiplexed: boolean
  /** The IP address at the other end. */
  readonly address: string | undefined
}

/** What a flight needs of the connection that bears it. */
interface Bearing {
  readonly pause: () => void
  readonly resume: () => void
  readonly abort: (reason: Error) => void
}

export interface Handler extends Dispatcher.DispatchHandler {
  /** Set by the lane before `onRequestStart`, or before the error of the connection that was made for it. */
  connection?: Serving | undefined
  /** Told just before `onResponseStart`: the head as it came, each octet a character. */
  onResponseHead?(written: string): void
}

export class Flight implements Dispatcher.DispatchController {
  /** All that goes out. */
  readonly request: string
  readonly handler: Handler
  /** The next in the row of waiting ones. */
  next: Flight | undefined
  /** Set while in the air. */
  connection: Bearing | undefined
  aborted = false
  paused = false
  reason: Error | null = null

  constructor(request: string, handler: Handler) {
    this.request = request
    this.handler = handler
  }

  /** Nothing more is heard, the end included, until `resume`; the connection is read no further. */
  pause(): void {
    if (this.paused) return
    this.paused = true
    this.connection?.pause()
  }

  resume(): void {
    if (!this.paused) return
    this.paused = false
    this.connection?.resume()
  }

  abort(reason: Error): void {
    if (this.connection === undefined) return
    this.aborted = true
    this.reason = reason
    this.connection.abort(reason)
  }
}
