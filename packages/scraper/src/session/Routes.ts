/**
 * The pools of connections, one set for each way to a host: straight, through a
 * proxy that is given whole URLs, or through a tunnel. Straight is the lane, but
 * to an origin that speaks HTTP/2 alone; everything else is undici, loaded with
 * the first request for it.
 */
import type * as Connection from "./Connection.ts"
import * as Dial from "./lane/Dial.ts"
import { Lane } from "./lane/Lane.ts"
import type { Carrier, Limits, Pools, Way } from "./Pools.ts"
import type { Choose, Proxy } from "./Proxies.ts"
import { Resting } from "./Resting.ts"

export interface Route {
  /** Connections are kept and used again. */
  readonly kept: Carrier
  /** Every request gets a connection of its own. */
  readonly single: () => Carrier
  /** Requests go to this proxy with their whole URL. */
  readonly absolute: Proxy | undefined
  /** A proxy opens the connections to hosts. */
  readonly proxied: boolean
  /** Says that the origin does not speak HTTP/1.1; absent where HTTP/2 is offered, or of no use. */
  readonly refuse?: (origin: string) => void
}

export interface Routes {
  readonly to: (origin: string) => Route
  /** Ends every connection, at once. */
  readonly destroy: () => Promise<void>
}

export const make = (settings: Connection.Settings, limits: Limits, choose: Choose): Routes => {
  const opened: Array<Promise<Pools>> = []
  const resting = new Resting(limits.jobs)
  const route = (way: Way): Route => {
    let opening: Promise<Pools> | undefined
    let pools: Pools | undefined
    // what is asked before undici is there waits in the order it came, as requests without a connection do
    const carrier = (of: "kept" | "single"): Carrier => ({
      dispatch: (options, handler) => {
        if (pools !== undefined) return pools[of].dispatch(options, handler)
        if (opening === undefined) {
          opening = import("./Pools.ts").then(({ make }) => (pools = make(settings, limits, way, resting)))
          opened.push(opening)
        }
        void opening.then((pools) => pools[of].dispatch(options, handler))
        return true
      }
    })
    const { proxy, tunnels } = way
    const single = carrier("single")
    return {
      kept: carrier("kept"),
      single: () => single,
      absolute: tunnels ? undefined : proxy,
      proxied: proxy !== undefined
    }
  }
  const straight = route({ proxy: undefined, tunnels: false })
  const dials = { "http:": Dial.plain(settings), "https:": Dial.secure(settings) }
  const lanes: Array<Lane> = []
  const laneOf = (keeps: boolean) => {
    const lane = new Lane({ dials, connections: limits.perHost, keeps, resting })
    lanes.push(lane)
    return lane
  }
  let lone: Lane | undefined
  const lane: Route = {
    kept: laneOf(true),
    single: () => (lone ??= laneOf(false)),
    absolute: undefined,
    proxied: false,
    refuse: (origin) => void modern.add(origin)
  }
  /** Origins that do not speak HTTP/1.1. */
  const modern = new Set<string>()
  const forwards = new Map<Proxy, Route>()
  const tunnels = new Map<Proxy, Route>()
  const remember = (routes: Map<Proxy, Route>, way: Way & { readonly proxy: Proxy }) => {
    const known = routes.get(way.proxy) ?? route(way)
    routes.set(way.proxy, known)
    return known
  }
  return {
    to: (origin) => {
      const proxy = choose(origin)
      if (proxy === undefined) return modern.has(origin) ? straight : lane
      return origin.startsWith("http:") && proxy.protocol !== "socks5:"
        ? remember(forwards, { proxy, tunnels: false })
        : remember(tunnels, { proxy, tunnels: true })
    },
    destroy: async () => {
      for (const lane of lanes) lane.destroy()
      await Promise.all(opened.map(async (pools) => (await pools).destroy()))
    }
  }
}
