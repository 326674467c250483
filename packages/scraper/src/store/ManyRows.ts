/**
 * Rows written many at a time, by statements of a few fixed sizes: so each is prepared once, and a row costs a few
 * microseconds.
 */
const sizes = [256, 64, 16, 4, 1]

/** The text of a statement by how many rows it is for. `row`: one of them, in parentheses. */
export const statement = (row: string, make: (rows: string) => string) => {
  const texts = new Map(sizes.map((size) => [size, make(Array.from({ length: size }, () => row).join(","))]))
  return (count: number): string => texts.get(count)!
}

/** All rows in their order, as many at once as a statement is for. */
export function* atOnce<A>(rows: ReadonlyArray<A>): Generator<ReadonlyArray<A>> {
  let from = 0
  for (const size of sizes) for (; rows.length - from >= size; from += size) yield rows.slice(from, from + size)
}
