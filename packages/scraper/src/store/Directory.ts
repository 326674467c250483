/** The directory of a run: its lock, its state folder, its store. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import { accessSync, constants, existsSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { DirectoryGone, NoStore, type StoreFault, StoreForeign, StoreUnusable } from "../RunError.ts"
import type { DamagedPaths } from "../sink/DamagedPaths.ts"
import * as Files from "../sink/Files.ts"
import * as PlacedNames from "../sink/PlacedNames.ts"
import { codeOf } from "../sink/SystemError.ts"
import type { Store } from "../Store.ts"
import { bootId } from "./BootId.ts"
import * as DirectoryLock from "./DirectoryLock.ts"
import { foreign, initial } from "./migrations.ts"
import * as NodeSqlite from "./NodeSqlite.ts"
import * as SqlArchives from "./SqlArchives.ts"
import * as SqlBodies from "./SqlBodies.ts"
import * as SqlEntries from "./SqlEntries.ts"
import * as SqlInspect from "./SqlInspect.ts"
import * as SqliteFault from "./SqliteFault.ts"
import * as SqlStore from "./SqlStore.ts"
import * as SqlTrust from "./SqlTrust.ts"

/** The store of a directory. */
const fileOf = (directory: string) => join(DirectoryLock.stateOf(directory), "store.sqlite")

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

const unseen = (file: string, error: unknown): StoreUnusable => {
  const code = codeOf(error)
  return new StoreUnusable({ file, detail: code === "EACCES" ? "its folder does not let this user in (EACCES)" : code })
}

/**
 * The file of the store, where there is one. That a folder lets nobody but its owner in does not say that there is none.
 * An empty one is left alone: the run that makes it fails at once where somebody reads while it turns to the write-ahead
 * log, which SQLite does not wait for.
 */
const found = (directory: string) =>
  Effect.suspend((): Effect.Effect<string, NoStore | StoreUnusable> => {
    const file = fileOf(directory)
    try {
      const entry = statSync(file, { throwIfNoEntry: false })
      return entry === undefined || entry.size === 0 ? Effect.fail(new NoStore({ directory })) : Effect.succeed(file)
    } catch (error) {
      return Effect.fail(unseen(file, error))
    }
  })

/** Opens the store of a directory that has one, though nothing can be written there. */
const existing = Effect.fnUntraced(function* (directory: string) {
  const file = yield* found(directory)
  const readOnly = !isWritable(dirname(file))
  if (readOnly && NodeSqlite.logBytes(file) > 0 && !existsSync(`${file}-shm`))
    return yield* new StoreUnusable({
      file,
      detail: "its log (-wal) has to be taken into it first, and nothing can be written where it lies"
    })
  const sql = yield* openSqlite(file, { synchronous: "NORMAL", readOnly })
  // a run that found no room for its first statement
  const [made] = yield* Effect.mapError(sql`SELECT 1 FROM sqlite_schema LIMIT 1`, SqliteFault.of(file))
  if (made === undefined) return yield* new NoStore({ directory })
  return { file, sql }
})

const openSqlite = (file: string, options: Omit<NodeSqlite.NodeSqliteOptions, "file">) =>
  NodeSqlite.make({ file, foreign, ...options }).pipe(
    Effect.mapError((error) => (error._tag === "Foreign" ? new StoreForeign({ file }) : SqliteFault.of(file)(error)))
  )

