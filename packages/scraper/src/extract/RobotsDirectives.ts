/**
 * What a page says to crawlers of itself, in `<meta name=robots>` or
 * `X-Robots-Tag`: not to be indexed, its links not to be followed. No standard
 * says this; it is read as Google documents it.
 */

export interface RobotsDirectives {
  readonly noindex: boolean
  readonly nofollow: boolean
}

/** Nothing is forbidden. */
export const none: RobotsDirectives = { noindex: false, nofollow: false }

/** What one of them forbids is forbidden. */
export const union = (one: RobotsDirectives, other: RobotsDirectives): RobotsDirectives => ({
  noindex: one.noindex || other.noindex,
  nofollow: one.nofollow || other.nofollow
})

const of = (directive: string): RobotsDirectives => ({
  noindex: directive === "noindex" || directive === "none",
  nofollow: directive === "nofollow" || directive === "none"
})

/** Reads the content of a `<meta>`. */
export const fromMeta = (content: string): RobotsDirectives =>
  content
    .toLowerCase()
    .split(/[,\s]+/)
    .map(of)
    .reduce(union, none)

/** Directives that have a value: the word before their colon is no crawler. */
const valued: ReadonlySet<string> = new Set([
  "unavailable_after",
  "max-snippet",
  "max-image-preview",
  "max-video-preview"
])

/**
 * Reads an `X-Robots-Tag`: directives for everybody, and for a crawler those after its name, to the end of the line.
 *
 * @param lines the field once for each line of the response: joined, nobody knows where a name stops to count
 * @param token our product token
 */
export const fromHeader = (lines: ReadonlyArray<string>, token: string): RobotsDirectives => {
  let directives = none
  for (const line of lines) {
    let isOurs = true
    /** A date began with the name of a day: the rest after its comma has a colon too. */
    let isDateOpen = false
    for (const piece of line.toLowerCase().split(",")) {
      const colon = piece.indexOf(":")
      const name = piece.slice(0, Math.max(0, colon)).trim()
      const isName = colon >= 0 && !valued.has(name) && !(isDateOpen && /^\d/.test(name))
      isDateOpen = name === "unavailable_after" && !/\d/.test(piece)
      if (isName) isOurs = name === token.toLowerCase() || name === "*"
      if (isOurs) directives = union(directives, fromMeta(piece.slice(isName ? colon + 1 : 0)))
    }
  }
  return directives
}
