/**
 * A TCP server that plays a script: the n-th request gets the n-th reply, byte
 * for byte. It writes nothing of its own, so it can say what no HTTP server
 * would, and recorded exchanges are replayed as they were.
 *
 * A client may open a new connection for any request: the place in the script is
 * the server's, not the connection's.
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import * as Listening from "./Listening.ts"

/** Where a script is being played. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** One request and its reply. */
export interface Step {
  /** The request target to expect; absent: any. */
  readonly path?: string
  /** What to write; a function when the reply has to name the address. */
  readonly reply: Uint8Array | string | ((address: Address) => Uint8Array | string)
  /** End the connection after the reply. Default true. */
  readonly close?: boolean
  /** Write this many bytes at a time, each in its own segment as far as TCP lets it. Default: all at once. */
  readonly pieceBytes?: number
  /** Milliseconds between two pieces. Default 0: the next turn. */
  readonly pieceDelayMs?: number
}

/** A server that plays a script, with what it was asked for. */
export interface Replay extends Listening.Running {
  readonly port: number
  readonly url: (path: string) => string
  /** The heads of all requests so far, as they came. */
  readonly requests: ReadonlyArray<string>
  /** Where the client left the script: a request after its end, or for another path. Those get no reply but the end. */
  readonly departures: ReadonlyArray<string>
}

const bytesOf = (text: Uint8Array | string): Uint8Array =>
  typeof text === "string" ? Buffer.from(text, "latin1") : text

/** Writes piece by piece, for as long as the client listens. */
const write = (socket: Net.Socket, bytes: Uint8Array, step: Step, done: () => void): void => {
  const { pieceBytes = bytes.length, pieceDelayMs = 0 } = step
  const next = (at: number): void => {
    if (socket.destroyed) return
    if (at >= bytes.length) return done()
    socket.write(bytes.subarray(at, at + pieceBytes), () => {
      if (pieceDelayMs === 0) setImmediate(next, at + pieceBytes)
      else setTimeout(next, pieceDelayMs, at + pieceBytes)
    })
  }
  next(0)
}

/** Starts playing the script from its beginning. */
export const start = async (script: ReadonlyArray<Step>): Promise<Replay> => {
  const host = "127.0.0.1"
  const requests: Array<string> = []
  const departures: Array<string> = []

  const serve = (socket: Net.Socket): void => {
    socket.setNoDelay(true)
    let received = ""
    let replying = false
    const read = (): void => {
      const end = received.indexOf("\r\n\r\n")
      if (replying || end === -1) return
      const head = received.slice(0, end + 4)
      received = received.slice(end + 4)
      const path = head.split(" ", 2)[1] ?? ""
      const step = script[requests.push(head) - 1]
      if (step === undefined || (step.path !== undefined && step.path !== path)) {
        departures.push(
          step === undefined
            ? `request ${requests.length} for ${path}: the script has ${script.length} steps`
            : `request ${requests.length} for ${path}: the script has ${step.path}`
        )
        return socket.destroySoon()
      }
      replying = true
      const reply = typeof step.reply === "function" ? step.reply({ host, port: listening.port }) : step.reply
      write(socket, bytesOf(reply), step, () => {
        replying = false
        if (step.close ?? true) socket.destroySoon()
        else read()
      })
    }
    socket.on("data", (chunk: Buffer) => {
      received += chunk.toString("latin1")
      read()
    })
  }

  const listening: Listening.Listening = await Listening.start(() => Net.createServer(serve), [host])
  return {
    port: listening.port,
    url: (path) => `http://${host}:${listening.port}${path}`,
    requests,
    departures,
    close: listening.close,
    [Symbol.asyncDispose]: listening.close
  }
}

/** A replay that lives as long as the scope. */
export const make = (script: ReadonlyArray<Step>): Effect.Effect<Replay, never, Scope.Scope> =>
  Listening.scoped(() => start(script))
