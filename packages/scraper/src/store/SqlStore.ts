/**
 * The store over `effect/sql`: one run's view of the tables. What it tells of
 * targets is in `TargetRow.ts`, of lists in `SqlLists.ts`, of a crawl in
 * `SqlCrawl.ts` and `SqlLent.ts`, of hosts in `SqlHosts.ts`, of archives in
 * `SqlArchives.ts` and `SqlCaptures.ts`; here it is joined, and what goes wrong gets its type.
 */
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { maxStaleMs } from "../robots/RobotsPolicy.ts"
import { type Commit, type Found, Store, type StoreError, StoreFull } from "../Store.ts"
import { rowsAmong } from "./RowsAmong.ts"
import * as Rows from "./Rows.ts"
import * as SchemaVersion from "./SchemaVersion.ts"
import * as Spreading from "./Spreading.ts"
import * as SqlArchives from "./SqlArchives.ts"
import * as SqlCaptures from "./SqlCaptures.ts"
import * as SqlCrawl from "./SqlCrawl.ts"
import * as SqlHosts from "./SqlHosts.ts"
import * as SqlLent from "./SqlLent.ts"
import * as SqliteFault from "./SqliteFault.ts"
import * as SqlLists from "./SqlLists.ts"
import * as SqlTrust from "./SqlTrust.ts"
import * as TargetRank from "./TargetRank.ts"
import {
  fromOutcome,
  fromWaiting,
  knownColumns,
  type KnownRow,
  type TargetRow,
  toEntry,
  toKnown,
  toSavedPage,
  toTarget
} from "./TargetRow.ts"
import * as TargetRowWriter from "./TargetRowWriter.ts"

export interface SqlStoreOptions {
  /** The name to show when the store is damaged. */
  readonly file: string
  /** Changes when the machine is started. */
  readonly boot: string
  /** `power`: files are synced before their rows are committed. */
  readonly durability: "process" | "power"
}

/** A commit of so many would keep the loop for some 20 ms. */
const manyLinks = 10_000

const known = `SELECT ${knownColumns.join(", ")} FROM target WHERE url`

const nothingFound: Found = { added: 0, isNearer: false }

/** Ends the leases of runs that are no more, and begins a run. */
const begin = Effect.fnUntraced(function* (sql: SqlClient.SqlClient, { boot, durability }: SqlStoreOptions) {
  yield* sql.unsafe(
    `UPDATE target SET lease = NULL, due = COALESCE(${TargetRank.ofRow}, 0), attempts = 0 WHERE state = 0 AND lease > 0`
  )
  const startedMs = Date.now()
  const [previous] = yield* sql<{ ended: number | null }>`SELECT ended FROM run ORDER BY id DESC LIMIT 1`
  const [begun] = yield* sql<{ id: number }>`INSERT INTO run (boot, durability, started)
    VALUES (${boot}, ${durability}, ${startedMs}) RETURNING id`
  yield* sql`DELETE FROM robots WHERE asked < ${startedMs - maxStaleMs}`
  return {
    run: begun!.id,
    /** The run before may have asked hosts until then. */
    unseenMs: previous?.ended === null ? startedMs : -Infinity
  }
})

const tablesOf = (sql: SqlClient.SqlClient, run: number) => {
  let crawl: ReturnType<typeof SqlCrawl.make> | undefined
  return {
    /** Made when it is asked for: the runs of a list never do. */
    get crawl() {
      return (crawl ??= SqlCrawl.make(sql, run))
    },
    lend: SqlLent.make(sql),
    lists: SqlLists.make(sql, run),
    hosts: SqlHosts.make(sql),
    archives: SqlArchives.make(sql),
    captures: SqlCaptures.make(sql)
  }
}

/** URLs of a commit that get no file by it; a line that is no URL never will. */
const undone = ({ settled, waiting }: Commit): ReadonlyArray<string> =>
  [
    ...settled.filter(
      ({ outcome }) => outcome._tag === "Refused" || (outcome._tag === "Failed" && outcome.error._tag !== "InvalidUrl")
    ),
    ...waiting
  ].map(({ target }) => target.url)

const isEmpty = (commit: Commit): boolean => {
  const { settled, waiting, hosts, robots = [], place, archives = [], captures = [], patterns = [] } = commit
  return (
    place === undefined &&
    [settled, waiting, hosts, robots, archives, captures, patterns].every(({ length }) => length === 0)
  )
}

/** Writes all that a commit brings. */
const write = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  run: number,
  tables: ReturnType<typeof tablesOf>,
  commit: Commit
) {
  const { lend, lists, hosts, archives, captures } = tables
  const { list, settled, waiting, isCrawl = false, patterns = [] } = commit
  const writing = { list, run, siteOf: (host: string) => tables.crawl.siteOf(host) }
  const targets = [...settled, ...waiting].map(({ target }) => target)
  if (isCrawl) yield* tables.crawl.meet(targets)
  else {
    yield* SqlLists.forgetPlaces(sql, list, undone(commit))
    yield* lend(targets)
  }
  if (settled.length > 0)
    yield* TargetRowWriter.write(
      sql,
      settled.map((one) => fromOutcome(writing, one))
    )
  if (waiting.length > 0)
    yield* TargetRowWriter.write(
      sql,
      waiting.map((one) => fromWaiting(writing, one))
    )
  // nothing is waited for: they are as they were before they were leased
  if (isCrawl) yield* tables.crawl.putBack(waiting.flatMap(({ target, dueMs }) => (dueMs > 0 ? [] : [target.url])))
  for (const clock of commit.hosts) yield* hosts.write(clock)
  for (const copy of commit.robots ?? []) yield* hosts.writeRobots(copy)
  if (commit.place !== undefined) yield* lists.writePlace(commit.place)
  for (const archive of commit.archives ?? []) yield* archives.write(archive)
  yield* captures.add(commit.captures ?? [])
  if (patterns.length > 0) yield* tables.crawl.know(patterns)
  return isCrawl ? yield* tables.crawl.commit(list, settled) : nothingFound
})

