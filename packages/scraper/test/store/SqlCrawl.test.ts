import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as SqlClient from "effect/sql/SqlClient"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { StatusError } from "../../src/FetchError.ts"
import type { Outcome } from "../../src/Outcome.ts"
import type { Settled, StoreError } from "../../src/Store.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlEntries from "../../src/store/SqlEntries.ts"
import * as SqlLists from "../../src/store/SqlLists.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"
import type { Target } from "../../src/Target.ts"

const target = (site: string, name: string, depth = 0): Target => {
  const host = `https://${site}.example`
  return { url: `${host}/${name}.html`, host, path: `${site}.example/${name}.html`, attempts: 0, depth }
}
const page = (from: Target, links: ReadonlyArray<Target>): Settled => {
  const { url, path } = from
  const outcome: Outcome = { _tag: "Saved", url, attempts: 1, durationMs: 5, status: 200, path, bytes: 3, sha256: "ab" }
  return { target: from, outcome, links }
}
const database = Effect.map(NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" }), (sql) => ({
  sql,
  begin: Effect.map(
    Effect.provideService(
      SqlStore.make({ file: "store", boot: "boot", durability: "process" }),
      SqlClient.SqlClient,
      sql
    ),
    ({ store }) => store
  )
}))
const anyRoom = () => Infinity
const names = (targets: ReadonlyArray<Target>) =>
  targets.map(({ url }) => url.replace(/^https:\/\/(\w+).*\/(\w+)\.html$/, "$1 $2"))

