/** Files that a command is told to write: whole under their name, or not at all. */
import { OptionUnusable } from "@simul/scraper/RunError"
import * as Effect from "effect/Effect"
import { appendFileSync, closeSync, openSync, renameSync, rmSync, statSync } from "node:fs"

/** Why the file that an option names cannot be written. */
export const unwritable = (option: string, file: string) => (error: unknown) =>
  new OptionUnusable({
    option,
    value: file,
    detail: `cannot be written (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`
  })

/**
 * Where it is written first: beside the file, so that one rename brings it there. A device or a pipe is written itself,
 * for a rename would put a file in its place. Throws where it is a directory.
 */
export const placeFor = (file: string): string => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) throw Object.assign(new Error("a directory"), { code: "EISDIR" })
  return found === undefined || found.isFile() ? `${file}.${process.pid}.part` : file
}

/** Writes a file in pieces, at once: the work is done, and nobody waits. `option` names it where that fails. */
export const write = (option: string, file: string, pieces: Iterable<string>): Effect.Effect<void, OptionUnusable> =>
  Effect.try({
    try: () => {
      const place = placeFor(file)
      try {
        const descriptor = openSync(place, "w")
        try {
          for (const piece of pieces) appendFileSync(descriptor, piece)
        } finally {
          closeSync(descriptor)
        }
        if (place !== file) renameSync(place, file)
      } catch (error) {
        if (place !== file) rmSync(place, { force: true })
        throw error
      }
    },
    catch: unwritable(option, file)
  })
