/** Who put a file where it lies. */
import { lstatSync, statSync } from "node:fs"
import { dirname } from "node:path"

const root = 0

/**
 * Whether what lies at `path`, a link too, belongs neither to this user, nor to the owner of the folder that it is in, nor
 * to root: where many may write, in `/tmp` say, anybody can have put it there. Throws where nothing lies there. Never so
 * on Windows, which tells no owners.
 */
export const isForeign = (path: string): boolean => {
  const user = process.getuid?.()
  if (user === undefined) return false
  const { uid } = lstatSync(path)
  return uid !== user && uid !== root && uid !== statSync(dirname(path)).uid
}
