/**
 * The servers, the way to them, and what they have seen: a `Session` without a transport.
 *
 * A model: no bytes of HTTP, no connections, no TLS; a request is answered after a latency, its body comes in chunks,
 * and each request may meet a fault. Ranges, If-Range, If-None-Match and entity tags are as RFC 9110 has them, unless one goes
 * `astray`.
 * The servers keep watch over the laws that they can see: who is asked when, and what is asked again.
 */
import { type Randomness, Simulation } from "@simul/core/simulation"
import { createHash } from "node:crypto"
import { ConnectError, type FetchReason, TimeoutError, TruncatedError } from "../../src/FetchError.ts"
import type { Receiver, Request, ResponseHead, Session, Transfer } from "../../src/Session.ts"
import * as Url from "../../src/Url.ts"
import type { Fault, Page, Scenario } from "./Scenario.ts"

export const timeoutMs = 1000

/** A request that was made. */
interface Visit {
  readonly url: string
  readonly host: Host
  readonly startMs: number
  /** The host asked to be left alone until then. */
  pauseUntilMs: number
  ended: boolean
}

interface Host {
  inFlight: number
  /** Starts and pauses of this run, and those that outlived earlier ones. */
  lastStartMs: number
  /** When it asked to be left alone, and until when. */
  pausedSinceMs: number
  pausedUntilMs: number
}

export class Origin {
  readonly struck: Partial<Record<Fault, number>> = {}
  requests = 0
  received = 0
  private readonly scenario: Scenario
  private readonly random: Randomness.Randomness
  private readonly broken: (law: string, detail: string) => void
  private readonly pages: Map<string, Page>
  private readonly versions = new Map<string, number>()
  private hosts = new Map<string, Host>()
  private visits: Array<Visit> = []
  /** Given out whole in this run; saved and committed in any. */
  private readonly delivered = new Set<string>()
  private readonly saved = new Set<string>()
  /** The session's own: it is overwritten after each chunk of any body. */
  private readonly buffer = new Uint8Array(256)
  /** By how much the client's clock was set back: servers do not go back with it. Where it is set on, they do. */
  private behindMs = 0
  /** What of hosts the store has promised to remember. */
  private promised = new Map<Host, { pauseUntilMs: number }>()

  constructor(scenario: Scenario, random: Randomness.Randomness, broken: (law: string, detail: string) => void) {
    this.scenario = scenario
    this.random = random
    this.broken = broken
    this.pages = new Map(scenario.pages.map((page) => [page.url, page]))
  }

  // ---- what there is

  bodyOf(url: string, version: number): Uint8Array {
    const { bytes } = this.pages.get(url)!
    return bodyOf(url, version, bytes)
  }
  /** Whether these are the bytes of a page, in one of its versions. */
  isBodyOf(url: string, bytes: Uint8Array): boolean {
    const latest = this.versions.get(url) ?? 0
    for (let version = 0; version <= latest; version++)
      if (Buffer.compare(this.bodyOf(url, version), bytes) === 0) return true
    return false
  }

  // ---- what outlives a run

  /** The store has an outcome of these, or an attempt that waits for another. */
  committed(settled: ReadonlyArray<{ readonly url: string; readonly saved: boolean }>): void {
    const urls = new Set(settled.map(({ url }) => url))
    for (const visit of this.visits)
      if (visit.ended && urls.has(visit.url)) {
        const { host, pauseUntilMs } = visit
        const before = this.promised.get(host)
        this.promised.set(host, { pauseUntilMs: Math.max(pauseUntilMs, before?.pauseUntilMs ?? 0) })
      }
    for (const { url, saved } of settled) if (saved) this.saved.add(url)
  }

  /** What was saved may be asked for again from now on. */
  refreshes(): void {
    this.saved.clear()
  }

  clockShifted(byMs: number): void {
    this.behindMs -= Math.min(0, byMs)
  }
  /** What a run takes at most. What a host asked for is believed, as it was written down before the clock was set back. */
  mostMs(): number {
    const asked = this.struck.retryAfter ?? this.struck.status
    return 1_000_000 + (asked === undefined ? 0 : this.behindMs)
  }
  private now(): number {
    return Date.now() + this.behindMs
  }

