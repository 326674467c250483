/**
 * One timer for everything that may wait too long.
 *
 * Time is counted in ticks, not read from a clock: when the event loop is
 * blocked or the machine sleeps, many milliseconds pass in one tick, and bytes
 * that lie ready in a socket are not mistaken for a stall. It also makes
 * activity free to note: what is watched copies `tick`.
 *
 * The timer keeps the process alive only while something is watched.
 */
import { InFlight, type Slotted } from "../InFlight.ts"

/** What a clock watches. Both callbacks may unwatch anything, itself too. */
export interface Watched extends Slotted {
  /** Once every tick. `now`: milliseconds of a monotonic clock, for absolute deadlines. */
  readonly onTick: (tick: number, now: number) => void
  /** The clock stops for good: end now. */
  readonly onStop: () => void
}

/** Milliseconds between two ticks: a quarter of a second, or finer where the shortest bound asks for it. */
export const period = (shortestMs: number) => Math.max(5, Math.min(250, shortestMs / 20))

export class StallClock {
  tick = 0
  readonly #periodMs: number
  readonly #now: () => number
  readonly #watched = new InFlight<Watched>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(periodMs: number, now: () => number = () => performance.now()) {
    this.#periodMs = periodMs
    this.#now = now
  }

  /** How many ticks must have passed before `ms` surely have. The tick under way counts for nothing. */
  ticks(ms: number): number {
    return Math.ceil(ms / this.#periodMs)
  }

  watch(watched: Watched): void {
    this.#watched.add(watched)
    if (this.#timer === undefined) {
      if (!this.#stopped) this.#timer = setInterval(() => this.sweep(), this.#periodMs)
    } else if (this.#watched.all.length === 1) this.#timer.ref()
  }

  unwatch(watched: Watched): void {
    this.#watched.remove(watched)
    if (this.#watched.all.length === 0) this.#timer?.unref()
  }

  /** One tick. The timer's business; tests call it to let time pass. */
  sweep(): void {
    const { all } = this.#watched
    if (all.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const tick = ++this.tick
    const now = this.#now()
    // backwards: what fills a freed slot comes from the end, and has had its turn
    for (let i = all.length - 1; i >= 0; i--) all[i]?.onTick(tick, now)
  }

  /** Ends the timer and everything watched. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#timer = undefined
    const { all } = this.#watched
    for (let i = all.length - 1; i >= 0; i--) all[i]?.onStop()
  }
}
