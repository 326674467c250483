/**
 * How long a thread has stood in line for a core: it could run, and others had them all.
 *
 * Linux counts this for each thread, in nanoseconds: the second number of `/proc/thread-self/schedstat`
 * (Documentation/scheduler/sched-stats.rst). Other systems do not tell; there it is 0.
 */
import { readFileSync } from "node:fs"

const file = "/proc/thread-self/schedstat"

/** Milliseconds that the calling thread has stood in line since it began. */
export const inLineMs = (): number => {
  try {
    return Number(readFileSync(file, "latin1").split(" ")[1]) / 1e6
  } catch {
    return 0
  }
}

/** A clock of the calling thread, in milliseconds, that stands still while the thread stands in line. */
export const nowMs = (): number => performance.now() - inLineMs()

/** What was done, how long it took by the clock, and how much of that the calling thread stood in line. */
export interface Timed<A> {
  readonly value: A
  readonly tookMs: number
  readonly inLineMs: number
}

/** Begins to time; what it gives ends it, with what was done. */
export const time = (): (<A>(value: A) => Timed<A>) => {
  const [began, stood] = [performance.now(), inLineMs()]
  return (value) => ({ value, tookMs: performance.now() - began, inLineMs: inLineMs() - stood })
}
