/**
 * Which addresses a crawl denies its pages, by what a person names: who names a private host may be led to private ones. What
 * answers to nobody but its own link has no page that leads there, unless a seed is its very address.
 *
 * 1. What a name resolves to is the word of its owner, whom nobody need trust: a name opens no link-local address, and private
 *    ones only where it has no other.
 */
import * as dns from "node:dns/promises"
import * as net from "node:net"
import * as AddressGuard from "./AddressGuard.ts"

/** All addresses of a name. Fails where it cannot be resolved. */
export type Resolve = (host: string) => Promise<ReadonlyArray<{ readonly address: string }>>

const system: Resolve = (host) => dns.lookup(host, { all: true })

const deniedBy = async (host: string, resolve: Resolve): Promise<AddressGuard.Denied> => {
  if (net.isIP(host) !== 0)
    return !AddressGuard.isLinkLocal(host) && (AddressGuard.isPrivate(host) ? "link-local" : true)
  const addresses = await resolve(host).catch(() => [])
  return addresses.length > 0 && addresses.every(({ address }) => AddressGuard.isPrivate(address)) ? "link-local" : true
}

/** What is denied where these URLs are named: the least that one of them asks for. */
export const denied = async (seeds: ReadonlyArray<string>, resolve = system): Promise<AddressGuard.Denied> => {
  const hosts = new Set(seeds.map((url) => new URL(url).hostname.replace(/^\[(.+)\]$/, "$1")))
  const all = await Promise.all(Array.from(hosts, (host) => deniedBy(host, resolve)))
  return !all.includes(false) && (all.includes("link-local") ? "link-local" : true)
}
