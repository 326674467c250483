/**
 * Undoes one content coding, chunk by chunk. `Decode.ts` puts stages in a row.
 *
 * A stage walks through members: head, body, tail, and the next head. gzip
 * (RFC 1952 2.2) and zstd (RFC 8878 3) may have several. Bytes after the last
 * one that begin no further member are ignored, as browsers do. The body is
 * zlib's work, on its thread pool; everything else is counted here, because
 * only a stage that knows where a member ends can tell a cut body from a whole one.
 *
 * 1. At most one chunk is with zlib; what is written meanwhile waits in order.
 * 2. Nothing is called after `close`, `end` or `error`.
 */
import type { Transform } from "node:stream"
import * as Zlib from "node:zlib"
import * as GzipHeader from "./GzipHeader.ts"
import { type Head, peek } from "./Head.ts"

/** The codings a stage can undo, by their registered name (RFC 9110 8.4.1, RFC 7932, RFC 9659). */
export type Coding = "gzip" | "br" | "zstd" | "deflate"

/** What leaves a stage. */
export interface StageOutput {
  /** Fresh memory, never written again. */
  readonly data: (chunk: Uint8Array) => void
  /** After `write` returned `false`: the next chunk is welcome. Never called from within `write`. */
  readonly drain: () => void
  readonly end: () => void
  readonly error: (kind: Fault) => void
}

/** `window`: it may be sound, and wants more memory than it gets. */
type Fault = "cut" | "corrupt" | "window"

export interface Stage {
  /** Keeps `chunk` until it is decoded: it must not be written to again. `false`: busy until `drain`. */
  readonly write: (chunk: Uint8Array) => boolean
  readonly end: () => void
  /** Holds decoded bytes back: zlib stops once about one chunk of them has gathered. */
  readonly pause: () => void
  readonly resume: () => void
  readonly close: () => void
}

/** Decoded bytes come in chunks of this size: 64 KiB crosses the thread pool a quarter as often as zlib's 16 KiB. */
const chunkSize = 64 * 1024

/** RFC 9659 3: a decoder must manage windows of 8 MiB and should refuse larger ones; so memory is bounded. */
const zstdWindowLog = 23

/** What zlib's errors mean, if not damage. */
const faults: Readonly<Record<string, Fault>> = {
  Z_BUF_ERROR: "cut",
  ZSTD_error_frameParameter_windowTooLarge: "window"
}

/** A frame that holds one byte, without that byte. */
const cutFrame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 9, 0, 0)

/**
 * zstd came with Node 22.15, but its first versions take a cut body for a whole one (22.19 does, 26.10 does not):
 * such a Node counts as one without. One that is known not to need not load zlib to be asked.
 */
const hasZstd = (() => {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  if (major > 26 || (major === 26 && minor >= 10)) return true
  if (typeof Zlib.zstdDecompressSync !== "function") return false
  try {
    Zlib.zstdDecompressSync(cutFrame)
    return false
  } catch {
    return true
  }
})()

/** What this Node can undo, in order of preference. */
export const supported: ReadonlyArray<Coding> = hasZstd ? ["gzip", "br", "zstd", "deflate"] : ["gzip", "br", "deflate"]

export const isSupported = (coding: string): coding is Coding => (supported as ReadonlyArray<string>).includes(coding)

/**
 * "deflate" means the zlib format, but many servers send raw deflate (RFC 9110 8.4.1.2).
 * The two header bytes tell: method 8, window <= 32 KiB, and a multiple of 31 (RFC 1950 2.2).
 */
const isZlibHeader = (first: number, second: number) =>
  (first & 0x0f) === 8 && first >> 4 <= 7 && ((first << 8) | second) % 31 === 0

/** RFC 8878 3.1.1 and 3.1.2: a frame, or one to be skipped; little-endian. */
const zstdHead = (): Head =>
  peek(4, (bytes, count) => {
    const isFrame = [0x28, 0xb5, 0x2f, 0xfd].every((byte, index) => index >= count || bytes[index] === byte)
    const isSkippable = [0x50, 0x2a, 0x4d, 0x18].every(
      (byte, index) => index >= count || (index === 0 ? bytes[0]! & 0xf0 : bytes[index]) === byte
    )
    return !isFrame && !isSkippable ? "foreign" : count === 4 ? "body" : "unsure"
  })

const makeHead = (coding: Coding): Head => {
  switch (coding) {
    case "gzip":
      return GzipHeader.make()
    case "deflate":
      return peek(2, (_, count) => (count === 2 ? "body" : "unsure"))
    case "br":
      return peek(1, () => "body")
    case "zstd":
      return zstdHead()
  }
}

type Engine = Transform & { readonly bytesWritten: number }

