/** An origin of raw bytes, a lane to it, and a handler that keeps what it hears: for the tests of the lane. */
import * as net from "node:net"
import * as tls from "node:tls"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DnsCache } from "../../../src/session/DnsCache.ts"
import type { Resolve } from "../../../src/session/DnsCache.ts"
import * as Dial from "../../../src/session/lane/Dial.ts"
import type { Handler, Serving } from "../../../src/session/lane/Flight.ts"
import { Lane } from "../../../src/session/lane/Lane.ts"
import { Resting } from "../../../src/session/Resting.ts"
import { StallClock } from "../../../src/session/StallClock.ts"
import type { Dispatcher } from "../../../src/session/Undici.ts"
import * as Certificate from "../../../src/testing/Certificate.ts"

/** Of all servers over TLS; the lanes trust its authority. */
const own = Certificate.make({ names: ["127.0.0.1", "named.example"] })
const trusting = tls.createSecureContext({ ca: [own.ca] })

/** Writes `reply` in pieces of `size`, each in a turn of its own. */
export const inPieces = (socket: net.Socket, reply: Buffer, size: number, then: () => void = () => {}) => {
  let at = 0
  const write = () => {
    if (at >= reply.length) return then()
    socket.write(reply.subarray(at, at + size), () => setImmediate(write))
    at += size
  }
  write()
}

export interface Origin {
  readonly url: string
  readonly port: number
  /** Connections accepted so far. */
  readonly accepted: () => number
  readonly open: Set<net.Socket>
  readonly heads: Array<string>
}

type Origins = (
  answer: (socket: net.Socket, head: string, nth: number) => void,
  greet?: (socket: net.Socket) => void
) => Effect.Effect<Origin, never, Scope.Scope>

/** Makes origins that call `answer` for each whole request head, and `greet` for each connection. */
export const originOf =
  (scheme: "http" | "https"): Origins =>
  (answer, greet = () => {}) =>
    Effect.acquireRelease(
      Effect.callback<Origin & { readonly server: net.Server }>((resume) => {
        let accepted = 0
        const open = new Set<net.Socket>()
        const heads: Array<string> = []
        const serve = (socket: net.Socket) => {
          accepted++
          open.add(socket)
          socket.on("close", () => open.delete(socket)).on("error", () => {})
          greet(socket)
          let text = ""
          socket.on("data", (chunk) => {
            text += chunk.toString("latin1")
            for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
              const head = text.slice(0, end + 4)
              text = text.slice(end + 4)
              answer(socket, head, heads.push(head) - 1)
            }
          })
        }
        const server =
          scheme === "http"
            ? net.createServer({ noDelay: true }, serve)
            : tls.createServer({ noDelay: true, key: own.key, cert: own.certificate }, serve)
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as net.AddressInfo
          resume(
            Effect.succeed({
              url: `${scheme}://127.0.0.1:${port}`,
              port,
              accepted: () => accepted,
              open,
              heads,
              server
            })
          )
        })
      }),
      ({ open, server }) =>
        Effect.sync(() => {
          for (const socket of open) socket.destroy()
          server.close()
        })
    )

export const origin = originOf("http")

/** Ends the connection with a RST: over TLS that of the socket below. */
export const reset = (socket: net.Socket) =>
  (socket instanceof tls.TLSSocket
    ? (socket as unknown as { readonly _parent: net.Socket })._parent
    : socket
  ).resetAndDestroy()

export interface Settings {
  readonly connections?: number
  readonly keeps?: boolean
  readonly mostResting?: number
  readonly denyPrivate?: boolean
  readonly resolve?: Resolve
  readonly clock?: StallClock
}

export const lane = ({
  connections = 4,
  keeps = true,
  mostResting = 64,
  denyPrivate = false,
  resolve,
  clock
}: Settings = {}) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const dns = new DnsCache(resolve === undefined ? {} : { resolve })
      const watch = clock ?? new StallClock(1000)
      const dialled = {
        clock: watch,
        dns,
        connectTimeoutMs: 10_000,
        denyPrivate,
        tls: { rejectUnauthorized: true, context: () => trusting }
      }
      const dials = { "http:": Dial.plain(dialled), "https:": Dial.secure(dialled) }
      return { lane: new Lane({ dials, connections, keeps, resting: new Resting(mostResting) }), clock: watch }
    }),
    ({ lane, clock }) =>
      Effect.sync(() => {
        lane.destroy()
        clock.stop()
      })
  )

type Controller = Dispatcher.DispatchController

export type Hook = (controller: Controller) => void

/** Hears one response; `hooks` run inside the callbacks of their name. */
export class Hearer implements Handler {
  connection: Serving | undefined
  controller: Controller | undefined
  status = 0
  headers: Record<string, unknown> = {}
  error: (Error & { readonly code?: string }) | undefined
  readonly calls: Array<string> = []
  readonly chunks: Array<Buffer> = []
  readonly #hooks: Readonly<Record<string, Hook>>
  #tell: (() => void) | undefined
  readonly ended: Promise<void>

  constructor(hooks: Readonly<Record<string, Hook>> = {}) {
    this.#hooks = hooks
    this.ended = new Promise((resolve) => (this.#tell = resolve))
  }

  get body(): string {
    return Buffer.concat(this.chunks).toString("latin1")
  }

  get code(): string | undefined {
    return this.error?.code
  }

  onRequestStart(controller: Controller) {
    this.controller = controller
    this.#hear("start")
  }

  onResponseStarted() {
    this.#hear("first")
  }

  onResponseStart(_: Controller, status: number, headers: Record<string, unknown>) {
    if (status < 200) return
    this.status = status
    this.headers = headers
    this.#hear("head")
  }

  onResponseData(_: Controller, chunk: Buffer) {
    this.chunks.push(Buffer.from(chunk))
    this.#hear("data")
  }

  onResponseEnd() {
    this.#hear("end")
    this.#tell?.()
  }

  onResponseError(_: Controller, error: Error) {
    this.error = error
    this.#hear("error")
    this.#tell?.()
  }

  #hear(call: string) {
    if (call !== "data" || this.calls.at(-1) !== "data") this.calls.push(call)
    this.#hooks[call]?.(this.controller as Controller)
  }
}

export const fields: ReadonlyArray<string> = ["accept", "*/*"]

/** Sends a GET and waits for its end. */
export const get = (lane: Lane, origin: string, path: string, hooks: Readonly<Record<string, Hook>> = {}) =>
  Effect.promise(async () => {
    const hearer = new Hearer(hooks)
    lane.dispatch({ origin, path, headers: fields }, hearer)
    await hearer.ended
    return hearer
  })

/** Lets whatever is ready on any socket be read, some turns over. */
export const turns = Effect.callback<void>((resume) => {
  let left = 20
  const turn = () => (left-- === 0 ? resume(Effect.void) : void setTimeout(turn, 1))
  turn()
})
