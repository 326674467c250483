/**
 * May a target be asked, by its host's robots.txt (RFC 9309)? It stands between
 * the frontier and a target's own request, in runs that obey the file.
 *
 * 1. A host is asked for its robots.txt once in 24 hours, by the first of its
 *    targets and with that one's slot, however often the run is started anew;
 *    with `refresh` once in each run.
 *    Targets that come meanwhile wait for the same answer.
 * 2. Without an answer no target is asked: a file that cannot be had now is a
 *    fault of its host, and its targets go back to the queue until the next try.
 *    An older file counts meanwhile, for 30 days (RFC 9309 2.3.1.4, 2.4).
 * 3. A target that waited is judged by the answer it waited for, remembered or
 *    not: progress needs no memory.
 * 4. `Crawl-delay` is kept by `Politeness.ts`, from the request for the file on.
 * 5. Memory is bounded: 500 KiB of a file are read, of which the group that
 *    concerns us is kept, and the hosts least recently asked about are forgotten.
 * 6. What is archived has every exchange: each answer on the way to a file goes to
 *    the sink in the step in which the file goes to the store, so both are in one
 *    commit. One that is given up for want of anybody who waits is neither's.
 *
 * A redirect is judged where it leads: at once within a host, after its turn at
 * another.
 */
import { WaitReason } from "@simul/core/WaitReason"
import * as Effect from "effect/Effect"
import * as Decode from "./Decode.ts"
import { type FetchReason, type ProxyError, StatusError } from "./FetchError.ts"
import type { Options } from "./Options.ts"
import type { Refusal } from "./Outcome.ts"
import type { Admission, Politeness, Verdict } from "./Politeness.ts"
import { retryAfterMs } from "./RetryAfter.ts"
import * as Robots from "./robots/Robots.ts"
import * as RobotsPolicy from "./robots/RobotsPolicy.ts"
import type { Receiver, RedirectAnswer, ResponseHead, Session, Transfer } from "./Session.ts"
import { type Aside, asideOf, type Sink, type Truncation, truncationBy } from "./Sink.ts"
import type { RunClock } from "./RunClock.ts"
import type { Store, StoreError } from "./Store.ts"
import { asked, type Target } from "./Target.ts"
import * as Url from "./Url.ts"

/**
 * What is to be done with a target: ask it, queue it again, or settle it as refused. `verdict`: what to say of its host
 * when its slot is given back. `proxy`: why its host could not be asked.
 */
export type Ruling =
  | { readonly _tag: "Allowed" }
  | { readonly _tag: "Deferred"; readonly verdict: Verdict | undefined; readonly proxy?: ProxyError }
  | {
      readonly _tag: "Refused"
      readonly verdict: Verdict | undefined
      readonly error: Refusal
    }

/** How much is remembered at most: hosts, and about so many bytes for all their rules. */
export interface Bounds {
  readonly hosts: number
  readonly bytes: number
}

/**
 * The name that we look for in `User-agent` lines: the product token that our User-Agent begins with, for RFC 9309
 * 2.2.1 wants it to be a part of that. `simul` by default, and for a text that begins with none. A version and digits
 * are no part of it: `Bot7/1.0` is `Bot`.
 *
 * @param options a `user-agent` among the headers is what is sent
 */
export const productToken = ({ userAgent, headers }: Pick<Options, "userAgent" | "headers">): string => {
  const sent = headers.findLast(([name]) => name.toLowerCase() === "user-agent")?.[1] ?? userAgent
  return /^[A-Za-z_-]+/.exec(sent.trim())?.[0] ?? "simul"
}

/** The body of an error page is read to its end, to keep the connection, if it is no longer than this. */
const drainBytes = 65_536

const nothing = new Uint8Array()

/** Of a coded body so much is kept to be archived: what is decoded has a bound of its own. */
const keptBytes = 2 * Robots.maxBytes

