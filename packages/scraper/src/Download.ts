/**
 * One attempt at a target: the answer judged, its body decoded and written.
 *
 * Synchronous from byte to file: the session calls in, the part is written, and
 * one callback tells how it ended.
 *
 * 1. Bytes of two representations are never mixed: a part is continued only by a
 *    206 that starts where it ends and carries the same validator (RFC 9110
 *    14.4, 15.3.7); anything else starts over.
 * 2. A part outlives the attempt only if the server gave a strong validator and
 *    the body came uncoded, so that a range of it means its bytes.
 */
import type { Mutable } from "effect/Types"
import * as ContentDisposition from "./ContentDisposition.ts"
import * as Continuation from "./Continuation.ts"
import { Pace } from "./crawl/Pace.ts"
import * as Decode from "./Decode.ts"
import {
  EndlessError,
  type FetchReason,
  ProtocolError,
  RangeError,
  StatusError,
  TooLargeError,
  TruncatedError,
  WriteError
} from "./FetchError.ts"
import type { Refusal } from "./Outcome.ts"
import type { RateLimit } from "./RateLimit.ts"
import type { Slotted } from "./InFlight.ts"
import { retryAfterMs } from "./RetryAfter.ts"
import type { Receiver, RedirectAnswer, Request, ResponseHead, Session, Transfer } from "./Session.ts"
import { type Aside, asideOf, DiskFull, type Part, type Sink, type Truncation, truncationBy } from "./Sink.ts"
import type { Hop, Partial, Target, Validators } from "./Target.ts"

export interface DownloadOptions {
  readonly maxSize?: number | undefined
  readonly maxTimeMs?: number | undefined
  /** A body that tells no length is given up when it is longer, or takes longer: some have no end. */
  readonly endless?: Patience | undefined
  readonly rate?: RateLimit | undefined
  /** Hear what name the server suggests. */
  readonly suggestions: boolean
  /**
   * Take the body as it came: content codings stay, and no part is continued, for a part has no head. Every other answer
   * is taken too: redirects, errors, a 304.
   */
  readonly raw: boolean
  /** Set for a crawl. */
  readonly follow?: Follow | undefined
  /** Asked for each redirect: it is followed at once, unless this says otherwise. */
  readonly turn: (target: Target, to: URL) => Turn
  /** Measure how long answers take. */
  readonly timed: boolean
}

/** With a body whose length nobody knows. */
export interface Patience {
  readonly bytes: number
  readonly ms: number
}

/**
 * That of a crawl, which follows links to whatever there is: radio, cameras, pages that are made while they are read. What
 * is meant to be saved seldom takes longer; what says its length may have any.
 */
export const patience: Patience = { bytes: 2 ** 30, ms: 3_600_000 }

/** What a crawl does with answers: it reads them for links, and leaves some redirects alone. */
export interface Follow {
  /** Whether a redirect of this target to this URL is followed. */
  readonly redirect: (target: Target, url: URL) => boolean
  /** Reads a body as it comes; `undefined` for one without links. */
  readonly read: (target: Target, head: ResponseHead) => Reading | undefined
}

/** What is to be done at a redirect: follow it, wait for a turn there, or leave it, by a rule. */
export type Turn = "follow" | "wait" | { readonly refused: Refusal }

/** A body that is read for links. */
export interface Reading {
  /** Takes the next bytes, decoded; they belong to the caller again when it returns. */
  readonly write: (chunk: Uint8Array) => unknown
  /** The targets found in all of it. Called only when they are about to be written down: from then on they are known. */
  readonly end: () => ReadonlyArray<Target>
  /** After the last byte: whether it asks not to be indexed, as far as a page can. */
  readonly isNoindex?: () => boolean
  /** After the last byte: whether there is more of it than was read. */
  readonly isCut?: () => boolean
}

/** How an attempt ended. `status` and `url` are those of the last answer, if there was one. */
export type Attempt = Ended & {
  /** What was answered besides, in its order; of an attempt that takes all answers. */
  readonly asides?: ReadonlyArray<Aside>
}

