/** Who put a file where it lies. */
import { lstatSync } from "node:fs"

const root = 0

/**
 * Whether what lies at `path`, a link too, belongs to another user, root excepted: it may have been put there for whoever
 * comes by. Throws where nothing lies there. Never so on Windows, which tells no owners.
 */
export const isForeign = (path: string): boolean => {
  const user = process.getuid?.()
  if (user === undefined) return false
  const { uid } = lstatSync(path)
  return uid !== user && uid !== root
}
