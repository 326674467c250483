/** Time as an engine uses it; a simulation gives another. */
export interface Timers {
  /** Milliseconds that never go back. */
  readonly now: () => number
  /** Calls once after `ms`; what it returns takes that back. Does not keep the program alive. */
  readonly after: (ms: number, call: () => void) => () => void
  /** Calls when the present turn is over, before any input. */
  readonly soon: (call: () => void) => void
  /** Keeps the program alive until what it returns is called. */
  readonly hold: () => () => void
}

interface SystemTimer {
  readonly unref?: () => void
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, 0x7fff_ffff))
    ;(timer as SystemTimer).unref?.()
    return () => clearTimeout(timer)
  },
  soon: queueMicrotask,
  hold: () => {
    const timer = setInterval(() => {}, 0x7fff_ffff)
    return () => clearInterval(timer)
  }
}
