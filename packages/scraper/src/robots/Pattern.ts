/**
 * Path patterns of robots.txt (RFC 9309 2.2.2, 2.2.3) and the form in which
 * they and URLs are compared.
 *
 * Everything here is a string of octets, one octet a character, so a file that
 * is no UTF-8 still matches the URL that has the same bytes.
 *
 * Matching takes time linear in path and pattern: wildcards are resolved from
 * the left, the first place where a piece fits being the best one, and long
 * pieces are searched with Knuth, Morris and Pratt's algorithm. A hostile file
 * cannot make it back-track.
 *
 * A character that a URL has as it is (`*`, `$`, `|`) is compared as one: what
 * would begin within the escape that stands for it does not fit. An escape that
 * the URL has itself is three characters, as Google's matcher takes it.
 */

const unreserved = /[A-Za-z0-9\-._~]/
/** RFC 3986 2.2 without `*` and `$`, which have a meaning of their own in patterns and so are compared encoded. */
const reserved = /[:/?#[\]@!&'()+,;=]/
/** What has a meaning in a path, but none in a query (RFC 3986 3.4): there `%2F` and `/` are the same. */
const plainInQuery = /[:/?@]/

const encode = (octet: number) => `%${octet.toString(16).toUpperCase().padStart(2, "0")}`

const hexValue = (text: string, index: number) =>
  /^[0-9A-Fa-f]{2}$/.test(text.slice(index, index + 2)) ? Number.parseInt(text.slice(index, index + 2), 16) : undefined

const tables = (["path", "query"] as const).map((part) =>
  Array.from({ length: 256 }, (_, octet) => {
    const character = String.fromCharCode(octet)
    const raw = unreserved.test(character) || reserved.test(character) ? character : encode(octet)
    const decodes = unreserved.test(character) || (part === "query" && plainInQuery.test(character))
    return { raw, encoded: decodes ? character : encode(octet) }
  })
)
const [inPath, inQuery] = [tables[0]!, tables[1]!]

/** Nothing in it that `normalize` would change. */
const isNormal = /^[A-Za-z0-9\-._~:/?#[\]@!&'()+,;=]*$/

/**
 * The form for comparison: unreserved octets plain, all others percent-encoded, except the reserved ones, which keep
 * the form they have. Idempotent.
 *
 * @param octets a path with its query
 * @param inside gets the places that lie within an escape which was made of a character
 */
export const normalize = (octets: string, inside?: Set<number>): string => {
  if (isNormal.test(octets)) return octets
  let normal = ""
  let table = inPath
  for (let index = 0; index < octets.length; index++) {
    const octet = octets.charCodeAt(index)
    const value = octet === 0x25 ? hexValue(octets, index + 1) : undefined
    if (value === undefined) {
      const { raw } = table[octet]!
      if (raw.length > 1) inside?.add(normal.length + 1).add(normal.length + 2)
      normal += raw
    } else {
      normal += table[value]!.encoded
      index += 2
    }
    if (octet === 0x3f) table = inQuery
  }
  return normal
}

/** What patterns are held against. */
export interface Path {
  /** Octets that were searched for pieces of patterns, in all. */
  searched: number
  /** In normal form. */
  readonly text: string
  /** Places of it where nothing begins: they lie within what is one character in the URL. */
  readonly inside: ReadonlySet<number>
}

const nowhere: ReadonlySet<number> = new Set()

/** @param octets a path with its query, as it is sent */
export const path = (octets: string): Path => {
  if (isNormal.test(octets)) return { searched: 0, text: octets, inside: nowhere }
  const inside = new Set<number>()
  return { searched: 0, text: normalize(octets, inside), inside }
}

/** A piece of a pattern between wildcards. */
interface Piece {
  readonly text: string
  /** For each prefix of a long piece, the length of its longest proper border; made when first needed. */
  borders: Uint32Array | undefined
}

export interface Pattern {
  /** How specific it is: octets of its normal form, wildcards and `$` among them. */
  readonly length: number
  /** The pieces; the first one is a prefix, the others follow a `*` each. */
  readonly pieces: ReadonlyArray<Piece>
  /** It ended in `$`: the last piece must end the path. */
  readonly anchored: boolean
}

/** Reads a pattern, given as octets. `$` is special at the end only, `*` everywhere. */
export const make = (octets: string): Pattern => {
  const anchored = octets.endsWith("$")
  const body = anchored ? octets.slice(0, -1) : octets
  let inside = false
  const pieces = body.split("*").map((piece): Piece => {
    // a piece after the "?" is part of the query
    const text = inside ? normalize(`?${piece}`).slice(1) : normalize(piece)
    inside ||= piece.includes("?")
    return { text, borders: undefined }
  })
  const length = pieces.reduce((sum, piece) => sum + piece.text.length, pieces.length - 1 + (anchored ? 1 : 0))
  // "**" is "*"
  return {
    length,
    pieces: pieces.filter((piece, index) => index === 0 || index === pieces.length - 1 || piece.text !== ""),
    anchored
  }
}

/** Up to this length the engine's own search, quadratic at worst, is quicker. */
const shortPiece = 8

const bordersOf = (text: string): Uint32Array => {
  const borders = new Uint32Array(text.length)
  let border = 0
  for (let index = 1; index < text.length; index++) {
    while (border > 0 && text.charCodeAt(index) !== text.charCodeAt(border)) border = borders[border - 1]!
    if (text.charCodeAt(index) === text.charCodeAt(border)) border++
    borders[index] = border
  }
  return borders
}

const indexOf = (path: Path, piece: Piece, from: number): number => {
  const { text, inside } = path
  path.searched += text.length - from
  if (piece.text.length <= shortPiece) {
    let found = text.indexOf(piece.text, from)
    while (inside.has(found)) found = text.indexOf(piece.text, found + 1)
    return found
  }
  if (piece.text.length > text.length - from) return -1
  const borders = (piece.borders ??= bordersOf(piece.text))
  let matched = 0
  for (let index = from; index < text.length; index++) {
    while (matched > 0 && text.charCodeAt(index) !== piece.text.charCodeAt(matched)) matched = borders[matched - 1]!
    if (text.charCodeAt(index) === piece.text.charCodeAt(matched)) matched++
    if (matched < piece.text.length) continue
    const start = index - matched + 1
    if (!inside.has(start)) return start
    matched = borders[matched - 1]!
  }
  return -1
}

/** Does it fit a path? A pattern without `$` need only fit its beginning. */
export const matches = (pattern: Pattern, path: Path): boolean => {
  const { anchored, pieces } = pattern
  const { text, inside } = path
  const first = pieces[0]!.text
  if (!text.startsWith(first)) return false
  let position = first.length
  const last = pieces.length - 1
  if (last === 0) return !anchored || position === text.length
  for (let index = 1; index < last; index++) {
    const found = indexOf(path, pieces[index]!, position)
    if (found < 0) return false
    position = found + pieces[index]!.text.length
  }
  const ending = pieces[last]!
  const start = text.length - ending.text.length
  return anchored
    ? start >= position && text.endsWith(ending.text) && !inside.has(start)
    : indexOf(path, ending, position) >= 0
}
