/**
 * The line: url -> frontier -> politeness -> session -> decode -> sink ->
 * outcome -> store -> report.
 *
 * This module joins the stages; each is a module of its own. `jobs` workers
 * carry one target each from the frontier to its outcome; the committer writes
 * outcomes to the store in groups, and only then are they told.
 */
import * as Concurrently from "@simul/core/Concurrently"
import { WaitReason } from "@simul/core/WaitReason"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Stream from "effect/Stream"
import * as Committer from "./Committer.ts"
import type { Reins } from "./Control.ts"
import type { Following } from "./crawl/Following.ts"
import * as Download from "./Download.ts"
import { type FetchReason, HostDown } from "./FetchError.ts"
import * as Exclusion from "./crawl/Exclusion.ts"
import * as Frontier from "./Frontier.ts"
import { InFlight } from "./InFlight.ts"
import type { Batch } from "./Lines.ts"
import * as Naming from "./Naming.ts"
import type { Options } from "./Options.ts"
import type { Outcome, Refusal } from "./Outcome.ts"
import * as Politeness from "./Politeness.ts"
import * as RateLimit from "./RateLimit.ts"
import * as Recorder from "./Recorder.ts"
import * as Retry from "./Retry.ts"
import * as RobotsTxt from "./RobotsTxt.ts"
import { type ResponseHead, Session } from "./Session.ts"
import { type Aside, type Part, Sink } from "./Sink.ts"
import { type Beyond, type Limits, type Place, type Settled, Store, type StoreError } from "./Store.ts"
import { asked, type Partial, type Target } from "./Target.ts"
import * as Url from "./Url.ts"

/** The list a run works on: its number in the store, and what is known of it. */
export interface List {
  readonly number: number
  readonly run: number
  readonly next: Concurrently.Next<Batch>
  /** Where earlier runs stopped in it, if it can be continued. */
  readonly place?: Place | undefined
  /** Targets found in it by earlier runs, those of them that are done, and those that are no URL. */
  readonly targets: number
  readonly skipped: number
  readonly invalid: number
  /** Fraction of it that was read; `undefined` where its length is not known. */
  readonly read?: () => number | undefined
  /** The list grows by the links that are found in its pages. */
  readonly crawl?: Crawl
}

/** What makes a crawl of a list. */
export interface Crawl extends Omit<Following, "change"> {
  /** Targets of it that are not done. */
  readonly open: number
  /** Of them saved, and how many may be; absent: any number. */
  readonly saved: number
  readonly maxPages?: number
  /** Of each host (`crawl/SiteHost.ts`). */
  readonly maxPagesPerHost?: number
  /** Keeps nothing that asks not to be indexed; its links are followed. */
  readonly skipsNoindex: boolean
}

/** A host that makes the run wait. */
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
  readonly inFlight: number
  /** Waiting for another attempt. */
  readonly waiting: number
  /** All targets, once the list has been read to its end. */
  readonly total?: number
  /** Fraction of the list that has been read, where its length is known. */
  readonly listRead?: number
  /** Bytes of saved files. */
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
  /** The hosts that make most targets wait, at most three. */
  readonly slow: ReadonlyArray<SlowHost>
  /** Set while the disk is full: bytes that are free now. */
  readonly diskFull?: { readonly free: number }
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

/** A running line. Closing its scope stops it cleanly: what is in flight is asked again by the next run. */
export interface Run<E = StoreError> {
  /** Each outcome once, after it was committed. Ends when every target has one. */
  readonly outcomes: Stream.Stream<Outcome, E>
  readonly progress: () => Progress
}

