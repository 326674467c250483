/** The version of a store: how many of the migrations it has had. */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SqlError from "effect/sql/SqlError"
import { StoreNewer } from "../RunError.ts"
import { latest, migrations } from "./migrations.ts"
import * as SqliteFault from "./SqliteFault.ts"

/** The version of a store. Fails where that is a newer one. */
export const check = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, file: string) {
  const [found] = yield* Effect.mapError(
    sql<{ version: number }>`SELECT MAX(migration_id) AS version FROM migration`,
    SqliteFault.of(file)
  )
  if (found!.version > latest) return yield* new StoreNewer({ file, version: found!.version, known: latest })
  return found!.version
})

/** Brings the schema up to date. One that is costs a question for its version, and not what the migrator does. */
export const migrate = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, file: string) {
  const version = yield* Effect.catchTag(check(sql, file), "StoreDamaged", () => Effect.succeed(undefined))
  if (version === latest) return
  yield* Effect.mapError(
    Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: "migration" }),
    // what a step failed by: want of room, say, is no damage
    (error) => SqliteFault.of(file)("cause" in error && SqlError.isSqlError(error.cause) ? error.cause : error)
  )
  yield* check(sql, file)
})
