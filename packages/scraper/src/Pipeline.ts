/**
 * The line: url -> frontier -> politeness -> session -> decode -> sink ->
 * outcome -> store -> report.
 *
 * This module joins the stages; each is a module of its own. `jobs` workers
 * carry one target each from the frontier to its outcome; the committer writes
 * outcomes to the store in groups, and only then are they told.
 */
import * as Concurrently from "@simul/core/Concurrently"
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Pull from "effect/Pull"
import * as Attempts from "./Attempts.ts"
import * as Committer from "./Committer.ts"
import * as Conclusion from "./Conclusion.ts"
import type { NothingLeft, Reins } from "./Control.ts"
import * as Requeue from "./crawl/Requeue.ts"
import * as DeadProxy from "./DeadProxy.ts"
import { patience } from "./Download.ts"
import * as Frontier from "./Frontier.ts"
import * as FullDisk from "./FullDisk.ts"
import * as Gate from "./Gate.ts"
import type { LineError, List } from "./List.ts"
import * as Naming from "./Naming.ts"
import type { Options } from "./Options.ts"
import type { Outcome } from "./Outcome.ts"
import * as Politeness from "./Politeness.ts"
import * as Progress from "./Progress.ts"
import * as RateLimit from "./RateLimit.ts"
import * as Recorder from "./Recorder.ts"
import * as RobotsTxt from "./RobotsTxt.ts"
import * as RunClock from "./RunClock.ts"
import { Session } from "./Session.ts"
import { Sink } from "./Sink.ts"
import { Store, type StoreError, untilRoom } from "./Store.ts"
import * as Transfers from "./Transfers.ts"

/**
 * A running line, and how a crawl follows a change of its rules. Closing its scope stops it cleanly: what is in flight is
 * asked again by the next run.
 */
export interface Line extends Requeue.Requeue {
  /** Takes outcomes, each once, after they were committed. Done when every target has one. */
  readonly take: Pull.Pull<NonEmptyReadonlyArray<Outcome>, LineError>
  /** Says that the run came to its end, once all is made of it that is made after its outcomes. */
  readonly finish: Effect.Effect<void, StoreError>
  readonly progress: () => Progress.Progress
  readonly reins: Reins
  /** Does not end before this change of the rules is done; none is made where it has ended. */
  readonly change: <A, E>(change: Effect.Effect<A, E>) => Effect.Effect<A, E | NothingLeft>
}

