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

/** What a clock watches. Both callbacks may unwatch anything, itself too. */
export interface Watched {
  /** Its place in the clock's list, for the clock alone; -1 while it is not watched. */
  slot: number
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
  /** An array, not a Set: the tables a Set leaves behind as it grows keep finished exchanges alive (8 µs of collection each). */
  readonly #watched: Array<Watched> = []
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
    watched.slot = this.#watched.push(watched) - 1
    if (this.#timer === undefined) {
      if (!this.#stopped) this.#timer = setInterval(() => this.sweep(), this.#periodMs)
    } else if (this.#watched.length === 1) this.#timer.ref()
  }

  unwatch(watched: Watched): void {
    const { slot } = watched
    if (slot === -1) return
    watched.slot = -1
    const last = this.#watched.pop()
    if (last !== undefined && last !== watched) {
      this.#watched[slot] = last
      last.slot = slot
    }
    if (this.#watched.length === 0) this.#timer?.unref()
  }

  /** One tick. The timer's business; tests call it to let time pass. */
  sweep(): void {
    if (this.#watched.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const tick = ++this.tick
    const now = this.#now()
    // backwards: what fills a freed slot comes from the end, and has had its turn
    for (let i = this.#watched.length - 1; i >= 0; i--) this.#watched[i]?.onTick(tick, now)
  }

  /** Ends the timer and everything watched. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    this.#timer = undefined
    for (let i = this.#watched.length - 1; i >= 0; i--) this.#watched[i]?.onStop()
  }
}
