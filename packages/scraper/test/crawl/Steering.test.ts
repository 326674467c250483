import { assert, describe, it } from "@effect/vitest"
import * as Concurrently from "@simul/core/Concurrently"
import { Simulation } from "@simul/core/simulation"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SqlClient from "effect/sql/SqlClient"
import * as Committer from "../../src/Committer.ts"
import * as Crawl from "../../src/Crawl.ts"
import * as Following from "../../src/crawl/Following.ts"
import * as RulesText from "../../src/crawl/RulesText.ts"
import * as Steering from "../../src/crawl/Steering.ts"
import * as Frontier from "../../src/Frontier.ts"
import { defaults } from "../../src/Options.ts"
import type { Line } from "../../src/Pipeline.ts"
import * as Politeness from "../../src/Politeness.ts"
import type { Sink } from "../../src/Sink.ts"
import type { Store } from "../../src/Store.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlStore from "../../src/store/SqlStore.ts"
import type { Target } from "../../src/Target.ts"
import * as Idle from "../Idle.ts"

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

const soon = Effect.suspend(() => Effect.sleep(Math.floor(4 * Math.random())))
const sink: Pick<Sink["Service"], "held" | "sync"> = {
  held: () => 0,
  sync: () => Effect.as(soon, { placed: new Map(), failed: new Map(), archives: [], captures: [] })
}
/** Of a crawl with four targets, of which so many are saved, where each host may have one. */
const lineOf = Effect.fnUntraced(function* (store: Store["Service"], run: number, list: number, saved: number) {
  const politeness = Politeness.make({ ...Idle.politeness, perHost: 2 })
  const frontier = yield* Frontier.make(Cause.done(), store, politeness, {
    ...Idle.frontier,
    list,
    run,
    targets: 4,
    crawl: {
      open: 4 - saved,
      perSite: 10,
      saved,
      most: Infinity,
      mostOfHost: 1,
      isBounded: () => false,
      readAgain: () => Effect.succeed([])
    }
  })
  return { frontier, politeness }
})
/**
 * Of one host all that it may have is saved, another one answers late, and the limit is raised at about that time.
 * Gives what is saved in the end.
 */
