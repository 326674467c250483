/** The lists of a directory: where runs stopped in them, and what of them waits. */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { ListName, Place } from "../Store.ts"
import * as Reopening from "./Reopening.ts"
import { leasedColumns, type LeasedRow, toLeased } from "./TargetRow.ts"

/**
 * What failed, or was tried and waits; of a list also what waits for its first try. By its index, which SQLite takes where
 * its condition stands in the words of the index: a start does not look through what is done.
 */
export const isOpen = "(state >= 3 OR (state = 0 AND (site IS NULL OR due > 1000000000)))"

/** Those of lists, which have no site. SQLite would take another index, by which it passes over what is leased. */
const waiting = "target INDEXED BY target_due WHERE state = 0 AND lease IS NULL AND site IS NULL AND list = ?"
const waitingCount = `SELECT COUNT(*) AS count, MIN(due) AS due FROM ${waiting}`
const nextDue = `SELECT due FROM ${waiting} AND due > ? ORDER BY due LIMIT 1`
const lease = `UPDATE target SET lease = ? WHERE rowid IN (
    SELECT rowid FROM ${waiting} AND due <= ? ORDER BY due, rowid LIMIT ? + 0
  ) RETURNING ${leasedColumns}`

/** What failed or was refused, and what was tried and is not done. */
const tried = `SELECT rowid FROM target WHERE list = ? AND ${isOpen} AND state IN (3, 4)
  UNION ALL SELECT rowid FROM target WHERE list = ? AND ${isOpen} AND state = 0 AND due > 0`

/** A number for a list that has none. */
export const begin = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<{ id: number }>`INSERT INTO list (bytes, lines, sha256, targets) VALUES (0, 0, '', 0) RETURNING id`,
    ([row]) => row!.id
  )

/**
 * Forgets the places of other lists that have undone rows of these URLs, before those become rows of this one: what is not
 * a row of theirs counts as done. Read from its start, such a list finds them.
 */
export const forgetPlaces = (
  sql: SqlClient.SqlClient,
  list: number,
  urls: ReadonlyArray<string>
): Effect.Effect<void, SqlError> =>
  urls.length === 0
    ? Effect.void
    : // `+`: no row is looked for where no other list has a place
      Effect.asVoid(sql`UPDATE list SET bytes = 0 WHERE bytes > 0 AND id <> ${list} AND +id IN (SELECT list FROM target
        WHERE (state = 0 OR state >= 3) AND url IN (SELECT value FROM json_each(${JSON.stringify(urls)})))`)

export const make = (sql: SqlClient.SqlClient, run: number) => {
  const open = sql.literal(isOpen)
  return {
    places: (isRefresh: boolean) => sql<Place>`SELECT id AS list, bytes, lines, sha256, targets FROM list
      WHERE ${sql.literal(isRefresh ? "refresh IS NOT NULL" : "bytes > 0")} ORDER BY bytes DESC`,
    refresh: (list: number, isRefresh: boolean) =>
      Effect.map(
        sql<{
          since: number | null
        }>`UPDATE list SET refresh = CASE WHEN ${Number(isRefresh)} THEN COALESCE(refresh, ${run}) END
          WHERE id = ${list} RETURNING refresh AS since`,
        ([row]) => row!.since ?? 0
      ),
    begun: (name: ListName) => sql`INSERT OR IGNORE INTO begun (name) VALUES (${name})`,
    finished: (list: number, name: ListName) =>
      Effect.andThen(
        sql`DELETE FROM begun WHERE name = ${name}`,
        sql`UPDATE list SET refresh = NULL WHERE id = ${list} AND refresh IS NOT NULL`
      ),
    writePlace: ({ list, bytes, lines, sha256, targets }: Place) =>
      sql`INSERT INTO list (id, bytes, lines, sha256, targets) VALUES (${list}, ${bytes}, ${lines}, ${sha256}, ${targets})
        ON CONFLICT (id) DO UPDATE SET bytes = excluded.bytes, lines = excluded.lines, sha256 = excluded.sha256,
          targets = excluded.targets`,

    /**
     * What it costs does not grow with what waits: of some runs that is nearly all, and it is asked for each room there is.
     *
     * Nor is it a transaction: what a commit brings in between is told to who waits for it. That is asked for first, so that
     * nothing is leased where it cannot be answered.
     */
    lease: (list: number, limit: number, nowMs: number) =>
      Effect.zipWith(
        sql.unsafe<{ due: number }>(nextDue, [list, nowMs]),
        sql.unsafe<LeasedRow>(lease, [run, list, nowMs, limit]),
        ([next], leased) => ({
          // SQLite gives them in any order
          targets: leased
            .toSorted((one, other) => one.due - other.due || one.id - other.id)
            .map((row) => toLeased(row, run)),
          // of as many as were asked for there may be more
          dueMs: leased.length < limit ? (next?.due ?? Infinity) : nowMs
        })
      ),
    waiting: (list: number) =>
      Effect.map(sql.unsafe<{ count: number; due: number | null }>(waitingCount, [list]), ([row]) => ({
        count: row!.count,
        dueMs: row!.due ?? undefined
      })),
    /** No transaction, so the log stays short: what a run that is stopped meanwhile has not opened, the next does. */
    reopen: (list: number) => Effect.asVoid(Reopening.all(sql, "0", tried, [list, list])),
    count: (list: number) =>
      Effect.map(
        sql<{ open: number; invalid: number }>`SELECT COUNT(*) AS open,
          COALESCE(SUM(state = 6), 0) AS invalid FROM target
          WHERE list = ${list} AND ${open}`,
        ([row]) => row!
      ),
    hasSavedAs: (list: number, format: "files" | "warc") => {
      const some = sql.literal(
        format === "files" ? "record IS NULL" : "record IS NOT NULL AND EXISTS (SELECT 1 FROM archive)"
      )
      // of a list the newest rows are saved, of a crawl the oldest: what it found last still waits
      const ofEnd = (order: "ASC" | "DESC") => sql`SELECT 1 FROM
        (SELECT state, record FROM target WHERE list = ${list} ORDER BY rowid ${sql.literal(order)} LIMIT 100000)
        WHERE state IN (1, 2) AND ${some}`
      return Effect.map(
        sql`SELECT 1 WHERE EXISTS (${ofEnd("DESC")}) OR EXISTS (${ofEnd("ASC")})`,
        (rows) => rows.length > 0
      )
    }
  }
}
