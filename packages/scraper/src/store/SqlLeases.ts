/**
 * What a crawl gives out: its sites take turns, and each has its nearest targets first.
 *
 * 1. Sites with work are found by jumping from one to the next (a loose index scan): nothing here costs more the more rows
 *    there are, but for the depth of an index.
 * 2. What a host may not have any more has the lease 0, which no run has: so the next targets are found without passing
 *    over it again and again.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { HostLimit } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Changes from "./Changes.ts"
import * as TargetRank from "./TargetRank.ts"
import { leasedColumns, type LeasedRow, toLeased } from "./TargetRow.ts"

/** Sites looked at by one statement. */
const sitesAtOnce = 64
/** Rows of a site that one statement leases or holds back, at most. */
const rowsAtOnce = 1000

/**
 * The sites after one (the second value; the others are the list) that have a pending target nobody has leased. `due`: when
 * the first is; `saved`: targets of the host, where that counts.
 */
const nextSites = (saved: string) => `WITH RECURSIVE next (id) AS (
    SELECT MIN(site) FROM target INDEXED BY target_site WHERE list = ? AND state = 0 AND lease IS NULL AND site > ?
    UNION ALL
    SELECT (SELECT MIN(site) FROM target INDEXED BY target_site
      WHERE list = ? AND state = 0 AND lease IS NULL AND site > next.id) FROM next WHERE next.id IS NOT NULL LIMIT ${sitesAtOnce}
  )
  SELECT site.id AS id, site.origin AS origin, site.host AS host, ${saved} AS saved,
    (SELECT MIN(due) FROM target INDEXED BY target_site WHERE list = ? AND state = 0 AND lease IS NULL AND site = next.id) AS due
  FROM next JOIN site ON site.id = next.id`
const sitesUncounted = nextSites("0")
const sitesCounted = nextSites("(SELECT SUM(one.saved) FROM site AS one WHERE one.host = site.host)")

const nextTargets = `SELECT ${leasedColumns} FROM target INDEXED BY target_site
  WHERE list = ? AND state = 0 AND lease IS NULL AND site = ? ORDER BY due LIMIT ? + 0`

const holdBack = `UPDATE target SET lease = 0 WHERE rowid IN (SELECT rowid FROM target INDEXED BY target_site
  WHERE list = ? AND state = 0 AND lease IS NULL AND site = ? LIMIT ${rowsAtOnce})`
/** Gives back what was held back, so many at once. */
const letGo = `UPDATE target SET lease = NULL WHERE rowid IN (SELECT rowid FROM target WHERE lease = 0 LIMIT ${rowsAtOnce})`

const pendingAfter = `SELECT ${leasedColumns} FROM target NOT INDEXED
  WHERE rowid > ? AND list = ? AND state = 0 AND COALESCE(lease, 0) = 0 ORDER BY rowid LIMIT 1000`

const setRank = `UPDATE target SET due = ${TargetRank.ofRow} WHERE url = ? AND state = 0 AND lease IS NULL`

export const make = (sql: SqlClient.SqlClient, run: number) => {
  /** The site that `lease` looked at last. */
  let turn = 0

  const take = (rows: ReadonlyArray<Pick<LeasedRow, "id">>) =>
    sql`UPDATE target SET lease = ${run} WHERE rowid IN (SELECT value FROM json_each(${JSON.stringify(rows.map(({ id }) => id))}))`

  const lease = Effect.fnUntraced(function* (
    list: number,
    limit: number,
    nowMs: number,
    room: (origin: string) => number,
    ofHost?: HostLimit
  ) {
    const targets: Array<Target> = []
    /** By host: targets that its other sites have of this lease. */
    const given = new Map<string, number>()
    let dueMs = Infinity
    let isLeft = false
    const first = turn
    let wrapped = false
    for (;;) {
      const sites = yield* sql.unsafe<{ id: number; origin: string; host: string; saved: number; due: number }>(
        ofHost === undefined ? sitesUncounted : sitesCounted,
        [list, turn, list, list]
      )
      for (const { id, origin, host, saved, due: firstMs } of sites) {
        if (wrapped && id > first) return { targets, dueMs, isLeft }
        if (targets.length >= limit) return { targets, dueMs, isLeft: true }
        turn = id
        let most = Math.min(room(origin), limit - targets.length, rowsAtOnce)
        if (most <= 0) isLeft = true
        if (ofHost !== undefined) {
          if (saved >= ofHost.most) yield* sql.unsafe(holdBack, [list, id])
          most = Math.min(most, ofHost.most - saved - (ofHost.taken.get(host) ?? 0) - (given.get(host) ?? 0))
        }
        if (most <= 0) continue
        // a query for each site that only waits would cost twenty times as much
        if (firstMs > nowMs) {
          dueMs = Math.min(dueMs, firstMs)
          continue
        }
        const next = yield* sql.unsafe<LeasedRow>(nextTargets, [list, id, most])
        const due = next.filter((row) => row.due <= nowMs)
        if (due.length < next.length) dueMs = Math.min(dueMs, next[due.length]!.due)
        else if (next.length === most) isLeft = true
        if (due.length === 0) continue
        yield* take(due)
        for (const row of due) targets.push(toLeased(row, run))
        given.set(host, (given.get(host) ?? 0) + due.length)
      }
      if (sites.length === sitesAtOnce) continue
      if (wrapped || first === 0) return { targets, dueMs, isLeft }
      wrapped = true
      turn = 0
    }
  })

  const withdraw = Effect.fnUntraced(function* (list: number, after: number, isOut: (target: Target) => boolean) {
    const found = yield* sql.unsafe<LeasedRow>(pendingAfter, [after, list])
    const out = found.map((row) => ({ id: row.id, target: toLeased(row, run) })).filter(({ target }) => isOut(target))
    if (out.length > 0) yield* take(out)
    return { targets: out.map(({ target }) => target), next: found.length < 1000 ? undefined : found.at(-1)!.id }
  })

  const putBack = Effect.fnUntraced(function* (urls: ReadonlyArray<string>) {
    for (const url of urls) yield* sql.unsafe(setRank, [url])
  })

  /** Gives back all that was held back. */
  const release = Effect.gen(function* () {
    while ((yield* Changes.of(sql, letGo)) > 0) yield* Effect.yieldNow
  })

  return { lease, withdraw, putBack, release }
}
