/** What `/proc` tells of a process and those it started. A process that has just ended is no error: it tells nothing. */
import { readdirSync, readFileSync } from "node:fs"

/** Reads a file of /proc; empty when its process has just ended. */
export const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return ""
  }
}

/** Its threads. */
export const tasks = (pid: string): ReadonlyArray<string> => {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

/** The processes that it started, and those that they started. */
export function* descendants(pid: string): Generator<string> {
  for (const task of tasks(pid)) {
    for (const child of read(`/proc/${pid}/task/${task}/children`).split(" ")) {
      if (child === "") continue
      yield child
      yield* descendants(child)
    }
  }
}

/** A size in `/proc/PID/status`, in bytes. */
export const field = (status: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024
