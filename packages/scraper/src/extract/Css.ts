/**
 * The URLs in a style sheet, while it arrives: `url()`, `@import`, `image-set()`
 * (CSS Syntax 3, CSS Images 4).
 *
 * 1. Any text is a style sheet, and none makes it throw.
 * 2. Memory is bounded by `maxLength`: a longer URL is left out, and what is no
 *    URL is not kept.
 * 3. However the text is cut into chunks, the URLs are the same.
 *
 * What begins a URL is known by its name, whole; of those written with escapes only `url` is.
 */

/**
 * `url`: as the author meant it, escapes undone, not resolved. `isImport`: it is a style sheet itself. `start`, `end`: where it
 * stands, without quotes, in characters from the beginning of the sheet.
 */
export type Found = (url: string, isImport: boolean, start: number, end: number) => void

/** `url(`, each letter of which may be an escape. */
const url = /((?:\\?u|\\0{0,4}[57]5 ?)(?:\\?r|\\0{0,4}[57]2 ?)(?:\\?l|\\0{0,4}[46]c ?)\()/.source
  // the blank that ends an escape
  .replaceAll(" ?", "(?:\\r\\n|[ \\t\\r\\n\\f])?")
const starts = new RegExp(`/\\*|["']|${url}|\\\\[^]|image-set\\(|@import|@namespace`, "gi")
const urlHere = new RegExp(url, "iy")
/** Within `image-set(`, where a string is a URL and the depth tells where it ends. */
const startsInSet = new RegExp(`/\\*|["']|${url}|\\\\[^]|[()]`, "gi")
/** Within `@namespace`, whose string or `url()` is a mere name and may hold what ends the rule. */
const startsInNamespace = new RegExp(`/\\*|["']|${url}|\\\\[^]|;`, "gi")
/** What a name is made of (CSS Syntax 3, 4.2). */
// oxlint-disable-next-line no-control-regex -- all that is not ASCII is of a name
const inName = /[\w-]|[^\0-\x7f]/
/** In `url()` without quotes: what ends it, must not be in it, or is an escape. */
// oxlint-disable-next-line no-control-regex -- characters that must not be there (CSS Syntax 3, 4.3.6)
const endOfWord = /[)"'(\\ \t\n\r\f\x01-\x08\v\x0e-\x1f\x7f]/g
/** An escaped parenthesis does not close what is no URL (CSS Syntax 3, 4.3.14). */
const endOfBad = /\\[^]|\)/g

/** An escape needs its six digits and a blank to be known whole. */
const longestEscape = 8
/** The longest of them is `url(` of three escapes that a line ends: so much may wait for its end. */
const longestStart = 28

const escape = /\\(?:([0-9a-f]{1,6})(?:\r\n|[ \t\r\n\f])?|(\r\n|[\n\r\f])|([^]))/iy

const character = (hex: string): string => {
  const code = Number.parseInt(hex, 16)
  return code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? "\uFFFD" : String.fromCodePoint(code)
}

/** `url`: after its parenthesis. `close`: before the one that closes it. `bad`: it is no URL. */
type State = "sheet" | "comment" | "import" | "url" | "string" | "word" | "close" | "bad"

export class Css {
  readonly #found: Found
  readonly #maxLength: number
  #state: State = "sheet"
  /** What could not be told yet. */
  #rest = ""
  /** Where that begins. */
  #position = 0
  /** The character before that. */
  #before = ""
  /** Depth of parentheses in an `image-set(`; 0 outside. */
  #depth = 0
  #isNamespace = false
  #isImport = false
  /** It stands in `url()`. */
  #isInUrl = false
  /** What the string began with; nothing for a `url()` without quotes. */
  #quote = ""
  #value = ""
  #start = 0
  #end = 0
  /** The string is a URL. */
  #isKept = false
  /** Where a comment came in between. */
  #after: State = "sheet"

