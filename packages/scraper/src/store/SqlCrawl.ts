/**
 * The part of the store that a crawl needs: targets found in pages, and the next
 * ones of each site.
 *
 * 1. A page is known when one of its URLs has a row: a unique index keeps a crawl
 *    from fetching anything twice, and takes no memory.
 * 2. Nothing here costs more the more rows there are, but for the depth of an
 *    index: sites with work are found by jumping from one to the next (a loose
 *    index scan), and counts are kept, not counted.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { Crawl, Settled } from "../Store.ts"
import * as UrlKey from "../crawl/UrlKey.ts"
import type { Target } from "../Target.ts"

/** Numbers of sites kept in memory, at most. */
const mostSites = 65_536
/** Sites looked at by one statement. */
const sitesAtOnce = 64

const sizes = [64, 16, 4, 1]

const inserts = new Map(
  sizes.map((size) => {
    const rows = Array.from({ length: size }, () => "(?,?,?,0,?,0,?,?,?)").join(",")
    const text = `INSERT INTO target (url, list, run, state, due, attempts, depth, site, key) VALUES ${rows}
      ON CONFLICT DO NOTHING`
    return [size, text] as const
  })
)
/** A row of another list becomes one of this crawl, and keeps what is saved. */
const takeOver = `UPDATE OR IGNORE target SET list = ?, run = ?, state = 0, due = ?, lease = NULL, attempts = 0, error = NULL,
  depth = ?, site = ?, key = ? WHERE url = ? AND depth IS NULL`

/** What is stored as the key of a URL. */
export const keyOf = (url: string): string | null => {
  const key = UrlKey.of(url)
  return key === url ? null : key
}

/** The sites after one that have a pending target nobody has leased. */
const nextSites = `WITH RECURSIVE next (id) AS (
    SELECT MIN(site) FROM target INDEXED BY target_site WHERE list = ?1 AND state = 0 AND lease IS NULL AND site > ?2
    UNION ALL
    SELECT (SELECT MIN(site) FROM target INDEXED BY target_site
      WHERE list = ?1 AND state = 0 AND lease IS NULL AND site > next.id) FROM next WHERE next.id IS NOT NULL LIMIT ${sitesAtOnce}
  )
  SELECT site.id AS id, site.origin AS origin FROM next JOIN site ON site.id = next.id`

const nextTargets = `SELECT rowid AS id, * FROM target INDEXED BY target_site
  WHERE list = ? AND state = 0 AND lease IS NULL AND site = ? ORDER BY due LIMIT ?`

