/**
 * Targets of a crawl that a list has: their rows are the list's. The crawl does not follow what the list gets; it has them
 * back when it is opened.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"
import { rowsAmong } from "./RowsAmong.ts"
import type { TargetRow } from "./TargetRow.ts"

interface Lent extends Pick<TargetRow, "url" | "resource"> {
  readonly depth: number
  readonly priority: number
}

/** The rows of these targets become rows of a list. */
const lend = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, targets: ReadonlyArray<Target>) {
  const rows = yield* rowsAmong<Lent & { readonly state: number; readonly site: number }>(
    sql,
    "SELECT url, depth, resource, priority, state, site FROM target WHERE depth IS NOT NULL AND url",
    targets.map(({ url }) => url)
  )
  let ended = 0
  let saved = 0
  for (const { url, depth, resource, priority, state, site } of rows) {
    yield* sql`INSERT INTO lent (url, depth, resource, priority) VALUES (${url}, ${depth}, ${resource}, ${priority})`
    if (state > 0) ended++
    if (state !== 1 && state !== 2) continue
    saved++
    yield* sql`UPDATE site SET saved = saved - 1 WHERE id = ${site}`
  }
  if (rows.length > 0)
    yield* sql`UPDATE crawl SET found = found - ${rows.length}, ended = ended - ${ended}, saved = saved - ${saved}`
})

/** Lends what the directory's crawl has of these targets, if it has one: that is asked once. */
export const make = (sql: SqlClient.SqlClient): ((targets: ReadonlyArray<Target>) => Effect.Effect<void, SqlError>) => {
  let isCrawled: boolean | undefined
  const asked = Effect.map(sql`SELECT 1 FROM crawl`, (rows) => (isCrawled = rows.length > 0))
  return (targets) =>
    Effect.flatMap(isCrawled === undefined ? asked : Effect.succeed(isCrawled), (isCrawled) =>
      isCrawled ? lend(sql, targets) : Effect.void
    )
}

/** Gives them all to `add`, and how many that has added. */
export const takeBack = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  add: (targets: ReadonlyArray<Target>) => Effect.Effect<number, SqlError>
) {
  let taken = 0
  for (;;) {
    const rows = yield* sql<Lent>`DELETE FROM lent WHERE rowid IN (SELECT rowid FROM lent LIMIT 1000) RETURNING *`
    if (rows.length === 0) return taken
    const targets = rows.map(({ url, depth, resource, priority }): Target => {
      const target = { url, host: Url.origin(url), path: "", attempts: 0, depth, priority }
      return resource === null ? target : { ...target, isResource: resource === 1 }
    })
    taken += yield* add(targets)
  }
})
