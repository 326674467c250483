/** How many tasks are ready and fibers alive, how long tasks wait, what the event loop does: now, and as samples. */
import { DelayHistogram } from "./DelayHistogram.ts"
import { type EventRing, kind } from "./EventRing.ts"

/** What the event loop of a process did since it was asked last; `node/EventLoop.ts` has one. */
export interface LoopProbe {
  /** Longest delay in milliseconds, and the share of time that it was not idle (0 to 1). */
  readonly sample: () => { readonly delayMs: number; readonly utilisation: number }
}

interface CountersOptions {
  readonly ring: EventRing
  /** Fibers that have not ended. */
  readonly live: () => number
  readonly loop: LoopProbe | undefined
  /** Least time between two samples, in milliseconds. */
  readonly sampleMs: number
}

export class Counters {
  /** Tasks that are scheduled and have not begun, now and at most. */
  ready = 0
  mostReady = 0
  /** Tasks so far. */
  scheduled = 0
  readonly delays = new DelayHistogram()
  private readonly options: CountersOptions
  /** Most that were ready since the last sample. */
  private readySince = 0
  private sampledMs = -Infinity
  private looped: ReturnType<LoopProbe["sample"]> | undefined

  constructor(options: CountersOptions) {
    this.options = options
  }

  /** A task was scheduled at that time. */
  schedule(atMs: number) {
    this.scheduled++
    if (++this.ready > this.mostReady) this.mostReady = this.ready
    if (this.ready > this.readySince) this.readySince = this.ready
    if (atMs - this.sampledMs >= this.options.sampleMs) this.sample(atMs)
  }

  /** It begins after that time. */
  begin(delayMs: number) {
    this.ready--
    this.delays.add(delayMs)
  }

  /** As last sampled; `undefined` without a probe. */
  get loop(): ReturnType<LoopProbe["sample"]> | undefined {
    return (this.looped ??= this.options.loop?.sample())
  }

  private sample(atMs: number) {
    const { ring, live, loop } = this.options
    this.sampledMs = atMs
    ring.put(kind.count, atMs, 0, 0, this.readySince)
    this.readySince = this.ready
    ring.put(kind.count, atMs, 1, 0, live())
    if (loop === undefined) return
    this.looped = loop.sample()
    ring.put(kind.count, atMs, 2, 0, this.looped.delayMs)
    ring.put(kind.count, atMs, 3, 0, this.looped.utilisation)
  }
}
