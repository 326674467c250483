/**
 * Groups what the workers settle into commits: few and large, so that a commit
 * costs little for each target; soon, so that a crash repeats little.
 */
import { WaitReason } from "@simul/core/WaitReason"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import type { Evidence } from "./crawl/Traps.ts"
import type { Frontier } from "./Frontier.ts"
import type { LineError } from "./List.ts"
import type { Outcome } from "./Outcome.ts"
import type * as Politeness from "./Politeness.ts"
import type { Copy } from "./robots/RobotsPolicy.ts"
import type { RunClock } from "./RunClock.ts"
import type { Sink, Synced } from "./Sink.ts"
import { type Commit, type Settled, type Store, type StoreError, StoreFull, untilRoom, type Waiting } from "./Store.ts"
import type { Target } from "./Target.ts"

export interface CommitterOptions {
  readonly list: number
  /** Links of what is settled become targets. */
  readonly isCrawl: boolean
  /** What is known of patterns of URLs, as far as it changed since the last call. */
  readonly patterns: () => ReadonlyArray<Evidence>
  /** A commit comes at the latest this long after the first settled target, in milliseconds. */
  readonly withinMs: number
  /** A commit comes at once when this many are settled. */
  readonly most: number
  /** Or when nothing is left to be asked for but what a commit brings. */
  readonly isHungry: () => boolean
  /** Transfers in flight whose part is worth a row by now. */
  readonly noteworthy: () => ReadonlyArray<Target>
  /** There are any. */
  readonly isNoteworthy: () => boolean
  /** Those of some URLs that are in flight. */
  readonly inFlight: (urls: ReadonlySet<string>) => ReadonlyArray<Target>
  /** Told of each saved body of so many bytes that could not get its place after all. */
  readonly unplaced: (bytes: number) => void
  /** Answers for robots.txt that the store does not have yet. */
  readonly robots: () => ReadonlyArray<Copy>
  readonly now: RunClock
  /** Told before each try again of a commit that found no room on the disk. */
  readonly diskFull: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function* (
  services: { readonly store: Store["Service"]; readonly sink: Sink["Service"] },
  politeness: Politeness.Politeness,
  frontier: Frontier,
  options: CommitterOptions
) {
  const { store, sink } = services
  const committed = yield* Queue.unbounded<Outcome, LineError | Cause.Done>()
  let settled: Array<Settled> = []
  let waiting: Array<Waiting> = []
  /** What is not committed yet besides targets, the latest last. */
  let besides = nothing
  let wake: (() => void) | undefined
  /** Workers that wait for a commit because too much is uncommitted. */
  const held = new Set<() => void>()

  /** Something else is worth a commit. */
  let stirred = false
  const size = () => settled.length + waiting.length + (stirred ? 1 : 0)
  /** What is in memory is worth a commit. */
  const isHeavy = () => sink.held() >= mostHeld
  const isFull = () => size() >= 4 * options.most || isHeavy()
  const isWorthy = () => size() > 0 || besides.hosts.length > 0 || politeness.isChanged() || options.isNoteworthy()
  const write = (
    restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>,
    room: Effect.Effect<void, StoreError> = options.diskFull
  ): Effect.Effect<ReadonlyArray<Outcome>, StoreError> =>
    Effect.suspend(() => {
      const done = settled
      const parked = waiting
      // at the same instant: what ended before it has an outcome, and must not get a row as if it were in flight
      const noteworthy = options.noteworthy()
      settled = []
      waiting = []
      stirred = false
      // at the same instant: what it syncs is what is committed
      const syncing = sink.sync()
      besides = { ...besides, robots: [...besides.robots, ...options.robots()] }
      const sync: Effect.Effect<Synced, StoreError> = Effect.catchTag(syncing, "DiskFull", () =>
        Effect.andThen(restore(room), sync)
      )
      // before anything else can happen: what is read from here on is not part of this commit
      frontier.leaving([...done, ...parked].map((one) => one.target))
      const straggling = options.inFlight(frontier.stragglers())
      const leased = [...straggling, ...noteworthy]
      const place = frontier.place(leased)
      // a full disk is waited for, and that wait may be interrupted: then all of this is as if it were not yet written
      const putBack = (rows: ReadonlyArray<Settled>) =>
        Effect.sync(() => {
          settled = [...rows, ...settled]
          waiting = [...parked, ...waiting]
        })
      return Effect.flatMap(
        Effect.onError(sync, () => putBack(done)),
        ({ placed, failed, archives, captures }) => {
          const rows =
            placed.size + failed.size === 0 ? done : done.map((one) => withPlace(one, placed, failed, options.unplaced))
          besides = {
            robots: besides.robots,
            archives: [...besides.archives, ...archives],
            captures: [...besides.captures, ...captures],
            hosts: [...besides.hosts, ...politeness.changes(options.now())],
            patterns: [...besides.patterns, ...options.patterns()]
          }
          // the next run reads these by the wall's clock; what a target waits for, no run but this one
          const aheadMs = Math.max(0, options.now() - Date.now())
          const commit = {
            ...besides,
            list: options.list,
            settled: rows,
            waiting: [...parked, ...leased.map((target) => ({ target, dueMs: 0, leased: true }))],
            hosts: besides.hosts.map((clock) => ({
              ...clock,
              nextMs: clock.nextMs - aheadMs,
              pausedMs: clock.pausedMs - aheadMs
            })),
            robots: besides.robots.map((copy) => ({ ...copy, askedMs: copy.askedMs - aheadMs })),
            ...(place === undefined ? {} : { place }),
            isCrawl: options.isCrawl
          }
          return Effect.map(
            Effect.onError(untilRoom(store.commit(commit), restore(room)), () => putBack(rows)),
            (found) => {
              besides = nothing
              let firstDueMs = Infinity
              for (const { dueMs } of parked) firstDueMs = Math.min(firstDueMs, dueMs)
              frontier.committed(straggling, firstDueMs)
              if (options.isCrawl) frontier.found(found, rows.length)
              for (const release of held) release()
              held.clear()
              return rows.map((one) => one.outcome)
            }
          )
        }
      )
    })
  /** What was committed when the run had failed: it can be told to nobody. */
  const late: Array<Outcome> = []
  /** Somebody took what was told. */
  let taken: (() => void) | undefined
  const untilTaken = Effect.callback<void>((resume) => {
    if (Queue.sizeUnsafe(committed) <= 2 * options.most) return resume(Effect.void)
    taken = () => resume(Effect.void)
  })
  /**
   * Commits follow each other: one that was begun later must not be overtaken, in the list nor in archives. Nor may the
   * telling of its outcomes: who comes after it may end them.
   */
  const turn = yield* Semaphore.make(1)
  const flush = turn.withPermits(1)(
    Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(write(restore), (outcomes) => {
        late.push(...Queue.offerAllUnsafe(committed, outcomes))
        return restore(untilTaken)
      })
    )
  )

