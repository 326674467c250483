/**
 * `localhost` and the names below it: the loopback, whatever anybody says (RFC 6761
 * 6.3). A server may listen at one of its addresses alone, and the system know the
 * name by the other one, or not at all.
 */
import type { LookupAddress } from "node:dns"

const loopback: ReadonlyArray<LookupAddress> = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 }
]

/** Whether a name is one of these. A dot may end it. */
export const isNamed = (host: string): boolean => /(?:^|\.)localhost\.?$/i.test(host)

/**
 * What the system says of a host, and of one of these both addresses of the loopback, those of the system first. What a
 * hosts file leads elsewhere stays.
 */
export const complete = (host: string, found: ReadonlyArray<LookupAddress>): ReadonlyArray<LookupAddress> => {
  const has = (among: typeof found) => (one: LookupAddress) => among.some(({ address }) => address === one.address)
  if (!isNamed(host) || !found.every(has(loopback))) return found
  return [...found, ...loopback.filter((one) => !has(found)(one))]
}