type Ended =
  | Complete
  | { readonly _tag: "Unchanged"; readonly head: ResponseHead }
  | {
      readonly _tag: "Failed"
      readonly reason: FetchReason
      readonly head?: ResponseHead
      /** The part was kept, to be continued. */
      readonly partial?: Partial
      /** What came of a body, where all answers are taken and none is continued: the part is the caller's, to be abandoned. */
      readonly cut?: { readonly part: Part; readonly truncated: Truncation }
      /** The part at hand was of no use: ask again from the start, at once. */
      readonly restart?: boolean
    }
  /** Not at an end: a redirect is not followed at once. */
  | {
      readonly _tag: "Turned"
      readonly hop: Hop
      readonly turn: Exclude<Turn, "follow">
      /** Not before so long, by the host that redirects. */
      readonly waitMs?: number
      readonly partial?: Partial
    }
  /**
   * `size`: bytes of the whole body, where that is known. `needed`: bytes that must be free for it to go on, at least.
   * `said`: of its host, which was not asked: that was known before.
   */
  | {
      readonly _tag: "DiskFull"
      readonly size?: number | undefined
      readonly needed: number
      readonly partial?: Partial
      readonly said?: "unasked"
    }

/** A whole body, ready to get its name. */
export interface Complete {
  readonly _tag: "Complete"
  readonly part: Part
  readonly bytes: number
  readonly sha256?: string
  readonly head: ResponseHead
  readonly validators: Validators
  readonly suggested?: string
  /** Set for a crawl. */
  readonly reading?: Reading
}

/** The attempt that an error of the sink makes; other errors are bugs and thrown on. */
export const broken = (
  error: unknown,
  head: ResponseHead | undefined,
  room: { readonly size: number | undefined; readonly needed: number },
  partial?: Partial
): Attempt => {
  if (error instanceof DiskFull) return { _tag: "DiskFull", ...room, ...(partial === undefined ? {} : { partial }) }
  if (!(error instanceof WriteError)) throw error
  return { _tag: "Failed", reason: error, ...(head === undefined ? {} : { head }) }
}

/** A running attempt. */
export interface Download extends Slotted {
  /** The store has a row of its part. */
  noted: boolean
  readonly target: Target
  readonly startedMs: number
  readonly received: number
  readonly total: number | undefined
  /** The part as it could be continued after a crash, once there is one. */
  readonly resumable: Partial | undefined
  /** Milliseconds from the last request to the head of its answer, where that was measured. */
  readonly latencyMs: number | undefined
  /** Gives up; what can be continued is kept. */
  readonly abort: () => Partial | undefined
}

/** An answer without a body that matters is read to its end, to keep the connection, if it is no longer than this. */
const drainBytes = 65_536

const noCodings: ReadonlyArray<string> = []
const noLimits = {}

const heldByDecoder = 1
const heldBySink = 2
const heldByRate = 4
const heldByReading = 8
const heldByPace = 16

class Running implements Download, Receiver, Decode.Output {
  readonly target: Target
  readonly startedMs = performance.now()
  slot = -1
  noted = false
  received = 0
  total: number | undefined
  latencyMs: number | undefined
  #sentMs: number | undefined
  onRedirect?: NonNullable<Receiver["onRedirect"]>
  readonly #sink: Sink["Service"]
  readonly #options: DownloadOptions
  readonly #done: (attempt: Attempt) => void
  #part: Part | undefined
  #transfer: Transfer | undefined
  #decoder: Decode.Decoder | undefined
  #head: ResponseHead | undefined
  #validator: string | undefined
  #coded = false
  #ended = false
  /** Set once the rest of the body is of no interest: how the attempt ends. */
  #verdict: Attempt | undefined
  #asides: Array<Aside> | undefined
  /** The body of an error that is taken, and how many more bytes of it may be. */
  #taken:
    | { readonly head: ResponseHead; readonly dateMs: number; readonly chunks: Array<Uint8Array>; room: number }
    | undefined
  /** Who holds back the session now. */
  #holds = 0
  #rateTimer: ReturnType<typeof setTimeout> | undefined
  #turned: Extract<Ended, { readonly _tag: "Turned" }> | undefined
  #reading: Reading | undefined
  #bodyEnded = false
  #pace: Pace | undefined
  /** The reading has got all, or will by its pace. */
  #isRead = false
  /** Decodes for the reading what is kept as it came. */
  #uncoder: Decode.Decoder | undefined

