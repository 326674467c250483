/** Paths below a directory at which not all is as recorded: as many as there are files, where all were lost. */
import * as Effect from "effect/Effect"
import * as TemporaryDatabase from "./TemporaryDatabase.ts"

/** What it takes of a set. */
export type DamagedPaths = Pick<ReadonlySet<string>, "has"> & Iterable<string>

/** None yet. They are kept until the scope closes. */
export const make = Effect.gen(function* () {
  const database = yield* TemporaryDatabase.make("CREATE TABLE damaged (path TEXT PRIMARY KEY) WITHOUT ROWID")
  const insert = database.prepare("INSERT OR IGNORE INTO damaged VALUES (?)")
  const find = database.prepare("SELECT 1 FROM damaged WHERE path = ?")
  const all = database.prepare("SELECT path FROM damaged")
  const paths: DamagedPaths = {
    has: (path) => find.get(path) !== undefined,
    *[Symbol.iterator]() {
      for (const { path } of all.iterate()) yield path as string
    }
  }
  const add = (path: string) => TemporaryDatabase.write(() => void insert.run(path))
  return { paths, add }
})
