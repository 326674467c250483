/**
 * Ears on one exchange and on the part it writes: each call is passed on, and
 * the time in and between the calls is charged to the target.
 */
import type { FetchReason } from "../FetchError.ts"
import type { OpeningMark, Receiver, ResponseHead, Transfer } from "../Session.ts"
import type { Part } from "../Sink.ts"
import type { Track } from "./Track.ts"

/** What all of a run share. */
export interface Shared {
  /** Milliseconds since the start of the recording. */
  readonly nowMs: () => number
  /** Its start, by `performance.now`. */
  readonly originMs: number
  /** Whose answer is being judged: a part that is opened meanwhile is its own. */
  judging: Track | undefined
}

/** The receiver that a session sees. It falls silent for the track when another exchange began for it. */
export class Ear implements Receiver {
  readonly #track: Track
  readonly #receiver: Receiver
  readonly #shared: Shared
  #isCoded = false
  #isHeld = false

  constructor(track: Track, receiver: Receiver, shared: Shared) {
    this.#track = track
    this.#receiver = receiver
    this.#shared = shared
    track.exchange = this
    track.enter("connection", shared.nowMs())
  }

  /** Its wait for a connection was for one that was made meanwhile: what of that fell into the wait is told apart after the fact. */
  onOpening = (marks: ReadonlyArray<OpeningMark>) => {
    if (!this.#waits) return
    for (const { phase, atMs } of marks)
      this.#track.enterAt(phase === "open" ? "connection" : phase, atMs - this.#shared.originMs)
  }

  onSent = () => {
    if (this.#runs) this.#track.enter("first byte", this.#shared.nowMs())
  }

  onAgain = () => {
    if (this.#runs) this.#track.enter("connection", this.#shared.nowMs())
  }

  onHead = (head: ResponseHead) => {
    this.#isCoded = head.header("content-encoding") !== undefined
    if (this.#waits) this.#track.becomes("first byte") // a session that does not tell more
    if (this.#runs) this.#track.enter("body", this.#shared.nowMs())
    this.#shared.judging = this.#track
    try {
      this.#receiver.onHead(head)
    } finally {
      this.#shared.judging = undefined
    }
  }

  onData = (chunk: Uint8Array) => {
    this.#charge(this.#isCoded ? "decode" : "body")
    this.#receiver.onData(chunk)
    this.#charge(this.#isHeld ? "held" : "body")
  }

  onEnd = () => {
    this.#over(this.#isCoded ? "decode" : "line")
    this.#receiver.onEnd()
  }

  onError = (reason: FetchReason) => {
    this.#over("line")
    this.#receiver.onError(reason)
  }

  /** The transfer that the caller sees. */
  watch(transfer: Transfer): Transfer {
    return {
      pause: () => {
        this.#isHeld = true
        this.#charge("held")
        transfer.pause()
      },
      resume: () => {
        this.#isHeld = false
        this.#charge("body")
        transfer.resume()
      },
      abort: () => {
        transfer.abort()
        this.#over("line")
      }
    }
  }

  get #waits() {
    return this.#runs && this.#track.phase === "connection"
  }
  get #runs() {
    return this.#track.exchange === this
  }
  #charge(next: "body" | "decode" | "held") {
    if (this.#runs && this.#track.phase === "body") this.#track.charge(next, this.#shared.nowMs())
  }
  #over(next: "decode" | "line") {
    if (!this.#runs) return
    this.#track.exchange = undefined
    this.#track.enter(next, this.#shared.nowMs())
  }
}

/** A part whose work is charged to the disk. */
export const watchPart = (part: Part, track: Track, { nowMs }: Shared): Part => {
  const onDisk = <A>(work: () => A): A => {
    const { charging } = track
    track.charge("disk", nowMs())
    try {
      return work()
    } finally {
      track.charge(charging, nowMs())
    }
  }
  return {
    get bytes() {
      return part.bytes
    },
    get drained() {
      return part.drained
    },
    set drained(drained) {
      part.drained = drained
    },
    write: (chunk) => onDisk(() => part.write(chunk)),
    finish: () => {
      // from here on nothing but its name is missing: one span
      track.enter("disk", nowMs())
      try {
        return part.finish()
      } finally {
        track.charge("line", nowMs())
      }
    },
    place: (path) => onDisk(() => part.place(path)),
    keep: () => onDisk(() => part.keep()),
    discard: () => onDisk(() => part.discard())
  }
}
