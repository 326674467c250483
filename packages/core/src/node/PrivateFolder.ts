/** A folder among the temporary files for what nobody else may read, nor put there: compiled modules, sockets. */
import { lstatSync, mkdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The folder, made if need be; undefined where there is none that belongs to this user and is open to no other. */
export const privateFolder = (): string | undefined => {
  const user = process.getuid?.()
  const folder = join(tmpdir(), user === undefined ? "simul" : `simul-${user}`)
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    const { uid, mode } = lstatSync(folder)
    // Windows has a folder of temporary files for each user
    return user === undefined || (uid === user && (mode & 0o170077) === 0o040000) ? folder : undefined
  } catch {
    return undefined
  }
}
