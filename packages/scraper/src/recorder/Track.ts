/**
 * The life of one target, as a row of stamps: from then on, what passes is
 * charged to that.
 *
 * 1. `charge` says what passes from now on; `enter` begins a phase besides, which
 *    is drawn as one span (`Phases.ts`).
 * 2. The charges add up to the length of the life, whatever is called when.
 * 3. While it lasts nothing is summed up and nothing allocated: a stamp is two
 *    numbers in columns that many tracks share. At the end one loop sums them up,
 *    and spans are made of them when somebody reads them. Only a life with more
 *    stamps than a row has room for is summed up as it goes.
 * 4. A track is used for one target after the other (`Tracks.ts`), and refers to
 *    nothing of the one before: an exchange and a part of that one have numbers
 *    that are not in it any more.
 */
import type { Arguments, Collector, Ended, Span } from "@simul/core/Timeline"
import type { Outcome } from "../Outcome.ts"
import * as Url from "../Url.ts"
import { causes, indexOf } from "./Cause.ts"
import { holds, type Sums } from "./Gate.ts"
import { Phases } from "./Phases.ts"

/**
 * Stamps of a row: an attempt has sixteen or so. Before them stand when its life began, when a worker took it first,
 * and the sums of its host when it was queued.
 */
const room = 32
const [began, admitted, held] = [0, 1, 2]
const firstStamp = held + holds.length
/** Numbers of a row. */
export const rowLength = firstStamp + room

// what a stamp says: the index of a cause, and
const isPhase = 32
/** Its host has this wait in the overview already. */
const isOfHost = 64
const causeOf = (code: number) => code & 31

const holdIndexes = holds.map((cause) => indexOf[cause])
const { queue, line } = indexOf

/** What tracks share: their rows, what their stamps say, and where the time goes. */
export interface Rows {
  readonly numbers: Float64Array
  /** Of the stamp in the same place. */
  readonly codes: Uint8Array
  readonly spread: Collector["spread"]
}

/** What the spans of a life are made in that its row holds. */
const drawn = new Phases()

export class Track implements Ended {
  // what is read when it leaves the queue comes first and side by side: by then it has left the processor's caches
  url = ""
  /** Its life has begun and has not ended. */
  isUnderWay = false
  /** A worker has it. */
  isCarried = false
  /** It is queued, but in the store and not for its host. */
  isPutBack = false
  /** The index of what is charged now, and of what it is drawn as. */
  charging = queue
  phase = queue
  readonly #numbers: Float64Array
  readonly #codes: Uint8Array
  /** Where its row is, and its last stamp so far. */
  readonly #row: number
  #last: number
  group = ""
  /** The host that it is queued for, or was last: another than its own where a redirect led. */
  awaited = ""
  /** The numbers of the exchange that runs for it and of the part that it writes; 0: none. */
  exchange = 0
  part = 0
  /** It waits in the store. */
  isInStore = false
  #about: Outcome | Arguments | undefined
  /** Of a life that is longer than its row: what was in it before. */
  #before: { readonly phases: Phases; readonly times: Float64Array } | undefined
  readonly #spread: Collector["spread"]

  /** It has the row with this number. */
  constructor({ numbers, codes, spread }: Rows, place: number) {
    this.#numbers = numbers
    this.#codes = codes
    this.#spread = spread
    this.#row = place * rowLength
    this.#last = this.#row + firstStamp - 1
  }

  /** Begins the life of a target: it was read, and is queued for its host. */
  begin(url: string, host: string, nowMs: number, sums: Sums) {
    this.url = url
    this.group = host
    this.isUnderWay = true
    this.#numbers[this.#row + began] = nowMs
    this.#numbers[this.#row + admitted] = -1
    this.#last = this.#row + firstStamp - 1
    this.#before = undefined
    this.#about = undefined
    this.queue(host, nowMs, sums)
  }

  /** What passes from now on goes to that. */
  charge(next: number, nowMs: number) {
    if (this.charging === next) return
    this.charging = next
    this.#put(next, nowMs)
  }

  /** Ends the phase and begins the next. */
  enter(next: number, nowMs: number) {
    this.charging = next
    this.phase = next
    this.#put(next + isPhase, nowMs)
  }

