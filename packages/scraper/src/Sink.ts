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
import type { WriteError } from "./FetchError.ts"

/** No room on the disk. Not a failure of the target: the run pauses. */
export class DiskFull extends Schema.TaggedError<DiskFull>()("DiskFull", { path: Schema.String }) {}

/** A body on its way. */
export interface Part {
  /** Bytes written so far, those of an earlier attempt included. */
  readonly bytes: number
  /** Takes the next bytes; they belong to the caller again when it returns. `false`: hold back until `drained`. Throws WriteError or DiskFull. */
  readonly write: (chunk: Uint8Array) => boolean
  /** Called by the sink when it takes bytes again. */
  drained: () => void
  /** The body is complete: its length and sha256 (hexadecimal; absent where hashing is off). No write after it. Throws as `write`. */
  readonly finish: () => { readonly bytes: number; readonly sha256?: string }
  /** Gives it its final name, relative to the directory; at the latest when `sync` returns. Throws WriteError or DiskFull. */
  readonly place: (path: string) => void
  /** Leaves the bytes for a later attempt. */
  readonly keep: () => void
  /** Removes it. */
  readonly discard: () => void
}

export class Sink extends Context.Service<
  Sink,
  {
    /**
     * Opens a part. With `key` (the URL), its bytes can be continued after a crash; without, they are scratch.
     * `expected`: the length of the body, if it was declared.
     */
    readonly open: (options: { readonly key?: string; readonly expected?: number }) => Part
    /** Opens the part kept under `key`, hashed up to its end; `undefined` if there is none. */
    readonly reopen: (key: string) => Effect.Effect<Part | undefined, WriteError | DiskFull>
    /** Makes every placed part durable as far as the sink promises, before its outcome is committed. The errors of parts that could not be placed after all, by path. */
    readonly sync: Effect.Effect<ReadonlyMap<string, WriteError>>
    /** Length of the file at a path, `undefined` if there is none. */
    readonly sizeOf: (path: string) => number | undefined
    /** Removes parts but for those kept under these keys. */
    readonly sweep: (keys: ReadonlySet<string>) => Effect.Effect<void>
    /** Bytes free on the disk. */
    readonly free: Effect.Effect<number>
  }
>()("@simul/scraper/Sink") {}
