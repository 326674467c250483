/**
 * The names under which files were placed that may be in no commit yet: after a
 * crash it is by them that such a file is told from one of the user's.
 *
 * A name is written down before its file is placed. It goes once two commits were
 * begun since: the first may have to be made again.
 */
import * as Effect from "effect/Effect"
import type { Files } from "./Files.ts"

/** @param file where they are kept */
export const make = (file: string, files: Files) => {
  /** What earlier runs left. */
  const strays = new Set<string>()
  let ofLastCommit: ReadonlyArray<string> = []
  let names: Array<string> = []
  let isBegun = false
  /** Of the file, between the first name after a commit is begun and the next commit; else negative. */
  let descriptor = -1

  const write = (names: ReadonlyArray<string>) => {
    const bytes = Buffer.from(names.map((name) => `${name}\n`).join(""))
    for (let at = 0; at < bytes.length;) at += files.write(descriptor, bytes, at)
  }
  const close = () => {
    if (descriptor >= 0) files.close(descriptor)
    descriptor = -1
  }
  const writeAll = () => {
    close()
    descriptor = files.open(`${file}.next`, "over")
    try {
      write([...strays, ...ofLastCommit, ...names])
    } finally {
      close()
    }
    files.rename(`${file}.next`, file)
    isBegun = true
  }

  return {
    /** Reads what earlier runs left. What has no line end was not written whole, so nothing was placed there. */
    load: Effect.suspend(() => {
      const chunks: Array<Uint8Array> = []
      const read = files.read(file, (chunk) => void chunks.push(Uint8Array.from(chunk)))
      return Effect.map(Effect.ignore(read), () => {
        for (const name of Buffer.concat(chunks).toString().split("\n").slice(0, -1)) strays.add(name)
      })
    }),
    /** Whether an earlier run may have placed a file there. */
    has: (name: string): boolean => strays.has(name),
    /** A file is about to be placed there. Throws what the file system does. */
    add: (name: string): void => {
      if (!isBegun) writeAll()
      if (descriptor < 0) descriptor = files.open(file, "on")
      write([name])
      strays.delete(name)
      names.push(name)
    },
    /** A commit is begun. */
    commit: (): void => {
      if (ofLastCommit.length + names.length === 0) return
      ofLastCommit = names
      names = []
      try {
        writeAll()
      } catch {
        // on a full disk there are some more than need be
      }
    },
    /** Makes them outlive a loss of power. */
    sync: Effect.suspend(() => (isBegun ? Effect.ignore(files.sync(file)) : Effect.void))
  }
}
