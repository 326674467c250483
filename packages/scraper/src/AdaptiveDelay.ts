/**
 * How far apart to start requests at a host, by how long its answers take: so
 * far that about `target` of them are under way at a time. A host under load
 * answers later, and is asked less.
 *
 * 1. The delay is never below `minMs` nor above `maxMs`.
 * 2. An error never lowers it: error pages come faster than pages.
 * 3. A slower answer counts at once, a faster one by half.
 *
 * The rule is that of Scrapy's AutoThrottle extension.
 */

export interface AdaptiveDelay {
  /** Requests under way, on average; a fraction leaves the host idle in between. */
  readonly target: number
  readonly minMs: number
  readonly maxMs: number
}

/**
 * The delay after an answer.
 *
 * @param delayMs the one before; `undefined`: no good answer came yet
 * @param latencyMs from the request to the head of its answer, or to giving up
 * @param isGood it brought what was asked for, or that this did not change
 */
export const next = (
  delayMs: number | undefined,
  latencyMs: number,
  isGood: boolean,
  { target, minMs, maxMs }: AdaptiveDelay
): number | undefined => {
  if (delayMs === undefined && !isGood) return undefined
  const aimMs = latencyMs / target
  const foundMs = Math.max(aimMs, ((delayMs ?? aimMs) + aimMs) / 2)
  const boundedMs = Math.min(Math.max(foundMs, minMs), maxMs)
  return isGood ? boundedMs : Math.max(boundedMs, delayMs!)
}
