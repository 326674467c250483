/**
 * What would become of a URL, and which rule decides: the checks of a run, in
 * their order, made without it.
 *
 * 1. What the store of a directory knows is taken from there: the rules of its
 *    crawl, what is queued, saved or refused, robots.txt, the clock of the host.
 * 2. A host is asked for its robots.txt only where nothing else decides and no
 *    copy counts, and not while it is to be left alone. Nothing else is asked for,
 *    and nothing is kept.
 * 3. The first check that says no decides; the others are told all the same.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Exclusion from "./crawl/Exclusion.ts"
import { scopeOf } from "./crawl/Following.ts"
import * as Priorities from "./crawl/Priorities.ts"
import * as RulesText from "./crawl/RulesText.ts"
import * as UrlKey from "./crawl/UrlKey.ts"
import * as Links from "./extract/Links.ts"
import { StatusError } from "./FetchError.ts"
import { complete, type Options } from "./Options.ts"
import * as Politeness from "./Politeness.ts"
import * as Robots from "./robots/Robots.ts"
import * as RobotsPolicy from "./robots/RobotsPolicy.ts"
import * as RobotsTxt from "./RobotsTxt.ts"
import { Session } from "./Session.ts"
import * as FileName from "./sink/FileName.ts"
import * as SavedPages from "./sink/SavedPages.ts"
import * as Directory from "./store/Directory.ts"
import type * as SqlInspect from "./store/SqlInspect.ts"
import type { Target } from "./Target.ts"
import * as Url from "./Url.ts"

/** `file`: saved already; `wait`: it would be asked later; `fetch`: it would be asked; `refuse`: it would not. */
export interface Decision {
  readonly what: "saved" | "fetch" | "wait" | "refuse"
  /**
   * The rule: `store`, the reason of an `Exclusion`, `Trap`, `nofollow`, `unlinked`, `max-pages`, `max-pages-per-host`,
   * `robots`, `retry-after`, `back-off`, `delay`, `retry`, `turn`, or `none`.
   */
  readonly by: string
  readonly message: string
  /** Not before: milliseconds since the epoch. */
  readonly untilMs?: number
}

/** What pages of a crawl say of a URL that it does not know. */
export interface Linked {
  /** The first page with a link that would be followed. */
  readonly by?: string
  /** The first page that has only such links as are not to be followed, and why. */
  readonly nofollow?: { readonly page: string; readonly source: string }
  /** Pages that were read, and whether these are all. */
  readonly pages: number
  readonly all: boolean
}

/** What the robots.txt of a host says of a URL. */
export interface RobotsSaid {
  readonly allowed: boolean
  readonly kind: RobotsPolicy.Verdict["kind"]
  /** Absent where no line decides. */
  readonly rule?: { readonly line: number; readonly text: string; readonly group: string }
  readonly crawlDelay?: { readonly seconds: number; readonly line: number; readonly text: string }
  /** Why it cannot be had. */
  readonly fault?: string
  /** When it was asked, and whether that was now. */
  readonly askedMs: number
  readonly isNew: boolean
}

/** All that bears on a URL, as a run goes through it; `decision` is what comes of it. */
export interface Explanation {
  readonly url: string
  /** Where its body goes, below the directory. */
  readonly file: string
  readonly target?: SqlInspect.Found
  /** Set for a directory with a crawl. */
  readonly scope?: { readonly by: string; readonly message: string; readonly excluded: boolean }
  readonly linked?: Linked
  /** Set where a pattern gives it one. */
  readonly priority?: { readonly value: number; readonly pattern: string }
  readonly maxPages?: { readonly saved: number; readonly most: number }
  readonly maxPagesPerHost?: { readonly host: string; readonly saved: number; readonly most: number }
  /** Absent where it does not count, or was not asked. */
  readonly robots?: RobotsSaid
  readonly host?: Politeness.HostClock
  readonly decision: Decision
}

/** Saved pages that are read for a link, at most. */
const mostPages = 10_000

