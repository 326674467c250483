/** Rows that have one of many values in a column: asked for by statements of one length, so one is prepared. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

const atOnce = 64
const list = `(${"?,".repeat(atOnce - 1)}?)`

/** @param select all of the query before `IN` */
export const rowsAmong = Effect.fnUntraced(function* <Row extends object>(
  sql: SqlClient.SqlClient,
  select: string,
  values: ReadonlyArray<string>
) {
  const rows: Array<Row> = []
  for (let from = 0; from < values.length; from += atOnce) {
    const some = values.slice(from, from + atOnce)
    while (some.length < atOnce) some.push(some[0]!)
    rows.push(...(yield* sql.unsafe<Row>(`${select} IN ${list}`, some)))
  }
  return rows
})
