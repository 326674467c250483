/** Files that a command is told to write: whole under their name, or not at all. */
import * as SystemError from "@simul/scraper/sink/SystemError"
import * as WrittenItself from "@simul/scraper/sink/WrittenItself"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { appendFileSync, closeSync, openSync, renameSync, rmSync, statSync } from "node:fs"

/** The file that `option` names cannot be written: that may be found out when the work is done, so the option is not to blame. */
export class OutputUnwritable extends Schema.TaggedError<OutputUnwritable>()("OutputUnwritable", {
  option: Schema.String,
  file: Schema.String,
  detail: Schema.String,
  isFull: Schema.Boolean
}) {
  override get message() {
    return `${this.option} ${this.file}: cannot be written (${this.detail})`
  }
  readonly hint = this.isFull
    ? `make room on its disk, or name a file on another one with ${this.option}`
    : `check the value of ${this.option}`
}

/** Why the file that an option names cannot be written. */
export const unwritable = (option: string, file: string) => (error: unknown) => {
  const { code: given = "ERR_", message } = error as NodeJS.ErrnoException
  const code = SystemError.codeOf(error)
  // of the system's: Node's own, `ERR_SQLITE_ERROR`, say less than the message
  const detail = given.startsWith("ERR_") ? message : code
  return new OutputUnwritable({ option, file, detail, isFull: SystemError.isFull(code) })
}

/** `part`: what is written, and gets the name `file` when it is whole; none where that is written itself. */
export interface Place {
  readonly file: string
  readonly part: string | undefined
  readonly isPipe: boolean
}

/**
 * Where it is written first: beside the file, behind links, so that one rename brings it there. What a rename would put
 * a file in the place of is written itself. Throws where it is a directory.
 */
export const placeFor = (file: string): Place => {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) throw Object.assign(new Error("a directory"), { code: "EISDIR" })
  const name = WrittenItself.nameOf(file)
  return name === undefined
    ? { file, part: undefined, isPipe: found?.isFIFO() === true }
    : { file: name, part: `${name}.${process.pid}.part`, isPipe: false }
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
export const write = (option: string, file: string, pieces: Iterable<string>): Effect.Effect<void, OutputUnwritable> =>
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
