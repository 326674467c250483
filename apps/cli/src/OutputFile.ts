/** Files that a command is told to write: whole under their name, or not at all. */
import { OptionUnusable } from "@simul/scraper/RunError"
import * as WrittenItself from "@simul/scraper/sink/WrittenItself"
import * as Effect from "effect/Effect"
import {
  appendFileSync,
  closeSync,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync
} from "node:fs"
import { dirname, resolve } from "node:path"

/** Why the file that an option names cannot be written. */
export const unwritable = (option: string, file: string) => (error: unknown) =>
  new OptionUnusable({
    option,
    value: file,
    detail: `cannot be written (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`
  })

/** `part`: what is written, and gets the name `file` when it is whole; none where that is written itself. */
export interface Place {
  readonly file: string
  readonly part: string | undefined
  readonly isPipe: boolean
}

/** Links there are to what a process has open, and to no name: `/dev/stdout` leads to one. */
const ofOpenFiles = /^\/(?:proc\/.+|dev)\/fd$/

/** The name behind all links; `undefined` where they lead to an open file. */
const behindLinks = (file: string): string | undefined => {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return file
  const folder = realpathSync(dirname(file))
  return ofOpenFiles.test(folder) ? undefined : behindLinks(resolve(folder, readlinkSync(file)))
}

/**
 * Where it is written first: beside the file, behind links, so that one rename brings it there. A device, a pipe and an
 * open file are written themselves, for a rename would put another in their place. Throws where it is a directory.
 */
export const placeFor = (file: string): Place => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) throw Object.assign(new Error("a directory"), { code: "EISDIR" })
  const name = found === undefined || found.isFile() ? behindLinks(file) : undefined
  return {
    file: name ?? file,
    part: name === undefined ? undefined : `${name}.${process.pid}.part`,
    isPipe: found?.isFIFO() === true
  }
}

/** Opens it to be written from its beginning; behind what is there where it is written itself. */
export const open = ({ file, part, isPipe }: Place): number => {
  if (part !== undefined) {
    // its name can be foretold: what others put there is not followed
    rmSync(part, { force: true })
    return openSync(part, "wx")
  }
  if (!isPipe) return openSync(file, "a")
  try {
    return WrittenItself.open(file)
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENXIO" ? new Error("nobody reads it") : error
  }
}

/** Writes a file in pieces, at once: the work is done, and nobody waits. `option` names it where that fails. */
export const write = (option: string, file: string, pieces: Iterable<string>): Effect.Effect<void, OptionUnusable> =>
  Effect.try({
    try: () => {
      const place = placeFor(file)
      try {
        const descriptor = open(place)
        try {
          for (const piece of pieces) appendFileSync(descriptor, piece)
        } finally {
          closeSync(descriptor)
        }
        if (place.part !== undefined) renameSync(place.part, place.file)
      } catch (error) {
        if (place.part !== undefined) rmSync(place.part, { force: true })
        throw error
      }
    },
    catch: unwritable(option, file)
  })
