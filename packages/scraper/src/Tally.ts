/**
 * Counts for the keys that matter most, in bounded memory.
 *
 * Exact while there are no more than `capacity` keys. Beyond that the keys with
 * the smallest weights are let go and their counts are kept as one remainder,
 * so the sum over rows and remainder is always exact, and a row is a lower
 * bound: a key that was let go and comes back starts anew. This is the lossy
 * half of Misra and Gries, "Finding repeated elements" (1982), cut in batches:
 * a cut halves the table, so it costs O(1) amortised for each new key.
 */

export interface Tally<Row> {
  /** The row of `key`, made when it is new: change it in place. */
  readonly row: (key: string) => Row
  /** The heaviest rows, heaviest first, equal ones by key. */
  readonly top: (limit: number) => ReadonlyArray<readonly [key: string, row: Row]>
  /** Keys in the table now. */
  readonly size: () => number
  /** What was let go: how often a key was, and the sum of the rows. */
  readonly dropped: () => { readonly keys: number; readonly rest: Row }
}

export interface Shape<Row> {
  readonly empty: () => Row
  readonly weight: (row: Row) => number
  /** Adds `from` into `into`. */
  readonly merge: (into: Row, from: Row) => void
  /** Keys kept after a cut; the table grows to twice as many before it. */
  readonly capacity: number
}

export const make = <Row>(shape: Shape<Row>): Tally<Row> => {
  let rows = new Map<string, Row>()
  let keys = 0
  const rest = shape.empty()

  const sorted = () =>
    [...rows].toSorted(([a, left], [b, right]) => shape.weight(right) - shape.weight(left) || (a < b ? -1 : 1))

  const cut = () => {
    const all = sorted()
    for (const [, row] of all.slice(shape.capacity)) {
      shape.merge(rest, row)
      keys += 1
    }
    rows = new Map(all.slice(0, shape.capacity))
  }

  return {
    row: (key) => {
      const known = rows.get(key)
      if (known !== undefined) return known
      if (rows.size >= 2 * shape.capacity) cut()
      const row = shape.empty()
      rows.set(key, row)
      return row
    },
    top: (limit) => sorted().slice(0, limit),
    size: () => rows.size,
    dropped: () => ({ keys, rest })
  }
}

/** A tally of plain counts. */
export const counts = (capacity: number): Tally<{ count: number }> =>
  make({
    empty: () => ({ count: 0 }),
    weight: (row) => row.count,
    merge: (into, from) => {
      into.count += from.count
    },
    capacity
  })