/** One request for a robots.txt. `done` is called once with the verdict, unless `abort` came first. */
class Asking implements Receiver, Decode.Output {
  /** What was answered, as it came; of one that keeps it. */
  readonly asides: Array<Aside> = []
  onRedirect?: NonNullable<Receiver["onRedirect"]>
  /** The body of the answer as it came, if it is kept. */
  #raw: { readonly dateMs: number; readonly chunks: Array<Uint8Array>; bytes: number } | undefined
  readonly #keeps: boolean
  readonly #done: (verdict: RobotsPolicy.Verdict, body: Uint8Array, reason?: FetchReason) => void
  #transfer: Transfer | undefined
  #head: ResponseHead | undefined
  /** Set for a body that matters. */
  #decoder: Decode.Decoder | undefined
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  #ended = false

  constructor(keeps: boolean, done: (verdict: RobotsPolicy.Verdict, body: Uint8Array, reason?: FetchReason) => void) {
    this.#done = done
    this.#keeps = keeps
    if (keeps) this.onRedirect = this.#redirected
  }

  start(session: Session["Service"], url: string, maxTimeMs: number) {
    this.#transfer = session.open({ url, maxTimeMs }, this)
  }

  abort = () => {
    this.#ended = true
    this.#decoder?.close()
    this.#transfer?.abort()
  }

  // ---- from the session

