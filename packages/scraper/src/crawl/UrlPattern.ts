/**
 * What is alike in the URLs of one kind of page: a calendar's, a catalogue's, those of a path that grows.
 *
 * | URL | pattern |
 * |---|---|
 * | `/calendar/2031/07/?view=week` | `/calendar/#/#/?view` |
 * | `/a/4f9d2c/item-12.html` | `/a/#/item-#.html` |
 * | `/x/en/x/en/x/en/p.html` | `/(x\|en)+/p.html` |
 */

/** What a character is in a token: 1 a letter, 2 a digit; 0 what ends it. */
const kinds = Uint8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return /\d/.test(character) ? 2 : /[a-z]/i.test(character) ? 1 : 0
})

/**
 * The URL up to `to`, and from `from` on letters and digits together as `#`: they name one thing, and not a kind. Each page is
 * asked for its pattern; an expression takes twice the time.
 */
const withoutTokens = (url: string, from: number, to: number): string => {
  let text = ""
  let kept = 0
  for (let at = from; at < to; at++) {
    const begun = at
    let has = 0
    for (let kind; at < to && (kind = kinds[url.charCodeAt(at)] ?? 0) !== 0; at++) has |= kind
    if (has < 2) continue
    text += `${url.slice(kept, begun)}#`
    kept = at
  }
  return text + url.slice(kept, to)
}

/** A segment so often in a path is one that the path grows by. */
const often = 3

/** Of fewer, each is compared with all: what a Map costs, others do for nothing. */
const few = 8

const isOften = (segment: string, _: number, segments: ReadonlyArray<string>): boolean => {
  let times = 0
  if (segment !== "#") for (const other of segments) if (other === segment) times++
  return times >= often
}

const pathOf = (segments: ReadonlyArray<string>): string => {
  if (segments.length <= few && !segments.some(isOften)) return segments.join("/")
  const times = new Map<string, number>()
  for (const segment of segments) if (segment !== "#") times.set(segment, (times.get(segment) ?? 0) + 1)
  if (!Array.from(times.values()).some((count) => count >= often)) return segments.join("/")
  const isRepeated = (segment: string) => segment !== "" && times.get(segment)! > 1
  const repeated = `(${Array.from(times.keys()).filter(isRepeated).join("|")})+`
  const path: Array<string> = []
  for (const segment of segments) {
    const piece = isRepeated(segment) ? repeated : segment
    if (piece !== path.at(-1)) path.push(piece)
  }
  // names stand there once: a long path could have hundreds of them at hundreds of places
  const first = path.indexOf(repeated)
  return path.map((piece, index) => (piece === repeated && index > first ? "()+" : piece)).join("/")
}

const namesOf = (query: string): string => {
  const names = query.split("&").map((parameter) => parameter.split("=", 1)[0]!)
  return Array.from(new Set(names)).toSorted().join("&")
}

/** Gives the pattern of a URL; the URL itself where nothing in it varies. `url` as `Url.parse` gives it. */
export const make = () => {
  /** Pages that follow each other are mostly of one kind: its pattern is made once. */
  let latest = { bare: "", pattern: "" }
  return (url: string): string => {
    const path = url.indexOf("/", url.indexOf("://") + 3)
    const mark = url.indexOf("?", path)
    const bare = withoutTokens(url, path, mark < 0 ? url.length : mark)
    if (bare !== latest.bare) latest = { bare, pattern: bare.slice(0, path) + pathOf(bare.slice(path).split("/")) }
    const names = mark < 0 ? "" : namesOf(url.slice(mark + 1))
    return names === "" ? latest.pattern : `${latest.pattern}?${names}`
  }
}
