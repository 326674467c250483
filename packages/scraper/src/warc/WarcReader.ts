/**
 * Reads WARC records one after another, without holding more than a head and a
 * chunk. Version 1.0 (ISO 28500:2009) and the drafts before it read the same way.
 * Compressed files go through `Gzip.gunzip` first.
 */

/** The bytes are no WARC file, or end within a record. */
export class WarcSyntaxError extends Error {
  override readonly name = "WarcSyntaxError"
}

/** The block of a record is no HTTP message. The records that follow can be read. */
export class MessageSyntaxError extends Error {
  override readonly name = "MessageSyntaxError"
}

/** A record as it is met. */
export interface WarcRecord {
  /** `1.1`, `1.0`, `0.18` or `0.17`. */
  readonly version: string
  /** The value of a named field, in any case; the first of several. */
  readonly field: (name: string) => string | undefined
  /** Its block. What is left of it is skipped when the next record is asked for. */
  readonly block: AsyncIterable<Uint8Array>
}

/** A record that is in memory. */
export interface HeldRecord extends WarcRecord {
  /** The whole of its block. */
  readonly held: Buffer
}

/** Heads are held in memory: of records, and of HTTP messages within them. */
const mostHeadBytes = 1 << 20

/** What heads are told by, and what is said of one that does not end. */
interface Syntax {
  readonly name: "file" | "message"
  /** Where the empty line after a head ends; -1 where there is none. */
  readonly headEnd: (bytes: Buffer, from: number) => number
  readonly Fault: new (message: string) => Error
}

const warc: Syntax = {
  name: "file",
  headEnd: (bytes, from) => {
    const at = bytes.indexOf("\r\n\r\n", from)
    return at < 0 ? at : at + 4
  },
  Fault: WarcSyntaxError
}

const http: Syntax = {
  name: "message",
  // a line may end without a CR, and empty ones may stand before the first (RFC 9112 2.2)
  headEnd: (bytes, from) => {
    const start = bytes.findIndex((octet) => octet !== 10 && octet !== 13)
    if (start < 0) return -1
    for (let at = bytes.indexOf(10, Math.max(from, start)); at >= 0; at = bytes.indexOf(10, at + 1)) {
      if (bytes[at + 1] === 10) return at + 2
      if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3
    }
    return -1
  },
  Fault: MessageSyntaxError
}

/** What is wrong where no head ends in so many bytes. */
const headless = ({ name, Fault }: Syntax, bytes: number): Error =>
  new Fault(bytes > mostHeadBytes ? `a head of more than ${mostHeadBytes} bytes` : `the ${name} ends within a head`)

/** Bytes to be taken by length or up to an empty line. */
class Input {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #syntax: Syntax
  #rest: Uint8Array = new Uint8Array()

  constructor(source: AsyncIterable<Uint8Array>, syntax: Syntax) {
    this.#source = source[Symbol.asyncIterator]()
    this.#syntax = syntax
  }

  async #more(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#source.next()
    return done === true ? undefined : value
  }

  /** At most `most` bytes, at least one; `undefined` at the end. */
  async some(most: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const chunk = await this.#more()
      if (chunk === undefined) return undefined
      this.#rest = chunk
    }
    const taken = this.#rest.subarray(0, most)
    this.#rest = this.#rest.subarray(taken.length)
    return taken
  }

  /** Passes over ends of lines, and says how many there were. */
  async lineEnds(): Promise<number> {
    let lines = 0
    for (let chunk = await this.some(Infinity); chunk !== undefined; chunk = await this.some(Infinity)) {
      const end = chunk.findIndex((octet) => octet !== 10 && octet !== 13)
      const blank = end < 0 ? chunk : chunk.subarray(0, end)
      lines += blank.reduce((sum, octet) => (octet === 10 ? sum + 1 : sum), 0)
      if (end < 0) continue
      this.#rest = chunk.subarray(end)
      break
    }
    return lines
  }

  /** Up to and with the empty line after it; `undefined` at the end. */
  async head(): Promise<Uint8Array | undefined> {
    const { buffer, byteOffset, length } = this.#rest
    // seen, not copied: a chunk may have the heads of a thousand records
    let held = Buffer.from(buffer, byteOffset, length)
    let from = 0
    for (;;) {
      const end = this.#syntax.headEnd(held, from)
      if (end >= 0) {
        this.#rest = held.subarray(end)
        return held.subarray(0, end)
      }
      if (held.length > mostHeadBytes) throw headless(this.#syntax, held.length)
      from = Math.max(0, held.length - 3)
      const chunk = await this.#more()
      if (chunk === undefined) {
        if (held.length === 0) return undefined
        throw headless(this.#syntax, held.length)
      }
      held = Buffer.concat([held, chunk])
    }
  }

  async end() {
    await this.#source.return?.()
  }
}

const utf8 = new TextDecoder()

const parseHead = (head: Uint8Array) => {
  // a line that begins with a blank goes on with the one before (4)
  const [first = "", ...lines] = utf8.decode(head.subarray(0, -4)).split(/\r\n(?![\t ])/)
  const version = /^WARC\/(1\.[01]|0\.1[78])$/.exec(first)?.[1]
  if (version === undefined) throw new WarcSyntaxError("no WARC record where one should begin")
  const fields = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(":")
    if (colon < 1) throw new WarcSyntaxError("a line of a head without a colon")
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).replace(/\r\n[\t ]+/g, " ")
    if (!fields.has(name)) fields.set(name, value.trim())
  }
  return { version, fields }
}

