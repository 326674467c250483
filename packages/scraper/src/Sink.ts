/**
 * Where bodies go: whole under their final name, or not at all.
 *
 * A body grows in a part file in the state folder, out of everybody's way; it
 * gets its final name by one rename when it is complete. Writing is synchronous
 * and in the order of arrival: for the page cache of a local disk that costs
 * less than a queue would.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { FetchReason, WriteError } from "./FetchError.ts"
import type { DirectoryUnusable, StoreFault } from "./RunError.ts"
import type { RedirectAnswer, ResponseHead } from "./Session.ts"
import type { RecordLocation } from "./sink/RecordLocation.ts"
import type { Subject } from "./Subject.ts"

/** No room on the disk. Not a failure of the target: the run pauses. */
export class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", { path: Schema.String }) {}

/** A body on its way. */
export interface Part {
  /** Bytes written so far, those of an earlier attempt included. */
  readonly bytes: number
  /**
   * Takes the next bytes; they belong to the caller again when it returns. `false`: hold back until `drained`. Throws
   * WriteError or DiskFull.
   */
  readonly write: (chunk: Uint8Array) => boolean
  /** Called by the sink when it takes bytes again. */
  drained: () => void
  /**
   * The body is complete: its length and sha256 (hexadecimal; absent where hashing is off). No write after it. Throws
   * as `write`.
   */
  readonly finish: () => { readonly bytes: number; readonly sha256?: string }
  /**
   * Gives it its place, a file at this path below the directory if the sink makes files; at the latest when `sync`
   * returns. What it returns is that place, or a key for which `sync` tells it. Throws WriteError or DiskFull.
   */
  readonly place: (path: string) => string
  /** The bytes of it, once it is complete and before it has its place. */
  readonly read: () => AsyncIterable<Uint8Array>
  /** Leaves the bytes for a later attempt. `false`: they cannot be relied on, and are to be discarded. */
  readonly keep: () => boolean
  /** What will not come whole: kept as such with the next `sync` if the sink keeps what is cut, else removed. */
  readonly abandon: (truncated: Truncation) => void
  /** Removes it. What cannot be removed is left for a later `sweep`. */
  readonly discard: () => void
}

/**
 * Why a body is not all that was to come: it was longer or took longer than it may, broke off, or was given up for
 * another reason.
 */
export type Truncation = "length" | "time" | "disconnect" | "unspecified"

/** An answer that is no target's body: a redirect on the way to it, an error, a 304, a robots.txt. */
export interface Aside {
  readonly head: ResponseHead
  /** When it was answered, in milliseconds since the epoch. */
  readonly dateMs: number
  /** Its body as it came, as far as it was kept. */
  readonly body: Uint8Array
  /** Why that is not all of it. */
  readonly truncated?: Truncation
  /** Of a 304: where the body lies that still stands. */
  readonly unchanged?: string
}

/** A redirect that is over just now. */
export const asideOf = ({ head, body, isWhole }: RedirectAnswer): Aside => ({
  head,
  dateMs: Date.now(),
  body,
  ...(isWhole ? {} : { truncated: "length" })
})

/** What cuts a body off that ends with this error. */
export const truncationBy = ({ _tag }: FetchReason): Truncation => {
  switch (_tag) {
    case "TooLargeError":
    case "EndlessError":
      return "length"
    case "TimeoutError":
      return "time"
    case "DecodeError":
      return "unspecified"
    default:
      return "disconnect"
  }
}

/** One record of an answer, as it can be found again. */
export interface Capture extends RecordLocation {
  readonly url: string
  readonly dateMs: number
  readonly status: number
  /** The media type, without parameters; empty where none was told. */
  readonly type: string
  /** Of the payload, as a record has it. */
  readonly digest: string
  /** The payload is not in it, but in an earlier one. */
  readonly isRevisit: boolean
  /** Of the payload only a part came. */
  readonly isCut: boolean
}

/** A file of many bodies, by its name in the directory: its bytes up to here are whole records of committed outcomes. */
export interface Archive {
  readonly name: string
  readonly bytes: number
}

/** What became of the placed parts since the last time, by what `place` returned. */
export interface Synced {
  /** Places that were not known before. */
  readonly placed: ReadonlyMap<string, string>
  /** Errors of parts that could not be placed after all. */
  readonly failed: ReadonlyMap<string, WriteError>
  /** The archives that grew, to be committed with the outcomes. */
  readonly archives: ReadonlyArray<Archive>
  /** The records in them that are new. */
  readonly captures: ReadonlyArray<Capture>
}

/**
 * A run makes its own, of files or archives. One that is provided takes its place: then `directory` holds the state of the run, and
 * bodies are where that sink puts them. `testing/MemorySink.ts` is a whole one.
 */
export class Sink extends Context.Service<
  Sink,
  {
    /**
     * Opens a part. With `key` (the URL), its bytes can be continued after a crash; without, they are scratch.
     * `expected`: the length of the body, if it was declared. `head`: of the answer that brings it; archives need it.
     */
    readonly open: (options: {
      readonly key?: string
      readonly expected?: number
      readonly head?: ResponseHead
    }) => Part
    /** Keeps an answer beside those of targets, with the next `sync`, if the sink keeps such. */
    readonly note: (aside: Aside) => void
    /** Bytes of bodies that it has in memory until the next `sync`. */
    readonly held: () => number
    /** Opens the part kept for a target under its URL, hashed up to its end; `undefined` if there is none. */
    readonly reopen: (target: Subject) => Effect.Effect<Part | undefined, WriteError | DiskFull>
    /** Removes the part kept under `key`, if there is one, as `discard` does. */
    readonly forget: (key: string) => void
    /**
     * Makes every part durable that is placed at the time of the call, as far as the sink promises, before their
     * outcomes are committed. One at a time, its commit included. After DiskFull it may be run again.
     */
    readonly sync: () => Effect.Effect<Synced, DiskFull | StoreFault>
    /** Whether what was saved at a place with this length still seems to be there. Throws DirectoryUnusable where nobody can tell. */
    readonly holds: (path: string, bytes: number) => boolean
    /**
     * What was saved at a place, from its start at each call and without content codings. Throws where it cannot be read:
     * with a `code` as the system has them (`EIO`) where it may be read later.
     */
    readonly read: (path: string) => AsyncIterable<Uint8Array>
    /**
     * Whether what was saved at a place is all there, to be asked after a loss of power: of this length and, where it is
     * known, sha256. Fails where nobody can tell.
     */
    readonly isWhole: (
      path: string,
      saved: { readonly bytes: number; readonly sha256: string | undefined }
    ) => Effect.Effect<boolean, DirectoryUnusable>
    /** What lies at a path is of an earlier run, though no outcome will tell so any more: it is not what was saved. */
    readonly own: (path: string) => void
    /** Whether something may lie at a path of which no outcome tells, and no run has placed it there. Known after `sweep`. */
    readonly isForeign: (path: string) => boolean
    /** Removes parts but for those kept under these keys. Fails where nobody can tell which there are. */
    readonly sweep: (keys: ReadonlySet<string>) => Effect.Effect<void, DirectoryUnusable>
    /** Bytes free on the disk. */
    readonly free: Effect.Effect<number>
    /** Bytes of the whole disk. */
    readonly size: Effect.Effect<number>
  }
>()("@simul/scraper/Sink") {}
