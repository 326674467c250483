/** The rules of the hosts that were asked about last. What they want between two requests is kept by `Politeness.ts`. */
import type { Politeness } from "../Politeness.ts"
import type { HostRules } from "./HostRules.ts"
import { maxAgeMs } from "./RobotsPolicy.ts"

/** How much is remembered at most: hosts, and about so many bytes for all their rules. */
export interface Bounds {
  readonly hosts: number
  readonly bytes: number
}

/** @param delayMs between two requests, whatever a host wants */
export const make = (politeness: Pick<Politeness, "setDelay" | "crawlDelay">, delayMs: number, bounds: Bounds) => {
  /** The hosts that were asked about least recently come first. */
  const known = new Map<string, HostRules>()
  let weight = 0
  const forget = (host: string, forgotten: HostRules) => {
    known.delete(host)
    weight -= forgotten.weight
    if (forgotten.delayMs > delayMs) politeness.setDelay(host, 0, 0)
  }
  const recall = (host: string, nowMs: number): HostRules | undefined => {
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
  const remember = (host: string, learned: HostRules) => {
    known.set(host, learned)
    weight += learned.weight
    // an earlier file may have wanted one
    if (learned.delayMs > delayMs || politeness.crawlDelay(host) > 0)
      politeness.setDelay(host, learned.delayMs, learned.sinceMs)
    for (const [oldest, one] of known) {
      if (known.size <= bounds.hosts && weight <= bounds.bytes) break
      forget(oldest, one)
    }
  }

  return {
    /** What is known of a host, where that is of the last 24 hours. */
    recall,
    remember,
    /** Hosts remembered, and about the bytes that they take. */
    statistics: () => ({ hosts: known.size, bytes: weight })
  }
}
