/**
 * The laws of an executor, over threads, processes and in process. Where a law
 * speaks of any program, fast-check makes them and prints seed and path of one that
 * breaks it.
 */
import { deepStrictEqual } from "node:assert"
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ExecutorError, Pool, Task } from "../../src/node/Pool.ts"
import type * as Throws from "../tasks/throws.task.ts"
import type * as Work from "../tasks/work.task.ts"
import { begun, failureOf, kinds, range, reasonOf, until } from "./Submitted.ts"

const url = new URL("../tasks/work.task.ts", import.meta.url)
const work = Task.module<typeof Work>(url)
const other = (name: string) => Task.module<typeof Throws>(new URL(`../tasks/${name}.task.ts`, import.meta.url)).never

// the options that there are
const submit = "priority key timeout idempotent transfer onProgress signal"
const mapped = "chunk buffer priority idempotent transfer signal"
const executor =
  "name minimum maximum spare tasksPerWorker idleTimeToLive grace bootTimeout queue recycle tasks setup teardown errors onEvent heapLimitBytes env execArgv cwd permission"

/** Aborted by hand. */
const aborting = () => {
  const controller = new AbortController()
  return { signal: controller.signal, abort: () => controller.abort(new DOMException("enough", "AbortError")) }
}

for (const [kind, isolated] of kinds)
  describe(`an executor of ${kind}`, () => {
    let pool: Pool
    beforeAll(async () => {
      pool = await Pool[kind]({ maximum: 2, grace: 50 })
    })
    afterAll(() => pool.shutdown())
    const open = (options: Parameters<typeof Pool.inline>[0] = {}) => Pool[kind]({ maximum: 2, grace: 50, ...options })

    describe("results", () => {
      it("come from a module that is named by its path, whatever that has in it", async () => {
        if (!isolated) return
        const folder = await mkdtemp(join(tmpdir(), "simul #1, 100%25? "))
        try {
          const path = join(folder, "one.task.mjs")
          await writeFile(path, "export const one = () => 1")
          assert.strictEqual(await pool.run(Task.module<{ one: () => number }>(path).one, []), 1)
        } finally {
          await rm(folder, { recursive: true })
        }
      })

      it("come back, also from asynchronous tasks", async () => {
        assert.strictEqual(await pool.run(work.increment, [41]), 42)
        assert.strictEqual(await pool.run(work.later, [1, 7]), 7)
      })

      it("are copies: any value that can be cloned comes back equal", () =>
        fc.assert(
          fc.asyncProperty(
            fc.anything({
              withBigInt: true,
              withDate: true,
              withMap: true,
              withSet: true,
              withTypedArray: true,
              withNullPrototype: false
            }),
            // chai orders the keys of a Map by their text, which an object with a `toString` of its own may not have
            async (value) => deepStrictEqual(await pool.run(work.echo, [value]), structuredClone(value))
          ),
          { numRuns: 50 }
        ))

      it("of a map are as many as its items, beyond what a call can have for arguments", async () => {
        const items = range(20_000)
        assert.deepStrictEqual(await pool.map(items, work.echo, { chunk: 1 }).toArray(), items)
      })

      it("of a map over an array that changes meanwhile are as many as it has when they are pulled", async () => {
        for (const [change, left] of [
          [(items: Array<number>) => (items.length = 100), 100],
          [(items: Array<number>) => items.push(1000), 1001]
        ] as const) {
          const items = range(1000)
          const results = pool.map(items, work.echo, { buffer: 10 }).toArray()
          change(items)
          assert.deepStrictEqual(await results, range(left))
        }
      })

      it("of a map come in order, one for each item, whatever the chunks and the buffer", () =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer(), { maxLength: 300 }),
            fc.oneof(fc.constant("auto" as const), fc.integer({ min: 1, max: 50 })),
            fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
            async (items, chunk, buffer) => {
              const options = { chunk, ...(buffer !== undefined && { buffer }) }
              assert.deepStrictEqual(
                await pool.map(items, work.increment, options).toArray(),
                items.map((n) => n + 1)
              )
              const seen = await pool.mapUnordered(items, work.increment, options).toArray()
              assert.deepStrictEqual(
                seen.toSorted(([a], [b]) => a - b),
                items.map((n, index) => [index, n + 1] as const)
              )
            }
          ),
          { numRuns: 25 }
        ))

      it("of a map over an asynchronous source come in order too", async () => {
        const source = async function* () {
          for (const n of range(50)) {
            if (n % 7 === 0) await new Promise((wake) => setImmediate(wake))
            yield n
          }
        }
        assert.deepStrictEqual(
          await pool.map(source(), work.increment).toArray(),
          range(50).map((n) => n + 1)
        )
      })

      it("of a generator come one by one, and progress before the result", async () => {
        const values: Array<number> = []
        for await (const value of pool.stream(work.upTo, [100])) values.push(value)
        assert.deepStrictEqual(values, range(100))
        const told: Array<unknown> = []
        assert.strictEqual(await pool.run(work.report, [3], { onProgress: (value) => told.push(value) }), "done")
        assert.deepStrictEqual(told, [0, 1, 2])
      })
    })

    describe("a task that has ended", () => {
      it("tells the next one of its worker nothing", async () => {
        await using one = await open({ maximum: 1 })
        await one.run(work.lingers, [])
        const told: Array<unknown> = []
        const onProgress = (value: unknown) => told.push(value)
        assert.strictEqual(await one.run(work.afterLingering, [], { onProgress }), "cancelled, refused")
        assert.deepStrictEqual(told, [])
      })
    })

    describe("bounds", () => {
      it("a map never has more items than its buffer between source and reader", () =>
        fc.assert(
          fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.boolean(), async (buffer, ordered) => {
            let pulled = 0
            let read = 0
            let most = 0
            const source = function* () {
              for (const n of range(200)) {
                pulled++
                most = Math.max(most, pulled - read)
                yield n
              }
            }
            const results: AsyncIterable<unknown> = pool[ordered ? "map" : "mapUnordered"](source(), work.increment, {
              buffer
            })
            const iterator = results[Symbol.asyncIterator]()
            while ((await iterator.next()).done !== true) read++
            assert.strictEqual(read, 200)
            assert.isAtMost(most, buffer)
          }),
          { numRuns: 10 }
        ))

      it("a map gives each reader that asks at once a value of its own, in order", async () => {
        const results = pool.map(range(5), work.increment, { chunk: 2 })[Symbol.asyncIterator]()
        const asked = await Promise.all(range(7).map(() => results.next()))
        assert.deepStrictEqual(
          asked.map(({ value }) => value),
          [1, 2, 3, 4, 5, undefined, undefined]
        )
        const left = pool.map(range(5), work.increment, { chunk: 5 })[Symbol.asyncIterator]()
        assert.strictEqual((await left.next()).value, 1)
        await left.return!()
        assert.deepStrictEqual(await left.next(), { done: true, value: undefined })
      })

      it("a map that is left returns its source and leaves nothing under way", async () => {
        let returned = false
        const source = function* () {
          try {
            for (let n = 0; ; n++) yield n
          } finally {
            returned = true
          }
        }
        for await (const value of pool.map(source(), work.increment)) if (value === 10) break
        assert.isTrue(returned)
        await pool.drain()
        assert.strictEqual(pool.statistics().open, 0)
      })

      it("a full queue lets a task wait, fails it, or drops the one that waits longest, as it was told", async () => {
        for (const [policy, expected] of [
          ["suspend", ["gave 1", "gave 2", "gave 3"]],
          ["fail", ["gave 1", "gave 2", "QueueFull"]],
          ["drop", ["gave 1", "Dropped", "gave 3"]]
        ] as const) {
          await using one = await open({ maximum: 1, queue: { capacity: 1, policy } })
          await one.warm(1)
          const outcomes = [1, 2, 3].map((n) => reasonOf(one.run(work.later, [20, n])))
          assert.strictEqual(one.statistics().suspended, policy === "suspend" ? 1 : 0)
          assert.deepStrictEqual(await Promise.all(outcomes), [...expected])
        }
      })
    })

    describe("order", () => {
      it("within a priority first come is first served; a higher one overtakes", () =>
        fc.assert(
          fc.asyncProperty(
            fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 1, maxLength: 20 }),
            async (priorities) => {
              await using one = await open({ maximum: 1, queue: { age: 1e9 } })
              await one.warm(1)
              const ended: Array<number> = []
              const first = one.run(work.later, [1, 0])
              // a time-out keeps them from being sent ahead, where an order is already given
              const rest = priorities.map((priority, index) =>
                one.run(work.increment, [index], { priority, timeout: { run: 60_000 } }).then(() => ended.push(index))
              )
              await Promise.all([first, ...rest])
              const expected = priorities
                .map((priority, index) => ({ priority, index }))
                .toSorted((one, other) => other.priority - one.priority || one.index - other.index)
              assert.deepStrictEqual(
                ended,
                expected.map(({ index }) => index)
              )
            }
          ),
          { numRuns: kind === "inline" ? 20 : 3 }
        ))

      it("tasks with the same key share a worker", async () => {
        const counts = await Promise.all(
          range(20).map((n) => pool.run(work.count, [`k${n % 4}`], { key: `k${n % 4}` }))
        )
        for (const key of range(4))
          assert.deepStrictEqual(
            counts.filter((_, n) => n % 4 === key),
            [1, 2, 3, 4, 5]
          )
      })

      it("a burst on a cold pool starts as many workers as it may", async () => {
        await using cold = await open({ maximum: 3 })
        const all = range(3).map((n) => cold.run(work.later, [30, n]))
        assert.strictEqual(cold.statistics().workers.length, 3)
        await Promise.all(all)
      })
    })

    describe("errors", () => {
      it("of a task come back with class, message and cause", async () => {
        try {
          await pool.run(work.fail, ["wrong"])
          assert.fail("gave a result")
        } catch (error) {
          assert.instanceOf(error, TypeError)
          assert.strictEqual(error.message, "wrong")
          assert.instanceOf(error.cause, RangeError)
          const [worker, here] = error.stack!.split("--- submitted from ---")
          assert.include(worker, "work.task.ts")
          assert.include(here, "Executors.test.ts")
        }
        assert.strictEqual(await reasonOf(pool.run(work.reject, ["x"])), "RangeError")
      })

      it("of the executor show where the task was submitted, and nothing of the executor", async () => {
        const uncopied = [Symbol("a")] as never
        for (const outcome of [
          () => pool.run(work.never, [], { timeout: { run: 1 } }),
          () => pool.run(work.increment, uncopied),
          () => pool.map(uncopied, work.increment).toArray(),
          () => pool.stream(work.upTo, uncopied)[Symbol.asyncIterator]().next()
        ])
          try {
            await outcome()
            assert.fail("gave a result")
          } catch (error) {
            assert.instanceOf(error, ExecutorError)
            const [head, ...frames] = error.stack!.split("\n")
            assert.strictEqual(head, `ExecutorError: ${error.message}`)
            assert.include(frames[0], "Executors.test.ts")
            assert.notInclude(error.stack, "Engine")
          }
      })

      it("of a map name the item, after the results of those before it", async () => {
        const values: Array<number> = []
        try {
          for await (const value of pool.map(range(100), work.failAt)) values.push(value)
          assert.fail("gave all")
        } catch (error) {
          assert.instanceOf(error, RangeError)
        }
        assert.deepStrictEqual(values, range(13))
      })

      it("of a generator come after its values", async () => {
        const values: Array<number> = []
        const reading = (async () => {
          for await (const value of pool.stream(work.failing, [40])) values.push(value)
        })()
        assert.strictEqual(await reasonOf(reading), "RangeError")
        assert.deepStrictEqual(values, range(40))
      })

      it("say what to do with a stream of a task that is no generator", async () => {
        const { message } = await failureOf(
          (async () => {
            for await (const value of pool.stream(work.increment as never, [1] as never)) assert.fail(String(value))
          })()
        )
        assert.strictEqual(message, "increment gives one value: `run` it, or make it a generator to stream it")
      })

      it("say what to do with a generator that is run, or that a map is given", async () => {
        const message = (task: string) =>
          `${task}: result is a generator and cannot be copied; \`stream\` the task for its values`
        const run = (task: unknown) => pool.run(task as typeof work.increment, [1])
        assert.strictEqual((await failureOf(run(work.upTo))).message, message("upTo"))
        assert.strictEqual((await failureOf(run(work.failing))).message, message("failing"))
        const all = pool.map([1], work.upTo as unknown as typeof work.increment).toArray()
        assert.strictEqual((await failureOf(all)).message, message("upTo, item 0"))
      })

      it("name what cannot be copied, there and back, and the pool goes on", async () => {
        for (const [run, path] of [
          [() => pool.run(work.echo, [{ a: [1, () => 0] }]), "argument 0.a[1]"],
          [() => pool.run(work.unclonable, []), "result.deep[0].callback"],
          [() => pool.map([1, () => 0], work.echo).toArray(), "item"]
        ] as const) {
          const error = await failureOf(run())
          assert.strictEqual(error.reason._tag, "NotCloneable")
          assert.include(error.message, path)
        }
        assert.strictEqual(await pool.run(work.increment, [1]), 2)
      })

      it("of tasks that fail together leave a worker room for as many again", async () => {
        await using two = await open({ maximum: 1, tasksPerWorker: 2 })
        for (let times = 0; times < 3; times++)
          await Promise.all(range(2).map(() => reasonOf(two.run(work.reject, ["at once"]))))
        const met = await Promise.all(range(2).map(() => reasonOf(two.run(work.meet, []))))
        assert.deepStrictEqual(met, ["gave undefined", "gave undefined"])
      })

      it("of what cannot be copied leave what was submitted with it, or behind it, to run", async () => {
        await using two = await open({ maximum: 1, tasksPerWorker: 2 })
        await two.run(work.later, [20, 0])
        const outcomes = [() => 0, 1, 2].map((value) => reasonOf(two.run(work.later, [0, value as number])))
        assert.deepStrictEqual(await Promise.all(outcomes), ["NotCloneable", "gave 1", "gave 2"])
        await using one = await open({ maximum: 1 })
        await one.run(work.later, [20, 0])
        const { signal, abort } = aborting()
        const given = reasonOf(one.run(work.later, [0, (() => 0) as never], { signal }))
        const next = one.run(work.later, [0, 1])
        abort()
        assert.deepStrictEqual([await given, await next], ["AbortError", 1])
      })

      it("tell modules that are missing, throw, or lack the function", async () => {
        // in process it is vitest that loads modules, and its errors are not Node's
        assert.strictEqual(await reasonOf(pool.run(other("nowhere"), [])), isolated ? "ModuleMissing" : "ModuleFailed")
        assert.strictEqual(await reasonOf(pool.run(other("throws"), [])), "ModuleFailed")
        const missing = (work as never as Record<string, typeof work.increment>)["notAFunction"]!
        assert.strictEqual(await reasonOf(pool.run(missing, [1])), "ExportMissing")
      })

      it("tell them at the start of an executor that was given its tasks", async () => {
        if (isolated) assert.strictEqual(await reasonOf(open({ tasks: [other("nowhere")] })), "ModuleMissing")
        assert.strictEqual(await reasonOf(open({ tasks: [other("throws")] })), "ModuleFailed")
        assert.strictEqual(await reasonOf(open({ setup: work.failingSetup })), "InitializationFailed")
        await using fine = await open({ tasks: [work.increment], setup: work.setup })
        assert.strictEqual((await fine.run(work.wasSetUp, [])) >= 1, true)
      })

      it("say what cannot be", async () => {
        const run = (...given: ReadonlyArray<unknown>) => pool.run(...(given as Parameters<typeof pool.run>))
        const map = (source: unknown, task: unknown = work.increment, options?: object) =>
          pool.map(source as ReadonlyArray<number>, task as typeof work.increment, options).toArray()
        const { proxy: revoked, revoke } = Proxy.revocable({}, {})
        revoke()
        const unreadable = {
          name: "lamp",
          get url() {
            throw new Error("not to be read")
          }
        }
        const among = (names: string) => `must be one of ${names.replaceAll(" ", ", ")}`
        const refused: ReadonlyArray<readonly [() => Promise<unknown>, string]> = [
          [() => run(parseInt, [1]), "a task must be of `Task.module` or `inline`, got the function parseInt"],
          [() => run("increment", [1]), "a task must be of `Task.module` or `inline`, got increment"],
          [() => open({ tasks: [undefined as never] }), "tasks[0] must be of `Task.module` or `inline`, got undefined"],
          [
            () => open({ setup: parseInt as never }),
            "setup must be of `Task.module` or `inline`, got the function parseInt"
          ],
          [() => run(work.increment, 1), "the list of arguments must be an array, got 1"],
          [() => run(work.increment, [1], { priority: NaN }), "priority must be a number, got NaN"],
          [() => run(work.increment, [1], { timeout: { run: -1 } }), "timeout.run must be at least 0 ms, got -1"],
          [() => run(work.increment, [1], { timeout: { queue: NaN } }), "timeout.queue must be at least 0 ms, got NaN"],
          [() => run(work.increment, [1], { prio: 1 }), `an option ${among(submit)}, got prio`],
          [() => run(work.increment, [1], { detach: true }), `an option ${among(submit)}, got detach`],
          [() => run(work.increment, [1], { timeout: 50 }), "timeout must be an object of queue, run, got 50"],
          [
            () => run(work.increment, [1], { signal: new AbortController() }),
            "signal must be an AbortSignal, got [object AbortController]"
          ],
          [() => map([1], work.increment, { signal: 5 }), "signal must be an AbortSignal, got 5"],
          [
            () => run(work.increment, [1], { timeout: { ms: 50 } }),
            "an option of `timeout` must be one of queue, run, got ms"
          ],
          [
            () => map(work.increment, [1]),
            "the first argument must be the source, and the second one the task, got [object Object]"
          ],
          [() => map([1], work.increment, { concurrency: 2 }), `an option ${among(mapped)}, got concurrency`],
          [() => open({ max: 2 } as never), `an option ${among(executor)}, got max`],
          [
            () => open({ queue: { size: 2 } as never }),
            "an option of `queue` must be one of capacity, policy, age, got size"
          ],
          [
            () => open({ recycle: { heap: 2 } as never }),
            "an option of `recycle` must be one of tasks, heapBytes, age, got heap"
          ],
          [
            () => pool.shutdown({ runing: "kill" } as never),
            "an option must be one of pending, running, deadline, got runing"
          ],
          [() => run(work.increment, [1], { transfer: 5 }), "transfer must be an array, got 5"],
          [() => run(work.increment, [1], { transfer: "ab" }), "transfer must be an array, got ab"],
          [
            () => run(work.increment, [1], { transfer: "ab".repeat(1e6) }),
            `transfer must be an array, got ${"ab".repeat(50)}...`
          ],
          [
            () => run(work.increment, [1], { priority: () => 1e6 }),
            "priority must be a number, got the function priority"
          ],
          [
            () => run(work.increment, [1], { priority: Array(1e6) }),
            "priority must be a number, got an array of length 1000000"
          ],
          [
            () => run(work.increment, Object.create(null)),
            "the list of arguments must be an array, got [object Object]"
          ],
          [() => run(work.increment, [1], { onProgress: 5 }), "onProgress must be a function, got 5"],
          [() => open({ onEvent: 5 as never }), "onEvent must be a function, got 5"],
          [() => open({ queue: 5 as never }), "queue must be an object of capacity, policy, age, got 5"],
          [() => open({ tasks: work.increment as never }), "tasks must be an array, got [object Object]"],
          [() => open({ execArgv: "--no-warnings" } as never), "execArgv must be an array, got --no-warnings"],
          [() => pool.shutdown({ running: "kil" } as never), "running must be one of wait, cancel, kill, got kil"],
          [() => pool.shutdown({ pending: "canel" } as never), "pending must be one of run, cancel, got canel"],
          [() => pool.shutdown({ deadline: "5s" } as never), "deadline must be a number of at least 0, got 5s"],
          [() => pool.shutdown({ deadline: -1 }), "deadline must be a number of at least 0, got -1"],
          [
            () => map(parseInt, [1]),
            "the first argument must be the source, and the second one the task, got the function parseInt"
          ],
          [() => map([1], parseInt), "a task must be of `Task.module` or `inline`, got the function parseInt"],
          [() => run(unreadable, [1]), "a task must be of `Task.module` or `inline`, got [object Object]"],
          [() => map([1], revoked), "a task must be of `Task.module` or `inline`, got something that cannot be shown"],
          [() => map(unreadable), "the source must be an Iterable or AsyncIterable, got [object Object]"],
          [() => map([1], null), "a task must be of `Task.module` or `inline`, got null"],
          [() => map(5), "the source must be an Iterable or AsyncIterable, got 5"],
          [() => map(undefined), "the source must be an Iterable or AsyncIterable, got undefined"],
          [() => open({ heapLimitBytes: 0 } as never), "heapLimitBytes must be a number of at least 1048576, got 0"]
        ]
        for (const [call, message] of refused) {
          const { reason } = await failureOf(call())
          assert.deepStrictEqual([reason._tag, reason.message], ["InvalidOption", message])
        }
        assert.match((await failureOf(map(work.increment, [1]))).message, /^increment: the first argument must be/)
        assert.deepStrictEqual(await map("12"), ["11", "21"] as never)
      })

      it("pass over options that are not given", async () => {
        for (const options of [{ prio: undefined }, { timeout: null }, { timeout: { run: null, queue: null } }])
          assert.strictEqual(await pool.run(work.later, [20, 1], options as never), 1)
        assert.deepStrictEqual(await pool.map([1], work.increment, { concurrency: undefined } as never).toArray(), [2])
        for (const none of [false, "", 0] as const) {
          await using one = await open({ setup: none as never, teardown: none as never })
          assert.strictEqual(await one.run(work.increment, [1]), 2)
        }
      })

      it("take null for options that are not given", async () => {
        const nulls = (names: string) => Object.fromEntries(names.split(" ").map((name) => [name, null as never]))
        for (const [executors, submits, maps, shutdowns] of [
          [null as never, null as never, null as never, null as never],
          [nulls(executor), nulls(submit), nulls(mapped), nulls("pending running deadline")],
          [
            { queue: nulls("capacity policy age"), recycle: nulls("tasks heapBytes age") },
            { timeout: nulls("queue run") },
            nulls("concurrency"),
            nulls("runing")
          ]
        ] as const) {
          const other = await Pool[kind](executors)
          assert.strictEqual(await other.run(work.increment, [1], submits), 2)
          assert.deepStrictEqual(await other.map([1], work.increment, maps).toArray(), [2])
          assert.deepStrictEqual(await other.mapUnordered([1], work.increment, maps).toArray(), [[0, 2]])
          for await (const value of other.stream(work.upTo, [1], submits)) assert.strictEqual(value, 0)
          await other.shutdown(shutdowns)
        }
        // a key of its own would bind both to one worker
        const { signal, abort } = aborting()
        const waiting = reasonOf(pool.run(work.waitForSignal, [], { key: null as never, signal }))
        assert.strictEqual(await pool.run(work.increment, [1], { key: null as never }), 2)
        abort()
        assert.strictEqual(await waiting, "AbortError")
      })

      it("of what is to be moved leave the worker to others, the first one too", async () => {
        for (const [transfer, outcome] of [
          [null, "gave 2"],
          [5, "InvalidOption"],
          // more than a call can have for arguments
          [range(2 ** 20), kind === "processes" ? "gave 2" : "InvalidOption"]
        ] as const) {
          await using one = await open({ maximum: 1 })
          for (const state of ["new", "up"]) {
            const given = await reasonOf(one.run(work.increment, [1], { transfer } as never))
            assert.deepStrictEqual([state, given], [state, outcome])
            assert.deepStrictEqual(await one.map([1], work.increment).toArray(), [2])
          }
        }
      })

      it("of a module that is not found from anywhere name the way to write it", () => {
        const message = (url: string) => {
          try {
            Task.module(url)
            return "taken"
          } catch (error) {
            return (error as Error).message
          }
        }
        const remedy = (path: string) =>
          `Task.module: the URL of a module of tasks must be \`new URL("${path}", import.meta.url)\``
        assert.strictEqual(message("bare.ts"), `${remedy("./bare.ts")}, got bare.ts`)
        assert.strictEqual(message("../above.ts"), `${remedy("../above.ts")}, got ../above.ts`)
        for (const url of [import.meta.url, "/tmp/x.ts", "node:path", "data:text/javascript,"])
          assert.strictEqual(message(url), "taken")
      })

      it("are told apart by the tag of their reason, to the compiler too", async () => {
        await using one = await open({ maximum: 1, queue: { capacity: 0, policy: "fail" } })
        const running = one.run(work.later, [20, 1])
        const error = await one.run(work.increment, [1]).catch((error: unknown) => error as ExecutorError)
        if (!(error instanceof ExecutorError)) return assert.fail("gave a result")
        switch (error.reason._tag) {
          case "QueueFull":
            assert.strictEqual(error.reason.capacity, 0)
            break
          case "OutOfMemory":
          case "WorkerCrashed":
            return assert.fail(error.reason.stderr)
          default:
            return assert.fail(error.reason.message)
        }
        assert.strictEqual(await running, 1)
      })

      it("refuse sizes that make no sense, by name", async () => {
        for (const [options, name] of [
          [{ maximum: 0 }, "maximum must be a whole number from 1 to 1024, got 0"],
          [{ minimum: 3 }, "minimum must be a whole number from 0 to 2, got 3"],
          [{ grace: -1 }, "grace must be a number of at least 0, got -1"],
          [{ recycle: { tasks: 0 } }, "recycle.tasks must be a whole number of at least 1, got 0"],
          [{ queue: { policy: "panic" as never } }, "queue.policy must be one of suspend, fail, drop, got panic"]
        ] as const)
          assert.include(
            await open(options).then(
              () => "opened",
              (error: unknown) => (error as Error).message
            ),
            name
          )
        assert.include(
          await pool
            .map([1], work.increment, { chunk: 0 })
            .toArray()
            .then(() => "", String),
          "chunk must be"
        )
        const { reason } = await failureOf(pool.warm(Number.NaN))
        assert.strictEqual(reason.message, "workers to warm must be a number of at least 0, got NaN")
      })
    })

    describe("cancellation", () => {
      it("before the start, in the queue and while running ends the promise with the signal's reason", () =>
        fc.assert(
          fc.asyncProperty(fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 12 }), async (turns) => {
            const outcomes = turns.map(async (turns) => {
              const { signal, abort } = aborting()
              const outcome = reasonOf(pool.run(work.waitForSignal, [], { signal }))
              for (let i = 0; i < turns; i++) await new Promise((wake) => setImmediate(wake))
              abort()
              return outcome
            })
            assert.deepStrictEqual(
              await Promise.all(outcomes),
              turns.map(() => "AbortError")
            )
            assert.strictEqual(pool.statistics().open, 0)
            assert.strictEqual(await pool.run(work.increment, [1]), 2)
          }),
          { numRuns: 10 }
        ))

      it.runIf(kind === "threads")("of a map that is left meanwhile leaves nothing under way either", async () => {
        const { signal, abort } = aborting()
        const asked = new Int32Array(new SharedArrayBuffer(4))
        const reading = pool.map([asked], work.spinUntilCancelled, { signal })[Symbol.asyncIterator]()
        const first = reasonOf(reading.next())
        await until(() => Atomics.load(asked, 0) > 0)
        abort()
        await reading.return!()
        assert.strictEqual(pool.statistics().open, 0)
        assert.strictEqual(await first, "AbortError")
      })

      it("of a map ends it, though its source waits for ever", async () => {
        const { signal, abort } = aborting()
        const source = new ReadableStream<number>({ start: (controller) => controller.enqueue(1) })
        const results = pool.map(source as AsyncIterable<number>, work.increment, { signal })[Symbol.asyncIterator]()
        assert.deepStrictEqual(await results.next(), { done: false, value: 2 })
        const next = reasonOf(results.next())
        abort()
        assert.strictEqual(await next, "AbortError")
      })

      it("of a map ends it, though its source fails when it is returned", async () => {
        const { signal, abort } = aborting()
        const source = {
          [Symbol.iterator]: () => ({
            next: () => ({ done: false, value: 1 }),
            return: () => {
              throw new RangeError("cannot be returned")
            }
          })
        }
        const all = reasonOf(pool.map(source, work.waited, { signal }).toArray())
        await until(() => pool.statistics().running > 0)
        abort()
        assert.strictEqual(await all, "AbortError")
      })

      it("of what fails is told of the task, though the source waits for ever or fails when it is returned", async () => {
        const waits = new ReadableStream<string>({ start: (controller) => controller.enqueue("a") })
        assert.strictEqual(await reasonOf(pool.map(waits as AsyncIterable<string>, work.fail).toArray()), "TypeError")
        const fails = {
          [Symbol.iterator]: () => ({
            next: () => ({ done: false, value: "a" }),
            return: () => {
              throw new RangeError("cannot be returned")
            }
          })
        }
        assert.strictEqual(await reasonOf(pool.map(fails, work.fail).toArray()), "TypeError")
      })

      it("of a stream returns the generator", async () => {
        const made = new Int32Array(new SharedArrayBuffer(8))
        if (kind === "processes") return
        for await (const value of pool.stream(work.counted, [made])) if (value === 40) break
        if (kind === "threads") {
          assert.strictEqual(made[1], 1)
          // 41 were read, at most 32 beyond
          assert.isAtMost(made[0]!, 41 + 32)
        }
      })

      it("by a queue time-out leaves the running task alone", async () => {
        await using one = await open({ maximum: 1 })
        await one.warm(1)
        const running = one.run(work.later, [60, 1])
        assert.strictEqual(await reasonOf(one.run(work.increment, [1], { timeout: { queue: 5 } })), "QueueTimeout")
        assert.strictEqual(await running, 1)
      })
    })

    describe("the end", () => {
      for (const pending of ["run", "cancel"] as const)
        for (const running of ["wait", "cancel", "kill"] as const)
          it(`settles everything once, with pending: ${pending} and running: ${running}`, async () => {
            const all = await open({ maximum: 1 })
            await all.warm(1)
            const { outcome } = await begun(all, "wait", running === "wait" ? 20 : 600_000)
            const outcomes = [outcome, ...range(2).map((n) => reasonOf(all.run(work.later, [1, n])))]
            await all.shutdown({ pending, running })
            const settled = await Promise.all(outcomes)
            const first = running === "wait" ? "gave 20" : "ShutDown"
            const rest = pending === "cancel" || running === "kill" ? ["ShutDown", "ShutDown"] : ["gave 0", "gave 1"]
            assert.deepStrictEqual(settled, [first, ...rest])
            assert.deepStrictEqual(all.statistics().workers, [])
            assert.strictEqual(await reasonOf(all.run(work.increment, [1])), "ShutDown")
          })

      it("calls the teardown of each worker that has nothing to do, also where others are killed", async () => {
        const folder = await mkdtemp(join(tmpdir(), "simul-teardown-"))
        process.env["SIMUL_TORN_DOWN"] = folder
        const all = await open({ minimum: isolated ? 2 : 1, teardown: work.tearDown })
        if (isolated) await begun(all, "spin", 600_000)
        const controller = new AbortController()
        const unwanted = reasonOf(all.run(work.increment, [1], { signal: controller.signal }))
        controller.abort()
        await all.shutdown({ running: "kill" })
        assert.strictEqual(await unwanted, "AbortError")
        assert.strictEqual((await readdir(folder)).length, 1)
        await rm(folder, { recursive: true })
      })

      it("waits for what runs without a deadline, and where it is called with a signal's name", async () => {
        for (const choice of [{ deadline: null }, "SIGTERM"]) {
          const all = await open({ maximum: 1 })
          const value = all.run(work.increment, [1])
          await all.shutdown(choice as never)
          assert.strictEqual(await value, 2)
        }
      })

      it("kills what is left at its deadline", async () => {
        const all = await open({ maximum: 1 })
        const outcome = reasonOf(all.run(work.never, []))
        await all.warm(1)
        await all.shutdown({ deadline: 20 })
        assert.strictEqual(await outcome, "ShutDown")
        assert.deepStrictEqual(all.statistics().workers, [])
      })
    })

    it("runs nested tasks of a full pool instead of waiting for itself", async () => {
      await using one = await open({ maximum: 1 })
      assert.strictEqual(await one.run(work.tree, [4, { ...work.tree } as never]), 16)
      assert.strictEqual(await one.run(work.nestedFailure, [String(url)]), "nested")
    })

    it("refuses what a task submits that was cancelled: it ends by that, and keeps its worker", async () => {
      await using own = await open({ maximum: 1, grace: 600_000 })
      const { signal, abort } = aborting()
      const outcome = reasonOf(own.run(work.nestsUntilRefused, [], { signal, onProgress: abort }))
      assert.strictEqual(await outcome, "AbortError")
      assert.strictEqual(own.statistics().kills, 0)
    })

    it("refuses to run as a nested task what is none, wherever it would run", async () => {
      for (const maximum of [1, 2]) {
        await using some = await open({ maximum })
        await some.warm(2)
        assert.match(await some.run(work.nestsNone, []), /^a task must be of `Task.module` or `inline`, got increment$/)
      }
    })

    it("keeps its counts: what was submitted was settled", async () => {
      await pool.drain()
      const { submitted, succeeded, failed, open } = pool.statistics()
      assert.deepStrictEqual([submitted, open], [succeeded + failed, 0])
    })

    if (!isolated) return

    describe("a worker", () => {
      for (const [how, then, grace, kills] of [
        ["obeys when the task asks", "obey", 600_000, 0],
        ["is killed when the task does not ask", "spin", 50, 1]
      ] as const)
        it(`${how}, and its neighbours notice nothing`, async () => {
          await using own = await open({ grace })
          const { signal, abort } = aborting()
          const { outcome } = await begun(own, then, 600_000, { signal })
          const neighbours = range(50).map((n) => own.run(work.increment, [n]))
          abort()
          assert.strictEqual(await outcome, "AbortError")
          assert.deepStrictEqual(
            await Promise.all(neighbours),
            range(50).map((n) => n + 1)
          )
          assert.strictEqual(own.statistics().kills, kills)
        })

      for (const [how, task, what] of [
        ["throws", work.throwAfterwards, "TypeError: nobody waits for this"],
        ["throws what is no error", work.throwNothingAfterwards, "null"],
        ["leaves a rejection unhandled", work.rejectAfterwards, "TypeError: nobody waits for this"]
      ] as const)
        it(`that ${how} between tasks takes none with it, and what it died of is told`, async () => {
          const told: Array<Error & { readonly detail?: string }> = []
          const hear = (warning: Error) => void (warning.name === "ExecutorWarning" && told.push(warning))
          process.on("warning", hear)
          const own = await open({ maximum: 1 })
          try {
            assert.strictEqual(await own.run(task, []), 1)
            await until(() => own.statistics().crashes === 1)
            assert.strictEqual(await own.run(work.increment, [1]), 2)
            assert.strictEqual(own.statistics().failed, 0)
            // a process has written it to stderr
            if (kind === "threads") await until(() => told.length > 0)
            for (const { detail } of told) assert.include(detail, what)
          } finally {
            process.off("warning", hear)
            await own.shutdown()
          }
        })

      it("that is killed by a run time-out is replaced", async () => {
        assert.strictEqual(await reasonOf(pool.run(work.spin, [600_000], { timeout: { run: 20 } })), "RunTimeout")
        assert.strictEqual(await pool.run(work.increment, [1]), 2)
      })

      for (const [name, crash, reason] of [
        ["exits", () => pool.run(work.exit, [5]), /exit code 5/],
        ["complains and exits", () => pool.run(work.complain, ["no such table\n"]), /exit code 9.*no such table/s],
        ["throws outside the task", () => pool.run(work.throwLater, []), /out of nowhere/],
        ["loads a module that exits", () => pool.run(other("exits"), []), /exit code 3/],
        ...(kind === "processes" ? [["aborts", () => pool.run(work.abort, []), /SIGABRT/] as const] : [])
      ] as const)
        it(`that ${name} takes one task with it and no other`, async () => {
          const before = range(40).map((n) => pool.run(work.increment, [n]))
          const crashed = failureOf(crash())
          const after = range(40).map((n) => pool.run(work.increment, [n]))
          const error = await crashed
          assert.strictEqual(error.reason._tag, "WorkerCrashed")
          assert.match(error.message, reason)
          assert.deepStrictEqual(
            await Promise.all([...before, ...after]),
            [...range(40), ...range(40)].map((n) => n + 1)
          )
        })

      it("that dies in a map is heard of, though another one goes on with what comes after", async () => {
        const error = await failureOf(pool.map([1, 13, -1, -1], work.exitOrWait, { chunk: 2 }).toArray())
        assert.deepStrictEqual([error.reason._tag, error.item], ["WorkerCrashed", 1])
      })

      it("that dies in a map names the item", async () => {
        const error = await failureOf(pool.map(range(100), work.exitAt, { chunk: 10 }).toArray())
        assert.deepStrictEqual([error.reason._tag, error.item, error.lastItem], ["WorkerCrashed", 13, 13])
      })

      it("that exits amid short items names the item", async () => {
        const items = [...range(3000).map((n) => n + 14), 13, ...range(13)]
        const error = await failureOf(pool.map(items, work.exitAt, { chunk: 20 }).toArray())
        assert.deepStrictEqual([error.item, error.lastItem, items[error.item!]], [error.item, error.item, 13])
      })

      for (const kills of kind === "processes" ? [work.abortAt] : [])
        it("that is killed amid short items says between which, and names the one that kills it again", async () => {
          const items = [...range(3000).map((n) => n + 14), 13, ...range(13)]
          const map = (idempotent: boolean) => failureOf(pool.map(items, kills, { chunk: 20, idempotent }).toArray())
          const { item, lastItem } = await map(false)
          assert.isTrue(item! <= items.indexOf(13) && items.indexOf(13) <= lastItem!)
          const { reason, item: poison, lastItem: last } = await map(true)
          assert.deepStrictEqual([reason._tag, items[poison!], last], ["PoisonTask", 13, poison])
        })

      it("is given an idempotent task again, until the task has killed three", async () => {
        const error = await failureOf(pool.run(work.exit, [5], { idempotent: true }))
        assert.deepStrictEqual([error.reason._tag, error.attempt], ["PoisonTask", 3])
      })

      it("that runs out of memory says so", async () => {
        await using small = await Pool[kind === "threads" ? "threads" : "processes"]({
          maximum: 1,
          heapLimitBytes: 24 * 2 ** 20
        })
        assert.strictEqual(await reasonOf(small.run(work.devour, [])), "OutOfMemory")
        assert.strictEqual(await small.run(work.increment, [1]), 2)
      })

      it("is replaced after as many tasks as it was told, and none of them is lost", async () => {
        await using recycling = await open({ maximum: 1, recycle: { tasks: 3 } })
        const who = await Promise.all(range(9).map(() => recycling.run(work.whoAmI, [])))
        assert.deepStrictEqual(
          Object.values(Object.groupBy(who, (who) => who)).map((tasks) => tasks?.length),
          [3, 3, 3]
        )
      })

      it("is another one for each of two tasks that run at once", async () => {
        const ids = await Promise.all(
          range(2).map(() => pool.run(work.spin, [20]).then(() => pool.run(work.whoAmI, [])))
        )
        assert.isAtMost(new Set(ids).size, 2)
      })

      it("that cannot start fails the tasks, and the pool recovers when it can", async () => {
        const refused = await reasonOf(open({ maximum: 2, setup: work.failingSetup, minimum: 1 }))
        assert.strictEqual(refused, "InitializationFailed")
      })

      it("that is waited for is not stopped for idling", async () => {
        await using own = await open({ idleTimeToLive: 0 })
        assert.strictEqual(await reasonOf(own.warm(2)), "gave undefined")
        await until(() => own.statistics().workers.length === 0)
      })

      it("that idles too long is stopped, but for the minimum", async () => {
        await using shrinking = await open({ minimum: 1, maximum: 2, idleTimeToLive: 20 })
        await shrinking.warm(2)
        await until(() => shrinking.statistics().workers.length === 1)
        assert.strictEqual(await shrinking.run(work.increment, [1]), 2)
      })
    })

    it("leaves nothing behind after storms of cancellations", async () => {
      const before = process.getActiveResourcesInfo().filter((name) => /Message|Worker|Process|Pipe/.test(name)).length
      const storm = await open({ maximum: 2, grace: 0 })
      await storm.warm(2)
      const outcomes = range(12).map(async (n) => {
        const { signal, abort } = aborting()
        const outcome = reasonOf(
          n % 3 === 0 ? storm.run(work.spin, [600_000], { signal }) : storm.run(work.later, [1, n])
        )
        if (n % 3 === 0) setTimeout(abort, 5)
        return outcome
      })
      await Promise.all(outcomes)
      await storm.shutdown()
      const after = process.getActiveResourcesInfo().filter((name) => /Message|Worker|Process|Pipe/.test(name)).length
      assert.isAtMost(after, before)
    })
  })

