/** What a file is not put in the place of: devices, pipes, links, and what a process has open. */
import { isForeign } from "@simul/core/node/Ownership"
import { closeSync, constants, lstatSync, openSync, readlinkSync, realpathSync, statSync } from "node:fs"
import { dirname, resolve } from "node:path"

/** Links there are to what a process has open, and to no name: `/dev/stdout` leads to one. */
const ofOpenFiles = /^\/(?:proc\/.+|dev)\/fd$/

const behindLinks = (file: string): string | undefined => {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file
  // the system itself follows no link of another user in a folder that all may write to
  if (isForeign(file)) return file
  const folder = realpathSync(dirname(file))
  return ofOpenFiles.test(folder) ? undefined : behindLinks(resolve(folder, readlinkSync(file)))
}

/**
 * The name that a rename may put a file under, behind all links, but those of other users: such a link is replaced.
 * `undefined` where `file` is, or leads to, a device, a pipe or an open file: that is written itself, for a rename
 * would put a file in its place. What cannot be looked at keeps its name: whoever opens it hears why.
 */
export const nameOf = (file: string): string | undefined => {
  try {
    const found = statSync(file, { throwIfNoEntry: false })
    return found === undefined || found.isFile() || found.isDirectory() ? behindLinks(file) : undefined
  } catch {
    return file
  }
}

/**
 * Opens what is written itself, behind what it has. A pipe that nobody reads is refused (ENXIO): no signal ends a
 * process that waits for a reader.
 */
export const open = (file: string): number => {
  const found = openSync(file, constants.O_WRONLY | constants.O_NONBLOCK)
  // not by this one: it would lose what a slow reader has no room for
  try {
    return openSync(file, "a")
  } finally {
    closeSync(found)
  }
}
