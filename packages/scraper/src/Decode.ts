/**
 * Undoes the content codings of one body (RFC 9110 8.4), bounded. It stands
 * between the session and the sink.
 *
 * Plain callbacks, because this is the hot path: no promise and no fiber for a
 * chunk, and an uncoded body passes through without an allocation.
 *
 * 1. No more than `maxBytes` decoded bytes are ever given out.
 * 2. Memory is flat whatever the body claims: each stage of a chain of codings
 *    holds about one chunk, and each one's output is bounded, not only the last.
 * 3. After `error`, `end` or `close` nothing is called.
 * 4. A body is whole or an error: what ends too early is `"cut"`.
 */
import * as ContentType from "./ContentType.ts"
import { DecodeError, TooLargeError } from "./FetchError.ts"
import * as Stage from "./decode/Stage.ts"

/** What leaves the decoder. May be called from within `write` and `end`. */
export interface Output {
  /**
   * Decoded bytes, in order, never empty. Of a body without codings it is the very chunk that was written,
   * valid only until this returns. Of an encoded body it is fresh memory that is never written again.
   */
  readonly data: (chunk: Uint8Array) => void
  /** After `write` returned `false`: more input is welcome. */
  readonly drain: () => void
  /** Everything is decoded. */
  readonly end: () => void
  /** Once; nothing is called after it. */
  readonly error: (reason: DecodeError | TooLargeError) => void
}

/** Undoes the codings of one body, by callbacks: bytes in by `write`, content out to its `Output`. */
export interface Decoder {
  /**
   * Takes bytes as they were received; `chunk` is only read during the call. `false`: hold back until `drain`.
   * What is written all the same is queued, without a bound.
   */
  readonly write: (chunk: Uint8Array) => boolean
  /** The input is complete: its framing ended well. */
  readonly end: () => void
  /** Gives up and frees zlib's memory. Safe at any time, from within a callback too, and twice. */
  readonly close: () => void
}

/** One of a coded body, whose reader may fall behind. */
interface Pausable extends Decoder {
  /**
   * The receiver is full: soon no more `data` comes, and `write` answers `false`. What was decoded already may come, and
   * a body received whole within 64 KiB comes at `end` all the same, if it decodes to at most 512 KiB.
   */
  readonly pause: () => void
  readonly resume: () => void
}

/** How much one body may become. */
export interface Limits {
  /** Decoded bytes allowed. Without it a guard against bombs stands: see `make`. */
  readonly maxBytes?: number
}

/** RFC 9110 sets no bound; browsers see two at most. */
const maxCodings = 5

/** A body that stays under this is no bomb, whatever its ratio. */
const bombBytes = 64 * 1024 * 1024

/** Beyond `bombBytes`, decoded bytes allowed for each received one. Text reaches 10, gzip can reach 1032, brotli far more. */
const bombRatio = 250

/**
 * Bodies received whole within this many bytes are decoded at once, on this thread, if no more than `maxSyncOutput` come
 * out: for pages of 10 to 75 KB that takes a third to a half less CPU than a trip through a stream and the thread pool,
 * and blocks for less than a socket's read.
 */
const maxSyncInput = 64 * 1024
const maxSyncOutput = 512 * 1024

/** The value of Accept-Encoding: what this Node can undo. */
export const acceptEncoding: string = Stage.supported.join(", ")

/**
 * What stands there and is no coding of the body: `none` of some servers, `aws-chunked`, which stores like S3's were told of an
 * upload and repeat, and `utf-8`, which was meant for the type.
 */
const uncoded: ReadonlySet<string> = new Set(["", "identity", "none", "aws-chunked", "utf-8"])

/**
 * The codings of a Content-Encoding value, in the order they were applied (lines joined by a comma): lower case, what is
 * none left out, `x-gzip` as `gzip` (RFC 9110 8.4.1.3). Unknown ones are kept: `make` refuses them.
 */
export const codings = (contentEncoding: string | undefined): ReadonlyArray<string> =>
  contentEncoding === undefined
    ? none
    : contentEncoding
        .split(",")
        .map((coding) => coding.trim().toLowerCase())
        .filter((coding) => !uncoded.has(coding))
        .map((coding) => (coding === "x-gzip" ? "gzip" : coding))