/** Starts the line. It runs until the list is done or the scope closes, as fast as its outcomes are taken. */
export const start = Effect.fnUntraced(function* (list: List, options: Options) {
  const { recorder = Recorder.none } = options
  const { crawl } = list
  const startedMs = performance.now()
  const now = RunClock.make(Date.now)
  const session = recorder.session(yield* Session)
  const sink = recorder.sink(yield* Sink)
  const store = recorder.store(yield* Store)
  const counts: Progress.Counts = { saved: 0, unchanged: 0, refused: 0, failed: list.invalid, bytes: 0 }

  const backoff: Politeness.Backoff = { baseMs: options.backoffMs, random: Math.random }
  const politeness = recorder.politeness(
    Politeness.make({
      perHost: options.perHost,
      delayMs: options.delayMs,
      // a single fault is no evidence against the other targets of a host
      strikes: Math.max(1, options.retries),
      backoff,
      robots: options.robots,
      adaptive: options.adaptive === undefined ? undefined : { target: options.adaptive, maxMs: options.maxDelayMs }
    })
  )
  const inOtherForm =
    list.skipped > 0 && (yield* store.hasSavedAs(list.number, options.format === "warc" ? "files" : "warc"))
  const naming = Naming.make(options.naming, store, sink, (url) => frontier.isActive(url))
  const frontier: Frontier.Frontier = yield* Frontier.make(list.next, store, politeness, {
    list: list.number,
    run: list.run,
    place: list.place,
    targets: list.targets,
    window: Math.max(1024, 8 * options.jobs),
    freshSince: list.freshSince ?? 0,
    path: typeof options.naming === "object" ? options.naming.file : undefined,
    crawl: crawl && {
      open: crawl.open,
      perSite: Math.max(64, 8 * options.perHost),
      readAgain: crawl.readAgain,
      isBounded: crawl.isBounded,
      most: crawl.maxPages ?? Infinity,
      saved: crawl.saved,
      mostOfHost: crawl.maxPagesPerHost ?? Infinity
    },
    claim: naming.claim,
    isNamedByUrl: naming.isByUrl,
    holds: sink.holds,
    archives: options.format === "warc",
    inOtherForm,
    invalid: (line, error) => conclusion.invalid(line, error),
    park: (target, dueMs) => conclusion.park(target, dueMs),
    uncommitted: Effect.suspend(() => committer.room() ?? Effect.void),
    now,
    room: Effect.suspend(() => disk.wait(0))
  })
  const disk = FullDisk.make(frontier, sink)
  const proxy = DeadProxy.make(frontier, options, backoff, () => performance.now())
  const transfers = Transfers.make({ session, sink }, politeness, {
    maxSize: options.maxSize,
    maxTimeMs: options.maxTimeMs,
    endless: crawl && {
      bytes: options.maxSize === undefined ? patience.bytes : Infinity,
      ms: options.maxTimeMs === undefined ? patience.ms : Infinity
    },
    rate: options.rate === undefined ? undefined : RateLimit.make(options.rate),
    suggestions: options.serverNames,
    raw: options.format === "warc",
    follow: crawl,
    turn: (target, to) => gate.turn(target, to),
    timed: options.adaptive !== undefined
  })
  const committer = yield* Committer.make({ store, sink }, politeness, frontier, {
    list: list.number,
    isCrawl: crawl !== undefined,
    patterns: () => crawl?.traps?.changes() ?? [],
    withinMs: 200,
    most: 2048,
    isHungry: () => crawl !== undefined && (politeness.queued() === 0 || frontier.isFull()),
    inFlight: transfers.of,
    noteworthy: transfers.noteworthy,
    isNoteworthy: transfers.isNoteworthy,
    unplaced: (bytes) => {
      frontier.unsaved()
      counts.saved--
      counts.bytes -= bytes
      counts.failed++
    },
    robots: () => robots.copies(),
    now,
    diskFull: disk.wait(0)
  })
  const keeper = options.format === "warc" ? sink : undefined
  const robots = RobotsTxt.make({ session, store, sink: keeper, now }, politeness, options, committer.stir)
  const conclusion = Conclusion.make(
    { naming, sink, frontier, committer, disk, proxy, now },
    crawl,
    options,
    backoff,
    counts
  )
  const gate = Gate.make(
    { politeness, frontier, committer, robots, conclusion, proxy, now },
    crawl,
    options,
    (admission) => attempts.visit(admission)
  )
  const attempts: Attempts.Attempts = Attempts.make({ frontier, gate, transfers, sink, conclusion })

  // registered first, so run last: what was in flight is written down as such
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      for (const target of transfers.interrupted()) committer.park({ target, dueMs: 0, leased: false })
      return Effect.map(committer.close, (untaken) => {
        if (untaken.length > 0) options.onUntaken?.(untaken)
      })
    })
  )
  yield* store.begun(list.name)
  yield* Effect.forkScoped(Effect.onError(committer.run, committer.fail))
  yield* Effect.forkScoped(frontier.run)
  const work = Effect.fn("workers")(() =>
    Concurrently.forEachBounded(frontier.take, gate.carry, { concurrency: options.jobs, name: "worker" })
  )
  yield* work().pipe(
    Effect.andThen(committer.flush),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? committer.end : committer.fail(exit.cause))),
    Effect.forkScoped
  )

  const reins: Reins = {
    pause: () => frontier.pause("somebody"),
    resume: () => frontier.resume("somebody"),
    isPaused: () => frontier.isPausedBy("somebody"),
    isFinished: frontier.isFinished,
    inFlight: () => frontier.statistics().inFlight,
    flush: committer.flush
  }
  const { excludes = () => undefined } = crawl ?? {}
  return {
    take: committer.take,
    finish: untilRoom(store.finished(list.number, list.name), disk.wait(0)),
    progress: Progress.make(startedMs, list, counts, { frontier, politeness, session, transfers, disk, proxy, now }),
    reins,
    change: frontier.change,
    ...Requeue.make(list.number, excludes, { store, politeness, frontier, committer, conclusion })
  } satisfies Line
})
