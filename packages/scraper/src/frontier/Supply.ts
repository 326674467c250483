/**
 * Brings targets into the line, from the list and from the store, while there is
 * demand for them.
 */
import { WaitReason } from "@simul/core/WaitReason"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Batch } from "../Lines.ts"
import type { LineError, List } from "../List.ts"
import type { Politeness } from "../Politeness.ts"
import type { RunClock } from "../RunClock.ts"
import { type Found, type Store, type StoreError, untilRoom } from "../Store.ts"
import { asked, type Target, withoutSaved } from "../Target.ts"
import * as ListIntake from "./ListIntake.ts"
import * as NearerPages from "./NearerPages.ts"
import type { OpenTargets } from "./OpenTargets.ts"
import type { StoreQueue } from "./StoreQueue.ts"

export interface SupplyOptions extends ListIntake.ListIntakeOptions {
  /** Targets of the list that are known at the start. */
  readonly targets: number
  /** Targets that are brought and not yet taken, at most. */
  readonly window: number
  /** Some of what is done before it is in the other form. */
  readonly inOtherForm: boolean
  readonly invalid: (...line: ListIntake.InvalidLine) => void
  /** Has a target wait in the store until then; it is in the line, and leaves it with the next commit. */
  readonly park: (target: Target, dueMs: number) => void
  /** Ends when not too much waits for a commit. */
  readonly uncommitted: Effect.Effect<void>
  readonly now: RunClock
  /** Ends when the store may be written to again, which found no room. */
  readonly room: Effect.Effect<void>
  /** Set for a crawl: its targets come from the store alone. */
  readonly crawl: NearerPages.NearerPagesOptions | undefined
}

