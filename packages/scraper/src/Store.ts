/**
 * The unit of truth: what is known about every target.
 *
 * 1. A target has at most one row, keyed by its URL.
 * 2. Work is leased, never popped: a row leaves `pending` only in the commit
 *    that brings its outcome.
 * 3. Outcomes, waiting targets, host clocks and the place in the list are
 *    written in one commit. Files are under their final names before it, so
 *    doing again what was not committed is harmless.
 * 4. The place in the list never passes a target that has no row.
 *
 * One contract; the implementation over `effect/sql` is `store/SqlStore.ts`.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { Evidence } from "./crawl/Traps.ts"
import type { HostClock } from "./Politeness.ts"
import type { Outcome } from "./Outcome.ts"
import type { Copy } from "./robots/RobotsPolicy.ts"
import type { StoreFault } from "./RunError.ts"
import type { Archive, Capture } from "./Sink.ts"
import type { RecordLocation } from "./sink/RecordLocation.ts"
import type { Partial, Target, Validators } from "./Target.ts"
import * as Schema from "effect/Schema"

/** The disk has no room for a commit. Nothing was written; the same commit may be tried again. */
export class StoreFull extends Schema.TaggedError<StoreFull>()("StoreFull", { file: Schema.String }) {}

/** What any step of the store may fail with. */
export type StoreError = StoreFault | StoreFull

/** A step that is done again whenever the store had no room for it, once `room` has ended. */
export const untilRoom = <A, E = never>(
  step: Effect.Effect<A, E | StoreError>,
  room: Effect.Effect<void, StoreError>
): Effect.Effect<A, E | StoreError> =>
  Effect.catchTag(step, "StoreFull", () => Effect.andThen(room, untilRoom(step, room)))

/** What is known of a URL. `done`: its file was saved. `run`: the run that wrote the row last. */
export interface Known {
  readonly target: Target
  readonly state: "pending" | "done" | "failed"
  readonly list: number
  readonly run: number
}

/** A place in a list: everything before byte `bytes` (line `lines`) has a row. `sha256`: of those bytes, hexadecimal. */
export interface Place {
  readonly list: number
  readonly bytes: number
  readonly lines: number
  readonly sha256: string
  /** Targets found in it so far: those before the place, and those beyond it that have a row. */
  readonly targets: number
}

/** A target that got its outcome. `links`: the targets of a crawl that were found in it. */
export interface Settled {
  readonly target: Target
  readonly outcome: Outcome
  readonly validators?: Validators
  /** Of a saved body. Outside of crawls only one with parameters, such as `charset`. */
  readonly contentType?: string
  readonly links?: ReadonlyArray<Target>
  /** What is kept of a body that failed, for the next run. */
  readonly partial?: Partial
  /** The rules of a crawl leave it out: it is not tried again unless they let it in. */
  readonly isExcluded?: boolean
}

/** A target that is not done: waiting until `dueMs` (milliseconds since the epoch), or in flight, then leased to this run. */
export interface Waiting {
  readonly target: Target
  readonly dueMs: number
  readonly leased: boolean
}

/** What one commit brings. */
export interface Commit {
  readonly list: number
  readonly settled: ReadonlyArray<Settled>
  readonly waiting: ReadonlyArray<Waiting>
  readonly hosts: ReadonlyArray<HostClock>
  /** What hosts answered when they were asked for their robots.txt. */
  readonly robots?: ReadonlyArray<Copy>
  readonly place?: Place
  /** How far archives reach with it. */
  readonly archives?: ReadonlyArray<Archive>
  /** The records in them that are new. */
  readonly captures?: ReadonlyArray<Capture>
  /** It is one of a crawl: links that its list does not have yet become pending. */
  readonly isCrawl?: boolean
  /** What a crawl knows of patterns of URLs. */
  readonly patterns?: ReadonlyArray<Evidence>
}

/** A crawl: its list, how many targets that has, how many of them have an outcome, and how many are saved. */
export interface Crawl {
  readonly list: number
  readonly found: number
  readonly ended: number
  readonly saved: number
  /** What `ruled` said last, if anything. */
  readonly rules: string | undefined
}

/** How much a crawl may save: targets in all, and of each host (`crawl/SiteHost.ts`). `undefined`: any number. */
export interface Limits {
  readonly maxPages: number | undefined
  readonly maxPagesPerHost: number | undefined
}

/** The limit that a target is beyond. */
export interface Beyond {
  readonly by: keyof Limits
  readonly most: number
}

/**
 * What a crawl may have of each host. `taken`: by host, targets that were leased and may have been saved since. To count one
 * that is saved as well does no harm: the next commit leases again.
 */
export interface HostLimit {
  readonly most: number
  readonly taken: ReadonlyMap<string, number>
}

