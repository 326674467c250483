/**
 * The file system, as far as files and their parts need it: `node`, or a simulated one.
 *
 * Paths are absolute. What goes wrong is an error with the system's `code`, thrown
 * by what is synchronous. A name is never followed through a symbolic link in its
 * last place.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { open as openFile } from "node:fs/promises"

export interface Files {
  /** A descriptor to write to. `new`: there must be none of that name; `over`: cut to nothing; `on`: continued at its end. */
  readonly open: (path: string, how: "new" | "over" | "on") => number
  /** Writes the bytes from `from` on, or some of them: how many. */
  readonly write: (descriptor: number, bytes: Uint8Array, from: number) => number
  readonly close: (descriptor: number) => void
  /** What is under the new name is replaced. */
  readonly rename: (from: string, to: string) => void
  /** No error where there is none. */
  readonly remove: (path: string) => void
  readonly makeDirectory: (path: string) => void
  /** With those above it, for the owner alone; no error where there is one. */
  readonly makePrivateDirectories: (path: string) => void
  readonly namesIn: (directory: string) => ReadonlyArray<string>
  readonly look: (path: string) => Found | undefined
  /** Bytes free on the disk of a path, none where it can take no further file; `Infinity` where that cannot be told. */
  readonly free: (path: string) => number
  /** Bytes of the whole disk of a path; `Infinity` where that cannot be told. */
  readonly size: (path: string) => number
  /** Makes the bytes of a file durable, whoever wrote them. */
  readonly sync: (path: string) => Effect.Effect<void, unknown>
  /** Makes the names in a directory durable. */
  readonly syncDirectory: (path: string) => Effect.Effect<void, unknown>
  /** Gives all bytes of a file to `take`, in order, each time anew; whether there is one. */
  readonly read: (path: string, take: (bytes: Uint8Array) => void) => Effect.Effect<boolean, unknown>
}

export interface Found {
  readonly kind: "file" | "directory" | "link" | "other"
  readonly size: number
}

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = fs.constants
const flags = {
  new: O_WRONLY | O_CREAT | O_EXCL,
  over: O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
  on: O_WRONLY | O_APPEND | O_NOFOLLOW
}
const chunkSize = 1 << 20

/** Bytes that new files have room for. Some file systems number no files: they tell 0 of 0. */
export const room = ({ bavail, bsize, files, ffree }: fs.StatsFs): number =>
  files > 0 && ffree === 0 ? 0 : bavail * bsize

/** Why it cannot be told, as of a folder that is gone, whoever writes there is told. */
const told = (path: string, of: (disk: fs.StatsFs) => number): number => {
  try {
    return of(fs.statfsSync(path))
  } catch {
    return Infinity
  }
}

/** What lies at a path, as far as it can be looked at: for who hears of the rest from what is done there next. */
export const seen = ({ look }: Pick<Files, "look">, path: string): ReturnType<Files["look"]> => {
  try {
    return look(path)
  } catch {
    return undefined
  }
}

export const node: Files = {
  open: (path, how) => fs.openSync(path, flags[how], 0o666),
  write: (descriptor, bytes, from) => fs.writeSync(descriptor, bytes, from, bytes.length - from),
  close: fs.closeSync,
  rename: fs.renameSync,
  remove: (path) => fs.rmSync(path, { force: true }),
  makeDirectory: (path) => fs.mkdirSync(path),
  makePrivateDirectories: (path) => void fs.mkdirSync(path, { recursive: true, mode: 0o700 }),
  namesIn: (directory) => fs.readdirSync(directory),
  look: (path) => {
    const found = fs.lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined) return undefined
    const kind = found.isFile() ? "file" : found.isDirectory() ? "directory" : found.isSymbolicLink() ? "link" : "other"
    return { kind, size: found.size }
  },
  free: (path) => told(path, room),
  size: (path) => told(path, ({ blocks, bsize }) => (blocks === 0 ? Infinity : blocks * bsize)),
  sync: (path) =>
    Effect.callback<void, unknown>((resume) =>
      fs.open(path, O_WRONLY | O_NOFOLLOW, (error, descriptor) => {
        if (error) return resume(Effect.fail(error))
        // what could not be written since it was closed is told to who asks first (Linux, errseq_t)
        fs.fdatasync(descriptor, (error) =>
          // of what is on the disk it has nothing more to say
          fs.close(descriptor, () => resume(error ? Effect.fail(error) : Effect.void))
        )
      })
    ),
  syncDirectory: (path) =>
    Effect.tryPromise({
      try: async () => {
        const handle = await openFile(path, "r")
        try {
          await handle.sync()
        } finally {
          await handle.close()
        }
      },
      catch: (error) => error
    }),
  read: (path, take) =>
    Effect.tryPromise({
      try: async () => {
        const handle = await openFile(path, O_RDONLY | O_NOFOLLOW).catch(() => undefined)
        if (handle === undefined) return false
        try {
          const buffer = Buffer.allocUnsafe(chunkSize)
          for (let at = 0; ;) {
            const { bytesRead } = await handle.read(buffer, 0, chunkSize, at)
            if (bytesRead === 0) return true
            take(buffer.subarray(0, bytesRead))
            at += bytesRead
          }
        } finally {
          await handle.close()
        }
      },
      catch: (error) => error
    })
}
