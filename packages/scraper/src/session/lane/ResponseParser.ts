/**
 * Responses to GET requests out of the bytes of one connection (RFC 9112), by one
 * pass over them and without a copy.
 *
 * 1. Bytes are fed in pieces of any size, and every piece is looked at once: the
 *    work is linear, and a head that breaks the grammar is refused at the byte
 *    that breaks it.
 * 2. Lenient where browsers and curl all read one thing: a line may end with LF
 *    alone, blanks stand behind a chunk's size, chunks outdo a length, a field has
 *    a name that is no token. Such a response is the last of its connection.
 *    Everything refused is a `LaneFault` with a code of llhttp's.
 *    Control octets in text end nothing, so they are told on: whoever shows or sends a value looks at them (RFC 9110 5.5).
 * 3. What is handed on lies in the caller's buffer.
 */
import { LaneFault, overflow } from "./LaneFault.ts"

/**
 * Names in lower case; a list where a field came in several lines. Without a prototype, so `__proto__` is a name like
 * any other.
 */
export type Headers = Record<string, string | Array<string>>

/** Hears the final response. It may set `paused`, call `stop`, and throw, which `feed` passes on. */
export interface Message {
  /** `written`: the head as it came, each octet a character, from its status line to its empty line. */
  readonly onHead: (status: number, headers: Headers, written: string) => void
  /** `chunk` is part of the bytes being fed. */
  readonly onBody: (chunk: Buffer) => void
}

/** Bytes of one head, and of one trailer section. */
const maxHeadBytes = 65_536
/** Bytes of the line that tells a chunk's size. */
const maxChunkLineBytes = 4096
/** A chunk size up to here bears a further digit without leaving the safe integers. */
const maxSizePrefix = (Number.MAX_SAFE_INTEGER - 15) / 16

const CR = 13
const LF = 10

const codesOf = (pattern: RegExp) =>
  Uint8Array.from({ length: 256 }, (_, code) => +pattern.test(String.fromCharCode(code)))

