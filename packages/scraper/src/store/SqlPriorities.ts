/** Gives the targets of a crawl other priorities, some rows at a time. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as TargetRank from "./TargetRank.ts"

/** The priority of a URL, by the one it had before. */
type PriorityOf = (url: string, before: number) => number

const rowsAtOnce = 1000

const setPriority = `UPDATE target SET priority = ?,
  due = CASE WHEN state = 0 AND due <= ${TargetRank.mostDepth} THEN depth - ${TargetRank.step} * ? ELSE due END WHERE rowid = ?`

/** Of what a store notes as `text`; nothing is done where it has that. */
export const make = (sql: SqlClient.SqlClient) => {
  /** Gives the rows after one, 1,000 at most, their priorities; gives the last of them, `undefined` where there are no more. */
  const prioritizeSome = Effect.fnUntraced(function* (list: number, after: number, of: PriorityOf) {
    const rows = yield* sql.unsafe<{ id: number; url: string; priority: number }>(
      `SELECT rowid AS id, url, priority FROM target NOT INDEXED
        WHERE rowid > ? AND list = ? AND depth IS NOT NULL ORDER BY rowid LIMIT ${rowsAtOnce}`,
      [after, list]
    )
    for (const { id, url, priority } of rows) {
      const now = of(url, priority)
      if (now !== priority) yield* sql.unsafe(setPriority, [now, now, id])
    }
    return rows.length < rowsAtOnce ? undefined : rows.at(-1)!.id
  })
  const prioritize = Effect.fnUntraced(function* (list: number, text: string, of: PriorityOf) {
    const [crawled] = yield* sql<{ priorities: string | null }>`SELECT priorities FROM crawl`
    if ((crawled?.priorities ?? "[]") === text) return
    const note = (priorities: string) => sql`UPDATE crawl SET priorities = ${priorities} WHERE list = ${list}`
    // killed before the last row, some have these and some those of before: no run asks for what is noted then
    yield* note(`${text} `)
    for (let after: number | undefined = 0; after !== undefined;) {
      after = yield* sql.withTransaction(prioritizeSome(list, after, of))
      yield* Effect.yieldNow
    }
    yield* note(text)
  })

  return prioritize
}
