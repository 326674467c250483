/**
 * Connects sockets that read into a buffer of the caller's.
 *
 * The socket is returned at once and is the whole result: what goes wrong with
 * the attempt, a denied address and a passed time bound too, is its `error`.
 */
import * as net from "node:net"
import * as AddressGuard from "../AddressGuard.ts"
import { attemptTimeoutMs, ConnectAttempt } from "../ConnectAttempt.ts"
import type { Settings } from "../Connection.ts"

export interface Dial {
  /** `hostname` has no brackets. */
  readonly connect: (hostname: string, port: number, onread: net.OnReadOpts) => net.Socket
  /** The socket's event from which on it can be written to. */
  readonly ready: "connect" | "secureConnect"
}

/** Milliseconds of silence after which the kernel asks whether the other side still lives. */
const probeAfterMs = 60_000

interface Options extends Pick<
  net.TcpSocketConnectOpts,
  "port" | "lookup" | "autoSelectFamily" | "autoSelectFamilyAttemptTimeout"
> {
  readonly host: string
  readonly onread: net.OnReadOpts
}

/** Connects to the host itself, if the guard lets it, by sockets that `open` makes. */
const direct = (settings: Settings, ready: Dial["ready"], open: (options: Options) => net.Socket): Dial => {
  const judge = AddressGuard.judge(settings.denyPrivate)
  const lookup = settings.dns.lookup(judge)
  const autoSelectFamilyAttemptTimeout = attemptTimeoutMs(settings.connectTimeoutMs)
  return {
    ready,
    connect: (host, port, onread) => {
      const denied = net.isIP(host) !== 0 ? judge?.([{ address: host }]) : undefined
      if (denied !== undefined) return new net.Socket().destroy(denied)
      const socket = open({ host, port, lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout, onread })
      settings.dns.heed(host, socket).setNoDelay(true).setKeepAlive(true, probeAfterMs)
      const attempt = new ConnectAttempt(settings)
      attempt.socket = socket
      const end = () => attempt.end()
      return socket.once(ready, end).once("close", end)
    }
  }
}

export const plain = (settings: Settings): Dial => direct(settings, "connect", (options) => net.connect(options))

/** Sessions of TLS that are kept, the last of each host and port. */
const mostSessions = 1_000

/** Over TLS, for HTTP/1.1. Hosts are verified as `settings.tls` says, and sessions resumed. */
export const secure = (settings: Settings): Dial => {
  const { rejectUnauthorized, context } = settings.tls
  const sessions = new Map<string, Buffer>()
  return direct(settings, "secureConnect", (options) => {
    const { host, port } = options
    const name = `${host}:${port}`
    const session = sessions.get(name)
    // a run without TLS need not load it
    return process
      .getBuiltinModule("node:tls")
      .connect({
        ...options,
        secureContext: context(),
        rejectUnauthorized,
        ALPNProtocols: ["http/1.1"],
        // an address is no name (RFC 6066 3), nor is the dot of the root a part of one
        ...(net.isIP(host) === 0 ? { servername: host.replace(/\.$/, "") } : {}),
        ...(session === undefined ? {} : { session })
      })
      .on("session", (session: Buffer) => {
        sessions.delete(name)
        sessions.set(name, session)
        if (sessions.size > mostSessions) sessions.delete(sessions.keys().next().value!)
      })
  })
}
