/** Reads the rows of a store that a run may be writing to, as they are told. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import * as FileName from "../sink/FileName.ts"
import { type Beyond, type Entry, type ListName, unnamed } from "../Store.ts"
import { latest } from "./migrations.ts"
import * as Rows from "./Rows.ts"
import * as SchemaVersion from "./SchemaVersion.ts"
import * as SqliteFault from "./SqliteFault.ts"
import { type TargetRow, type ToldRow, toEntry, toldColumns, urlOf } from "./TargetRow.ts"

/**
 * The limit of its crawl that a row is beyond, by its place in `limits`, where it is pending and its crawl may have no more.
 * What its host has takes a sum for each row: it is left out where hosts have no limit.
 */
const beyond = (isByHost: boolean) => `CASE WHEN state = 0 AND list = (SELECT list FROM crawl) THEN CASE
  WHEN (SELECT saved >= most FROM crawl) THEN 0
  ${
    isByHost
      ? `WHEN (SELECT SUM(one.saved) FROM site AS own JOIN site AS one ON one.host = own.host WHERE own.id = target.site)
    >= (SELECT most_of_host FROM crawl) THEN 1`
      : ""
  } END END AS beyond`

interface Told extends ToldRow {
  readonly beyond: number | null
}

/** Those of targets that failed or were refused. */
export const isLost = "state >= 3"

/** Every row, or those `where`. */
export const all = Effect.fnUntraced(function* (file: string, where = "true") {
  const sql = yield* SqlClient.SqlClient
  const version = yield* SchemaVersion.check(sql, file)
  // earlier ones know no limit for hosts
  if (version < 10)
    return Stream.mapError(Stream.map(Rows.stream<TargetRow>(sql, "*", where), toEntry), SqliteFault.of(file))
  const [crawl] = yield* Effect.mapError(
    sql<{ most: number | null; ofHost: number | null }>`SELECT most, most_of_host AS ofHost FROM crawl`,
    SqliteFault.of(file)
  )
  const limits: ReadonlyArray<Beyond> = [
    { by: "maxPages", most: crawl?.most ?? Infinity },
    { by: "maxPagesPerHost", most: crawl?.ofHost ?? Infinity }
  ]
  const told = (row: Told): Entry => {
    const entry = toEntry(row)
    const limit = limits[row.beyond ?? -1]
    return limit === undefined || "outcome" in entry ? entry : { pending: { ...entry.pending, beyond: limit } }
  }
  const columns = version < latest ? "*" : toldColumns.join(", ")
  return Stream.mapError(
    Stream.map(Rows.stream<Told>(sql, `${columns}, ${beyond(crawl?.ofHost != null)}`, where), told),
    SqliteFault.of(file)
  )
})

/**
 * The lists that were begun and that no run has come to the end of since: what was not read of them has no row, and files
 * may have none. Of runs of earlier versions no more is known than whether the last one was killed.
 */
export const unfinished = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  const fault = SqliteFault.of(file)
  if ((yield* SchemaVersion.check(sql, file)) < 19) {
    const [last] = yield* Effect.mapError(sql`SELECT * FROM run ORDER BY id DESC LIMIT 1`, fault)
    return last?.ended === null ? [unnamed] : []
  }
  const begun = sql<{ name: ListName }>`SELECT name FROM begun ORDER BY name`
  return (yield* Effect.mapError(begun, fault)).map(({ name }) => name)
})

/**
 * An entry as it is now, and when the run began that works here, if `isHeld` says of one that it may: what it
 * has written since may have no record yet.
 */
export const now = Effect.fnUntraced(function* (file: string, isHeld: () => boolean) {
  const sql = yield* SqlClient.SqlClient
  return (entry: Entry) =>
    Effect.mapError(
      Effect.gen(function* () {
        // asked first: one that ends meanwhile has recorded all
        const mayWork = isHeld()
        const [row] = yield* sql<TargetRow>`SELECT * FROM target WHERE url = ${urlOf(entry)}`
        const [last] = yield* sql<{ started: number; ended: number | null }>`SELECT * FROM run ORDER BY id DESC LIMIT 1`
        return {
          entry: row && toEntry(row),
          sinceMs: mayWork && last?.ended === null ? last.started : undefined
        }
      }),
      SqliteFault.of(file)
    )
})

/** Tells whether a run has begun since this was asked for: it may have added to archives, and made their index anew. */
export const begunSince = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  const last = Effect.mapError(
    Effect.map(sql<{ id: number | null }>`SELECT MAX(id) AS id FROM run`, ([row]) => row!.id),
    SqliteFault.of(file)
  )
  const before = yield* last
  return Effect.map(last, (now) => now !== before)
})

/**
 * What may have been saved as a file, by its name relative to the directory. A name that has a hash of its URL in it
 * leads back to no row.
 */
export const named = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  yield* SchemaVersion.check(sql, file)
  return (name: string) => {
    const url = name.includes("/") ? FileName.toUrl(name) : ""
    return Effect.mapError(
      Effect.map(
        sql<TargetRow>`SELECT * FROM target WHERE claim = ${FileName.fold(name)}
          UNION ALL SELECT * FROM target WHERE url = ${url} AND path IS NULL`,
        (rows) => rows.map(toEntry)
      ),
      SqliteFault.of(file)
    )
  }
})
