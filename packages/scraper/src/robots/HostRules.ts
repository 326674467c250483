/** What an answer for a robots.txt means for the targets of its host. */
import type { FetchReason, ProxyError } from "../FetchError.ts"
import type { Verdict } from "../Politeness.ts"
import * as Robots from "./Robots.ts"
import type * as RobotsPolicy from "./RobotsPolicy.ts"

export interface HostRules {
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

/** What a remembered host costs: bytes of heap, by its parts. The lines of a file keep the whole of it. */
const weights = { host: 600, byte: 2, rule: 200, piece: 60 }

/** Files that other transfers have are had back soon. */
const filesMs = 1000
/** What a failure that may pass says of the host. */
const mean = (reason: FetchReason, pauseMs: number | undefined): Verdict => {
  if (reason._tag === "ConnectError" && reason.outOfFiles) return { pauseMs: filesMs }
  return { fault: reason.message, ...(pauseMs === undefined ? {} : { pauseMs }) }
}

/** By what somebody is judged: the name that is looked for in the file, and how long a target may take. */
export interface Judging {
  readonly token: string
  readonly maxTimeMs: number
}

/**
 * Keeps what concerns us: a file may name thousands of crawlers.
 *
 * @param bytes of the file
 * @param reason why nobody knows, if so
 */
export const of = (
  { token, maxTimeMs }: Judging,
  verdict: RobotsPolicy.Verdict,
  bytes: number,
  sinceMs: number,
  reason?: FetchReason
): HostRules => {
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
