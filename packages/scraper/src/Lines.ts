/**
 * A list of URLs as it comes: bytes in, batches of lines out, with the place in
 * the list after each batch. Reads no further than it is asked.
 */
import * as Effect from "effect/Effect"
import { type Next, nextOf } from "@simul/core/Concurrently"
import * as Cause from "effect/Cause"
import type * as Stream from "effect/Stream"
import * as Url from "./Url.ts"

/** One line that is neither blank nor a comment. `number` counts every line, from 1. `isCut`: it was longer. */
export interface Line {
  readonly text: string
  readonly number: number
  readonly isCut?: true
}

/** Lines in order, and where the list stands after them. `place` is absent for sources that cannot be continued. */
export interface Batch {
  readonly lines: ReadonlyArray<Line>
  readonly place?: { readonly bytes: number; readonly lines: number; readonly sha256: () => string }
}

/** A running digest that can be asked between: a `node:crypto` Hash, for one. */
export interface RunningHash {
  readonly update: (bytes: Uint8Array) => unknown
  readonly copy: () => { readonly digest: (encoding: "hex") => string }
}

/** Lines of more bytes are cut: no URL is so long. */
export const maxLine = 65_536
const batchLines = 256
const newline = 10

/** The bytes are no UTF-8 text, whose lines could be named; `code` says what they are. */
export class Foreign extends Error {
  readonly code: "UTF-16" | "UTF-16LE" | "UTF-16BE" | "gzip"
  constructor(code: Foreign["code"]) {
    super(`a list is UTF-8 text, and this is ${code}`)
    this.code = code
  }
}

/** What begins with two such bytes: a byte order mark, or the magic number of RFC 1952 2.3.1. */
const foreign: Readonly<Record<number, Foreign["code"]>> = { 0xfffe: "UTF-16", 0xfeff: "UTF-16", 0x1f8b: "gzip" }
/** What has no byte order mark tells itself by two characters of ASCII: what NUL parts has no URL of one character. */
const foreignIn = (bytes: Buffer): Foreign["code"] | undefined => {
  if (bytes.length < 2) return undefined
  const code = foreign[bytes.readUInt16BE(0)]
  if (code !== undefined || bytes.length < 4) return code
  const zeros = [0, 1, 2, 3].filter((at) => bytes[at] === 0).join()
  return zeros === "1,3" ? "UTF-16LE" : zeros === "0,2" ? "UTF-16BE" : undefined
}
/** Throws `Foreign` where this, the first line or more, is none of a list. */
export const check = (head: Buffer) => {
  const end = head.indexOf(newline)
  const code = foreignIn(end < 0 ? head : head.subarray(0, end))
  if (code !== undefined) throw new Foreign(code)
}

/**
 * Batches of at most 256 lines of a UTF-8 text, each as soon as it has come; a byte order mark and CR are dropped.
 * `start`: what was read before the first byte. `hash`: already fed with that. Throws `Foreign`.
 */
export const fromBytes = (
  bytes: AsyncIterable<Uint8Array>,
  start: { readonly bytes: number; readonly lines: number },
  hash?: RunningHash
): AsyncIterable<Batch> => ({
  async *[Symbol.asyncIterator]() {
    let number = start.lines
    let consumed = start.bytes
    let lines: Array<Line> = []
    // a line whose end has not come: what is taken of it, its bytes so far, and the digest of what is before it
    let begun: Buffer = Buffer.alloc(0)
    let begunBytes = 0
    let before: ReturnType<RunningHash["copy"]> | undefined
    const add = (all: Buffer, from: number, end: number) => {
      number++
      if (number === 1) check(all.subarray(from, end))
      const isCut = end - from > maxLine
      // without a byte order mark, for it counts as white space
      const text = all.toString("utf8", from, isCut ? from + maxLine : end).trim()
      if (text !== "" && !text.startsWith("#")) lines.push(isCut ? { text, number, isCut } : { text, number })
    }
    const batch = (): Batch => {
      const digest = before ?? hash?.copy()
      const at = { bytes: consumed, lines: begunBytes === 0 ? number : number - 1 }
      const ready = lines
      lines = []
      if (digest === undefined) return { lines: ready }
      // a digest is given once, and asked for by each try of a commit
      let sha256: string | undefined
      return { lines: ready, place: { ...at, sha256: () => (sha256 ??= digest.digest("hex")) } }
    }
    for await (const chunk of bytes) {
      const all = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
      let from = 0
      let hashed = 0
      const advance = () => {
        hash?.update(all.subarray(hashed, from))
        hashed = from
      }
      for (let end = all.indexOf(newline); end >= 0; end = all.indexOf(newline, from)) {
        if (begunBytes === 0) add(all, from, end)
        else {
          const line = Buffer.concat([begun, all.subarray(from, end)])
          add(line, 0, line.length)
        }
        consumed += begunBytes + end + 1 - from
        begun = begun.subarray(0, 0)
        begunBytes = 0
        before = undefined
        from = end + 1
        if (lines.length < batchLines) continue
        advance()
        yield batch()
      }
      advance()
      // who writes the list line by line may wait for what comes of one
      if (lines.length > 0) yield batch()
      if (from === all.length) continue
      before ??= hash?.copy()
      hash?.update(all.subarray(from))
      // a copy, for the chunk may be the reader's buffer; of a line without end no more than is taken
      if (begun.length <= maxLine) begun = Buffer.concat([begun, all.subarray(from, from + maxLine + 1 - begun.length)])
      begunBytes += all.length - from
    }
    // the place stays before an unterminated last line: the list may be growing
    if (begunBytes > 0) add(begun, 0, begun.length)
    yield batch()
  }
})

const end = Symbol("end")

/**
 * Batches of URLs from a program: pulled one by one, so that an endless source is read by demand. What is no text is taken
 * by its text, as an object of `URL` or a line that is none: `undefined` ends nothing.
 */
export const fromUrls = Effect.fnUntraced(function* (
  urls: Iterable<string> | AsyncIterable<string> | Stream.Stream<string>
) {
  const next = yield* nextOf(urls)
  // what is there at once makes one batch; an array or a set is there at once
  const most = Symbol.iterator in urls ? batchLines : 1
  let number = 0
  let ended = false
  const batch: Next<Batch> = Effect.gen(function* () {
    if (ended) return yield* Cause.done()
    const lines: Array<Line> = []
    while (lines.length < most) {
      const url: unknown = yield* next.pipe(Effect.catch(() => Effect.succeed(end)))
      if (url === end) {
        ended = true
        break
      }
      lines.push({ text: Url.textOf(url).trim(), number: ++number })
    }
    return { lines }
  })
  return batch
})