/** The head of the record that bytes begin with, of which more may follow. Throws `WarcSyntaxError`. */
export const headOf = (bytes: Uint8Array): Pick<WarcRecord, "version" | "field"> => {
  const end = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf("\r\n\r\n")
  if (end < 0) throw new WarcSyntaxError("the bytes end within a head")
  const { version, fields } = parseHead(bytes.subarray(0, end + 4))
  return { version, field: (name) => fields.get(name.toLowerCase()) }
}

const lengthOf = (fields: ReadonlyMap<string, string>): number => {
  const length = fields.get("content-length") ?? ""
  if (!/^\d{1,15}$/.test(length)) throw new WarcSyntaxError("a record without a length")
  return Number(length)
}

const early = (bytes: number) => new WarcSyntaxError(`the file ends ${bytes} bytes before its last record`)
const unended = () => new WarcSyntaxError("a record that does not end where it should")

/** The records of an uncompressed file, in their order. Chunks must stay valid. Throws `WarcSyntaxError`. */
export async function* records(source: AsyncIterable<Uint8Array>): AsyncGenerator<WarcRecord> {
  const input = new Input(source, warc)
  try {
    for (;;) {
      const head = await input.head()
      if (head === undefined) return
      const { version, fields } = parseHead(head)
      let left = lengthOf(fields)
      const next = async (): Promise<Uint8Array> => {
        const chunk = await input.some(left)
        if (chunk === undefined) throw early(left)
        left -= chunk.length
        return chunk
      }
      const block: AsyncGenerator<Uint8Array> = (async function* () {
        while (left > 0) yield await next()
      })()
      yield { version, field: (name) => fields.get(name.toLowerCase()), block }
      // the block itself may have been left half way, which ends it
      while (left > 0) await next()
      // two are there by the standard (4), more behind records of some
      if ((await input.lineEnds()) < 2) throw unended()
    }
  } finally {
    await input.end()
  }
}

/** The same as `records`, in memory: for what is small that is several times as fast. */
export function* recordsIn(bytes: Buffer): Generator<HeldRecord> {
  for (let at = 0; at < bytes.length;) {
    const start = warc.headEnd(bytes, at)
    if (start < 0) throw headless(warc, bytes.length - at)
    const { version, fields } = parseHead(bytes.subarray(at, start))
    at = start + lengthOf(fields)
    if (at > bytes.length) throw early(at - bytes.length)
    const held = bytes.subarray(start, at)
    const block = (async function* () {
      yield held
    })()
    yield { version, field: (name) => fields.get(name.toLowerCase()), block, held }
    let lines = 0
    for (; bytes[at] === 10 || bytes[at] === 13; at++) if (bytes[at] === 10) lines++
    if (lines < 2) throw unended()
  }
}

const withoutHead = () => new MessageSyntaxError("a message without a head")

/** What follows the head in the block of an HTTP record. Throws `MessageSyntaxError`. */
export const payloadIn = (block: Buffer): Buffer => {
  if (block.length === 0) throw withoutHead()
  const end = http.headEnd(block, 0)
  if (end < 0) throw headless(http, block.length)
  return block.subarray(end)
}

/** Takes the block of an HTTP record apart: the head with its empty line, and what follows it. Throws `MessageSyntaxError`. */
export const message = async (
  block: AsyncIterable<Uint8Array>
): Promise<{ readonly head: Uint8Array; readonly payload: AsyncIterable<Uint8Array> }> => {
  const input = new Input(block, http)
  const head = await input.head()
  if (head === undefined) throw withoutHead()
  return {
    head,
    payload: (async function* () {
      for (;;) {
        const chunk = await input.some(mostHeadBytes)
        if (chunk === undefined) return
        yield chunk
      }
    })()
  }
}
