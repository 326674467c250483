/**
 * How many transfers the system has files for. A process may have so many open; beyond that nothing can be written and no
 * connection made, which would be told of targets that are not at fault.
 */
import { readFileSync } from "node:fs"

/** Linux says it; elsewhere Node has raised the limit to what the system allows, which is far more. */
const limitsFile = "/proc/self/limits"
/** What is open besides transfers: the store, what Node needs, what is read and written for a moment. */
const others = 48
/** A transfer has a connection and a file, and leaves a connection that rests. */
const perTransfer = 3
/** With fewer not even one transfer ends for certain: with 30 most fail, with 34 none did. */
export const least = 40
/** Each takes about 11 kB from the start, at work or not: as many as some systems have files for would take gigabytes. */
const most = 10_000

const read = (): string => {
  try {
    return readFileSync(limitsFile, "latin1")
  } catch {
    return ""
  }
}

/**
 * How many of `jobs` transfers may be in flight, 10,000 at most, none where too few files may be open; and the limit that says so where it
 * is less. `limits`: as Linux writes them.
 */
export const affordable = (
  jobs: number,
  limits = read()
): { readonly jobs: number; readonly mostFiles: number | undefined } => {
  const mostFiles = Number(/^Max open files +(\d+)/m.exec(limits)?.[1] ?? Infinity)
  const affords = mostFiles < least ? 0 : Math.max(1, Math.floor((mostFiles - others) / perTransfer))
  const wanted = Math.min(jobs, most)
  return affords < wanted ? { jobs: affords, mostFiles } : { jobs: wanted, mostFiles: undefined }
}
