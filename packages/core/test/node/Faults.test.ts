/**
 * Faults at every step of a task's way: as its parameters are encoded, as it runs, as
 * its result or its error is encoded and decoded; by a throw, by a throw of something
 * that is no error, and by the end of the worker. After the matrix of CPython's
 * test_concurrent_futures/test_deadlock.py: whatever fails, the task ends with an
 * error that says so, its neighbours notice nothing, and the executor goes on.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import type { Task as Address } from "../../src/Task.ts"
import { type ExecutorError, Pool, Task } from "../../src/node/Pool.ts"
import type * as Fault from "../tasks/fault.task.ts"
import type * as Work from "../tasks/work.task.ts"
import { kinds, reasonOf } from "./Submitted.ts"

const fault = Task.module<typeof Fault>(new URL("../tasks/fault.task.ts", import.meta.url))
const work = Task.module<typeof Work>(new URL("../tasks/work.task.ts", import.meta.url))

const faults = ["throws", "throws null", "exits"] as const
const withCodec = (codec: { encode?: () => never; decode?: () => never }): Address<[], number> => ({
  ...(fault.one as { url: string; name: string } & Address<[], number>),
  codec: { encode: (parameters) => parameters, decode: (result) => result, ...codec }
})
const raise = (thrown: unknown) => (): never => {
  throw thrown
}

for (const [kind, isolated] of kinds)
  describe(`an executor of ${kind} survives`, () => {
    let pool: Pool
    beforeAll(async () => {
      pool = await Pool[kind]({
        maximum: 2,
        grace: 50,
        errors: {
          Registered: () => {
            throw new TypeError("cannot be made")
          }
        }
      })
    })
    afterAll(() => pool.shutdown())

    /** Runs it among others; gives how it ended, once the others have ended well and the executor runs one more. */
    const among = async (run: () => Promise<unknown>): Promise<string> => {
      const numbers = Array.from({ length: 8 }, (_, n) => n)
      const before = numbers.map((n) => pool.run(work.increment, [n]))
      const outcome = reasonOf(run())
      const after = numbers.map((n) => pool.run(work.increment, [n]))
      const expected = [...numbers, ...numbers].map((n) => n + 1)
      assert.deepStrictEqual(await Promise.all([...before, ...after]), expected)
      const settled = await outcome
      assert.strictEqual(await pool.run(work.increment, [1]), 2)
      const { submitted, succeeded, failed, open } = pool.statistics()
      assert.deepStrictEqual([submitted, open], [succeeded + failed, 0])
      return settled
    }

    for (const name of faults.filter((name) => isolated || name !== "exits")) {
      const thrown = { throws: "RangeError", "throws null": "threw null", exits: "WorkerCrashed" }[name]
      const refused = name === "exits" ? "WorkerCrashed" : "NotCloneable"

      it(`a task that ${name}`, async () => {
        assert.strictEqual(await among(() => pool.run(fault.running, [name])), thrown)
        assert.strictEqual(await among(() => pool.run(fault.rejecting, [name])), thrown)
        assert.strictEqual(await among(() => pool.map([name], fault.running).toArray()), thrown)
      })

      it(`a result that ${name} as it is copied, or searched for what cannot be`, async () => {
        for (const task of [fault.copied, fault.listed]) {
          assert.strictEqual(await among(() => pool.run(task, [name])), refused)
          assert.strictEqual(await among(() => pool.map([name], task).toArray()), refused)
        }
      })

      it(`a result whose \`then\` ${name}`, async () => {
        for (const task of [fault.askedForThen, fault.awaited]) {
          assert.strictEqual(await among(() => pool.run(task, [name])), thrown)
          assert.strictEqual(await among(() => pool.map([name], task).toArray()), thrown)
        }
      })

      it(`an error of which a part ${name} as it is read`, async () => {
        assert.strictEqual(
          await among(() => pool.run(fault.described, [name])),
          name === "exits" ? "WorkerCrashed" : "Error"
        )
      })
    }

    it("a parameter that throws as it is copied, each time or the first time only", async () => {
      for (const thrown of [new RangeError("struck"), null]) {
        const always = {
          get part() {
            return raise(thrown)()
          }
        }
        assert.strictEqual(await among(() => pool.run(work.echo, [always])), "NotCloneable")
        assert.strictEqual(await among(() => pool.map([always], work.echo).toArray()), "NotCloneable")
        let reads = 0
        const once = {
          get part() {
            return reads++ === 0 ? raise(thrown)() : 1
          }
        }
        assert.include(["NotCloneable", "gave [object Object]"], await among(() => pool.run(work.echo, [once])))
      }
    })

    it("a codec that throws, whatever it throws", async () => {
      for (const thrown of [new RangeError("struck"), null, { toString: 1 }]) {
        const encodes = withCodec({ encode: raise(thrown) })
        const decodes = withCodec({ decode: raise(thrown) })
        assert.strictEqual(await among(() => pool.run(encodes, [])), "SchemaMismatch")
        assert.strictEqual(await among(() => pool.run(decodes, [])), "SchemaMismatch")
        assert.strictEqual(await among(() => pool.map([1], encodes as never).toArray()), "SchemaMismatch")
        assert.strictEqual(await among(() => pool.map([1], decodes as never).toArray()), "SchemaMismatch")
      }
    })

    it("an error whose registered class cannot be made", async () => {
      assert.strictEqual(await among(() => pool.run(fault.throwsRegistered, [])), "Registered")
    })

    it("values that cannot even be looked at", async () => {
      assert.strictEqual(await among(() => pool.run(fault.givesRevoked, [])), "TypeError")
      assert.match(await among(() => pool.run(fault.throwsRevoked, [])), /^threw/)
      const unprintable = await pool.run(fault.throwsUnprintable, []).then(
        () => assert.fail("gave a result"),
        (error: unknown) => error
      )
      assert.deepStrictEqual(unprintable, { toString: 1 })
    })

    it("a module that ends its worker as it is loaded", async () => {
      if (!isolated) return
      const exits = Task.module<{ never: () => number }>(new URL("../tasks/exits.task.ts", import.meta.url))
      assert.strictEqual(await among(() => pool.run(exits.never, [])), "WorkerCrashed")
    })

    it("a message that is none of its own", async () => {
      // in process its parent would be the runner of this test
      if (kind === "inline") return
      assert.strictEqual(await among(() => pool.run(fault.speaksOutOfTurn, [])), "gave 1")
    })

    it("shared memory that a process cannot give", async () => {
      const expected = kind === "processes" ? "NotCloneable" : "gave [object SharedArrayBuffer]"
      assert.strictEqual(await among(() => pool.run(fault.sharedMemory, [])), expected)
    })

    it("a blob that a process cannot be given", async () => {
      const expected = kind === "processes" ? "NotCloneable" : "gave [object Blob]"
      assert.strictEqual(await among(() => pool.run(work.echo, [new Blob(["text"])])), expected)
      if (kind !== "processes") return
      const items = pool.map([0, { part: new Blob(["text"]) }], work.echo, { chunk: 2 })
      const told = await items.toArray().catch((error: Error) => error.message)
      assert.include(told, "echo, item 1: item.part is a Blob and cannot be copied")
    })

    it("a blob that a process cannot give", async () => {
      if (kind !== "processes")
        return assert.strictEqual(await among(() => pool.run(fault.blobAt, [3])), "gave [object Object]")
      const refused = (error: unknown) => (error as ExecutorError).message
      const told = await pool.run(fault.blobAt, [3]).then(() => assert.fail("gave a result"), refused)
      const fact = "result.part[0] is refused (TypeError: another process would find a Blob empty) and cannot be copied"
      assert.include(told, `blobAt: ${fact}`)
      const items = pool.map([0, 3], fault.blobAt, { chunk: 2 }).toArray()
      assert.include(await items.then(() => assert.fail("gave all"), refused), `blobAt, item 1: ${fact}`)
    })

    it("one item's result that cannot be copied, and gives those before it", async () => {
      const values: Array<unknown> = []
      const error = await (async () => {
        for await (const value of pool.map([0, 1, 2, 3, 4], fault.functionAt, { chunk: 5 })) values.push(value)
      })().then(
        () => assert.fail("gave all"),
        (error: unknown) => error as ExecutorError
      )
      assert.deepStrictEqual([error.reason._tag, error.item, values], ["NotCloneable", 3, [0, 1, 2]])
    })

    it("a value of a generator that cannot be copied, after those before it", async () => {
      const values: Array<unknown> = []
      const reading = (async () => {
        for await (const value of pool.stream(fault.functionAfter, [3])) values.push(value)
      })()
      assert.strictEqual(await reasonOf(reading), "NotCloneable")
      assert.deepStrictEqual(values, [0, 1, 2])
    })
  })
