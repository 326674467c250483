/**
 * What runs before the machine was last started have written: after a loss of
 * power it is believed once somebody has looked at it.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import type { DamagedPaths } from "../sink/DamagedPaths.ts"
import * as FileName from "../sink/FileName.ts"
import type { Unsynced } from "../Store.ts"
import * as Rows from "./Rows.ts"
import * as SchemaVersion from "./SchemaVersion.ts"
import * as SqlCaptures from "./SqlCaptures.ts"
import * as SqliteFault from "./SqliteFault.ts"
import { type TargetRow, toTarget } from "./TargetRow.ts"

/**
 * A target whose file is damaged is to be asked for again, without what was known of the file. One that waits does so
 * already.
 */
const distrust = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, url: string) {
  yield* SqlCaptures.forget(sql, url)
  yield* sql`UPDATE crawl SET saved = saved - 1
    WHERE list = (SELECT list FROM target WHERE url = ${url} AND state IN (1, 2))`
  yield* sql`UPDATE site SET saved = saved - 1
    WHERE id = (SELECT site FROM target WHERE url = ${url} AND state IN (1, 2))`
  yield* sql`UPDATE target SET bytes = NULL, sha256 = NULL, etag = NULL, modified = NULL, record = NULL WHERE url = ${url}`
  yield* sql`UPDATE target SET state = 4, error = ${JSON.stringify({ _tag: "TruncatedError", received: 0 })}
    WHERE url = ${url} AND state IN (1, 2)`
  // other lists may have passed over it as done, and have no row of it
  yield* sql`UPDATE list SET bytes = 0 WHERE bytes > 0 AND id <> (SELECT list FROM target WHERE url = ${url})`
})

/**
 * Distrusts what was saved at these paths: of files or of records, relative to the directory. Gives how many targets
 * that are.
 */
export const distrustAt = Effect.fnUntraced(function* (file: string, paths: Pick<DamagedPaths, "has">) {
  const sql = yield* SqlClient.SqlClient
  yield* SchemaVersion.migrate(sql, file)
  type Row = Pick<TargetRow, "url" | "path" | "record">
  const isMeant = ({ url, path, record }: Row) => paths.has(record ?? path ?? FileName.fromUrl(url))
  const rows = Rows.stream<Row>(sql, "url, path, record", "bytes IS NOT NULL")
  const distrusting = Effect.gen(function* () {
    let damaged = 0
    yield* Stream.runForEach(Stream.filter(rows, isMeant), ({ url }) => {
      damaged++
      return distrust(sql, url)
    })
    yield* release(sql, damaged)
    return damaged
  })
  return yield* Effect.mapError(sql.withTransaction(distrusting), SqliteFault.of(file))
})

/** Fewer are saved, so what a limit held back may be asked for. */
const release = (sql: SqlClient.SqlClient, damaged: number) =>
  damaged === 0 ? Effect.void : sql`UPDATE target SET lease = NULL WHERE lease = 0`

const runsBeforeBoot = "SELECT id FROM run WHERE boot <> ? AND trusted = 0"
/**
 * Whatever became of their targets since: those that a refresh was to ask again, or could not, have their files still. What
 * a run that syncs has not saved itself may be a file of one that does not.
 */
const unsyncedOf = `bytes IS NOT NULL AND run IN (${runsBeforeBoot})
  AND (state <> 1 OR run IN (SELECT id FROM run WHERE durability = 'process'))`

const toUnsynced = (row: TargetRow): Unsynced => ({
  target: toTarget(row),
  bytes: row.bytes!,
  sha256: row.sha256 ?? undefined
})

const trust = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, boot: string, damagedUrls: ReadonlyArray<string>) {
  for (const url of damagedUrls) yield* distrust(sql, url)
  yield* release(sql, damagedUrls.length)
  // parts are never synced, whatever is asked for of files
  yield* sql.unsafe(
    `UPDATE target INDEXED BY target_part SET validator = NULL
      WHERE validator IS NOT NULL AND run IN (${runsBeforeBoot})`,
    [boot]
  )
  yield* sql`UPDATE run SET trusted = 1 WHERE boot <> ${boot}`
})

/** @param boot changes when the machine is started */
export const make = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, boot: string) {
  // asked once: the rows of a million targets are not gone through for nothing
  const [earlier] = yield* sql<{ runs: number; unsynced: number }>`SELECT COUNT(*) AS runs,
    COALESCE(SUM(durability = 'process'), 0) AS unsynced FROM run WHERE boot <> ${boot} AND trusted = 0`
  const { runs, unsynced } = earlier!
  const files = Stream.map(Rows.stream<TargetRow>(sql, "*", unsyncedOf, boot), toUnsynced)
  const count = Effect.map(
    sql.unsafe<{ count: number }>(`SELECT COUNT(*) AS count FROM target WHERE ${unsyncedOf}`, [boot]),
    ([row]) => row!.count
  )
  return {
    unsynced: unsynced === 0 ? Stream.empty : files,
    unsyncedCount: unsynced === 0 ? Effect.succeed(0) : count,
    trust: (damagedUrls: ReadonlyArray<string>): Effect.Effect<void, SqlError> =>
      runs + damagedUrls.length === 0 ? Effect.void : sql.withTransaction(trust(sql, boot, damagedUrls))
  }
})