/** What links brought: targets that are new, and whether there are saved pages that turned out to be nearer to a seed. */
export interface Found {
  readonly added: number
  readonly isNearer: boolean
}

/** What a crawl has saved, and where it came from in the end. */
export interface SavedPage {
  readonly target: Target
  readonly finalUrl: string
}

/** A row as it is read back. `beyond`: the limit of its crawl by which it stays queued. */
export type Entry =
  | {
      readonly outcome: Outcome
      /** That its body came with, as far as it was kept. */
      readonly contentType?: string
    }
  | { readonly pending: { readonly url: string; readonly attempts: number; readonly beyond?: Beyond } }

/**
 * By what it is known whether a list that was begun came to its end: the path of its file, from the root, whatever lines
 * that has by then; `crawled`; or `unnamed`.
 */
export type ListName = string
/** The crawl of a directory: there is one at most. */
export const crawled: ListName = "crawl"
/** From arguments, a pipe or a program: nobody can tell one from another, so no more is known than of the last one. */
export const unnamed: ListName = ""

/** A saved file that was never synced and must be looked at after a power loss. */
export interface Unsynced {
  readonly target: Target
  readonly bytes: number
  readonly sha256: string | undefined
}

/** The index of archives, as a file: its length and sha256 (hexadecimal). */
export interface Indexed {
  readonly bytes: number
  readonly sha256: string
}