  constructor(found: Found, maxLength = 65_536) {
    this.#found = found
    this.#maxLength = maxLength
  }

  write(text: string): void {
    this.#read(this.#rest + text, false)
  }

  /** Takes the last text, if there is more. What the sheet leaves open ends with it (CSS Syntax 3, 2.2). */
  end(text = ""): void {
    this.#read(this.#rest + text, true)
    this.#rest = ""
    if (this.#state === "string" || this.#state === "word") this.#end = this.#position
    if (this.#state === "string" || this.#state === "word" || this.#state === "close") this.#finish("sheet")
    this.#state = "sheet"
  }

  #read(text: string, isEnd: boolean): void {
    let at = 0
    while (at < text.length) {
      const next = this.#step(text, at, isEnd)
      if (next === undefined) break
      at = next
    }
    this.#rest = isEnd ? "" : text.slice(at)
    this.#position += at
    if (at > 0) this.#before = text[at - 1]!
  }

  /** Reads on from `at`; gives the place after what was read, or nothing if the rest must wait for more. */
  #step(text: string, at: number, isEnd: boolean): number | undefined {
    switch (this.#state) {
      case "sheet":
        return this.#sheet(text, at, isEnd)
      case "comment": {
        const end = text.indexOf("*/", at)
        if (end >= 0) {
          this.#state = this.#after
          return end + 2
        }
        // its last character may be the star
        return isEnd || text.length - at > 1 ? Math.max(at + 1, text.length - 1) : undefined
      }
      case "import":
        return this.#import(text, at, isEnd)
      case "url": {
        const start = pastBlanks(text, at)
        if (start === text.length) return start
        const quote = text[start]!
        if (quote === '"' || quote === "'") return this.#string(quote, true, start + 1)
        this.#state = "word"
        this.#isKept = true
        this.#quote = ""
        this.#value = ""
        this.#start = this.#position + start
        return start
      }
      case "string":
        return this.#inString(text, at, isEnd)
      case "word":
        return this.#inWord(text, at, isEnd)
      case "close": {
        const next = pastBlanks(text, at)
        if (next === text.length) return next
        if (text[next] === ")") return this.#finish("sheet", next + 1)
        // a string may be followed by modifiers (CSS Values 4, 4.5.4)
        this.#isKept = this.#quote !== ""
        return this.#finish("bad", next)
      }
      case "bad": {
        endOfBad.lastIndex = at
        const match = endOfBad.exec(text)
        // a backslash at the end may be an escape of the parenthesis
        if (match === null && (isEnd || !text.endsWith("\\"))) return text.length
        if (match === null) return text.length - 1 > at ? text.length - 1 : undefined
        if (match[0] === ")") this.#state = "sheet"
        return endOfBad.lastIndex
      }
    }
  }

  #sheet(text: string, at: number, isEnd: boolean): number | undefined {
    const pattern = this.#depth > 0 ? startsInSet : this.#isNamespace ? startsInNamespace : starts
    pattern.lastIndex = at
    const match = pattern.exec(text)
    const safe = text.length - longestStart + 1
    // an escape may be of a name that has not come to its end
    if (match === null || (!isEnd && match.index >= safe && /^\\[^]$/.test(match[0]))) {
      if (isEnd) return text.length
      return safe > at ? safe : undefined
    }
    const next = pattern.lastIndex
    const [start, url] = match
    switch (url === undefined ? start.toLowerCase() : "url(") {
      case "/*":
        this.#after = "sheet"
        this.#state = "comment"
        return next
      case '"':
      case "'":
        return this.#string(start, this.#depth === 1, next)
      case "url(":
        // the end of another name
        if (inName.test(text[match.index - 1] ?? this.#before)) {
          if (this.#depth > 0) this.#depth++
          return next
        }
        this.#state = "url"
        this.#isInUrl = true
        return next
      case "image-set(":
        this.#depth = 1
        return next
      case "(":
        this.#depth++
        return next
      case ")":
        this.#depth--
        return next
      case "@import":
        this.#state = "import"
        return next
      case "@namespace":
        this.#isNamespace = true
        return next
      case ";":
        this.#isNamespace = false
        return next
      default:
        return next
    }
  }

  #import(text: string, at: number, isEnd: boolean): number | undefined {
    const start = pastBlanks(text, at)
    if (start === text.length) return start
    const quote = text[start]!
    if (quote === '"' || quote === "'") {
      this.#isImport = true
      return this.#string(quote, true, start + 1)
    }
    if (!isEnd && text.length - start < longestStart) return start > at ? start : undefined
    if (text.startsWith("/*", start)) {
      this.#after = "import"
      this.#state = "comment"
      return start + 2
    }
    urlHere.lastIndex = start
    if (urlHere.test(text)) {
      this.#isImport = true
      this.#isInUrl = true
      this.#state = "url"
      return urlHere.lastIndex
    }
    this.#state = "sheet"
    return start
  }