describe("the crawl in the store", () => {
  it.effect("has each link once, however often it was found", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const add = (settled: ReadonlyArray<Settled>) =>
        store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true })
      const links = Array.from({ length: 300 }, (_, i) => target("a", `n${i}`, 1))
      assert.strictEqual((yield* add([page(target("a", "seed"), [...links, ...links])])).added, 300)
      assert.strictEqual((yield* add([page(links[0]!, [...links, target("b", "new", 2)])])).added, 1)
      assert.deepStrictEqual(yield* store.crawl([], false), { list, found: 301, ended: 2, saved: 2, rules: undefined })
    })
  )

  it.effect("gives back where redirects have led", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const hop = { url: "https://b.example/x", host: "https://b.example", asked: ["one"] }
      const waiting = [{ target: { ...target("a", "n1"), hop }, dueMs: 5, leased: false }]
      yield* store.commit({ list, settled: [], waiting, hosts: [], isCrawl: true })
      yield* store.withdraw(list, 0, (left) => {
        assert.deepStrictEqual(left.hop, hop)
        return false
      })
      const [leased] = (yield* store.leaseBySite(list, 9, 5, anyRoom)).targets
      assert.deepStrictEqual(leased?.hop, hop)
    })
  )

  it.effect(
    "gives no host more than it may have, by whatever name, and takes back what it held when it may have more",
    () =>
      Effect.gen(function* () {
        const { begin } = yield* database
        const store = yield* begin
        const { list } = yield* store.crawl([], false)
        const add = (settled: ReadonlyArray<Settled>) =>
          store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true })
        const www = (name: string): Target => {
          const { url, ...rest } = target("a", name, 1)
          const host = "https://www.a.example"
          return { ...rest, host, url: url.replace("https://a.example", host) }
        }
        const links = [
          target("a", "n1", 1),
          target("a", "n2", 1),
          www("n3"),
          target("b", "n1", 1),
          target("b", "n2", 1)
        ]
        yield* store.ruled(list, "rules", { maxPages: undefined, maxPagesPerHost: 3 })
        yield* add([page(target("a", "seed"), links)])
        const lease = (from: typeof store, most: number | undefined, taken = {}) =>
          Effect.map(
            from.leaseBySite(
              list,
              10,
              Date.now(),
              anyRoom,
              most === undefined ? undefined : { most, taken: new Map(Object.entries(taken)) }
            ),
            ({ targets }) => names(targets)
          )
        // the seed is one of three
        assert.deepStrictEqual(yield* lease(store, 3, { "a.example": 1 }), ["a n1", "b n1", "b n2"])
        yield* add([page(links[0]!, [])])
        assert.deepStrictEqual(yield* lease(store, 3, { "b.example": 2 }), ["a n2"])
        yield* add([page(links[1]!, [target("a", "n4", 2)])])
        assert.deepStrictEqual(yield* lease(store, 3), [])
        const later = yield* begin
        yield* later.crawl([], false)
        yield* later.ruled(list, "rules", { maxPages: undefined, maxPagesPerHost: 3 })
        assert.deepStrictEqual(yield* lease(later, 3), ["b n1", "b n2"])
        yield* later.ruled(list, "rules", { maxPages: undefined, maxPagesPerHost: 4 })
        assert.deepStrictEqual((yield* lease(later, 4)).length, 1)
        yield* later.ruled(list, "rules", { maxPages: undefined, maxPagesPerHost: undefined })
        assert.deepStrictEqual((yield* lease(later, undefined)).length, 1)
        // what is lost is no more counted
        yield* later.trust([target("a", "seed").url, links[0]!.url])
        const last = yield* begin
        assert.strictEqual((yield* last.crawl([], false)).saved, 1)
        assert.deepStrictEqual((yield* lease(last, 3, { "b.example": 3 })).length, 2)
      })
  )

  it.effect("leaves the log of very many links to the next commit, and the settings of the database as they were", () =>
    Effect.gen(function* () {
      const directory = mkdtempSync(join(tmpdir(), "simul-store-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      const file = join(directory, "store.sqlite")
      const sql = yield* NodeSqlite.make({ file, synchronous: "NORMAL" })
      const made = SqlStore.make({ file, boot: "boot", durability: "process" })
      const { store } = yield* Effect.provideService(made, SqlClient.SqlClient, sql)
      const { list } = yield* store.crawl([], false)
      yield* sql`PRAGMA wal_autocheckpoint=1`
      const settings = Effect.all([sql`PRAGMA cache_size`, sql`PRAGMA wal_autocheckpoint`])
      const before = yield* settings
      const add = (name: string, links: ReadonlyArray<Target>) =>
        store.commit({ list, settled: [page(target("a", name), links)], waiting: [], hosts: [], isCrawl: true })
      yield* add("seed", [])
      const { size } = statSync(file)
      const links = Array.from({ length: 10_000 }, (_, i) => target("a", `n${i}`, 1))
      assert.strictEqual((yield* add("many", links)).added, 10_000)
      assert.strictEqual(statSync(file).size, size)
      assert.deepStrictEqual(yield* settings, before)
      yield* add("next", [])
      assert.isAbove(statSync(file).size, size)
    })
  )

  it.effect("has a page once by whatever URL it is found, and by the nearest way", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const found = (name: string, depth: number): Target => {
        const { url, ...rest } = target("a", "page", depth)
        return { ...rest, url: url.replace("page.html", name) }
      }
      const add = (from: Target, links: ReadonlyArray<Target>) =>
        store.commit({ list, settled: [page(from, links)], waiting: [], hosts: [], isCrawl: true })
      const seed = target("a", "seed")
      // by its key first, by another URL first, and two at once
      const plain = ["one", "two?utm_source=x", "three?b=1&a=2"].map((name) => found(name, 4))
      assert.strictEqual((yield* add(seed, [...plain, found("three?a=2&b=1", 5)])).added, 3)
      const others = ["one?", "one?utm_source=y", "two", "two?utm_source=z", "three?a=2&b=1"]
      assert.strictEqual(
        (yield* add(
          seed,
          others.map((name) => found(name, 3))
        )).added,
        0
      )
      const { targets } = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(
        targets.map(({ url, depth }) => [url.slice(18), depth]),
        plain.map(({ url }) => [url.slice(18), 3])
      )
    })
  )

  it.effect("notes what was saved, or was on its way, by a longer way than there is", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const add = (from: Target, links: ReadonlyArray<Target>) =>
        store.commit({ list, settled: [page(from, links)], waiting: [], hosts: [], isCrawl: true })
      const [saved, flying, open] = [target("a", "saved", 5), target("a", "flying", 5), target("a", "open", 5)]
      yield* add(target("a", "seed"), [saved, flying, open])
      yield* store.leaseBySite(list, 2, Date.now(), anyRoom)
      yield* add(saved, [])
      const near = [saved, flying, open].map((one) => ({ ...one, depth: 2 }))
      assert.isTrue((yield* add(target("a", "seed"), near)).isNearer)
      // settled as what it was when it was leased
      yield* add(flying, [])
      const [first, second, ...rest] = yield* store.nearer(list, 10, true)
      assert.deepStrictEqual([names([first!.target, second!.target]), rest], [["a saved", "a flying"], []])
      assert.deepStrictEqual([first!.target.depth, second!.target.depth], [2, 2])
      assert.isTrue((yield* store.link(list, { ...saved, depth: 5 }, [])).isNearer, "read as too deep a page")
      assert.isTrue((yield* store.link(list, first!.target, [target("a", "new", 3)])).isNearer)
      assert.deepStrictEqual(yield* store.link(list, second!.target, []), { added: 0, isNearer: false })
      const { targets } = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(
        targets.map(({ depth }, index) => [names(targets)[index], depth]),
        [
          ["a open", 2],
          ["a new", 3]
        ]
      )
      assert.strictEqual((yield* store.crawl([], false)).found, 4)
    })
  )

  it.effect("gives what is nearest to a seed first, in turn for each site, as far as there is room", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const found = [
        target("a", "far", 3),
        ...Array.from({ length: 3 }, (_, i) => target("a", `n${i}`, 1)),
        target("b", "only", 2),
        target("c", "only", 1)
      ]
      const settled = [page(target("z", "seed"), found)]
      yield* store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true })
      const lease = (limit: number, room: (origin: string) => number = anyRoom) =>
        store.leaseBySite(list, limit, Date.now(), room)
      const two = yield* lease(10, () => 2)
      assert.deepStrictEqual([names(two.targets), two.isLeft], [["a n0", "a n1", "b only", "c only"], true])
      const none = yield* lease(10, () => 0)
      assert.deepStrictEqual([names(none.targets), none.isLeft], [[], true])
      const one = yield* lease(1)
      assert.deepStrictEqual([names(one.targets), one.isLeft], [["a n2"], true])
      const { targets, dueMs, isLeft } = yield* lease(10)
      assert.deepStrictEqual([names(targets), targets[0]!.depth, dueMs, isLeft], [["a far"], 3, Infinity, false])
      assert.deepStrictEqual(names((yield* lease(10)).targets), [])
    })
  )

  it.effect("gives a site no more than there is room for, wherever the turn was", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const found = ["a", "b", "c"].flatMap((site) => [1, 2, 3].map((i) => target(site, `${i}`, 1)))
      yield* store.commit({ list, settled: [page(target("z", "seed"), found)], waiting: [], hosts: [], isCrawl: true })
      const lease = (limit: number) => store.leaseBySite(list, limit, Date.now(), () => 1)
      assert.deepStrictEqual(names((yield* lease(1)).targets), ["a 1"])
      assert.deepStrictEqual(names((yield* lease(10)).targets), ["b 1", "c 1", "a 2"])
      assert.deepStrictEqual(names((yield* lease(10)).targets), ["b 2", "c 2", "a 3"])
    })
  )

  it.effect("gives all of a site that there is room for, however much, in as many steps as it takes", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const store = yield* begin
      const { list } = yield* store.crawl([target("a", "seed")], false)
      yield* sql`INSERT INTO target (url, list, run, state, attempts, depth, site)
        WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 39999)
        SELECT 'https://a.example/' || n, ${list}, 1, 0, 0, 1, 1 FROM number`
      const leased = new Set<string>()
      for (let isLeft = true; isLeft;) {
        const lease = yield* store.leaseBySite(list, 40_000, Date.now(), anyRoom)
        for (const { url } of lease.targets) leased.add(url)
        isLeft = lease.isLeft
      }
      assert.strictEqual(leased.size, 40_000)
    })
  )

  it.effect("gives the turn to the next site, with more sites than it looks at at once", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const sites = Array.from({ length: 150 }, (_, i) => `s${String(i).padStart(3, "0")}`)
      const found = sites.flatMap((site) => [target(site, "first", 1), target(site, "second", 1)])
      yield* store.commit({ list, settled: [page(target("z", "seed"), found)], waiting: [], hosts: [], isCrawl: true })
      const seen: Array<string> = []
      for (let times = 0; times < 6; times++) {
        const { targets } = yield* store.leaseBySite(list, 50, Date.now(), () => 1)
        assert.strictEqual(targets.length, 50)
        seen.push(...names(targets))
      }
      assert.strictEqual(new Set(seen.slice(0, 150).map((name) => name.split(" ")[0])).size, 150)
      assert.strictEqual(new Set(seen).size, 300)
    })
  )

  it.effect("counts and places the pages of a commit whose links are of other sites", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const store = yield* begin
      const { list } = yield* store.crawl([target("a", "seed")], false)
      const waiting = ["d", "e"].map((site) => ({ target: target(site, "later", 1), dueMs: 1, leased: false }))
      for (const site of ["a", "b"]) {
        const settled = [page(target(site, "seed"), [target("b", "n", 1), target("c", "n", 1)])]
        yield* store.commit({ list, settled, waiting, hosts: [], isCrawl: true })
      }
      assert.deepStrictEqual(yield* sql`SELECT host, saved FROM site WHERE saved > 0 ORDER BY host`, [
        { host: "a.example", saved: 1 },
        { host: "b.example", saved: 1 }
      ])
      assert.deepStrictEqual(
        yield* sql`SELECT url FROM target JOIN site ON site.id = site WHERE instr(url, host) = 0`,
        []
      )
      const leased = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(names(leased.targets).toSorted(), ["b n", "c n", "d later", "e later"])
    })
  )

  it.effect("finds the pages of a site that was new in a transaction without room", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const store = yield* begin
      const { list } = yield* store.crawl([], false)
      const pages = (of: string) => Array.from({ length: 300 }, (_, i) => target(of, `n${i}`, 1))
      const settled = [page(target("a", "seed"), pages("b"))]
      const steps: ReadonlyArray<Effect.Effect<unknown, StoreError>> = [
        store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true }),
        store.link(list, undefined, pages("c")),
        store.crawl(pages("d"), false)
      ]
      for (const step of steps) {
        const [{ page_count: used }] = (yield* sql<{ page_count: number }>`PRAGMA page_count`) as [
          { page_count: number }
        ]
        yield* sql.unsafe(`PRAGMA max_page_count = ${used + 4}`)
        assert.strictEqual((yield* Effect.flip(step))._tag, "StoreFull")
        yield* sql.unsafe("PRAGMA max_page_count = 4294967294")
        yield* step
      }
      assert.deepStrictEqual(
        yield* sql`SELECT url FROM target WHERE site NOT IN (SELECT id FROM site WHERE instr(url, origin) = 1)`,
        []
      )
      assert.strictEqual((yield* store.leaseBySite(list, 1000, Date.now(), anyRoom)).targets.length, 900)
    })
  )

  it.effect("gives pages their site again whose site has no row", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const first = yield* begin
      const { list } = yield* first.crawl([target("a", "seed"), target("b", "one"), target("c", "one")], false)
      // as if a transaction had failed in which both were new
      yield* sql`DELETE FROM site WHERE id > 1`
      yield* sql`UPDATE target SET site = 3 WHERE site = 2`
      const next = yield* begin
      yield* next.crawl([target("d", "seed")], false)
      const leased = yield* next.leaseBySite(list, 10, Date.now(), (origin) => (origin === "https://d.example" ? 0 : 9))
      assert.deepStrictEqual(names(leased.targets).toSorted(), ["a seed", "b one", "c one"])
    })
  )

  it.effect("says when what waits is due", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const dueMs = Date.now() + 60_000
      const waiting = [{ target: target("a", "later", 1), dueMs, leased: false }]
      yield* store.commit({ list, settled: [], waiting, hosts: [], isCrawl: true })
      const leased = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(leased, { targets: [], dueMs, isLeft: false })
      assert.deepStrictEqual(names((yield* store.leaseBySite(list, 10, Date.now() + 60_001, anyRoom)).targets), [
        "a later"
      ])
    })
  )

  it.effect("is continued by the next run: leases are given back, what failed is tried again", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const first = yield* begin
      const { list } = yield* first.crawl([target("a", "seed")], false)
      const seed = target("a", "seed")
      const found = [target("a", "leased", 1), target("a", "lost", 2)]
      yield* first.commit({ list, settled: [page(seed, found)], waiting: [], hosts: [], isCrawl: true })
      yield* first.leaseBySite(list, 10, Date.now(), anyRoom)
      const { url } = found[1]!
      const outcome: Outcome = {
        _tag: "Refused",
        url,
        attempts: 1,
        durationMs: 1,
        error: { reason: "RobotsTxt", message: "no" }
      }
      yield* first.commit({ list, settled: [{ target: found[1]!, outcome }], waiting: [], hosts: [], isCrawl: true })
      const second = yield* begin
      assert.deepStrictEqual(yield* second.crawl([target("a", "seed")], false), {
        list,
        found: 3,
        ended: 1,
        saved: 1,
        rules: undefined
      })
      assert.deepStrictEqual(names((yield* second.leaseBySite(list, 10, Date.now(), anyRoom)).targets), [
        "a leased",
        "a lost"
      ])
      const third = yield* begin
      assert.deepStrictEqual(yield* third.crawl([], true), { list, found: 3, ended: 0, saved: 0, rules: undefined })
    })
  )

  for (const [what, state, isRefresh] of [
    ["what failed", 4, false],
    ["what is saved", 1, true]
  ] as const)
    it.effect(`opens ${what} bit by bit, all of it or nothing`, () =>
      Effect.gen(function* () {
        const { sql, begin } = yield* database
        const store = yield* begin
        const { list } = yield* store.crawl([target("a", "seed")], false)
        const every = 25_000
        yield* sql`WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ${every})
          INSERT INTO target (url, list, run, state, attempts, depth, site, error)
          SELECT 'https://a.example/' || n, ${list}, 1, ${state}, 3, 1, 1, '{}' FROM number`
        yield* sql`UPDATE crawl SET found = found + ${every}, ended = ${every}, saved = ${isRefresh ? every : 0}`
        const opening = yield* Effect.forkChild(store.crawl([], isRefresh))
        yield* Effect.yieldNow
        yield* Effect.yieldNow
        yield* Fiber.interrupt(opening)
        const left = sql`SELECT COUNT(*) AS rows FROM target WHERE state = ${state} AND attempts = 3`
        assert.deepStrictEqual(yield* left, [{ rows: every }])
        const { found, ended, saved } = yield* store.crawl([], isRefresh)
        assert.deepStrictEqual([found, ended, saved], [every + 1, 0, 0])
        assert.deepStrictEqual(yield* left, [{ rows: 0 }])
      })
    )

  it.effect("keeps out what the rules left out, until a page that they let in links to it", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const store = yield* begin
      const seed = target("a", "seed")
      const deep = target("a", "deep", 5)
      const { list } = yield* store.crawl([seed], false)
      const commit = (settled: ReadonlyArray<Settled>) =>
        store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true })
      yield* commit([page(seed, [deep, target("a", "page", 1)])])
      const { url } = deep
      const error = { reason: "TooDeep", message: "too deep" }
      const outcome: Outcome = { _tag: "Refused", url, attempts: 0, durationMs: 0, error }
      yield* commit([{ target: deep, outcome, isExcluded: true }])
      const later = yield* begin
      assert.strictEqual((yield* later.crawl([], false)).ended, 2)
      const leased = () => Effect.map(later.leaseBySite(list, 10, Date.now(), anyRoom), ({ targets }) => names(targets))
      assert.deepStrictEqual(yield* leased(), ["a page"])
      const brought = yield* later.commit({
        list,
        settled: [page(target("a", "page", 1), [target("a", "deep", 2)])],
        waiting: [],
        hosts: [],
        isCrawl: true
      })
      assert.strictEqual(brought.added, 1)
      assert.deepStrictEqual(yield* leased(), ["a deep"])
      const { found, ended } = yield* later.crawl([], false)
      assert.deepStrictEqual([found, ended], [3, 2])
    })
  )

  it.effect("takes over what a list has saved, for its links to be read, and asks for it again only by a refresh", () =>
    Effect.gen(function* () {
      for (const isRefresh of [false, true]) {
        const { begin, sql } = yield* database
        const { depth: _, ...listed } = target("a", "listed")
        const listing = yield* begin
        yield* listing.commit({ list: yield* listing.newList, settled: [page(listed, [])], waiting: [], hosts: [] })
        const store = yield* begin
        const { list } = yield* store.crawl([target("a", "seed")], isRefresh)
        yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
        const settled = [page(target("a", "seed"), [target("a", "listed", 1)])]
        assert.deepStrictEqual(yield* store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true }), {
          added: isRefresh ? 1 : 0,
          isNearer: !isRefresh
        })
        const saved = { bytes: 3, sha256: "ab" }
        const { targets } = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
        assert.deepStrictEqual(
          targets.map((one) => one.saved),
          isRefresh ? [saved] : []
        )
        const read = yield* store.nearer(list, 10, false)
        assert.deepStrictEqual(
          read.map((one) => one.target.saved),
          isRefresh ? [] : [saved]
        )
        assert.deepStrictEqual(yield* sql`SELECT found, ended, saved FROM crawl`, [
          isRefresh ? { found: 2, ended: 1, saved: 1 } : { found: 2, ended: 2, saved: 2 }
        ])
      }
    })
  )

  it.effect("begins anew what waits of a list where redirects have led", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const { depth: _, ...listed } = target("a", "listed")
      const listing = yield* begin
      const hop = { url: "https://b.example/x", host: "https://b.example", asked: ["one"] }
      const waiting = [{ target: { ...listed, spentMs: 7, hop }, dueMs: 5, leased: false }]
      yield* listing.commit({ list: yield* listing.newList, settled: [], waiting, hosts: [] })
      const crawling = yield* begin
      const { list } = yield* crawling.crawl([target("a", "listed")], false)
      const [leased] = (yield* crawling.leaseBySite(list, 9, 5, anyRoom)).targets
      assert.deepStrictEqual(leased, { ...target("a", "listed"), isNamedByUrl: true })
    })
  )

  it.effect("has back what lists asked for, when it is opened again, and counts each target once", () =>
    Effect.gen(function* () {
      const { begin, sql } = yield* database
      const store = yield* begin
      const { list } = yield* store.crawl([target("a", "seed")], false)
      const links = ["saved", "failed", "pending", "other"].map((name) => target("a", name, 1))
      const failed = (from: Target): Settled => {
        const error = new StatusError({ status: 404 })
        return { target: from, outcome: { _tag: "Failed", url: from.url, attempts: 1, durationMs: 5, error } }
      }
      for (const one of [page(target("a", "seed"), links), page(links[0]!, []), failed(links[1]!)])
        yield* store.commit({ list, settled: [one], waiting: [], hosts: [], isCrawl: true })
      const listing = yield* begin
      const listed = links.map(({ depth: _, ...target }) => target)
      const settled = [page(listed[0]!, []), page(listed[1]!, []), failed(listed[2]!)]
      yield* listing.commit({ list: yield* listing.newList, settled, waiting: [], hosts: [] })
      // one is counted as often as it is asked for
      yield* listing.commit({ list: yield* listing.newList, settled: settled.slice(2), waiting: [], hosts: [] })
      assert.deepStrictEqual(yield* sql`SELECT saved FROM site`, [{ saved: 1 }])
      const again = yield* begin
      const opened = { list, found: 5, ended: 3, saved: 3, rules: undefined }
      assert.deepStrictEqual(yield* again.crawl([], false), opened)
      assert.deepStrictEqual(yield* again.crawl([], false), opened)
      const { targets } = yield* again.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.sameMembers(names(targets), names(links.slice(2)))
      assert.isTrue(targets.every(({ depth }) => depth === 1))
      const read = yield* again.nearer(list, 10, false)
      assert.sameMembers(names(read.map((one) => one.target)), names(links.slice(0, 2)))
    })
  )

  it.effect("gives out what has a higher priority first, also after a kill and by other priorities", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const store = yield* begin
      const { list } = yield* store.crawl([target("a", "seed")], false)
      const links = [
        target("a", "plain", 1),
        { ...target("a", "last", 1), priority: -100 },
        { ...target("a", "deep", 900), priority: 1 },
        { ...target("a", "first", 2), priority: 100 }
      ]
      yield* store.commit({ list, settled: [page(target("a", "seed"), links)], waiting: [], hosts: [], isCrawl: true })
      const leased = (from: typeof store) =>
        Effect.map(from.leaseBySite(list, 10, Date.now(), anyRoom), ({ targets }) => names(targets))
      const order = ["a first", "a deep", "a plain", "a last"]
      assert.deepStrictEqual(yield* leased(store), order)
      const next = yield* begin
      yield* next.crawl([], false)
      assert.deepStrictEqual(yield* leased(next), order)
      const third = yield* begin
      const dueMs = Date.now() + 1_000_000
      const waiting = [{ target: links[3]!, dueMs, leased: false }]
      yield* third.commit({ list, settled: [], waiting, hosts: [], isCrawl: true })
      yield* third.prioritize(list, "other", (url) => (url.includes("last") ? 2 : 0))
      assert.deepStrictEqual(yield* leased(third), ["a last", "a plain", "a deep"])
    })
  )

  it.effect("gives all targets their priorities after it was killed while it gave some of them others", () =>
    Effect.gen(function* () {
      const { begin } = yield* database
      const store = yield* begin
      const links = Array.from({ length: 1500 }, (_, i) => target("a", `n${i}`, 1))
      const { list } = yield* store.crawl(links, false)
      let given = 0
      const others = store.prioritize(list, "[[1]]", () => {
        if (given++ === 1200) throw new Error("killed")
        return -1
      })
      assert.isTrue(Exit.hasDies(yield* Effect.exit(others)))
      const later = yield* begin
      yield* later.crawl([], false)
      yield* later.prioritize(list, "[]", () => 0)
      const first = yield* later.leaseBySite(list, 1000, Date.now(), anyRoom)
      const rest = yield* later.leaseBySite(list, 1000, Date.now(), anyRoom)
      assert.deepStrictEqual(names([...first.targets, ...rest.targets]), names(links))
    })
  )

  it.effect("starts without looking through its targets", () =>
    Effect.gen(function* () {
      const database = new DatabaseSync(":memory:")
      const begin = (boot: string) =>
        Effect.flatMap(NodeSqlite.over(database), (sql) =>
          Effect.provideService(SqlStore.make({ file: "store", boot, durability: "process" }), SqlClient.SqlClient, sql)
        )
      // the schema is brought up to date once
      yield* begin("first")
      const asked = new Set<string>()
      const prepare = database.prepare.bind(database)
      database.prepare = (text) => {
        asked.add(text)
        return prepare(text)
      }
      const { store } = yield* begin("first")
      const { list } = yield* store.crawl([target("a", "seed")], false)
      yield* store.commit({
        list,
        settled: [page(target("a", "seed"), [target("a", "next", 1)])],
        waiting: [],
        hosts: []
      })
      const { store: later } = yield* begin("second")
      yield* later.trust([])
      yield* later.partials
      yield* later.crawl([target("a", "seed")], false)
      yield* later.lease(list, 10, Date.now())
      yield* later.leaseBySite(list, 10, Date.now(), anyRoom)
      const plans = Array.from(asked)
        .filter((text) => /^\s*(?:SELECT|UPDATE|WITH)\b.*\btarget\b/s.test(text))
        .flatMap((text) =>
          prepare(`EXPLAIN QUERY PLAN ${text}`)
            .all()
            .map(({ detail }) => `${String(detail)}: ${text}`)
        )
      assert.isAbove(plans.length, 8)
      // those indexes have few rows
      const all = plans.filter((plan) =>
        /^SCAN target\b(?! USING (?:COVERING )?INDEX target_(?:part|lease|nearer)\b)/.test(plan)
      )
      assert.deepStrictEqual(all, [])
      // of a million that were never tried it reads none
      const waits = plans.filter((plan) => plan.includes("due > 1000000000 LIMIT"))
      assert.match(waits.join(), /SEARCH target USING INDEX target_open \(list=\? AND state=\? AND due>\?\)/)
      const indexed = prepare(`SELECT COUNT(*) AS rows FROM target INDEXED BY target_open WHERE ${SqlLists.isOpen}`)
      assert.strictEqual(indexed.get()!["rows"], 0)
      database.close()
    })
  )
  it.effect("sums up what hosts have only where they have a limit", () =>
    Effect.gen(function* () {
      const database = new DatabaseSync(":memory:")
      const sql = yield* NodeSqlite.over(database)
      const { store } = yield* Effect.provideService(
        SqlStore.make({ file: "store", boot: "boot", durability: "process" }),
        SqlClient.SqlClient,
        sql
      )
      yield* store.crawl([target("a", "seed")], false)
      const asked: Array<string> = []
      const prepare = database.prepare.bind(database)
      database.prepare = (text) => {
        asked.push(text)
        return prepare(text)
      }
      const sumsOfAll = Effect.gen(function* () {
        const entries = yield* Effect.provideService(SqlEntries.all("store"), SqlClient.SqlClient, sql)
        assert.lengthOf(yield* Stream.runCollect(entries), 1)
        return asked.splice(0).filter((text) => text.includes("SUM(")).length
      })
      assert.strictEqual(yield* sumsOfAll, 0)
      database.exec("UPDATE crawl SET most_of_host = 7")
      assert.strictEqual(yield* sumsOfAll, 1)
      database.close()
    })
  )

  it.effect("looks for no targets of sites that only wait, and tells when the first is due", () =>
    Effect.gen(function* () {
      const { sql, begin } = yield* database
      const store = yield* begin
      const seeds = Array.from({ length: 100 }, (_, index) => target(`s${index}`, "a"))
      const { list } = yield* store.crawl(seeds, false)
      yield* sql`UPDATE target SET due = 5000000000 + rowid WHERE url <> ${seeds[70]!.url}`
      let looks = 0
      const { unsafe } = sql
      Object.assign(sql, {
        unsafe: (text: string, values?: ReadonlyArray<unknown>) => {
          if (/ORDER BY due LIMIT/.test(text)) looks++
          return unsafe(text, values)
        }
      })
      const leased = yield* store.leaseBySite(list, 10, 4_000_000_000, anyRoom)
      assert.deepStrictEqual(names(leased.targets), ["s70 a"])
      assert.strictEqual(leased.dueMs, 5_000_000_001)
      assert.strictEqual(looks, 1)
    })
  )
})