export const make = (
  next: List["next"],
  store: Store["Service"],
  politeness: Politeness,
  line: { readonly open: OpenTargets; readonly queue: StoreQueue },
  options: SupplyOptions
) => {
  const { list, window, now, crawl } = options
  const { open, queue } = line
  const take = ListIntake.make(store, options, open.has)
  /** What the store has no room for is done when it has: nothing else changes before it is. */
  const inTime = <A, E = never>(step: Effect.Effect<A, E | StoreError>) => untilRoom(step, options.room)
  /**
   * Asks the store for what it knows of the hosts of targets, once for each. In time by itself: who did all over again what
   * leads to it would meet no stranger any more, nor lease what is leased.
   */
  const restoreHosts = (targets: ReadonlyArray<Pick<Target, "host">>): Effect.Effect<void, StoreError> => {
    const strangers = politeness.meet(targets.map(({ host }) => host))
    return strangers.length === 0
      ? Effect.void
      : Effect.map(inTime(store.hosts(strangers)), (clocks) => politeness.restore(clocks, now()))
  }
  const counts = { read: options.targets, skipped: 0, inOtherForm: options.inOtherForm }
  let listEnded = crawl !== undefined
  let wakeFeeder: (() => void) | undefined

  const bring = (found: Found) => {
    queue.add(found.added)
    counts.read += found.added
    if (found.isNearer) nearer?.tell()
  }
  // a page gives its links once: they are not read anew to be written
  const link: typeof store.link = (...links) => inTime(store.link(...links))
  const nearer = crawl && NearerPages.make({ nearer: store.nearer, link }, list, crawl, bring)
  const areNearer = () => nearer?.areThere() === true

  const enter = (targets: ReadonlyArray<Target>, areNew: Map<string, boolean>, place?: Batch["place"]) => {
    open.add(areNew, place, counts.read)
    const nowMs = now()
    let isAnyPutOff = false
    for (const target of targets) {
      const dueMs = crawl === undefined ? politeness.putOff(target, nowMs) : undefined
      if (dueMs === undefined) politeness.add(target)
      else {
        options.park(target, dueMs)
        isAnyPutOff = true
      }
    }
    return isAnyPutOff ? options.uncommitted : Effect.void
  }
  const read = ({ lines, place }: Batch) =>
    Effect.flatMap(take(lines), (taken) =>
      Effect.flatMap(restoreHosts(taken.targets), () => {
        counts.read += taken.added
        counts.skipped += taken.skipped
        counts.inOtherForm ||= taken.inOtherForm
        const entered = enter(taken.targets, taken.open, place)
        for (const line of taken.invalid) options.invalid(...line)
        return entered
      })
    )
  /** What is gone is not asked for by what was known of it: nobody could read it after a 304. */
  const looked = (target: Target): Target =>
    target.saved === undefined || options.holds(target.saved.record ?? target.path, target.saved.bytes)
      ? target
      : withoutSaved(target)
  const lease = Effect.suspend(() =>
    Effect.flatMap(queue.lease(window - politeness.queued()), (leased) =>
      restoreHosts(leased.targets.map(asked)).pipe(
        Effect.andThen(ListIntake.looking(() => leased.targets.map(looked))),
        Effect.flatMap((targets) => {
          const entered = enter(targets, new Map(targets.map(({ url }) => [url, false])))
          queue.entered(leased)
          return entered
        })
      )
    )
  )

  /** What waits for a turn that is far off by now is put off. */
  const shed = Effect.suspend(() => {
    // a site of a crawl has its turn in the store when there is room for it again
    for (const [target, dueMs] of politeness.shed(now()))
      options.park(target, crawl === undefined || target.hop !== undefined ? dueMs : 0)
    return options.uncommitted
  })

  const readNext = Effect.catchIf(
    Effect.flatMap(next, (batch) => inTime(read(batch))),
    Cause.isDone,
    () => Effect.sync(() => void (listEnded = true))
  )
  /** Without room for what is due time brings nothing: a target that leaves makes some. */
  const dueMs = () => (politeness.queued() < window ? queue.dueMs() : Infinity)
  const isDue = () => dueMs() <= now()
  const hasWork = () =>
    areNearer() || politeness.hasFar() || (!listEnded && politeness.queued() < window / 2) || isDue()
  const demand = Effect.callback<void>((resume) => {
    wakeFeeder = () => {
      wakeFeeder = undefined
      resume(Effect.void)
    }
    if (hasWork()) wakeFeeder()
  }).pipe(Effect.provideService(WaitReason, "demand"))
  /** What there is to bring now, if there is anything. */
  const step = (): Effect.Effect<void, LineError> | undefined => {
    if (areNearer()) return inTime(nearer!.read())
    if (politeness.hasFar()) return shed
    if (isDue()) return inTime(lease)
    return !listEnded && politeness.queued() < window ? readNext : undefined
  }

  return {
    /** Brings what there is to bring, by demand, and calls `brought` after each step. */
    run: Effect.fn("frontier")((brought: () => void) =>
      Effect.forever(
        Effect.suspend(() => {
          const supplied = step()
          return supplied === undefined ? demand : Effect.map(supplied, brought)
        }),
        { disableYield: true }
      )
    ),
    /** There may be demand by now. */
    wake: () => {
      if (wakeFeeder !== undefined && hasWork()) wakeFeeder()
    },
    /** When time alone brings something of the store: milliseconds since the epoch. */
    dueMs,
    /** What links brought. */
    bring,
    /**
     * A target in flight goes on at another place: it gets its turn there. Called before `release`. Where that turn is far
     * off, it gives when it is to be brought again instead.
     */
    turn: (target: Target) =>
      Effect.map(restoreHosts([asked(target)]), (): number | undefined => {
        const dueMs = politeness.putOff(target, now())
        if (dueMs === undefined) politeness.add(target)
        return dueMs
      }),
    /** Nothing is left of the list, nor of pages to be read again. */
    isAtEnd: () => listEnded && !areNearer(),
    statistics: () => ({ ...counts, listEnded })
  }
}
