import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { DatabaseSync } from "node:sqlite"
import { type FetchReason, InvalidUrl, StatusError } from "../../src/FetchError.ts"
import type { Outcome } from "../../src/Outcome.ts"
import { type Commit, type Store, unnamed } from "../../src/Store.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"
import type { Target } from "../../src/Target.ts"

const target = (name: string): Target => ({
  url: `https://a.example/${name}.html`,
  host: "https://a.example",
  path: `a.example/${name}.html`,
  attempts: 0
})
const saved = (name: string) => {
  const { url, path } = target(name)
  const outcome: Outcome = { _tag: "Saved", url, attempts: 1, durationMs: 5, status: 200, path, bytes: 3, sha256: "ab" }
  return { target: target(name), outcome, validators: { etag: '"1"' } }
}
const failed = (name: string, error: FetchReason = new StatusError({ status: 404 })) => {
  const outcome: Outcome = { _tag: "Failed", url: target(name).url, attempts: 1, durationMs: 5, status: 404, error }
  return { target: target(name), outcome }
}
const commit = (parts: Partial<Commit>): Commit => ({ list: 1, settled: [], waiting: [], hosts: [], ...parts })

/** A fresh database, and a way to begin runs in it, one after the other. */
const database = Effect.map(NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" }), (sql) => ({
  sql,
  begin: (boot = "boot 1", durability: "process" | "power" = "process") =>
    Effect.provideService(SqlStore.make({ file: "store", boot, durability }), SqlClient.SqlClient, sql)
}))

/** A store, what is asked of its database from now on, and how SQLite answers that. */
const watched = Effect.gen(function* () {
  const file = yield* Effect.acquireRelease(
    Effect.sync(() => new DatabaseSync(":memory:")),
    (file) => Effect.sync(() => file.close())
  )
  const sql = yield* NodeSqlite.over(file)
  const making = SqlStore.make({ file: "store", boot: "boot", durability: "process" })
  const { store } = yield* Effect.provideService(making, SqlClient.SqlClient, sql)
  const asked: Array<string> = []
  const prepare = file.prepare.bind(file)
  file.prepare = (text) => {
    asked.push(text)
    return prepare(text)
  }
  const planOf = (text: string) =>
    prepare(`EXPLAIN QUERY PLAN ${text}`)
      .all()
      .map(({ detail }) => detail)
  return { store, asked, planOf }
})

