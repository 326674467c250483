/**
 * The part of the store that a crawl needs: targets found in pages, what came of
 * them, and its counts. What is next is in `SqlLeases.ts`.
 *
 * 1. A page is known when its URL or its key has a row: the indexes of both keep a
 *    crawl from fetching anything twice, and take no memory.
 * 2. Nothing here costs more the more rows there are, but for the depth of an
 *    index: counts are kept, not counted.
 * 3. A page is as deep as the shortest way to it that was found. What was saved
 *    and is found nearer is noted, for its links are nearer too; so is what a list
 *    has saved, for nobody has followed its links.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import * as SiteHost from "../crawl/SiteHost.ts"
import type { Crawl, Found, Limits, Settled } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"
import * as Changes from "./Changes.ts"
import * as ManyRows from "./ManyRows.ts"
import { rowsAmong } from "./RowsAmong.ts"
import * as Reopening from "./Reopening.ts"
import * as SqlLeases from "./SqlLeases.ts"
import * as SqlLent from "./SqlLent.ts"
import * as SqlLists from "./SqlLists.ts"
import * as SqlPatterns from "./SqlPatterns.ts"
import * as SqlPriorities from "./SqlPriorities.ts"
import * as TargetRank from "./TargetRank.ts"
import { flagOf, keyOf, type TargetRow, toSavedPage } from "./TargetRow.ts"

/** Links that are added without a pause. */
const linksAtOnce = 256

const insertRows = ManyRows.statement(
  "(?,?,?,0,?,0,?,?,?,?,?)",
  (
    rows
  ) => `INSERT INTO target (url, list, run, state, due, attempts, depth, site, key, resource, priority) VALUES ${rows}
    ON CONFLICT (url) DO UPDATE SET depth = excluded.depth, priority = excluded.priority,
      due = CASE WHEN due > ${TargetRank.mostDepth} THEN due ELSE excluded.due END,
      nearer = CASE WHEN state IN (1, 2) THEN 1 END
    WHERE excluded.depth < depth`
)
/** A row of another list becomes one of this crawl, and keeps what is saved: what is so since a run is read, and not asked for again. */
const takeOver = (() => {
  const kept = "state IN (1, 2) AND target.run >= new.since"
  const unlessKept = (column: string, value: string) =>
    `${column} = CASE WHEN ${kept} THEN target.${column} ELSE ${value} END`
  return `UPDATE OR IGNORE target SET list = new.list, ${unlessKept("run", "new.run")}, ${unlessKept("state", "0")}, due = new.due,
    lease = NULL, ${unlessKept("attempts", "0")}, error = NULL, hop = NULL, depth = new.depth, site = new.site, key = new.key,
    resource = new.resource, priority = new.priority, nearer = CASE WHEN ${kept} THEN 1 END
    FROM (SELECT ? AS url, ? AS list, ? AS run, ? AS due, ? AS depth, ? AS site, ? AS key, ? AS resource, ? AS priority,
      ? AS since) AS new
    WHERE target.url = new.url AND target.depth IS NULL RETURNING state`
})()

const takeInOne = `UPDATE target SET state = 0, lease = NULL, due = ${TargetRank.ofRow}, attempts = 0, error = NULL
  WHERE url = ? AND list = ? AND state = 5`

const openSaved = `${Reopening.statement(TargetRank.ofRow)} WHERE list = ? AND state IN (1, 2) AND rowid > ? AND rowid <= ?`

const urlOf = ({ url }: Target) => url

