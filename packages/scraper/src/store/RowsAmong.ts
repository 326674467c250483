/** Rows that have one of many values in a column: asked for by one statement, whatever their number is. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

/** @param select all of the query before `IN` */
export const rowsAmong = <Row extends object>(
  sql: SqlClient.SqlClient,
  select: string,
  values: ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
  values.length === 0
    ? Effect.succeed([])
    : sql.unsafe<Row>(`${select} IN (SELECT value FROM json_each(?))`, [JSON.stringify(values)])
