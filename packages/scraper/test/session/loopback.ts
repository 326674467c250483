/** Servers on loopback and a receiver that keeps what it hears, for the tests of the session. */
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import * as Effect from "effect/Effect"
import type { FetchReason } from "../../src/FetchError.ts"
import { defaults } from "../../src/Options.ts"
import type { Receiver, Request, ResponseHead, Session, Transfer } from "../../src/Session.ts"
import * as HttpSession from "../../src/session/HttpSession.ts"
import * as Url from "../../src/Url.ts"

/** A session with the defaults, no proxies of the machine, and `options`. */
export const session = (options: Partial<HttpSession.Options> = {}, environment: HttpSession.Environment = {}) =>
  HttpSession.make({ ...defaults, ...options }, { variables: {}, ...environment })

const listening = <S extends net.Server>(server: S) =>
  Effect.acquireRelease(
    Effect.callback<{ readonly port: number; readonly sockets: Set<net.Socket>; readonly server: S }>((resume) => {
      const sockets = new Set<net.Socket>()
      server.on("connection", (socket: net.Socket) => {
        sockets.add(socket)
        socket.on("close", () => sockets.delete(socket)).on("error", () => undefined)
      })
      server.listen(0, "127.0.0.1", () =>
        resume(Effect.succeed({ port: (server.address() as net.AddressInfo).port, sockets, server }))
      )
    }),
    ({ sockets }) =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
  )

export const listen = listening

export const httpServer = (handler: http.RequestListener) =>
  Effect.map(listening(http.createServer({ keepAliveTimeout: 60_000 }, handler)), (up) => ({
    ...up,
    origin: `http://127.0.0.1:${up.port}`
  }))

/** A server of raw bytes: `answer` is called for each whole request head. */
export const rawServer = (answer: (socket: net.Socket, head: string, nth: number) => void) => {
  let nth = 0
  const server = net.createServer((socket) => {
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      for (let end = text.indexOf("\r\n\r\n"); end !== -1; end = text.indexOf("\r\n\r\n")) {
        const head = text.slice(0, end)
        text = text.slice(end + 4)
        answer(socket, head, nth++)
      }
    })
  })
  return Effect.map(listening(server), (up) => ({ ...up, origin: `http://127.0.0.1:${up.port}` }))
}

export interface Answer {
  readonly head: ResponseHead | undefined
  readonly body: Buffer
  readonly error: FetchReason | undefined
}

type Service = Session["Service"]

/** Sessions are given URLs as `Url.parse` writes them. */
const asListed = (text: string) => {
  const url = Url.parse(text)
  return typeof url === "string" ? url : text
}

/** Performs one exchange. Never fails: an error is part of the answer. */
export const ask = (
  { open }: Service,
  request: string | Request,
  hooks: Partial<Receiver> & { readonly onOpen?: (transfer: Transfer) => void } = {}
) =>
  Effect.callback<Answer>((resume) => {
    let head: ResponseHead | undefined
    const chunks: Array<Buffer> = []
    let opened = false
    let ended = false
    const end = (error: FetchReason | undefined) => {
      if (!opened) throw new Error("heard before open returned")
      if (ended) throw new Error("heard after the end")
      ended = true
      resume(Effect.succeed({ head, body: Buffer.concat(chunks), error }))
    }
    const transfer = open(typeof request === "string" ? { url: asListed(request) } : request, {
      onHead: (answer) => {
        if (head !== undefined || ended) throw new Error("a second head")
        head = answer
        hooks.onHead?.(answer)
      },
      onData: (chunk) => {
        if (head === undefined || ended) throw new Error("data out of order")
        chunks.push(Buffer.from(chunk))
        hooks.onData?.(chunk)
      },
      onEnd: () => {
        hooks.onEnd?.()
        end(undefined)
      },
      onError: (reason) => {
        hooks.onError?.(reason)
        end(reason)
      }
    })
    opened = true
    hooks.onOpen?.(transfer)
    return Effect.sync(() => transfer.abort())
  })

/** A directory that goes with the scope. */
export const directory = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "session-"))),
  (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true }))
)
