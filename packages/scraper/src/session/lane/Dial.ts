/**
 * Connects sockets that read into a buffer of the caller's.
 *
 * The socket is returned at once and is the whole result: what goes wrong with
 * the attempt, a denied address and a passed time bound too, is its `error`.
 */
import * as net from "node:net"
import * as AddressGuard from "../AddressGuard.ts"
import type { Settings } from "../Connection.ts"
import { ConnectTimeout } from "../Fault.ts"
import type { StallClock, Watched } from "../StallClock.ts"

/** `hostname` has no brackets. */
export type Dial = (hostname: string, port: number, onread: net.OnReadOpts) => net.Socket

/** Milliseconds of silence after which the kernel asks whether the other side still lives. */
const probeAfterMs = 60_000

class Attempt implements Watched {
  slot = -1
  readonly #clock: StallClock
  readonly #socket: net.Socket
  readonly #timeoutMs: number
  readonly #until: number

  constructor(clock: StallClock, socket: net.Socket, timeoutMs: number) {
    this.#clock = clock
    this.#socket = socket
    this.#timeoutMs = timeoutMs
    this.#until = clock.tick + clock.ticks(timeoutMs)
    const end = () => clock.unwatch(this)
    socket.once("connect", end).once("close", end)
    clock.watch(this)
  }

  onTick(tick: number): void {
    if (tick <= this.#until) return
    this.#clock.unwatch(this)
    this.#socket.destroy(new ConnectTimeout(`no connection within ${this.#timeoutMs} ms`))
  }

  onStop(): void {
    this.#clock.unwatch(this)
    this.#socket.destroy()
  }
}

/** Connects to the host itself, if the guard lets it. */
export const direct = ({ clock, dns, connectTimeoutMs, denyPrivate }: Settings): Dial => {
  const judge = AddressGuard.judge(denyPrivate)
  const lookup = dns.lookup(judge)
  return (host, port, onread) => {
    const denied = net.isIP(host) !== 0 ? judge?.([{ address: host }]) : undefined
    if (denied !== undefined) return new net.Socket().destroy(denied)
    const socket = net.connect({
      host,
      port,
      lookup,
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: probeAfterMs,
      onread
    })
    void new Attempt(clock, socket, connectTimeoutMs)
    return socket
  }
}
