/** What a run works on: a list that is read, or a crawl, which is a list that grows. */
import type { Next } from "@simul/core/Concurrently"
import type { Following } from "./crawl/Following.ts"
import type { Batch } from "./Lines.ts"
import type { DirectoryUnusable, ListUnreadable, ProxyUnusable } from "./RunError.ts"
import type { ListName, Place, StoreError } from "./Store.ts"

/** What ends the line before its targets are done. */
export type LineError = StoreError | DirectoryUnusable | ListUnreadable | ProxyUnusable

/** The list a run works on: its number in the store, and what is known of it. */
export interface List {
  readonly number: number
  readonly name: ListName
  readonly run: number
  readonly next: Next<Batch, ListUnreadable>
  /** Where earlier runs stopped in it, if it can be continued. */
  readonly place?: Place | undefined
  /** What earlier runs than this one have saved is asked for again. Absent: 0. */
  readonly freshSince?: number
  /** Targets found in it by earlier runs, those of them that are done, and those that are no URL. */
  readonly targets: number
  readonly skipped: number
  readonly invalid: number
  /** Fraction of it whose lines were given; `undefined` where its length is not known. */
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
