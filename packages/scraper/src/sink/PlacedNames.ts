/**
 * The names under which files were placed of late: by them such a file is told
 * from one of the user's where the store does not know of it, or no longer does.
 *
 * A name is written down before its file is placed, and only ever added. It goes
 * with its file of names, once there is another one that is full: by then it is
 * long committed, and SQLite has taken that commit out of its log, so that not
 * even a loss of power undoes it.
 */
import * as Effect from "effect/Effect"
import type { Files } from "./Files.ts"

/** After a name that was not written whole: none that anybody asks for ends so. */
const start = Buffer.from("/\n")

/**
 * @param state the folder in which they are kept
 * @param most in a file: more than are ever uncommitted (20,000), and in the log of SQLite (70,000 in 16 MiB, of the
 * shortest URLs)
 */
export const make = (state: string, files: Files, most = 100_000) => {
  const file = `${state}/placed`
  const earlier = `${state}/placed.earlier`
  const ofEarlierRuns = new Set<string>()
  let descriptor = -1
  /** Lines of the file. */
  let lines = 0
  /** Its name may not outlive a loss of power yet. */
  let isNew = false

  const close = () => {
    if (descriptor < 0) return
    const closing = descriptor
    // whatever is told: the number is free, and may be that of another file next
    descriptor = -1
    try {
      files.close(closing)
    } catch {
      // a name that is not written down costs its file a hash in its own, and only after a crash
    }
  }
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length;) at += files.write(descriptor, bytes, at)
    lines++
  }
  const open = () => {
    if (lines >= most) files.rename(file, earlier)
    const isThere = files.look(file) !== undefined
    descriptor = files.open(file, isThere ? "on" : "new")
    if (!isThere) {
      isNew = true
      lines = 0
    }
    write(start)
  }
  const add = (name: string): void => {
    try {
      if (descriptor < 0) open()
      write(Buffer.from(`${name}\n`))
    } catch (error) {
      close()
      throw error
    }
  }
  const namesIn = (file: string) => {
    const chunks: Array<Uint8Array> = []
    const read = files.read(file, (chunk) => void chunks.push(Uint8Array.from(chunk)))
    // what has no line end was not written whole, so nothing was placed there
    return Effect.map(Effect.ignore(read), () => Buffer.concat(chunks).toString().split("\n").slice(0, -1))
  }

  return {
    /** Reads what earlier runs wrote. */
    load: Effect.gen(function* () {
      for (const name of yield* namesIn(earlier)) ofEarlierRuns.add(name)
      const latest = yield* namesIn(file)
      for (const name of latest) ofEarlierRuns.add(name)
      lines = latest.length
    }),
    /** Whether an earlier run may have placed the file there. */
    has: (name: string): boolean => ofEarlierRuns.has(name),
    /** A file is about to be placed there. Throws what the file system does. */
    add,
    /** The file there is of an earlier run, though it is not what that wrote. */
    own: (name: string): void => {
      ofEarlierRuns.add(name)
      try {
        add(name)
      } catch {
        // this run knows it
      }
    },
    /** Nothing is added for a while. */
    close,
    /** Makes them outlive a loss of power. */
    sync: Effect.suspend(() => {
      if (lines === 0) return Effect.void
      const names = isNew ? files.syncDirectory(state) : Effect.void
      isNew = false
      return Effect.ignore(Effect.andThen(files.sync(file), names))
    })
  }
}
