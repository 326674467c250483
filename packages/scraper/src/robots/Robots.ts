/**
 * robots.txt: reads a file and tells what it allows (RFC 9309).
 *
 * It asks for no service: bytes in, verdicts out.
 *
 * 1. Any bytes are a robots.txt: what cannot be read is skipped, line by line.
 * 2. Time is linear in the file, and for each question in rules and path.
 * 3. Nobody is forbidden to fetch `/robots.txt` itself (2.2.2).
 *
 * Beyond the RFC, as common practice has it: a name in `User-agent` ends at the
 * first character that no product token has, a missing colon and what Google's
 * parser takes for a slip of the pen (`Dissallow`) are forgiven, a file in UTF-16
 * that says so is read, and so are `Crawl-delay` and `Sitemap`.
 */
import { trimmed } from "../FieldValue.ts"
import * as Pattern from "./Pattern.ts"

/** RFC 9309 2.5: at least 500 KiB must be read. What follows is ignored, an incomplete last line too. */
export const maxBytes = 500 * 1024

/** One `Allow` or `Disallow` line. */
export interface Rule {
  readonly allow: boolean
  readonly pattern: Pattern.Pattern
  /** From 1. */
  readonly line: number
  /** The line as it was written, without white space around it and comment. */
  readonly text: string
}

/** All that the file says to one product token, its groups merged. */
export interface Group {
  /** The product token as it was first written, or `*`. */
  readonly name: string
  /** The most specific first; of two equally specific ones, `Allow` first: so the first that matches decides. */
  readonly rules: ReadonlyArray<Rule>
  /** Between two requests; the largest where the file names several. */
  readonly crawlDelaySeconds: number | undefined
  /** The line that says so. */
  readonly crawlDelayLine: Line | undefined
}

/** Of a file: counted from 1, and without white space around it and comment. */
export interface Line {
  readonly line: number
  readonly text: string
}

/** A file that was read. */
export interface Robots {
  /** By product token in lower case, and `*`. */
  readonly groups: ReadonlyMap<string, Group>
  /** Values of `Sitemap` lines in their order: not resolved, not checked. They belong to no group. */
  readonly sitemaps: ReadonlyArray<string>
}

export interface Decision {
  readonly allowed: boolean
  /** What decided; absent where no rule matches. `group` is the product token of the rule's group, or `*`. */
  readonly rule?: { readonly line: number; readonly text: string; readonly group: string }
}

/** One character for each octet. */
const toOctets = (bytes: Uint8Array): string => {
  let octets = ""
  for (let index = 0; index < bytes.length; index += 4096)
    octets += String.fromCharCode(...bytes.subarray(index, index + 4096))
  return octets
}

const isAscii = /^[\0-\x7f]*$/

const toText = (octets: string): string =>
  isAscii.test(octets)
    ? octets
    : new TextDecoder().decode(Uint8Array.from(octets, (character) => character.charCodeAt(0)))

const lineEnd = /\r\n|\r|\n/

/** Of UTF-16 with a byte order mark the same in UTF-8: who reads it as the octets that it is finds no rule (2.2.2). */
const toUtf8 = (bytes: Uint8Array): Uint8Array => {
  const mark = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0)
  return mark === 0xfffe || mark === 0xfeff
    ? new TextEncoder().encode(new TextDecoder(mark === 0xfffe ? "utf-16le" : "utf-16be").decode(bytes))
    : bytes
}

/** The lines of a file, as octets, within the bound and without a byte order mark, even one that lost its end. */
const linesOf = (bytes: Uint8Array): Array<string> => {
  const bounded = toUtf8(bytes.subarray(0, maxBytes))
  const mark = [0xef, 0xbb, 0xbf]
  const differs = mark.findIndex((byte, index) => bounded[index] !== byte)
  const lines = toOctets(bounded.subarray(differs < 0 ? mark.length : differs)).split(lineEnd)
  // half a line could say the opposite of the whole
  if (bytes.length > maxBytes) lines.pop()
  return lines
}

const blanks = /[ \t]+/

/** `key: value` of a line, the key in lower case. Without a colon, two words are taken for it. */
const recordOf = (line: string): readonly [key: string, value: string] | undefined => {
  const colon = line.indexOf(":")
  if (colon >= 0) return [trimmed(line.slice(0, colon)).toLowerCase(), trimmed(line.slice(colon + 1))]
  const words = line.split(blanks, 3)
  return words.length === 2 ? [words[0]!.toLowerCase(), words[1]!] : undefined
}

/**
 * What a record is by its key in lower case. Google's parser takes the beginning of a key for all of it, and knows these
 * misspellings.
 */
const records = [
  ["user-agent", /^user[- ]?agent/],
  ["allow", /^allow/],
  ["disallow", /^(?:diss?all?ow|diasllow|disallaw)/],
  ["sitemap", /^site-?map/],
  ["crawl-delay", /^crawl-delay$/]
] as const

const kindOf = (key: string) => records.find(([, pattern]) => pattern.test(key))?.[0]

/** RFC 9309 2.2.1; empty where the value begins with no product token. */
const productTokenOf = (value: string): string => /^(?:\*(?=[ \t]|$)|[A-Za-z_-]*)/.exec(value)![0]

/** The largest `Crawl-delay` in a row of them. */
interface Delay {
  seconds: number
  line: number
  octets: string
}

/** All lines for one name. */
class Building implements Group {
  // both are shared with the other names of the same lines, so a file that names thousands costs no more than its length
  readonly blocks: Array<ReadonlyArray<Rule>> = []
  readonly delays: Array<Delay> = []
  readonly name: string
  private merged: ReadonlyArray<Rule> | undefined = undefined

