import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SqlClient from "effect/sql/SqlClient"
import * as Following from "../../src/crawl/Following.ts"
import * as Steering from "../../src/crawl/Steering.ts"
import { defaults } from "../../src/Options.ts"
import type { Line } from "../../src/Pipeline.ts"
import type { Store } from "../../src/Store.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"
import type { Target } from "../../src/Target.ts"

const rules = {
  scope: "host",
  include: [/a/u],
  exclude: [/b/u],
  depth: 3,
  sitemaps: false,
  traps: true,
  maxPages: 9
} as const

const page = (host: string, name: string): Target => {
  return { url: `http://${host}.test/${name}`, host: `http://${host}.test`, path: "", attempts: 0, depth: 1 }
}
const saved = (target: Target) => {
  const outcome = {
    _tag: "Saved",
    url: target.url,
    attempts: 1,
    durationMs: 1,
    status: 200,
    path: "p",
    bytes: 1
  } as const
  return { target, outcome }
}
/** Begins a run of the crawl whose store lies there. */
const begin = (sql: SqlClient.SqlClient) =>
  Effect.provideService(SqlStore.make({ file: "store", boot: "boot", durability: "process" }), SqlClient.SqlClient, sql)
const ruled = (store: Store["Service"], list: number, maxPagesPerHost: number) =>
  store.ruled(list, "[]", { maxPages: undefined, maxPagesPerHost })
const steer = (maxPagesPerHost: number) => {
  const begun = { ...rules, maxPagesPerHost }
  return Steering.make([], begun, Following.make([], begun, { ...defaults, directory: "unused" }))
}

describe("Steering", () => {
  it.effect("leaves nothing held back for ever where it is killed while it lowers a limit", () =>
    Effect.gen(function* () {
      const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
      const { store } = yield* begin(sql)
      const names = ["one", "two", "three"]
      const targets = names.map((name) => page("a", name))
      const { list } = yield* store.crawl(targets, false)
      yield* ruled(store, list, 3)
      yield* store.commit({ list, settled: [saved(targets[0]!)], waiting: [], hosts: [], isCrawl: true })
      let most = 3
      const lease = (from: typeof store) =>
        Effect.suspend(() => from.leaseBySite(list, 9, 1, () => 9, { most, taken: new Map() }))
      const line: Pick<Line, "limit" | "withdraw"> = {
        limit: ({ maxPagesPerHost }) => void (most = maxPagesPerHost!),
        // the line goes on meanwhile
        withdraw: Effect.flatMap(lease(store), ({ targets }) => Effect.die(targets.length))
      }
      const killed = yield* Effect.exit(steer(3)(line as Line, store, list)({ maxPagesPerHost: 1 }))
      assert.deepStrictEqual(killed, Exit.die(0))
      const { store: later } = yield* begin(sql)
      yield* ruled(later, list, (most = 3))
      assert.strictEqual((yield* lease(later)).targets.length, 2)
    })
  )

  it("changes what is named, and leaves the rest", () => {
    assert.deepStrictEqual(Steering.changed(rules, {}), rules)
    assert.deepStrictEqual(Steering.changed(rules, { exclude: ["/c\\/d/u"], depth: 5 }), {
      ...rules,
      exclude: [/c\/d/u],
      depth: 5
    })
    const { depth: _, maxPages: __, ...unbounded } = rules
    assert.deepStrictEqual(Steering.changed(rules, { depth: null, maxPages: null, include: [] }), {
      ...unbounded,
      include: []
    })
  })

  it("knows which changes may let something in", () => {
    const isWider = (change: Parameters<typeof Steering.changed>[1]) =>
      Steering.isWider(rules, Steering.changed(rules, change))
    for (const narrower of [
      {},
      { depth: 2 },
      { exclude: ["/b/u", "/c/u"] },
      { maxPages: 100 },
      { scope: "path" },
      { include: ["/a/u"] }
    ] as const)
      assert.isFalse(isWider(narrower), JSON.stringify(narrower))
    for (const wider of [
      { depth: 4 },
      { depth: null },
      { exclude: [] },
      { include: [] },
      { include: ["/a/u", "/d/u"] },
      { scope: "domain" }
    ] as const)
      assert.isTrue(isWider(wider), JSON.stringify(wider))
    assert.isFalse(Steering.isWider({ ...rules, include: [] }, rules))
  })
})