/** How a running line is held, and how a crawl follows a change of its rules. */
export interface Line extends Run {
  readonly reins: Reins
  /** Ends what is queued and what the rules leave out now; gives how many targets that were. */
  readonly withdraw: Effect.Effect<number, StoreError>
  /** Takes in what a saved page leads to; gives how many of that are new. */
  readonly admit: (page: Target, links: ReadonlyArray<Target>) => Effect.Effect<number, StoreError>
  /** Takes what was left out in again. */
  readonly readmit: (targets: ReadonlyArray<Target>) => Effect.Effect<void, StoreError>
  /** Takes what is queued back to the store, to be leased in the order that it has there now. */
  readonly putBack: Effect.Effect<void, StoreError>
  /** Does not end before this change of the rules is done. */
  readonly change: <A, E>(change: Effect.Effect<A, E>) => Effect.Effect<A, E>
  /** Saves so many targets of the crawl, at most; what is under way counts, but is not stopped. */
  readonly limit: (limits: Limits) => void
}

/** Room that must be free before a full disk is written to again. */
const diskReserve = 16 << 20
const noteAfterMs = 1000

/** Starts the line. It runs until the list is done or the scope closes, as fast as `outcomes` is pulled. */
export const start = Effect.fnUntraced(function* (list: List, options: Options) {
  const { recorder = Recorder.none } = options
  const { crawl } = list
  const session = recorder.session(yield* Session)
  const sink = recorder.sink(yield* Sink)
  const store = recorder.store(yield* Store)

  const startedMs = performance.now()
  const counts = { saved: 0, unchanged: 0, refused: 0, failed: list.invalid, bytes: 0 }
  const running = new InFlight<Download.Download>()
  let diskFull: { free: number; readonly needed: number } | undefined

  const backoff: Politeness.Backoff = { baseMs: options.backoffMs, random: Math.random }
  const naming = Naming.make(options.naming, store, (url) => frontier.isActive(url))
  const politeness = recorder.politeness(
    Politeness.make({
      perHost: options.perHost,
      delayMs: options.delayMs,
      strikes: options.retries,
      backoff,
      robots: options.robots,
      adaptive: options.adaptive === undefined ? undefined : { target: options.adaptive, maxMs: options.maxDelayMs }
    })
  )
  const frontier: Frontier.Frontier = yield* Frontier.make(list.next, store, politeness, {
    list: list.number,
    run: list.run,
    place: list.place,
    targets: list.targets,
    window: Math.max(1024, 8 * options.jobs),
    refresh: options.refresh,
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
    invalid: (line, error) => {
      const url = Url.redact(line.text)
      const outcome: Outcome = { _tag: "Failed", url, attempts: 0, durationMs: 0, error }
      counts.failed++
      settle({ target: { url: line.text, host: "", path: "", attempts: 0 }, outcome })
    }
  })
  const committer = yield* Committer.make({ store, sink }, politeness, frontier, {
    list: list.number,
    isCrawl: crawl !== undefined,
    patterns: () => crawl?.traps?.changes() ?? [],
    withinMs: 200,
    most: 2048,
    isHungry: () => crawl !== undefined && politeness.queued() === 0,
    inFlight: (url) => running.all.find(({ target }) => target.url === url)?.target,
    noteworthy: () => {
      // most transfers end before they are worth a row
      const worthy: Array<Target> = []
      for (const download of running.all) {
        if (download.noted || performance.now() - download.startedMs < noteAfterMs) continue
        const partial = download.resumable
        if (partial === undefined) continue
        download.noted = true
        worthy.push({ ...download.target, partial })
      }
      return worthy
    },
    unplaced: (bytes) => {
      counts.saved--
      counts.bytes -= bytes
      counts.failed++
    },
    robots: () => robots.copies(),
    diskFull: Effect.suspend(() => pauseForDisk(0))
  })

  const settle = (one: Settled) => {
    if (crawl !== undefined) frontier.settle(one.outcome._tag === "Saved" || one.outcome._tag === "Unchanged")
    committer.settle(one)
  }

  // ---- one target

  const downloadOptions: Download.DownloadOptions = {
    maxSize: options.maxSize,
    maxTimeMs: options.maxTimeMs,
    endless: crawl && {
      bytes: options.maxSize === undefined ? Download.patience.bytes : Infinity,
      ms: options.maxTimeMs === undefined ? Download.patience.ms : Infinity
    },
    rate: options.rate === undefined ? undefined : RateLimit.make(options.rate),
    suggestions: options.serverNames,
    raw: options.format === "warc",
    follow: crawl,
    turn: (target, to) => turnOf(target, to),
    timed: options.adaptive !== undefined
  }
  const services = { session, sink }
  const download = (target: Target, part: Part | undefined, done: (ended: Download.Attempt) => void) => {
    const started = Download.start(services, target, part, downloadOptions, (ended) => {
      running.remove(started)
      if (downloadOptions.timed) learn(started, ended)
      done(ended)
    })
    running.add(started)
    return started
  }
  /** What an answer says of how fast its host is; one that came from elsewhere says nothing. */
  const learn = ({ target, latencyMs }: Download.Download, ended: Download.Attempt) => {
    const isGood = ended._tag === "Complete" || ended._tag === "Unchanged"
    const { host } = asked(target)
    if (ended._tag === "Failed" && ended.reason._tag === "TimeoutError" && latencyMs === undefined)
      politeness.answered(host, ended.reason.ms, false)
    else if (latencyMs !== undefined && "head" in ended && Url.origin(ended.head.url) === host)
      politeness.answered(host, latencyMs, isGood)
  }
  const interrupted: Array<Target> = []
  const giveUp = (download: Download.Download) => {
    const { target } = download
    // it ended just now, and what became of it is settled
    if (download.slot === -1) return
    running.remove(download)
    const partial = download.abort()
    interrupted.push(partial === undefined ? withoutPartial(target) : { ...target, partial })
  }
  const attempt = (target: Target, part?: Part) =>
    Effect.callback<Download.Attempt>((resume) => {
      const started = download(target, part, (ended) => resume(Effect.succeed(ended)))
      return Effect.sync(() => giveUp(started))
    }).pipe(Effect.provideService(WaitReason, "a transfer"))

  /**
   * Downloads a target, and then what is next for as long as nothing but a download is called for: to put a fiber to
   * sleep and wake it for each target costs more than all else that the line does. Gives what its worker is to do then.
   */
  const chain = (first: Target) =>
    Effect.callback<Effect.Effect<void, StoreError>>((resume) => {
      let current: Download.Download
      const begin = (target: Target) => {
        const startedMs = performance.now()
        current = download(target, undefined, (ended) => {
          try {
            const rest = conclude(target, startedMs, ended)
            if (rest !== undefined) return resume(Effect.succeed(rest))
            const next = frontier.poll()
            if (next === undefined) resume(Effect.succeed(Effect.void))
            else if (isPlain(next)) begin(next.target)
            else resume(Effect.succeed(carry(next)))
          } catch (bug) {
            resume(Effect.die(bug))
          }
        })
      }
      begin(first)
      return Effect.sync(() => giveUp(current))
    }).pipe(Effect.provideService(WaitReason, "a transfer"))

  const isPlain = ({ target, down }: Politeness.Admission) =>
    !options.robots && down === undefined && target.partial === undefined && leftOut(target) === undefined

  /** Why a target is not worth a request. What the user named is, whatever it looks like. */
  const trapped = ({ url, depth }: Target) => (depth === 0 ? undefined : crawl?.traps?.caught(url))
  /** Why a target is not asked for, without a look at its host. It may have been found by other rules than those of now. */
  const leftOut = (target: Target): LeftOut | undefined => {
    const exclusion = crawl?.excludes(target)
    if (exclusion !== undefined) return { error: exclusion, isExcluded: true }
    const trap = trapped(target)
    return trap && { error: Exclusion.ofTrap(trap), isExcluded: false }
  }

  const visit = ({ target, down }: Politeness.Admission): Effect.Effect<void, StoreError> => {
    const startedMs = performance.now()
    if (down !== undefined) {
      note(target)
      return fail(target, startedMs, new HostDown(down), undefined, undefined) ?? Effect.void
    }
    if (target.partial === undefined) return Effect.flatten(chain(target))
    return sink.reopen(target.url).pipe(
      Effect.matchEffect({
        onFailure: () => attempt(withoutPartial(target)),
        onSuccess: (part) => attempt(part === undefined ? withoutPartial(target) : target, part)
      }),
      Effect.flatMap((ended) =>
        ended._tag === "Failed" && ended.restart === true ? attempt(withoutPartial(target)) : Effect.succeed(ended)
      ),
      Effect.flatMap((ended) => conclude(target, startedMs, ended) ?? Effect.void)
    )
  }

  /** What is left to do or to wait for after a target; mostly nothing. */
  type Rest = Effect.Effect<void, StoreError> | undefined

  const conclude = (target: Target, startedMs: number, ended: Download.Attempt): Rest => {
    switch (ended._tag) {
      case "Complete":
        note(target, ended.asides)
        return save(target, startedMs, ended)
      case "Unchanged": {
        note(target, ended.asides)
        const { bytes, sha256, record, contentType: _, ...validators } = target.saved!
        counts.unchanged++
        const path = record ?? target.path
        const outcome = answered("Unchanged", target, startedMs, ended.head, path, bytes, sha256)
        return linked(target, ended.head, path, undefined, { outcome, validators })
      }
      case "DiskFull":
        park(ended.partial === undefined ? withoutPartial(target) : { ...target, partial: ended.partial }, 0)
        frontier.release(target, "answered")
        return pauseForDisk(ended.needed)
      case "Turned": {
        const { turn, partial } = ended
        const hop = { ...ended.hop, asides: [...(target.hop?.asides ?? []), ...(ended.asides ?? [])] }
        const turned = { ...(partial === undefined ? withoutPartial(target) : { ...target, partial }), hop }
        if (turn !== "wait") return refuse(turned, startedMs, turn.refused, "answered")
        return Effect.map(frontier.turn(turned), () => frontier.release(target, "answered"))
      }
      case "Failed":
        note(target, ended.asides)
        return fail(target, startedMs, ended.reason, ended.head, ended.partial)
    }
  }
  /** Keeps what was answered on the way of a target, in the step that settles or parks it: so in the same commit. */
  const note = ({ hop }: Target, asides: ReadonlyArray<Aside> = []) => {
    for (const aside of hop?.asides ?? []) sink.note(aside)
    for (const aside of asides) sink.note(aside)
  }

  const save = (target: Target, startedMs: number, complete: Download.Complete): Rest => {
    const { suggested } = complete
    if (suggested !== undefined)
      return Effect.flatMap(
        naming.suggest(target, suggested),
        (path) => place({ ...target, path, isNamedByUrl: false }, startedMs, complete) ?? Effect.void
      )
    return place(target, startedMs, complete)
  }
  const place = (
    target: Target,
    startedMs: number,
    { part, head, bytes, sha256, validators, reading }: Download.Complete
  ): Rest => {
    if (crawl?.skipsNoindex === true && asksNotToBeIndexed(head, reading) && isLeaf(target, head, reading)) {
      part.discard()
      counts.refused++
      const outcome = refused(target, target.attempts + 1, startedMs, noindex)
      return linked(target, head, "", reading, { outcome })
    }
    let path: string
    try {
      path = part.place(target.path)
    } catch (error) {
      return conclude(target, startedMs, Download.broken(error, head, bytes))
    }
    counts.saved++
    counts.bytes += bytes
    if (reading === undefined && sha256 !== undefined) crawl?.traps?.body(target.url, sha256)
    const outcome = answered("Saved", target, startedMs, head, path, bytes, sha256)
    const contentType = crawl === undefined ? undefined : head.header("content-type")
    return linked(target, head, path, reading, {
      outcome,
      validators,
      ...(contentType === undefined ? {} : { contentType })
    })
  }
  const asksNotToBeIndexed = (head: ResponseHead, reading: Download.Reading | undefined): boolean =>
    reading?.isNoindex?.() ?? crawl?.isNoindex(head) ?? false
  /** Nothing has to be kept of it to find its links: a sitemap is read from where it lies. */
  const isLeaf = (target: Target, head: ResponseHead, reading: Download.Reading | undefined): boolean =>
    reading !== undefined || crawl?.readSaved(target, head, target.path) === undefined
  /** Settles an answer with the links in it, and gives its slot back. */
  const linked = (
    target: Target,
    head: ResponseHead,
    path: string,
    read: Download.Reading | undefined,
    ended: Pick<Settled, "validators" | "contentType"> & {
      readonly outcome: Exclude<Outcome, { readonly _tag: "Failed" }>
    }
  ): Rest => {
    const leave = (reading: Download.Reading | undefined) => {
      const { outcome } = ended
      const isNoindex = crawl !== undefined && outcome._tag !== "Refused" && asksNotToBeIndexed(head, reading)
      const links = reading === undefined ? noLinks : { links: reading.end() }
      settle({ target, ...ended, outcome: isNoindex ? { ...outcome, noindex: true } : outcome, ...links })
      frontier.release(target, "answered")
      return committer.room()
    }
    const again = read === undefined ? crawl?.readSaved(target, head, path) : undefined
    return again === undefined ? leave(read) : Effect.flatMap(again, (reading) => leave(reading) ?? Effect.void)
  }

  const fail = (
    target: Target,
    startedMs: number,
    error: FetchReason,
    head: ResponseHead | undefined,
    partial: Partial | undefined
  ): Rest => {
    const attempts = target.attempts + (error._tag === "HostDown" ? 0 : 1)
    const delay = Retry.delayMs(error, attempts, options, backoff)
    if (delay === undefined) {
      forget({ ...target, ...(partial === undefined ? {} : { partial }) })
      settle({ target, outcome: lost(about(target, attempts, startedMs, head), error) })
    } else {
      park({ ...withoutPartial(target), attempts, ...(partial === undefined ? {} : { partial }) }, Date.now() + delay)
    }
    frontier.release(target, Retry.verdict(error, attempts, backoff))
    return committer.room()
  }

  const refuse = (
    target: Target,
    startedMs: number,
    error: Refusal,
    verdict: Politeness.Verdict | undefined,
    isExcluded = false
  ): Rest => {
    forget(target)
    note(target)
    counts.refused++
    settle({ target, outcome: refused(target, target.attempts, startedMs, error), isExcluded })
    frontier.release(target, verdict)
    return committer.room()
  }

  /** A target that gets its outcome has no use for a part any more. */
  const forget = ({ url, partial }: Target) => {
    if (partial !== undefined) sink.forget(url)
  }

  const lost = (asked: ReturnType<typeof about>, error: FetchReason): Outcome => {
    if (error._tag === "RedirectError" && error.kind === "scope") {
      counts.refused++
      const { url, attempts, durationMs } = asked
      return { _tag: "Refused", url, attempts, durationMs, error: { reason: "OutOfScope", message: error.message } }
    }
    counts.failed++
    return { _tag: "Failed", ...asked, error }
  }

  const park = (target: Target, dueMs: number) => {
    frontier.park(target)
    committer.park({ target, dueMs, leased: false })
  }

  // ---- robots.txt

  const robots = RobotsTxt.make({ session, store }, politeness, options, committer.stir)
  const visitIfAllowed = (admission: Politeness.Admission): Effect.Effect<void, StoreError> =>
    Effect.flatMap(robots.rule(admission), (ruling) => {
      const { target } = admission
      if (ruling._tag === "Allowed") return visit(admission)
      if (ruling._tag === "Refused")
        return refuse(target, performance.now(), ruling.error, ruling.verdict) ?? Effect.void
      politeness.add(target)
      frontier.release(target, ruling.verdict)
      return committer.room() ?? Effect.void
    })
  /** A redirect is a request as any other: within a host it may be sent at once where nothing is to be kept apart. */
  const turnOf = (target: Target, to: URL): Download.Turn => {
    const { origin } = to
    const isOther = origin !== asked(target).host
    if (options.robots) {
      const ruling = robots.known({ ...target, hop: { url: to.href, host: origin, redirects: 0 } })
      if (ruling?._tag === "Refused") return { refused: ruling.error }
      if (ruling === undefined || isOther) return "wait"
    }
    return politeness.keepsApart(origin, Date.now()) ? "wait" : "follow"
  }
  const visitIfMay = options.robots ? visitIfAllowed : visit
  const carry = (admission: Politeness.Admission): Effect.Effect<void, StoreError> => {
    const out = leftOut(admission.target)
    if (out === undefined) return visitIfMay(admission)
    return refuse(admission.target, performance.now(), out.error, "unasked", out.isExcluded) ?? Effect.void
  }

  // ---- holding it

  const heldBy = new Set<"disk" | "somebody">()
  const hold = (who: "disk" | "somebody") => {
    heldBy.add(who)
    frontier.pause()
  }
  const letGo = (who: "disk" | "somebody") => {
    const wasHeld = heldBy.delete(who)
    if (heldBy.size === 0) frontier.resume()
    return wasHeld
  }
  const reins: Reins = {
    pause: () => hold("somebody"),
    resume: () => letGo("somebody"),
    isPaused: () => heldBy.has("somebody"),
    inFlight: () => frontier.statistics().inFlight,
    flush: committer.flush
  }

  // ---- other rules

  /** Settles a target that nobody asked for, nor will. It counts as waiting for a commit. */
  const leaveOut = (target: Target, error: Exclusion.Exclusion) => {
    counts.refused++
    forget(target)
    committer.settle({ target, outcome: refused(target, target.attempts, performance.now(), error), isExcluded: true })
  }
  const withdraw = Effect.gen(function* () {
    let left = 0
    const excludes = crawl!.excludes
    for (const target of politeness.withdraw((target) => excludes(target) !== undefined)) {
      frontier.settle(false)
      leaveOut(target, excludes(target)!)
      left++
    }
    let after: number | undefined = 0
    while (after !== undefined) {
      const page: Effect.Success<ReturnType<typeof store.withdraw>> = yield* store.withdraw(
        list.number,
        after,
        (target) => excludes(target) !== undefined
      )
      frontier.retried(page.targets)
      for (const target of page.targets) leaveOut(target, excludes(target)!)
      left += page.targets.length
      after = page.next
      yield* committer.room() ?? Effect.void
    }
    yield* committer.flush
    return left
  })
  const admit = Effect.fnUntraced(function* (page: Target, links: ReadonlyArray<Target>) {
    const found = yield* store.link(list.number, page, links)
    frontier.found(found, 0)
    return found.added
  })
  const readmit = Effect.fnUntraced(function* (targets: ReadonlyArray<Target>) {
    yield* store.readmit(
      list.number,
      targets.map(({ url }) => url)
    )
    frontier.found({ added: targets.length, isNearer: false }, 0)
  })
  const unqueue = () => {
    // what a redirect led elsewhere was asked for
    for (const target of politeness.withdraw(({ hop }) => hop === undefined)) park(target, 0)
  }
  const putBack = Effect.andThen(Effect.sync(unqueue), committer.flush)
  const limit = ({ maxPages = Infinity, maxPagesPerHost = Infinity }: Limits) => {
    // those that are queued were leased by another limit
    if (maxPagesPerHost < Infinity) unqueue()
    frontier.limit(maxPages, maxPagesPerHost)
  }

  // ---- a full disk

  const pauseForDisk = (needed: number) =>
    Effect.gen(function* () {
      if (diskFull !== undefined) return yield* Effect.sleep("1 second")
      hold("disk")
      diskFull = { free: yield* sink.free, needed: Math.max(needed, diskReserve) }
      while (diskFull.free < diskFull.needed) {
        yield* Effect.sleep("1 second")
        diskFull.free = yield* sink.free
      }
      diskFull = undefined
      letGo("disk")
    })

  // ---- the run

  // registered first, so run last: what was in flight is written down as such
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      for (const target of interrupted) committer.park({ target, dueMs: 0, leased: false })
      return Effect.ignore(committer.close)
    })
  )
  yield* Effect.forkScoped(Effect.onError(committer.run, committer.fail))
  yield* Effect.forkScoped(frontier.run)
  const work = Effect.fn("workers")(() =>
    Concurrently.forEachBounded(frontier.take, carry, { concurrency: options.jobs, name: "worker" })
  )
  yield* work().pipe(
    Effect.andThen(committer.flush),
    Effect.onExit((exit) => (Exit.isSuccess(exit) ? committer.end : committer.fail(exit.cause))),
    Effect.forkScoped
  )

  const progress = (): Progress => {
    const { read, skipped, inFlight, waiting, listEnded, limit } = frontier.statistics()
    const nowMs = performance.now()
    const listRead = list.read?.()
    return {
      elapsedMs: nowMs - startedMs,
      ...counts,
      skipped: skipped + list.skipped,
      inFlight,
      waiting,
      ...(listEnded ? { total: read } : {}),
      ...(listRead === undefined ? {} : { listRead }),
      received: session.statistics().bytesReceived,
      running: running.all
        .toSorted((a, b) => a.startedMs - b.startedMs)
        .slice(0, 5)
        .map(({ target, received, total, startedMs }) => ({
          url: Url.redact(target.url),
          received,
          ...(total === undefined ? {} : { total }),
          elapsedMs: nowMs - startedMs
        })),
      slow: politeness.slow(Date.now(), 3),
      ...(diskFull === undefined ? {} : { diskFull: { free: diskFull.free } }),
      ...(limit === undefined ? {} : { limit }),
      ...(reins.isPaused() ? { paused: true } : {})
    }
  }
  const { change } = frontier
  return {
    outcomes: committer.outcomes,
    progress,
    reins,
    withdraw,
    admit,
    readmit,
    putBack,
    change,
    limit
  } satisfies Line
})

