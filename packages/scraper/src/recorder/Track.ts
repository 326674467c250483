/**
 * The life of one target, as a clock that charges all that passes to causes.
 *
 * 1. `charge` says what passes from now on; `enter` begins a phase, which is
 *    drawn as one span. A phase may be charged to several causes: the body is on
 *    its way while the disk is written.
 * 2. The charges add up to the length of the life, whatever is called when.
 * 3. Nothing is allocated while it lasts: its numbers lie in an array that many
 *    tracks share, and spans are numbers there until somebody reads them. A
 *    track is used for one target after the other (`Tracks.ts`); what heard of
 *    the one before has no `exchange` and no `part` of it any more.
 */
import type { Arguments, Collector, Ended, Span } from "@simul/core/Timeline"
import type { Outcome } from "../Outcome.ts"
import * as Url from "../Url.ts"
import { type Cause, causes, indexOf } from "./Cause.ts"
import type { Sums } from "./Gate.ts"

/** Spans kept of one target: an attempt has seven or so. */
const mostSpans = 100

// what lies where in the numbers of a track
const startAt = 0
const endAt = 1
/** When a worker took it first; negative before. */
const admittedAt = 2
/** Begin of the phase, and of what is not charged yet. */
const phaseAt = 3
const chargedAt = 4
/** The sums of its host when it was queued, in the order of `holds`. */
const queuedAt = 5
const holds = ["retry-after", "back-off", "delay", "slot"] as const
/** What the share of each cause in a span is called. */
const shares = causes.map((cause) => `${cause} ms`)
const holdIndexes = holds.map((cause) => indexOf[cause])
/** Charged in phases that are over, and in the present one. */
const timesAt = queuedAt + holds.length
const ofPhaseAt = timesAt + causes.length
/**
 * Its spans, one after the other: what it is called and, of several causes, which ones, as one number; its end, which is
 * the start of the next; the milliseconds of each of these causes.
 */
const spansAt = ofPhaseAt + causes.length
const namesRoom = 32
/** Room for the spans of one attempt; those of further ones lie elsewhere. */
const spansRoom = 32

/** Numbers that a track needs. */
export const stride = spansAt + spansRoom

export class Track implements Ended {
  url = ""
  group = ""
  /** A worker has it. */
  isCarried = false
  /** The exchange that runs for it, and the part that it writes. */
  exchange: object | undefined
  part: object | undefined
  /** What is charged now. */
  charging: Cause = "queue"
  phase: Cause = "queue"
  /** It is queued, but in the store and not for its host. */
  isPutBack = false
  spansLeftOut = 0
  readonly #numbers: Float64Array
  readonly #base: number
  /** Bits of the causes that are charged in the present phase. */
  #charged = 0
  #spans = 0
  /** Numbers of spans, and those that have no room with the others. */
  #written = 0
  #more: Array<number> | undefined
  #about: Outcome | Arguments | undefined
  readonly #spread: Collector["spread"]

  /** Its numbers are the `stride` ones from `base` on. */
  constructor(numbers: Float64Array, base: number, spread: Collector["spread"]) {
    this.#numbers = numbers
    this.#base = base
    this.#spread = spread
  }

  /** Begins the life of a target: it was read, and is queued for its host. */
  begin(url: string, host: string, nowMs: number, sums: Sums) {
    const numbers = this.#numbers
    const base = this.#base
    this.url = url
    this.group = host
    numbers.fill(0, base, base + spansAt)
    numbers[base + startAt] = nowMs
    numbers[base + admittedAt] = -1
    numbers[base + phaseAt] = nowMs
    numbers[base + chargedAt] = nowMs
    this.charging = "queue"
    this.phase = "queue"
    this.isCarried = false
    this.isPutBack = false
    this.#charged = 0
    this.#spans = 0
    this.#written = 0
    this.#more = undefined
    this.#about = undefined
    this.spansLeftOut = 0
    this.#keep(sums)
  }

  /** What passed since the last charge goes to what was charged until now. */
  charge(next: Cause, nowMs: number) {
    const at = this.#base + chargedAt
    this.#add(indexOf[this.charging], nowMs - this.#numbers[at]!)
    this.#numbers[at] = nowMs
    this.charging = next
  }

  /** Ends the phase and begins the next. */
  enter(next: Cause, nowMs: number) {
    this.charge(next, nowMs)
    this.#endPhase(nowMs)
    this.phase = next
    this.#numbers[this.#base + phaseAt] = nowMs
  }

