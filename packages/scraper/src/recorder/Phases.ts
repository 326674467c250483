/**
 * The phases of a life, as spans: each is drawn as one, though it may be charged
 * to several causes, as the body is on its way while the disk is written.
 *
 * They are numbers until somebody reads them, and of a life without end a
 * bounded number.
 */
import type { Span } from "@simul/core/Timeline"
import { causes, indexOf } from "./Cause.ts"

/** Spans kept of one target: an attempt has seven or so. */
const most = 100
/** What the share of each cause in a span is called. */
const shares = causes.map((cause) => `${cause} ms`)
/** A name takes the lower digits of the number that says of what a span is. */
const namesRoom = 32
const { queue } = indexOf

export class Phases {
  /** Spans that it had besides. */
  leftOut = 0
  #startMs = 0
  /**
   * One span after the other: its name and, of several causes, which ones; its end, which is the start of the next; the
   * milliseconds of each of these causes.
   */
  readonly #numbers: Array<number> = []
  #written = 0
  #spans = 0
  /** The present phase: its cause, its start, and what is charged in it. */
  #phase = 0
  #fromMs = 0
  readonly #charges = new Float64Array(causes.length)
  #charged = 0

  /** Of a life that begins then. What was of another is forgotten. */
  begin(startMs: number): this {
    this.leftOut = 0
    this.#startMs = startMs
    this.#written = 0
    this.#spans = 0
    this.#fromMs = startMs
    return this
  }

  /** Ends the phase so far and begins the next. */
  enter(phase: number, atMs: number) {
    this.end(atMs)
    this.#phase = phase
    this.#fromMs = atMs
  }

  charge(cause: number, ms: number) {
    if (!(ms > 0)) return
    this.#charged |= 1 << cause
    this.#charges[cause]! += ms
  }

  end(atMs: number) {
    if (atMs <= this.#fromMs) return
    const charges = this.#charges
    const charged = this.#charged
    const isSeveral = (charged & (charged - 1)) !== 0
    const isKept = this.#spans < most
    if (isKept) {
      this.#spans++
      this.#write((this.#phase === queue ? this.#heaviest() : this.#phase) + (isSeveral ? charged * namesRoom : 0))
      this.#write(atMs)
    } else this.leftOut++
    for (let rest = charged; rest !== 0; rest &= rest - 1) {
      const cause = lowest(rest)
      if (isKept && isSeveral) this.#write(charges[cause]!)
      charges[cause] = 0
    }
    this.#charged = 0
    this.#fromMs = atMs
  }

  spans(lane: number): ReadonlyArray<Span> {
    const numbers = this.#numbers
    const all: Array<Span> = []
    let startMs = this.#startMs
    for (let at = 0; at < this.#written;) {
      const head = numbers[at++]!
      const endMs = numbers[at++]!
      const name = causes[head % namesRoom]!
      const charged = Math.floor(head / namesRoom)
      if (charged === 0) all.push({ lane, name, startMs, endMs, category: name })
      else {
        const about: Record<string, number> = {}
        for (let rest = charged; rest !== 0; rest &= rest - 1)
          about[shares[lowest(rest)]!] = Math.round(numbers[at++]! * 1000) / 1000
        all.push({ lane, name, startMs, endMs, category: name, arguments: about })
      }
      startMs = endMs
    }
    return all
  }

  #write(value: number) {
    this.#numbers[this.#written++] = value
  }

  /** A wait is called by what took most of it. */
  #heaviest() {
    let most = this.#phase
    for (let rest = this.#charged; rest !== 0; rest &= rest - 1)
      if (this.#charges[lowest(rest)]! > this.#charges[most]!) most = lowest(rest)
    return most
  }
}

/** The place of the lowest bit. */
const lowest = (bits: number): number => 31 - Math.clz32(bits & -bits)
