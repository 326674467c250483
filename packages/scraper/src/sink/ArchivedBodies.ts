/**
 * Bodies that are known to lie in archives, brought into the order in which they
 * lie there: a check can hold them against the archives in one reading.
 *
 * There may be millions of them, told in another order. They wait in a temporary
 * database, which sorts beyond memory.
 */
import * as Effect from "effect/Effect"
import { join } from "node:path"
import * as Files from "./Files.ts"
import * as RecordLocation from "./RecordLocation.ts"
import * as TemporaryDatabase from "./TemporaryDatabase.ts"

/** What was recorded of a body that is the payload of a record. */
export interface ArchivedBody extends RecordLocation.RecordLocation {
  readonly bytes: number
  /** Hexadecimal. */
  readonly sha256: string | undefined
}

interface Row {
  readonly start: number
  readonly length: number
  readonly bytes: number
  readonly sha256: string | null
}

/** Those of a directory; there are none yet. Small ones wait in memory: it is `add` and `sorted` that may find no room. */
export const make = Effect.fnUntraced(function* (directory: string) {
  const database = yield* TemporaryDatabase.make(
    "CREATE TABLE body (archive INTEGER, start INTEGER, length INTEGER, bytes INTEGER, sha256 TEXT)"
  )
  const insert = database.prepare(`INSERT INTO body VALUES (?, ?, ?, ?, ?)`)
  return {
    /** Takes the body at this path below the directory; `false` where it is no record but a file. */
    add: (path: string, { bytes, sha256 }: Pick<ArchivedBody, "bytes" | "sha256">) => {
      const location = RecordLocation.fromPath(path)
      if (location === undefined || Files.seen(Files.node, join(directory, path)) !== undefined)
        return Effect.succeed(false)
      const { archive, offset, length } = location
      return TemporaryDatabase.write(() => {
        insert.run(RecordLocation.numberOf(archive)!, offset, length, bytes, sha256 ?? null)
        return true
      })
    },
    /** When all are known: the archives that they lie in, and those in one of them. What is the body of many targets is one. */
    sorted: TemporaryDatabase.write(() => {
      database.exec(`CREATE INDEX place ON body (archive, start, length, bytes, sha256)`)
      const within = database.prepare(
        `SELECT DISTINCT start, length, bytes, sha256 FROM body WHERE archive = ? ORDER BY start, length`
      )
      return {
        archives: database
          .prepare(`SELECT DISTINCT archive FROM body`)
          .all()
          .map(({ archive }) => RecordLocation.nameOf(archive as number)),
        within: function* (archive: string): Generator<ArchivedBody> {
          for (const row of within.iterate(RecordLocation.numberOf(archive)!) as Iterable<Row>)
            yield { archive, offset: row.start, length: row.length, bytes: row.bytes, sha256: row.sha256 ?? undefined }
        }
      }
    })
  }
})
