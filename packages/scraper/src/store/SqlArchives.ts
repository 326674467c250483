/** The archives of a directory: how far each is committed, and what is in them. */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import type { Archive } from "../Sink.ts"
import * as SchemaVersion from "./SchemaVersion.ts"
import * as SqlCaptures from "./SqlCaptures.ts"
import * as SqliteFault from "./SqliteFault.ts"

export const make = (sql: SqlClient.SqlClient) => ({
  all: sql<Archive>`SELECT name, bytes FROM archive`,
  announce: (archive: string) =>
    sql`INSERT INTO archive (name, bytes) VALUES (${archive}, 0) ON CONFLICT (name) DO NOTHING`,
  write: ({ name, bytes }: Archive) =>
    sql`INSERT INTO archive (name, bytes) VALUES (${name}, ${bytes})
      ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes`
})

/** Archives and their index as committed, of a store that may be of an older version and in use. */
export const committed = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  const version = yield* SchemaVersion.check(sql, file)
  const captures = SqlCaptures.make(sql)
  const isIndexed = version >= 7
  return {
    archives: version < 2 ? [] : yield* Effect.mapError(make(sql).all, SqliteFault.of(file)),
    indexed: isIndexed ? yield* Effect.mapError(captures.indexed, SqliteFault.of(file)) : undefined,
    /** Whether a record has a payload of this digest. */
    holds: (digest: string) =>
      isIndexed
        ? Effect.mapError(
            Effect.map(captures.originals([digest]), (found) => found.has(digest)),
            SqliteFault.of(file)
          )
        : Effect.succeed(true)
  }
})

/** The archives and what is in them, of a store that no run is writing to. */
export const settled = Effect.fnUntraced(function* (file: string) {
  const sql = yield* SqlClient.SqlClient
  yield* SchemaVersion.migrate(sql, file)
  const archives = yield* Effect.mapError(make(sql).all, SqliteFault.of(file))
  return { archives, captures: Stream.mapError(SqlCaptures.make(sql).all, SqliteFault.of(file)) }
})
