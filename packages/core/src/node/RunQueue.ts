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

/** Milliseconds that the calling thread has run; where Node does not tell, all that its clock tells. */
export const cpuMs = (): number => {
  const used = process.threadCpuUsage?.()
  return used === undefined ? nowMs() : (used.user + used.system) / 1000
}

/** What was done, how long it took by the clock, how much of that the calling thread stood in line, and how much it ran. */
export interface Timed<A> {
  readonly value: A
  readonly tookMs: number
  readonly inLineMs: number
  readonly cpuMs: number
}

/** Begins to time; what it gives ends it, with what was done. */
export const time = (): (<A>(value: A) => Timed<A>) => {
  const [began, stood, ran] = [performance.now(), inLineMs(), cpuMs()]
  return (value) => ({
    value,
    tookMs: performance.now() - began,
    inLineMs: inLineMs() - stood,
    cpuMs: cpuMs() - ran
  })
}
