/**
 * Which addresses a page from outside must not make us talk to.
 *
 * The guard judges the address a connection is about to be opened to, after
 * resolution and on every redirect, so a name that resolves to something else a
 * moment later (DNS rebinding) gains nothing.
 */
import * as net from "node:net"
import * as Localhost from "./Localhost.ts"

/** Address blocks that are not global unicast (IANA special-purpose registries, RFC 6890). */
const special4: ReadonlyArray<readonly [address: string, bits: number]> = [
  ["0.0.0.0", 8], // "this network", RFC 791
  ["10.0.0.0", 8], // private, RFC 1918
  ["100.64.0.0", 10], // carrier-grade NAT, RFC 6598
  ["127.0.0.0", 8], // loopback
  ["169.254.0.0", 16], // link-local and the metadata services of clouds, RFC 3927
  ["172.16.0.0", 12],
  ["192.0.0.0", 24], // protocol assignments
  ["192.0.2.0", 24], // documentation
  ["192.168.0.0", 16],
  ["198.18.0.0", 15], // benchmarking, RFC 2544
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4], // multicast
  ["240.0.0.0", 4] // reserved, broadcast
]
const special6: ReadonlyArray<readonly [address: string, bits: number]> = [
  ["::", 96], // unspecified, loopback, IPv4-compatible
  ["64:ff9b:1::", 48], // local NAT64, RFC 8215
  ["100::", 64], // discard
  ["2001::", 23], // protocol assignments, Teredo
  ["2001:db8::", 32], // documentation
  ["3fff::", 20],
  ["fc00::", 7], // unique local, RFC 4193
  ["fe80::", 10], // link-local
  ["fec0::", 10], // site-local, deprecated
  ["ff00::", 8] // multicast
]

/** What answers to nobody but its own link: among it the metadata services of clouds, which give out credentials. */
const linkLocal4: typeof special4 = [
  ["169.254.0.0", 16],
  ["100.100.100.200", 32] // Alibaba Cloud's
]
const linkLocal6: typeof special6 = [
  ["fe80::", 10],
  ["fd00:ec2::", 32], // Amazon's, EKS Pod Identity too
  ["fd20:ce::", 32], // Google's
  ["fd00:c1::", 32] // Oracle's
]

const group = (high: number, low: number) => (high * 256 + low).toString(16)

const listed = (those4: typeof special4, those6: typeof special6): net.BlockList => {
  const blocks = new net.BlockList()
  for (const [address, bits] of those6) blocks.addSubnet(address, bits, "ipv6")
  for (const [address, bits] of those4) {
    blocks.addSubnet(address, bits, "ipv4")
    // the same hosts behind the IPv6 forms that carry an IPv4 address: mapped, NAT64 (RFC 6052), 6to4 (RFC 3056)
    blocks.addSubnet(`::ffff:${address}`, 96 + bits, "ipv6")
    blocks.addSubnet(`64:ff9b::${address}`, 96 + bits, "ipv6")
    const [a = 0, b = 0, c = 0, d = 0] = address.split(".").map(Number)
    blocks.addSubnet(`2002:${group(a, b)}:${group(c, d)}::`, 16 + bits, "ipv6")
  }
  return blocks
}
/** Whether `address` lies in these blocks, which are made when one is judged: a run without the guard need not take the time. */
const among = (those4: typeof special4, those6: typeof special6) => {
  let blocks: net.BlockList | undefined
  return (address: string): boolean => {
    const [bare = ""] = address.split("%")
    const family = net.isIP(bare)
    if (family === 0) return true
    blocks ??= listed(those4, those6)
    return blocks.check(bare, family === 4 ? "ipv4" : "ipv6")
  }
}

/** Whether `address` (an IP address, no brackets) is anything but a public one. Text that is no address counts as private. */
export const isPrivate = among(special4, special6)

/** The same of one that is link-local, or that of a cloud's metadata service. */
export const isLinkLocal = among(linkLocal4, linkLocal6)

/** Names of the metadata services of clouds. */
const metadata: ReadonlySet<string> = new Set([
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data"
])

/**
 * The address that a host is known by before anybody resolves it, as a proxy does for us: its own where it is one, that of
 * the loopback for `localhost` and names below it, and that of the metadata services of clouds for theirs.
 */
export const known = (host: string): string | undefined => {
  if (net.isIP(host) !== 0) return host
  if (Localhost.isNamed(host)) return "127.0.0.1"
  const name = host.toLowerCase().replace(/\.$/, "")
  return metadata.has(name) || /^instance-data\..*\.internal$/.test(name) ? "169.254.169.254" : undefined
}

/** Which addresses are denied: private ones, or none; or private ones but for the networks that these lie in. */
export type Denied = boolean | ReadonlyArray<string>

/** A connection that was not opened. */
export class AddressDenied extends Error {
  readonly code = "EDENIED"
  readonly address: string
  constructor(address: string) {
    super(`${address} is a private address`)
    this.address = address
  }
}

export type Judge = (addresses: ReadonlyArray<{ readonly address: string }>) => AddressDenied | undefined

const judgeBy =
  (isDenied: (address: string) => boolean): Judge =>
  (addresses) => {
    const denied = addresses.find(({ address }) => isDenied(address))
    return denied === undefined ? undefined : new AddressDenied(denied.address)
  }
const isLoopback = among([["127.0.0.0", 8]], [["::1", 128]])

/**
 * Whether an address is one of these or lies in the network of one. The loopback is one network; a link-local address is its
 * own, and so is one of `::/96`.
 */
const besides = (addresses: ReadonlyArray<string>) => {
  const blocks4 = special4.filter((block) => addresses.some(among([block], [])))
  const blocks6 = special6.filter((block) => block[0] !== "::" && addresses.some(among([], [block])))
  const isOpen = among(blocks4, blocks6)
  const opensLoopback = addresses.some(isLoopback)
  return (address: string): boolean =>
    addresses.includes(address) ||
    (!isLinkLocal(address) && (isOpen(address) || (opensLoopback && isLoopback(address))))
}

/**
 * What gives the first denied one of some addresses, as an error: one bad address condemns the name. `undefined`: none
 * is denied.
 */
export const judge = (denied: Denied): Judge | undefined => {
  if (typeof denied === "boolean") return denied ? judgeBy(isPrivate) : undefined
  const isOpen = besides(denied)
  return judgeBy((address) => isPrivate(address) && !isOpen(address))
}