const raised = Effect.gen(function* () {
  const { store, run } = yield* begin(yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" }))
  const late = page("b", "late")
  const targets = [...["one", "two", "three"].map((name) => page("a", name)), late]
  const { list } = yield* store.crawl(targets, false)
  yield* ruled(store, list, 1)
  const slow: typeof store = { ...store, ruled: (...asked) => Effect.andThen(soon, store.ruled(...asked)) }
  const { frontier, politeness } = yield* lineOf(slow, run, list, 0)
  const committer = yield* Committer.make({ store: slow, sink: sink as never }, politeness, frontier, {
    ...Idle.committer,
    list,
    isCrawl: true
  })
  yield* Effect.forkScoped(committer.run)
  yield* Effect.forkScoped(Effect.forever(committer.take))
  yield* Effect.forkScoped(frontier.run)
  const pages: Array<string> = []
  const visit = Effect.fnUntraced(function* ({ target }: Politeness.Admission) {
    yield* target.url === late.url ? Effect.sleep(20) : soon
    pages.push(target.url)
    frontier.settle(true)
    committer.settle(saved(target))
    frontier.release(target, "answered")
  })
  const line: Pick<Line, "change" | "limit" | "withdraw"> = {
    change: frontier.change,
    limit: ({ maxPages = Infinity, maxPagesPerHost = Infinity }) => frontier.limit(maxPages, maxPagesPerHost),
    withdraw: Effect.as(committer.flush, 0)
  }
  const raise = Effect.gen(function* () {
    yield* Effect.sleep(16 + Math.floor(6 * Math.random()))
    const change = steer(1)(line as Line, slow, list)({ maxPagesPerHost: 2 })
    return yield* Effect.isSuccess(change)
  })
  const work = Concurrently.forEachBounded(frontier.take, visit, { concurrency: 2, name: "worker" })
  const [isInTime] = yield* Effect.all([raise, work], { concurrency: 2 })
  return { isInTime, pages }
}).pipe(Effect.scoped)

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
      const line: Pick<Line, "change" | "limit" | "withdraw"> = {
        change: (change) => change,
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

  it.effect("loses no link where it is killed while it makes the rules narrower", () =>
    Effect.gen(function* () {
      const sql = yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" })
      const { store } = yield* begin(sql)
      const target = page("a", "one")
      const { list } = yield* store.crawl([target], false)
      const text = RulesText.encode([target.url], rules)
      yield* store.ruled(list, text, { maxPages: undefined, maxPagesPerHost: undefined })
      const read = async function* () {
        yield Buffer.from("<a href=/a2>x</a>")
      }
      const followed = () => Following.make([target.url], rules, { ...defaults, directory: "unused" }, read)
      const line: Pick<Line, "change" | "withdraw"> = {
        change: (change) => change,
        // a page is saved, and what it leads to passed over by the rules of then
        withdraw: Effect.andThen(
          store.commit({ list, settled: [saved(target)], waiting: [], hosts: [], isCrawl: true }),
          Effect.die("killed")
        )
      }
      const narrower = { include: ["/b/u"], exclude: ["/a2/u"], depth: null }
      const steer = Steering.make([target.url], rules, followed())(line as Line, store, list)
      assert.deepStrictEqual(yield* Effect.exit(steer(narrower)), Exit.die("killed"))
      const { store: later, run } = yield* begin(sql)
      const { targets } = yield* Crawl.listOf(later, run, followed(), [target], { refresh: false, text })
      assert.strictEqual(targets, 2)
    })
  )

  it.effect("reads what is saved when it is asked once more, where it could not be read at first", () =>
    Effect.gen(function* () {
      const { store } = yield* begin(yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" }))
      const target = page("a", "one")
      const { list } = yield* store.crawl([target], false)
      yield* store.commit({ list, settled: [saved(target)], waiting: [], hosts: [], isCrawl: true })
      let code = "ESTALE"
      const read = async function* () {
        if (code !== "") throw Object.assign(new Error(), { code })
        yield Buffer.from("<a href=/two>x</a>")
      }
      const following = Following.make([target.url], rules, { ...defaults, directory: "unused" }, read)
      const admitted: Array<number> = []
      const line: Pick<Line, "admit" | "change" | "readmit" | "withdraw"> = {
        change: (change) => change,
        readmit: () => Effect.void,
        admit: (_, links) => Effect.sync(() => admitted.push(links.length)),
        withdraw: Effect.succeed(0)
      }
      const steer = Steering.make([target.url], rules, following)(line as Line, store, list)
      const wider = { include: [], depth: null }
      assert.deepInclude(yield* Effect.flip(steer(wider)), { _tag: "DirectoryUnusable", code })
      code = ""
      for (let times = 0; times < 2; times++) yield* steer(wider)
      assert.deepStrictEqual(admitted, [1])
    })
  )

  it.effect("does not let the crawl end while what a limit held back is being released", () =>
    Effect.gen(function* () {
      let inTime = 0
      const { distinct } = yield* Simulation.explore(raised, {
        process: true,
        seeds: 60,
        invariants: {
          "the host has what it may have now": ({ pages, isInTime }) => {
            if (isInTime) inTime++
            return pages.length === 3 || !isInTime
          }
        }
      })
      assert.isAbove(distinct, 30)
      assert.isAbove(inTime, 0)
    })
  )

  it.effect("has nothing to retry that is left out, nor in the end what is held back", () =>
    Effect.gen(function* () {
      const { store, run } = yield* begin(yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL" }))
      const targets = ["one", "two", "three", "four"].map((name) => page("a", name))
      const { list } = yield* store.crawl(targets, false)
      yield* store.commit({ list, settled: [saved(targets[0]!)], waiting: [], hosts: [], isCrawl: true })
      const { frontier } = yield* lineOf(store, run, list, 1)
      const [, untried, ...tried] = targets.map((target, index) => ({ ...target, attempts: index < 2 ? 0 : 1 }))
      for (const target of tried) frontier.park(target)
      assert.strictEqual(frontier.statistics().waiting, 2)
      frontier.retried([untried!, tried[0]!])
      assert.strictEqual(frontier.statistics().waiting, 1)
      yield* Effect.forkScoped(frontier.run)
      assert.isTrue(Cause.isDone(yield* Effect.flip(frontier.take)))
      assert.strictEqual(frontier.statistics().waiting, 0)
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

  it("knows what both rules let in, or less", () => {
    const wide = { scope: "domain", include: [], exclude: [], sitemaps: false, traps: true } as const
    const { scope, include, exclude, depth } = rules
    assert.deepInclude(Steering.common(wide, rules), { scope, include, exclude, depth })
    assert.deepInclude(Steering.common(rules, wide), { scope, include, exclude, depth })
    assert.deepStrictEqual(Steering.common(wide, wide), wide)
    const other = { ...wide, include: [/a/u, /c/u], exclude: [/d/u], depth: 2 }
    assert.deepInclude(Steering.common(rules, other), { include: [/a/u], exclude: [/b/u, /d/u], depth: 2 })
    const apart = Steering.common(rules, { ...wide, include: [/c/u] })
    assert.isFalse(apart.include.some((pattern) => pattern.test("acb")))
    assert.isTrue(Steering.isWider(apart, rules))
  })
})
