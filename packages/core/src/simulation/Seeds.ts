/** The seeds of a search. None at all is an error: a search that ran nothing would pass. */
export function* seedsOf(seeds: number | Iterable<number>, first = 1): Generator<number> {
  let any = false
  if (typeof seeds !== "number")
    for (const seed of seeds) {
      any = true
      yield seed
    }
  else if (seeds >= 1 && (Number.isInteger(seeds) || seeds === Infinity)) {
    for (let index = 0; index < seeds; index++) yield first + index
    any = true
  }
  if (any) return
  const got = typeof seeds === "number" ? seeds : "none"
  throw new RangeError(`seeds must be a whole number from 1, or a list with one at least, got ${got}`)
}