/** Locks the directory, making it if need be, and begins a run in its store. */
export const open = Effect.fnUntraced(function* (directory: string, durability: "process" | "power") {
  yield* DirectoryLock.acquire(directory)
  const file = fileOf(directory)
  const synchronous = durability === "power" ? "FULL" : "NORMAL"
  const sql = yield* openSqlite(file, { synchronous, initial })
  const making = SqlStore.make({ file, boot: bootId(), durability })
  const begun = yield* Effect.provideService(making, SqlClient.SqlClient, sql)
  // runs after those of the line, which write down what they know
  yield* Effect.addFinalizer(() => Effect.ignore(begun.store.end))
  const { commit } = begun.store
  const opened = yield* Effect.try({ try: () => statSync(file), catch: (error) => unseen(file, error) })
  const gone = (): DirectoryGone | StoreUnusable | undefined => {
    try {
      const found = statSync(file, { throwIfNoEntry: false })
      return found?.ino === opened.ino && found.dev === opened.dev ? undefined : new DirectoryGone({ directory })
    } catch (error) {
      return unseen(file, error)
    }
  }
  // what is written to a file without its name is lost, and with it all that is fetched from then on
  const kept: Store["Service"] = {
    ...begun.store,
    commit: (made) => {
      const fault = gone()
      return fault === undefined ? commit(made) : Effect.fail(fault)
    }
  }
  return { ...begun, store: kept, gone }
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
  const store = yield* Effect.catchTag(existing(directory), "NoStore", () => Effect.succeed(undefined))
  if (store === undefined) return (_url: string): Effect.Effect<SqlInspect.Known, StoreFault> => Effect.succeed({})
  const { file, sql } = store
  return yield* Effect.provideService(SqlInspect.make(file, DirectoryLock.isHeld(directory)), SqlClient.SqlClient, sql)
})

/** What a directory has saved as files. */
export const bodies = Effect.fnUntraced(function* (directory: string) {
  const { file, sql } = yield* existing(directory)
  return yield* Effect.provideService(SqlBodies.make(file), SqlClient.SqlClient, sql)
})

/** Opens the store of a directory that no run works in, nor can until the scope closes. */
const held = Effect.fnUntraced(function* (directory: string) {
  // a lock makes a directory that is not there
  yield* found(directory)
  yield* DirectoryLock.acquire(directory)
  return yield* existing(directory)
})

/** What a directory has archived. No run can go on meanwhile. */
export const archived = Effect.fnUntraced(function* (directory: string) {
  const { file, sql } = yield* held(directory)
  const { archives, captures } = yield* Effect.provideService(SqlArchives.settled(file), SqlClient.SqlClient, sql)
  return { directory, parts: DirectoryLock.partsOf(directory), archives, captures }
})

/**
 * Has what was saved at these paths, relative to the directory, asked for again by the next run. Gives how many targets
 * that are.
 */
export const distrust = Effect.fnUntraced(function* (directory: string, paths: DamagedPaths) {
  const { file, sql } = yield* held(directory)
  const names = PlacedNames.make(DirectoryLock.stateOf(directory), Files.node)
  // of those without folders it cannot be told by their names whose they are
  for (const path of paths) if (!path.includes("/") && existsSync(join(directory, path))) names.own(path)
  names.close()
  return yield* Effect.provideService(SqlTrust.distrustAt(file, paths), SqlClient.SqlClient, sql)
}, Effect.scoped)

/** The rows of a directory's store; a run may go on meanwhile. */
export const read = Effect.fnUntraced(function* (directory: string) {
  const { file, sql } = yield* existing(directory)
  const provided = Effect.provideService(SqlClient.SqlClient, sql)
  // before the lock is looked at: of a run that begins meanwhile one of both tells
  const begunSince = yield* provided(SqlEntries.begunSince(file))
  // and that before all else: a run that ends meanwhile was not killed
  const isHeld = DirectoryLock.isHeld(directory)
  return {
    entries: yield* provided(SqlEntries.all(file)),
    lost: yield* provided(SqlEntries.all(file, SqlEntries.isLost)),
    named: yield* provided(SqlEntries.named(file)),
    now: yield* provided(SqlEntries.now(file, () => DirectoryLock.isHeld(directory))),
    ...(yield* provided(SqlArchives.committed(file))),
    unfinished: yield* provided(SqlEntries.unfinished(file)),
    /** Somebody works in it. */
    isHeld,
    /** Whether a run began since. */
    begunSince
  }
})
