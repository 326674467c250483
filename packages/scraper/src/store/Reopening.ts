/**
 * Makes rows pending again, with no attempts made: bit by bit, for it may be nearly all of a long list. So a signal is heard
 * after each bit.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as Changes from "./Changes.ts"

/** Rows of one bit. */
export const atOnce = 10_000

/** @param due when they are: what SQL takes for it */
export const statement = (due: string) => `UPDATE target SET state = 0, lease = NULL, due = ${due}, attempts = 0`

/**
 * Opens the rows that a query gives the numbers of, which it no longer does when they are open; gives how many they are.
 * Where there are few, one statement is all.
 */
export const all = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  due: string,
  query: string,
  values: ReadonlyArray<unknown>
) {
  const text = `${statement(due)} WHERE rowid IN (${query} LIMIT ${atOnce})`
  let opened = 0
  for (;;) {
    const some = yield* Changes.of(sql, text, values)
    opened += some
    if (some < atOnce) return opened
    yield* Effect.yieldNow
  }
})