export const make = <Row extends { readonly due: number }>(
  sql: SqlClient.SqlClient,
  run: number,
  toTarget: (row: Row) => Target
) => {
  const changes = (text: string, values: ReadonlyArray<unknown>) =>
    Effect.map(sql.unsafe(text, values).raw, (result) => Number((result as { readonly changes: bigint }).changes))

  const known = new Map<string, number>()
  /** The directory has targets of other lists. */
  let hasLists = false
  /** The site that `lease` looked at last. */
  let turn = 0

  /** After it, `siteOf` knows these origins. */
  const meet = Effect.fnUntraced(function* (targets: ReadonlyArray<Target>) {
    if (known.size > mostSites) known.clear()
    for (const { depth, host } of targets) {
      if (depth === undefined || known.has(host)) continue
      yield* sql`INSERT INTO site (origin) VALUES (${host}) ON CONFLICT DO NOTHING`
      const [row] = yield* sql<{ id: number }>`SELECT id FROM site WHERE origin = ${host}`
      known.set(host, row!.id)
    }
  })
  const siteOf = (host: string) => known.get(host)!

  /** Adds the targets that have no row in this list yet; gives how many those are. */
  const add = Effect.fnUntraced(function* (list: number, found: ReadonlyArray<Target>) {
    yield* meet(found)
    let added = 0
    let from = 0
    for (const size of sizes)
      for (; found.length - from >= size; from += size) {
        const values: Array<unknown> = []
        for (let i = from; i < from + size; i++) {
          const { url, depth = 0, host } = found[i]!
          values.push(url, list, run, depth, depth, siteOf(host), keyOf(url))
        }
        added += yield* changes(inserts.get(size)!, values)
      }
    if (hasLists)
      for (const { url, depth = 0, host } of found)
        added += yield* changes(takeOver, [list, run, depth, depth, siteOf(host), keyOf(url), url])
    return added
  })

  /** Adds the links, and counts; gives how many of them are new. */
  const commit = Effect.fnUntraced(function* (list: number, settled: ReadonlyArray<Settled>) {
    const added = yield* add(
      list,
      settled.flatMap(({ links = [] }) => links)
    )
    const saved = settled.filter(({ outcome }) => outcome._tag === "Saved" || outcome._tag === "Unchanged").length
    yield* sql`UPDATE crawl SET found = found + ${added}, ended = ended + ${settled.length}, saved = saved + ${saved}
      WHERE list = ${list}`
    return added
  })

  const begin = Effect.gen(function* () {
    const [made] = yield* sql<{ list: number }>`INSERT INTO list (bytes, lines, sha256, targets) VALUES (0, 0, '', 0)
      RETURNING id AS list`
    const { list } = made!
    yield* sql`INSERT INTO crawl (list, found, ended, saved) VALUES (${list}, 0, 0, 0)`
    return { list, found: 0, ended: 0, saved: 0, rules: undefined } satisfies Crawl
  })
  const open = Effect.fnUntraced(function* (seeds: ReadonlyArray<Target>, refresh: boolean) {
    const [row = yield* begin] = yield* sql<Crawl>`SELECT list, found, ended, saved, rules FROM crawl`
    const { list } = row
    const [other] = yield* sql`SELECT id FROM list WHERE id <> ${list} LIMIT 1`
    hasLists = other !== undefined
    const reopen = (which: string) =>
      changes(`UPDATE target SET state = 0, lease = NULL, due = depth, attempts = 0 WHERE list = ? AND ${which}`, [
        list
      ])
    yield* reopen(`state = 0 AND due > ${mostDepth}`)
    const tried = yield* reopen(`state >= 3`)
    const saved = refresh ? yield* reopen(`state IN (1, 2)`) : 0
    const crawl: Crawl = {
      list,
      found: row.found + (yield* add(list, seeds)),
      ended: row.ended - tried - saved,
      saved: row.saved - saved,
      rules: row.rules ?? undefined
    }
    yield* sql`UPDATE crawl SET found = ${crawl.found}, ended = ${crawl.ended}, saved = ${crawl.saved} WHERE list = ${list}`
    return crawl
  })

  const lease = Effect.fnUntraced(function* (
    list: number,
    limit: number,
    nowMs: number,
    room: (origin: string) => number
  ) {
    const targets: Array<Target> = []
    let dueMs = Infinity
    const first = turn
    let wrapped = false
    for (;;) {
      const sites = yield* sql.unsafe<{ id: number; origin: string }>(nextSites, [list, turn])
      for (const { id, origin } of sites) {
        if ((wrapped && id > first) || targets.length >= limit) return { targets, dueMs }
        turn = id
        const most = Math.min(room(origin), limit - targets.length)
        if (most <= 0) continue
        const next = yield* sql.unsafe<Row & { readonly id: number }>(nextTargets, [list, id, most])
        const due = next.filter((row) => row.due <= nowMs)
        if (due.length < next.length) dueMs = Math.min(dueMs, next[due.length]!.due)
        if (due.length === 0) continue
        yield* sql`UPDATE target SET lease = ${run} WHERE rowid IN ${sql.in(due.map((row) => row.id))}`
        for (const row of due) targets.push(toTarget(row))
      }
      if (sites.length === sitesAtOnce) continue
      if (wrapped || first === 0) return { targets, dueMs }
      wrapped = true
      turn = 0
    }
  })

  return { meet, siteOf, commit, open, lease }
}

/** No link is further from a seed: what is due later waits for a time. */
export const mostDepth = 1_000_000
