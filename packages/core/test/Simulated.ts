/**
 * A small world for tests of interleavings: one ready list for all fibers, virtual time, and a seed that decides who
 * runs next and who is pre-empted. The same seed gives the same run; a program that can never end is a failure.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"

/** Numbers in [0, 1) from a seed (mulberry32). */
export const seeded = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

/** Of all ready tasks any may be next; a fiber is halted before an operation with probability `preempt`. */
interface Chances {
  readonly random: () => number
  readonly preempt: number
}

export class World implements Scheduler.Scheduler, Scheduler.SchedulerDispatcher {
  readonly executionMode = "async" as const
  readonly #ready: Array<() => void> = []
  readonly #first: Array<() => void> = []
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>()
  readonly #chances: Chances | undefined
  /** Asked before each operation of each fiber; true halts that fiber. */
  halt: () => boolean = () => false
  now = 0

  constructor(chances?: Chances) {
    this.#chances = chances
  }

  shouldYield(fiber: Fiber.Fiber<unknown, unknown>) {
    if (this.halt()) return true
    if (this.#chances === undefined) return fiber.currentOpCount >= 2048
    // below the third operation a fiber that yields would never progress
    return fiber.currentOpCount >= 3 && this.#chances.random() < this.#chances.preempt
  }
  makeDispatcher(): Scheduler.SchedulerDispatcher {
    return this
  }
  scheduleTask(task: () => void) {
    this.#ready.push(task)
  }
  scheduleFirst(task: () => void) {
    this.#first.push(task)
  }
  flush() {}

  readonly clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => this.now,
    currentTimeNanosUnsafe: () => BigInt(Math.round(this.now * 1e6)),
    monotonicTimeNanosUnsafe: () => BigInt(Math.round(this.now * 1e6)),
    currentTimeMillis: Effect.sync(() => this.now),
    currentTimeNanos: Effect.sync(() => BigInt(Math.round(this.now * 1e6))),
    monotonicTimeNanos: Effect.sync(() => BigInt(Math.round(this.now * 1e6))),
    sleep: (duration: Duration.Duration) =>
      Effect.callback<void>((resume) => {
        const timer = { at: this.now + Duration.toMillis(duration), fire: () => resume(Effect.void) }
        if (Number.isFinite(timer.at)) this.#timers.add(timer)
        return Effect.sync(() => void this.#timers.delete(timer))
      })
  }

  /** Sleeps that have not ended. */
  get timers(): number {
    return this.#timers.size
  }

  /** Runs one task, or else goes to the next timer. False when neither is there. */
  step(): boolean {
    const first = this.#first.shift()
    if (first !== undefined) {
      first()
      return true
    }
    if (this.#ready.length > 0) {
      const index = this.#chances === undefined ? 0 : Math.floor(this.#chances.random() * this.#ready.length)
      this.#ready.splice(index, 1)[0]!()
      return true
    }
    let next: { readonly at: number; readonly fire: () => void } | undefined
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer
    if (next === undefined) return false
    this.#timers.delete(next)
    this.now = next.at
    next.fire()
    return true
  }

  fork<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    return Effect.runForkWith(Context.make(Clock.Clock, this.clock))(effect, { scheduler: this })
  }

  /** Throws when the fiber waits for something that never comes. */
  await<A, E>(fiber: Fiber.Fiber<A, E>): Exit.Exit<A, E> {
    for (let steps = 0; fiber.pollUnsafe() === undefined; steps++) {
      if (!this.step()) throw new Error(`deadlock at ${this.now} ms after ${steps} steps`)
      if (steps > 1_000_000) throw new Error("no end after 1,000,000 steps")
    }
    return fiber.pollUnsafe()!
  }

  run<A, E>(effect: Effect.Effect<A, E>): Exit.Exit<A, E> {
    return this.await(this.fork(effect))
  }
}
