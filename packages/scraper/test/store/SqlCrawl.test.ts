import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SqlClient from "effect/sql/SqlClient"
import type { Outcome } from "../../src/Outcome.ts"
import type { Settled } from "../../src/Store.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
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
      assert.strictEqual(yield* add([page(target("a", "seed"), [...links, ...links])]), 300)
      assert.strictEqual(yield* add([page(links[0]!, [...links, target("b", "new", 2)])]), 1)
      assert.deepStrictEqual(yield* store.crawl([], false), { list, found: 301, ended: 2, saved: 2, rules: undefined })
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
      assert.deepStrictEqual(names(two.targets), ["a n0", "a n1", "b only", "c only"])
      assert.deepStrictEqual(names((yield* lease(10, () => 0)).targets), [])
      assert.deepStrictEqual(names((yield* lease(1)).targets), ["a n2"])
      const { targets, dueMs } = yield* lease(10)
      assert.deepStrictEqual([names(targets), targets[0]!.depth, dueMs], [["a far"], 3, Infinity])
      assert.deepStrictEqual(names((yield* lease(10)).targets), [])
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

  it.effect("says when what waits is due", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { list } = yield* store.crawl([], false)
      const dueMs = Date.now() + 60_000
      const waiting = [{ target: target("a", "later", 1), dueMs, leased: false }]
      yield* store.commit({ list, settled: [], waiting, hosts: [], isCrawl: true })
      const leased = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(leased, { targets: [], dueMs })
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

  it.effect("takes over what a list had, with what is saved of it", () =>
    Effect.gen(function* () {
      const store = yield* (yield* database).begin
      const { depth: _, ...listed } = target("a", "listed")
      yield* store.commit({ list: yield* store.newList, settled: [page(listed, [])], waiting: [], hosts: [] })
      const { list } = yield* store.crawl([], false)
      const settled = [page(target("a", "seed"), [target("a", "listed", 1)])]
      assert.strictEqual(yield* store.commit({ list, settled, waiting: [], hosts: [], isCrawl: true }), 1)
      const { targets } = yield* store.leaseBySite(list, 10, Date.now(), anyRoom)
      assert.deepStrictEqual(targets[0]!.saved, { bytes: 3, sha256: "ab" })
    })
  )
})