/** The unit of truth: what is known of every target, host, list and archive of a directory. */
export class Store extends Context.Service<
  Store,
  {
    /** What is known of these URLs, by URL. At most 500 at once. */
    readonly lookup: (urls: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, Known>, StoreError>
    /** Writes all of it or nothing. A link to what is known by a longer way brings it nearer. */
    readonly commit: (commit: Commit) => Effect.Effect<Found, StoreError>
    /**
     * Leases at most `limit` pending targets of a list that are due: the earliest first, those of one time in the order in
     * which they got their rows. `dueMs`: when the first of the others is due; `nowMs` where there were so many.
     */
    readonly lease: (
      list: number,
      limit: number,
      nowMs: number
    ) => Effect.Effect<{ readonly targets: ReadonlyArray<Target>; readonly dueMs: number }, StoreError>
    /**
     * Opens the crawl of this directory, or begins it, with further seeds: what failed or was interrupted is pending
     * again, with no attempts made; with `refresh` also what is done, unless a refresh was stopped: that goes on.
     */
    readonly crawl: (seeds: ReadonlyArray<Target>, refresh: boolean) => Effect.Effect<Crawl, StoreError>
    /** What a crawl has saved, in the order in which they were found. */
    readonly saved: (list: number) => Stream.Stream<SavedPage, StoreError>
    /**
     * Pages that turned out to be nearer to a seed than when their links were followed, which is of no use where depth bounds
     * nothing, and those that a list has saved; at most `limit`.
     */
    readonly nearer: (
      list: number,
      limit: number,
      isBounded: boolean
    ) => Effect.Effect<ReadonlyArray<SavedPage>, StoreError>
    /** Adds what a page leads to. `page`: with this it is read once more, as one that is so deep. */
    readonly link: (
      list: number,
      page: Target | undefined,
      links: ReadonlyArray<Target>
    ) => Effect.Effect<Found, StoreError>
    /**
     * Notes the rules by which all that a crawl has saved was read for links, and how much may be saved. By another limit
     * for hosts what was held back may be leased again.
     */
    readonly ruled: (list: number, rules: string, limits: Limits) => Effect.Effect<void, StoreError>
    /** Notes a limit for hosts that is lower, before anything is held back by it: so `ruled` by a higher one releases that. */
    readonly lowered: (list: number, maxPagesPerHost: number) => Effect.Effect<void, StoreError>
    /** Gives the targets of a crawl their priorities, by what they had `before`, unless they have those of this `text`. */
    readonly prioritize: (
      list: number,
      text: string,
      of: (url: string, before: number) => number
    ) => Effect.Effect<void, StoreError>
    /** What the rules of a crawl left out, in the order in which they were found. */
    readonly excluded: (list: number) => Stream.Stream<Target, StoreError>
    /**
     * Leases those pending targets of a crawl that are out, of at most 1,000 rows after `after`: 0 at first, then the `next`
     * of the call before. `undefined` for `next`: there are no more.
     */
    readonly withdraw: (
      list: number,
      after: number,
      isOut: (target: Target) => boolean
    ) => Effect.Effect<{ readonly targets: ReadonlyArray<Target>; readonly next: number | undefined }, StoreError>
    /** Makes what was left out pending again: the rules let it in now. */
    readonly readmit: (list: number, urls: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
    /**
     * Leases at most `limit` pending targets of a crawl that are due. Sites take turns, and each gets at most what there
     * is `room` for, the nearest to a seed first. Fewer than `limit` when there are no more; `dueMs`: when one of the
     * others is due; `isLeft`: there may be more that are due, of sites that there was no more room for. With `ofHost` so
     * many of a host at most as it may have still; what is beyond is held back.
     */
    readonly leaseBySite: (
      list: number,
      limit: number,
      nowMs: number,
      room: (origin: string) => number,
      ofHost?: HostLimit
    ) => Effect.Effect<
      { readonly targets: ReadonlyArray<Target>; readonly dueMs: number; readonly isLeft: boolean },
      StoreError
    >
    /** Pending targets of a list that nobody has leased, and when the first is due. */
    readonly waiting: (
      list: number
    ) => Effect.Effect<{ readonly count: number; readonly dueMs: number | undefined }, StoreError>
    /** What earlier runs of a crawl knew of patterns: the caught ones, and others with most pages, 1,000 at most. */
    readonly patterns: Effect.Effect<ReadonlyArray<Evidence>, StoreError>
    /** Makes what failed or was interrupted for a list pending again, due at once, with no attempts made. */
    readonly reopen: (list: number) => Effect.Effect<void, StoreError>
    /** Where earlier runs stopped in their lists; `isRefresh`: in a refresh of them. */
    readonly places: (isRefresh: boolean) => Effect.Effect<ReadonlyArray<Place>, StoreError>
    /**
     * Begins a refresh of a list, or goes on with the one that was stopped, and gives the run that began it; 0 and no
     * refresh where `isRefresh` is not.
     */
    readonly refresh: (list: number, isRefresh: boolean) => Effect.Effect<number, StoreError>
    /** Says that the run begins to read its list, or to crawl. */
    readonly begun: (name: ListName) => Effect.Effect<void, StoreError>
    /** Says that the run has come to the end of its list, or of the crawl: another refresh of it begins anew. */
    readonly finished: (list: number, name: ListName) => Effect.Effect<void, StoreError>
    /** A number for a list that has none. */
    readonly newList: Effect.Effect<number, StoreError>
    /**
     * Whether some of a list is saved as this: in files, or as records of archives. Of a list that is longer the newest
     * and the oldest 100,000 rows are looked at: a run should not wait at its start for all of them to be read, and what
     * is between them was so for an earlier run too.
     */
    readonly hasSavedAs: (list: number, format: "files" | "warc") => Effect.Effect<boolean, StoreError>
    /** Targets of a list that are not done, and lines of it that are no URL. */
    readonly count: (list: number) => Effect.Effect<{ readonly open: number; readonly invalid: number }, StoreError>
    /** The URLs that own these names, by name as `FileName.fold` folds it. */
    readonly owners: (claims: ReadonlyArray<string>) => Effect.Effect<ReadonlyMap<string, string>, StoreError>
    /**
     * What is known of hosts. After a run that was killed the last request may have come unseen: what has a delay has it
     * from the start of this run on.
     */
    readonly hosts: (origins: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<HostClock>, StoreError>
    /** What is kept of a host's robots.txt, however old. */
    readonly robots: (origin: string) => Effect.Effect<Copy | undefined, StoreError>
    /** Says that the run ended and has committed all that it knows. */
    readonly end: Effect.Effect<void, StoreError>
    /** Files saved without a sync before the machine was last started. */
    readonly unsynced: Stream.Stream<Unsynced, StoreError>
    readonly unsyncedCount: Effect.Effect<number, StoreError>
    /**
     * Says that the unsynced files were looked at; `damaged` are asked again, and parts of that time are forgotten. So are
     * the places of other lists than theirs: those may have passed over them.
     */
    readonly trust: (damaged: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
    /** The archives there are, and those that were to be made, with no bytes. */
    readonly archives: Effect.Effect<ReadonlyArray<Archive>, StoreError>
    /** Of each payload digest the first record that has the payload, where there is one. At most 500 at once. */
    readonly captured: (
      digests: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, RecordLocation>, StoreError>
    /** Every record of an answer, by the key of its URL (`warc/Surt.ts`) and its date. */
    readonly captures: Stream.Stream<Capture, StoreError>
    /** The index as it was written last; `undefined` where records came or went since. */
    readonly indexed: Effect.Effect<Indexed | undefined, StoreError>
    /** Says that the index is written, of all records. */
    readonly index: (index: Indexed) => Effect.Effect<void, StoreError>
    /** Says that an archive is about to be made. */
    readonly announce: (archive: string) => Effect.Effect<void, StoreError>
    /** URLs with a part file to continue: all that wait, and those that failed in the run before. */
    readonly partials: Effect.Effect<ReadonlyArray<string>, StoreError>
    /** Every row, in the order in which they were found. */
    readonly entries: Stream.Stream<Entry, StoreError>
  }
>()("@simul/scraper/Store") {}
