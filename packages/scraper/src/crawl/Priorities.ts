/**
 * What of a site comes first: patterns of URLs, and how much each of them matters. Among what matters as much to the user,
 * what the site's own sitemap puts higher comes first; then the nearest to a seed.
 */
import type { Entry } from "../extract/Sitemap.ts"

/** What matches comes before what has less; what matches nothing has 0. */
export interface Priority {
  readonly pattern: RegExp
  /** A whole number from -100 to 100. */
  readonly value: number
}

/** The least and the most that a pattern may have. */
export const bound = 100

/** The first of them that matches a URL decides. */
export const find = (priorities: ReadonlyArray<Priority>, url: string): Priority | undefined =>
  priorities.find(({ pattern }) => pattern.test(url))

/** More than what a sitemap says counts for, so that it decides only between what has the same value. */
const step = 16

/** Between -8 and 7: what a sitemap says of a page that has this priority as a target. */
const saidIn = (priority: number) => priority - step * Math.floor((priority + step / 2) / step)

/** The priority of a target: more is sooner. `before`: what it had by other patterns, of which that of a sitemap stays. */
export const of = (priorities: ReadonlyArray<Priority>, url: string, before = 0): number =>
  step * (find(priorities, url)?.value ?? 0) + saidIn(before)

/** Of a sitemap itself, for it is needed to know what comes first. */
export const ofSitemap = step / 2 - 1

const dayMs = 86_400_000

/**
 * What a sitemap says of a page, from -5 to 7: ten times its priority (0 to 1, 0.5 where it has none) less 5; 2 more where
 * it changed within a week, 1 more within a month.
 */
export const said = (
  { priority = 0.5, lastModifiedMs = -Infinity }: Pick<Entry, "priority" | "lastModifiedMs">,
  nowMs: number
): number => {
  const days = (nowMs - lastModifiedMs) / dayMs
  return Math.round((priority - 0.5) * 10) + (days <= 7 ? 2 : days <= 31 ? 1 : 0)
}

/** As the store keeps them: two crawls with the same text ask in the same order. */
export const encode = (priorities: ReadonlyArray<Priority>): string =>
  JSON.stringify(priorities.map(({ pattern, value }) => [pattern.source, pattern.flags, value]))

/** Reads what `encode` wrote. */
export const decode = (text: string): ReadonlyArray<Priority> =>
  (JSON.parse(text) as ReadonlyArray<readonly [source: string, flags: string, value: number]>).map(
    ([source, flags, value]) => ({ pattern: new RegExp(source, flags), value })
  )