describe("SqlStore", () => {
  it.effect("gives back what was committed, failures with their typed errors", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store, run } = yield* begin()
      yield* store.commit(commit({ settled: [saved("a"), failed("b")] }))
      const known = yield* store.lookup([target("a").url, target("b").url, target("c").url])
      assert.strictEqual(known.size, 2)
      const a = known.get(target("a").url)!
      assert.deepStrictEqual([a.state, a.list, a.run], ["done", 1, run])
      assert.deepStrictEqual(a.target.saved, { bytes: 3, sha256: "ab", etag: '"1"' })
      assert.strictEqual(known.get(target("b").url)!.state, "failed")
      const entries = yield* Stream.runCollect(store.entries)
      assert.deepStrictEqual(entries, [{ outcome: saved("a").outcome }, { outcome: failed("b").outcome }])
    })
  )

  it.effect("writes any number of rows, each URL once", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      for (const count of [1, 3, 255, 256, 257, 1500]) {
        yield* store.commit(commit({ settled: Array.from({ length: count }, (_, index) => saved(`${index}`)) }))
        assert.strictEqual((yield* Stream.runCollect(store.entries)).length, count)
      }
    })
  )

  it.effect("writes what came of targets that have a row, alone and among such that have none", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const first = yield* begin()
      yield* first.store.commit(commit({ settled: ["b", "f", "g"].map((name) => failed(name)) }))
      const { store, run } = yield* begin()
      const names = ["a", "b", "c", "d", "e", "f", "g"]
      for (const some of [names.slice(0, 5), names.slice(5)]) {
        yield* store.commit(commit({ list: 2, settled: some.map(saved) }))
        for (const { list, run: by, state } of (yield* store.lookup(some.map((name) => target(name).url))).values())
          assert.deepStrictEqual([list, by, state], [2, run, "done"])
      }
      assert.deepStrictEqual(
        yield* Stream.runCollect(store.entries),
        // in the order in which they came into the store
        ["b", "f", "g", "a", "c", "d", "e"].map((name) => ({ outcome: saved(name).outcome }))
      )
    })
  )

  it.effect("writes all of a commit or nothing", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const impossible = { ...saved("b"), target: { ...target("b"), attempts: 0, url: null as never } }
      const exit = yield* Effect.exit(store.commit(commit({ settled: [saved("a"), impossible] })))
      assert.strictEqual(exit._tag, "Failure")
      assert.deepStrictEqual(yield* Stream.runCollect(store.entries), [])
    })
  )

  it.effect("knows in which form the latest run saved, however much was saved before it", () =>
    Effect.gen(function* () {
      const { sql, begin } = yield* database
      const { store } = yield* begin()
      yield* sql`INSERT INTO target (url, list, run, state, attempts)
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
        SELECT 'https://old.example/' || n, 1, 1, 1, 1 FROM number`
      assert.isTrue(yield* store.hasSavedAs(1, "files"))
      assert.isFalse(yield* store.hasSavedAs(1, "warc"))
      const { target, outcome, validators } = saved("new")
      const archives = [{ name: "simul-00000.warc.gz", bytes: 100 }]
      const archived = { target, outcome: { ...outcome, path: "simul-00000.warc.gz#0+100" } as Outcome, validators }
      yield* store.commit(commit({ settled: [archived], archives }))
      assert.isTrue(yield* store.hasSavedAs(1, "warc"))
      assert.isFalse(yield* store.hasSavedAs(2, "warc"))
      yield* sql`INSERT INTO target (url, list, run, state, attempts) VALUES ('https://crawl.example/', 3, 1, 1, 1)`
      yield* sql`INSERT INTO target (url, list, run, state, attempts)
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000)
        SELECT 'https://crawl.example/' || n, 3, 1, 0, 0 FROM number`
      assert.isTrue(yield* store.hasSavedAs(3, "files"))
      assert.isFalse(yield* store.hasSavedAs(3, "warc"))
    })
  )

  it.effect("leaves nothing of a commit without room, which is done again once there is some", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const { store } = yield* begin()
      const settled = Array.from({ length: 300 }, (_, index) => saved(`${index}`))
      const [{ page_count: pages }] = (yield* sql<{ page_count: number }>`PRAGMA page_count`) as [
        { page_count: number }
      ]
      yield* sql.unsafe(`PRAGMA max_page_count = ${pages + 4}`)
      assert.strictEqual((yield* Effect.flip(store.commit(commit({ settled }))))._tag, "StoreFull")
      assert.deepStrictEqual(yield* Stream.runCollect(store.entries), [])
      yield* sql.unsafe("PRAGMA max_page_count = 4294967294")
      yield* store.commit(commit({ settled }))
      assert.strictEqual((yield* Stream.runCollect(store.entries)).length, settled.length)
    })
  )

  it.effect("leases what is due, the earliest first, and nothing twice", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const waiting = ["a", "b", "c", "d"].map((name, index) => ({
        target: { ...target(name), attempts: 2 },
        dueMs: 400 - 100 * index,
        leased: false
      }))
      yield* store.commit(commit({ waiting }))
      yield* store.commit(commit({ list: 2, waiting: [{ target: target("other"), dueMs: 0, leased: false }] }))
      assert.deepStrictEqual(yield* store.waiting(1), { count: 4, dueMs: 100 })
      const names = (targets: ReadonlyArray<Target>) => targets.map(({ path }) => path.at(-6))
      const first = yield* store.lease(1, 2, 300)
      assert.deepStrictEqual([names(first.targets), first.dueMs], [["d", "c"], 300])
      assert.strictEqual(first.targets[0]!.attempts, 2)
      const lease = Effect.map(store.lease(1, 9, 300), ({ targets, dueMs }) => [names(targets), dueMs])
      assert.deepStrictEqual(
        [yield* lease, yield* lease],
        [
          [["b"], 400],
          [[], 400]
        ]
      )
      assert.deepStrictEqual(yield* store.waiting(1), { count: 1, dueMs: 400 })
    })
  )

  it.effect("gives back where redirects have led, and the time that is gone, but not to another run", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const hop = { url: "https://b.example/x", host: "https://b.example", asked: ["one", "two"] }
      const led = { ...target("a"), spentMs: 7, hop }
      const { store } = yield* begin()
      yield* store.commit(
        commit({
          waiting: ["a", "b"].map((name) => ({ target: { ...led, ...target(name) }, dueMs: 0, leased: false }))
        })
      )
      const [leased] = (yield* store.lease(1, 1, 1)).targets
      assert.deepStrictEqual(leased, { ...led, isNamedByUrl: true })
      const { store: other } = yield* begin()
      assert.deepStrictEqual(
        (yield* other.lease(1, 9, 1)).targets,
        ["a", "b"].map((name) => ({ ...target(name), isNamedByUrl: true }))
      )
    })
  )

  it.effect("leases those of one time in the order of the list, which has hosts mixed", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const names = ["b", "d", "a", "c"]
      yield* store.commit(commit({ waiting: names.map((name) => ({ target: target(name), dueMs: 0, leased: false })) }))
      const { targets } = yield* store.lease(1, 3, 1)
      assert.deepStrictEqual(
        targets.map(({ url }) => url),
        names.slice(0, 3).map((name) => target(name).url)
      )
    })
  )

  it.effect("leases without a look at all that waits, and without sorting it", () =>
    Effect.gen(function* () {
      const { store, asked, planOf } = yield* watched
      yield* store.lease(1, 9, 0)
      // the SQLite of Node 22 has it beside the same plan, for the subquery
      const plans = asked.flatMap(planOf).filter((step) => step !== "CREATE BLOOM FILTER")
      assert.deepStrictEqual(plans, [
        "SEARCH target USING INDEX target_due (list=? AND due>?)",
        "SEARCH target USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 1",
        "SEARCH target USING INDEX target_due (list=? AND due<?)"
      ])
    })
  )

  it.effect("looks URLs up by their index and with one statement, however many they are", () =>
    Effect.gen(function* () {
      const { store, asked, planOf } = yield* watched
      yield* store.commit(commit({ settled: [saved("1")] }))
      asked.length = 0
      for (const count of [0, 1, 2, 500]) {
        const known = yield* store.lookup(Array.from({ length: count }, (_, index) => target(`${index}`).url))
        assert.deepStrictEqual([...known.keys()], count < 2 ? [] : [target("1").url])
      }
      assert.strictEqual(asked.length, 1)
      assert.strictEqual(planOf(asked[0]!)[0], "SEARCH target USING INDEX sqlite_autoindex_target_1 (url=?)")
    })
  )

  it.effect("begins no transaction for a commit that brings nothing", () =>
    Effect.gen(function* () {
      const { store, asked } = yield* watched
      yield* store.commit(commit({ robots: [], archives: [], captures: [], patterns: [] }))
      assert.deepStrictEqual(asked, [])
      yield* store.commit(commit({ archives: [{ name: "simul-00000.warc.gz", bytes: 100 }] }))
      assert.isNotEmpty(asked)
    })
  )

  it.effect("gives the leases of a dead run to the next one, with the part to continue and all attempts", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const first = yield* begin()
      const partial = { validator: '"1"', total: 900 }
      const tried = { ...target("a"), attempts: 3, partial }
      yield* first.store.commit(commit({ waiting: [{ target: tried, dueMs: 0, leased: true }] }))
      assert.deepStrictEqual(yield* first.store.lease(1, 9, 1e15), { targets: [], dueMs: Infinity })
      const second = yield* begin()
      assert.deepStrictEqual(yield* second.store.partials, [target("a").url])
      const [leased] = (yield* second.store.lease(1, 9, 0)).targets
      assert.deepStrictEqual(leased, { ...target("a"), isNamedByUrl: true, partial })
    })
  )

  it.effect("opens what failed again with the part that is kept of it", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const first = yield* begin()
      const partial = { validator: '"1"', total: 900 }
      yield* first.store.commit(commit({ settled: [{ ...failed("a"), partial }] }))
      const second = yield* begin()
      assert.deepStrictEqual(yield* second.store.partials, [target("a").url])
      yield* second.store.reopen(1)
      const [opened] = (yield* second.store.lease(1, 9, 0)).targets
      assert.deepStrictEqual(opened!.partial, partial)
    })
  )

  it.effect("keeps a part of what failed for the next run alone, and of what waits for as long as it does", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const partial = { validator: '"1"', total: 900 }
      const first = yield* begin()
      yield* first.store.commit(
        commit({
          settled: [{ ...failed("a"), partial }],
          waiting: [{ target: { ...target("b"), partial }, dueMs: 0, leased: false }]
        })
      )
      const kept: Array<ReadonlyArray<string>> = []
      for (let run = 0; run < 3; run++) {
        const { store } = yield* begin()
        kept.push((yield* store.partials).toSorted())
        yield* store.commit(commit({ list: 2, settled: [saved(`other${run}`)] }))
      }
      const [a, b] = [target("a").url, target("b").url]
      assert.deepStrictEqual(kept, [[a, b], [b], [b]])
    })
  )

  it.effect("opens what failed or was stopped again, but neither what is done nor what is no URL", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const invalid = failed("no-url")
      const { InvalidUrl } = yield* Effect.promise(() => import("../../src/FetchError.ts"))
      const outcome: Outcome = {
        ...invalid.outcome,
        _tag: "Failed",
        error: new InvalidUrl({ detail: "x", line: 7 })
      }
      const stopped = { target: { ...target("c"), attempts: 3 }, dueMs: 0, leased: false }
      yield* store.commit(commit({ settled: [saved("a"), failed("b"), { ...invalid, outcome }], waiting: [stopped] }))
      assert.deepStrictEqual(yield* store.count(1), { open: 3, invalid: 1 })
      yield* store.reopen(1)
      assert.deepStrictEqual(
        (yield* store.lease(1, 9, 0)).targets.map(({ url, attempts }) => [url, attempts]),
        [
          [target("b").url, 0],
          [target("c").url, 0]
        ]
      )
    })
  )

  it.effect("opens a long list again bit by bit, and goes on where it was stopped", () =>
    Effect.gen(function* () {
      const { sql, begin } = yield* database
      const { store } = yield* begin()
      const every = 25_000
      // a half failed, the others wait for another attempt
      yield* sql`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${every})
        INSERT INTO target (url, list, run, state, due, attempts, error) SELECT 'https://a.example/' || n, 1, 1,
          CASE n % 2 WHEN 0 THEN 4 ELSE 0 END, CASE n % 2 WHEN 0 THEN 0 ELSE n END, 3, '{}' FROM number`
      const tried = Effect.map(
        sql<{ rows: number }>`SELECT COUNT(*) AS rows FROM target WHERE attempts > 0`,
        ([count]) => count!.rows
      )
      const reopening = yield* Effect.forkChild(store.reopen(1))
      // from here on each look comes between two steps
      while ((yield* tried) > every / 2) yield* Effect.yieldNow
      yield* Fiber.interrupt(reopening)
      const left = yield* tried
      assert.isTrue(left > 0, `${left} left`)
      yield* store.reopen(1)
      assert.strictEqual(yield* tried, 0)
      assert.deepStrictEqual(yield* store.waiting(1), { count: every, dueMs: 0 })
    })
  )

  it.effect("finds what it opens again by an index", () =>
    Effect.gen(function* () {
      const { store, asked, planOf } = yield* watched
      yield* store.commit(commit({ settled: [saved("1")] }))
      asked.length = 0
      yield* store.reopen(1)
      const plans = asked.flatMap(planOf).filter((step) => step !== "CREATE BLOOM FILTER")
      assert.deepStrictEqual(plans, [
        "SEARCH target USING INTEGER PRIMARY KEY (rowid=?)",
        "LIST SUBQUERY 2",
        "COMPOUND QUERY",
        "LEFT-MOST SUBQUERY",
        "SEARCH target USING INDEX target_open (list=? AND state=?)",
        "UNION ALL",
        "SEARCH target USING INDEX target_open (list=? AND state=? AND due>?)"
      ])
    })
  )

  it.effect("keeps the clocks of hosts and the places in lists", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const delays = { delayMs: 9, crawlDelayMs: 8, learnedMs: 8.5 }
      const clock = {
        host: "https://a.example",
        nextMs: 5,
        pausedMs: 7,
        asked: true,
        strikes: 1,
        fault: "x",
        ...delays
      }
      const list = yield* store.newList
      const place = { list, bytes: 10, lines: 2, sha256: "cd", targets: 2 }
      yield* store.commit(commit({ hosts: [{ ...clock, strikes: 0 }], place: { ...place, bytes: 5 } }))
      yield* store.commit(commit({ hosts: [clock], place }))
      assert.deepStrictEqual(yield* store.hosts([clock.host, "https://b.example"]), [clock])
      assert.deepStrictEqual(yield* store.places(false), [place])
    })
  )

  it.effect(
    "gives a host its delay from the start of a run on, where the one before had no time to say its last request",
    () =>
      Effect.gen(function* () {
        const { begin } = yield* database
        const pause = { pausedMs: 0, asked: false, strikes: 0, fault: "", crawlDelayMs: 0 }
        const hosts = [
          { host: "https://a.example", nextMs: 5, delayMs: 3_600_000, ...pause },
          { host: "https://b.example", nextMs: 5, delayMs: 0, ...pause }
        ]
        const nextMs = ({ store }: { readonly store: Store["Service"] }) =>
          Effect.map(store.hosts(hosts.map(({ host }) => host)), (clocks) => clocks.map(({ nextMs }) => nextMs))
        const first = yield* begin()
        yield* first.store.commit(commit({ hosts }))
        yield* first.store.end
        assert.deepStrictEqual(yield* nextMs(yield* begin()), [5, 5])
        const startedMs = Date.now()
        const [a, b] = yield* nextMs(yield* begin())
        assert.isAtLeast(a!, startedMs + 3_600_000)
        assert.strictEqual(b, 5)
      })
  )

  it.effect("tells of more hosts than a statement has room for", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const origins = Array.from({ length: 40_000 }, (_, index) => `https://${index}.example`)
      const host = { nextMs: 5, pausedMs: 0, asked: false, strikes: 1, fault: "", delayMs: 0, crawlDelayMs: 0 }
      const hosts = [origins[0]!, origins.at(-1)!].map((origin) => ({ ...host, host: origin }))
      yield* store.commit(commit({ hosts }))
      assert.deepStrictEqual(yield* store.hosts(origins), hosts)
    })
  )

  it.effect("keeps what hosts answered for their robots.txt, for a month", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const host = "https://a.example"
      const rules = { host, askedMs: Date.now() - 1000, kind: "rules", body: Uint8Array.of(0, 255, 10) } as const
      const unreachable = { host: "https://b.example", askedMs: 1, kind: "unreachable", fault: "HTTP 500" } as const
      yield* store.commit(commit({ robots: [{ host, askedMs: 1, kind: "unavailable" }, unreachable] }))
      assert.deepStrictEqual(yield* store.robots(host), { host, askedMs: 1, kind: "unavailable" })
      yield* store.commit(commit({ robots: [rules] }))
      assert.deepStrictEqual(yield* store.robots(host), rules)
      assert.deepStrictEqual(yield* store.robots(unreachable.host), unreachable)
      const later = yield* begin()
      assert.deepStrictEqual(yield* later.store.robots(host), rules)
      assert.isUndefined(yield* later.store.robots(unreachable.host))
    })
  )

  it.effect("goes on with a refresh of a list until it is done, or a run without one goes on with the list", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store, run } = yield* begin()
      const list = yield* store.newList
      const place = { list, bytes: 7, lines: 1, sha256: "0", targets: 1 }
      assert.strictEqual(yield* store.refresh(list, true), run)
      yield* store.commit(commit({ list, place }))
      const { store: later, run: second } = yield* begin()
      assert.deepStrictEqual(yield* later.places(true), [place])
      assert.strictEqual(yield* later.refresh(list, true), run)
      yield* later.finished(list, unnamed)
      assert.deepStrictEqual([yield* later.places(true), yield* later.places(false)], [[], [place]])
      assert.strictEqual(yield* later.refresh(list, true), second)
      assert.strictEqual(yield* later.refresh(list, false), 0)
      assert.deepStrictEqual(yield* later.places(true), [])
    })
  )

  it.effect("tells unsynced files of another boot until they are trusted", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const unsynced = (boot: string) =>
        Effect.flatMap(begin(boot), ({ store }) =>
          Effect.map(Stream.runCollect(store.unsynced), (found) => found.map((one) => one.target.url))
        )
      const first = yield* begin("boot 1")
      yield* first.store.commit(commit({ settled: [saved("a"), saved("b")] }))
      const power = yield* begin("boot 1", "power")
      yield* power.store.commit(commit({ settled: [saved("c")] }))
      assert.deepStrictEqual(yield* unsynced("boot 1"), [])
      assert.deepStrictEqual(yield* unsynced("boot 2"), [target("a").url, target("b").url])
      const { store } = yield* begin("boot 2")
      yield* store.trust([target("a").url])
      assert.deepStrictEqual(yield* unsynced("boot 2"), [])
      const known = yield* store.lookup([target("a").url, target("b").url])
      assert.deepStrictEqual([known.get(target("a").url)!.state, known.get(target("b").url)!.state], ["failed", "done"])
    })
  )

  it.effect(
    "tells unsynced files too of what a refresh was to ask again, or could not, and counts those as before",
    () =>
      Effect.gen(function* () {
        const { begin } = yield* database
        const { store } = yield* begin("boot 1")
        const inCrawl = (one: ReturnType<typeof saved>) => ({ ...one, target: { ...one.target, depth: 0 } })
        const { list } = yield* store.crawl([inCrawl(saved("a")).target, inCrawl(saved("b")).target], false)
        yield* store.commit(commit({ list, settled: [saved("a"), saved("b")].map(inCrawl), isCrawl: true }))
        yield* store.crawl([], true)
        const known = { ...target("c"), saved: { bytes: 3, sha256: "ab" } }
        yield* store.commit(commit({ list: 7, settled: [{ ...failed("c"), target: known }] }))
        const { store: later } = yield* begin("boot 2")
        const found = yield* Stream.runCollect(later.unsynced)
        const urls = ["a", "b", "c"].map((name) => target(name).url)
        assert.deepStrictEqual(
          found.map((one) => one.target.url),
          urls
        )
        yield* later.trust([urls[0]!, urls[2]!])
        assert.deepStrictEqual(yield* later.crawl([], false), { list, found: 2, ended: 0, saved: 0, rules: undefined })
        const { targets } = yield* later.leaseBySite(list, 10, Date.now(), () => Infinity)
        const sizes = targets.map(({ url, saved }) => [url, saved?.bytes])
        assert.sameDeepMembers(sizes, [
          [urls[0], undefined],
          [urls[1], 3]
        ])
        const { state, target: lost } = (yield* later.lookup(urls)).get(urls[2]!)!
        assert.deepStrictEqual([state, lost.saved], ["failed", undefined])
      })
  )

  it.effect("tells unsynced files too that a run which syncs found unchanged, and not those it saved", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin("boot 1")
      yield* store.commit(commit({ settled: [saved("a")] }))
      const power = yield* begin("boot 1", "power")
      const { outcome, ...rest } = saved("a")
      const unchanged = { ...rest, outcome: { ...outcome, _tag: "Unchanged" } as Outcome }
      yield* power.store.commit(commit({ settled: [unchanged, saved("b")] }))
      const { store: later } = yield* begin("boot 2")
      const found = yield* Stream.runCollect(later.unsynced)
      assert.deepStrictEqual(
        found.map((one) => one.target.url),
        [target("a").url]
      )
      assert.strictEqual(yield* later.unsyncedCount, 1)
    })
  )

  it.effect("forgets the places of other lists than that of a damaged file: they may have passed over it", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin("boot 1")
      const placeIn = (list: number) => ({ list, bytes: list, lines: 1, sha256: "0", targets: 1 })
      yield* store.commit(commit({ list: 1, place: placeIn(1), settled: [saved("a")] }))
      yield* store.commit(commit({ list: 2, place: placeIn(2) }))
      yield* (yield* begin("boot 2")).store.trust([])
      assert.deepStrictEqual(yield* store.places(false), [placeIn(2), placeIn(1)])
      yield* (yield* begin("boot 3")).store.trust([target("a").url])
      assert.deepStrictEqual(yield* store.places(false), [placeIn(1)])
    })
  )

  it.effect("forgets the place of a list that loses what it has not done, and of no other", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { store } = yield* begin()
      const placeIn = (list: number) => ({ list, bytes: list, lines: 1, sha256: "0", targets: 1 })
      const lists = Effect.map(store.places(false), (places) => places.map(({ list }) => list))
      const nameless = failed("no url", new InvalidUrl({ detail: "", line: 1 }))
      for (const [list, one] of [saved("a"), failed("b"), failed("c"), failed("d"), nameless].entries())
        yield* store.commit(commit({ list: list + 1, place: placeIn(list + 1), settled: [one] }))
      const waiting = [{ target: target("b"), dueMs: 0, leased: false }]
      yield* store.commit(commit({ list: 6, place: placeIn(6), settled: [failed("a"), nameless], waiting }))
      assert.deepStrictEqual(yield* lists, [6, 5, 4, 3, 1])
      // done for all
      yield* store.commit(commit({ list: 6, settled: [saved("c")] }))
      assert.deepStrictEqual(yield* lists, [6, 5, 4, 3, 1])
      const { list } = yield* store.crawl([], false)
      assert.strictEqual(list, 7)
      const links = [{ ...target("d"), depth: 1 }]
      yield* store.commit(commit({ list, settled: [{ ...saved("seed"), links }], isCrawl: true }))
      assert.deepStrictEqual(yield* lists, [6, 5, 3, 1])
    })
  )

  it.effect("forgets the parts from before the machine was started, whatever the run promised for its files", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const parked = (name: string) => {
        const partial = { validator: '"1"' }
        return commit({ waiting: [{ target: { ...target(name), partial }, dueMs: 0, leased: false }] })
      }
      yield* (yield* begin("boot 1")).store.commit(parked("a"))
      yield* (yield* begin("boot 1", "power")).store.commit(parked("b"))
      const same = yield* begin("boot 1")
      yield* same.store.trust([])
      assert.sameMembers([...(yield* same.store.partials)], [target("a").url, target("b").url])
      const other = yield* begin("boot 2", "power")
      yield* other.store.trust([])
      assert.deepStrictEqual(yield* other.store.partials, [])
      yield* other.store.commit(parked("b"))
      const third = yield* begin("boot 2")
      yield* third.store.trust([])
      assert.deepStrictEqual(yield* third.store.partials, [target("b").url])
    })
  )
})