describe("buffers", () => {
  it("are moved to a thread when asked, and back without asking where they are whole and may be", async () => {
    await using pool = await Pool.threads({ maximum: 1 })
    const data = new Uint8Array(1000).fill(1)
    assert.strictEqual(await pool.run(work.sum, [data], { transfer: [data.buffer] }), 1000)
    assert.strictEqual(data.byteLength, 0)
    for (const [name, left] of [
      ["whole", 0],
      ["part", 8],
      ["fixed", 8]
    ] as const) {
      assert.deepStrictEqual(await pool.run(work.give, [name]), { data: new Uint8Array(name === "part" ? 4 : 8) })
      assert.strictEqual(await pool.run(work.left, [name]), left, name)
    }
    const error = await failureOf(pool.run(work.sum, [data], { transfer: [data.buffer] }))
    assert.strictEqual(error.reason._tag, "NotCloneable")
  })

  it("are said to be no such where something else is to be moved", async () => {
    await using pool = await Pool.threads({ maximum: 1 })
    const data = new Uint8Array(1000).fill(1)
    const failure = (transfer: ReadonlyArray<object>) => failureOf(pool.run(work.sum, [data], { transfer }))
    const expected = "sum: transfer must be buffers, not views of them, or ports, each once and none moved before ("
    for (const transfer of [[data], [{}], [data.buffer, data.buffer]]) {
      const { message } = await failure(transfer)
      assert.isTrue(message.startsWith(expected), message)
      assert.isTrue(message.endsWith(`), got an array of length ${transfer.length}`), message)
    }
    assert.strictEqual(await pool.run(work.sum, [data]), 1000)
  })

  it("are moved in whatever iterable they are given", async () => {
    await using pool = await Pool.threads({ maximum: 1 })
    for (const iterable of [(buffer: ArrayBuffer) => new Set([buffer]), (buffer: ArrayBuffer) => [buffer].values()]) {
      const data = new Uint8Array(1000).fill(1)
      assert.strictEqual(await pool.run(work.sum, [data], { transfer: iterable(data.buffer) as never }), 1000)
      assert.strictEqual(data.byteLength, 0)
    }
  })

  it("go through a map and back without a copy", async () => {
    await using pool = await Pool.threads({ maximum: 2 })
    const buffers = range(20).map((n) => new ArrayBuffer(n + 1))
    const back = await pool.map(buffers, work.flip, { transfer: true }).toArray()
    assert.deepStrictEqual(
      buffers.map(({ byteLength }) => byteLength),
      range(20).map(() => 0)
    )
    assert.deepStrictEqual(
      back.map(({ byteLength }) => byteLength),
      range(20).map((n) => n + 1)
    )
  })
})