/** Brings the schema up to date, begins a run and gives its store. */
export const make = Effect.fnUntraced(function* (options: SqlStoreOptions) {
  const sql = yield* SqlClient.SqlClient
  const fault = SqliteFault.of(options.file)
  const isFull = SqliteFault.isFull(options.file)
  const guarded = <A, R>(effect: Effect.Effect<A, SqlError, R>): Effect.Effect<A, StoreError, R> =>
    Effect.mapError(effect, (error) => (isFull(error) ? new StoreFull({ file: options.file }) : fault(error)))
  const each = <A>(where: string, to: (row: TargetRow) => A, ...values: ReadonlyArray<unknown>) =>
    Stream.mapError(Stream.map(Rows.stream<TargetRow>(sql, "*", where, ...values), to), fault)

  yield* SchemaVersion.migrate(sql, options.file)
  const { run, unseenMs } = yield* guarded(begin(sql, options))
  const tables = tablesOf(sql, run)
  const { lists, hosts, archives, captures } = tables
  const { unsynced, unsyncedCount, trust } = yield* guarded(SqlTrust.make(sql, options.boot))

  return {
    run,
    store: Store.of({
      lookup: (urls) =>
        Effect.map(
          guarded(rowsAmong<KnownRow>(sql, known, urls)),
          (found) => new Map(found.map((row) => [row.url, toKnown(row)]))
        ),
      owners: (claims) =>
        Effect.map(
          guarded(rowsAmong<{ claim: string; url: string }>(sql, "SELECT claim, url FROM target WHERE claim", claims)),
          (found) => new Map(found.map((row) => [row.claim, row.url]))
        ),
      commit: (commit) => {
        if (isEmpty(commit)) return Effect.succeed(nothingFound)
        const written = sql.withTransaction(write(sql, run, tables, commit))
        const links = commit.settled.reduce((sum, { links = [] }) => sum + links.length, 0)
        return guarded(links < manyLinks ? written : Spreading.spread(sql, written))
      },
      entries: each("true", toEntry),
      end: Effect.suspend(() => Effect.asVoid(guarded(sql`UPDATE run SET ended = ${Date.now()} WHERE id = ${run}`))),

      places: (isRefresh) => guarded(lists.places(isRefresh)),
      refresh: (list, isRefresh) => guarded(lists.refresh(list, isRefresh)),
      begun: (name) => Effect.asVoid(guarded(lists.begun(name))),
      finished: (list, name) => Effect.asVoid(guarded(lists.finished(list, name))),
      newList: guarded(SqlLists.begin(sql)),
      lease: (list, limit, nowMs) => guarded(lists.lease(list, limit, nowMs)),
      waiting: (list) => guarded(lists.waiting(list)),
      reopen: (list) => guarded(lists.reopen(list)),
      count: (list) => guarded(lists.count(list)),
      hasSavedAs: (list, format) => guarded(lists.hasSavedAs(list, format)),

      crawl: (seeds, refresh) => guarded(sql.withTransaction(tables.crawl.open(seeds, refresh))),
      leaseBySite: (list, limit, nowMs, room, ofHost) =>
        guarded(sql.withTransaction(tables.crawl.lease(list, limit, nowMs, room, ofHost))),
      link: (list, page, links) => guarded(sql.withTransaction(tables.crawl.link(list, page, links))),
      nearer: (list, limit, isBounded) => guarded(tables.crawl.nearer(list, limit, isBounded)),
      patterns: Effect.suspend(() => guarded(tables.crawl.patterns)),
      prioritize: (list, text, of) => guarded(tables.crawl.prioritize(list, text, of)),
      ruled: (list, rules, limits) => guarded(tables.crawl.ruled(list, rules, limits)),
      lowered: (list, most) => Effect.asVoid(guarded(tables.crawl.lowered(list, most))),
      saved: (list) => each("list = ? AND state IN (1, 2)", toSavedPage, list),
      excluded: (list) => each("list = ? AND state = 5", toTarget, list),
      withdraw: (list, after, isOut) => guarded(sql.withTransaction(tables.crawl.withdraw(list, after, isOut))),
      readmit: (list, urls) => Effect.asVoid(guarded(sql.withTransaction(tables.crawl.readmit(list, urls)))),

      hosts: (origins) =>
        Effect.map(guarded(hosts.clocks(origins)), (found) =>
          found.map((clock) =>
            clock.delayMs === 0 ? clock : { ...clock, nextMs: Math.max(clock.nextMs, unseenMs + clock.delayMs) }
          )
        ),
      robots: (origin) => guarded(hosts.robots(origin)),

      unsynced: Stream.mapError(unsynced, fault),
      unsyncedCount: guarded(unsyncedCount),
      trust: (damagedUrls) => guarded(trust(damagedUrls)),
      partials: Effect.map(
        // the run before has the number before: none is ever removed
        guarded(sql<{ url: string }>`SELECT url FROM target INDEXED BY target_part
          WHERE validator IS NOT NULL AND (state = 0 OR run >= ${run - 1})`),
        (found) => found.map((row) => row.url)
      ),

      archives: guarded(archives.all),
      announce: (archive) => Effect.asVoid(guarded(archives.announce(archive))),
      captures: Stream.mapError(captures.all, fault),
      captured: (digests) => guarded(captures.originals(digests)),
      indexed: guarded(captures.indexed),
      index: (index) => Effect.asVoid(guarded(captures.index(index)))
    })
  }
})
