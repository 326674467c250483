/** What a file is not put in the place of. */
import { statSync } from "node:fs"

/**
 * Whether `file` is, or leads to, a device or a pipe: it is written itself, for a rename would put a file in its place.
 * Of what cannot be looked at it says no: whoever opens it hears why.
 */
export const isWrittenItself = (file: string): boolean => {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found !== undefined && !found.isFile() && !found.isDirectory()
  } catch {
    return false
  }
}
