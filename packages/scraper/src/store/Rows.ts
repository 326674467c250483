/**
 * Rows of the table `target` that are there now, in the order in which they came into it, 1,000 at a time: so a run may
 * write meanwhile. As they lie in the file, and mostly as what was saved lies on the disk: in the order of URLs each
 * would be looked for, and takes three times the CPU.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"

const atOnce = 1000

export const stream = <Row extends object>(
  sql: SqlClient.SqlClient,
  columns: string,
  where: string,
  ...values: ReadonlyArray<unknown>
): Stream.Stream<Row, SqlError> => {
  // none is ever removed, so that their numbers have no gaps
  const page = `SELECT ${columns} FROM target NOT INDEXED WHERE rowid > ? AND rowid <= ? AND ${where} ORDER BY rowid`
  const pages = (last: number) =>
    Stream.paginate(0, (after: number) => {
      const to = Math.min(after + atOnce, last)
      return Effect.map(
        // or for a second no signal would come through, and no progress be shown
        Effect.andThen(Effect.yieldNow, sql.unsafe<Row>(page, [after, to, ...values])),
        (rows) => [rows, to < last ? Option.some(to) : Option.none<number>()] as const
      )
    })
  const last = sql<{ last: number | null }>`SELECT MAX(rowid) AS last FROM target`
  return Stream.unwrap(Effect.map(last, ([row]) => pages(row!.last ?? 0)))
}