const makeEngine = (coding: Coding, replay: Uint8Array): Engine => {
  switch (coding) {
    case "gzip":
      return Zlib.createInflateRaw({ chunkSize })
    case "deflate":
      return isZlibHeader(replay[0]!, replay[1]!)
        ? Zlib.createInflate({ chunkSize })
        : Zlib.createInflateRaw({ chunkSize })
    case "br":
      return Zlib.createBrotliDecompress({ chunkSize })
    case "zstd":
      return Zlib.createZstdDecompress({
        chunkSize,
        params: { [Zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog }
      })
  }
}

/**
 * Decodes a whole body at once, on this thread. Throws where it is damaged,
 * where something follows it, or where more than `maxBytes` (at least 1) come out.
 */
export const decodeSync = (coding: Coding, body: Uint8Array, maxBytes: number): Uint8Array => {
  const options = { maxOutputLength: maxBytes, chunkSize }
  switch (coding) {
    case "gzip":
      return Zlib.gunzipSync(body, options)
    case "deflate":
      return body.length > 1 && isZlibHeader(body[0]!, body[1]!)
        ? Zlib.inflateSync(body, options)
        : Zlib.inflateRawSync(body, options)
    case "br":
      return Zlib.brotliDecompressSync(body, options)
    case "zstd":
      return Zlib.zstdDecompressSync(body, {
        ...options,
        params: { [Zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog }
      })
  }
}

/** CRC32 and length of the decoded data (RFC 1952 2.3.1). */
const gzipTailLength = 8

export const make = (coding: Coding, output: StageOutput): Stage => {
  let phase: "head" | "body" | "tail" | "over" = "head"
  let head = makeHead(coding)
  let isFirst = true
  let engine: Engine | undefined
  /** With the engine, and where it began. */
  let current: Uint8Array | undefined
  let currentStart = 0
  const waiting: Array<Uint8Array> = []

  const tail = Buffer.alloc(gzipTailLength)
  let tailCount = 0
  let crc = 0
  let length = 0

  let inputEnded = false
  let finishing = false
  let drainOwed = false
  let paused = false
  let closed = false

  const release = () => {
    const old = engine
    engine = undefined
    current = undefined
    old?.destroy()
  }

  const close = () => {
    closed = true
    waiting.length = 0
    release()
  }

  const fail = (kind: Fault) => {
    close()
    output.error(kind)
  }

  const complete = () => {
    close()
    output.end()
  }

  const openBody = () => {
    phase = "body"
    crc = 0
    length = 0
    const opened = makeEngine(coding, head.replay())
    engine = opened
    opened.on("error", (error: NodeJS.ErrnoException) => {
      if (!closed && engine === opened) fail(faults[error.code ?? ""] ?? "corrupt")
    })
    opened.on("end", () => {
      if (!closed && engine === opened) endBody(opened)
    })
    opened.on("data", (chunk: Uint8Array) => {
      if (closed || engine !== opened) return
      if (coding === "gzip") {
        crc = Zlib.crc32(chunk, crc)
        length = (length + chunk.length) >>> 0
      }
      output.data(chunk)
    })
    if (paused) opened.pause()
  }

  /** zlib saw the end of the body; what it did not take belongs to what follows. */
  const endBody = (ended: Engine) => {
    const rest = current?.subarray(ended.bytesWritten - currentStart)
    release()
    if (rest !== undefined && rest.length > 0) waiting.unshift(rest)
    isFirst = false
    if (coding === "gzip") {
      phase = "tail"
      tailCount = 0
    } else nextMember()
    advance()
  }

  const nextMember = () => {
    if (coding === "gzip" || coding === "zstd") {
      phase = "head"
      head = makeHead(coding)
    } else phase = "over"
  }

  const decode = (chunk: Uint8Array, into: Engine) => {
    current = chunk
    currentStart = into.bytesWritten
    into.write(chunk, (error) => {
      // not taken whole: the body ended within this chunk, and "end" follows
      if (error || closed || engine !== into || into.bytesWritten - currentStart < chunk.length) return
      current = undefined
      advance()
    })
  }

  const feed = (chunk: Uint8Array) => {
    switch (phase) {
      case "head": {
        const taken = head.push(chunk)
        const verdict = head.verdict()
        if (verdict === "corrupt" || (verdict === "foreign" && isFirst)) return fail("corrupt")
        if (verdict === "foreign") phase = "over"
        else if (verdict === "body") {
          if (taken < chunk.length) waiting.unshift(chunk.subarray(taken))
          openBody()
          if (head.replay().length > 0) waiting.unshift(head.replay())
        }
        return
      }
      case "body":
        return decode(chunk, engine!)
      case "tail": {
        const taken = Math.min(gzipTailLength - tailCount, chunk.length)
        tail.set(chunk.subarray(0, taken), tailCount)
        tailCount += taken
        if (tailCount < gzipTailLength) return
        if (tail.readUInt32LE(0) !== crc || tail.readUInt32LE(4) !== length) return fail("corrupt")
        if (taken < chunk.length) waiting.unshift(chunk.subarray(taken))
        return nextMember()
      }
      case "over":
        return
    }
  }

  const finish = () => {
    switch (phase) {
      case "head":
        // no byte at all is an empty body: servers label those too
        return head.verdict() === "begun" || (isFirst && head.verdict() === "unsure") ? fail("cut") : complete()
      case "body":
        // a gzip body is never last, its tail is
        if (coding === "gzip") return fail("cut")
        if (!finishing) {
          finishing = true
          engine!.end()
        }
        return
      case "tail":
        return fail("cut")
      case "over":
        return complete()
    }
  }

  const isBusy = () => paused || current !== undefined || waiting.length > 0

  const advance = () => {
    while (!closed && current === undefined && waiting.length > 0) feed(waiting.shift()!)
    if (closed || current !== undefined) return
    if (inputEnded) return finish()
    if (drainOwed && !paused) {
      drainOwed = false
      output.drain()
    }
  }

  return {
    write: (chunk) => {
      if (closed || inputEnded || chunk.length === 0) return true
      waiting.push(chunk)
      advance()
      if (closed || !isBusy()) return true
      drainOwed = true
      return false
    },
    end: () => {
      if (closed || inputEnded) return
      inputEnded = true
      advance()
    },
    pause: () => {
      paused = true
      engine?.pause()
    },
    resume: () => {
      paused = false
      engine?.resume()
      advance()
    },
    close
  }
}
