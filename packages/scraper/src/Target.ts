/**
 * What to fetch. A target enters the line once and leaves it as one `Outcome`.
 */

import type { Aside } from "./Sink.ts"
import type { Subject } from "./Subject.ts"

/** One URL to fetch, with what earlier attempts left behind. */
export interface Target extends Subject {
  /** Normalised by `Url.parse`; may carry credentials, so show it only through `Url.redact`. */
  readonly url: string
  /** Origin: politeness, back-off and slots are kept for it. */
  readonly host: string
  /** Where the body goes, relative to the directory of the run, `/` between segments. */
  readonly path: string
  /** That is `FileName.fromUrl(url)`; absent where nobody looked. */
  readonly isNamedByUrl?: boolean
  /** Attempts already made since it was last given out with none. */
  readonly attempts: number
  /** Milliseconds that those took, with the waits after them; noted where that is bounded. */
  readonly spentMs?: number
  /** Links from a seed of a crawl to it; less than 0 of a sitemap that a robots.txt led to. Absent for the targets of a list. */
  readonly depth?: number
  /** Of a crawl: what has more comes first. Absent: 0. */
  readonly priority?: number
  /** Of a crawl: a page needs it to be shown. Absent where that was not noted. */
  readonly isResource?: boolean
  /** Saved by an earlier run, in the file at `path` or as the record `record`: ask conditionally. */
  readonly saved?: Validators & {
    readonly bytes: number
    readonly sha256?: string
    readonly record?: string
    /** The Content-Type that it came with, as far as it was kept. */
    readonly contentType?: string
  }
  /** A cut body waits as a part file: its strong validator and whole length. */
  readonly partial?: Partial
  /** A redirect led there, and it waits for its turn at that host. Another attempt begins at `url`, and so does another run. */
  readonly hop?: Hop
}

/** A place on the way of a target. */
export interface Hop {
  readonly url: string
  /** Its origin. */
  readonly host: string
  /** Digests of what was asked for up to it, each URL with its cookies: a loop is seen by that. */
  readonly asked: ReadonlyArray<string>
  /** Answers on the way to it that are to be kept beside the target's own. */
  readonly asides?: ReadonlyArray<Aside>
}

/** What is asked for next, and the origin that is asked. */
export const asked = (target: Target): Pick<Target, "url" | "host"> => target.hop ?? target

/** What a server said to recognise a representation by (RFC 9110 8.8). */
export interface Validators {
  readonly etag?: string
  readonly lastModified?: string
}

/** A part file that may be continued. `validator`: strong ETag or Last-Modified for If-Range (RFC 9110 13.1.5). */
export interface Partial {
  readonly validator: string
  readonly total?: number
}

/** A target as an attempt leaves it: with the part that may be continued, or with none. */
export const withPartial = (target: Target, partial: Partial | undefined): Target => {
  const { partial: _, ...left } = target
  return partial === undefined ? left : { ...left, partial }
}

/** A target that is asked for at its own URL, wherever redirects have led. */
export const withoutHop = ({ hop: _, ...left }: Target): Target => left

/** A target with its body at another path: what was saved at the one before is not there. */
export const withPath = (target: Target, path: string): Target =>
  path === target.path ? target : { ...withoutSaved(target), path, isNamedByUrl: false }

/** A target that is asked for as if it had not been saved. */
export const withoutSaved = ({ saved: _, ...left }: Target): Target => left