  constructor(
    target: Target,
    part: Part | undefined,
    sink: Sink["Service"],
    options: DownloadOptions,
    done: (attempt: Attempt) => void
  ) {
    this.target = target
    this.#part = part
    this.#sink = sink
    this.#options = options
    this.#done = done
    if (options.raw) this.onRedirect = this.#redirected
  }

  start(session: Session["Service"]) {
    this.#transfer = session.open(this.#request(), this)
  }

  #follows(to: URL, asked: ReadonlyArray<string>, waitMs = 0): boolean {
    const { follow, turn: turnOf } = this.#options
    if (follow?.redirect(this.target, to) === false) return false
    const turn = turnOf(this.target, to)
    if (turn === "follow" && waitMs === 0) return true
    this.#turned = {
      _tag: "Turned",
      hop: { url: to.href, host: to.origin, asked },
      turn: turn === "follow" ? "wait" : turn,
      ...(waitMs === 0 ? {} : { waitMs })
    }
    return false
  }

  #request(): Request {
    const { target } = this
    const { maxTimeMs } = this.#options
    // in the literal: a function that is assigned to a property V8 takes for long-lived, with all that it refers to
    const request: Mutable<Request> = {
      url: target.url,
      follows: (...redirect) => this.#follows(...redirect)
    }
    if (maxTimeMs !== undefined) {
      request.maxTimeMs = maxTimeMs
      if (target.spentMs !== undefined) request.spentMs = target.spentMs
    }
    if (target.hop !== undefined) request.from = target.hop
    if (this.#part !== undefined && target.partial !== undefined)
      request.headers = {
        range: `bytes=${this.#part.bytes}-`,
        "if-range": target.partial.validator,
        // a range of a coded body is no range of the file
        "accept-encoding": "identity"
      }
    else if (target.saved !== undefined) {
      const { etag, lastModified } = target.saved
      const headers: Record<string, string> = {}
      if (etag !== undefined) headers["if-none-match"] = etag
      if (lastModified !== undefined) headers["if-modified-since"] = lastModified
      request.headers = headers
    }
    return request
  }

  // ---- from the session

  onSent(): void {
    if (this.#options.timed) this.#sentMs = performance.now()
  }
  onHead(head: ResponseHead): void {
    this.#head = head
    if (this.#sentMs !== undefined) this.latencyMs = performance.now() - this.#sentMs
    const verdict = this.#judge(head)
    if (verdict === undefined) return
    if (this.#part !== undefined && verdict._tag !== "Complete") this.#part.discard()
    this.#part = verdict._tag === "Complete" ? verdict.part : undefined
    this.#verdict = verdict
    if (this.#options.raw && verdict._tag === "Failed" && verdict.reason._tag !== "WriteError") {
      const most = verdict.reason._tag === "TooLargeError" ? verdict.reason.maxBytes : Infinity
      this.#taken = { head, dateMs: Date.now(), chunks: [], room: Math.min(most, drainBytes) }
      return
    }
    const length = Continuation.contentLength(head)
    if (length !== undefined && length <= drainBytes) return
    if (head.status === 304) return
    this.#end(verdict)
  }

  readonly #redirected = (answer: RedirectAnswer) => this.#aside(asideOf(answer))

  #aside(aside: Aside) {
    this.#asides ??= []
    this.#asides.push(aside)
  }

  /** Takes no more of the body of an error. */
  #take(truncated?: Truncation) {
    if (this.#taken === undefined) return
    const { head, dateMs, chunks } = this.#taken
    this.#taken = undefined
    this.#aside({ head, dateMs, body: Buffer.concat(chunks), ...(truncated === undefined ? {} : { truncated }) })
  }

  /** Prepares for the body; or says how the attempt ends without one. */
  #judge(head: ResponseHead): Attempt | undefined {
    const { status } = head
    if (status === 304 && this.target.saved !== undefined) {
      const { record } = this.target.saved
      if (this.#options.raw && record !== undefined)
        this.#aside({ head, dateMs: Date.now(), body: new Uint8Array(), unchanged: record })
      return { _tag: "Unchanged", head }
    }
    if (this.#part !== undefined) {
      if (status === 206) {
        const whole = Continuation.whole(head, this.#part.bytes, this.target.partial!)
        if (typeof whole === "string")
          return { _tag: "Failed", reason: new RangeError({ detail: whole }), head, restart: true }
        this.#validator = this.target.partial!.validator
        this.received = this.#part.bytes
        return this.#expect(head, this.#part.bytes, whole)
      }
      if (status === 416) return this.#unsatisfied(head, this.#part)
      // anything else is a whole answer: the part is of no use
      if (status === 200) {
        this.#part.discard()
        this.#part = undefined
      }
    }
    if (status === 206)
      return { _tag: "Failed", reason: new ProtocolError({ detail: "a range that was not asked for" }), head }
    if (status < 200 || status > 299) {
      const wait =
        status === 429 || status === 503
          ? retryAfterMs(head.header("retry-after"), Date.now(), head.header("date"))
          : undefined
      const reason = new StatusError({ status, ...(wait === undefined ? {} : { retryAfterMs: wait }) })
      return { _tag: "Failed", reason, head }
    }
    return this.#expect(head, 0, Continuation.contentLength(head))
  }

  /** 416 for a part: either it is the whole body already, or it is of no use (RFC 9110 15.5.17). */
  #unsatisfied(head: ResponseHead, part: Part): Attempt {
    if (!Continuation.isWhole(head, part.bytes, this.target.partial!))
      return {
        _tag: "Failed",
        reason: new RangeError({ detail: `the part of ${part.bytes} bytes is longer than the body` }),
        head,
        restart: true
      }
    return this.#complete(part, head)
  }

  /** Opens the part for the body to come. `from`: bytes that are there already. `total`: what it comes to with those. */
  #expect(head: ResponseHead, from: number, total: number | undefined): Attempt | undefined {
    const { maxSize, raw } = this.#options
    const codings = Decode.codings(head.header("content-encoding"))
    this.#coded = !raw && codings.length > 0 && !Decode.keepsEncoded(codings, head.header("content-type"), head.url)
    this.total = total
    if (!this.#coded && maxSize !== undefined && total !== undefined && total > maxSize)
      return { _tag: "Failed", reason: new TooLargeError({ maxBytes: maxSize, bomb: false }), head }
    const limits = maxSize === undefined ? noLimits : { maxBytes: maxSize - from }
    const decoder = Decode.make(this.#coded ? codings : noCodings, limits, this)
    if ("_tag" in decoder) return { _tag: "Failed", reason: decoder, head }
    this.#decoder = decoder
    if (this.#part !== undefined) return undefined
    this.#reading = this.#options.follow?.read(this.target, head)
    if (this.#reading !== undefined && raw && codings.length > 0) this.#uncode(codings)
    // small bodies are asked for again from the start; only long ones are worth a part with a name
    const long = this.total === undefined || this.total > drainBytes
    this.#validator = this.#coded || raw || !long ? undefined : Continuation.strongValidator(head)
    try {
      const part: Mutable<Parameters<Sink["Service"]["open"]>[0]> = { head }
      if (this.#validator !== undefined) part.key = this.target.url
      if (!this.#coded && total !== undefined) part.expected = total
      this.#part = this.#sink.open(part)
    } catch (error) {
      return this.#broken(error)
    }
    return undefined
  }

  /** The reading gets the body decoded; where that fails, there is none. */
  #uncode(codings: ReadonlyArray<string>) {
    const uncoder = Decode.make(
      codings,
      {},
      {
        data: (chunk) => this.#readOn(chunk),
        drain: () => this.#release(heldByReading),
        end: () => {
          this.#uncoder = undefined
          this.end()
        },
        error: () => {
          this.#reading = undefined
          this.#pace?.close()
          this.#uncoder = undefined
          this.#release(heldByReading | heldByPace)
          if (this.#bodyEnded) this.end()
        }
      }
    )
    if ("_tag" in uncoder) this.#reading = undefined
    else this.#uncoder = uncoder
  }

  onData(chunk: Uint8Array): void {
    if (this.#ended) return
    if (this.#verdict !== undefined) return this.#more(chunk)
    this.received += chunk.length
    if (this.total === undefined ? this.#isEndless() : this.#isTooLong(this.total)) return
    if (!this.#decoder!.write(chunk)) this.#hold(heldByDecoder)
    if (this.#ended) return
    const waitMs = this.#options.rate?.take(chunk.length) ?? 0
    if (waitMs > 0) {
      this.#hold(heldByRate)
      clearTimeout(this.#rateTimer)
      this.#rateTimer = setTimeout(() => this.#release(heldByRate), waitMs)
    }
  }

  #isEndless(): boolean {
    const { endless } = this.#options
    if (endless === undefined) return false
    const ms = performance.now() - this.startedMs
    const isLong = this.received > endless.bytes
    if (!isLong && ms <= endless.ms) return false
    const reason = new EndlessError({ received: this.received, ms: Math.round(ms) })
    this.#end(this.#failed(reason, isLong ? "length" : "time"))
    return true
  }

  /** A range in chunks or over HTTP/2 need not have the length that it tells. */
  #isTooLong(total: number): boolean {
    if (this.received <= total || this.#head!.status !== 206) return false
    this.#part!.discard()
    this.#part = undefined
    const reason = new RangeError({ detail: `the range goes beyond the ${total} bytes of the body` })
    this.#end({ _tag: "Failed", reason, head: this.#head!, restart: true })
    return true
  }

  /** The body of an error: of interest up to a bound. */
  #more(chunk: Uint8Array) {
    const taken = this.#taken
    if (taken === undefined) return
    this.received += chunk.length
    taken.chunks.push(Uint8Array.from(chunk.subarray(0, taken.room)))
    taken.room -= chunk.length
    if (taken.room >= 0) return
    this.#take("length")
    this.#end(this.#verdict!)
  }

  onEnd(): void {
    if (this.#ended) return
    this.#take()
    if (this.#verdict !== undefined) return this.#end(this.#verdict)
    const { received, total: expected } = this
    if (this.#head!.status === 206 && received < expected!)
      return this.#end(this.#failed(new TruncatedError({ received, expected: expected! })))
    this.#decoder!.end()
  }

  onError(reason: FetchReason): void {
    if (this.#ended) return
    this.#take(truncationBy(reason))
    if (this.#turned === undefined) return this.#end(this.#verdict ?? this.#failed(reason))
    const partial = this.#kept()
    if (partial === undefined) this.#part?.discard()
    this.#end(partial === undefined ? this.#turned : { ...this.#turned, partial })
  }

  // ---- from the decoder

  data(chunk: Uint8Array): void {
    if (this.#ended) return
    if (this.#uncoder !== undefined) {
      if (!this.#uncoder.write(chunk)) this.#hold(heldByReading)
    } else if (this.#reading !== undefined) this.#readOn(chunk)
    try {
      if (this.#part!.write(chunk)) return
      this.#part!.drained = () => this.#release(heldBySink)
      this.#hold(heldBySink)
    } catch (error) {
      this.#end(this.#broken(error, chunk.length))
    }
  }
  #readOn(chunk: Uint8Array) {
    const { write } = this.#reading!
    this.#pace ??= new Pace(write, () => {
      this.#release(heldByPace)
      if (this.#isRead) this.end()
    })
    if (!this.#pace.write(chunk)) this.#hold(heldByPace)
  }
  drain(): void {
    this.#release(heldByDecoder)
  }
  end(): void {
    if (this.#ended) return
    if (this.#uncoder !== undefined && !this.#bodyEnded) {
      this.#bodyEnded = true
      return this.#uncoder.end()
    }
    this.#isRead = true
    if (this.#pace?.isBehind === true) return
    this.#end(this.#complete(this.#part!, this.#head!))
  }
  error(reason: FetchReason): void {
    if (!this.#ended) this.#end(this.#failed(reason))
  }

  // ---- the ends

  #complete(part: Part, head: ResponseHead): Attempt {
    try {
      const { bytes, sha256 } = part.finish()
      const etag = Continuation.validator(head, "etag")
      const lastModified = Continuation.validator(head, "last-modified")
      const suggested = this.#options.suggestions
        ? ContentDisposition.fileName(head.header("content-disposition") ?? "")
        : undefined
      // assigned and not spread: that is several times as fast, and this is done for each target
      const validators: Mutable<Validators> = {}
      if (etag !== undefined) validators.etag = etag
      if (lastModified !== undefined) validators.lastModified = lastModified
      const complete: Mutable<Complete> = { _tag: "Complete", part, bytes, head, validators }
      if (sha256 !== undefined) complete.sha256 = sha256
      if (suggested !== undefined) complete.suggested = suggested
      if (this.#reading !== undefined) complete.reading = this.#reading
      return complete
    } catch (error) {
      return this.#broken(error)
    }
  }

  #failed(reason: FetchReason, truncated = truncationBy(reason)): Attempt {
    const part = this.#part
    const partial = reason.retryable && reason._tag !== "DecodeError" ? this.#kept() : undefined
    const cut = this.#options.raw && part !== undefined ? { part, truncated } : undefined
    if (partial === undefined && cut === undefined) part?.discard()
    return {
      _tag: "Failed",
      reason,
      ...(this.#head === undefined ? {} : { head: this.#head }),
      ...(partial === undefined ? {} : { partial }),
      ...(cut === undefined ? {} : { cut })
    }
  }

  /** Keeps the part for another attempt, if it can be continued. */
  #kept(): Partial | undefined {
    const part = this.#part
    if (part === undefined || part.bytes === 0) return undefined
    // a part from an earlier attempt that this one did not touch
    const validator = this.#head === undefined ? this.target.partial?.validator : this.#validator
    const total = this.#head === undefined ? this.target.partial?.total : this.total
    if (validator === undefined || !part.keep()) return undefined
    return { validator, ...(total === undefined ? {} : { total }) }
  }

  /** `more`: bytes that found no room. */
  #broken(error: unknown, more = 0): Attempt {
    // one of unknown length may have no end: it must not keep the disk full
    const partial = error instanceof DiskFull && this.total !== undefined ? this.#kept() : undefined
    if (partial === undefined) this.#part?.discard()
    const written = this.#part?.bytes ?? 0
    const size = this.#coded ? undefined : this.total
    const needed = (size ?? written + more) - (partial === undefined ? 0 : written)
    return broken(error, this.#head, { size, needed }, partial)
  }

  #end(attempt: Attempt) {
    this.#close()
    const asides = this.#asides
    this.#letGo()
    this.#done(asides === undefined ? attempt : { ...attempt, asides })
  }

  abort(): Partial | undefined {
    if (this.#ended) return undefined
    this.#close()
    const partial = this.#kept()
    if (partial === undefined) this.#part?.discard()
    this.#letGo()
    return partial
  }

  /**
   * An attempt waits long enough for its answer to be taken for long-lived by V8's collector, and what long-lived garbage
   * refers to is kept as well: the text of each page, until the next look at all that there is.
   */
  #letGo() {
    this.#part = undefined
    this.#head = undefined
    this.#decoder = undefined
    this.#uncoder = undefined
    this.#reading = undefined
    this.#pace = undefined
    this.#verdict = undefined
    this.#asides = undefined
  }

  #close() {
    this.#ended = true
    clearTimeout(this.#rateTimer)
    this.#decoder?.close()
    this.#uncoder?.close()
    this.#pace?.close()
    this.#transfer?.abort()
  }

  get resumable(): Partial | undefined {
    return this.#ended || this.#validator === undefined || this.#part === undefined
      ? undefined
      : { validator: this.#validator, ...(this.total === undefined ? {} : { total: this.total }) }
  }

  #hold(who: number) {
    if (this.#holds === 0) this.#transfer!.pause()
    this.#holds |= who
  }
  #release(who: number) {
    if (this.#ended || this.#holds === 0) return
    this.#holds &= ~who
    if (this.#holds === 0) this.#transfer!.resume()
  }
}

/** Starts an attempt. `part` is what an earlier one left, opened at its end. `done` is called once, unless `abort` came first. */
export const start = (
  services: { readonly session: Session["Service"]; readonly sink: Sink["Service"] },
  target: Target,
  part: Part | undefined,
  options: DownloadOptions,
  done: (attempt: Attempt) => void
): Download => {
  const running = new Running(target, part, services.sink, options, done)
  running.start(services.session)
  return running
}
