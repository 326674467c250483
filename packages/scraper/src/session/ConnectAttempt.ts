/** An attempt to connect, which the clock ends where it takes too long, with its socket. */
import type { Socket } from "node:net"
import { ConnectTimeout } from "./Fault.ts"
import type { StallClock, Watched } from "./StallClock.ts"

export class ConnectAttempt implements Watched {
  slot = -1
  /** The one that is made now. */
  socket: Socket | undefined
  readonly #clock: StallClock
  readonly #timeoutMs: number
  readonly #until: number

  constructor({ clock, connectTimeoutMs }: { readonly clock: StallClock; readonly connectTimeoutMs: number }) {
    this.#clock = clock
    this.#timeoutMs = connectTimeoutMs
    this.#until = clock.tick + clock.ticks(connectTimeoutMs)
    clock.watch(this)
  }

  onTick(tick: number): void {
    if (tick <= this.#until) return
    this.end()
    this.socket?.destroy(new ConnectTimeout(`no connection within ${this.#timeoutMs} ms`))
  }

  onStop(): void {
    this.end()
    this.socket?.destroy()
  }

  end(): void {
    this.#clock.unwatch(this)
  }
}

/**
 * How long one of several addresses of a host may take to answer. Node tries one after the other, and gives up each but the
 * last when its time is over, by default after half a second: over a slow line, or while the loop is busy, a host of two
 * addresses, one of which leads nowhere, could never be had.
 */
export const attemptTimeoutMs = (connectTimeoutMs: number): number =>
  Math.min(60_000, Math.max(500, Math.ceil(connectTimeoutMs / 5)))
