/**
 * One process a directory. The lock is SQLite's own file lock, held on a file
 * of its own: the system drops it when the process ends, however it ends, so no
 * stale lock survives `kill -9`.
 *
 * State is written and swept without a further look, so it must be the user's
 * own: neither a link, nor put there by somebody else.
 */
import { isForeign } from "@simul/core/node/Ownership"
import * as Effect from "effect/Effect"
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { DirectoryLocked, DirectoryUnusable } from "../RunError.ts"
import { codeOf } from "../sink/SystemError.ts"
import * as Refusal from "./Refusal.ts"

/** Where the state of a run in `directory` lies. */
export const stateOf = (directory: string) => join(directory, ".simul")

/** Where part files grow. */
export const partsOf = (directory: string) => join(stateOf(directory), "parts")

/** The state folders that this program holds: in containers that share a disk two processes may have one number. */
const held = new Set<string>()

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
const sqliteBusy = 5

/** As `mkdir -p`. Node's own recursion never ends where the system refuses new names with ENOENT, as in `/proc`. */
const makeDirectory = (path: string, mode = 0o777): void => {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === "EEXIST" && statSync(path).isDirectory()) return
    if (code !== "ENOENT" || existsSync(dirname(path))) throw error
    makeDirectory(dirname(path))
    mkdirSync(path, mode)
  }
}

const isOwn = (folder: string): boolean => lstatSync(folder).isDirectory() && !isForeign(folder)

interface Held {
  readonly database: DatabaseSync
  readonly folder: string
}

/** Who only looks whether it is held has the lock itself meanwhile: tried so often, so far apart, in milliseconds. */
const tries = 100
const tryMs = 10

const hold = (
  directory: string,
  folder: string,
  left = tries
): Effect.Effect<Held, DirectoryLocked | DirectoryUnusable> => {
  const holder = join(folder, "pid")
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(folder, "lock"), { timeout: 0 })
    database.exec("BEGIN EXCLUSIVE")
    const descriptor = openSync(holder, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
    writeFileSync(descriptor, `${process.pid}\n`)
    closeSync(descriptor)
    held.add(folder)
    return Effect.succeed({ database, folder })
  } catch (error) {
    database?.close()
    const { errcode, message } = error as Error & { errcode?: number }
    if (errcode !== sqliteBusy) {
      const code = errcode === undefined ? codeOf(error) : (Refusal.of(folder) ?? message)
      return Effect.fail(new DirectoryUnusable({ directory, code }))
    }
    if (left > 1 && !isHeld(directory))
      return Effect.delay(
        Effect.suspend(() => hold(directory, folder, left - 1)),
        tryMs
      )
    const pid = Number.parseInt(readIfThere(holder))
    return Effect.fail(new DirectoryLocked({ directory, isOwn: held.has(folder), ...(pid > 0 ? { pid } : {}) }))
  }
}

/** Makes the directory and its state folder if need be, and holds them until the scope closes. */
export const acquire = (directory: string) =>
  Effect.acquireRelease(
    Effect.suspend((): Effect.Effect<Held, DirectoryLocked | DirectoryUnusable> => {
      const state = stateOf(directory)
      const parts = partsOf(directory)
      let folder: string
      try {
        makeDirectory(directory)
        makeDirectory(state, 0o700)
        if (isOwn(state)) makeDirectory(parts, 0o700)
        if (!isOwn(state) || !isOwn(parts)) return Effect.fail(new DirectoryUnusable({ directory, code: "EUNSAFE" }))
        folder = realpathSync.native(state)
      } catch (error) {
        return Effect.fail(new DirectoryUnusable({ directory, code: codeOf(error) }))
      }
      return hold(directory, folder)
    }),
    ({ database, folder }) =>
      Effect.sync(() => {
        held.delete(folder)
        database.close()
      })
  )

/** Whether another process works in the directory. */
export const isHeld = (directory: string): boolean => {
  const file = join(stateOf(directory), "lock")
  if (!existsSync(file)) return false
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 0 })
    try {
      database.exec("SELECT COUNT(*) FROM sqlite_schema")
      return false
    } finally {
      database.close()
    }
  } catch (error) {
    return (error as { errcode?: number }).errcode === sqliteBusy
  }
}

const readIfThere = (file: string) => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