const linkedBy = Effect.fnUntraced(function* (directory: string, url: string, obeys: boolean, token: string) {
  const key = UrlKey.of(url)
  let by: string | undefined
  let nofollow: Linked["nofollow"]
  let pages = 0
  const look = (saved: SavedPages.SavedPage) => {
    pages++
    if (saved.url === undefined || saved.body._tag === "Failure") return
    const found: Array<Links.Link> = []
    const { contentType = "text/html" } = saved
    const reading = new Links.Links({ url: saved.url, contentType, token }, (link) => {
      if (UrlKey.of(link.url) === key) found.push(link)
    })
    reading.write(saved.body.success)
    const { robots } = reading.end()
    const open = found.find((link) => !obeys || !(link.nofollow || (robots.nofollow && link.kind !== "resource")))
    if (open !== undefined) by = saved.url
    else if (found.length > 0)
      nofollow ??= { page: saved.url, source: robots.nofollow ? "<meta name=robots>" : `rel="${found[0]!.rel}"` }
  }
  yield* SavedPages.at(directory).pipe(
    Stream.take(mostPages),
    Stream.tap((saved) => Effect.sync(() => look(saved))),
    Stream.takeUntil(() => by !== undefined),
    Stream.runDrain
  )
  const linked: Linked = {
    ...(by === undefined ? {} : { by }),
    ...(nofollow === undefined ? {} : { nofollow }),
    pages,
    all: pages < mostPages
  }
  return linked
})

/** What robots.txt says, by a copy of it. */
const said = (copy: RobotsPolicy.Copy, url: string, token: string, isNew: boolean): RobotsSaid => {
  const verdict = RobotsPolicy.verdictOf(copy)
  const { allowed, rule } = RobotsPolicy.decide(verdict, token, url)
  const group = verdict.kind === "rules" ? Robots.groupFor(verdict.robots, token) : undefined
  return {
    allowed,
    kind: copy.kind,
    ...(rule === undefined ? {} : { rule }),
    ...(group?.crawlDelayLine === undefined
      ? {}
      : { crawlDelay: { seconds: group.crawlDelaySeconds!, ...group.crawlDelayLine } }),
    ...(copy.fault === undefined ? {} : { fault: copy.fault }),
    askedMs: copy.askedMs,
    isNew
  }
}

/** Asks a host for its robots.txt. `old`: what there is, and is too old; it counts where the host does not give another. */
const ask = Effect.fnUntraced(function* (target: Target, old: RobotsPolicy.Copy | undefined, options: Options) {
  const session = yield* Session
  const backoff = { baseMs: 0, random: () => 0 }
  const politeness = Politeness.make({ perHost: 1, delayMs: 0, strikes: 0, backoff, robots: true })
  const robots = RobotsTxt.make(
    { session, store: { robots: () => Effect.succeed(old) }, now: Date.now },
    politeness,
    options
  )
  const ruling = yield* robots.rule({ target })
  const copy = robots.copies()[0] ?? old
  if (copy !== undefined) return copy
  // what a proxy says is kept by nobody
  const reason = ruling._tag === "Allowed" ? new StatusError({ status: 407 }) : ruling.proxy!
  return { host: target.host, askedMs: Date.now(), kind: "unreachable", fault: reason.message } as const
})

/**
 * Explains a URL as `Url.parse` gives it. `options` say where the store is, whether robots.txt is obeyed, and how a host
 * is asked.
 */
export const explain = Effect.fnUntraced(function* (url: string, options: Options) {
  const nowMs = Date.now()
  const token = RobotsTxt.productToken(options)
  const inspect = yield* Directory.inspect(options.directory)
  const known = yield* inspect(url)
  const { target, crawl, host } = known

  const rules = crawl && RulesText.decode(crawl.rules)
  const scope = rules && scopeOf(rules.seeds, rules.rules)
  const isNew = target === undefined && rules !== undefined
  let depth = target?.depth ?? 0
  const decided = () => scope?.decide({ url, depth, isResource: target?.isResource ?? false })
  let decision = decided()
  let linked: Linked | undefined
  if (isNew && decision?._tag === "InScope" && decision.by !== "seed") {
    linked = yield* linkedBy(options.directory, url, options.robots, token)
    if (linked.by !== undefined) {
      depth = Math.max(0, (yield* inspect(linked.by)).target?.depth ?? 0) + 1
      decision = decided()
    }
  }
  const exclusion = decision && Exclusion.of(decision)
  const by = decision === undefined ? "" : decision._tag === "InScope" ? decision.by : decision._tag

  const maxPages = crawl?.most === undefined ? undefined : { saved: crawl.saved, most: crawl.most }
  const priority = Priorities.find(Priorities.decode(crawl?.priorities ?? "[]"), url)
  const trap = known.trap !== undefined && (target?.depth ?? 1) > 0 ? Exclusion.ofTrap(known.trap) : undefined
  const maxPagesPerHost = crawl?.ofHost
  const early = ruled(target, exclusion ?? trap, linked, maxPages, maxPagesPerHost)
  const isLeftAlone = host !== undefined && host.pausedMs > nowMs
  const copy = known.robots
  let robots: RobotsSaid | undefined
  if (options.robots) {
    if (copy !== undefined && (isLeftAlone || RobotsPolicy.isCurrent(copy, nowMs)))
      robots = said(copy, url, token, false)
    else if (!isLeftAlone && early === undefined) {
      const asked = yield* ask({ url, host: Url.origin(url), path: "", attempts: 0 }, copy, options)
      robots = said(asked, url, token, asked !== copy)
    }
  }

  const explanation = complete<Omit<Explanation, "decision">>(
    { url: Url.redact(url), file: FileName.fromUrl(url) },
    {
      target,
      scope: decision && { by, message: exclusion?.message ?? inScope(by), excluded: exclusion !== undefined },
      linked,
      priority: priority && { value: priority.value, pattern: priority.pattern.source.replaceAll("\\/", "/") },
      maxPages,
      maxPagesPerHost,
      robots,
      host
    }
  )
  return { ...explanation, decision: early ?? decide(explanation, nowMs) } satisfies Explanation
}, Effect.scoped)

