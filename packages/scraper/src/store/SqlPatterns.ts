/** What is known of the targets of a crawl whose URLs are alike. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Evidence } from "../crawl/Traps.ts"

export const make = (sql: SqlClient.SqlClient) => {
  const know = (patterns: ReadonlyArray<Evidence>) =>
    Effect.forEach(
      patterns,
      ({ pattern, pages, contents, caught, latest }) =>
        sql`INSERT INTO pattern (pattern, pages, contents, caught, latest)
          VALUES (${pattern}, ${pages}, ${contents}, ${caught ? 1 : 0}, ${latest})
          ON CONFLICT (pattern) DO UPDATE SET pages = excluded.pages, contents = excluded.contents,
            caught = excluded.caught, latest = excluded.latest`,
      { discard: true }
    )
  const patterns = Effect.map(
    sql<Evidence>`SELECT pattern, pages, contents, caught, latest FROM pattern ORDER BY caught DESC, pages DESC LIMIT 1000`,
    (rows) => rows.map((row): Evidence => ({ ...row, caught: Number(row.caught) === 1 }))
  )

  return { know, patterns }
}
