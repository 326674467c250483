/**
 * What a target of a crawl is due at: its rank, by its priority and then the nearest to a seed first, or a time where it
 * waits for one.
 */
import type { Target } from "../Target.ts"

/** What is due later than this waits for a time; what is due earlier has its rank for that, and no page is so deep. */
export const mostDepth = 1e9
/** More than a page is deep, so that of two priorities the depth does not matter. */
export const step = 100_000
/** What a row has as its rank, for statements. */
export const ofRow = `depth - ${step} * priority`
export const of = ({ depth = 0, priority = 0 }: Target) => depth - step * priority
