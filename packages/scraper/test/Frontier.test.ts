import { assert, describe, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Frontier from "../src/Frontier.ts"
import * as Politeness from "../src/Politeness.ts"
import { DirectoryUnusable } from "../src/RunError.ts"
import { type Store, StoreFull } from "../src/Store.ts"
import type { Target } from "../src/Target.ts"
import * as Idle from "./Idle.ts"

const crawl: Frontier.CrawlOptions = {
  open: 0,
  perSite: 1,
  mostOfHost: Infinity,
  most: Infinity,
  saved: 0,
  isBounded: () => false,
  readAgain: () => Effect.succeed([])
}
/** Crawls these URLs of one site; four of them are queued. */
const crawlOf = Effect.fnUntraced(function* (urls: ReadonlyArray<string>) {
  const pending = urls.map((url): Target => ({ url, host: new URL(url).origin, path: "", attempts: 0, depth: 1 }))
  const store: Partial<Store["Service"]> = {
    hosts: () => Effect.succeed([]),
    nearer: () => Effect.succeed([]),
    leaseBySite: (_list, limit, _now, room) =>
      Effect.sync(() => {
        const targets = pending.splice(0, Math.min(limit, room("http://h")))
        return { targets, dueMs: Infinity, isLeft: pending.length > 0 }
      })
  }
  const politeness = Politeness.make(Idle.politeness)
  const frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], politeness, {
    ...Idle.frontier,
    crawl: { ...crawl, open: urls.length, perSite: 4 }
  })
  yield* Effect.forkScoped(frontier.run)
  while (politeness.queued() < 4) yield* Effect.yieldNow
  return { frontier, politeness }
})

