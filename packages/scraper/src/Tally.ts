/**
 * Counts for the keys that matter most, in bounded memory.
 *
 * Exact while there are no more than `capacity` keys. Beyond that the keys with
 * the smallest weights are let go, so a row is a lower bound: a key that was let
 * go and comes back starts anew. This is the lossy half of Misra and Gries,
 * "Finding repeated elements" (1982), cut in batches: a cut halves the table, so
 * it costs O(1) amortised for each new key.
 */

export interface Tally<Row> {
  /** The row of `key`, made when it is new: change it in place. */
  readonly row: (key: string) => Row
  /** The heaviest rows, heaviest first, equal ones by key. */
  readonly top: (limit: number) => ReadonlyArray<readonly [key: string, row: Row]>
}

export interface Shape<Row> {
  readonly empty: () => Row
  readonly weight: (row: Row) => number
  /** Keys kept after a cut; the table grows to twice as many before it. */
  readonly capacity: number
}

export const make = <Row>({ empty, weight, capacity }: Shape<Row>): Tally<Row> => {
  let rows = new Map<string, Row>()
  const top = (limit: number) =>
    [...rows].toSorted(([a, left], [b, right]) => weight(right) - weight(left) || (a < b ? -1 : 1)).slice(0, limit)

  return {
    row: (key) => {
      const known = rows.get(key)
      if (known !== undefined) return known
      if (rows.size >= 2 * capacity) rows = new Map(top(capacity))
      const row = empty()
      rows.set(key, row)
      return row
    },
    top
  }
}

/** A tally of plain counts. */
export const counts = (capacity: number): Tally<{ count: number }> =>
  make({ empty: () => ({ count: 0 }), weight: (row) => row.count, capacity })
