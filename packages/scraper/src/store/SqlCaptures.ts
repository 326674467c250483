/** What lies in the archives of a directory: a row for each record of an answer. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Capture } from "../Sink.ts"
import * as RecordLocation from "../sink/RecordLocation.ts"
import * as Surt from "../warc/Surt.ts"

const columns = "archive, start, length, url, surt, date, status, type, digest, revisit"
const sizes = [64, 16, 4, 1]
const texts = new Map(
  sizes.map((size) => {
    const row = `(${columns.replace(/\w+/g, "?")})`
    return [size, `INSERT INTO capture (${columns}) VALUES ${Array.from({ length: size }, () => row).join(",")}`]
  })
)

const valuesOf = (capture: Capture): ReadonlyArray<unknown> => {
  const { archive, offset, length, url, dateMs, status, type, digest, isRevisit } = capture
  const number = RecordLocation.numberOf(archive)!
  return [number, offset, length, url, Surt.fromUrl(url), dateMs, status, type, digest, Number(isRevisit)]
}

export const make = (sql: SqlClient.SqlClient) => ({
  add: Effect.fnUntraced(function* (captures: ReadonlyArray<Capture>) {
    let from = 0
    for (const size of sizes)
      for (; captures.length - from >= size; from += size)
        yield* sql.unsafe(texts.get(size)!, captures.slice(from, from + size).flatMap(valuesOf))
  }),

  /** Of each payload digest the first record that has the payload. */
  originals: Effect.fnUntraced(function* (digests: ReadonlyArray<string>) {
    const found = new Map<string, RecordLocation.RecordLocation>()
    if (digests.length === 0) return found
    const rows = yield* sql<{ archive: number; start: number; length: number; digest: string }>`
      SELECT archive, start, length, digest FROM capture WHERE revisit = 0 AND digest IN ${sql.in(digests)}
        ORDER BY archive, start`
    for (const { archive, start, length, digest } of rows)
      if (!found.has(digest)) found.set(digest, { archive: RecordLocation.nameOf(archive), offset: start, length })
    return found
  }),

  /** The body of a target is damaged: nothing refers to its record any more. */
  forget: Effect.fnUntraced(function* (url: string) {
    const [row] = yield* sql<{ record: string | null }>`SELECT record FROM target WHERE url = ${url}`
    const location = RecordLocation.fromPath(row?.record ?? "")
    if (location !== undefined)
      yield* sql`DELETE FROM capture
        WHERE archive = ${RecordLocation.numberOf(location.archive)!} AND start = ${location.offset}`
  })
})
