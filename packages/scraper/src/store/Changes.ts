/** How many rows a statement changed. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"

export const of = (sql: SqlClient.SqlClient, text: string, values?: ReadonlyArray<unknown>) =>
  Effect.map(sql.unsafe(text, values).raw, (result) =>
    Number((result as { readonly changes: number | bigint }).changes)
  )