  readonly #redirected = (answer: RedirectAnswer) => this.asides.push(asideOf(answer))
  onHead = (head: ResponseHead) => {
    this.#head = head
    if (this.#keeps) this.#raw = { dateMs: Date.now(), chunks: [], bytes: 0 }
    if (head.status < 200 || head.status > 299) return
    const decoder = Decode.make(Decode.codings(head.header("content-encoding")), {}, this)
    if ("_tag" in decoder) this.#fail(decoder)
    else this.#decoder = decoder
  }
  onData = (chunk: Uint8Array) => {
    if (this.#ended) return
    if (this.#raw !== undefined) {
      this.#raw.bytes += chunk.length
      if (this.#raw.bytes <= keptBytes) this.#raw.chunks.push(Uint8Array.from(chunk))
    }
    if (this.#decoder === undefined) {
      this.#bytes += chunk.length
      if (this.#bytes > drainBytes) this.#answer("length")
    } else if (!this.#decoder.write(chunk) && !this.#ended) this.#transfer!.pause()
  }
  onEnd = () => {
    if (this.#ended) return
    if (this.#decoder === undefined) this.#answer()
    else this.#decoder.end()
  }
  onError = (reason: FetchReason) => {
    if (this.#ended) return
    if (this.#head !== undefined && this.#decoder === undefined) this.#answer(truncationBy(reason))
    else this.#fail(reason)
  }

  // ---- from the decoder

  data = (chunk: Uint8Array) => {
    if (this.#ended) return
    this.#chunks.push(Uint8Array.from(chunk))
    this.#bytes += chunk.length
    if (this.#bytes > Robots.maxBytes) this.#answer("length")
  }
  drain = () => this.#transfer!.resume()
  end = () => {
    if (!this.#ended) this.#answer()
  }
  error = (reason: FetchReason) => {
    if (!this.#ended) this.#fail(reason)
  }

  // ---- the ends

  #answer(truncated?: Truncation) {
    const head = this.#head!
    const { status } = head
    this.#keep(truncated)
    const body = Buffer.concat(this.#chunks)
    this.abort()
    const verdict = RobotsPolicy.judge({ kind: "response", status, body })
    if (verdict.kind !== "unreachable") return this.#done(verdict, body.subarray(0, Robots.maxBytes + 1))
    const wait = retryAfterMs(head.header("retry-after"), Date.now(), head.header("date"))
    const reason = new StatusError({ status, ...(wait === undefined ? {} : { retryAfterMs: wait }) })
    this.#done(verdict, nothing, reason)
  }
  #fail(reason: FetchReason) {
    this.#keep(truncationBy(reason))
    this.abort()
    const kind = reason._tag === "RedirectError" ? "redirects" : "failed"
    this.#done(RobotsPolicy.judge({ kind }), nothing, reason)
  }
  #keep(truncated: Truncation | undefined) {
    if (this.#raw === undefined) return
    const { dateMs, chunks, bytes } = this.#raw
    const cut = bytes > keptBytes ? "length" : truncated
    const body = Buffer.concat(chunks)
    this.asides.push({ head: this.#head!, dateMs, body, ...(cut === undefined ? {} : { truncated: cut }) })
  }
}

/** What an answer means for the targets of its host. */
interface Known {
  readonly verdict: RobotsPolicy.Verdict
  /** Why nobody knows, if so. */
  readonly fault: string
  /** Because it has a private address, and those are not talked to. */
  readonly isPrivate: boolean
  /** Asking again may help: what is said of the host till then. */
  readonly again: Verdict | undefined
  /** The proxy is at fault. */
  readonly proxy?: ProxyError
  readonly delayMs: number
  /** When it was asked for: milliseconds since the epoch. */
  readonly sinceMs: number
  /** About the bytes that it takes in memory. */
  readonly weight: number
}

/** A host that is being asked, and who waits for it; the first of them asked. */
interface Waiting {
  readonly asking: Asking
  readonly targets: Set<(known: Known) => void>
}

const longestQuote = 200
/** What a remembered host costs: bytes of heap, by its parts. The lines of a file keep the whole of it. */
const weights = { host: 600, byte: 2, rule: 200, piece: 60 }
/** The body has so long, however it trickles. */
const bodyMs = 60_000
const maxAgeMs = RobotsPolicy.maxAgeSeconds * 1000
const maxStaleMs = RobotsPolicy.maxStaleSeconds * 1000
/** An old file counts for so long before the host is asked for a new one again. */
const staleMs = 3_600_000

/** Files that other transfers have are had back soon. */
const filesMs = 1000
/** What a failure that may pass says of the host. */
const mean = (reason: FetchReason, pauseMs: number | undefined): Verdict => {
  if (reason._tag === "ConnectError" && reason.outOfFiles) return { pauseMs: filesMs }
  return { fault: reason.message, ...(pauseMs === undefined ? {} : { pauseMs }) }
}

const allowed: Ruling = { _tag: "Allowed" }
/** What leads there, if it is no URL of a target itself. */
const way = ({ hop }: Target) => (hop === undefined ? "" : `redirects to ${Url.redact(hop.url)}; `)
const unreachable = (target: Target, fault: string, verdict: Verdict | undefined, isPrivate = false): Ruling => ({
  _tag: "Refused",
  verdict,
  error: {
    reason: isPrivate ? "AddressError" : "RobotsUnreachable",
    message: `${way(target)}robots.txt of ${asked(target).host} cannot be had: ${fault}`
  }
})

/** What is kept of a host, seen from now: from its future, it is none. */
const ageMs = ({ askedMs }: RobotsPolicy.Copy, nowMs: number) => (askedMs > nowMs ? Infinity : nowMs - askedMs)

/** Whether a copy counts, so that its host need not be asked. */
export const isCurrent = (copy: RobotsPolicy.Copy, nowMs: number): boolean =>
  copy.kind !== "unreachable" && ageMs(copy, nowMs) < maxAgeMs

export const verdictOf = ({ kind, body = nothing }: RobotsPolicy.Copy): RobotsPolicy.Verdict =>
  kind === "rules" ? { kind, robots: Robots.parse(body) } : { kind }

/**
 * @param services `sink`: of what is archived
 * @param learned told when `copies` has something to give
 */
export const make = (
  services: {
    readonly session: Session["Service"]
    readonly store: Pick<Store["Service"], "robots">
    readonly sink?: Pick<Sink["Service"], "note"> | undefined
    readonly now: RunClock
  },
  politeness: Politeness,
  options: Pick<Options, "userAgent" | "headers" | "delayMs" | "timeoutMs" | "maxTimeMs" | "refresh">,
  learned: () => void = () => {},
  bounds: Bounds = { hosts: 100_000, bytes: 128 << 20 }
) => {
  const { session, store, sink, now } = services
  const token = productToken(options)
  const { maxTimeMs = Infinity } = options
  const startedMs = now()
  const waiting = new Map<string, Waiting>()
  /** The hosts that were asked about least recently come first. */
  const known = new Map<string, Known>()
  let weight = 0
  /** Queued again only for their turn: their answer may be forgotten by then. */
  const cleared = new WeakSet<Target>()
  /** What the store does not have yet. */
  let fresh: Array<RobotsPolicy.Copy> = []

  const forget = (host: string, { delayMs, weight: freed }: Known) => {
    known.delete(host)
    weight -= freed
    if (delayMs > options.delayMs) politeness.setDelay(host, 0, 0)
  }
  const recall = (host: string, nowMs: number): Known | undefined => {
    const found = known.get(host)
    if (found === undefined) return undefined
    if (nowMs - found.sinceMs >= maxAgeMs) {
      forget(host, found)
      return undefined
    }
    known.delete(host)
    known.set(host, found)
    return found
  }
  const remember = (host: string, learned: Known) => {
    known.set(host, learned)
    weight += learned.weight
    // an earlier file may have wanted one
    if (learned.delayMs > options.delayMs || politeness.crawlDelay(host) > 0)
      politeness.setDelay(host, learned.delayMs, learned.sinceMs)
    for (const [oldest, one] of known) {
      if (known.size <= bounds.hosts && weight <= bounds.bytes) break
      forget(oldest, one)
    }
  }

  /** Keeps what concerns us: a file may name thousands of crawlers. */
  const learn = (verdict: RobotsPolicy.Verdict, bytes: number, sinceMs: number, reason?: FetchReason): Known => {
    const isPrivate = reason?._tag === "AddressError"
    const common = {
      fault: reason?.message ?? "",
      isPrivate,
      again: undefined,
      sinceMs,
      delayMs: 0,
      weight: weights.host
    }
    if (verdict.kind === "unreachable") {
      const pauseMs = reason?._tag === "StatusError" ? reason.retryAfterMs : undefined
      // a wait that takes longer than a target may is not begun
      const mayPass = reason?.retryable === true && (pauseMs ?? 0) < maxTimeMs
      const known = { ...common, verdict, again: mayPass ? mean(reason, pauseMs) : undefined }
      return reason?._tag === "ProxyError" ? { ...known, proxy: reason } : known
    }
    const group = verdict.kind === "rules" ? Robots.groupFor(verdict.robots, token) : undefined
    if (group === undefined) return { ...common, verdict: { kind: "unavailable" } }
    const pieces = group.rules.reduce((sum, { pattern }) => sum + pattern.pieces.length, 0)
    return {
      ...common,
      verdict: { kind: "rules", robots: { groups: new Map([[token.toLowerCase(), group]]), sitemaps: [] } },
      delayMs: (group.crawlDelaySeconds ?? 0) * 1000,
      weight: weights.host + weights.byte * bytes + weights.rule * group.rules.length + weights.piece * pieces
    }
  }

  const keep = (copy: RobotsPolicy.Copy) => {
    fresh.push(copy)
    learned()
  }
  /** `old`: what there was, and is too old. */
  const begin = (host: string, old: RobotsPolicy.Copy | undefined): Waiting => {
    const sinceMs = now()
    const asking = new Asking(sink !== undefined, (verdict, body, reason) => {
      waiting.delete(host)
      for (const aside of asking.asides) sink!.note(aside)
      const { kind } = verdict
      let answer: Known
      if (kind === "unreachable" && old !== undefined && old.kind !== kind && ageMs(old, sinceMs) < maxStaleMs)
        answer = learn(verdictOf(old), old.body?.length ?? 0, sinceMs - maxAgeMs + staleMs)
      else {
        answer = learn(verdict, body.length, sinceMs, reason)
        const about = kind === "rules" ? { body } : kind === "unreachable" ? { fault: answer.fault } : {}
        keep({ host, askedMs: sinceMs, kind, ...about })
      }
      if (answer.again === undefined) remember(host, answer)
      for (const resume of begun.targets) resume(answer)
    })
    const begun: Waiting = { asking, targets: new Set() }
    waiting.set(host, begun)
    asking.start(session, RobotsPolicy.locationFor(new URL(host)), Math.min(maxTimeMs, options.timeoutMs + bodyMs))
    return begun
  }
  /** The answer for a host, and whether this call was the one that asked. Given up when nobody waits any more. */
  const ask = (host: string, old: RobotsPolicy.Copy | undefined) =>
    Effect.callback<{ readonly answer: Known; readonly isFirst: boolean }>((resume) => {
      const under = waiting.get(host)
      const { asking, targets } = under ?? begin(host, old)
      const heard = (answer: Known) => resume(Effect.succeed({ answer, isFirst: under === undefined }))
      targets.add(heard)
      return Effect.sync(() => {
        targets.delete(heard)
        if (targets.size > 0) return
        asking.abort()
        if (waiting.get(host)?.asking === asking) waiting.delete(host)
      })
    }).pipe(Effect.provideService(WaitReason, "robots.txt"))

  const judge = (target: Target, { verdict, fault, isPrivate }: Known, said: Verdict): Ruling => {
    const { url, host } = asked(target)
    if (verdict.kind === "unreachable") return unreachable(target, fault, said, isPrivate)
    const { allowed: isAllowed, rule } = RobotsPolicy.decide(verdict, token, url)
    if (isAllowed) return allowed
    const text = rule!.text.length > longestQuote ? `${rule!.text.slice(0, longestQuote)}…` : rule!.text
    const message = `${way(target)}robots.txt line ${rule!.line} of ${host}: ${text}`
    return { _tag: "Refused", verdict: said, error: { reason: "RobotsDisallowed", message } }
  }

  /** What an answer that was waited for means: some time has passed since the target was let through. */
  const ruleBy = (
    target: Target,
    { answer, isFirst }: { readonly answer: Known; readonly isFirst: boolean }
  ): Ruling => {
    const said = isFirst ? "answered" : "unasked"
    const { again, proxy } = answer
    if (again !== undefined)
      return { _tag: "Deferred", verdict: isFirst ? again : said, ...(proxy === undefined ? {} : { proxy }) }
    const ruling = judge(target, answer, said)
    if (ruling._tag !== "Allowed" || politeness.startAgain(asked(target).host, now())) return ruling
    cleared.add(target)
    return { _tag: "Deferred", verdict: said }
  }

  return {
    /**
     * What becomes of a target that was given a slot. Asks its host first, where that is not known from the last 24
     * hours (RFC 9309 2.4). A host that is down is not asked: what is not known then is refused.
     */
    rule: ({ target, down }: Admission): Effect.Effect<Ruling, StoreError> =>
      Effect.suspend(() => {
        if (cleared.delete(target)) return Effect.succeed(allowed)
        const { host } = asked(target)
        const answer = recall(host, now())
        if (answer !== undefined) return Effect.succeed(judge(target, answer, "unasked"))
        if (waiting.has(host)) return Effect.map(ask(host, undefined), (answered) => ruleBy(target, answered))
        return Effect.flatMap(store.robots(host), (copy): Effect.Effect<Ruling> => {
          const nowMs = now()
          if (copy !== undefined && isCurrent(copy, nowMs) && !(options.refresh && copy.askedMs < startedMs)) {
            const keptDelayMs = politeness.crawlDelay(host)
            const answer = learn(verdictOf(copy), copy.body?.length ?? 0, copy.askedMs)
            remember(host, answer)
            // its start was counted without the delay
            const isNew = politeness.crawlDelay(host) > keptDelayMs
            return Effect.succeed(isNew ? ruleBy(target, { answer, isFirst: false }) : judge(target, answer, "unasked"))
          }
          if (down !== undefined) return Effect.succeed(unreachable(target, down.last, undefined))
          return Effect.map(ask(host, copy), (answered) => ruleBy(target, answered))
        })
      }),

    /** What is known of a target at once; `undefined`: its host must be asked, or the store. */
    known: (target: Target): Ruling | undefined => {
      const answer = recall(asked(target).host, now())
      return answer === undefined ? undefined : judge(target, answer, "unasked")
    },

    /** What was learned since the last call, for the store. */
    copies: (): ReadonlyArray<RobotsPolicy.Copy> => {
      const given = fresh
      fresh = []
      return given
    },

    /** Hosts remembered, and about the bytes that they take. */
    statistics: () => ({ hosts: known.size, bytes: weight })
  }
}

export type RobotsTxt = ReturnType<typeof make>
