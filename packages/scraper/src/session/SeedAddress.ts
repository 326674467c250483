/**
 * Which addresses a crawl denies its pages, by what a person names: who names a private host may be led to others of its
 * network, and to no other network. What answers to nobody but its own link has no page that leads there, unless a seed is
 * its very address.
 *
 * 1. What a name resolves to is the word of its owner, whom nobody need trust: a name opens no link-local address, and private
 *    ones only where it has no other.
 */
import type { LookupAddress } from "node:dns"
import * as dns from "node:dns/promises"
import * as net from "node:net"
import * as Url from "../Url.ts"
import * as AddressGuard from "./AddressGuard.ts"
import * as Localhost from "./Localhost.ts"

/** All addresses of a name. Fails where it cannot be resolved. */
export type Resolve = (host: string) => Promise<ReadonlyArray<LookupAddress>>

const system: Resolve = (host) => dns.lookup(host, { all: true })

/** The addresses of private networks that are named by a host. */
const openedBy = async (host: string, resolve: Resolve): Promise<ReadonlyArray<string>> => {
  if (net.isIP(host) !== 0) return AddressGuard.isPrivate(host) ? [host] : []
  const found = Localhost.complete(host, await resolve(host).catch(() => []))
  const addresses = found.map(({ address }) => address)
  return addresses.every(AddressGuard.isPrivate) ? addresses.filter((one) => !AddressGuard.isLinkLocal(one)) : []
}

/** What is denied where these URLs are named. */
export const denied = async (seeds: ReadonlyArray<string>, resolve = system): Promise<AddressGuard.Denied> => {
  const hosts = new Set(seeds.map((url) => Url.unbracketed(new URL(url).hostname)))
  const opened = (await Promise.all(Array.from(hosts, (host) => openedBy(host, resolve)))).flat()
  return opened.length === 0 || opened
}
