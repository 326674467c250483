/** What of a site comes first: patterns of URLs, and how much each of them matters. */

/** What matches comes before what has less; what matches nothing has 0. */
export interface Priority {
  readonly pattern: RegExp
  /** A whole number from -100 to 100. */
  readonly value: number
}

/** The least and the most that a pattern may have. */
export const bound = 100

/** The first of them that matches a URL decides. */
export const find = (priorities: ReadonlyArray<Priority>, url: string): Priority | undefined =>
  priorities.find(({ pattern }) => pattern.test(url))

/** As the store keeps them: two crawls with the same text ask in the same order. */
export const encode = (priorities: ReadonlyArray<Priority>): string =>
  JSON.stringify(priorities.map(({ pattern, value }) => [pattern.source, pattern.flags, value]))

/** Reads what `encode` wrote. */
export const decode = (text: string): ReadonlyArray<Priority> =>
  (JSON.parse(text) as ReadonlyArray<readonly [source: string, flags: string, value: number]>).map(
    ([source, flags, value]) => ({ pattern: new RegExp(source, flags), value })
  )