const inScope = (by: string) =>
  by === "seed" ? "a seed" : by === "resource" ? "a page needs it to be shown" : `within the ${by} of a seed`

const refuse = (by: string, message: string): Decision => ({ what: "refuse", by, message })

/** What decides without a look at the host. */
const ruled = (
  target: Explanation["target"],
  exclusion: { readonly reason: string; readonly message: string } | undefined,
  linked: Explanation["linked"],
  maxPages: Explanation["maxPages"],
  ofHost: Explanation["maxPagesPerHost"]
): Decision | undefined => {
  const outcome = target !== undefined && "outcome" in target.entry ? target.entry.outcome : undefined
  if (outcome?._tag === "Saved" || outcome?._tag === "Unchanged")
    return { what: "saved", by: "store", message: outcome.path }
  if (exclusion !== undefined) return refuse(exclusion.reason, exclusion.message)
  if (linked !== undefined && linked.by === undefined)
    return linked.nofollow === undefined
      ? refuse("unlinked", "no saved page links to it")
      : refuse("nofollow", `${linked.nofollow.page} links to it with ${linked.nofollow.source}`)
  if (maxPages !== undefined && maxPages.saved >= maxPages.most)
    return refuse("max-pages", `${maxPages.saved} of ${maxPages.most} pages are saved`)
  if (ofHost !== undefined && ofHost.saved >= ofHost.most)
    return refuse("max-pages-per-host", `${ofHost.saved} of ${ofHost.most} pages of ${ofHost.host} are saved`)
  return undefined
}

const decide = ({ target, robots, host, url }: Omit<Explanation, "decision">, nowMs: number): Decision => {
  const origin = Url.origin(url)
  if (robots !== undefined && !robots.allowed)
    return robots.rule === undefined
      ? refuse("robots", `robots.txt of ${origin} cannot be had: ${robots.fault ?? ""}`)
      : refuse("robots", `robots.txt line ${robots.rule.line} of ${origin}: ${robots.rule.text}`)
  const wait = (by: string, untilMs: number, message: string): Decision => ({ what: "wait", by, message, untilMs })
  if (host !== undefined && host.pausedMs > nowMs)
    return host.asked
      ? wait("retry-after", host.pausedMs, "its host asked to be left alone (Retry-After)")
      : wait("back-off", host.pausedMs, `its host failed ${host.strikes} times in a row: ${host.fault}`)
  if (target?.dueMs !== undefined && target.dueMs > nowMs)
    return "pending" in target.entry && target.entry.pending.attempts > 0
      ? wait("retry", target.dueMs, "it failed, and waits for another attempt")
      : wait("turn", target.dueMs, "its turn comes then")
  if (host !== undefined && host.nextMs > nowMs) {
    const line = robots?.crawlDelay
    const isCrawlDelay = host.crawlDelayMs > 0 && host.crawlDelayMs === host.delayMs
    const why =
      isCrawlDelay && line !== undefined
        ? `robots.txt line ${line.line}: ${line.text}`
        : "the pause between two requests"
    return wait("delay", host.nextMs, why)
  }
  const pending = target !== undefined && "pending" in target.entry
  const message =
    target?.isLeased === true ? "the run that works there has it" : pending ? "it is queued" : "nothing is against it"
  return { what: "fetch", by: "none", message }
}