  constructor(name: string) {
    this.name = name
  }

  /** Merged when first asked for: a crawler asks for one group of many. */
  get rules(): ReadonlyArray<Rule> {
    return (this.merged ??= this.blocks
      .flat()
      .toSorted((a, b) => b.pattern.length - a.pattern.length || Number(b.allow) - Number(a.allow)))
  }

  get crawlDelaySeconds(): number | undefined {
    return this.longest?.seconds
  }
  get crawlDelayLine(): Line | undefined {
    const { longest } = this
    return longest && { line: longest.line, text: toText(longest.octets) }
  }
  private get longest(): Delay | undefined {
    return this.delays.reduce<Delay | undefined>(
      (most, one) => (most === undefined || one.seconds > most.seconds ? one : most),
      undefined
    )
  }
}

/** What a value begins with: whoever writes `5s` or a row of digits without end wants to be left alone no less. */
const seconds = /^(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})/

/** Reads a file. Never fails; a string stands for its UTF-8 bytes. */
export const parse = (content: Uint8Array | string): Robots => {
  const lines = linesOf(typeof content === "string" ? new TextEncoder().encode(content) : content)
  const groups = new Map<string, Building>()
  const sitemaps: Array<string> = []
  /** Whom rules are for. */
  let addressed = new Set<Building>()
  /** Whom a `Crawl-delay` is for: the same, but names after one begin anew. */
  let delayed: Array<Building> = []
  /** The rules for the former; `undefined` until the first one. */
  let block: Array<Rule> | undefined
  /** What the latter wait; `undefined` until the first one. */
  let pause: Delay | undefined

  const address = (value: string) => {
    // only a rule closes the list of names: other records must not break up a group (2.2.4)
    if (block !== undefined) addressed = new Set()
    if (block !== undefined || pause !== undefined) delayed = []
    block = undefined
    pause = undefined
    const name = productTokenOf(value)
    if (name === "") return
    const key = name.toLowerCase()
    let group = groups.get(key)
    if (group === undefined) groups.set(key, (group = new Building(name)))
    addressed.add(group)
    delayed.push(group)
  }

  const rule = (made: Rule | undefined) => {
    if (block === undefined) {
      block = []
      for (const group of addressed) group.blocks.push(block)
    }
    if (made !== undefined) block.push(made)
  }

  const delay = (value: string, line: number, octets: string) => {
    const number = seconds.exec(value)
    if (number === null) return
    const found = { seconds: Number(number[0]), line, octets }
    if (pause === undefined) {
      pause = found
      for (const group of delayed) group.delays.push(pause)
    } else if (found.seconds > pause.seconds) Object.assign(pause, found)
  }

  for (const [index, whole] of lines.entries()) {
    const comment = whole.indexOf("#")
    const line = trimmed(comment < 0 ? whole : whole.slice(0, comment))
    const record = line === "" ? undefined : recordOf(line)
    if (record === undefined) continue
    const [key, value] = record
    switch (kindOf(key)) {
      case "user-agent":
        address(value)
        break
      case "allow":
      case "disallow":
        // an empty pattern matches nothing, but it is a rule and closes the list of names
        rule(
          value === ""
            ? undefined
            : { allow: key.startsWith("allow"), pattern: Pattern.make(value), line: index + 1, text: toText(line) }
        )
        break
      case "crawl-delay":
        delay(value, index + 1, line)
        break
      case "sitemap":
        if (value !== "") sitemaps.push(toText(value))
        break
    }
  }
  return { groups, sitemaps }
}

/**
 * The group that a crawler must obey: its own, or that of `*`, if there is one (2.2.1).
 *
 * @param productToken the crawler's name without version, as in its User-Agent; compared case-insensitively, and whole
 */
export const groupFor = (robots: Robots, productToken: string): Group | undefined =>
  robots.groups.get(productToken.toLowerCase()) ?? robots.groups.get("*")

/** Path and query, as patterns are held against them. */
const pathOf = (url: string): Pattern.Path => {
  const parsed = URL.parse(url, "http://robots.invalid/")
  if (parsed === null) return Pattern.path("/")
  // `search` does not tell an empty query from none
  const query = parsed.search || (/^[^?#]*\?(?:#|$)/.test(parsed.href) ? "?" : "")
  return Pattern.path(parsed.pathname + query)
}

/** A file of 500 KiB has rules enough to search a long path for seconds. No file that means well comes near this. */
const mostSearched = 1 << 22

/**
 * May this crawler fetch `url`? The most specific matching rule decides, `Allow` where two are equal (2.2.2). Where more
 * than 4 Mi octets had to be searched for wildcards' sake, the next `Disallow` counts as one that matches.
 *
 * @param url absolute, of the origin that the file came from, which is not checked; or a path with its query. A text
 * that is no URL is judged as `/`.
 */
export const decide = (robots: Robots, productToken: string, url: string): Decision => {
  const group = groupFor(robots, productToken)
  if (group === undefined || group.rules.length === 0) return { allowed: true }
  const path = pathOf(url)
  if (path.text === "/robots.txt") return { allowed: true }
  const rule = group.rules.find((one) =>
    path.searched > mostSearched ? !one.allow : Pattern.matches(one.pattern, path)
  )
  return rule === undefined
    ? { allowed: true }
    : { allowed: rule.allow, rule: { line: rule.line, text: rule.text, group: group.name } }
}
