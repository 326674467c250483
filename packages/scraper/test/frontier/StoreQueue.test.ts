import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as StoreQueue from "../../src/frontier/StoreQueue.ts"
import type { HostLimit, Store } from "../../src/Store.ts"
import type { Target } from "../../src/Target.ts"

const target = (url: string, attempts = 0): Target => ({ url, host: new URL(url).origin, path: "", attempts })
const idle = { list: 1, now: () => 1000, queuedAt: () => 0, leased: () => [].values(), crawl: undefined }
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
