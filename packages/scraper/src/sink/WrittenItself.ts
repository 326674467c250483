/** What a file is not put in the place of. */
import { closeSync, constants, openSync, statSync } from "node:fs"

/**
 * Whether `file` is, or leads to, a device or a pipe: it is written itself, for a rename would put a file in its place.
 * Of what cannot be looked at it says no: whoever opens it hears why.
 */
export const is = (file: string): boolean => {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found !== undefined && !found.isFile() && !found.isDirectory()
  } catch {
    return false
  }
}

/** Opens such a file. A pipe that nobody reads is refused (ENXIO): no signal ends a process that waits for a reader. */
export const open = (file: string): number => {
  const found = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)
  // not by this one: it would lose what a slow reader has no room for
  try {
    return openSync(file, "a")
  } finally {
    closeSync(found)
  }
}