describe("statistics", () => {
  it("name each worker as the system does", async () => {
    for (const kind of ["threads", "processes"] as const) {
      await using pool = await Pool[kind]({ maximum: 1 })
      const [pid, threadId] = (await pool.run(work.whoAmI, [])).split(" ").map(Number)
      const [worker] = pool.statistics().workers
      assert.strictEqual(worker!.nativeId, kind === "threads" ? threadId : pid)
    }
  })
})

describe("a process", () => {
  it("says that its folder is missing, not that Node is", async () => {
    const cwd = join(tmpdir(), "simul-no-such-folder")
    const { message } = await failureOf(Pool.processes({ minimum: 1, maximum: 1, cwd }))
    assert.include(message, `there is no folder ${cwd}`)
  })

  it("has an environment, a folder, flags and permissions of its own", async () => {
    await using pool = await Pool.processes({
      maximum: 1,
      env: { ...(process.env as Record<string, string>), SIMUL_TEST: "its own" },
      cwd: "/",
      execArgv: ["--no-warnings"]
    })
    assert.strictEqual(await pool.run(work.environment, ["SIMUL_TEST"]), "its own")
    assert.strictEqual(await pool.run(work.folder, []), "/")
    assert.include(await pool.run(work.flags, []), "--no-warnings")
  })
})
