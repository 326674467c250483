/**
 * Which proxy a URL goes through: one named by an option for all, or those of the
 * environment. `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` are read as
 * curl reads them, in lower or upper case, lower case first. Loopback hosts are
 * no exception: list them in `NO_PROXY`.
 */
import * as net from "node:net"
import * as Effect from "effect/Effect"
import { OptionUnusable } from "../RunError.ts"
import { unbracketed } from "../Url.ts"
import * as RequestFields from "./RequestFields.ts"

export interface Proxy {
  /** The proxy itself, without credentials: `http://proxy:3128`. */
  readonly origin: string
  readonly protocol: "http:" | "https:" | "socks5:"
  /** Brackets of an IPv6 address taken off. */
  readonly hostname: string
  readonly port: number
  readonly username: string
  readonly password: string
  /** The value of `proxy-authorization`, for HTTP proxies with credentials. */
  readonly authorization: string | undefined
}

/** The proxy for an origin; absent: connect to its host. */
export type Choose = (origin: string) => Proxy | undefined

const schemes: Readonly<Record<string, readonly [protocol: Proxy["protocol"], port: number]>> = {
  "http:": ["http:", 80],
  "https:": ["https:", 443],
  "socks:": ["socks5:", 1080],
  "socks5:": ["socks5:", 1080],
  "socks5h:": ["socks5:", 1080]
}

/** Reads a proxy's address, `http://` where it names no scheme; fails with `OptionUnusable`, which tells no password. */
const parse = Effect.fnUntraced(function* (option: string, text: string) {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`)
  const scheme = url === null ? undefined : schemes[url.protocol]
  if (url === null || scheme === undefined || url.hostname === "") {
    return yield* new OptionUnusable({
      option,
      value: text.replace(/^((?:[^:/?#]*:\/\/)?)[^/]*@/, "$1***@"),
      detail: "is no proxy: it takes the form http://host:port, https://host:port or socks5://host:port"
    })
  }
  const [protocol, port] = scheme
  const proxy: Proxy = {
    origin: `${protocol}//${url.host}`,
    protocol,
    hostname: unbracketed(url.hostname),
    port: url.port === "" ? port : Number(url.port),
    username: RequestFields.decode(url.username),
    password: RequestFields.decode(url.password),
    authorization: RequestFields.basic(url)
  }
  return proxy
})

/** Reads `NO_PROXY`: names with their subdomains, addresses, CIDR blocks, each with or without a port, or `*`. */
export const exempt = (list: string): ((hostname: string, port: number) => boolean) => {
  const blocks = new net.BlockList()
  const names: Array<{ readonly name: string; readonly port: number; readonly subdomainsOnly: boolean }> = []
  for (const item of list.split(/[,\s]+/)) {
    if (item === "") continue
    const [address = "", bits, rest] = item.split("/")
    const family = net.isIP(unbracketed(address))
    if (family !== 0 && bits !== undefined && rest === undefined) {
      const length = /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity
      if (length <= (family === 4 ? 32 : 128)) {
        blocks.addSubnet(unbracketed(address), length, family === 4 ? "ipv4" : "ipv6")
      }
      continue
    }
    const bare = net.isIP(item) === 6
    const [, host = item, port = "0"] = bare ? [] : (/^(.+):(\d+)$/.exec(item) ?? [])
    names.push({
      name: unbracketed(host.toLowerCase())
        .replace(/^\*?\./, "")
        .replace(/(.)\.$/, "$1"),
      port: Number(port),
      subdomainsOnly: host.startsWith("*.")
    })
  }
  return (hostname, port) => {
    const name = hostname.toLowerCase().replace(/(.)\.$/, "$1")
    const family = net.isIP(name)
    if (family !== 0 && blocks.check(name, family === 4 ? "ipv4" : "ipv6")) return true
    return names.some(
      (entry) =>
        (entry.port === 0 || entry.port === port) &&
        (entry.name === "*" || (name === entry.name && !entry.subdomainsOnly) || name.endsWith(`.${entry.name}`))
    )
  }
}

type Environment = Readonly<Record<string, string | undefined>>
const read = (environment: Environment, name: string) => environment[name.toLowerCase()] ?? environment[name] ?? ""

/** Whether URLs may go through a proxy: an option, or the environment, names one. */
export const areNamed = (proxy: string | undefined, environment: Environment): boolean =>
  proxy !== undefined || ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].some((name) => read(environment, name) !== "")

const always =
  (proxy: Proxy | undefined): Choose =>
  () =>
    proxy

/** Takes `proxy` for all URLs, else what `environment` says. Fails with `OptionUnusable` on an address that is no proxy's. */
export const choose = Effect.fnUntraced(function* (proxy: string | undefined, environment: Environment) {
  if (proxy !== undefined) {
    const only = yield* parse("--proxy", proxy)
    return always(only)
  }
  const named = Effect.fnUntraced(function* (name: string) {
    const text = read(environment, name)
    return text === "" ? undefined : yield* parse(name, text)
  })
  const all = yield* named("ALL_PROXY")
  const http = (yield* named("HTTP_PROXY")) ?? all
  const https = (yield* named("HTTPS_PROXY")) ?? all
  if (http === undefined && https === undefined) return always(undefined)
  const isExempt = exempt(read(environment, "NO_PROXY"))
  const choice: Choose = (origin) => {
    const url = new URL(origin)
    const secure = url.protocol === "https:"
    const port = url.port === "" ? (secure ? 443 : 80) : Number(url.port)
    return isExempt(unbracketed(url.hostname), port) ? undefined : secure ? https : http
  }
  return choice
})
