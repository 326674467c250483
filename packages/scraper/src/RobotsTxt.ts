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
 * another, which is sent none of the fields that are the user's own.
 */
import { WaitReason } from "@simul/core/WaitReason"
import * as Effect from "effect/Effect"
import type { FetchReason, ProxyError } from "./FetchError.ts"
import type { Options } from "./Options.ts"
import type { Refusal } from "./Outcome.ts"
import type { Admission, Politeness, Verdict } from "./Politeness.ts"
import * as HostRules from "./robots/HostRules.ts"
import * as RobotsMemory from "./robots/RobotsMemory.ts"
import * as RobotsPolicy from "./robots/RobotsPolicy.ts"
import { RobotsRequest } from "./robots/RobotsRequest.ts"
import type { Session } from "./Session.ts"
import type { Sink } from "./Sink.ts"
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
      /** Set where nobody knows for want of this proxy. */
      readonly proxy?: ProxyError
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

/** A host that is being asked, and who waits for it; the first of them asked. */
interface Waiting {
  readonly asking: RobotsRequest
  readonly targets: Set<(rules: HostRules.HostRules) => void>
}

const longestQuote = 200
/** The body has so long, however it trickles. */
const bodyMs = 60_000
/** An old file counts for so long before the host is asked for a new one again. */
const staleMs = 3_600_000

/** What a proxy says is nothing to remember of a host: by another one, or with credentials, it is something else. */
const isOfProxy = (reason: FetchReason | undefined): boolean =>
  reason?._tag === "ProxyError" || (reason?._tag === "StatusError" && reason.status === 407)
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
  bounds: RobotsMemory.Bounds = { hosts: 100_000, bytes: 128 << 20 }
) => {
  const { session, store, sink, now } = services
  const token = productToken(options)
  const { maxTimeMs = Infinity } = options
  const judging = { token, maxTimeMs }
  const memory = RobotsMemory.make(politeness, options.delayMs, bounds)
  const startedMs = now()
  const waiting = new Map<string, Waiting>()
  /** Queued again only for their turn: their answer may be forgotten by then. */
  const cleared = new WeakSet<Target>()
  /** What the store does not have yet. */
  let fresh: Array<RobotsPolicy.Copy> = []

  const rulesOf = (copy: RobotsPolicy.Copy, sinceMs: number) =>
    HostRules.of(judging, RobotsPolicy.verdictOf(copy), copy.body?.length ?? 0, sinceMs)
  const keep = (copy: RobotsPolicy.Copy) => {
    fresh.push(copy)
    learned()
  }
  /** `old`: what there was, and is too old. */
  const begin = (target: Target, old: RobotsPolicy.Copy | undefined): Waiting => {
    const { host } = asked(target)
    const sinceMs = now()
    const asking = new RobotsRequest(sink !== undefined, (verdict, body, reason) => {
      waiting.delete(host)
      for (const aside of asking.asides) sink!.note(aside)
      const { kind } = verdict
      let answer: HostRules.HostRules
      if (
        kind === "unreachable" &&
        old !== undefined &&
        old.kind !== kind &&
        RobotsPolicy.ageMs(old, sinceMs) < RobotsPolicy.maxStaleMs
      )
        answer = rulesOf(old, sinceMs - RobotsPolicy.maxAgeMs + staleMs)
      else {
        answer = HostRules.of(judging, verdict, body.length, sinceMs, reason)
        const about = kind === "rules" ? { body } : kind === "unreachable" ? { fault: answer.fault } : {}
        if (!isOfProxy(reason)) keep({ host, askedMs: sinceMs, kind, ...about })
      }
      if (answer.again === undefined && !isOfProxy(reason)) memory.remember(host, answer)
      for (const resume of begun.targets) resume(answer)
    })
    const begun: Waiting = { asking, targets: new Set() }
    waiting.set(host, begun)
    asking.start(session, {
      url: RobotsPolicy.locationFor(new URL(host)),
      maxTimeMs: Math.min(maxTimeMs, options.timeoutMs + bodyMs),
      isForeign: host !== target.host
    })
    return begun
  }
  /** The answer for a host, and whether this call was the one that asked. Given up when nobody waits any more. */
  const ask = (target: Target, old: RobotsPolicy.Copy | undefined) =>
    Effect.callback<{ readonly answer: HostRules.HostRules; readonly isFirst: boolean }>((resume) => {
      const { host } = asked(target)
      const under = waiting.get(host)
      const { asking, targets } = under ?? begin(target, old)
      const heard = (answer: HostRules.HostRules) => resume(Effect.succeed({ answer, isFirst: under === undefined }))
      targets.add(heard)
      return Effect.sync(() => {
        targets.delete(heard)
        if (targets.size > 0) return
        asking.abort()
        if (waiting.get(host)?.asking === asking) waiting.delete(host)
      })
    }).pipe(Effect.provideService(WaitReason, "robots.txt"))

  const judge = (target: Target, { verdict, fault, isPrivate }: HostRules.HostRules, said: Verdict): Ruling => {
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
    { answer, isFirst }: { readonly answer: HostRules.HostRules; readonly isFirst: boolean }
  ): Ruling => {
    const said = isFirst ? "answered" : "unasked"
    const { again, proxy } = answer
    if (again !== undefined)
      return { _tag: "Deferred", verdict: isFirst ? again : said, ...(proxy === undefined ? {} : { proxy }) }
    const ruling = judge(target, answer, said)
    if (ruling._tag === "Refused" && proxy !== undefined) return { ...ruling, proxy }
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
        const answer = memory.recall(host, now())
        if (answer !== undefined) return Effect.succeed(judge(target, answer, "unasked"))
        if (waiting.has(host)) return Effect.map(ask(target, undefined), (answered) => ruleBy(target, answered))
        return Effect.flatMap(store.robots(host), (copy): Effect.Effect<Ruling> => {
          const nowMs = now()
          if (
            copy !== undefined &&
            RobotsPolicy.isCurrent(copy, nowMs) &&
            !(options.refresh && copy.askedMs < startedMs)
          ) {
            const keptDelayMs = politeness.crawlDelay(host)
            const answer = rulesOf(copy, copy.askedMs)
            memory.remember(host, answer)
            // its start was counted without the delay
            const isNew = politeness.crawlDelay(host) > keptDelayMs
            return Effect.succeed(isNew ? ruleBy(target, { answer, isFirst: false }) : judge(target, answer, "unasked"))
          }
          if (down !== undefined) return Effect.succeed(unreachable(target, down.last, undefined))
          return Effect.map(ask(target, copy), (answered) => ruleBy(target, answered))
        })
      }),

    /** What is known of a target at once; `undefined`: its host must be asked, or the store. */
    known: (target: Target): Ruling | undefined => {
      const answer = memory.recall(asked(target).host, now())
      return answer === undefined ? undefined : judge(target, answer, "unasked")
    },

    /** What was learned since the last call, for the store. */
    copies: (): ReadonlyArray<RobotsPolicy.Copy> => {
      const given = fresh
      fresh = []
      return given
    },

    statistics: memory.statistics
  }
}

export type RobotsTxt = ReturnType<typeof make>