  /** The client is gone. `forgetful`: and its store may have lost what it had promised. */
  hangUp(forgetful: boolean): void {
    if (forgetful) {
      this.promised.clear()
      this.saved.clear()
    }
    for (const host of this.hosts.values()) {
      const promise = this.promised.get(host)
      host.inFlight = 0
      // of a host that the store knows the last start counts, even if that one is not in it
      if (promise === undefined) host.lastStartMs = -Infinity
      host.pausedSinceMs = -Infinity
      host.pausedUntilMs = promise?.pauseUntilMs ?? 0
    }
    this.visits = []
    this.delivered.clear()
  }

  /** After a clean stop nobody may be connected. */
  checkIdle(): void {
    for (const [name, { inFlight }] of this.hosts)
      if (inFlight > 0) this.broken("no request outlives its run", `${inFlight} at ${name}`)
  }

  // ---- the laws that servers see

  private arrives(url: string): Visit {
    const { perHost, delayMs } = this.scenario
    const name = Url.origin(url)
    let host = this.hosts.get(name)
    if (host === undefined)
      this.hosts.set(name, (host = { inFlight: 0, lastStartMs: -Infinity, pausedSinceMs: -Infinity, pausedUntilMs: 0 }))
    const startMs = this.now()
    const at = `${url} at ${startMs} ms`
    if (host.inFlight >= perHost) this.broken("no host has more than its slots", `${at}: ${host.inFlight} in flight`)
    if (startMs < host.lastStartMs + delayMs)
      this.broken("no host is asked sooner than its delay", `${at}: ${startMs - host.lastStartMs} ms after another`)
    // in the instant of that answer a request that was let through before it may still be on its way to the wire
    if (startMs > host.pausedSinceMs && startMs < host.pausedUntilMs)
      this.broken("no host is asked before its Retry-After", `${at}: not before ${host.pausedUntilMs} ms`)
    if (this.saved.has(url)) this.broken("nothing that was saved and committed is fetched again", at)
    if (this.delivered.has(url)) this.broken("nothing that came whole is fetched again", at)
    host.inFlight++
    host.lastStartMs = startMs
    const visit: Visit = { url, host, startMs, pauseUntilMs: 0, ended: false }
    this.visits.push(visit)
    return visit
  }
  private leaves(visit: Visit) {
    if (visit.ended) return
    visit.ended = true
    visit.host.inFlight--
    if (visit.pauseUntilMs <= visit.host.pausedUntilMs) return
    visit.host.pausedSinceMs = this.now()
    visit.host.pausedUntilMs = visit.pauseUntilMs
  }

  private strikes(fault: Fault): boolean {
    const chance = this.scenario.faults[fault] ?? 0
    if (chance === 0 || this.random() >= chance) return false
    this.struck[fault] = (this.struck[fault] ?? 0) + 1
    return true
  }
  private between(least: number, most: number) {
    return least + Math.floor(this.random() * (most - least + 1))
  }

  // ---- the session

  readonly session: Session["Service"] = {
    open: (request, receiver) => this.open(request, receiver),
    statistics: () => ({ requests: this.requests, redirects: 0, inFlight: 0, bytesReceived: this.received })
  }

  private open({ url, headers = {} }: Request, receiver: Receiver): Transfer {
    Simulation.operation()
    this.requests++
    const visit = this.arrives(url)
    let paused = false
    let waiting: (() => void) | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const later = (ms: number, run: () => void) => {
      timer = setTimeout(() => {
        Simulation.operation()
        if (paused) waiting = run
        else run()
      }, ms)
    }
    const end = (reason?: FetchReason) => {
      this.leaves(visit)
      if (reason === undefined) receiver.onEnd()
      else receiver.onError(reason)
    }
    const transfer: Transfer = {
      pause: () => {
        paused = true
      },
      resume: () => {
        paused = false
        const run = waiting
        waiting = undefined
        if (run !== undefined) later(1, run)
      },
      abort: () => {
        if (visit.ended) return
        // who does not wait for the end of an answer has not heard it
        visit.pauseUntilMs = 0
        this.leaves(visit)
        clearTimeout(timer)
      }
    }

    const latency = this.between(1, 20)
    if (this.strikes("refused")) {
      later(latency, () => end(new ConnectError({ host: Url.origin(url), code: "ECONNREFUSED" })))
      return transfer
    }
    if (this.strikes("silent")) {
      later(timeoutMs, () => end(new TimeoutError({ phase: "headers", ms: timeoutMs })))
      return transfer
    }
    later(latency, () => {
      const answer = this.answer(url, headers)
      if (answer.retryAfter !== undefined) visit.pauseUntilMs = this.now() + 1000 * answer.retryAfter
      const { body, declared } = answer
      const cutAt = body.length > 0 && this.strikes("cut") ? this.between(0, body.length - 1) : undefined
      const stallAt = body.length > 0 && this.strikes("stall") ? this.between(0, body.length - 1) : undefined
      const endAt = Math.min(cutAt ?? Infinity, stallAt ?? Infinity, body.length)
      receiver.onHead(headOf(answer, url))
      const { buffer } = this
      let at = 0
      const next = () => {
        if (visit.ended) return
        if (at < endAt) {
          const size = Math.min(this.between(1, buffer.length), endAt - at)
          buffer.set(body.subarray(at, at + size))
          at += size
          this.received += size
          receiver.onData(buffer.subarray(0, size))
          buffer.fill(0xff)
          if (!visit.ended) later(this.between(1, 20), next)
        } else if (at === stallAt) later(timeoutMs, () => end(new TimeoutError({ phase: "body", ms: timeoutMs })))
        else if (at === cutAt) end(new TruncatedError({ received: at, ...(declared ? { expected: body.length } : {}) }))
        else {
          // unless it could not be written
          if (answer.whole && Object.keys(this.scenario.diskFaults).length === 0) this.delivered.add(url)
          end()
        }
      }
      if (!visit.ended) later(1, next)
    })
    return transfer
  }

