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
  readonly ref?: () => void
  readonly unref?: () => void
}

/** One for all who hold the program: to make one for each task that comes alone took a tenth of what that costs. */
const holding: SystemTimer = setInterval(() => {}, 0x7fff_ffff) as never
holding.unref?.()
let holders = 0

export const systemTimers: Timers = {
  now: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, 0x7fff_ffff))
    ;(timer as SystemTimer).unref?.()
    return () => clearTimeout(timer)
  },
  soon: queueMicrotask,
  hold: () => {
    if (holders++ === 0) holding.ref?.()
    return () => {
      if (--holders === 0) holding.unref?.()
    }
  }
}