  /** The same for a time that may have passed: nothing is charged twice. */
  enterAt(next: number, atMs: number) {
    this.enter(next, Math.max(atMs, this.#numbers[this.#last]!))
  }

  /** It turns out that the phase so far was something else. */
  becomes(cause: number) {
    this.phase = cause
    this.charging = cause
    const codes = this.#codes
    codes[this.#last] = codes[this.#last]! - causeOf(codes[this.#last]!) + cause
  }

  /** To the queue of a host: its own, or one that a redirect led to. */
  queue(host: string, nowMs: number, sums: Sums) {
    this.awaited = host
    this.isCarried = false
    this.isPutBack = false
    this.enter(queue, nowMs)
    const at = this.#row + held
    for (let hold = 0; hold < holds.length; hold++) this.#numbers[at + hold] = sums[hold]!
  }

  /** Back to the store, as one that nobody has taken yet. */
  putBack(nowMs: number) {
    this.isPutBack = true
    this.enter(queue, nowMs)
  }

  /** It is queued for its host, here or in the store. */
  get isQueued(): boolean {
    return this.phase === queue && !this.isPutBack
  }

  /** Leaves the queue: its wait is charged as its host was held back meanwhile, the rest to the queue. */
  leaveQueue(next: number, nowMs: number, sums: Sums) {
    const before = this.#numbers
    const at = this.#row + held
    let atMs = this.#numbers[this.#last]!
    for (let hold = 0; hold < holds.length; hold++) {
      const ms = Math.min(sums[hold]! - before[at + hold]!, nowMs - atMs)
      if (!(ms > 0)) continue
      this.#put(holdIndexes[hold]!, atMs)
      atMs += ms
      this.#put(this.charging, atMs)
    }
    this.enter(next, nowMs)
  }

  /** A worker took it. */
  carry(nowMs: number) {
    this.isCarried = true
    if (!this.wasCarried) this.#numbers[this.#row + admitted] = nowMs
  }
  get wasCarried(): boolean {
    return this.#numbers[this.#row + admitted]! >= 0
  }

  /** Ends the life: it is a lane of the timeline, as it stands. */
  finish(nowMs: number, about: Outcome | Arguments): this {
    this.enter(line, nowMs)
    this.isUnderWay = false
    this.exchange = 0
    this.part = 0
    this.#about = about
    if (this.#before !== undefined) this.#shorten().end(nowMs)
    return this
  }

  /** Nobody needs what it says any more: it keeps nothing alive until it is used again. */
  forget() {
    this.url = ""
    this.group = ""
    this.awaited = ""
    this.#about = undefined
  }

  // ---- as a lane

  name() {
    return Url.redact(this.url)
  }
  get startMs() {
    return this.#numbers[this.#row + began]!
  }
  get endMs() {
    return this.#numbers[this.#last]!
  }
  get slownessMs() {
    const admittedMs = this.#numbers[this.#row + admitted]!
    return admittedMs < 0 ? 0 : this.endMs - admittedMs
  }
  times(sums: Float64Array, spread?: Collector["spread"]) {
    const before = this.#before?.times
    if (before !== undefined) for (let index = 0; index < before.length; index++) sums[index]! += before[index]!
    this.#pass(sums, spread)
  }
  spans(lane: number): ReadonlyArray<Span> {
    if (this.#before !== undefined) return this.#before.phases.spans(lane)
    this.#draw(drawn.begin(this.startMs))
    drawn.end(this.endMs)
    return drawn.spans(lane)
  }
  get spansLeftOut() {
    return this.#before?.phases.leftOut ?? 0
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

  // ---- the stamps

  #put(code: number, atMs: number) {
    if (this.#last === this.#row + rowLength - 1) this.#shorten()
    const at = ++this.#last
    this.#numbers[at] = atMs
    this.#codes[at] = this.isQueued ? code + isOfHost : code
  }

  /** Sums up what there is, and goes on with a row that has the last stamp alone. */
  #shorten(): Phases {
    this.#before ??= { phases: new Phases().begin(this.startMs), times: new Float64Array(causes.length) }
    const { phases, times } = this.#before
    this.#draw(phases)
    this.#pass(times, this.#spread)
    const first = this.#row + firstStamp
    this.#numbers[first] = this.#numbers[this.#last]!
    this.#codes[first] = this.#codes[this.#last]!
    this.#last = first
    return phases
  }

  /** Adds what passed from each stamp to the next to `times`. */
  #pass(times: Float64Array, spread?: Collector["spread"]) {
    const atMs = this.#numbers
    const codes = this.#codes
    const last = this.#last
    let fromMs = atMs[this.#row + firstStamp]!
    for (let at = this.#row + firstStamp; at < last; at++) {
      const toMs = atMs[at + 1]!
      if (toMs > fromMs) {
        const code = codes[at]!
        times[causeOf(code)]! += toMs - fromMs
        if (spread !== undefined && code < isOfHost) spread(causeOf(code), fromMs, toMs, toMs - fromMs)
      }
      fromMs = toMs
    }
  }

  #draw(phases: Phases) {
    const atMs = this.#numbers
    const codes = this.#codes
    const last = this.#last
    for (let at = this.#row + firstStamp; at < last; at++) {
      const code = codes[at]!
      const cause = causeOf(code)
      if ((code & isPhase) !== 0) phases.enter(cause, atMs[at]!)
      phases.charge(cause, atMs[at + 1]! - atMs[at]!)
    }
  }
}

const isOutcome = (about: Outcome | Arguments): about is Outcome => "_tag" in about

const told = (outcome: Outcome): Arguments => {
  // assigned and not spread, for there are thousands
  const known: Record<string, string | number> = { outcome: outcome._tag.toLowerCase() }
  if ("status" in outcome && outcome.status !== undefined) known["status"] = outcome.status
  if ("bytes" in outcome) known["bytes"] = outcome.bytes
  known["attempts"] = outcome.attempts
  if ("error" in outcome) known["error"] = outcome.error.message
  return known
}