export const make = (sql: SqlClient.SqlClient, run: number) => {
  const { release, ...leases } = SqlLeases.make(sql, run)

  /** The numbers of sites, by origin. Of one call alone: a transaction that fails takes the rows away again. */
  let known = new Map<string, number>()
  /** The directory has targets of other lists. */
  let hasLists = false
  /** What earlier runs have saved is asked for again. */
  let freshSince = 0
  /** There are pages that are known by their key. */
  let hasKeys = true
  /** There are targets that the rules left out. */
  let hasExcluded = true
  /** After it, and until the next call, `siteOf` knows these origins. */
  const meet = Effect.fnUntraced(function* (targets: ReadonlyArray<Target>) {
    const origins = new Set<string>()
    for (const { depth, host } of targets) if (depth !== undefined) origins.add(host)
    const sites = yield* rowsAmong<{ id: number; origin: string }>(sql, "SELECT id, origin FROM site WHERE origin", [
      ...origins
    ])
    known = new Map(sites.map(({ id, origin }) => [origin, id]))
    for (const origin of origins) {
      if (known.has(origin)) continue
      const [row] = yield* sql<{ id: number }>`INSERT INTO site (origin, host)
        VALUES (${origin}, ${SiteHost.of(new URL(origin))}) RETURNING id`
      known.set(origin, row!.id)
    }
  })
  const siteOf = (host: string) => known.get(host)!

  /** One target for each page, the nearest, by the URL under which the page has a row, if it has one. */
  const pagesOf = Effect.fnUntraced(function* (found: ReadonlyArray<Target>) {
    const pages = new Map<string, Target>()
    const keyed: Array<string> = []
    for (const target of found) {
      const key = keyOf(target.url)
      if (key !== null) keyed.push(key)
      const page = key ?? target.url
      const before = pages.get(page)
      if (before === undefined) pages.set(page, target)
      else if (target.depth! < before.depth!) pages.set(page, { ...target, url: before.url })
    }
    const rename = (key: string, url: string) => pages.set(key, { ...pages.get(key)!, url })
    if (keyed.length > 0) {
      hasKeys = true
      for (const { url } of yield* rowsAmong<{ url: string }>(
        sql,
        "SELECT url FROM target WHERE depth IS NOT NULL AND url",
        keyed
      ))
        rename(url, url)
    }
    if (hasKeys)
      for (const { key, url } of yield* rowsAmong<{ key: string; url: string }>(
        sql,
        "SELECT key, url FROM target WHERE key",
        [...pages.keys()]
      ))
        rename(key, url)
    return [...pages.values()]
  })
  /**
   * Adds the targets that have no row in this list yet, and brings nearer those that were further away; gives how many
   * are to be asked for, and counts those that are not.
   */
  const add = Effect.fnUntraced(function* (list: number, found: ReadonlyArray<Target>) {
    if (found.length === 0) return 0
    yield* meet(found)
    // no row is ever deleted
    const rows = sql<{ last: number | null }>`SELECT MAX(rowid) AS last FROM target`
    const [before] = yield* rows
    let taken = 0
    for (let from = 0; from < found.length; from += linksAtOnce) {
      // a page may have very many: others have their turn between
      if (from > 0) yield* Effect.yieldNow
      taken += yield* insert(list, yield* pagesOf(found.slice(from, from + linksAtOnce)))
    }
    const [after] = yield* rows
    return (after!.last ?? 0) - (before!.last ?? 0) + taken
  })
  /** As `insertRows` and `takeOver` name them. */
  const columnsOf = (list: number, page: Target) => {
    const { url, depth = 0, host, isResource, priority = 0 } = page
    return [url, list, run, TargetRank.of(page), depth, siteOf(host), keyOf(url), flagOf(isResource), priority]
  }
  /** Gives how many of those that were taken over from other lists are to be asked for. */
  const insert = Effect.fnUntraced(function* (list: number, pages: ReadonlyArray<Target>) {
    for (const rows of ManyRows.atOnce(pages))
      yield* sql.unsafe(
        insertRows(rows.length),
        rows.flatMap((page) => columnsOf(list, page))
      )
    if (!hasLists) return 0
    yield* SqlLists.forgetPlaces(sql, list, pages.map(urlOf))
    let taken = 0
    let kept = 0
    for (const page of pages) {
      const values = [...columnsOf(list, page), freshSince]
      for (const { state } of yield* sql.unsafe<{ state: number }>(takeOver, values)) {
        if (state === 0) taken++
        else {
          kept++
          yield* sql`UPDATE site SET saved = saved + 1 WHERE id = ${siteOf(page.host)}`
        }
      }
    }
    if (kept > 0)
      yield* sql`UPDATE crawl SET found = found + ${kept}, ended = ended + ${kept}, saved = saved + ${kept}
        WHERE list = ${list}`
    return taken
  })
  /** Makes those of these URLs pending that the rules left out; gives how many. */
  const takeIn = Effect.fnUntraced(function* (list: number, urls: ReadonlyArray<string>) {
    let taken = 0
    if (hasExcluded) for (const url of urls) taken += yield* Changes.of(sql, takeInOne, [url, list])
    return taken
  })
  const readmit = Effect.fnUntraced(function* (list: number, urls: ReadonlyArray<string>) {
    const taken = yield* takeIn(list, urls)
    if (taken > 0) yield* sql`UPDATE crawl SET ended = ended - ${taken} WHERE list = ${list}`
    return taken
  })
  const isNearer = (list: number) =>
    Effect.map(sql`SELECT 1 FROM target WHERE list = ${list} AND nearer IS NOT NULL LIMIT 1`, (rows) => rows.length > 0)

  /** Adds the links, and counts. */
  const commit = Effect.fnUntraced(function* (list: number, settled: ReadonlyArray<Settled>) {
    const links = settled.flatMap(({ links = [] }) => links)
    const added = yield* add(list, links)
    // what was too deep was found nearer
    const taken = yield* takeIn(list, links.map(urlOf))
    hasExcluded ||= settled.some(({ isExcluded }) => isExcluded)
    let saved = 0
    const savedOf = new Map<string, number>()
    for (const { outcome, target } of settled) {
      if (outcome._tag !== "Saved" && outcome._tag !== "Unchanged") continue
      saved++
      savedOf.set(target.host, (savedOf.get(target.host) ?? 0) + 1)
    }
    for (const [origin, count] of savedOf) yield* sql`UPDATE site SET saved = saved + ${count} WHERE origin = ${origin}`
    yield* sql`UPDATE crawl SET found = found + ${added}, ended = ended + ${settled.length - taken}, saved = saved + ${saved}
      WHERE list = ${list}`
    return { added: added + taken, isNearer: yield* isNearer(list) } satisfies Found
  })
  const link = Effect.fnUntraced(function* (list: number, page: Target | undefined, links: ReadonlyArray<Target>) {
    if (page !== undefined)
      yield* sql`UPDATE target SET nearer = NULL WHERE url = ${page.url} AND depth = ${page.depth}`
    const added = yield* add(list, links)
    if (added > 0) yield* sql`UPDATE crawl SET found = found + ${added} WHERE list = ${list}`
    const taken = yield* readmit(list, links.map(urlOf))
    return { added: added + taken, isNearer: yield* isNearer(list) } satisfies Found
  })
  const nearer = (list: number, limit: number, isBounded: boolean) =>
    isBounded || hasLists
      ? Effect.map(
          sql.unsafe<TargetRow>(`SELECT * FROM target WHERE list = ? AND nearer IS NOT NULL LIMIT ? + 0`, [
            list,
            limit
          ]),
          (rows) => rows.map(toSavedPage)
        )
      : Effect.succeed([])

  const begin = Effect.gen(function* () {
    const list = yield* SqlLists.begin(sql)
    yield* sql`INSERT INTO crawl (list, found, ended, saved) VALUES (${list}, 0, 0, 0)`
    return { list, found: 0, ended: 0, saved: 0, rules: undefined } satisfies Crawl
  })
  /**
   * Gives what waits its site, where that has no row: an earlier version knew the numbers of sites still after a transaction
   * had failed in which they were new. No number beyond it has a row, so this takes one look into the index.
   */
  const findSites = Effect.fnUntraced(function* (list: number) {
    const lost = yield* sql<{ url: string }>`SELECT url FROM target INDEXED BY target_site WHERE list = ${list}
      AND state = 0 AND lease IS NULL AND site > (SELECT COALESCE(MAX(id), 0) FROM site)`
    const targets = lost.map(({ url }): Target => ({ url, host: Url.origin(url), path: "", attempts: 0, depth: 0 }))
    yield* meet(targets)
    for (const { url, host } of targets) yield* sql`UPDATE target SET site = ${siteOf(host)} WHERE url = ${url}`
  })
  /** No index has what is saved: it is opened as it lies in the file. */
  const reopenSaved = Effect.fnUntraced(function* (list: number) {
    const [row] = yield* sql<{ last: number | null }>`SELECT MAX(rowid) AS last FROM target`
    let opened = 0
    for (let after = 0; after < (row!.last ?? 0); after += Reopening.atOnce) {
      opened += yield* Changes.of(sql, openSaved, [list, after, after + Reopening.atOnce])
      yield* Effect.yieldNow
    }
    return opened
  })
  const open = Effect.fnUntraced(function* (seeds: ReadonlyArray<Target>, refresh: boolean) {
    const [row = yield* begin] = yield* sql<Crawl>`SELECT list, found, ended, saved, rules FROM crawl`
    const { list } = row
    const [other] = yield* sql`SELECT id FROM list WHERE id <> ${list} LIMIT 1`
    hasLists = other !== undefined
    const [keyed] = yield* sql`SELECT 1 FROM target WHERE key IS NOT NULL LIMIT 1`
    hasKeys = keyed !== undefined
    const [excluded] = yield* sql.unsafe(
      `SELECT 1 FROM target WHERE list = ? AND state = 5 AND ${SqlLists.isOpen} LIMIT 1`,
      [list]
    )
    hasExcluded = excluded !== undefined
    const reopen = (which: string) =>
      Reopening.all(
        sql,
        TargetRank.ofRow,
        `SELECT rowid FROM target WHERE list = ? AND ${SqlLists.isOpen} AND ${which}`,
        [list]
      )
    yield* reopen(`state = 0 AND due > ${TargetRank.mostDepth}`)
    const tried = yield* reopen("state IN (3, 4)")
    // one that was stopped has left pending what it did not come to
    const [stopped] = yield* sql<{ since: number }>`SELECT refresh AS since FROM list
      WHERE id = ${list} AND refresh IS NOT NULL`
    const begins = refresh && stopped === undefined
    freshSince = stopped?.since ?? (begins ? run : 0)
    const saved = begins ? yield* reopenSaved(list) : 0
    if (begins) {
      yield* sql`UPDATE list SET refresh = ${run} WHERE id = ${list}`
      yield* sql`UPDATE site SET saved = 0`
      yield* sql`UPDATE target SET lease = NULL WHERE lease = 0`
    }
    yield* findSites(list)
    const added = (yield* SqlLent.takeBack(sql, (targets) => add(list, targets))) + (yield* add(list, seeds))
    const taken = yield* takeIn(list, seeds.map(urlOf))
    const [crawl] = yield* sql<Crawl>`UPDATE crawl SET found = found + ${added},
      ended = ended - ${tried + saved + taken}, saved = saved - ${saved} WHERE list = ${list}
      RETURNING list, found, ended, saved, rules`
    return { ...crawl!, rules: crawl!.rules ?? undefined }
  })

  const ruled = Effect.fnUntraced(function* (list: number, rules: string, { maxPages, maxPagesPerHost }: Limits) {
    const most = maxPagesPerHost ?? null
    const [crawled] = yield* sql<{ most: number | null }>`SELECT most_of_host AS most FROM crawl`
    if ((crawled?.most ?? null) !== most) yield* release
    yield* sql`UPDATE crawl SET rules = ${rules}, most = ${maxPages ?? null}, most_of_host = ${most}
      WHERE list = ${list}`
  })
  /** Notes the least of the limits by which anything is held back: where it is less than what is asked for, that is released. */
  const lowered = (list: number, most: number) =>
    sql`UPDATE crawl SET most_of_host = MIN(COALESCE(most_of_host, ${most}), ${most}) WHERE list = ${list}`

  return {
    ...leases,
    ...SqlPatterns.make(sql),
    prioritize: SqlPriorities.make(sql),
    ruled,
    lowered,
    meet,
    siteOf,
    commit,
    link,
    nearer,
    open,
    readmit
  }
}
