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
  readonly #times = new Float64Array(causes.length)
  readonly #before = new Float64Array(causes.length)
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
    this.#times[indexOf[this.charging]]! += nowMs - this.#chargedMs
    this.#chargedMs = nowMs
    this.charging = next
  }

  /** Ends the phase and begins the next. */
  enter(next: Cause, nowMs: number) {
    this.charge(next, nowMs)
    this.#endPhase(nowMs)
    this.phase = next
    this.#phaseMs = nowMs
    this.#before.set(this.#times)
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
      this.#times[indexOf[cause]]! += ms
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
    const shares: Record<string, number> = {}
    let most: Cause = this.phase
    for (const [index, cause] of causes.entries()) {
      const ms = this.#times[index]! - this.#before[index]!
      if (!(ms > 0)) continue
      shares[`${cause} ms`] = Math.round(ms * 1000) / 1000
      if (ms > this.#times[indexOf[most]]! - this.#before[indexOf[most]]!) most = cause
      // the waits of a queue are in the overview already, by its host
      if (this.phase !== "queue") this.#spread(index, this.#phaseMs, nowMs, ms)
    }
    if (this.#spans.length >= mostSpans) {
      this.#spansLeftOut++
      return
    }
    const name = this.phase === "queue" ? most : this.phase
    this.#spans.push({
      name,
      category: name,
      startMs: this.#phaseMs,
      endMs: nowMs,
      ...(Object.keys(shares).length > 1 ? { arguments: shares } : {})
    })
  }
}
