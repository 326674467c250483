/**
 * The targets that are in the line and whose row in the store does not say so
 * yet, with the batch that they came in: so it is known which URLs are under way,
 * and how far the place in the list may move.
 *
 * 1. The place moves over a batch when each of its targets has a row.
 * 2. A target that is new to the list is counted by the commit that brings its
 *    row, whether it is before the place by then or beyond it.
 */
import type { Batch } from "../Lines.ts"
import type { Place } from "../Store.ts"
import type { Target } from "../Target.ts"

/** A batch of the list, and those after it that are through. */
interface OpenBatch {
  /** Where the list stands after all of it. */
  place: NonNullable<Batch["place"]>
  /** Targets of the list that were known then. */
  targets: number
  /** Its targets that have no row yet. */
  open: number
  /** New ones that have a row by now. */
  rows: number
  /** What came after it is through: it alone holds the place back. */
  isAwaited: boolean
}

/** How a target came. One for many. */
interface Origin {
  /** `undefined`: without a place. */
  readonly batch: OpenBatch | undefined
  /** To the list: no commit has counted it. */
  readonly isNew: boolean
}

/** Where the list is continued, and its targets by then. */
export interface Start {
  readonly list: number
  readonly place: Place | undefined
  readonly targets: number
}

const unplacedOrigin: Origin = { batch: undefined, isNew: false }

/**
 * What comes after a batch is through, and so is reached with it: however long one target is in the line, no more than
 * that is kept.
 */
const join = (batch: OpenBatch, { place, targets, rows }: OpenBatch) => {
  batch.place = place
  batch.targets = targets
  batch.rows += rows
  batch.isAwaited = true
}

export const make = ({ list, place: before, targets: counted }: Start) => {
  const origins = new Map<string, Origin>()
  /** Those of the list, in order. */
  const batches: Array<OpenBatch> = []
  /** On their way into the store. */
  let committing: ReadonlySet<string> = new Set()
  /** The last batch that the commit to come moves the place over. */
  let reached: OpenBatch | undefined
  /** What the store has, and what the commit to come brings. */
  let place = before
  let going: Place | undefined
  let passed = counted
  /** A target gets a row; it is `open` still if it stays in flight. */
  const write = (url: string, isOpen: boolean) => {
    const origin = origins.get(url)
    if (origin === undefined) return
    const { batch, isNew } = origin
    if (batch !== undefined && isNew) batch.rows++
    if (isOpen) {
      if (isNew) origins.set(url, { batch, isNew: false })
      return
    }
    origins.delete(url)
    if (batch !== undefined) batch.open--
  }
  /** Moves over what is through. */
  const advance = () => {
    let left = 0
    for (const batch of batches)
      if (batch.open > 0) batches[left++] = batch
      else if (left > 0) join(batches[left - 1]!, batch)
      else {
        reached = batch
        passed = batch.targets
      }
    batches.length = left
  }

  /** Those that came without a place, as all do that are leased, and are in no commit that is done. */
  const unplaced = function* (): IterableIterator<string> {
    for (const [url, { batch }] of origins) if (batch === undefined) yield url
    yield* committing
  }

  return {
    /**
     * `open`: the targets of a batch, and whether each is new to the list; `targets`: those of the list that are known
     * at its end.
     */
    add: (open: ReadonlyMap<string, boolean>, place: Batch["place"], targets: number) => {
      if (place === undefined) {
        for (const url of open.keys()) origins.set(url, unplacedOrigin)
        return
      }
      const batch: OpenBatch = { place, targets, open: open.size, rows: 0, isAwaited: false }
      const known: Origin = { batch, isNew: false }
      const fresh: Origin = { batch, isNew: true }
      for (const [url, isNew] of open) origins.set(url, isNew ? fresh : known)
      const last = batches.at(-1)
      if (open.size > 0 || last === undefined) batches.push(batch)
      else join(last, batch)
    },
    /** Whether a URL was read and is not in the store yet. */
    has: (url: string): boolean => origins.has(url) || committing.has(url),
    unplaced,
    /** Targets that were read and are in no commit that is done. */
    size: () => origins.size + committing.size,
    /** These targets leave the line with the commit to come. */
    leaving: (targets: ReadonlyArray<Target>): void => {
      committing = new Set(targets.map(({ url }) => url))
      for (const { url } of targets) write(url, false)
      advance()
    },
    /** URLs that alone hold back the place: a later batch is through. */
    stragglers: (): ReadonlySet<string> => {
      const urls = new Set<string>()
      if (!batches.some(({ isAwaited }) => isAwaited)) return urls
      for (const [url, { batch }] of origins) if (batch === batches[0]) urls.add(url)
      return urls
    },
    /**
     * These are in flight and get a row as well. Gives the place that every target before has a row, if the commit
     * changes it.
     */
    place: (leased: ReadonlyArray<Target>): Place | undefined => {
      for (const { url } of leased) write(url, true)
      let targets = passed
      for (const { rows } of batches) targets += rows
      if (reached !== undefined) {
        const { bytes, lines, sha256 } = reached.place
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
