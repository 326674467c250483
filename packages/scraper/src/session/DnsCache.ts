/**
 * Host names to addresses, remembered.
 *
 * Names are resolved by the system (`getaddrinfo`: hosts file, search domains),
 * which does not tell lifetimes, so an answer is believed for a fixed time. All
 * addresses of a host are kept in the order to try them: families in turn (RFC 8305
 * 4), as one of them may lead nowhere, and first the one that was connected to last.
 * Lookups of one name at one time are one. `localhost` has both
 * addresses of the loopback.
 */
import type { LookupAddress } from "node:dns"
import * as dns from "node:dns"
import { isIP } from "node:net"
import * as Localhost from "./Localhost.ts"

/** Resolves a name to all its addresses, in the order to try them. */
export type Resolve = (
  host: string,
  callback: (error: NodeJS.ErrnoException | null, addresses: ReadonlyArray<LookupAddress>) => void
) => void

export interface Options {
  readonly resolve?: Resolve
  /** Names remembered; the least recently asked for goes first. */
  readonly capacity?: number
  readonly ttlMs?: number
  /** How long a failure is believed. */
  readonly negativeTtlMs?: number
  readonly now?: () => number
}

interface Answer {
  readonly error: NodeJS.ErrnoException | null
  readonly addresses: ReadonlyArray<LookupAddress>
}

interface Entry {
  answer?: Answer
  /** Not after this, by `now`; unbounded while the answer is awaited. */
  until: number
  readonly waiting: Array<(answer: Answer) => void>
}

const system: Resolve = (host, callback) =>
  dns.lookup(host, { all: true }, (error, addresses) => callback(error, addresses ?? []))

const inTurn = (found: ReadonlyArray<LookupAddress>) => {
  const place = (one: LookupAddress) => found.filter(({ family }) => family === one.family).indexOf(one)
  return found.toSorted((one, other) => place(one) - place(other))
}

const notFound = (host: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`no address for ${host}`), { code: "ENOTFOUND", syscall: "getaddrinfo", hostname: host })

export class DnsCache {
  readonly #entries = new Map<string, Entry>()
  readonly #resolve: Resolve
  readonly #capacity: number
  readonly #ttlMs: number
  readonly #negativeTtlMs: number
  readonly #now: () => number

  constructor(options: Options = {}) {
    this.#resolve = options.resolve ?? system
    this.#capacity = options.capacity ?? 4096
    this.#ttlMs = options.ttlMs ?? 60_000
    this.#negativeTtlMs = options.negativeTtlMs ?? 2_000
    this.#now = options.now ?? (() => performance.now())
  }

  /** All addresses of `host`, one at least: an address is its own. `callback` never runs before this returns. */
  addresses(host: string, callback: (error: Error | null, addresses: ReadonlyArray<LookupAddress>) => void): void {
    const reply = ({ error, addresses }: Answer) =>
      callback(error ?? (addresses.length === 0 ? notFound(host) : null), addresses)
    const family = isIP(host)
    if (family !== 0) return process.nextTick(callback, null, [{ address: host, family }])
    const known = this.#entries.get(host)
    if (known === undefined || known.until <= this.#now()) {
      this.#ask(host, reply)
      return
    }
    this.#entries.delete(host)
    this.#entries.set(host, known)
    if (known.answer === undefined) known.waiting.push(reply)
    else process.nextTick(reply, known.answer)
  }

  /** A connection to this address of `host` came first, and can be used: it is tried first from now on. */
  prefer(host: string, preferred: string): void {
    const entry = this.#entries.get(host)
    if (entry?.answer === undefined) return
    const { error, addresses } = entry.answer
    const isOther = ({ address }: LookupAddress) => Number(address !== preferred)
    if (addresses[0]?.address !== preferred)
      entry.answer = { error, addresses: addresses.toSorted((one, other) => isOther(one) - isOther(other)) }
  }

  #ask(host: string, reply: (answer: Answer) => void) {
    const entry: Entry = { until: Infinity, waiting: [reply] }
    this.#entries.delete(host)
    this.#entries.set(host, entry)
    if (this.#entries.size > this.#capacity) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    this.#resolve(host, (fault, found) => {
      const addresses = inTurn(Localhost.complete(host, found))
      const error = addresses.length > 0 ? null : fault
      const answer = { error, addresses }
      entry.answer = answer
      entry.until = this.#now() + (error === null ? this.#ttlMs : this.#negativeTtlMs)
      for (const waiting of entry.waiting.splice(0)) process.nextTick(waiting, answer)
    })
  }
}
