/**
 * What is next: the list and the store on one side, the workers on the other.
 *
 * 1. The list is read by demand: no more than `window` targets are read and not
 *    yet taken.
 * 2. A URL is given out once: what is already done, in flight or waiting is
 *    passed over.
 * 3. Waiting targets are leased from the store when they are due; no fiber and
 *    no memory is held for them.
 * 4. The place in the list moves over a batch of lines when each of its targets
 *    has a row in the store.
 * 5. Of a host of a crawl no more targets are leased than it may still have saved:
 *    so that bound holds at any instant, but for what is under way when it is
 *    lowered.
 * 6. A target of the list counts once, in whatever run: with the place goes the
 *    number of those before it and of those that have a row beyond it, and what
 *    has a row of the list is not counted when it is read.
 */
import type { Next } from "@simul/core/Concurrently"
import { WaitReason } from "@simul/core/WaitReason"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as SiteHost from "./crawl/SiteHost.ts"
import { InvalidUrl } from "./FetchError.ts"
import type { Batch, Line } from "./Lines.ts"
import type { LineError, List } from "./List.ts"
import type * as Politeness from "./Politeness.ts"
import type { RunClock } from "./RunClock.ts"
import type { Beyond, Found, HostLimit, Known, Place, SavedPage, Store, StoreError } from "./Store.ts"
import { asked, type Target } from "./Target.ts"
import * as Url from "./Url.ts"

