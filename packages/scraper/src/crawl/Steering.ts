/**
 * Other rules for a crawl while it runs. What they leave out of the queue ends
 * as refused; for what they let in anew, what was left out is taken in again and
 * what is saved is read for links once more, as a new run by these rules would.
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { Change, Reply, Steer } from "../Control.ts"
import type { Line } from "../Pipeline.ts"
import type { Limits, Store } from "../Store.ts"
import * as Url from "../Url.ts"
import type { Following, Rules } from "./Following.ts"
import * as Priorities from "./Priorities.ts"
import * as RulesText from "./RulesText.ts"
import * as Widening from "./Widening.ts"

interface Bounded extends Rules {
  readonly maxPages?: number
  readonly maxPagesPerHost?: number
}

const limitsOf = ({ maxPages, maxPagesPerHost }: Bounded): Limits => ({ maxPages, maxPagesPerHost })

const patterns = (texts: ReadonlyArray<string>) => texts.map(RulesText.pattern)

/** The rules after a change. */
export const changed = (before: Bounded, change: Change): Bounded => {
  const { depth = before.depth ?? null, maxPages = before.maxPages ?? null } = change
  const { maxPagesPerHost = before.maxPagesPerHost ?? null } = change
  const priorities =
    change.priorities?.map(({ pattern, value }) => ({ pattern: RulesText.pattern(pattern), value })) ??
    before.priorities
  return {
    scope: change.scope ?? before.scope,
    include: change.include === undefined ? before.include : patterns(change.include),
    exclude: change.exclude === undefined ? before.exclude : patterns(change.exclude),
    sitemaps: before.sitemaps,
    traps: before.traps,
    ...(priorities === undefined ? {} : { priorities }),
    ...(depth === null ? {} : { depth }),
    ...(maxPages === null ? {} : { maxPages }),
    ...(maxPagesPerHost === null ? {} : { maxPagesPerHost })
  }
}

/** From the narrowest: each lies within the next. */
const reach = ["path", "host", "domain"] as const

const isAmong = (patterns: ReadonlyArray<RegExp>) => {
  const texts = new Set(patterns.map(String))
  return (pattern: RegExp) => texts.has(String(pattern))
}

/** What both rules let in, or less. */
export const common = (one: Rules, other: Rules): Rules => {
  const depth = Math.min(one.depth ?? Infinity, other.depth ?? Infinity)
  const [some, others] = [one.include, other.include]
  const both = some.length === 0 ? others : others.length === 0 ? some : some.filter(isAmong(others))
  return {
    scope: reach.find((scope) => scope === one.scope || scope === other.scope)!,
    // nothing, for no pattern at all lets in everything
    include: both.length === 0 && some.length > 0 ? [/(?!)/u] : both,
    exclude: [...one.exclude, ...other.exclude],
    sitemaps: one.sitemaps,
    traps: one.traps,
    ...(depth === Infinity ? {} : { depth })
  }
}

/** Whether rules may let in what others did not: only then is what is saved read for links once more. */
export const isWider = (before: Rules, after: Rules): boolean => {
  const { include } = before
  return (
    reach.indexOf(after.scope) > reach.indexOf(before.scope) ||
    (include.length > 0 && (after.include.length === 0 || !after.include.every(isAmong(include)))) ||
    !before.exclude.every(isAmong(after.exclude)) ||
    (after.depth ?? Infinity) > (before.depth ?? Infinity)
  )
}

export const make =
  (seeds: ReadonlyArray<string>, begun: Bounded, following: Following) =>
  (line: Line, store: Store["Service"], list: number): Steer => {
    let rules = begun
    /** By which all that is saved was read. */
    let readBy: Rules = begun
    const turn = Semaphore.makeUnsafe(1)

    const widen = Widening.widen(store, list, following, {
      readmit: line.readmit,
      admit: (page, links) => (links.length === 0 ? Effect.succeed(0) : line.admit(page, links))
    })
    const apply = Effect.fnUntraced(function* (change: Change) {
      const before = rules
      const after = changed(before, change)
      const least = common(readBy, after)
      // first: once links are passed over by narrower rules, a run that was killed and one by the rules of before must tell
      if (isWider(least, readBy)) yield* store.ruled(list, RulesText.encode(seeds, least), limitsOf(before))
      readBy = least
      rules = after
      following.change(rules)
      const limits = limitsOf(rules)
      const isLimited = limits.maxPages !== before.maxPages || limits.maxPagesPerHost !== before.maxPagesPerHost
      if (isLimited) {
        // first: once anything is held back by it, a run that was killed and one by the limit of before must tell
        if (limits.maxPagesPerHost !== undefined) yield* store.lowered(list, limits.maxPagesPerHost)
        line.limit(limits)
      }
      const left = yield* line.withdraw
      if (change.priorities !== undefined) {
        const { priorities = [] } = rules
        yield* store.prioritize(list, Priorities.encode(priorities), (url, before) =>
          Priorities.of(priorities, url, before)
        )
        yield* line.putBack
      }
      const found = isWider(readBy, rules) ? yield* widen : 0
      readBy = rules
      yield* store.ruled(list, RulesText.encode(seeds, rules), limits)
      // what was held back by the limit of before can be had only now
      if (isLimited) line.limit(limits)
      return { left, found }
    })
    const steer = Effect.fnUntraced(function* (change: Change | undefined) {
      const { left, found } = change === undefined ? { left: 0, found: 0 } : yield* line.change(apply(change))
      const { scope, include, exclude, priorities = [], depth = null, maxPages = null, maxPagesPerHost = null } = rules
      const texts = { include: include.map(String), exclude: exclude.map(String) }
      const asked = priorities.map(({ pattern, value }) => ({ pattern: String(pattern), value }))
      return {
        _tag: "Scope",
        seeds: seeds.map(Url.redact),
        scope,
        ...texts,
        priorities: asked,
        depth,
        maxPages,
        maxPagesPerHost,
        left,
        found
      } satisfies Reply
    })
    return (change) => turn.withPermits(1)(steer(change))
  }
