/**
 * The session on a lane of our own and, by proxies and for HTTP/2, on undici at the
 * level of its dispatcher: no promise, stream or fiber for a request, one
 * `Exchange` object instead.
 *
 * Either keeps the connections, writes requests and parses answers. undici's timers
 * are off: one `StallClock` watches every connection attempt and every exchange.
 */
import type { SecureContext } from "node:tls"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Decode from "../Decode.ts"
import type { Options as RunOptions } from "../Options.ts"
import { Session } from "../Session.ts"
import * as Cookies from "./Cookies.ts"
import { DnsCache } from "./DnsCache.ts"
import type { Resolve } from "./DnsCache.ts"
import { Exchange } from "./Exchange.ts"
import type { Shared } from "./Exchange.ts"
import * as Proxies from "./Proxies.ts"
import * as RequestFields from "./RequestFields.ts"
import * as Routes from "./Routes.ts"
import * as StallClock from "./StallClock.ts"

/** The options of a run that concern the session. */
export interface Options extends Pick<
  RunOptions,
  | "perHost"
  | "jobs"
  | "timeoutMs"
  | "connectTimeoutMs"
  | "userAgent"
  | "headers"
  | "headersFor"
  | "proxy"
  | "cacert"
  | "insecure"
  | "cookieJar"
  | "denyPrivate"
> {}

/** What a session stands on; each has a default. */
export interface Environment {
  /** Resolves names; `getaddrinfo` by default. */
  readonly resolve?: Resolve
  /** Watches for stalls; by default one as fine as the time bounds ask for. The session stops it. */
  readonly clock?: StallClock.StallClock
  /** Where the proxy variables are looked up; `process.env` by default. */
  readonly variables?: Readonly<Record<string, string | undefined>>
}

/**
 * Makes a session. Its connections are closed with the scope. Fails with `OptionUnusable` on a proxy, file or field
 * that cannot be used.
 */
export const make = Effect.fnUntraced(function* (options: Options, environment: Environment = {}) {
  const { timeoutMs, connectTimeoutMs, denyPrivate, insecure } = options
  const choose = yield* Proxies.choose(options.proxy, environment.variables ?? process.env)
  const userFields = yield* RequestFields.user(options.headers)
  const userAgent = yield* RequestFields.user([["user-agent", options.userAgent]])
  const ca =
    options.cacert === undefined
      ? undefined
      : yield* (yield* Effect.promise(() => import("./Trust.ts"))).authorities(options.cacert)
  const cookies = options.cookieJar === undefined ? undefined : yield* Cookies.open(options.cookieJar)
  const clock = environment.clock ?? new StallClock.StallClock(StallClock.period(Math.min(timeoutMs, connectTimeoutMs)))
  const dns = new DnsCache(environment.resolve === undefined ? {} : { resolve: environment.resolve })
  let context: SecureContext | undefined
  const tls = {
    rejectUnauthorized: !insecure,
    context: () =>
      (context ??= process.getBuiltinModule("node:tls").createSecureContext(ca === undefined ? {} : { ca }))
  }
  const routes = Routes.make({ clock, dns, connectTimeoutMs, denyPrivate, tls }, options, choose)
  const foreignFields = ["accept", "*/*", "accept-encoding", Decode.acceptEncoding, ...userAgent]
  const shared: Shared = {
    clock,
    routes,
    cookies,
    fields: RequestFields.override(foreignFields, userFields),
    foreignFields,
    headersFor: options.headersFor && new Set(options.headersFor),
    timeoutMs,
    connectTimeoutMs,
    denyPrivate,
    counts: { requests: 0, redirects: 0, inFlight: 0, bytesReceived: 0 }
  }
  yield* Effect.addFinalizer(() => {
    clock.stop()
    return Effect.promise(() => routes.destroy())
  })
  return Session.of({
    open: (request, receiver) => new Exchange(shared, request, receiver).open(),
    statistics: () => ({ ...shared.counts })
  })
})

/** `make` as the `Session` of a program. */
export const layer = (options: Options, environment?: Environment) => Layer.effect(Session, make(options, environment))