/** `isExcluded`: by the rules of the crawl. */
interface LeftOut {
  readonly error: Refusal
  readonly isExcluded: boolean
}

const noLinks = {}
const noindex = { reason: "Noindex", message: "it asks not to be indexed (noindex)" }

const withoutPartial = ({ partial: _partial, ...target }: Target): Target => target

type Answered = Extract<Outcome, { readonly _tag: "Saved" | "Unchanged" }>

/** Assigned and not spread: that is several times as fast, and this is done for each target. */
const answered = (
  _tag: Answered["_tag"],
  target: Target,
  startedMs: number,
  head: ResponseHead,
  path: string,
  bytes: number,
  sha256: string | undefined
): Answered => {
  const url = Url.redact(target.url)
  const attempts = target.attempts + 1
  const durationMs = performance.now() - startedMs
  const outcome: { -readonly [K in keyof Answered]: Answered[K] } =
    head.url === url
      ? { _tag, url, attempts, durationMs, status: head.status, path, bytes }
      : { _tag, url, attempts, durationMs, status: head.status, finalUrl: head.url, path, bytes }
  if (sha256 !== undefined) outcome.sha256 = sha256
  return outcome
}

const about = (target: Target, attempts: number, startedMs: number, head: ResponseHead | undefined) => {
  const url = Url.redact(target.url)
  return {
    url,
    attempts,
    durationMs: performance.now() - startedMs,
    ...(head === undefined ? {} : { status: head.status, ...(head.url === url ? {} : { finalUrl: head.url }) })
  }
}

const refused = (target: Target, attempts: number, startedMs: number, error: Refusal) => ({
  _tag: "Refused" as const,
  ...about(target, attempts, startedMs, undefined),
  error
})