  /** The same for a time that may have passed: nothing is charged twice. */
  enterAt(next: Cause, atMs: number) {
    this.enter(next, Math.max(atMs, this.#numbers[this.#base + chargedAt]!))
  }

  /** It turns out that the phase so far was something else. */
  becomes(cause: Cause) {
    this.phase = cause
    this.charging = cause
  }

  /** Back to the queue of its host. */
  queue(nowMs: number, sums: Sums) {
    this.enter("queue", nowMs)
    this.isCarried = false
    this.isPutBack = false
    this.#keep(sums)
  }

  /** Back to the store, as one that nobody has taken yet. */
  putBack(nowMs: number) {
    this.enter("queue", nowMs)
    this.isPutBack = true
  }

  /** It waits there once more. */
  get isInStore(): boolean {
    return this.phase === "retry" || this.isPutBack
  }

  /** Leaves the queue: its wait is charged as its host was held back meanwhile, the rest to the queue. */
  leaveQueue(next: Cause, nowMs: number, sums: Sums) {
    const numbers = this.#numbers
    const base = this.#base
    for (let hold = 0; hold < holds.length; hold++) {
      const atMs = numbers[base + chargedAt]!
      const ms = Math.min(sums[holds[hold]!] - numbers[base + queuedAt + hold]!, nowMs - atMs)
      this.#add(holdIndexes[hold]!, ms)
      numbers[base + chargedAt] = atMs + ms
    }
    this.enter(next, nowMs)
  }

  /** A worker took it. */
  carry(nowMs: number) {
    this.isCarried = true
    const at = this.#base + admittedAt
    if (this.#numbers[at]! < 0) this.#numbers[at] = nowMs
  }
  get wasCarried(): boolean {
    return this.#numbers[this.#base + admittedAt]! >= 0
  }

  /** Ends the life: it is a lane of the timeline, as it stands. */
  finish(nowMs: number, about: Outcome | Arguments): this {
    this.enter("line", nowMs)
    this.#numbers[this.#base + endAt] = nowMs
    this.exchange = undefined
    this.part = undefined
    this.#about = about
    return this
  }

  // ---- as a lane

  name() {
    return Url.redact(this.url)
  }
  get startMs() {
    return this.#numbers[this.#base + startAt]!
  }
  get endMs() {
    return this.#numbers[this.#base + endAt]!
  }
  get slownessMs() {
    return this.wasCarried ? this.endMs - this.#numbers[this.#base + admittedAt]! : 0
  }
  get times(): ArrayLike<number> {
    return this.#numbers
  }
  get timesFrom() {
    return this.#base + timesAt
  }
  spans(lane: number): ReadonlyArray<Span> {
    const all: Array<Span> = []
    let { startMs } = this
    for (let at = 0; at < this.#written;) {
      const head = this.#read(at++)
      const endMs = this.#read(at++)
      const name = causes[head % namesRoom]!
      const charged = Math.floor(head / namesRoom)
      if (charged === 0) all.push({ lane, name, startMs, endMs, category: name })
      else {
        const about: Record<string, number> = {}
        for (let rest = charged; rest !== 0; rest &= rest - 1)
          about[shares[lowest(rest)]!] = Math.round(this.#read(at++) * 1000) / 1000
        all.push({ lane, name, startMs, endMs, category: name, arguments: about })
      }
      startMs = endMs
    }
    return all
  }
  /** What waits for another attempt has failed so far. */
  get end(): "ok" | "failed" | "interrupted" {
    const about = this.#about!
    if (isOutcome(about)) return about._tag === "Saved" || about._tag === "Unchanged" ? "ok" : "failed"
    return "attempts" in about ? "failed" : "interrupted"
  }
  get arguments(): Arguments {
    const about = this.#about!
    return isOutcome(about) ? told(about) : about
  }

  #keep(sums: Sums) {
    for (let hold = 0; hold < holds.length; hold++) this.#numbers[this.#base + queuedAt + hold] = sums[holds[hold]!]
  }

  #endPhase(nowMs: number) {
    const numbers = this.#numbers
    const base = this.#base
    const startMs = numbers[base + phaseAt]!
    if (nowMs <= startMs) return
    const charged = this.#charged
    const isQueue = this.phase === "queue"
    const phase = indexOf[this.phase]
    let most = phase
    for (let rest = charged; rest !== 0; rest &= rest - 1) {
      const index = lowest(rest)
      const ms = numbers[base + ofPhaseAt + index]!
      numbers[base + timesAt + index]! += ms
      if (ms > numbers[base + ofPhaseAt + most]!) most = index
      // the waits of its host's queue are in the overview already
      if (!isQueue || this.isPutBack) this.#spread(index, startMs, nowMs, ms)
    }
    const isKept = this.#spans < mostSpans
    const isSeveral = (charged & (charged - 1)) !== 0
    if (isKept) {
      this.#spans++
      this.#write((isQueue ? most : phase) + (isSeveral ? charged * namesRoom : 0))
      this.#write(nowMs)
    } else this.spansLeftOut++
    for (let rest = charged; rest !== 0; rest &= rest - 1) {
      const at = base + ofPhaseAt + lowest(rest)
      if (isKept && isSeveral) this.#write(numbers[at]!)
      numbers[at] = 0
    }
    this.#charged = 0
  }

  #add(index: number, ms: number) {
    if (!(ms > 0)) return
    this.#charged |= 1 << index
    this.#numbers[this.#base + ofPhaseAt + index]! += ms
  }

  #write(value: number) {
    const at = this.#written++
    if (at < spansRoom) this.#numbers[this.#base + spansAt + at] = value
    else (this.#more ??= []).push(value)
  }
  #read(at: number): number {
    return at < spansRoom ? this.#numbers[this.#base + spansAt + at]! : this.#more![at - spansRoom]!
  }
}

/** The place of the lowest bit. */
const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)

const isOutcome = (about: Outcome | Arguments): about is Outcome => "_tag" in about

const told = (outcome: Outcome): Arguments => ({
  outcome: outcome._tag.toLowerCase(),
  ...("status" in outcome && outcome.status !== undefined ? { status: outcome.status } : {}),
  ...("bytes" in outcome ? { bytes: outcome.bytes } : {}),
  attempts: outcome.attempts,
  ...("error" in outcome ? { error: outcome.error.message } : {})
})
