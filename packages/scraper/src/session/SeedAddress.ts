/**
 * Which addresses a crawl denies its pages, by what a person names: who names a private host may be led to private ones. What
 * answers to nobody but its own link has no page that leads there, unless a seed is one.
 */
import * as dns from "node:dns/promises"
import * as net from "node:net"
import * as AddressGuard from "./AddressGuard.ts"

/** A name that cannot be resolved has none. */
const addressesOf = async (url: string): Promise<ReadonlyArray<string>> => {
  const host = new URL(url).hostname.replace(/^\[(.+)\]$/, "$1")
  if (net.isIP(host) !== 0) return [host]
  return (await dns.lookup(host, { all: true }).catch(() => [])).map(({ address }) => address)
}

export const denied = async (seeds: ReadonlyArray<string>): Promise<AddressGuard.Denied> => {
  const addresses = (await Promise.all(seeds.map(addressesOf))).flat()
  if (addresses.some(AddressGuard.isLinkLocal)) return false
  return addresses.some(AddressGuard.isPrivate) ? "link-local" : true
}
