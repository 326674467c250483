/** One request for a robots.txt, and its answer as RFC 9309 2.3.1 has it; what is archived is kept as it came. */
import * as Decode from "../Decode.ts"
import { type FetchReason, StatusError } from "../FetchError.ts"
import { retryAfterMs } from "../RetryAfter.ts"
import type { Receiver, RedirectAnswer, Request, ResponseHead, Session, Transfer } from "../Session.ts"
import { type Aside, asideOf, type Truncation, truncationBy } from "../Sink.ts"
import * as Robots from "./Robots.ts"
import * as RobotsPolicy from "./RobotsPolicy.ts"

/** The body of an error page is read to its end, to keep the connection, if it is no longer than this. */
const drainBytes = 65_536

const nothing = new Uint8Array()

/** Of a coded body so much is kept to be archived: what is decoded has a bound of its own. */
const keptBytes = 2 * Robots.maxBytes

/** The verdict, the file if there is one, and why nobody knows if so. */
type Done = (verdict: RobotsPolicy.Verdict, body: Uint8Array, reason?: FetchReason) => void

/** `done` is called once, unless `abort` came first. */
export class RobotsRequest implements Receiver, Decode.Output {
  /** What was answered, as it came; of one that keeps it. */
  readonly asides: Array<Aside> = []
  onRedirect?: NonNullable<Receiver["onRedirect"]>
  /** The body of the answer as it came, if it is kept. */
  #raw: { readonly dateMs: number; readonly chunks: Array<Uint8Array>; bytes: number } | undefined
  readonly #keeps: boolean
  readonly #done: Done
  #transfer: Transfer | undefined
  #head: ResponseHead | undefined
  /** Set for a body that matters. */
  #decoder: Decode.Decoder | undefined
  #chunks: Array<Uint8Array> = []
  #bytes = 0
  #ended = false

  constructor(keeps: boolean, done: Done) {
    this.#done = done
    this.#keeps = keeps
    if (keeps) this.onRedirect = this.#redirected
  }

  start(session: Session["Service"], request: Request) {
    this.#transfer = session.open(request, this)
  }

  abort = () => {
    this.#ended = true
    this.#decoder?.close()
    this.#transfer?.abort()
  }

  // ---- from the session

  readonly #redirected = (answer: RedirectAnswer) => this.asides.push(asideOf(answer))
  onHead = (head: ResponseHead) => {
    this.#head = head
    if (this.#keeps) this.#raw = { dateMs: Date.now(), chunks: [], bytes: 0 }
    if (head.status < 200 || head.status > 299) return
    const decoder = Decode.make(Decode.codings(head.header("content-encoding")), {}, this)
    if ("_tag" in decoder) this.#fail(decoder)
    else this.#decoder = decoder
  }
  onData = (chunk: Uint8Array) => {
    if (this.#ended) return
    if (this.#raw !== undefined) {
      this.#raw.bytes += chunk.length
      if (this.#raw.bytes <= keptBytes) this.#raw.chunks.push(Uint8Array.from(chunk))
    }
    if (this.#decoder === undefined) {
      this.#bytes += chunk.length
      if (this.#bytes > drainBytes) this.#answer("length")
    } else if (!this.#decoder.write(chunk) && !this.#ended) this.#transfer!.pause()
  }
  onEnd = () => {
    if (this.#ended) return
    if (this.#decoder === undefined) this.#answer()
    else this.#decoder.end()
  }
  onError = (reason: FetchReason) => {
    if (this.#ended) return
    if (this.#head !== undefined && this.#decoder === undefined) this.#answer(truncationBy(reason))
    else this.#fail(reason)
  }

  // ---- from the decoder

  data = (chunk: Uint8Array) => {
    if (this.#ended) return
    this.#chunks.push(Uint8Array.from(chunk))
    this.#bytes += chunk.length
    if (this.#bytes > Robots.maxBytes) this.#answer("length")
  }
  drain = () => this.#transfer!.resume()
  end = () => {
    if (!this.#ended) this.#answer()
  }
  error = (reason: FetchReason) => {
    if (!this.#ended) this.#fail(reason)
  }

  // ---- the ends

  #answer(truncated?: Truncation) {
    const head = this.#head!
    const { status } = head
    this.#keep(truncated)
    const body = Buffer.concat(this.#chunks)
    this.abort()
    const verdict = RobotsPolicy.judge({ kind: "response", status, body })
    if (verdict.kind !== "unreachable") {
      // of a proxy, and no word of the host
      const reason = status === 407 ? new StatusError({ status }) : undefined
      return this.#done(verdict, body.subarray(0, Robots.maxBytes + 1), reason)
    }
    const wait = retryAfterMs(head.header("retry-after"), Date.now(), head.header("date"))
    const reason = new StatusError({ status, ...(wait === undefined ? {} : { retryAfterMs: wait }) })
    this.#done(verdict, nothing, reason)
  }
  #fail(reason: FetchReason) {
    this.#keep(truncationBy(reason))
    this.abort()
    const kind = reason._tag === "RedirectError" ? "redirects" : "failed"
    this.#done(RobotsPolicy.judge({ kind }), nothing, reason)
  }
  #keep(truncated: Truncation | undefined) {
    if (this.#raw === undefined) return
    const { dateMs, chunks, bytes } = this.#raw
    const cut = bytes > keptBytes ? "length" : truncated
    const body = Buffer.concat(chunks)
    this.asides.push({ head: this.#head!, dateMs, body, ...(cut === undefined ? {} : { truncated: cut }) })
  }
}