const isToken = codesOf(/[!#$%&'*+.^_`|~0-9A-Za-z-]/)
const isText = codesOf(/[^\0\r\n]/)
const isBlank = codesOf(/[\t ]/)
/** The value of a hexadecimal digit, 16 for anything else. */
const digitOf = Uint8Array.from({ length: 256 }, (_, code) => {
  const text = String.fromCharCode(code)
  return /[0-9A-Fa-f]/.test(text) ? Number.parseInt(text, 16) : 16
})

/**
 * The status line byte by byte, from the least to the greatest allowed. Gateways hand on the `HTTP/2.0` of the server behind
 * them; it is read as 1.0.
 */
const least = Buffer.from("HTTP/1.0 100")
const greatest = Buffer.from("HTTP/2.1 999")
const majorAt = 5
const minorAt = 7
const statusAt = 9

/** What comes next of a message. */
const head = 0
const counted = 1
const unbounded = 2
const chunkSize = 3
const chunkExtension = 4
const chunkSizeEnd = 5
const chunkData = 6
const chunkDataReturn = 7
const chunkDataEnd = 8
const trailers = 9
const complete = 10
const stopped = 11
const chunkSizeBlank = 12

/** What comes next of a head or a trailer section. */
const lead = 0
const leadEnd = 1
const status = 2
const reason = 3
const lineEnd = 4
const line = 5
const name = 6
const blank = 7
const text = 8
const sectionEnd = 9
const whole = 10
const oddName = 11

const nothing = Buffer.alloc(0)

const Fields = function () {} as unknown as { new (): Headers; prototype: object | null }
Fields.prototype = Object.create(null)

/** The spelling of a field's name, and its lower case. */
interface Spelling {
  readonly bytes: Buffer
  readonly name: string
}

/** Servers use few spellings: each stays in the slot that its length, first and last byte lead to until another needs it. */
const spellings: Array<Spelling | undefined> = Array.from({ length: 256 }, () => undefined)

/** The name between `from` and `to` in lower case, without a new string where the spelling is known. */
const nameAt = (bytes: Buffer, from: number, to: number): string => {
  const slot = ((to - from) * 37 + (bytes[from] as number) * 5 + (bytes[to - 1] as number)) & 255
  const known = spellings[slot]
  if (known !== undefined && isAt(known.bytes, bytes, from, to)) return known.name
  const spelling = bytes.toString("latin1", from, to)
  const name = spelling.toLowerCase()
  spellings[slot] = { bytes: Buffer.from(spelling, "latin1"), name }
  return name
}

const isAt = (spelling: Buffer, bytes: Buffer, from: number, to: number): boolean => {
  if (spelling.length !== to - from) return false
  for (let i = 0; i < spelling.length; i++) if (spelling[i] !== bytes[from + i]) return false
  return true
}

const joined = (value: string | Array<string> | undefined): string | undefined =>
  typeof value === "object" ? value.join(",") : value

/** A fold, or some in a row, is looked for where blanks begin: at each of many it would be work that grows as their square. */
const folds = /(?<![\t ])[\t ]*(?:\r?\n[\t ]*)+/g
/** A value of several lines in one: a user agent reads a fold as a blank (RFC 9112 5.2). */
const unfolded = (value: string): string => value.replace(folds, " ").replace(/^ | $/g, "")

/**
 * Codings that can be taken off: no other was asked for (RFC 9112 7.4). `identity` was none in RFC 2616; chunks are told
 * twice by an application and the server around it, and applied once. Empty elements are none (RFC 9110 5.6.1.2), and a
 * field may hold no other.
 */
const codings = /^[\t ,]*(?:(?:identity|chunked)(?:[\t ]*,[\t ,]*(?:identity|chunked))*[\t ,]*)?$/
const close = /(?:^|,)[\t ]*close[\t ]*(?:,|$)/i
const keepAlive = /(?:^|,)[\t ]*keep-alive[\t ]*(?:,|$)/i
const timeout = /(?:^|[,\t ])timeout=(\d{1,9})(?:$|[,\t ])/i

/** One length, told once or in equal copies (RFC 9110 8.6). */
const lengths = /^([0-9]+)(?:[\t ]*,[\t ]*\1)*$/

const lengthOf = (value: string): number => {
  const bytes = Number(lengths.exec(value)?.[1])
  if (Number.isSafeInteger(bytes)) return bytes
  if (value.includes(",")) throw new LaneFault("HPE_UNEXPECTED_CONTENT_LENGTH", "several lengths")
  throw new LaneFault("HPE_INVALID_CONTENT_LENGTH", "the length is no number")
}

const grammar = (at: number): LaneFault => {
  switch (at) {
    case status:
    case reason:
      return new LaneFault("HPE_INVALID_STATUS", "bad status line")
    case lead:
    case leadEnd:
      return new LaneFault("HPE_INVALID_CONSTANT", "no status line")
    case lineEnd:
    case sectionEnd:
      return new LaneFault("HPE_LF_EXPECTED", "carriage return without line feed")
    case text:
    case blank:
      return new LaneFault("HPE_INVALID_HEADER_TOKEN", "bad byte in a field's value")
    default:
      return new LaneFault("HPE_INVALID_HEADER_TOKEN", "bad byte in a field's name")
  }
}

const noVersion = () => new LaneFault("HPE_INVALID_VERSION", "no HTTP/1.1 response")

const noChunkSize = () => new LaneFault("HPE_INVALID_CHUNK_SIZE", "the chunk size is no hexadecimal number")

export class ResponseParser {
  /**
   * The connection may serve another request after this response (RFC 9112 9.3). Known once it is complete; what is
   * false stays so.
   */
  reusable = true
  /** `feed` takes nothing, and goes back as soon as its listener has heard what it is hearing. */
  paused = false
  /** How long the server says it keeps the connection while idle, in milliseconds. */
  idleMs: number | undefined
  readonly #message: Message
  #phase: number = head
  #line: number = lead
  /** Where the walk over the section goes on, from its start. */
  #at = 0
  #statusAt = 0
  /** A value of the present head goes over several lines. */
  #isFolded = false
  /** Start and end of each name, then of each value, from the start of the head. */
  readonly #marks: Array<number> = []
  /** How many of them are of the present head; the array keeps its length, for emptying it gives its memory away. */
  #marked = 0
  /** The head so far, where it came in pieces. */
  #held: Buffer = nothing
  #heldBytes = 0
  /** Bytes left of the body or chunk. */
  #left = 0
  /** Bytes of the present chunk line or trailer section. */
  #lineBytes = 0

  constructor(message: Message) {
    this.#message = message
  }

  /** The response is complete; `restart` makes ready for the next. */
  get isComplete(): boolean {
    return this.#phase === complete
  }

  /** Makes ready for another response. */
  restart(): void {
    this.#phase = head
    this.#line = lead
    this.#at = 0
  }

  /** Hears and reads nothing more, even in the midst of `feed`. */
  stop(): void {
    this.#phase = stopped
    this.#held = nothing
  }

  /** The connection ended: tells whether that is a proper end of the response (RFC 9112 8). */
  finish(): boolean {
    if (this.#phase !== unbounded) return false
    this.#phase = complete
    return true
  }

  /**
   * Reads `bytes` up to `end`. Returns how far it came: short of `end` once the response is complete, or on a pause.
   * Throws `LaneFault`.
   */
  feed(bytes: Buffer, end: number): number {
    let at = 0
    while (at < end && !this.paused) {
      switch (this.#phase) {
        case head:
          at = this.#readHead(bytes, at, end)
          break
        case counted: {
          const from = at
          at = Math.min(end, at + this.#left)
          this.#left -= at - from
          if (this.#left === 0) this.#phase = complete
          this.#message.onBody(bytes.subarray(from, at))
          break
        }
        case unbounded:
          this.#message.onBody(bytes.subarray(at, end))
          return end
        case complete:
          return at
        case stopped:
          return end
        default:
          at = this.#readChunked(bytes, at, end)
      }
    }
    return at
  }

  #readHead(bytes: Buffer, at: number, end: number): number {
    const before = this.#heldBytes
    const piece = Math.min(end - at, maxHeadBytes - before)
    let next: number
    if (before === 0) {
      next = this.#walk(bytes, at, at + piece)
      if (this.#line === whole) return this.#open(bytes, at, next, next)
      this.#hold(bytes, at, piece)
    } else {
      this.#hold(bytes, at, piece)
      const held = this.#held
      next = this.#walk(held, 0, before + piece)
      if (this.#line === whole) {
        this.#held = nothing
        this.#heldBytes = 0
        return this.#open(held, 0, next, at + next - before)
      }
    }
    if (before + piece === maxHeadBytes) throw overflow()
    return end
  }

  #hold(bytes: Buffer, at: number, piece: number): void {
    const size = this.#heldBytes + piece
    if (size > this.#held.length) {
      const larger = Buffer.allocUnsafe(Math.min(maxHeadBytes, Math.max(1024, size * 2)))
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#heldBytes, at, at + piece)
    this.#heldBytes = size
  }

  /** Goes on with the section that starts at `base`, to its blank line or to `end`; tells where it stopped. */
  #walk(bytes: Buffer, base: number, end: number): number {
    const marks = this.#marks
    let at = base + this.#at
    let next = this.#line
    for (;;) {
      if (next === whole || at >= end) break
      if (next === status) {
        const start = base + this.#statusAt
        for (const until = Math.min(end, start + least.length); at < until; at++) {
          const code = bytes[at] as number
          if (code >= (least[at - start] as number) && code <= (greatest[at - start] as number)) continue
          throw at - start < statusAt ? noVersion() : grammar(status)
        }
        if (at === end) break
        if (bytes[start + majorAt] === 50 && bytes[start + minorAt] !== 48) throw noVersion()
        if (bytes[at] !== 32 && bytes[at] !== CR && bytes[at] !== LF) throw grammar(status)
        next = reason
      } else if (next === reason || next === text) {
        while (at < end && isText[bytes[at] as number] === 1) at++
        if (at === end) break
        const code = bytes[at] as number
        if (code !== CR && code !== LF) throw grammar(next)
        if (next === text) marks[this.#marked++] = at - base
        at = this.#lineFeedAfter(code, at)
        next = lineEnd
      } else if (next === name) {
        while (at < end && isToken[bytes[at] as number] === 1) at++
        if (at === end) break
        if (bytes[at] !== 58) next = oddName
        else {
          marks[this.#marked++] = at - base
          at++
          next = blank
        }
      } else if (next === blank) {
        while (at < end && isBlank[bytes[at] as number] === 1) at++
        if (at === end) break
        marks[this.#marked++] = at - base
        next = text
      } else if (next === line) {
        const code = bytes[at] as number
        if (isToken[code] === 1) {
          marks[this.#marked++] = at - base
          next = name
        } else if (code === CR || code === LF) {
          at = this.#lineFeedAfter(code, at)
          next = sectionEnd
        } else if (isBlank[code] !== 1) {
          marks[this.#marked++] = at - base
          next = oddName
        }
        // before the first field there is no value that could go on: the line is passed over (RFC 9112 2.2)
        else if (this.#marked === 0 || this.#phase !== head) next = reason
        else {
          // the value before goes on: its end is not there yet
          this.#marked--
          this.#isFolded = true
          next = text
        }
      } else if (next === oddName) {
        // nobody asks for such a field; blanks before a colon are no part of a name that may be asked for (RFC 9112 5.1)
        while (at < end && bytes[at] !== 58 && isText[bytes[at] as number] === 1) at++
        if (at === end) break
        if (bytes[at] !== 58) throw grammar(name)
        let last = at
        while (isBlank[bytes[last - 1] as number] === 1) last--
        marks[this.#marked++] = last - base
        this.reusable = false
        at++
        next = blank
      } else if (next === lineEnd || next === sectionEnd || next === leadEnd) {
        if (bytes[at] !== LF) throw grammar(next)
        at++
        next = next === lineEnd ? line : next === sectionEnd ? whole : lead
      } else if (bytes[at] === CR || bytes[at] === LF) {
        // blank lines that a server left behind its last response
        at = this.#lineFeedAfter(bytes[at] as number, at)
        next = leadEnd
      } else {
        this.#statusAt = at - base
        this.#marked = 0
        this.#isFolded = false
        next = status
      }
    }
    this.#line = next
    this.#at = at - base
    return at
  }

  /**
   * Where the line feed of a line stands whose end begins at `at` with `code`. Without a return before it the response
   * is the last of its connection.
   */
  #lineFeedAfter(code: number, at: number): number {
    if (code === CR) return at + 1
    this.reusable = false
    return at
  }

  /** Takes a whole head, which lies from `base` to `end`. Returns `next`. */
  #open(bytes: Buffer, base: number, end: number, next: number): number {
    const marks = this.#marks
    const written = bytes.toString("latin1", base + this.#statusAt, end)
    const offset = this.#statusAt
    const code = Number(written.slice(statusAt, statusAt + 3))
    this.#line = lead
    this.#at = 0
    if (code < 200) {
      if (code === 101) throw new LaneFault("HPE_UNEXPECTED_UPGRADE", "unasked upgrade")
      return next
    }
    const headers = new Fields()
    for (let i = 0; i < this.#marked; i += 4) {
      const name = nameAt(bytes, base + (marks[i] as number), base + (marks[i + 1] as number))
      const from = (marks[i + 2] as number) - offset
      let to = (marks[i + 3] as number) - offset
      while (to > from && isBlank[written.charCodeAt(to - 1)] === 1) to--
      const told = written.slice(from, to)
      const value = this.#isFolded ? unfolded(told) : told
      const known = headers[name]
      if (known === undefined) headers[name] = value
      else if (typeof known === "string") headers[name] = [known, value]
      else known.push(value)
    }
    this.#frame(code, written.charCodeAt(minorAt) === 49, headers)
    this.#message.onHead(code, headers, written)
    return next
  }

  /** Where the body ends, and what becomes of the connection then (RFC 9112 6.3, 9.3). */
  #frame(code: number, isNew: boolean, headers: Headers): void {
    const coding = joined(headers["transfer-encoding"])?.toLowerCase()
    const told = joined(headers["content-length"])
    if (coding !== undefined && coding !== "chunked" && !codings.test(coding)) {
      throw new LaneFault("HPE_INVALID_TRANSFER_ENCODING", "unknown transfer coding")
    }
    const isChunked = coding !== undefined && coding.includes("chunked")
    // the fields are told on as they count
    if (isChunked) {
      if (coding !== "chunked") headers["transfer-encoding"] = "chunked"
      if (told !== undefined) delete headers["content-length"]
    } else if (coding !== undefined) delete headers["transfer-encoding"]
    const length = told === undefined || isChunked ? undefined : lengthOf(told)
    const options = joined(headers["connection"]) ?? ""
    // what nearly all servers say
    const isKept = options === "keep-alive"
    const keeps = isNew || isKept || keepAlive.test(options)
    const kept = joined(headers["keep-alive"])?.match(timeout)?.[1]
    this.idleMs = kept === undefined ? undefined : Number(kept) * 1000
    // whoever tells both may be of two minds about where the response ends
    const isDoubtful = coding !== undefined && told !== undefined
    if (!keeps || isDoubtful || (!isKept && close.test(options))) this.reusable = false
    if (code === 204 || code === 304) {
      // a server that tells a length here may well send that body too
      if (coding !== undefined || (length !== undefined && length > 0)) this.reusable = false
      this.#phase = complete
    } else if (isChunked) {
      // HTTP/1.0 has no chunks: what says so passed through something that does not know them (RFC 9112 6.1)
      if (!isNew) this.reusable = false
      this.#startChunk()
    } else if (length === undefined) {
      this.reusable = false
      this.#phase = unbounded
    } else {
      this.#left = length
      this.#phase = length === 0 ? complete : counted
    }
  }

  #startChunk(): void {
    this.#phase = chunkSize
    this.#left = 0
    this.#lineBytes = 0
  }

  #readChunked(bytes: Buffer, from: number, end: number): number {
    let at = from
    const code = bytes[at] as number
    switch (this.#phase) {
      case chunkSize: {
        const digit = digitOf[code] as number
        if (digit < 16) {
          if (this.#left > maxSizePrefix) throw new LaneFault("HPE_INVALID_CHUNK_SIZE", "the chunk size is too large")
          this.#left = this.#left * 16 + digit
          this.#countLine()
          return at + 1
        }
        if (this.#lineBytes === 0) throw noChunkSize()
        this.#phase = chunkSizeBlank
        return at
      }
      case chunkSizeBlank:
        if (code === CR || code === LF) {
          this.#phase = chunkSizeEnd
          return this.#lineFeedAfter(code, at)
        }
        if (isBlank[code] === 1) {
          this.reusable = false
          this.#countLine()
        } else if (code === 59) this.#phase = chunkExtension
        else throw noChunkSize()
        return at + 1
      case chunkExtension:
        // whatever it says, it means nothing to us (RFC 9112 7.1.1)
        for (; at < end && isText[bytes[at] as number] === 1; at++) this.#countLine()
        if (at === end) return at
        if (bytes[at] !== CR && bytes[at] !== LF) throw new LaneFault("HPE_STRICT", "bad byte in a chunk extension")
        this.#phase = chunkSizeEnd
        return this.#lineFeedAfter(bytes[at] as number, at)
      case chunkSizeEnd:
        if (code !== LF) throw new LaneFault("HPE_LF_EXPECTED", "bad end of a chunk size")
        this.#lineBytes = 0
        this.#phase = this.#left === 0 ? trailers : chunkData
        this.#line = line
        return at + 1
      case chunkData:
        at = Math.min(end, from + this.#left)
        this.#left -= at - from
        if (this.#left === 0) this.#phase = chunkDataReturn
        this.#message.onBody(bytes.subarray(from, at))
        return at
      case chunkDataReturn:
        if (code !== CR && code !== LF) throw new LaneFault("HPE_STRICT", "a chunk is longer than its size")
        this.#phase = chunkDataEnd
        return this.#lineFeedAfter(code, at)
      case chunkDataEnd:
        if (code !== LF) throw new LaneFault("HPE_LF_EXPECTED", "bad end of a chunk")
        this.#startChunk()
        return at + 1
      default:
        // trailers are read for their end alone
        this.#at = 0
        this.#marked = 0
        at = this.#walk(bytes, from, Math.min(end, from + maxHeadBytes - this.#lineBytes))
        this.#lineBytes += at - from
        if (this.#line === whole) this.#phase = complete
        else if (this.#lineBytes === maxHeadBytes) throw overflow()
        return at
    }
  }

  #countLine(): void {
    if (++this.#lineBytes > maxChunkLineBytes)
      throw new LaneFault("HPE_CHUNK_EXTENSIONS_OVERFLOW", "endless chunk size")
  }
}
