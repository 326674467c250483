/** Who put a file where it lies. */
import type { Stats } from "node:fs"
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs"

const root = 0

const isOfAnother = ({ uid }: Stats): boolean => {
  const user = process.getuid?.()
  return user !== undefined && uid !== user && uid !== root
}

/**
 * Whether what lies at `path`, a link too, belongs to another user, root excepted: it may have been put there for whoever
 * comes by. Throws where nothing lies there. Never so on Windows, which tells no owners.
 */
export const isForeign = (path: string): boolean => isOfAnother(lstatSync(path))

/**
 * The text of a file that is read because it lies there, not because somebody named it, or why it is refused: it, or a link
 * at `path`, `isForeign`, or it is no regular file, such as a pipe, whose reader would wait. What was looked at is what is
 * read, whatever is put in its place meanwhile; but one's own link may be exchanged for another. Throws where nothing lies
 * there or it cannot be read.
 */
export const readOwn = (
  path: string
): { readonly text: string } | { readonly refused: "belongs to another user" | "is no regular file" } => {
  const found = lstatSync(path)
  if (isOfAnother(found)) return { refused: "belongs to another user" }
  const isLink = found.isSymbolicLink()
  // one's own link may lead to anybody's file
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | (isLink ? 0 : constants.O_NOFOLLOW))
  try {
    const opened = fstatSync(descriptor)
    if (!isLink && isOfAnother(opened)) return { refused: "belongs to another user" }
    return opened.isFile() ? { text: readFileSync(descriptor, "utf8") } : { refused: "is no regular file" }
  } finally {
    closeSync(descriptor)
  }
}
