/**
 * Why the system takes nothing more in a folder. SQLite knows and does not tell: a quota that is used up is a disk that
 * fails, and no file for it may have any reason. So the system is asked again.
 */
import { closeSync, fsyncSync, openSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { codeOf } from "../sink/SystemError.ts"

/** As much as a database grows by at least. */
const page = Buffer.alloc(4096)

/** The code of what it says to a new file, of which nothing stays; `undefined` where it takes that. */
export const of = (folder: string): string | undefined => {
  const file = join(folder, `asked-${process.pid}`)
  try {
    // of one that was killed as it asked, whose number this one has got
    rmSync(file, { force: true })
    const descriptor = openSync(file, "wx")
    try {
      rmSync(file)
      writeFileSync(descriptor, page)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}
