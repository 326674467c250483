/**
 * The pools of connections that undici keeps: HTTP/2 and proxies.
 *
 * A run that goes straight to origins of HTTP/1.1 has no need of undici, which takes as long to load as all else of the
 * session: so `Routes.ts` imports this file with the first request that has.
 */
import * as Connection from "./Connection.ts"
import { Opening } from "./Opening.ts"
import type { Proxy } from "./Proxies.ts"
import type { Resting } from "./Resting.ts"
import type { Dispatcher } from "./Undici.ts"
import { Agent, Pool } from "./Undici.ts"

/** Carries requests: undici, or the lane. */
export interface Carrier {
  dispatch(
    options: Dispatcher.DispatchOptions & { origin: string; headers: Array<string> },
    handler: Connection.Served
  ): boolean
}

/** Connections to a host, and to a proxy that is given whole URLs. */
export interface Limits {
  readonly perHost: number
  readonly jobs: number
}

/** Straight to hosts, or by a proxy: with whole URLs, or in tunnels. */
export interface Way {
  readonly proxy: Proxy | undefined
  readonly tunnels: boolean
}

/** The connections of one way to hosts. */
export interface Pools {
  /** Connections are kept and used again. */
  readonly kept: Carrier
  /** Every request gets a connection of its own. */
  readonly single: Carrier
  /** Ends every connection, at once. */
  readonly destroy: () => Promise<unknown>
}

const open = (
  connect: Connection.Connect,
  settings: Connection.Settings,
  resting: Resting,
  connections: number,
  pipelining: 0 | 1
): Dispatcher =>
  new Agent({
    factory: (origin) =>
      new Pool(origin, {
        connections,
        pipelining,
        // never called: each connection has its own; but without one undici builds one for every pool
        connect: (target, callback) => connect(target, callback, new Opening(target.hostname)),
        factory: Connection.factory(connect, settings, resting),
        // the connector does offer HTTP/2; a pool that knows of it opens one connection after the other until the
        // first is up, and a dead host would cost the connect timeout for each request in turn
        allowH2: false,
        // the stall clock sees to these
        headersTimeout: 0,
        bodyTimeout: 0,
        maxHeaderSize: 65_536
      })
  })

const connects = (settings: Connection.Settings, { proxy, tunnels }: Way): Connection.Connect =>
  proxy === undefined
    ? Connection.direct(settings)
    : tunnels
      ? Connection.throughProxy(settings, proxy)
      : Connection.toProxy(settings, proxy)

export const make = (settings: Connection.Settings, limits: Limits, way: Way, resting: Resting): Pools => {
  const connect = connects(settings, way)
  const connections = way.proxy === undefined || way.tunnels ? limits.perHost : limits.jobs
  const kept = open(connect, settings, resting, connections, 1)
  const single = open(connect, settings, resting, connections, 0)
  return { kept, single, destroy: () => Promise.all([kept.destroy(), single.destroy()]) }
}
