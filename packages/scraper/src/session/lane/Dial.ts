/** Connects sockets that read into a buffer of the caller's. */
import * as net from "node:net"
import * as AddressGuard from "../AddressGuard.ts"
import { type Connected, ConnectAttempt, type Way } from "../ConnectAttempt.ts"
import type { Settings } from "../Connection.ts"
import type { Opening } from "../Opening.ts"

export interface Dial extends Pick<Way, "ready"> {
  /** `hostname` has no brackets. */
  readonly connect: (
    hostname: string,
    port: number,
    onread: net.OnReadOpts,
    opening: Opening,
    connected: Connected
  ) => Pick<ConnectAttempt, "destroy">
}

/** Milliseconds of silence after which the kernel asks whether the other side still lives. */
const probeAfterMs = 60_000

/** What is connected to: an address and a port. */
interface To {
  readonly host: string
  readonly port: number
  readonly onread: net.OnReadOpts
}

/** Connects to the host itself, if the guard lets it, by sockets that `open` makes. */
const direct = (settings: Settings, ready: Dial["ready"], open: (to: To, hostname: string) => net.Socket): Dial => {
  const judge = AddressGuard.judge(settings.denyPrivate)
  return {
    ready,
    connect: (hostname, port, onread, opening, connected) =>
      new ConnectAttempt(settings, opening, connected).race(hostname, {
        judge,
        ready,
        open: (host) => open({ host, port, onread }, hostname).setNoDelay(true).setKeepAlive(true, probeAfterMs)
      })
  }
}

export const plain = (settings: Settings): Dial => direct(settings, "connect", (to) => net.connect(to))

/** Sessions of TLS that are kept, the last of each host and port. */
const mostSessions = 1_000

/** Over TLS, for HTTP/1.1. Hosts are verified as `settings.tls` says, and sessions resumed. */
export const secure = (settings: Settings): Dial => {
  const { rejectUnauthorized, context } = settings.tls
  const sessions = new Map<string, Buffer>()
  return direct(settings, "secureConnect", (to, hostname) => {
    const name = `${hostname}:${to.port}`
    const session = sessions.get(name)
    // a run without TLS need not load it
    return process
      .getBuiltinModule("node:tls")
      .connect({
        ...to,
        secureContext: context(),
        rejectUnauthorized,
        ALPNProtocols: ["http/1.1"],
        // an address is no name (RFC 6066 3), nor is the dot of the root a part of one
        ...(net.isIP(hostname) === 0 ? { servername: hostname.replace(/\.$/, "") } : {}),
        ...(session === undefined ? {} : { session })
      })
      .on("session", (session: Buffer) => {
        sessions.delete(name)
        sessions.set(name, session)
        if (sessions.size > mostSessions) sessions.delete(sessions.keys().next().value!)
      })
  })
}