  #string(quote: string, isKept: boolean, next: number): number {
    this.#state = "string"
    this.#quote = quote
    this.#value = ""
    this.#start = this.#position + next
    this.#isKept = isKept
    return next
  }

  #inString(text: string, at: number, isEnd: boolean): number | undefined {
    const end = this.#quote === '"' ? /["\\\n\r\f]/g : /['\\\n\r\f]/g
    end.lastIndex = at
    const found = end.exec(text)?.index ?? text.length
    this.#append(text.slice(at, found))
    switch (text[found]) {
      case undefined:
        return found
      case "\\":
        return this.#escape(text, found, isEnd) ?? (found > at ? found : undefined)
      case this.#quote:
        this.#end = this.#position + found
        if (!this.#isInUrl) return this.#finish("sheet", found + 1)
        this.#state = "close"
        return found + 1
      default:
        // a string that its line does not end is none (CSS Syntax 3, 4.3.5)
        this.#isKept = false
        return this.#finish(this.#isInUrl ? "bad" : "sheet", found)
    }
  }

  #inWord(text: string, at: number, isEnd: boolean): number | undefined {
    endOfWord.lastIndex = at
    const found = endOfWord.exec(text)?.index ?? text.length
    this.#append(text.slice(at, found))
    const stop = text[found]
    if (stop === undefined) return found
    // only a string goes on behind the end of a line
    if (stop === "\\" && !/[\n\r\f]/.test(text[found + 1] ?? ""))
      return this.#escape(text, found, isEnd) ?? (found > at ? found : undefined)
    if (/[) \t\n\r\f]/.test(stop)) {
      this.#state = "close"
      this.#end = this.#position + found
      return found
    }
    this.#isKept = false
    return this.#finish("bad", stop === "\\" ? found + 1 : found)
  }

  #escape(text: string, at: number, isEnd: boolean): number | undefined {
    if (!isEnd && text.length - at < longestEscape) return undefined
    escape.lastIndex = at
    const match = escape.exec(text)
    if (match === null) return at + 1
    const [, hex, , literal = ""] = match
    this.#append(hex === undefined ? literal : character(hex))
    return escape.lastIndex
  }

  #append(piece: string): void {
    if (this.#isKept && this.#value.length <= this.#maxLength) this.#value += piece
  }

  /** Gives out the URL, if it is one, and goes on at `next`. */
  #finish(state: State, next = 0): number {
    const { length } = this.#value
    if (this.#isKept && !this.#isNamespace && length > 0 && length <= this.#maxLength)
      this.#found(this.#value, this.#isImport, this.#start, this.#end)
    this.#isImport = false
    this.#isInUrl = false
    this.#value = ""
    this.#state = state
    return next
  }
}

const pastBlanks = (text: string, at: number): number => {
  while (at < text.length && /[ \t\n\r\f]/.test(text[at]!)) at++
  return at
}
