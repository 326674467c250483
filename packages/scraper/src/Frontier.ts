/**
 * What is next: the list and the store on one side, the workers on the other.
 *
 * 1. The list is read by demand: no more than `window` targets are read and not
 *    yet taken (`frontier/Supply.ts`).
 * 2. A URL is given out once: what is already done, in flight or waiting is
 *    passed over (`frontier/ListIntake.ts`).
 * 3. Waiting targets are leased from the store when they are due; no fiber and
 *    no memory is held for them (`frontier/StoreQueue.ts`).
 * 4. The place in the list moves over a batch of lines when each of its targets
 *    has a row in the store (`frontier/OpenTargets.ts`).
 * 5. Of a host of a crawl no more targets are leased than it may still have saved:
 *    so that bound holds at any instant, but for what is under way when it is
 *    lowered.
 * 6. A target of the list counts once, in whatever run: with the place goes the
 *    number of those before it and of those that have a row beyond it, and what
 *    has a row of the list is not counted when it is read.
 */
import * as Effect from "effect/Effect"
import * as Handout from "./frontier/Handout.ts"
import type { NearerPagesOptions } from "./frontier/NearerPages.ts"
import * as OpenTargets from "./frontier/OpenTargets.ts"
import * as StoreQueue from "./frontier/StoreQueue.ts"
import * as Supply from "./frontier/Supply.ts"
import type { List } from "./List.ts"
import type * as Politeness from "./Politeness.ts"
import type { Beyond, Found, Store } from "./Store.ts"
import { asked, type Target } from "./Target.ts"

/** What a frontier stands between, and where it begins. */
export interface FrontierOptions extends Supply.SupplyOptions, OpenTargets.Start {
  /** Set for a crawl. */
  readonly crawl: CrawlOptions | undefined
}

/** What a crawl adds to it. */
export interface CrawlOptions extends StoreQueue.CrawlQueueOptions, NearerPagesOptions {
  /** Targets that are saved. */
  readonly saved: number
  /** That may be saved. */
  readonly most: number
}

/** A frontier over the lines of a list and the targets of a store, which lets politeness say whose turn it is. */
export const make = Effect.fnUntraced(function* (
  next: List["next"],
  store: Store["Service"],
  politeness: Politeness.Politeness,
  options: FrontierOptions
) {
  const { list, crawl, now } = options
  const open = OpenTargets.make(options)
  const { queuedAt } = politeness
  const room = (origin: string) => politeness.room(origin, now())
  const queue = yield* StoreQueue.make(store, { list, now, queuedAt, room, leased: open.unplaced, crawl })
  const supply = Supply.make(next, store, politeness, { open, queue }, options)
  let inFlight = 0
  let { saved, most } = crawl ?? { saved: 0, most: Infinity }

  /** As many are saved as may be, if their commits do not find that one got no place. */
  const isFull = () => saved >= most

  const handout = yield* Handout.make({
    now,
    take: () => {
      if (inFlight >= most - saved) return undefined
      const admission = politeness.take(now())
      if (admission !== undefined) {
        inFlight++
        queue.left(asked(admission.target).host)
      }
      return admission
    },
    isAtEnd: () =>
      inFlight === 0 &&
      (isFull()
        ? open.size() === politeness.queued()
        : supply.isAtEnd() && politeness.queued() === 0 && queue.isEmpty()),
    wakeMs: (isAwaited) => Math.min(isAwaited ? politeness.wakeMs() : Infinity, supply.dueMs()),
    wakeFeeder: supply.wake
  })
  const { dispatch, take, poll, change, pause, resume, isPausedBy, isFinished } = handout
  const limit = (): Beyond | undefined => {
    if (isFull()) return { by: "maxPages", most }
    const ofHost = queue.mostOfHost()
    return ofHost === Infinity ? undefined : { by: "maxPagesPerHost", most: ofHost }
  }

  return {
    /** Reads list and store, by demand. What stops it, a bug too, ends the line. */
    run: Effect.onError(supply.run(dispatch), (cause) => Effect.sync(() => handout.fail(cause))),
    take,
    poll,
    turn: supply.turn,
    /** The worker is done with a target: its slot is free. `verdict` as for `Politeness.release`. */
    release: (target: Target, verdict?: Politeness.Verdict) => {
      politeness.release(target, now(), verdict)
      inFlight--
      dispatch()
    },
    /** A target goes to the store to wait: counted before `release`, so that the run does not end. */
    park: queue.park,
    retried: queue.retried,
    /** Of a crawl: a target is settled, and what was found in it waits for a commit. Called before `release`. */
    settle: (isSaved: boolean) => {
      queue.settle()
      if (isSaved) saved++
    },
    /** Of a crawl: a target that was queued is settled, and not asked for. */
    leave: (target: Target) => {
      queue.settle()
      queue.left(asked(target).host)
    },
    /** A target that was settled as saved is not, as its commit found out. Called before `committed`. */
    unsaved: () => void saved--,
    isFull,
    /** Of a crawl: what a commit brought, in this many settled targets. */
    found: (found: Found, settled: number) => {
      supply.bring(found)
      queue.settled(settled)
      dispatch()
    },
    leaving: open.leaving,
    stragglers: open.stragglers,
    place: open.place,
    /**
     * The commit is done. `stay`: of the targets with a row now, those still in flight. `firstDueMs`: when the first
     * that waits is due.
     */
    committed: (stay: ReadonlyArray<Target>, firstDueMs: number) => {
      open.committed(stay)
      queue.committed(firstDueMs)
      dispatch()
    },
    /** Of a crawl: so many may be saved, and of each host. */
    limit: (inAll: number, ofHost: number) => {
      most = inAll
      queue.limit(ofHost)
      dispatch()
    },
    change,
    isActive: open.has,
    pause,
    resume,
    isPausedBy,
    isFinished,
    statistics: () => ({
      ...supply.statistics(),
      inFlight,
      waiting: queue.waiting(isFinished()),
      queued: politeness.queued(),
      limit: limit()
    })
  }
})

export type Frontier = Effect.Success<ReturnType<typeof make>>
