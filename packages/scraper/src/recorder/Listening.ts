/**
 * Ears on one exchange and on the part it writes: each call is passed on, and
 * the time in and between the calls is charged to the target.
 *
 * Each is one object for as long as its exchange or part lasts. The clock is
 * read where what is charged changes, and there alone.
 */
import type { FetchReason } from "../FetchError.ts"
import type { OpeningMark, Receiver, ResponseHead, Transfer } from "../Session.ts"
import type { Part, Truncation } from "../Sink.ts"
import { indexOf } from "./Cause.ts"
import type { Track } from "./Track.ts"

const { connection, body, decode, disk, held, line } = indexOf
const firstByte = indexOf["first byte"]

/** What all of a run share. */
export interface Shared {
  /** Milliseconds since the start of the recording. */
  readonly nowMs: () => number
  /** Its start, by `performance.now`. */
  readonly originMs: number
  /** Whose answer is being judged: a part that is opened meanwhile is its own. */
  judging: Track | undefined
  /** Exchanges and parts so far: each is known by its number. */
  heard: number
}

/**
 * The receiver that a session sees, and the transfer that the caller sees. It falls silent for the track when another
 * exchange began for it.
 */
export class Ear implements Receiver, Transfer {
  private readonly track: Track
  private readonly receiver: Receiver
  private readonly shared: Shared
  private readonly number: number
  private transfer: Transfer | undefined
  readonly onRedirect?: NonNullable<Receiver["onRedirect"]>
  private isCoded = false
  private isHeld = false

  constructor(track: Track, receiver: Receiver, shared: Shared) {
    this.track = track
    this.receiver = receiver
    this.shared = shared
    if (receiver.onRedirect !== undefined) this.onRedirect = (answer) => receiver.onRedirect!(answer)
    track.exchange = this.number = ++shared.heard
    track.enter(connection, shared.nowMs())
  }

  /**
   * Its wait for a connection was for one that was made meanwhile: what of that fell into the wait is told apart after
   * the fact.
   */
  onOpening(marks: ReadonlyArray<OpeningMark>) {
    this.receiver.onOpening?.(marks)
    if (!this.waits) return
    for (const { phase, atMs } of marks)
      this.track.enterAt(phase === "open" ? connection : indexOf[phase], atMs - this.shared.originMs)
  }

  onSent() {
    this.receiver.onSent?.()
    if (this.runs) this.track.enter(firstByte, this.shared.nowMs())
  }

  onAgain() {
    this.receiver.onAgain?.()
    if (this.runs) this.track.enter(connection, this.shared.nowMs())
  }

  onHead(head: ResponseHead) {
    this.isCoded = head.header("content-encoding") !== undefined
    if (this.waits) this.track.becomes(firstByte) // a session that does not tell more
    if (this.runs) this.track.enter(body, this.shared.nowMs())
    this.shared.judging = this.track
    try {
      this.receiver.onHead(head)
    } finally {
      this.shared.judging = undefined
    }
  }

  onData(chunk: Uint8Array) {
    this.chargeBody(this.isCoded ? decode : body)
    this.receiver.onData(chunk)
    this.chargeBody(this.isHeld ? held : body)
  }

  onEnd() {
    this.over(this.isCoded ? decode : line)
    this.receiver.onEnd()
  }

  onError(reason: FetchReason) {
    this.over(line)
    this.receiver.onError(reason)
  }

  /** Stands before this transfer from now on. */
  watch(transfer: Transfer): Transfer {
    this.transfer = transfer
    return this
  }

  pause() {
    this.isHeld = true
    this.chargeBody(held)
    this.transfer!.pause()
  }
  resume() {
    this.isHeld = false
    this.chargeBody(body)
    this.transfer!.resume()
  }
  abort() {
    this.transfer!.abort()
    this.over(line)
  }

  private get waits() {
    return this.runs && this.track.phase === connection
  }
  private get runs() {
    return this.track.exchange === this.number
  }
  private chargeBody(next: number) {
    const track = this.track
    if (track.charging !== next && this.runs && track.phase === body) track.charge(next, this.shared.nowMs())
  }
  private over(next: number) {
    if (!this.runs) return
    this.track.exchange = 0
    this.track.enter(next, this.shared.nowMs())
  }
}

/**
 * A part whose work is charged to the disk, as long as it is that of its target. What it throws ends the attempt: until
 * then it is the disk's, too.
 */
export class WatchedPart implements Part {
  private readonly part: Part
  private readonly track: Track
  private readonly shared: Shared
  private readonly number: number

  constructor(part: Part, track: Track, shared: Shared) {
    this.part = part
    this.track = track
    this.shared = shared
    track.part = this.number = ++shared.heard
  }

  get bytes() {
    return this.part.bytes
  }
  get drained() {
    return this.part.drained
  }
  set drained(drained) {
    this.part.drained = drained
  }
  write(chunk: Uint8Array) {
    const before = this.begin()
    const hasRoom = this.part.write(chunk)
    this.end(before)
    return hasRoom
  }
  finish() {
    // from here on nothing but its name is missing: one span
    if (this.isOurs) this.track.enter(disk, this.shared.nowMs())
    const finished = this.part.finish()
    this.end(line)
    return finished
  }
  place(path: string) {
    const before = this.begin()
    const placed = this.part.place(path)
    this.end(before)
    return placed
  }
  read() {
    return this.part.read()
  }
  keep() {
    const before = this.begin()
    const isKept = this.part.keep()
    this.end(before)
    return isKept
  }
  abandon(truncated: Truncation) {
    const before = this.begin()
    this.part.abandon(truncated)
    this.end(before)
  }
  discard() {
    const before = this.begin()
    this.part.discard()
    this.end(before)
  }

  private get isOurs() {
    return this.track.part === this.number
  }
  private begin(): number {
    const { charging } = this.track
    if (this.isOurs) this.track.charge(disk, this.shared.nowMs())
    return charging
  }
  private end(next: number) {
    if (this.isOurs) this.track.charge(next, this.shared.nowMs())
  }
}
