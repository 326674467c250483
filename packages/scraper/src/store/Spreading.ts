/**
 * A commit of very many rows, spread over many turns of the event loop. SQLite writes what a transaction changed in the
 * step that commits it, and in the same step it may bring all of its log into the database.
 *
 * So there is little room in the cache meanwhile: what was changed is written as other pages need its place. And the log
 * is left to the next commit, which is a step of its own; where that is spread too, to a step before it. A log that is
 * left again and again grows without end, and what grows costs more to write than what is written over.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

/** Of the cache while a commit is spread, in KiB. */
const cacheKiB = 2000

/** Runs a commit so. Commits follow each other: two at once would not restore the settings. */
export const spread = <A, E, R>(sql: SqlClient.SqlClient, commit: Effect.Effect<A, E, R>) => {
  const set = (cache: number, log: number) =>
    Effect.andThen(sql.unsafe(`PRAGMA cache_size=${cache}`), sql.unsafe(`PRAGMA wal_autocheckpoint=${log}`))
  return Effect.acquireUseRelease(
    Effect.gen(function* () {
      yield* sql`PRAGMA wal_checkpoint(PASSIVE)`
      yield* Effect.yieldNow
      const [cache] = yield* sql<{ cache_size: number }>`PRAGMA cache_size`
      const [log] = yield* sql<{ wal_autocheckpoint: number }>`PRAGMA wal_autocheckpoint`
      yield* set(-cacheKiB, 0)
      return { cache: cache!.cache_size, log: log!.wal_autocheckpoint }
    }),
    () => commit,
    ({ cache, log }) => set(cache, log)
  )
}
