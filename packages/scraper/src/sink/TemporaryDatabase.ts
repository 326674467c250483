/**
 * A database of this process alone, for what may be more than memory holds: SQLite keeps little of it there, and the rest in
 * a file without a name, which goes with the process.
 */
import * as Effect from "effect/Effect"
import { DatabaseSync } from "node:sqlite"
import { TemporaryFolderUnusable } from "../RunError.ts"

/** The folder that SQLite takes first (https://sqlite.org/tempfiles.html). */
const folder = () => process.env["SQLITE_TMPDIR"] ?? process.env["TMPDIR"] ?? "/var/tmp"

/** One with these tables, until the scope closes. What is little is in memory: it is `write` that may find no room. */
export const make = Effect.fnUntraced(function* (tables: string) {
  const database = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync("")),
    (opened) => Effect.sync(() => opened.close())
  )
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; ${tables}`)
  return database
})

export const write = <A>(writes: () => A): Effect.Effect<A, TemporaryFolderUnusable> =>
  Effect.try({
    try: writes,
    catch: (error) => new TemporaryFolderUnusable({ folder: folder(), detail: (error as Error).message })
  })
