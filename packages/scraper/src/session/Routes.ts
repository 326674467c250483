/**
 * The pools of connections, one set for each way to a host: straight, through a
 * proxy that is given whole URLs, or through a tunnel. Straight and without TLS
 * is the lane; everything else is undici.
 */
import type { Dispatcher } from "./Undici.ts"
import { Agent, Pool } from "./Undici.ts"
import * as Connection from "./Connection.ts"
import * as Dial from "./lane/Dial.ts"
import { Lane } from "./lane/Lane.ts"
import { Opening } from "./Opening.ts"
import type { Choose, Proxy } from "./Proxies.ts"

/** Carries requests: undici, or the lane. */
export interface Carrier {
  dispatch(
    options: Dispatcher.DispatchOptions & { origin: string; headers: Array<string> },
    handler: Connection.Served
  ): boolean
}

export interface Route {
  /** Connections are kept and used again. */
  readonly kept: Carrier
  /** Every request gets a connection of its own. */
  readonly single: () => Carrier
  /** Requests go to this proxy with their whole URL. */
  readonly absolute: Proxy | undefined
  /** A proxy opens the connections to hosts. */
  readonly proxied: boolean
}

export interface Routes {
  readonly to: (url: URL) => Route
  /** Ends every connection, at once. */
  readonly destroy: () => Promise<void>
}

const pools = (connect: Connection.Connect, connections: number, pipelining: 0 | 1): Dispatcher =>
  new Agent({
    factory: (origin) =>
      new Pool(origin, {
        connections,
        pipelining,
        // never called: each connection has its own; but without one undici builds one for every pool
        connect: (target, callback) => connect(target, callback, new Opening(target.hostname)),
        factory: Connection.factory(connect),
        // the connector does offer HTTP/2; a pool that knows of it opens one connection after the other until the
        // first is up, and a dead host would cost the connect timeout for each request in turn
        allowH2: false,
        // the stall clock sees to these
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: 65_536
      })
  })

export const make = (
  settings: Connection.Settings,
  limits: { readonly perHost: number; readonly jobs: number },
  choose: Choose
): Routes => {
  const opened: Array<Dispatcher> = []
  const open = (connect: Connection.Connect, connections: number, pipelining: 0 | 1) => {
    const dispatcher = pools(connect, connections, pipelining)
    opened.push(dispatcher)
    return dispatcher
  }
  const route = (
    connect: Connection.Connect,
    connections: number,
    about: Pick<Route, "absolute" | "proxied">
  ): Route => {
    let single: Dispatcher | undefined
    return { ...about, kept: open(connect, connections, 1), single: () => (single ??= open(connect, connections, 0)) }
  }
  const straight = route(Connection.direct(settings), limits.perHost, { absolute: undefined, proxied: false })
  const dial = Dial.direct(settings)
  const lanes: Array<Lane> = []
  const laneOf = (keeps: boolean) => {
    const lane = new Lane({ dial, connections: limits.perHost, keeps })
    lanes.push(lane)
    return lane
  }
  let lone: Lane | undefined
  const plain: Route = {
    kept: laneOf(true),
    single: () => (lone ??= laneOf(false)),
    absolute: undefined,
    proxied: false
  }
  const forwards = new Map<Proxy, Route>()
  const tunnels = new Map<Proxy, Route>()
  const remember = (routes: Map<Proxy, Route>, proxy: Proxy, first: () => Route) => {
    const known = routes.get(proxy) ?? first()
    routes.set(proxy, known)
    return known
  }
  return {
    to: (url) => {
      const proxy = choose(url)
      if (proxy === undefined) return url.protocol === "http:" ? plain : straight
      return url.protocol === "http:" && proxy.protocol !== "socks5:"
        ? remember(forwards, proxy, () =>
            route(Connection.toProxy(settings, proxy), limits.jobs, { absolute: proxy, proxied: true })
          )
        : remember(tunnels, proxy, () =>
            route(Connection.throughProxy(settings, proxy), limits.perHost, { absolute: undefined, proxied: true })
          )
    },
    destroy: async () => {
      for (const lane of lanes) lane.destroy()
      await Promise.all(opened.map((dispatcher) => dispatcher.destroy()))
    }
  }
}
