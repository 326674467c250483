import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as StoreQueue from "../../src/frontier/StoreQueue.ts"
import * as Politeness from "../../src/Politeness.ts"
import type { HostLimit, Store } from "../../src/Store.ts"
import type { Target } from "../../src/Target.ts"

const target = (url: string, attempts = 0): Target => ({ url, host: new URL(url).origin, path: "", attempts })
const idle = {
  list: 1,
  now: () => 1000,
  queuedAt: () => 0,
  room: () => Infinity,
  leased: () => [].values(),
  crawl: undefined
}
const list = (
  count: number,
  dueMs: number | undefined
): Pick<Store["Service"], "waiting" | "lease" | "leaseBySite"> => ({
  waiting: () => Effect.succeed({ count, dueMs }),
  lease: () => Effect.die("leases nothing"),
  leaseBySite: () => Effect.die("leases nothing")
})
const crawl = { open: 3, perSite: 64, mostOfHost: 2 }

describe("StoreQueue", () => {
  it.effect("is due when the first is, and when one that a commit made wait is due before", () =>
    Effect.gen(function* () {
      const queue = yield* StoreQueue.make(list(1, 5000), idle)
      assert.strictEqual(queue.dueMs(), 5000)
      queue.committed(7000)
      assert.strictEqual(queue.dueMs(), 5000)
      queue.committed(3000)
      assert.strictEqual(queue.dueMs(), 3000)
    })
  )

  it.effect("misses nothing that a commit made wait while it was leasing", () =>
    Effect.gen(function* () {
      const lease = Effect.succeed({ targets: [target("http://h/a")], dueMs: Infinity })
      const queue = yield* StoreQueue.make({ ...list(1, 0), lease: () => lease }, idle)
      const leased = yield* queue.lease(10)
      queue.park(target("http://h/b", 1))
      queue.committed(2000)
      queue.entered(leased)
      assert.strictEqual(queue.dueMs(), 2000)
      assert.strictEqual(queue.waiting(false), 1)
      assert.isFalse(queue.isEmpty())
    })
  )

  it.effect(
    "is due at once where the store has more for a site than there was room for, else when the next one is",
    () =>
      Effect.gen(function* () {
        let isLeft = true
        const leaseBySite = () => Effect.succeed({ targets: isLeft ? [target("http://h/a")] : [], dueMs: 9000, isLeft })
        const options = { ...idle, crawl: { ...crawl, mostOfHost: Infinity } }
        const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
        queue.entered(yield* queue.lease(10))
        assert.strictEqual(queue.dueMs(), 0)
        isLeft = false
        queue.entered(yield* queue.lease(10))
        assert.strictEqual(queue.dueMs(), 9000)
        queue.left("http://h")
        assert.strictEqual(queue.dueMs(), 9000)
      })
  )

  it.effect("looks again once half the room of a site is free, where it had no room for all", () =>
    Effect.gen(function* () {
      let queued = 64
      const leaseBySite = () => Effect.succeed({ targets: [], dueMs: Infinity, isLeft: true })
      const options = { ...idle, queuedAt: () => queued, crawl: { ...crawl, mostOfHost: Infinity } }
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
      queue.entered(yield* queue.lease(10))
      queued = 32
      queue.left("http://h")
      assert.strictEqual(queue.dueMs(), Infinity)
      queued = 31
      queue.left("http://h")
      assert.strictEqual(queue.dueMs(), 0)
    })
  )

  it.effect("leases no more of a site than its turns have room for, and looks at such sites together", () =>
    Effect.gen(function* () {
      let queued = 0
      const rooms: Array<number> = []
      const leaseBySite: Store["Service"]["leaseBySite"] = (_list, _limit, _now, room) => {
        rooms.push(room("http://h"))
        return Effect.succeed({ targets: [], dueMs: Infinity, isLeft: true })
      }
      const options = { ...idle, queuedAt: () => queued, room: () => 6, crawl: { ...crawl, mostOfHost: Infinity } }
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
      for (queued of [0, 6, 7]) queue.entered(yield* queue.lease(10))
      assert.deepStrictEqual(rooms, [6, 0, -1])
      queued = 3
      queue.left("http://h")
      assert.strictEqual(queue.dueMs(), Infinity)
      queued = 2
      queue.left("http://h")
      assert.strictEqual(queue.dueMs(), 2000)
    })
  )

  it.effect("misses no room that a site has while it is leasing", () =>
    Effect.gen(function* () {
      let queued = 6
      const leaseBySite = () => Effect.succeed({ targets: [], dueMs: Infinity, isLeft: true })
      const options = { ...idle, queuedAt: () => queued, room: () => 6, crawl: { ...crawl, mostOfHost: Infinity } }
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
      const leased = yield* queue.lease(10)
      queued = 0
      queue.left("http://h")
      queue.entered(leased)
      assert.strictEqual(queue.dueMs(), 2000)
    })
  )

  it.effect.each([
    { fact: "ten seconds of each would fill the line", sites: 400, jobs: 64, latencyMs: 100 },
    { fact: "all that is queued is asked for before an answer comes", sites: 20, jobs: 200, latencyMs: 5000 }
  ])("keeps all sites of a crawl at their pace where $fact", ({ sites, jobs, latencyMs }) =>
    Effect.gen(function* () {
      const window = Math.max(1024, 8 * jobs)
      let nowMs = 0
      const now = () => nowMs
      const backoff = { baseMs: 1, random: () => 0 }
      const politeness = Politeness.make({ perHost: 6, delayMs: 1000, strikes: 4, backoff, robots: false })
      let given = 0
      let turn = 0
      // sites without end, in turn
      const leaseBySite: Store["Service"]["leaseBySite"] = (_list, limit, _now, room) => {
        const targets: Array<Target> = []
        for (let looked = 0; looked < sites && targets.length < limit; looked++) {
          const host = `http://h${turn++ % sites}`
          const most = Math.min(room(host), limit - targets.length)
          for (let i = 0; i < most; i++) targets.push(target(`${host}/${given++}`))
        }
        return Effect.succeed({ targets, dueMs: Infinity, isLeft: true })
      }
      const { queuedAt } = politeness
      const room = (origin: string) => politeness.room(origin, nowMs)
      const options = { ...idle, now, queuedAt, room, crawl: { ...crawl, mostOfHost: Infinity } }
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
      const flying: Array<{ readonly target: Target; readonly endMs: number }> = []
      let answered = 0
      for (; nowMs < 20_000; nowMs += 10) {
        while (flying[0] !== undefined && flying[0].endMs <= nowMs) {
          const ended = flying.shift()!.target
          politeness.release(ended, nowMs, "answered")
          if (nowMs >= 10_000) answered++
        }
        if (queue.dueMs() <= nowMs && politeness.queued() < window) {
          const leased = yield* queue.lease(window - politeness.queued())
          leased.targets.forEach(politeness.add)
          queue.entered(leased)
        }
        for (const [shed] of politeness.shed(nowMs)) queue.park(shed)
        while (flying.length < jobs) {
          const admission = politeness.take(nowMs)
          if (admission === undefined) break
          queue.left(admission.target.host)
          flying.push({ target: admission.target, endMs: nowMs + latencyMs })
        }
      }
      assert.isAtLeast(answered, 0.98 * sites * 10)
    })
  )

  it.effect("counts as waiting all of a list, and of a crawl what was asked for, until it ends", () =>
    Effect.gen(function* () {
      const listed = yield* StoreQueue.make(list(2, 0), idle)
      listed.park(target("http://h/a"))
      assert.deepStrictEqual([listed.waiting(false), listed.waiting(true)], [3, 3])
      const crawled = yield* StoreQueue.make(list(0, undefined), { ...idle, crawl })
      crawled.park(target("http://h/a"))
      const hop = { url: "http://other/", host: "http://other", asked: [] }
      const asked = [target("http://h/b", 1), { ...target("http://h/c"), hop }]
      asked.forEach(crawled.park)
      assert.deepStrictEqual([crawled.waiting(false), crawled.waiting(true)], [2, 0])
      crawled.retried([target("http://h/a"), ...asked])
      assert.strictEqual(crawled.waiting(false), 0)
    })
  )

  it.effect("tells the store how many of each host are under way, where hosts have a limit", () =>
    Effect.gen(function* () {
      const told: Array<HostLimit | undefined> = []
      const leaseBySite: Store["Service"]["leaseBySite"] = (_list, _limit, _now, room, ofHost) => {
        told.push(ofHost)
        return Effect.succeed({ targets: [], dueMs: Infinity, isLeft: room("http://h") === 0 })
      }
      const leased = () => ["http://h/1", "https://h/2", "http://other/3"].values()
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, { ...idle, leased, crawl })
      yield* queue.lease(10)
      queue.limit(Infinity)
      yield* queue.lease(10)
      const taken = new Map([
        ["h", 2],
        ["other", 1]
      ])
      assert.deepStrictEqual(told, [{ most: 2, taken }, undefined])
    })
  )

  it.effect("has nothing more to give where all that waits in a crawl is beyond what its hosts may have", () =>
    Effect.gen(function* () {
      let underWay = ["http://h/1"]
      const leaseBySite = () => Effect.succeed({ targets: [], dueMs: Infinity, isLeft: false })
      const options = { ...idle, leased: () => underWay.values(), crawl }
      const queue = yield* StoreQueue.make({ ...list(0, undefined), leaseBySite }, options)
      assert.isFalse(queue.isEmpty())
      queue.entered(yield* queue.lease(10))
      assert.isFalse(queue.isEmpty())
      underWay = []
      assert.isTrue(queue.isEmpty())
      // what is not saved leaves room
      queue.committed(Infinity)
      assert.isFalse(queue.isEmpty())
    })
  )
})