const none: ReadonlyArray<string> = []

const gzipTypes: ReadonlySet<string> = new Set([
  "application/gzip",
  "application/x-gzip",
  "application/x-gunzip",
  "application/x-tgz",
  "application/x-tar+gzip",
  "application/x-compressed-tar",
  "application/x-gtar-compressed"
])

const gzipName = /\.(?:gz|tgz|svgz)$/i

/**
 * `true` where the body must stay encoded to be what its name or type says: a gzip file that the server labels
 * `Content-Encoding: gzip` a second time, or instead. Decoded, `a.tar.gz` would hold a tar.
 *
 * Follows Firefox: the types of `nsHttpChannel::ClearBogusContentEncodingIfNeeded` (joined by the names of compressed
 * tars) and, for downloads, the file name endings of `nsExternalHelperAppService::ApplyDecodingForExtension`. A page is
 * decoded whatever its URL ends in: it is shown, not downloaded. Only a lone gzip counts.
 */
export const keepsEncoded = (applied: ReadonlyArray<string>, contentType: string | undefined, url: string): boolean => {
  if (applied.length !== 1 || applied[0] !== "gzip") return false
  const type = ContentType.essence(contentType)
  return gzipTypes.has(type) || (!ContentType.pages.has(type) && gzipName.test(url.split(/[?#]/, 1)[0]!))
}

/** A class and not closures: one is made for each request. */
class NoCodings implements Decoder {
  readonly #output: Output
  readonly #maxBytes: number
  #bytes = 0
  #closed = false

  constructor(maxBytes: number, output: Output) {
    this.#maxBytes = maxBytes
    this.#output = output
  }

  write(chunk: Uint8Array) {
    if (this.#closed || chunk.length === 0) return true
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) {
      // what is cut is kept in an archive: up to the bound, however its bytes arrived
      const fits = chunk.length - (this.#bytes - this.#maxBytes)
      if (fits > 0) this.#output.data(chunk.subarray(0, fits))
      if (this.#closed) return true
      this.#closed = true
      this.#output.error(new TooLargeError({ maxBytes: this.#maxBytes, bomb: false }))
      return true
    }
    this.#output.data(chunk)
    return true
  }

  end() {
    if (this.#closed) return
    this.#closed = true
    this.#output.end()
  }

  close() {
    this.#closed = true
  }
}

const withCodings = (applied: ReadonlyArray<Stage.Coding>, limits: Limits, output: Output): Pausable => {
  // the coding applied last is undone first
  const order = applied.toReversed()
  const last = order.length - 1
  const made = order.map(() => 0)
  let stages: ReadonlyArray<Stage.Stage> | undefined
  let held: Array<Uint8Array> = []
  let received = 0
  let closed = false
  let paused = false

  const close = () => {
    closed = true
    held = []
    for (const stage of stages ?? []) stage.close()
  }

  const fail = (reason: DecodeError | TooLargeError) => {
    close()
    output.error(reason)
  }

  /** Why stage `index` may give out no more, or nothing. */
  const excess = (index: number): TooLargeError | undefined => {
    const { maxBytes } = limits
    const bytes = made[index]!
    if (maxBytes !== undefined && index === last)
      return bytes > maxBytes ? new TooLargeError({ maxBytes, bomb: false }) : undefined
    // a stage before the last has no limit of its own, and could blow up only to feed the next one headers without end
    const bound = Math.max(bombBytes, bombRatio * received, maxBytes ?? 0)
    return bytes > bound ? new TooLargeError({ maxBytes: bound, bomb: true }) : undefined
  }

  const makeStage = (coding: Stage.Coding, index: number): Stage.Stage =>
    Stage.make(coding, {
      data: (chunk) => {
        if (closed) return
        made[index]! += chunk.length
        const reason = excess(index)
        if (reason !== undefined) fail(reason)
        else if (index === last) output.data(chunk)
        else if (!stages![index + 1]!.write(chunk)) stages![index]!.pause()
      },
      drain: () => {
        if (closed) return
        if (index === 0) output.drain()
        else stages![index - 1]!.resume()
      },
      end: () => {
        if (closed) return
        if (index < last) return stages![index + 1]!.end()
        close()
        output.end()
      },
      error: (kind) => {
        if (!closed) fail(new DecodeError({ coding, kind }))
      }
    })

  const stream = () => {
    stages = order.map(makeStage)
    if (paused) stages[last]!.pause()
    const whole = Buffer.concat(held)
    held = []
    return stages[0]!.write(whole)
  }

  /** The whole body decoded at once, or nothing: it is damaged or grows large, and the stages judge it. */
  const decodeSync = (): Uint8Array | undefined => {
    const maxBytes = Math.max(1, Math.min(maxSyncOutput, limits.maxBytes ?? maxSyncOutput))
    let body: Uint8Array = held.length === 1 ? held[0]! : Buffer.concat(held)
    try {
      for (const coding of order) {
        if (body.length === 0) break
        body = Stage.decodeSync(coding, body, maxBytes)
      }
      return body.length <= (limits.maxBytes ?? maxSyncOutput) ? body : undefined
    } catch {
      return undefined
    }
  }

  return {
    write: (chunk) => {
      if (closed || chunk.length === 0) return true
      received += chunk.length
      const copy = Buffer.from(chunk)
      if (stages !== undefined) return stages[0]!.write(copy)
      held.push(copy)
      return received <= maxSyncInput || stream()
    },
    end: () => {
      if (closed) return
      if (stages === undefined) {
        const body = decodeSync()
        if (body !== undefined) {
          held = []
          if (body.length > 0) output.data(body)
          if (closed) return
          close()
          return output.end()
        }
        stream()
      }
      stages![0]!.end()
    },
    pause: () => {
      paused = true
      stages?.[last]!.pause()
    },
    resume: () => {
      paused = false
      stages?.[last]!.resume()
    },
    close
  }
}

const coded = (applied: ReadonlyArray<string>, limits: Limits, output: Output): Pausable | DecodeError => {
  if (applied.length > maxCodings)
    return new DecodeError({ coding: applied.slice(0, maxCodings + 1).join(", "), kind: "nested" })
  const unknown = applied.find((coding) => !Stage.isSupported(coding))
  if (unknown !== undefined) return new DecodeError({ coding: unknown, kind: "unknown" })
  return withCodings(applied.filter(Stage.isSupported), limits, output)
}

/**
 * A decoder for a body with these codings, as `codings` gives them.
 *
 * With `maxBytes`, a body that grows larger ends in `TooLargeError`, after at most `maxBytes` bytes. Without it, a body
 * that has grown both larger than 64 MiB and larger than 250 times what was received does (`bomb: true`). Damaged data
 * ends in `DecodeError`, after what could be decoded: `"cut"` where it stops too early, `"corrupt"` where it is no such
 * data, `"window"` where zstd wants more memory than RFC 9659 grants it. No bytes at all decode to none. Returns the error
 * for a coding that is unknown here, or more than five.
 */
export const make = (applied: ReadonlyArray<string>, limits: Limits, output: Output): Decoder | DecodeError =>
  applied.length === 0 ? new NoCodings(limits.maxBytes ?? Infinity, output) : coded(applied, limits, output)

/**
 * A body without its codings, as far as it can be decoded: what is damaged, or a bomb, ends there. Nothing is decoded ahead
 * of the reader but what is with zlib.
 */
export async function* decoded(
  applied: ReadonlyArray<string>,
  body: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array> {
  if (applied.length === 0) return yield* body
  const chunks: Array<Uint8Array> = []
  let isEnded = false
  let isHeldBack = false
  let wake = () => {}
  const end = () => {
    isEnded = true
    wake()
  }
  const decoder = coded(
    applied,
    {},
    {
      data: (chunk) => {
        chunks.push(chunk)
        wake()
      },
      drain: () => {
        isHeldBack = false
        wake()
      },
      end,
      error: end
    }
  )
  if ("_tag" in decoder) return
  /** What is decoded until so much is done. */
  const until = async function* (isDone: () => boolean) {
    while (true) {
      decoder.pause()
      for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) yield chunk
      decoder.resume()
      if (isDone()) return
      if (chunks.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  try {
    for await (const chunk of body) {
      isHeldBack = !decoder.write(chunk)
      yield* until(() => isEnded || !isHeldBack)
      if (isEnded) return
    }
    decoder.end()
    yield* until(() => isEnded)
  } finally {
    decoder.close()
  }
}
