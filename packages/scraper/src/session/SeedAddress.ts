/** Whether a person who names a host means a private one: then a crawl may talk to private addresses. */
import * as dns from "node:dns/promises"
import * as net from "node:net"
import { isPrivate } from "./AddressGuard.ts"

/** Whether the host of this URL is a private address, or is resolved to one. A name that cannot be resolved is not. */
export const isPrivateHost = async (url: string): Promise<boolean> => {
  const host = new URL(url).hostname.replace(/^\[(.+)\]$/, "$1")
  if (net.isIP(host) !== 0) return isPrivate(host)
  const addresses = await dns.lookup(host, { all: true }).catch(() => [])
  return addresses.some(({ address }) => isPrivate(address))
}
