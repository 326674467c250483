/**
 * The short way to origins: GET requests over HTTP/1.1 on bare sockets or TLS, with
 * undici's interface towards the handler, at half its processor time.
 *
 * It keeps connections and parses answers, and that is all. Redirects, cookies,
 * clocks and the second try of a request that met a closing connection are its
 * handler's; HTTP/2 and proxies are undici's.
 */
import type { Fields } from "../RequestFields.ts"
import type { Handler } from "./Flight.ts"
import { Flight } from "./Flight.ts"
import * as LaneFault from "./LaneFault.ts"
import { OriginPool } from "./OriginPool.ts"
import type { Settings } from "./OriginPool.ts"

/** What to send: a GET of `path` (from its slash on) at `origin` (`http[s]://host[:port]`). */
export interface Options {
  readonly origin: string
  readonly path: string
  /** The same array again costs less than an equal one. */
  readonly headers: Fields
}

/** Milliseconds between two looks at idle connections. */
const sweepMs = 1_000

export class Lane {
  readonly #settings: Settings
  readonly #pools = new Map<string, OriginPool>()
  #due: Array<OriginPool> = []
  #sweeper: NodeJS.Timeout | undefined
  #isDestroyed = false
  readonly #soon = (pool: OriginPool) => {
    if (pool.isDue) return
    pool.isDue = true
    if (this.#due.push(pool) === 1) setImmediate(this.#pump)
  }

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Origins with a connection or a request. */
  get origins(): number {
    return this.#pools.size
  }

  /**
   * Sends a request as soon as a connection is free. What goes wrong reaches the handler; a request that cannot be
   * written does so before this returns.
   */
  dispatch({ origin, path, headers }: Options, handler: Handler): true {
    try {
      if (this.#isDestroyed) throw LaneFault.destroyed()
      const known = this.#pools.get(origin)
      const pool = known ?? this.#open(origin)
      pool.add(path, headers, handler)
      if (known === undefined) this.#pools.set(origin, pool)
    } catch (error) {
      handler.onResponseError?.(new Flight("", handler), error as Error)
    }
    return true
  }

  /** Ends every request, with `UND_ERR_DESTROYED`, and every connection. */
  destroy(): void {
    this.#isDestroyed = true
    clearInterval(this.#sweeper)
    for (const pool of this.#pools.values()) pool.destroy()
    this.#pools.clear()
  }

  #open(origin: string): OriginPool {
    const url = URL.parse(origin)
    if (url?.protocol !== "http:" && url?.protocol !== "https:") throw LaneFault.unsendable("the origin is not of http")
    return new OriginPool(this.#settings, origin, url, this.#soon)
  }

  readonly #pump = () => {
    const due = this.#due
    this.#due = []
    const now = performance.now()
    for (const pool of due) {
      pool.isDue = false
      pool.pump(now)
      if (pool.isEmpty) this.#pools.delete(pool.origin)
      else if (pool.hasResting) this.#sweeper ??= setInterval(this.#sweep, sweepMs).unref()
    }
  }

  readonly #sweep = () => {
    const now = performance.now()
    let resting = false
    for (const pool of this.#pools.values()) {
      pool.sweep(now)
      resting ||= pool.hasResting
    }
    if (resting) return
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
  }
}