describe("Frontier", () => {
  it.effect("waits for room where the store has none, for what it leases and for what it reads of the list", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      const told: Array<string> = []
      const written = <A>(what: string, value: A) =>
        Effect.suspend((): Effect.Effect<A, StoreFull> => {
          const isFirst = !told.includes(what)
          told.push(what)
          return isFirst ? Effect.fail(new StoreFull({ file: "" })) : Effect.succeed(value)
        })
      const target = { url: "http://h/a", host: "http://h", path: "", attempts: 1 }
      const store: Partial<Store["Service"]> = {
        waiting: () => Effect.succeed({ count: 1, dueMs: told.includes("room") ? undefined : 0 }),
        lease: () => written("lease", { targets: [target], dueMs: Infinity }),
        lookup: () => Effect.succeed(new Map()),
        hosts: () => written("hosts", [])
      }
      let left = 1
      const lines = [{ text: "http://h/b", number: 1 }]
      const next = Effect.suspend(() => (left-- > 0 ? Effect.succeed({ lines }) : Cause.done()))
      const frontier = yield* Frontier.make(next, store as Store["Service"], politeness, {
        ...Idle.frontier,
        claim: () => written("claim", ["b"]),
        room: Effect.sync(() => void told.push("room"))
      })
      yield* Effect.forkScoped(frontier.run)
      const urls = [yield* frontier.take, yield* frontier.take].map(({ target }) => target.url)
      assert.deepStrictEqual(urls, ["http://h/a", "http://h/b"])
      assert.deepStrictEqual(told, ["lease", "room", "lease", "hosts", "room", "hosts", "claim", "room", "claim"])
    })
  )

  it.effect("ends where nobody can tell whether what it leases is still there", () =>
    Effect.gen(function* () {
      const error = new DirectoryUnusable({ directory: "d", code: "EIO" })
      const target = { url: "http://h/a", host: "http://h", path: "a", attempts: 0, saved: { bytes: 1 } }
      const store: Partial<Store["Service"]> = {
        waiting: () => Effect.succeed({ count: 1, dueMs: 0 }),
        lease: () => Effect.succeed({ targets: [target], dueMs: Infinity }),
        hosts: () => Effect.succeed([])
      }
      const politeness = Politeness.make(Idle.politeness)
      const frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], politeness, {
        ...Idle.frontier,
        holds: () => {
          throw error
        }
      })
      yield* Effect.forkScoped(frontier.run)
      assert.strictEqual(yield* Effect.flip(frontier.take), error)
    })
  )

  it.effect("waits for room with the links of a page that is read again, which gives them once", () =>
    Effect.gen(function* () {
      const target = { url: "http://h/a", host: "http://h", path: "", attempts: 0, depth: 1 }
      const links = [{ ...target, url: "http://h/b" }]
      const pages = [{ target, finalUrl: target.url }]
      const rooms: Array<string> = []
      const linked: Array<ReadonlyArray<Target>> = []
      const done = yield* Deferred.make<void>()
      const store: Partial<Store["Service"]> = {
        nearer: () => Effect.sync(() => (linked.length === 0 ? pages : [])),
        link: (_, page, links) =>
          Effect.suspend(() => {
            assert.strictEqual(page, target)
            if (rooms.length === 0) return Effect.fail(new StoreFull({ file: "" }))
            linked.push(links)
            return Effect.as(Deferred.succeed(done, undefined), { added: links.length, isNearer: false })
          })
      }
      const frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], Politeness.make(Idle.politeness), {
        ...Idle.frontier,
        crawl: { ...crawl, isBounded: () => true, readAgain: () => Effect.sync(() => links.splice(0)) },
        room: Effect.sync(() => void rooms.push("room"))
      })
      yield* Effect.forkScoped(frontier.run)
      yield* Deferred.await(done)
      assert.deepStrictEqual(
        linked.map((links) => links.map(({ url }) => url)),
        [["http://h/b"]]
      )
    })
  )

  it.effect("looks at nothing while it has no room for what is due, and no host has its turn", () =>
    Effect.gen(function* () {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 0 })
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.useRealTimers()))
      const { window } = Idle.frontier
      let leased = 0
      const store: Partial<Store["Service"]> = {
        hosts: () => Effect.succeed([]),
        nearer: () => Effect.succeed([]),
        leaseBySite: (_, limit) =>
          Effect.sync(() => {
            const targets = Array.from({ length: limit }, () => {
              const host = `http://h${leased % window}`
              return { url: `${host}/${leased++}`, host, path: "", attempts: 0, depth: 1 }
            })
            return { targets, dueMs: Infinity, isLeft: true }
          })
      }
      let looks = 0
      const now = () => {
        looks++
        return Date.now()
      }
      const politeness = Politeness.make({ ...Idle.politeness, delayMs: 60_000 })
      const frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], politeness, {
        ...Idle.frontier,
        now,
        crawl: { ...crawl, open: 100 }
      })
      yield* Effect.forkScoped(frontier.run)
      for (let i = 0; i < window; i++) {
        const { target } = yield* frontier.take
        frontier.settle(true)
        frontier.release(target, "answered")
      }
      const worker = yield* Effect.forkScoped(frontier.take)
      while (politeness.queued() < window) yield* Effect.yieldNow
      yield* Effect.yieldNow
      const before = looks
      vi.advanceTimersByTime(50_000)
      // once, by the timer that was set while there was room
      assert.isBelow(looks - before, 10)
      vi.advanceTimersByTime(10_000)
      yield* Fiber.join(worker)
    })
  )

  it.effect("reads on behind a host that is long to wait for, and has its targets wait in the store", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      const pausedMs = 3_600_000
      const store: Partial<Store["Service"]> = {
        waiting: () => Effect.succeed({ count: 0, dueMs: undefined }),
        lookup: () => Effect.succeed(new Map()),
        hosts: (origins) =>
          Effect.succeed(
            origins
              .filter((host) => host === "http://slow")
              .map((host) => ({
                host,
                nextMs: 0,
                pausedMs,
                asked: true,
                strikes: 0,
                fault: "",
                delayMs: 0,
                crawlDelayMs: 0
              }))
          )
      }
      const slow = Array.from({ length: 40 }, (_, index) => `http://slow/${index}`)
      const lines = [...slow, "http://quick/"].map((text, index) => ({ text, number: index + 1 }))
      const next = Effect.suspend(() => {
        const batch = lines.splice(0, 10)
        return batch.length > 0 ? Effect.succeed({ lines: batch }) : Cause.done()
      })
      const parked: Array<readonly [url: string, dueMs: number]> = []
      let rooms = 0
      const frontier: Frontier.Frontier = yield* Frontier.make(next, store as Store["Service"], politeness, {
        ...Idle.frontier,
        claim: (urls) => Effect.succeed(urls.map(() => "x")),
        now: () => 0,
        park: (target, dueMs) => {
          frontier.park(target)
          parked.push([target.url, dueMs])
        },
        uncommitted: Effect.sync(() => void rooms++)
      })
      yield* Effect.forkScoped(frontier.run)
      assert.strictEqual((yield* frontier.take).target.url, "http://quick/")
      assert.strictEqual(politeness.queued(), 1)
      assert.deepStrictEqual(
        parked.map(([url]) => url),
        slow.slice(1)
      )
      assert.isTrue(parked.every(([, dueMs]) => dueMs >= pausedMs))
      assert.strictEqual(rooms, 4)
      assert.isTrue(frontier.isActive(slow.at(-1)!), "until its row is committed")
      assert.strictEqual(frontier.statistics().waiting, slow.length - 1)
    })
  )

  it.effect("of a crawl brings more of a site before it has answered", () =>
    Effect.gen(function* () {
      const urls = Array.from({ length: 9 }, (_, index) => `http://h/${index}`)
      const { frontier } = yield* crawlOf(urls)
      for (const url of urls) assert.strictEqual((yield* frontier.take).target.url, url)
    })
  )

  it.effect("of a crawl brings more of a site where what was queued of it is left out", () =>
    Effect.gen(function* () {
      const { frontier, politeness } = yield* crawlOf(["1", "2", "3", "4", "5"].map((name) => `http://h/${name}`))
      yield* frontier.change(Effect.sync(() => politeness.withdraw(() => true).forEach(frontier.leave)))
      assert.strictEqual((yield* frontier.take).target.url, "http://h/5")
    })
  )

  it.effect("of a crawl has sites that are long to wait for leave room for others", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      // as many sites, times the slots of each, as have the line full
      const slow = Array.from({ length: 5 }, (_, site) => `http://slow${site}`)
      const pending = [
        ...slow.flatMap((site) => Array.from({ length: 40 }, (_, index) => `${site}/${index}`)),
        "http://quick/"
      ]
      const store: Partial<Store["Service"]> = {
        hosts: (hosts) => {
          const clock = {
            nextMs: 0,
            pausedMs: 3_600_000,
            asked: true,
            strikes: 0,
            fault: "",
            delayMs: 0,
            crawlDelayMs: 0
          }
          return Effect.succeed(hosts.filter((host) => slow.includes(host)).map((host) => ({ ...clock, host })))
        },
        nearer: () => Effect.succeed([]),
        leaseBySite: (_list, limit, _now, room) => {
          const left = new Map<string, number>()
          const targets = pending
            .map((url) => ({ url, host: new URL(url).origin, path: "", attempts: 0, depth: 1 }))
            .filter(({ host }) => {
              const more = left.get(host) ?? room(host)
              left.set(host, more - 1)
              return more > 0
            })
            .slice(0, limit)
          for (const { url } of targets) pending.splice(pending.indexOf(url), 1)
          return Effect.succeed({ targets, dueMs: Infinity, isLeft: pending.length > 0 })
        }
      }
      const parked: Array<number> = []
      const frontier: Frontier.Frontier = yield* Frontier.make(Cause.done(), store as Store["Service"], politeness, {
        ...Idle.frontier,
        window: 30,
        crawl: { ...crawl, open: pending.length, perSite: 30 },
        now: () => 0,
        park: (target, dueMs) => {
          frontier.park(target)
          pending.push(target.url)
          parked.push(dueMs)
        },
        uncommitted: Effect.sync(() => frontier.committed([], 0))
      })
      yield* Effect.forkScoped(frontier.run)
      assert.strictEqual((yield* frontier.take).target.url, "http://quick/")
      assert.deepStrictEqual(
        slow.map((site) => politeness.queuedAt(site)),
        slow.map(() => 1)
      )
      // in the order that they had there
      assert.isTrue(parked.every((dueMs) => dueMs === 0))
    })
  )

  it.effect("leaves room for other hosts where many redirects lead to one that is paused", () =>
    Effect.gen(function* () {
      const politeness = Politeness.make(Idle.politeness)
      const store: Partial<Store["Service"]> = {
        hosts: () => Effect.succeed([]),
        waiting: () => Effect.succeed({ count: 0, dueMs: undefined })
      }
      const frontier = yield* Frontier.make(Effect.never, store as Store["Service"], politeness, {
        ...Idle.frontier,
        window: 40,
        now: () => 0
      })
      const led: Target = { url: "http://h/", host: "http://h", path: "", attempts: 0 }
      const hop = { url: "https://h/", host: "https://h", asked: ["http://h/a "] }
      const turn = frontier.turn({ ...led, hop })
      yield* turn
      const { target } = yield* frontier.take
      frontier.release(target, { pauseMs: 3_600_000 })
      const [first, ...later] = yield* Effect.all(Array.from({ length: 12 }, () => turn))
      assert.isUndefined(first)
      assert.isTrue(later.every((dueMs) => dueMs! >= 3_600_000))
      yield* frontier.turn({ ...led, hop: { ...hop, host: "https://other" } })
      assert.deepStrictEqual([politeness.queued(), politeness.queuedAt("https://other")], [2, 1])
    })
  )
})
