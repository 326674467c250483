/**
 * The targets that are in the line and whose row in the store does not say so
 * yet, by the batch that they came in: so it is known which URLs are under way,
 * and how far the place in the list may move.
 *
 * 1. The place moves over a batch when each of its targets has a row.
 * 2. A target that is new to the list is counted by the commit that brings its
 *    row, whether it is before the place by then or beyond it.
 */
import type { Batch } from "../Lines.ts"
import type { Place } from "../Store.ts"
import type { Target } from "../Target.ts"

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

/** Where the list is continued, and its targets by then. */
export interface Start {
  readonly list: number
  readonly place: Place | undefined
  readonly targets: number
}

export const make = ({ list, place: before, targets: counted }: Start) => {
  /** Batches of the list with a place, in order, and those without one: as many as a window has targets, where they come one by one. */
  const batches: Array<OpenBatch> = []
  let others: Array<OpenBatch> = []
  /** On their way into the store. */
  let committing: ReadonlySet<string> = new Set()
  /** The last batch that the commit to come moves the place over. */
  let reached: OpenBatch | undefined
  /** What the store has, and what the commit to come brings. */
  let place = before
  let going: Place | undefined
  let passed = counted
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

  /** Those that came without a place, as all do that are leased, and are in no commit that is done. */
  const unplaced = function* (): IterableIterator<string> {
    for (const { open } of others) yield* open.keys()
    yield* committing
  }

  return {
    /** `open`: the targets of a batch, and whether each is new to the list; `targets`: those of the list that are known at its end. */
    add: (open: OpenBatch["open"], place: Batch["place"], targets: number) => {
      const batch: OpenBatch = { place, targets, open, rows: 0 }
      if (place !== undefined) batches.push(batch)
      else others = [...others.filter(({ open }) => open.size > 0), batch]
    },
    /** Whether a URL was read and is not in the store yet. */
    has: (url: string): boolean => {
      if (committing.has(url)) return true
      for (const { open } of batches) if (open.has(url)) return true
      for (const { open } of others) if (open.has(url)) return true
      return false
    },
    unplaced,
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
    /** The commit is done. `stay`: of the targets with a row now, those still in flight. */
    committed: (stay: ReadonlyArray<Target>): void => {
      committing = new Set()
      reached = undefined
      place = going ?? place
      for (const { url } of stay) write(url, false)
    }
  }
}

export type OpenTargets = ReturnType<typeof make>
