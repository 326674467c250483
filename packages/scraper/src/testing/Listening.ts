/** Servers that listen on loopback addresses and can be closed at once, open connections and all. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { AddressInfo, Server, Socket } from "node:net"

/** Something that runs until it is closed. */
export interface Running extends AsyncDisposable {
  /** Stops listening and destroys open connections. */
  readonly close: () => Promise<void>
}

/** A set of servers on one port. */
export interface Listening extends Running {
  readonly port: number
  /** Connections taken since the start. */
  readonly connections: () => number
}

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(port, host, () => {
      server.off("error", reject)
      resolve((server.address() as AddressInfo).port)
    })
  })

const stop = (server: Server): Promise<void> =>
  new Promise((resolve) => (server.listening ? server.close(() => resolve()) : resolve()))

/**
 * Listens on the same port of every host, `port` or a free one. Rejects with
 * EADDRINUSE when `port` is taken.
 */
export const start = async (make: () => Server, hosts: ReadonlyArray<string>, port = 0): Promise<Listening> => {
  const sockets = new Set<Socket>()
  let connections = 0
  const attempt = async (left: number): Promise<readonly [Array<Server>, number]> => {
    const servers: Array<Server> = []
    let chosen = port
    try {
      for (const host of hosts) {
        const server = make()
        servers.push(server)
        chosen = await listen(server, host, chosen)
      }
      return [servers, chosen]
    } catch (error) {
      await Promise.all(servers.map(stop))
      // A port that is free on the first address may be taken on the next.
      if (port !== 0 || left === 0) throw error
      return attempt(left - 1)
    }
  }
  const [servers, chosen] = await attempt(10)
  for (const server of servers) {
    server.on("connection", (socket: Socket) => {
      connections++
      sockets.add(socket)
      socket.once("close", () => sockets.delete(socket))
      // A client may vanish at any moment; that is no error of a test site.
      socket.on("error", () => undefined)
    })
  }
  const close = async () => {
    const closed = servers.map(stop)
    for (const socket of sockets) socket.destroy()
    await Promise.all(closed)
  }
  return { port: chosen, connections: () => connections, close, [Symbol.asyncDispose]: close }
}

/** Makes it a resource of the scope. A start that fails is a defect: nothing a test could handle. */
export const scoped = <A extends Running>(start: () => Promise<A>): Effect.Effect<A, never, Scope.Scope> =>
  Effect.acquireRelease(Effect.promise(start), (running) => Effect.promise(running.close))
