/**
 * The life of one target, as a clock that charges all that passes to causes.
 *
 * 1. `charge` says what passes from now on; `enter` begins a phase, which is
 *    drawn as one span. A phase may be charged to several causes: the body is on
 *    its way while the disk is written.
 * 2. The charges add up to the length of the life, whatever is called when.
 */
import type { Arguments, Collector, Ended, Span } from "@simul/core/Timeline"
import { type Cause, causes, indexOf } from "./Cause.ts"
import type { Sums } from "./Gate.ts"

/** Plain arrays of doubles: typed ones of this length live outside of the heap, and cost ten times as much to make. */
const noTimes: ReadonlyArray<number> = causes.map(() => 0.5).fill(0)

/** Spans kept of one target: an attempt has five or so. */
const mostSpans = 100

export class Track {
  readonly url: string
  readonly host: string
  readonly startMs: number
  /** When a worker took it first. */
  admittedMs: number | undefined
  /** A worker has it. */
  isCarried = false
  /** The exchange that runs for it. */
  exchange: object | undefined
  /** What is charged now. */
  charging: Cause = "queue"
  phase: Cause = "queue"
  #phaseMs: number
  #chargedMs: number
  /** Charged in phases that are over, and in the present one. */
  readonly #times = noTimes.slice()
  readonly #ofPhase = noTimes.slice()
  /** What is charged in the present phase, in the order of first charge. */
  readonly #charged: Array<number> = []
  #queuedAt: Sums
  readonly #spans: Array<Omit<Span, "lane">> = []
  #spansLeftOut = 0
  readonly #spread: Collector["spread"]

  /** It was read, and is queued for its host. */
  constructor(url: string, host: string, nowMs: number, queuedAt: Sums, spread: Collector["spread"]) {
    this.url = url
    this.host = host
    this.startMs = nowMs
    this.#phaseMs = nowMs
    this.#chargedMs = nowMs
    this.#queuedAt = queuedAt
    this.#spread = spread
  }

  /** What passed since the last charge goes to what was charged until now. */
  charge(next: Cause, nowMs: number) {
    this.#add(this.charging, nowMs - this.#chargedMs)
    this.#chargedMs = nowMs
    this.charging = next
  }

  /** Ends the phase and begins the next. */
  enter(next: Cause, nowMs: number) {
    this.charge(next, nowMs)
    this.#endPhase(nowMs)
    this.phase = next
    this.#phaseMs = nowMs
  }

  /** The same for a time that may have passed: nothing is charged twice. */
  enterAt(next: Cause, atMs: number) {
    this.enter(next, Math.max(atMs, this.#chargedMs))
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
    this.#queuedAt = sums
  }

  /** Leaves the queue: its wait is charged as its host was held back meanwhile, the rest to the queue. */
  leaveQueue(next: Cause, nowMs: number, sums: Sums) {
    for (const cause of ["retry-after", "back-off", "delay", "slot"] as const) {
      const ms = Math.min(sums[cause] - this.#queuedAt[cause], nowMs - this.#chargedMs)
      this.#add(cause, ms)
      this.#chargedMs += ms
    }
    this.enter(next, nowMs)
  }

  /** As a lane of the timeline. */
  end(nowMs: number, name: () => string, about: Arguments): Ended {
    this.enter("line", nowMs)
    return {
      name,
      group: this.host,
      startMs: this.startMs,
      endMs: nowMs,
      slownessMs: this.admittedMs === undefined ? 0 : nowMs - this.admittedMs,
      times: this.#times,
      spans: this.#spans,
      spansLeftOut: this.#spansLeftOut,
      arguments: about
    }
  }

  #endPhase(nowMs: number) {
    if (nowMs <= this.#phaseMs) return
    const ofPhase = this.#ofPhase
    const charged = this.#charged
    let most = indexOf[this.phase]
    for (const index of charged) {
      const ms = ofPhase[index]!
      this.#times[index]! += ms
      if (ms > ofPhase[most]!) most = index
      // the waits of a queue are in the overview already, by its host
      if (this.phase !== "queue") this.#spread(index, this.#phaseMs, nowMs, ms)
    }
    if (this.#spans.length >= mostSpans) this.#spansLeftOut++
    else {
      const name = this.phase === "queue" ? causes[most]! : this.phase
      const span: Omit<Span, "lane"> = { name, category: name, startMs: this.#phaseMs, endMs: nowMs }
      this.#spans.push(charged.length > 1 ? { ...span, arguments: shares(ofPhase, charged) } : span)
    }
    for (const index of charged) ofPhase[index] = 0
    charged.length = 0
  }

  #add(cause: Cause, ms: number) {
    if (!(ms > 0)) return
    const index = indexOf[cause]
    if (this.#ofPhase[index] === 0) this.#charged.push(index)
    this.#ofPhase[index]! += ms
  }
}

const names = causes.map((cause) => `${cause} ms`)

const shares = (times: ReadonlyArray<number>, charged: ReadonlyArray<number>): Arguments => {
  const all: Record<string, number> = {}
  for (const index of charged) all[names[index]!] = Math.round(times[index]! * 1000) / 1000
  return all
}
