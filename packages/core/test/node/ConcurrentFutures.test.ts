/**
 * Cases of CPython's test_concurrent_futures as properties of ours, each under the name
 * it has there. Its matrix of faults is in `Faults.test.ts`; init_fail, free_reference
 * and max_tasks_per_child are in `Complaints.test.ts`; wait and as_completed, where an
 * executor plays no part, in `WaitFor.test.ts` and `Concurrently.test.ts`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import * as fc from "fast-check"
import { Pool, Task } from "../../src/node/Pool.ts"
import type * as Work from "../tasks/work.task.ts"
import { begun, kinds, range, reasonOf } from "./Submitted.ts"

const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

for (const [kind, isolated] of kinds)
  describe(`an executor of ${kind}`, () => {
    const open = (options: Parameters<typeof Pool.inline>[0] = {}) => Pool[kind]({ maximum: 1, grace: 50, ...options })

    it("that is shut down lets those end that run and cancels the rest: all are settled (cancel_futures)", () =>
      fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 30 }), async (maximum, tasks) => {
          const pool = await open({ maximum })
          const { outcome } = await begun(pool, "wait", 5)
          const outcomes = range(tasks).map((n) => reasonOf(pool.run(work.later, [1, n])))
          await pool.shutdown({ pending: "cancel" })
          assert.strictEqual(await outcome, "gave 5")
          for (const [n, settled] of (await Promise.all(outcomes)).entries())
            assert.include([`gave ${n}`, "ShutDown"], settled)
          const { submitted, succeeded, failed, workers } = pool.statistics()
          assert.deepStrictEqual([submitted, workers], [succeeded + failed, []])
        }),
        { numRuns: isolated ? 3 : 50 }
      ))

    it("that is shut down after a task that was cancelled at once ends (hang_gh94440)", () =>
      fc.assert(
        fc.asyncProperty(fc.boolean(), fc.nat({ max: 3 }), async (warm, turns) => {
          const pool = await open()
          if (warm) await pool.run(work.increment, [1])
          const controller = new AbortController()
          const outcome = reasonOf(pool.run(work.never, [], { signal: controller.signal }))
          for (let turn = 0; turn < turns; turn++) await new Promise((wake) => setImmediate(wake))
          controller.abort()
          await pool.shutdown()
          assert.strictEqual(await outcome, "AbortError")
          assert.deepStrictEqual(pool.statistics().workers, [])
        }),
        { numRuns: isolated ? 3 : 50 }
      ))

    it("that is shut down under a map ends the map, after some of its results (shutdown_race_issue12456)", () =>
      fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 40 }),
          fc.constantFrom("run", "cancel"),
          fc.constantFrom("wait", "cancel", "kill"),
          async (read, pending, running) => {
            const pool = await open({ maximum: 2 })
            const results = pool.map(range(200), work.increment, { chunk: 3 })[Symbol.asyncIterator]()
            const values: Array<number> = []
            const pull = async () => {
              const { done, value } = await results.next()
              if (done !== true) values.push(value)
              return done
            }
            while (values.length < read) await pull()
            const ended = pool.shutdown({ pending, running })
            const end = (async () => {
              while ((await pull()) !== true);
            })()
            assert.include(["gave undefined", "ShutDown"], await reasonOf(end))
            await ended
            assert.isAtLeast(values.length, read)
            assert.deepStrictEqual(
              values,
              range(values.length).map((n) => n + 1)
            )
          }
        ),
        { numRuns: isolated ? 3 : 50 }
      ))

    it("keeps what it has begun when a map of it ends by a time-out (map_timeout)", async () => {
      await using pool = await open({ maximum: 2 })
      const values: Array<number> = []
      const controller = new AbortController()
      const reading = (async () => {
        const results = pool.map([0, 1, 600_000], work.waited, { chunk: 1, signal: controller.signal })
        for await (const value of results)
          if (values.push(value) === 2) controller.abort(new DOMException("", "TimeoutError"))
      })()
      assert.strictEqual(await reasonOf(reading), "TimeoutError")
      assert.deepStrictEqual(values, [0, 1])
      assert.strictEqual(await pool.run(work.increment, [1]), 2)
    })

    it("cancels what a map that is left has not begun (executor_map_current_future_cancel)", async () => {
      await using pool = await open()
      const { outcome } = await begun(pool, "wait", 20)
      const results = pool.map(["second", "third"], work.count, { chunk: 1 })[Symbol.asyncIterator]()
      const next = results.next()
      await results.return!()
      assert.strictEqual((await next).done, true)
      assert.strictEqual(await outcome, "gave 20")
      // neither has run: the first count of a key is 1
      assert.deepStrictEqual(await pool.map(["second", "third"], work.count).toArray(), [1, 1])
    })

    it("runs one task after the other on one worker (idle_thread_reuse)", async () => {
      await using pool = await open({ maximum: 4 })
      for (const n of range(5)) assert.strictEqual(await pool.run(work.increment, [n]), n + 1)
      assert.strictEqual(pool.statistics().workers.length, 1)
    })

    it("starts no more workers than it may, however many tasks wait (saturation)", async () => {
      await using pool = await open({ maximum: 3 })
      const all = range(45).map((n) => pool.run(work.later, [1, n]))
      assert.strictEqual(pool.statistics().workers.length, 3)
      assert.deepStrictEqual(await Promise.all(all), range(45))
      assert.strictEqual(pool.statistics().workers.length, 3)
    })

    it("fails what waits, when a worker is spent and no other can start (failed_worker_replacement)", async () => {
      if (!isolated) return
      const folder = mkdtempSync(join(tmpdir(), "simul-"))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const broken = join(folder, "broken")
      const env = { ...(process.env as Record<string, string>), SIMUL_BROKEN: broken }
      const pool = await Pool[kind]({ maximum: 1, env, setup: work.setupUnlessBroken, recycle: { tasks: 1 } })
      writeFileSync(broken, "")
      const outcomes = range(3).map((n) => reasonOf(pool.run(work.later, [1, n])))
      assert.deepStrictEqual(await Promise.all(outcomes), ["gave 0", "InitializationFailed", "InitializationFailed"])
      await pool.shutdown()
    })

    it("replaces a worker that somebody else killed, idle or busy (killed_child)", async () => {
      if (kind !== "processes") return
      await using pool = await open()
      for (const busy of [false, true]) {
        const [pid] = (await pool.run(work.whoAmI, [])).split(" ")
        const outcome = busy ? (await begun(pool, "spin", 600_000)).outcome : "WorkerCrashed"
        process.kill(Number(pid), "SIGTERM")
        assert.strictEqual(await outcome, "WorkerCrashed")
        assert.notStrictEqual(await pool.run(work.whoAmI, [], { idempotent: true }), `${pid} 0`)
      }
    })
  })