  private answer(url: string, headers: Readonly<Record<string, string>>): Answer {
    const { kind, validator, declared, bytes } = this.pages.get(url)!
    const plain = (status: number, retryAfter?: number): Answer => ({
      status,
      fields: retryAfter === undefined ? {} : { "retry-after": `${retryAfter}` },
      body: Buffer.from("sorry"),
      declared: true,
      whole: false,
      retryAfter
    })
    if (this.strikes("retryAfter")) return plain(this.random() < 0.5 ? 429 : 503, this.between(1, 5))
    if (this.strikes("status")) return plain([429, 500, 502, 503][this.between(0, 3)]!)
    if (kind === "gone") return plain(404)
    if (kind === "broken") return plain(500)
    let version = this.versions.get(url) ?? 0
    if (this.strikes("changed")) this.versions.set(url, ++version)
    const body = bodyOf(url, version, bytes)
    const tag = `"${version}"`
    const fields: Record<string, string> =
      validator === "none" ? {} : { etag: validator === "strong" ? tag : `W/${tag}` }
    if (fields["etag"] !== undefined && headers["if-none-match"] === fields["etag"])
      return { status: 304, fields, body: new Uint8Array(0), declared: false, whole: true }
    const range = /^bytes=(\d+)-$/.exec(headers["range"] ?? "")
    const whole: Answer = { status: 200, fields, body, declared, whole: true }
    if (range === null) return whole
    const asked = Number(range[1])
    // one that keeps no range gives the whole, another part, or one of whatever version it has
    const isAstray = this.strikes("astray")
    const from = isAstray ? Math.max(0, asked + this.between(-1, 1)) : asked
    const isKept = isAstray ? this.random() < 0.7 : (headers["if-range"] ?? tag) === tag
    if (!isKept) return whole
    if (from >= body.length) return { ...plain(416), fields: { ...fields, "content-range": `bytes */${body.length}` } }
    return {
      ...whole,
      status: 206,
      fields: { ...fields, "content-range": `bytes ${from}-${body.length - 1}/${body.length}` },
      body: body.subarray(from),
      whole: false
    }
  }
}

interface Answer {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Tells its length. */
  readonly declared: boolean
  /** When it has come, the client has all of the page, whatever it had before. */
  readonly whole: boolean
  readonly retryAfter?: number | undefined
}

const headOf = ({ status, fields, body, declared }: Answer, url: string): ResponseHead => {
  const all: Readonly<Record<string, string>> = declared ? { ...fields, "content-length": `${body.length}` } : fields
  return { status, url, header: (name) => all[name] }
}

const bodies = new Map<string, Uint8Array>()
/** Bytes that differ everywhere from page to page and from version to version. */
const bodyOf = (url: string, version: number, bytes: number): Uint8Array => {
  const key = `${url} ${version} ${bytes}`
  let body = bodies.get(key)
  if (body === undefined) {
    const seed = createHash("sha256").update(key).digest()
    body = Uint8Array.from({ length: bytes }, (_, index) => 1 + ((seed[index % 32]! + index * 7) % 250))
    bodies.set(key, body)
  }
  return body
}
