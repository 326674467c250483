/** What a run tells of itself while it works. */
import type { DeadProxy } from "./DeadProxy.ts"
import type { Frontier } from "./Frontier.ts"
import type { FullDisk } from "./FullDisk.ts"
import type { List } from "./List.ts"
import type { Politeness } from "./Politeness.ts"
import type { RunClock } from "./RunClock.ts"
import type { Session } from "./Session.ts"
import type { Beyond } from "./Store.ts"
import type { Transfers } from "./Transfers.ts"
import * as Url from "./Url.ts"

/** A host that makes the run wait, or the proxy. */
export interface SlowHost {
  readonly host: string
  readonly queued: number
  readonly inFlight: number
  /** Milliseconds until it may be asked again. */
  readonly waitMs: number
}

/** How a run stands, at one instant. Counts are of targets. */
export interface Progress {
  readonly elapsedMs: number
  readonly saved: number
  readonly unchanged: number
  readonly refused: number
  readonly failed: number
  /** Saved by an earlier run and not asked again. What another list saved may count as often as it comes. */
  readonly skipped: number
  /** Some of what is skipped is in files, where this run makes archives, or the reverse. */
  readonly inOtherForm?: true
  readonly inFlight: number
  /** Waiting for another attempt, or where a redirect has led. */
  readonly waiting: number
  /** All targets, once the list has been read to its end. */
  readonly total?: number
  /** About how many there are, while that is not known: as many as were read for each byte of the list. */
  readonly expected?: number
  /** Of the files of saved and unchanged targets. */
  readonly bytes: number
  /** Bytes off the wire. */
  readonly received: number
  /** The longest running transfers, oldest first, at most five. */
  readonly running: ReadonlyArray<{
    readonly url: string
    readonly received: number
    readonly total?: number
    readonly elapsedMs: number
  }>
  /** The hosts that make most targets wait, at most three; alone the proxy, while nothing is asked for want of it. */
  readonly slow: ReadonlyArray<SlowHost>
  /** The host that asked to be left alone longest (Retry-After): more than a minute, until then in ms since the epoch. */
  readonly leftAlone?: { readonly host: string; readonly untilMs: number }
  /** Set while the disk is full: bytes that are free now, and that must be before it goes on. */
  readonly diskFull?: { readonly free: number; readonly needed: number }
  /** Of a crawl: the limit that what is queued is beyond in the end. */
  readonly limit?: Beyond
  /** Somebody paused it. */
  readonly paused?: true
  /** Its mirror: files so far, of how many; when it is whole, those that were saved and are gone, and where the seeds lie. */
  readonly mirror?: {
    readonly files: number
    readonly total: number
    readonly missing?: number
    readonly starts?: ReadonlyArray<string>
  }
}

/** What became of targets so far, and the bytes of their files. */
export interface Counts {
  saved: number
  unchanged: number
  refused: number
  failed: number
  bytes: number
}

/** Where a run stands is read off its stages, at any instant. */
export const make = (
  startedMs: number,
  list: Pick<List, "skipped" | "read">,
  counts: Counts,
  {
    frontier,
    politeness,
    session,
    transfers,
    disk,
    proxy,
    now
  }: {
    readonly frontier: Pick<Frontier, "statistics" | "isPausedBy">
    readonly politeness: Pick<Politeness, "slow" | "leftAlone">
    readonly session: Pick<Session["Service"], "statistics">
    readonly transfers: Pick<Transfers, "all">
    readonly disk: Pick<FullDisk, "full">
    readonly proxy: Pick<DeadProxy, "wanted">
    readonly now: RunClock
  }
) => {
  return (): Progress => {
    const { read, skipped, inOtherForm, inFlight, waiting, queued, listEnded, limit } = frontier.statistics()
    const nowMs = performance.now()
    const listRead = list.read?.()
    const diskFull = disk.full()
    const wanted = proxy.wanted()
    const leftAlone = politeness.leftAlone(now())
    return {
      elapsedMs: nowMs - startedMs,
      ...counts,
      skipped: skipped + list.skipped,
      ...(inOtherForm ? { inOtherForm } : {}),
      inFlight,
      waiting,
      ...(listEnded ? { total: read } : listRead ? { expected: Math.round(read / listRead) } : {}),
      received: session.statistics().bytesReceived,
      running: transfers
        .all()
        .toSorted((a, b) => a.startedMs - b.startedMs)
        .slice(0, 5)
        .map(({ target, received, total, startedMs }) => ({
          url: Url.redact(target.url),
          received,
          ...(total === undefined ? {} : { total }),
          elapsedMs: nowMs - startedMs
        })),
      slow: wanted === undefined ? politeness.slow(now(), 3) : [{ ...wanted, queued, inFlight }],
      ...(leftAlone === undefined ? {} : { leftAlone }),
      ...(diskFull === undefined ? {} : { diskFull }),
      ...(limit === undefined ? {} : { limit }),
      ...(frontier.isPausedBy("somebody") ? { paused: true } : {})
    }
  }
}
