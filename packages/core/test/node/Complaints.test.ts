/**
 * What users of other pools complained of, as laws of ours. Each case is the report
 * of one: piscina, tinypool, workerpool, concurrent.futures.
 */
import { getEventListeners } from "node:events"
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type ExecutorError, Pool, Task } from "../../src/node/Pool.ts"
import type * as Fault from "../tasks/fault.task.ts"
import { collect } from "../collect.ts"
import type * as Work from "../tasks/work.task.ts"
import { begun, kinds, range, reasonOf, until } from "./Submitted.ts"

const fault = Task.module<typeof Fault>(new URL("../tasks/fault.task.ts", import.meta.url))
const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

const heapBytes = () => {
  collect()
  return process.memoryUsage().heapUsed
}

const alive = (pool: Pool) => pool.statistics().workers.filter(({ state }) => state !== "killing")

for (const [kind, isolated] of kinds)
  describe(`an executor of ${kind}`, () => {
    const open = (options: Parameters<typeof Pool.inline>[0] = {}) => Pool[kind]({ maximum: 1, grace: 50, ...options })

    describe("queue", () => {
      it("of no capacity lets tasks wait before it, and runs them all", async () => {
        await using pool = await open({ queue: { capacity: 0 } })
        assert.deepStrictEqual(await Promise.all(range(5).map((n) => pool.run(work.increment, [n]))), [1, 2, 3, 4, 5])
      })

      it("of no capacity has a worker for the next task after one that was cancelled before it began", async () => {
        await using pool = await open({ queue: { capacity: 0, policy: "fail" } })
        await pool.warm(1)
        const controller = new AbortController()
        const given = pool.run(work.increment, [1], { signal: controller.signal })
        controller.abort()
        assert.deepStrictEqual(await Promise.all([given, pool.run(work.increment, [2])].map(reasonOf)), [
          "AbortError",
          "gave 3"
        ])
      })

      it("of no capacity gives the worker of one that was cancelled before it began to the next that waits", async () => {
        await using pool = await open({ queue: { capacity: 0 } })
        await pool.warm(1)
        const controller = new AbortController()
        const ended: Array<string> = []
        const run = async (n: number, options = {}) =>
          ended.push(await reasonOf(pool.run(work.increment, [n], options)))
        const outcomes = [run(1, { signal: controller.signal }), run(2)]
        controller.abort()
        await Promise.all([...outcomes, run(3)])
        assert.deepStrictEqual(ended, ["AbortError", "gave 3", "gave 4"])
      })

      it("of no capacity refuses what no worker starts for, and nothing else", async () => {
        await using pool = await open({ maximum: 2, queue: { capacity: 0, policy: "fail" } })
        const outcomes = range(3).map((n) => reasonOf(pool.run(work.later, [20, n])))
        assert.deepStrictEqual(await Promise.all(outcomes), ["gave 0", "gave 1", "QueueFull"])
      })
    })

    describe("a signal", () => {
      it("keeps nothing of tasks that are settled, however they were", async () => {
        const { signal } = new AbortController()
        const pool = await open({ queue: { capacity: 1, policy: "fail" } })
        await pool.warm(1)
        const all = range(4).map((n) => reasonOf(pool.run(work.later, [1, n], { signal })))
        assert.deepStrictEqual(await Promise.all(all), ["gave 0", "gave 1", "QueueFull", "QueueFull"])
        await pool.shutdown()
        assert.strictEqual(await reasonOf(pool.run(work.increment, [1], { signal })), "ShutDown")
        assert.deepStrictEqual(getEventListeners(signal, "abort"), [])
      })

      it.runIf(kind === "inline")("keeps nothing of a map that goes on", async () => {
        await using pool = await open()
        const chunks = 4000
        let before = 0
        let kept = Number.NaN
        const source = function* () {
          for (let n = 0; n < 2 * chunks; n++) {
            // what is compiled, and learnt of types, stays
            if (n === chunks) before = heapBytes()
            yield n
          }
          kept = heapBytes() - before
        }
        await pool.map(source(), work.increment, { chunk: 1, signal: new AbortController().signal }).toArray()
        // a promise that waits for the signal keeps 250 bytes of each
        assert.isBelow(kept / chunks, 50)
      })

      it("ends a map over a source that gives no more", async () => {
        await using pool = await open()
        const controller = new AbortController()
        const source = async function* () {
          yield 1
          controller.abort()
          await new Promise(() => {})
        }
        const all = pool.map(source(), work.increment, { signal: controller.signal }).toArray()
        assert.strictEqual(await reasonOf(all), "AbortError")
      })

      it("that fires in storms leaves as many workers as may be, and all of them idle (piscina#788)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 2, grace: 0 })
        for (let storm = 0; storm < 3; storm++) {
          const controllers = range(6).map(() => new AbortController())
          const outcomes = controllers.map(({ signal }, n) =>
            reasonOf(n % 2 === 0 ? pool.run(work.spin, [600_000], { signal }) : pool.run(work.never, [], { signal }))
          )
          await pool.warm(1)
          for (const controller of controllers) controller.abort()
          assert.deepStrictEqual(
            await Promise.all(outcomes),
            range(6).map(() => "AbortError")
          )
        }
        await until(() => pool.statistics().workers.length === alive(pool).length)
        assert.isAtMost(alive(pool).length, 2)
        assert.strictEqual(pool.statistics().open, 0)
      })

      it("kills no other task silently (piscina#934)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 1, grace: 0, tasksPerWorker: 3 })
        await pool.warm(1)
        const controller = new AbortController()
        const { outcome: innocent } = await begun(pool, "wait", 600_000)
        const { outcome: aborted } = await begun(pool, "wait", 600_000, { signal: controller.signal })
        const repeated = pool.run(work.later, [20, 7], { idempotent: true })
        controller.abort()
        assert.strictEqual(await aborted, "AbortError")
        assert.strictEqual(await innocent, "CollateralKill")
        assert.strictEqual(await repeated, 7)
      })

      it("that ends a task spares the next one on its worker (workerpool#548)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 1, grace: 20 })
        for (const then of ["spin", "wait", "obey"] as const) {
          const controller = new AbortController()
          const { outcome } = await begun(pool, then, 600_000, { signal: controller.signal })
          const following = range(10).map((n) => pool.run(work.increment, [n]))
          controller.abort()
          assert.strictEqual(await outcome, "AbortError")
          assert.deepStrictEqual(
            await Promise.all(following),
            range(10).map((n) => n + 1)
          )
        }
      })
    })

    describe("a task", () => {
      it("that is submitted as its worker dies runs on another (workerpool#155)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 1 })
        for (let crashes = 0; crashes < 5; crashes++) {
          const crashed = pool.run(work.exit, [1]).catch(() => pool.run(work.increment, [1]))
          assert.strictEqual(await crashed, 2)
        }
      })

      it("may put something else in the place of `process` (tinypool)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 1 })
        assert.strictEqual(await pool.run(fault.loseProcess, []), "undefined")
        assert.deepStrictEqual(await pool.map(range(3), work.increment).toArray(), [1, 2, 3])
        assert.deepStrictEqual([pool.statistics().crashes, pool.statistics().workers.length], [0, 1])
      })

      it("overtakes no other of its priority (piscina#1031)", async () => {
        await using pool = await open({ maximum: 1, tasksPerWorker: 1 })
        const ended: Array<number> = []
        // signals, time-outs and cancelled neighbours change no order
        await Promise.all(
          range(60).map(async (n) => {
            const controller = new AbortController()
            const { signal } = controller
            const options = n % 4 === 1 ? { signal } : n % 4 === 2 ? { timeout: { run: 600_000 } } : {}
            const running = pool.run(work.increment, [n], options)
            if (n % 12 === 1) controller.abort()
            await running.then(
              () => ended.push(n),
              () => {}
            )
          })
        )
        assert.deepStrictEqual(
          ended,
          range(60).filter((n) => n % 12 !== 1)
        )
      })

      it("starts a worker of its own in a burst on a cold pool (piscina#1037)", async () => {
        await using pool = await open({ maximum: 3 })
        const all = range(5).map((n) => pool.run(work.later, [1, n]))
        assert.strictEqual(pool.statistics().workers.length, 3)
        assert.deepStrictEqual(await Promise.all(all), range(5))
      })

      it("is not kept once it is settled: neither its parameters nor its result (free_reference)", async () => {
        await using pool = await open()
        const { signal } = new AbortController()
        const ways: ReadonlyArray<(value: object) => Promise<unknown>> = [
          (value) => pool.run(fault.hold, [value], { signal }),
          (value) => pool.map([value], fault.hold).toArray(),
          (value) => pool.run(fault.rejectWith, [value]).catch(() => ({})),
          (value) => pool.run(work.echo, [{ value, call: () => 0 }]).catch(() => ({}))
        ]
        for (const way of ways) {
          const kept = await (async () => {
            const value = { parameter: true }
            return [new WeakRef(value), new WeakRef((await way(value)) as object)]
          })()
          await pool.run(work.increment, [1])
          await until(() => (collect(), kept.every((ref) => ref.deref() === undefined)))
        }
        // nor does the worker keep its copy
        assert.isFalse(await pool.run(fault.holds, []))
      })

      it("gets an error of its own, though one worker's death ended several (cpython#101267)", async () => {
        if (!isolated) return
        await using pool = await Pool[kind]({ maximum: 1, tasksPerWorker: 3 })
        const errors = await Promise.all([
          ...range(2).map(() => pool.run(work.never, []).catch((error: unknown) => error)),
          pool.run(work.throwLater, []).catch((error: unknown) => error)
        ])
        assert.deepStrictEqual(
          errors.map((error) => (error as ExecutorError).reason._tag),
          Array(3).fill("WorkerCrashed")
        )
        assert.strictEqual(new Set(errors).size, 3)
      })
    })

    describe("shutdown", () => {
      it("ends workers that are deaf to SIGTERM or never stop (tinypool#54, tinypool#69)", async () => {
        if (!isolated) return
        const pool = await Pool[kind]({ maximum: 2, grace: 0 })
        await pool.warm(2)
        const outcomes = [reasonOf(pool.run(fault.deafToTerm, [])), (await begun(pool, "spin", 600_000)).outcome]
        await pool.shutdown({ running: "kill" })
        assert.deepStrictEqual(await Promise.all(outcomes), ["ShutDown", "ShutDown"])
        assert.deepStrictEqual(pool.statistics().workers, [])
        assert.strictEqual(pool.statistics().stuck, 0)
      })

      it("by force leaves nothing that runs or waits (workerpool#418)", async () => {
        const pool = await open({ grace: 0 })
        const outcomes = range(20).map(() => reasonOf(pool.run(work.never, [])))
        await pool.warm(1)
        await pool.shutdown({ running: "kill", pending: "cancel" })
        assert.deepStrictEqual(
          await Promise.all(outcomes),
          range(20).map(() => "ShutDown")
        )
        const { workers, open: left, queued, running } = pool.statistics()
        assert.deepStrictEqual([workers, left, queued, running], [[], 0, 0, 0])
      })

      it("may be asked for twice, the second time with less patience", async () => {
        const pool = await open({ grace: 0 })
        const outcome = reasonOf(pool.run(work.never, []))
        await pool.warm(1)
        const patient = pool.shutdown()
        await pool.shutdown({ running: "kill" })
        await patient
        assert.strictEqual(await outcome, "ShutDown")
      })

      it("settles everything, with crashes and replacements in any order (cpython#115634)", () =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.constantFrom("ok", "exit", "later", "fail"), { minLength: 1, maxLength: 6 }),
            fc.integer({ min: 1, max: 3 }),
            fc.boolean(),
            async (program, tasks, idempotent) => {
              const pool = await open({ maximum: 2, recycle: { tasks } })
              const outcomes = program.map((step, n) => {
                if (step === "exit" && isolated) return reasonOf(pool.run(work.exit, [1], { idempotent }))
                if (step === "fail") return reasonOf(pool.run(work.fail, ["no"], { idempotent }))
                return reasonOf(step === "later" ? pool.run(work.later, [1, n]) : pool.run(work.echo, [n]))
              })
              await pool.shutdown()
              const exit = idempotent ? "PoisonTask" : "WorkerCrashed"
              assert.deepStrictEqual(
                await Promise.all(outcomes),
                program.map((step, n) =>
                  step === "exit" && isolated ? exit : step === "fail" ? "TypeError" : `gave ${n}`
                )
              )
              assert.deepStrictEqual(pool.statistics().workers, [])
            }
          ),
          { numRuns: isolated ? 4 : 50 }
        ))

      it("runs all that waits, though workers are replaced after every other task", async () => {
        const pool = await open({ recycle: { tasks: 2 } })
        const all = range(7).map((n) => pool.run(work.increment, [n]))
        await pool.shutdown()
        assert.deepStrictEqual(await Promise.all(all), [1, 2, 3, 4, 5, 6, 7])
        assert.deepStrictEqual(pool.statistics().workers, [])
      })

      it("settles what waits for a worker while none can start", async () => {
        if (!isolated) return
        const pool = await Pool[kind]({ maximum: 1, execArgv: ["--no-such-flag"] })
        const outcome = reasonOf(pool.run(work.increment, [1]))
        // after the second the next try is put off
        await until(() => pool.statistics().failedStarts >= 2)
        await pool.shutdown()
        assert.strictEqual(await outcome, "InitializationFailed")
      })

      it("ends a wait for workers, before and after", async () => {
        const pool = await open({ maximum: 2 })
        const waiting = reasonOf(pool.warm(2))
        await pool.shutdown()
        assert.include(["gave undefined", "ShutDown"], await waiting)
        assert.strictEqual(await reasonOf(pool.warm(1)), "ShutDown")
      })
    })

    it("takes no flags and no environment from Object.prototype (piscina, workerpool)", async () => {
      const prototype = Object.prototype as { env?: object; execArgv?: ReadonlyArray<string> }
      const pool = await open()
      try {
        prototype.env = { SIMUL_POLLUTED: "yes" }
        prototype.execArgv = ["--no-deprecation"]
        const seen = Promise.all([pool.run(work.environment, ["SIMUL_POLLUTED"]), pool.run(work.flags, [])])
        assert.strictEqual(pool.statistics().workers.length, 1)
        delete prototype.env
        delete prototype.execArgv
        const [polluted, flags] = await seen
        assert.strictEqual(polluted, undefined)
        assert.notInclude(flags, "--no-deprecation")
      } finally {
        delete prototype.env
        delete prototype.execArgv
        await pool.shutdown()
      }
    })

    it("whose set-up throws or ends its worker says so, to all that wait (init_fail)", async () => {
      const setups = isolated ? [work.failingSetup, fault.exits] : [work.failingSetup]
      for (const setup of setups) assert.strictEqual(await reasonOf(open({ setup })), "InitializationFailed")
      if (!isolated) return
      const pool = await Pool[kind]({ maximum: 2, execArgv: ["--no-such-flag"] })
      const outcomes = range(4).map(() => reasonOf(pool.run(work.increment, [1])))
      assert.deepStrictEqual(
        await Promise.all(outcomes),
        range(4).map(() => "InitializationFailed")
      )
      assert.strictEqual(await reasonOf(pool.run(work.increment, [1])), "CrashLoop")
      await pool.shutdown()
    })
  })

describe("a pool", () => {
  it("that is made as other pools are says how to make it", () => {
    const Constructor = Pool as unknown as new (options: object) => Pool
    assert.throws(
      () => new Constructor({ maximum: 2 }),
      "executor: a pool must be made by `Pool.threads`, `Pool.processes` or `Pool.inline`, got [object Object]"
    )
  })
})
