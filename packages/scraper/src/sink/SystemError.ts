/** What the system says of files by the code of an error. */
import { constants } from "node:os"

const sqliteFull = 13

/** `EIO` where it has none. Node has no name for a quota that is used up, and SQLite numbers of its own. */
export const codeOf = (error: unknown): string => {
  const { code = "EIO", errno, errcode } = error as NodeJS.ErrnoException & { readonly errcode?: number }
  if (errcode === sqliteFull) return "ENOSPC"
  return errno === -constants.errno.EDQUOT ? "EDQUOT" : code
}

/** There is no room: the disk is full, or a quota is used up. */
export const isFull = (code: string): boolean => code === "ENOSPC" || code === "EDQUOT"
