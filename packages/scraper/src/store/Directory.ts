/** The directory of a run: its lock, its state folder, its store. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { existsSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { DirectoryUnusable, NoStore, StoreDamaged } from "../RunError.ts"
import { bootId } from "./BootId.ts"
import * as DirectoryLock from "./DirectoryLock.ts"
import { initial } from "./migrations.ts"
import * as NodeSqlite from "./NodeSqlite.ts"
import * as SqlBodies from "./SqlBodies.ts"
import * as SqlInspect from "./SqlInspect.ts"
import * as SqlStore from "./SqlStore.ts"

/** The store of a directory. */
const fileOf = (directory: string) => join(DirectoryLock.stateOf(directory), "store.sqlite")

/** The same, of a directory that has one. */
const existing = (directory: string) => {
  const file = fileOf(directory)
  return existsSync(file) ? Effect.succeed(file) : Effect.fail(new NoStore({ directory }))
}

/** What SQLite says when it cannot open a file at all, rather than make sense of it. */
const cannotOpen = 14

const openSqlite = (
  file: string,
  directory: string,
  options: Omit<NodeSqlite.NodeSqliteOptions, "file"> = { synchronous: "NORMAL" }
) =>
  NodeSqlite.make({ file, ...options }).pipe(
    Effect.mapError((error: SqlError) => {
      const cause = error.reason.cause as { errcode?: number; message?: string } | undefined
      return cause?.errcode === cannotOpen
        ? new DirectoryUnusable({ directory, code: "EACCES" })
        : new StoreDamaged({ file, detail: cause?.message ?? error.message })
    })
  )

/** Locks the directory, making it if need be, and begins a run in its store. */
export const open = Effect.fnUntraced(function* (directory: string, durability: "process" | "power") {
  yield* DirectoryLock.acquire(directory)
  const file = fileOf(directory)
  const synchronous = durability === "power" ? "FULL" : "NORMAL"
  const sql = yield* openSqlite(file, directory, { synchronous, initial })
  const making = SqlStore.make({ file, boot: bootId(), durability })
  const begun = yield* Effect.provideService(making, SqlClient.SqlClient, sql)
  // runs after those of the line, which write down what they know
  yield* Effect.addFinalizer(() => Effect.ignore(begun.store.end))
  return begun
})

/** The directory of the run that a path lies in, or is; `undefined` for one that lies in none. */
export const enclosing = (path: string): string | undefined => {
  for (let at = resolve(path); ; at = dirname(at)) {
    if (existsSync(fileOf(at))) return at
    if (dirname(at) === at) return undefined
  }
}

/** What the store of a directory knows of a URL; nothing where no run was made. A run may go on meanwhile. */
export const inspect = Effect.fnUntraced(function* (directory: string) {
  const file = fileOf(directory)
  if (!existsSync(file)) return (_url: string): Effect.Effect<SqlInspect.Known, StoreDamaged> => Effect.succeed({})
  const sql = yield* openSqlite(file, directory)
  return yield* Effect.provideService(SqlInspect.make(file, DirectoryLock.isHeld(directory)), SqlClient.SqlClient, sql)
})

/** What a directory has saved as files. */
export const bodies = Effect.fnUntraced(function* (directory: string) {
  const file = fileOf(directory)
  const sql = yield* openSqlite(file, directory)
  return yield* Effect.provideService(SqlBodies.make(file), SqlClient.SqlClient, sql)
})

/** What a directory has archived. No run can go on meanwhile. */
export const archived = Effect.fnUntraced(function* (directory: string) {
  const file = yield* existing(directory)
  yield* DirectoryLock.acquire(directory)
  const sql = yield* openSqlite(file, directory)
  const { archives, captures } = yield* Effect.provideService(SqlStore.archived(file), SqlClient.SqlClient, sql)
  return { directory, parts: DirectoryLock.partsOf(directory), archives, captures }
})

/** The rows of a directory's store; a run may go on meanwhile. */
export const read = Effect.fnUntraced(function* (directory: string) {
  const file = yield* existing(directory)
  const sql = yield* openSqlite(file, directory)
  const provided = Effect.provideService(SqlClient.SqlClient, sql)
  return {
    entries: yield* provided(SqlStore.entries(file)),
    ...(yield* provided(SqlStore.archives(file))),
    /** Somebody works in it. */
    isHeld: DirectoryLock.isHeld(directory)
  }
})