export interface FrontierOptions {
  readonly list: number
  readonly run: number
  readonly window: number
  readonly refresh: boolean
  /** The one path there is, whatever an earlier run called the file. */
  readonly path: string | undefined
  /** The paths of new targets, in their order. */
  readonly claim: (urls: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StoreError>
  /** Those are `FileName.fromUrl`. */
  readonly isNamedByUrl: boolean
  /** Where the list is continued, and its targets by then. */
  readonly place: Place | undefined
  readonly targets: number
  /** Whether what was saved at a place with this length is still there. */
  readonly holds: (path: string, bytes: number) => boolean
  /** What is saved becomes a record of an archive, and no file. */
  readonly archives: boolean
  /** Some of what is done before it is in the other form. */
  readonly inOtherForm: boolean
  /** A line of the list that is no URL. */
  readonly invalid: (line: Line, error: InvalidUrl) => void
  readonly now: RunClock
  /** Ends when the store may be written to again, which found no room. */
  readonly room: Effect.Effect<void>
  /** Set for a crawl. */
  readonly crawl: CrawlOptions | undefined
}

/** The targets of a crawl come from the store alone. */
export interface CrawlOptions {
  /** Its targets that are not done. */
  readonly open: number
  /** Targets of one site that are queued at once, at most. */
  readonly perSite: number
  /** Targets that are saved. */
  readonly saved: number
  /** That may be saved, and of each host. */
  readonly most: number
  readonly mostOfHost: number
  /** Where depth decides what is followed, a page that is nearer than it was is read for links once more. */
  readonly isBounded: () => boolean
  readonly readAgain: (page: SavedPage) => Effect.Effect<ReadonlyArray<Target>>
}

/** Who may hold a run: a disk without room, or whoever speaks to it. */
export type Pauser = "disk" | "somebody"

/** Targets of a batch that have no row yet. */
interface OpenBatch {
  readonly place: Batch["place"]
  /** Targets of the list that were known at its end. */
  readonly targets: number
  /** For each, whether it is new to the list: no commit has counted it. */
  readonly open: Map<string, boolean>
  /** New ones that have a row by now. */
  rows: number
}

export const make = Effect.fnUntraced(function* (
  next: List["next"],
  store: Store["Service"],
  politeness: Politeness.Politeness,
  options: FrontierOptions
) {
  const { list, crawl, now } = options
  /** Batches of the list with a place, in order, and those without one: as many as a window has targets, where they come one by one. */
  const batches: Array<OpenBatch> = []
  let others: Array<OpenBatch> = []
  /** On their way into the store. */
  let committing = new Set<string>()
  let reached: OpenBatch | undefined
  /** What the store has, and what the commit to come brings. */
  let { place } = options
  let going: Place | undefined
  let passed = options.targets
  /** Whether a URL was read and is not in the store yet. */
  const isActive = (url: string) => {
    if (committing.has(url)) return true
    for (const { open } of batches) if (open.has(url)) return true
    for (const { open } of others) if (open.has(url)) return true
    return false
  }
  /** Targets end about in the order of the list: where the last one was found the next one is likely to be. */
  let latest: OpenBatch | undefined
  const batchOf = (url: string): OpenBatch | undefined => {
    if (latest?.open.has(url) === true) return latest
    for (const all of [batches, others]) for (const batch of all) if (batch.open.has(url)) return (latest = batch)
    return undefined
  }
  /** A target gets a row; it is `open` still if it stays in flight. */
  const write = (url: string, isOpen: boolean) => {
    const batch = batchOf(url)
    if (batch === undefined) return
    if (batch.open.get(url) === true) batch.rows++
    if (isOpen) batch.open.set(url, false)
    else batch.open.delete(url)
  }
  const hostsKnown = new Set<string>()
  let latestHost = ""
  /** One string for the targets of a host that follow each other: it is hashed once. */
  const hostOf = (url: string) => {
    const host = Url.origin(url)
    if (host !== latestHost) latestHost = host
    return latestHost
  }
  const waiters = new Set<(taken: Effect.Effect<Politeness.Admission, Cause.Done | LineError>) => void>()
  const counts = { read: options.targets, skipped: 0, inOtherForm: options.inOtherForm, inFlight: 0, waiting: 0 }
  /** Of a crawl, of which all that is queued is `waiting`: those that were tried. */
  let retrying = 0
  let listEnded = crawl !== undefined
  let saved = crawl?.saved ?? 0
  let most = crawl?.most ?? Infinity
  let mostOfHost = crawl?.mostOfHost ?? Infinity
  let isLeasing = false
  /** How often it was told that saved pages are to be read again, and when last; 0 once there are none. */
  let nearerTold = 0
  let nearer = 0
  const pausedBy = new Set<Pauser>()
  /** Its rules are being changed: they may let in more at any moment. */
  let isChanging = false
  let finished: Effect.Effect<never, Cause.Done | LineError> | undefined
  let dueMs = Infinity
  /** The store may have more of a site that had no room for it. */
  let hasMore = false
  let timer: { readonly atMs: number; readonly handle: ReturnType<typeof setTimeout> } | undefined
  let wakeFeeder: (() => void) | undefined

  // ---- towards the workers

  const limit = (): Beyond | undefined => {
    if (saved >= most) return { by: "maxPages", most }
    return mostOfHost === Infinity ? undefined : { by: "maxPagesPerHost", most: mostOfHost }
  }
  /** What the store has still is beyond what its hosts may have. */
  const isHeldBack = () =>
    mostOfHost < Infinity &&
    !isLeasing &&
    dueMs === Infinity &&
    committing.size === 0 &&
    others.every(({ open }) => open.size === 0)
  const dispatch = () => {
    const isDone =
      listEnded && nearer === 0 && politeness.queued() + counts.inFlight === 0 && (counts.waiting === 0 || isHeldBack())
    const isAtEnd = isDone || (saved >= most && counts.inFlight === 0)
    if (finished === undefined && isAtEnd && !isChanging) finished = Cause.done()
    for (const waiter of waiters) {
      const taken = takeNow()
      if (taken === undefined) break
      waiters.delete(waiter)
      waiter(taken)
    }
    arm()
    if (wakeFeeder !== undefined && feederHasWork()) wakeFeeder()
  }
  /** The next target that may be asked, if one may be asked now. */
  const poll = (): Politeness.Admission | undefined => {
    if (pausedBy.size > 0 || finished !== undefined || counts.inFlight >= most - saved) return undefined
    const admission = politeness.take(now())
    if (admission !== undefined) counts.inFlight++
    return admission
  }
  const takeNow = (): Effect.Effect<Politeness.Admission, Cause.Done | LineError> | undefined => {
    if (finished !== undefined) return finished
    const admission = poll()
    return admission === undefined ? undefined : Effect.succeed(admission)
  }
  /** Sets the one timer for whatever may happen next by time alone. */
  const arm = () => {
    const atMs = Math.min(waiters.size > 0 && pausedBy.size === 0 ? politeness.wakeMs() : Infinity, dueMs)
    if (timer !== undefined) {
      if (timer.atMs <= atMs) return
      clearTimeout(timer.handle)
      timer = undefined
    }
    if (atMs === Infinity || finished !== undefined) return
    const handle = setTimeout(
      () => {
        timer = undefined
        dispatch()
      },
      Math.min(Math.max(atMs - now(), 1), 2 ** 30)
    )
    timer = { atMs, handle }
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => clearTimeout(timer?.handle)))

  const wait = Effect.callback<Politeness.Admission, Cause.Done | LineError>((resume) => {
    // once more: a fiber may have had to let others go first since it looked
    const taken = takeNow()
    if (taken !== undefined) return resume(taken)
    waiters.add(resume)
    arm()
    if (wakeFeeder !== undefined && feederHasWork()) wakeFeeder()
    return Effect.sync(() => waiters.delete(resume))
  }).pipe(Effect.provideService(WaitReason, "a target"))
  /** Takes the next target that may be asked; waits for it. */
  const take: Next<Politeness.Admission, LineError> = Effect.suspend(() => takeNow() ?? wait)

  // ---- from the list and the store

  const low = Math.ceil(options.window / 2)
  const feederHasWork = () =>
    nearer > 0 || (!listEnded && politeness.queued() < low) || (dueMs <= now() && politeness.queued() < options.window)

  const remember = (open: Map<string, boolean>, targets: ReadonlyArray<Target>, place: Batch["place"]) => {
    const batch: OpenBatch = { place, targets: counts.read, open, rows: 0 }
    if (place !== undefined) batches.push(batch)
    else others = [...others.filter(({ open }) => open.size > 0), batch]
    for (const target of targets) politeness.add(target)
  }
  const restoreHosts = (targets: ReadonlyArray<Pick<Target, "host">>) => {
    const unknown = new Set(targets.map((target) => target.host).filter((host) => !hostsKnown.has(host)))
    if (unknown.size === 0) return Effect.void
    if (hostsKnown.size > 100_000) hostsKnown.clear()
    for (const host of unknown) hostsKnown.add(host)
    return Effect.map(store.hosts([...unknown]), (clocks) => politeness.restore(clocks, now()))
  }

  /** Whether a row is one of the list: then its target was counted. */
  const isCounted = (row: Known | undefined): boolean => row?.list === list
  /** Whether a URL of the list is to be fetched, given its row. */
  const isWanted = (row: Known | undefined): boolean => {
    if (row === undefined) return true
    if (row.run === options.run) return false // a line that came twice
    if (options.path !== undefined && row.target.path !== options.path) return true
    if (row.state !== "done") return !isCounted(row) // those of this list are leased
    const { path, saved } = row.target
    return options.refresh || !options.holds(saved!.record ?? path, saved!.bytes)
  }

  const admit = ({ lines, place }: Batch) => {
    const fresh = new Set<string>()
    const invalid = new Map<string, readonly [line: Line, error: InvalidUrl]>()
    for (const line of lines) {
      const url = Url.given(line.text, line.isCut)
      const key = typeof url === "string" ? url : line.text
      if (fresh.has(key) || isActive(key)) continue
      fresh.add(key)
      if (typeof url !== "string") invalid.set(key, [line, new InvalidUrl({ detail: url.detail, line: line.number })])
    }
    const all = [...fresh]
    return Effect.flatMap(store.lookup(all), (known) => {
      const wanted: Array<string> = []
      const open = new Map<string, boolean>()
      let added = 0
      let skipped = 0
      for (const url of all) {
        const row = known.get(url)
        const isNew = !isCounted(row)
        if (isNew) added++
        if (invalid.has(url)) {
          if (isNew) open.set(url, true)
          else invalid.delete(url)
        } else if (isWanted(row)) {
          wanted.push(url)
          open.set(url, isNew)
          if (!isNew && row!.state === "done") skipped-- // what the list counts as done is not
        } else if (isNew) {
          skipped++
          if ((row!.target.saved!.record !== undefined) !== options.archives) counts.inOtherForm = true
        }
      }
      return Effect.flatMap(options.claim(wanted), (paths) => {
        const targets = wanted.map((url, index): Target => {
          const row = known.get(url)?.target
          const path = options.path ?? row?.path ?? paths[index]!
          const isNamedByUrl = row === undefined && options.isNamedByUrl
          const target: Target = { url, host: hostOf(url), path, attempts: 0, isNamedByUrl }
          if (row === undefined) return target
          const saved =
            row.saved !== undefined && options.holds(row.saved.record ?? path, row.saved.bytes) ? row.saved : undefined
          return {
            ...target,
            ...(saved === undefined ? {} : { saved }),
            ...(row.partial === undefined ? {} : { partial: row.partial })
          }
        })
        return Effect.map(restoreHosts(targets), () => {
          counts.read += added
          counts.skipped += skipped
          remember(open, targets, place)
          for (const [line, error] of invalid.values()) options.invalid(line, error)
        })
      })
    })
  }

  /** By host: what was leased, and is in no commit that is done. */
  const taken = (): HostLimit["taken"] => {
    const count = (counts: Map<string, number>, of: string, targets: number) =>
      counts.set(of, (counts.get(of) ?? 0) + targets)
    // a URL is parsed for each origin, not for each target
    const origins = new Map<string, number>()
    const add = (url: string) => void count(origins, Url.origin(url), 1)
    for (const { open } of others) for (const url of open.keys()) add(url)
    committing.forEach(add)
    const hosts = new Map<string, number>()
    for (const [origin, targets] of origins) count(hosts, SiteHost.of(new URL(origin)), targets)
    return hosts
  }
  const lease = (): Effect.Effect<void, StoreError> => {
    const room = options.window - politeness.queued()
    const perSite = crawl?.perSite
    // what a commit brings meanwhile lowers it again
    dueMs = Infinity
    isLeasing = true
    const leased =
      perSite === undefined
        ? leaseInTurn(room)
        : store.leaseBySite(
            list,
            room,
            now(),
            (origin) => perSite - politeness.queuedAt(origin),
            mostOfHost === Infinity ? undefined : { most: mostOfHost, taken: taken() }
          )
    return Effect.flatMap(leased, ({ targets, dueMs: nextMs, isLeft }) =>
      Effect.map(restoreHosts(targets), () => {
        remember(new Map(targets.map(({ url }) => [url, false])), targets, undefined)
        isLeasing = false
        counts.waiting -= targets.length
        hasMore = isLeft
        dueMs = Math.min(dueMs, isLeft && targets.length > 0 ? 0 : nextMs)
        retried(targets)
      })
    )
  }
  /** These do not wait for another attempt any more. */
  const retried = (targets: ReadonlyArray<Target>) => {
    for (const { attempts } of targets) if (attempts > 0 && retrying > 0) retrying--
  }
  const leaseInTurn = (limit: number) =>
    Effect.map(store.lease(list, limit, now()), (leased) => ({ ...leased, isLeft: false }))

  const bring = (found: Found) => {
    counts.waiting += found.added
    counts.read += found.added
    if (found.added > 0) dueMs = 0
    if (found.isNearer && crawl?.isBounded() === true) nearer = ++nearerTold
  }
  /** What the store has no room for is done when it has: nothing else changes before it is. */
  const inTime = <A>(step: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.catchTag(step, "StoreFull", () => Effect.andThen(options.room, inTime(step)))
  const readNearer = Effect.fnUntraced(function* (readAgain: CrawlOptions["readAgain"]) {
    const told = nearerTold
    const pages = yield* store.nearer(list, 100)
    // a commit may have brought some meanwhile
    if (pages.length === 0 && told === nearerTold) nearer = 0
    for (const page of pages) bring(yield* store.link(list, page.target, yield* readAgain(page)))
  })

  const readList = Effect.catchIf(
    Effect.flatMap(next, (batch) => inTime(admit(batch))),
    Cause.isDone,
    () => Effect.sync(() => void (listEnded = true))
  )
  const demand = Effect.callback<void>((resume) => {
    wakeFeeder = () => {
      wakeFeeder = undefined
      resume(Effect.void)
    }
    if (feederHasWork()) wakeFeeder()
  }).pipe(Effect.provideService(WaitReason, "demand"))
  /** What there is to bring now, if there is anything. */
  const supply = (): Effect.Effect<void, LineError> | undefined => {
    if (nearer > 0) return inTime(readNearer(crawl!.readAgain))
    if (dueMs <= now() && politeness.queued() < options.window) return inTime(Effect.suspend(lease))
    return !listEnded && politeness.queued() < options.window ? readList : undefined
  }
  const feed = Effect.fn("frontier")(() =>
    Effect.forever(
      Effect.suspend(() => {
        const supplied = supply()
        return supplied === undefined ? demand : Effect.map(supplied, dispatch)
      }),
      { disableYield: true }
    )
  )
  if (crawl === undefined) {
    const waiting = yield* store.waiting(list)
    counts.waiting = waiting.count
    dueMs = waiting.dueMs ?? Infinity
  } else {
    counts.waiting = crawl.open
    dueMs = 0
  }
  return {
    /** Reads list and store, by demand. What stops it, a bug too, ends the line. */
    run: Effect.onError(feed(), (cause) =>
      Effect.sync(() => {
        finished = Effect.failCause(cause)
        dispatch()
      })
    ),
    take,
    poll,
    /** A target in flight goes on at another place: it gets its turn there. Called before `release`. */
    turn: (target: Target) => Effect.map(restoreHosts([asked(target)]), () => politeness.add(target)),

    /** The worker is done with a target: its slot is free. `verdict` as for `Politeness.release`. */
    release: (target: Target, verdict?: Politeness.Verdict) => {
      politeness.release(target, now(), verdict)
      counts.inFlight--
      if (hasMore && crawl !== undefined && 2 * politeness.queuedAt(target.host) < crawl.perSite) dueMs = 0
      dispatch()
    },
    /** A target goes to the store to wait: counted before `release`, so that the run does not end. */
    park: ({ attempts }: Target) => {
      counts.waiting++
      if (attempts > 0) retrying++
    },
    retried,
    /** Of a crawl: a target is settled, and what was found in it waits for a commit. Called before `release`. */
    settle: (isSaved: boolean) => {
      counts.waiting++
      if (isSaved) saved++
    },
    /** Of a crawl: what a commit brought, in this many settled targets. */
    found: (found: Found, settled: number) => {
      bring(found)
      counts.waiting -= settled
      dispatch()
    },
    /** These targets leave the line with the commit to come. */
    leaving: (targets: ReadonlyArray<Target>): void => {
      committing = new Set(targets.map(({ url }) => url))
      for (const { url } of targets) write(url, false)
      for (let first = batches[0]; first?.open.size === 0; first = batches[0]) {
        reached = batches.shift()
        passed = first.targets
      }
    },
    /** URLs that alone hold back the place: a later batch is through. */
    stragglers: (): ReadonlyArray<string> =>
      batches.slice(1).some((batch) => batch.open.size === 0) ? [...batches[0]!.open.keys()] : [],
    /** These are in flight and get a row as well. Gives the place that every target before has a row, if the commit changes it. */
    place: (leased: ReadonlyArray<Target>): Place | undefined => {
      for (const { url } of leased) write(url, true)
      let targets = passed
      for (const { rows } of batches) targets += rows
      if (reached !== undefined) {
        const { bytes, lines, sha256 } = reached.place!
        going = { list, bytes, lines, sha256: sha256(), targets }
      } else going = place === undefined || place.targets === targets ? undefined : { ...place, targets }
      return going
    },
    /** The commit is done. `stay`: of the targets with a row now, those still in flight. `firstDueMs`: when the first that waits is due. */
    committed: (stay: ReadonlyArray<Target>, firstDueMs: number) => {
      committing = new Set()
      reached = undefined
      place = going ?? place
      for (const { url } of stay) write(url, false)
      if (firstDueMs < dueMs) dueMs = firstDueMs
      // what was not saved left room for another of its host
      if (mostOfHost < Infinity) dueMs = 0
      dispatch()
    },
    /** Of a crawl: so many may be saved, and of each host. */
    limit: (inAll: number, ofHost: number) => {
      most = inAll
      mostOfHost = ofHost
      dueMs = 0
      dispatch()
    },
    /** Of a crawl: it does not end before this change of its rules is done. One at a time. */
    change: <A, E>(change: Effect.Effect<A, E>): Effect.Effect<A, E> =>
      Effect.acquireUseRelease(
        Effect.sync(() => void (isChanging = true)),
        () => change,
        () =>
          Effect.sync(() => {
            isChanging = false
            dispatch()
          })
      ),
    isActive,
    /** Stops giving out targets, until all who paused it have it go on. */
    pause: (by: Pauser) => void pausedBy.add(by),
    /** Whether it was paused by them. */
    resume: (by: Pauser): boolean => {
      const wasPaused = pausedBy.delete(by)
      if (pausedBy.size === 0) dispatch()
      return wasPaused
    },
    isPausedBy: (by: Pauser): boolean => pausedBy.has(by),
    statistics: () => ({
      ...counts,
      // in the end what waits still is held back
      waiting: crawl === undefined ? counts.waiting : finished === undefined ? retrying : 0,
      queued: politeness.queued(),
      listEnded,
      limit: limit()
    })
  }
})

export type Frontier = Effect.Success<ReturnType<typeof make>>
