/** Rows of the table `target` in the order of their URLs, read 1,000 at a time: so a run may write meanwhile. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"

const atOnce = 1000

/** @param columns among them the URL */
export const stream = <Row extends { readonly url: string }>(
  sql: SqlClient.SqlClient,
  columns: string,
  where: string,
  ...values: ReadonlyArray<unknown>
): Stream.Stream<Row, SqlError> => {
  const page = `SELECT ${columns} FROM target WHERE url > ? AND ${where} ORDER BY url LIMIT ${atOnce}`
  return Stream.paginate("", (after: string) =>
    Effect.map(
      sql.unsafe<Row>(page, [after, ...values]),
      (rows) => [rows, rows.length === atOnce ? Option.some(rows.at(-1)!.url) : Option.none<string>()] as const
    )
  )
}
