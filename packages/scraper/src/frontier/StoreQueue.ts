/**
 * What waits in the store, and what of it the line leases: all that is due of a
 * list, in its turn; of a crawl what its sites have room for, and what their hosts
 * may still have saved.
 *
 * Nothing is held for what waits but how much there is and when the first is due.
 */
import * as Effect from "effect/Effect"
import * as SiteHost from "../crawl/SiteHost.ts"
import type { HostLimit, Store, StoreError } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"

interface StoreQueueOptions {
  readonly list: number
  readonly now: () => number
  /** Targets of a site that are in the line. */
  readonly queuedAt: (origin: string) => number
  /** That may be, by the turns of the site. */
  readonly room: (origin: string) => number
  /** URLs that were leased, and are in no commit that is done. */
  readonly leased: () => IterableIterator<string>
  readonly crawl: CrawlQueueOptions | undefined
}

export interface CrawlQueueOptions {
  /** Its targets that are not done. */
  readonly open: number
  /** Targets of one site that are queued at once, at most. */
  readonly perSite: number
  /** That may be saved of each host. */
  readonly mostOfHost: number
}

/** Sites with little room are leased for so seldom; it lasts for several times as long. */
const togetherMs = 1000

interface Lease {
  readonly targets: ReadonlyArray<Target>
  /** When one of the others is due. */
  readonly dueMs: number
  readonly isLeft: boolean
}

/** It waits for another attempt, or where a redirect has led. */
const wasAsked = ({ attempts, hop }: Target) => attempts > 0 || hop !== undefined

const tally = (counts: Map<string, number>, of: string, more: number) => counts.set(of, (counts.get(of) ?? 0) + more)

/** How many of these URLs are of each host. */
const byHost = (urls: Iterable<string>): HostLimit["taken"] => {
  // a URL is parsed for each origin, not for each target
  const origins = new Map<string, number>()
  for (const url of urls) tally(origins, Url.origin(url), 1)
  const hosts = new Map<string, number>()
  for (const [origin, targets] of origins) tally(hosts, SiteHost.of(new URL(origin)), targets)
  return hosts
}

export const make = Effect.fnUntraced(function* (
  store: Pick<Store["Service"], "waiting" | "lease" | "leaseBySite">,
  options: StoreQueueOptions
) {
  const { list, now, queuedAt, room, crawl } = options
  const first = crawl === undefined ? yield* store.waiting(list) : { count: crawl.open, dueMs: 0 }
  /** All that a crawl has not done is waiting; those were asked for. */
  let waiting = first.count
  let retrying = 0
  let dueMs = first.dueMs ?? Infinity
  let mostOfHost = crawl?.mostOfHost ?? Infinity
  let isLeasing = false
  /** The store may have more of a site that had no room for it. */
  let hasMore = false
  /** When such a site has room by now, as far as is known since the last lease began. */
  let roomMs = Infinity

  const leaseInTurn = (limit: number) =>
    Effect.map(store.lease(list, limit, now()), (lease): Lease => ({ ...lease, isLeft: false }))
  const leaseBySite = (limit: number, perSite: number): Effect.Effect<Lease, StoreError> =>
    store.leaseBySite(
      list,
      limit,
      now(),
      (origin) => Math.min(perSite, room(origin)) - queuedAt(origin),
      mostOfHost === Infinity ? undefined : { most: mostOfHost, taken: byHost(options.leased()) }
    )
  /** These do not wait for their time any more. */
  const retried = (targets: ReadonlyArray<Target>) => {
    for (const target of targets) if (wasAsked(target) && retrying > 0) retrying--
  }

  const nextMs = () => (hasMore ? Math.min(dueMs, roomMs) : dueMs)

  return {
    /** Leases what is due. It is in the line, and counted, with `entered`. */
    lease: (limit: number): Effect.Effect<Lease, StoreError> => {
      // what a commit brings meanwhile lowers it again
      dueMs = Infinity
      roomMs = Infinity
      isLeasing = true
      return crawl === undefined ? leaseInTurn(limit) : leaseBySite(limit, crawl.perSite)
    },
    entered: ({ targets, dueMs: othersMs, isLeft }: Lease) => {
      isLeasing = false
      waiting -= targets.length
      hasMore = isLeft
      dueMs = Math.min(dueMs, isLeft && targets.length > 0 ? 0 : othersMs)
      retried(targets)
    },
    retried,
    /** A target goes to the store to wait. */
    park: (target: Target) => {
      waiting++
      if (wasAsked(target)) retrying++
    },
    /** Of a crawl: a target is settled, and what was found in it waits for a commit. */
    settle: () => void waiting++,
    /** Of a crawl: so many targets are settled, and their commits done. */
    settled: (targets: number) => void (waiting -= targets),
    /** Of a crawl: so many targets are new. */
    add: (targets: number) => {
      waiting += targets
      if (targets > 0) dueMs = 0
    },
    /** A target has left the queue of its site. That gives room, not its answer: all may have left before one comes. */
    left: (origin: string) => {
      if (crawl === undefined || roomMs === 0) return
      const { perSite } = crawl
      const queued = queuedAt(origin)
      if (2 * queued >= perSite) return
      const most = room(origin)
      if (2 * queued >= most) return
      // sites with little room have it often: they are looked at together, before their turn
      roomMs = most >= perSite ? 0 : Math.min(roomMs, now() + togetherMs)
    },
    /** A commit is done: the first that it made wait is due then. */
    committed: (firstDueMs: number) => {
      // what was not saved left room for another of its host
      dueMs = mostOfHost < Infinity ? 0 : Math.min(dueMs, firstDueMs)
    },
    /** Of a crawl: so many may be saved of each host. */
    limit: (ofHost: number) => {
      mostOfHost = ofHost
      dueMs = 0
    },
    dueMs: nextMs,
    /** Nothing waits that could be leased: what the store has still is beyond what its hosts may have. */
    isEmpty: () =>
      waiting === 0 ||
      (mostOfHost < Infinity && !isLeasing && nextMs() === Infinity && options.leased().next().done === true),
    mostOfHost: () => mostOfHost,
    /** Targets that wait for their time. In the end what waits still in a crawl is held back. */
    waiting: (isFinished: boolean) => (crawl === undefined ? waiting : isFinished ? 0 : retrying)
  }
})

export type StoreQueue = Effect.Success<ReturnType<typeof make>>