  const waitForCommit = Effect.callback<void>((resume) => {
    if (!isFull()) return resume(Effect.void)
    const release = () => resume(Effect.void)
    held.add(release)
    return Effect.sync(() => held.delete(release))
  }).pipe(Effect.provideService(WaitReason, "a commit"))

  /**
   * Waits until `most` targets are settled, or one is and `withinMs` passed. What else is worth a commit is looked for once
   * a second, and until there is any, whoever waits is left alone.
   */
  const rest = Effect.callback<void>((resume) => {
    const end = (next: Effect.Effect<void>) => {
      cancel()
      resume(next)
    }
    const begin = () => {
      if (isBegun) return
      isBegun = true
      clearTimeout(timer)
      timer = setTimeout(() => end(Effect.void), options.withinMs)
    }
    const look = () => {
      if (isWorthy()) begin()
      else timer = setTimeout(look, 1000)
    }
    let timer = setTimeout(look, 1000)
    let isBegun = false
    const cancel = () => {
      clearTimeout(timer)
      wake = undefined
    }
    wake = () => {
      if (size() === 0) return
      // not at once: who settles a target releases its host in the same step, and both belong to one commit
      if (size() >= options.most || isHeavy() || options.isHungry()) end(Effect.yieldNow)
      else begin()
    }
    wake()
    return Effect.sync(cancel)
  }).pipe(Effect.provideService(WaitReason, "outcomes"))
  const loop = Effect.fn("committer")(() => Effect.forever(Effect.andThen(rest, flush), { disableYield: true }))

  /** Takes in links of a page before its own outcome, since it has too many for one commit. */
  const admit = (links: ReadonlyArray<Target>): Effect.Effect<void, StoreError> =>
    Effect.map(untilRoom(store.link(options.list, undefined, links), options.diskFull), (found) =>
      frontier.found(found, 0)
    )

  return {
    admit,
    /** Takes outcomes that are committed, each once; done after `end`. */
    take: Effect.map(Queue.takeAll(committed), (outcomes) => {
      taken?.()
      return outcomes
    }),
    settle: (one: Settled) => {
      settled.push(one)
      wake?.()
    },
    park: (one: Waiting) => {
      waiting.push(one)
      wake?.()
    },
    /** There is something to commit besides targets. */
    stir: () => {
      stirred = true
      wake?.()
    },
    /** Waits while too much is uncommitted; `undefined` if it is not. */
    room: (): Effect.Effect<void> | undefined => (isFull() ? waitForCommit : undefined),
    /** Commits what is there, now. */
    flush,
    /**
     * Commits what is there. It gives the outcomes that nobody took, for nobody listens any more. Who stops a run does not wait
     * for room.
     */
    close: Effect.uninterruptibleMask((restore) =>
      turn.withPermits(1)(
        Effect.zipWith(
          // that of a run that failed, or is interrupted, may have failed itself
          Effect.catchCause(Queue.clear(committed), () => none),
          Effect.catch(write(restore, noRoom), () => none),
          (told, last) => [...told, ...late, ...last]
        )
      )
    ),
    run: loop(),
    end: Queue.end(committed),
    fail: (cause: Cause.Cause<LineError>) => Queue.failCause(committed, cause)
  }
})

export type Committer = Effect.Success<ReturnType<typeof make>>

const nothing: Required<Pick<Commit, "archives" | "captures" | "hosts" | "patterns" | "robots">> = {
  archives: [],
  captures: [],
  hosts: [],
  robots: [],
  patterns: []
}
/** Bytes of bodies in memory that are not waited with: 256 of the largest. */
const mostHeld = 16 << 20
/** Whoever closes hears of no error. */
const noRoom = Effect.fail(new StoreFull({ file: "" }))
const none = Effect.succeed<ReadonlyArray<Outcome>>([])

/** The outcome with the place that `sync` told; a body that could not get its place after all is no saved one. */
const withPlace = (
  one: Settled,
  placed: Synced["placed"],
  failed: Synced["failed"],
  unplaced: CommitterOptions["unplaced"]
): Settled => {
  if (one.outcome._tag !== "Saved") return one
  const path = placed.get(one.outcome.path)
  if (path !== undefined) return { ...one, outcome: { ...one.outcome, path } }
  const error = failed.get(one.outcome.path)
  if (error === undefined) return one
  const { url, attempts, durationMs, bytes } = one.outcome
  unplaced(bytes)
  return { target: one.target, outcome: { _tag: "Failed", url, attempts, durationMs, error } }
}
