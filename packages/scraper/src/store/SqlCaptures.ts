/** What lies in the archives of a directory: a row for each record of an answer. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import type { Capture } from "../Sink.ts"
import * as RecordLocation from "../sink/RecordLocation.ts"
import type { Indexed } from "../Store.ts"
import * as Surt from "../warc/Surt.ts"
import * as ManyRows from "./ManyRows.ts"

const columns = "archive, start, length, url, surt, date, status, type, digest, revisit, cut"
const insertRows = ManyRows.statement(
  `(${columns.replace(/\w+/g, "?")})`,
  (rows) => `INSERT INTO capture (${columns}) VALUES ${rows}`
)

const valuesOf = (capture: Capture): ReadonlyArray<unknown> => {
  const { archive, offset, length, url, dateMs, status, type, digest, isRevisit, isCut } = capture
  const number = RecordLocation.numberOf(archive)!
  const flags = [Number(isRevisit), Number(isCut)]
  return [number, offset, length, url, Surt.fromUrl(url), dateMs, status, type, digest, ...flags]
}

interface Row {
  readonly archive: number
  readonly start: number
  readonly length: number
  readonly url: string
  readonly surt: string
  readonly date: number
  readonly status: number
  readonly type: string
  readonly digest: string
  readonly revisit: number
  /** Of a store before step 13 there is none. */
  readonly cut?: number
}
/** Before all others. */
const first = { surt: "", date: 0, archive: 0, start: 0 } as Row

const toCapture = ({ archive, start, length, url, date, status, type, digest, revisit, cut }: Row): Capture => ({
  archive: RecordLocation.nameOf(archive),
  offset: start,
  length,
  url,
  dateMs: date,
  status,
  type,
  digest,
  isRevisit: revisit === 1,
  isCut: cut === 1
})

const insert = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, captures: ReadonlyArray<Capture>) {
  yield* sql`DELETE FROM indexed`
  for (const rows of ManyRows.atOnce(captures)) yield* sql.unsafe(insertRows(rows.length), rows.flatMap(valuesOf))
})

/** The body of a target is damaged: nothing refers to its record any more. */
export const forget = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, url: string) {
  const [row] = yield* sql<{ record: string | null }>`SELECT record FROM target WHERE url = ${url}`
  const location = RecordLocation.fromPath(row?.record ?? "")
  if (location === undefined) return
  yield* sql`DELETE FROM indexed`
  yield* sql`DELETE FROM capture
    WHERE archive = ${RecordLocation.numberOf(location.archive)!} AND start = ${location.offset}`
})

export const make = (sql: SqlClient.SqlClient) => ({
  add: (captures: ReadonlyArray<Capture>) => (captures.length === 0 ? Effect.void : insert(sql, captures)),

  /**
   * Of each payload digest the last record that has the payload: it was archived once more where one before could not
   * be read. Of a store that may be of an older version.
   */
  originals: Effect.fnUntraced(function* (digests: ReadonlyArray<string>) {
    const found = new Map<string, RecordLocation.RecordLocation>()
    if (digests.length === 0) return found
    const rows = yield* sql<Row>`
      SELECT * FROM capture WHERE revisit = 0 AND digest IN ${sql.in(digests)} ORDER BY archive DESC, start DESC`
    for (const { archive, start, length, digest, cut } of rows)
      if (cut !== 1 && !found.has(digest))
        found.set(digest, { archive: RecordLocation.nameOf(archive), offset: start, length })
    return found
  }),

  /** Every capture, by the key of its URL and its date, 1,000 at a time. */
  all: Stream.paginate(first, (after: Row) =>
    Effect.map(
      sql<Row>`SELECT * FROM capture WHERE (surt, date, archive, start) >
        (${after.surt}, ${after.date}, ${after.archive}, ${after.start}) ORDER BY surt, date, archive, start LIMIT 1000`,
      (page) => [page.map(toCapture), page.length === 1000 ? Option.some(page.at(-1)!) : Option.none<Row>()] as const
    )
  ),

  indexed: Effect.map(sql<Indexed>`SELECT bytes, sha256 FROM indexed`, ([row]) => row),
  index: ({ bytes, sha256 }: Indexed) =>
    Effect.andThen(sql`DELETE FROM indexed`, sql`INSERT INTO indexed (bytes, sha256) VALUES (${bytes}, ${sha256})`)
})
