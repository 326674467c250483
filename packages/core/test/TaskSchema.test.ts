/** Schemas at a task's boundary, over threads, processes and in process; and the types that follow from them. */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import { Executor } from "../src/Executor.ts"
import { ExecutorError, Pool } from "../src/node/Pool.ts"
import type { StreamTask, Task } from "../src/Task.ts"
import * as TaskSchema from "../src/TaskSchema.ts"
import { Visit, visits, withVisitSchemas } from "./tasks/visitSchemas.ts"

const visit = withVisitSchemas()
const portOfResult = Schema.Struct({ port: Schema.FiniteFromString })
const portOf = TaskSchema.withSchemas(visits.portOf, {
  parameters: Schema.Tuple([Schema.URLFromString]),
  result: portOfResult
})
const ports = TaskSchema.withSchemas(visits.ports, { result: Schema.FiniteFromString })

const root = new URL("http://a.test/")
const at = (port: number) => new URL(`http://a.test:${port}/`)
/** What a promise was rejected with: message, item and the class of the cause. */
const mismatch = async (promise: Promise<unknown>) => {
  try {
    return await promise
  } catch (error) {
    if (!(error instanceof ExecutorError) || error.reason._tag !== "SchemaMismatch") throw error
    return [error.message, error.item, Schema.isSchemaError(error.cause)]
  }
}

describe.each(["threads", "processes", "inline"] as const)("a task with schemas in a pool of %s", (kind) => {
  let pool: Pool
  beforeAll(async () => {
    pool = await Pool[kind]({ maximum: 2, grace: 50 })
  })
  afterAll(() => pool.shutdown())

  it("is given what it says, and gives what they say", async () => {
    assert.deepStrictEqual(await pool.run(visit, [root, new Date(5)]), { url: root, at: new Date(5) })
    const values: Array<number> = []
    for await (const value of pool.stream(ports, ["http://a.test/", 100])) {
      values.push(value)
      if (value === 40) break
    }
    assert.deepStrictEqual(
      values,
      Array.from({ length: 41 }, (_, port) => port)
    )
  })

  it("translates each item of a map", async () => {
    const sources = Array.from({ length: 100 }, (_, index) => at(1000 + index))
    const expected = sources.map((_, index) => ({ port: 1000 + index }))
    assert.deepStrictEqual(await pool.map(sources, portOf, { chunk: 7 }).toArray(), expected)
    const unordered = await pool.mapUnordered(sources, portOf).toArray()
    assert.deepStrictEqual(
      unordered.toSorted(([one], [other]) => one - other).map(([, value]) => value),
      expected
    )
  })

  it("names every parameter that does not fit, and no worker hears of it", async () => {
    const { succeeded } = pool.statistics()
    assert.deepStrictEqual(await mismatch(pool.run(visit, ["a", 3] as never)), [
      'visit: parameters are not as the schema says: argument 0: Expected URL, got "a"; argument 1: Expected a valid Date, got 3',
      undefined,
      true
    ])
    assert.deepStrictEqual(await mismatch(pool.run(visit, [root] as never)), [
      "visit: parameters are not as the schema says: argument 1: Missing key",
      undefined,
      true
    ])
    assert.strictEqual(pool.statistics().succeeded, succeeded)
    assert.strictEqual(pool.statistics().queued, 0)
  })

  it("names what in a result does not fit", async () => {
    assert.deepStrictEqual(await mismatch(pool.run(visit, [root, new Date(-1)])), [
      'visit: result is not as the schema says: result.at: Expected number, got "-1"',
      undefined,
      true
    ])
  })

  it("names the item of a map, after the results of those before it", async () => {
    for (const chunk of [1, 4, "auto"] as const) {
      const given: Array<number> = []
      const read = async (sources: ReadonlyArray<URL>) => {
        for await (const { port } of pool.map(sources, portOf, { chunk })) given.push(port)
      }
      assert.deepStrictEqual(await mismatch(read([at(81), at(82), "x" as never, at(84)])), [
        'portOf, item 2: parameters are not as the schema says: argument 0: Expected URL, got "x"',
        2,
        true
      ])
      assert.deepStrictEqual(await mismatch(read([at(91), at(92), at(93), root, at(95)])), [
        "portOf, item 3: result is not as the schema says: result.port: Expected a finite number, got NaN",
        3,
        true
      ])
      assert.deepStrictEqual(given, [81, 82, 91, 92, 93])
    }
  })

  it("names the value of a stream, after those before it, and its generator is returned", async () => {
    const values: Array<number> = []
    const read = async () => {
      for await (const value of pool.stream(ports, ["http://a.test/", 3])) values.push(value)
    }
    assert.deepStrictEqual(await mismatch(read()), [
      "ports, item 3: result is not as the schema says: result: Expected a finite number, got NaN",
      3,
      true
    ])
    assert.deepStrictEqual(values, [0, 1, 2])
    await pool.drain()
  })

  it("keeps the errors of the task itself, and what it is told of the module", async () => {
    const failure = (promise: Promise<unknown>) =>
      promise.then(
        () => assert.fail("gave a result"),
        (error: unknown) => (error instanceof ExecutorError ? error.reason._tag : (error as Error).message)
      )
    const plain = TaskSchema.withSchemas(visits.portOf, { result: portOfResult })
    assert.strictEqual(await failure(pool.map(["no URL"], plain).toArray()), "Invalid URL")
    assert.strictEqual(await failure(pool.run(plain, ["no URL"])), "Invalid URL")
    const missing = { ...plain, name: "nowhere" }
    assert.strictEqual(await failure(pool.map(["a"], missing).toArray()), "ExportMissing")
  })

  it("is one that a task can run", async () => {
    const module = new URL("./tasks/visitSchemas.ts", import.meta.url).href
    assert.strictEqual(await pool.run(visits.nested, [module]), "1970-01-01T00:00:00.007Z")
  })

  it("says little of a value that is large", async () => {
    const error = (await mismatch(pool.run(visit, ["x".repeat(1e6), new Date(0)] as never))) as ReadonlyArray<string>
    assert.isBelow(error[0]!.length, 700)
  })
})

it.live("the service of Effect translates as the pool does", () =>
  Effect.gen(function* () {
    const executor = yield* Executor
    assert.deepStrictEqual(yield* executor.submit(portOf, [at(7)]), { port: 7 })
    const mapped = executor.map(Stream.make(at(1), at(2), root), portOf, { chunk: 1 })
    const seen: Array<number> = []
    const error = yield* Effect.flip(Stream.runForEach(mapped, ({ port }) => Effect.sync(() => seen.push(port))))
    assert.deepStrictEqual([seen, error.item, error.reason._tag], [[1, 2], 2, "SchemaMismatch"])
    const first = Stream.take(executor.stream(ports, ["http://a.test/", 2]), 2)
    assert.deepStrictEqual(yield* Stream.runCollect(first), [0, 1])
  }).pipe(Effect.provide(Executor.layerInline()))
)

it("types of parameters and results are those of the schemas", () => {
  expectTypeOf(visit).toEqualTypeOf<Task<readonly [URL, Date], typeof Visit.Type>>()
  expectTypeOf(portOf).toEqualTypeOf<Task<readonly [URL], { readonly port: number }>>()
  expectTypeOf(ports).toEqualTypeOf<StreamTask<readonly [url: string, wrong: number], number>>()
  expectTypeOf(TaskSchema.withSchemas(visits.portOf, {})).toEqualTypeOf<typeof visits.portOf>()
  // what a task gives as `unknown` may be read as anything
  const known = TaskSchema.withSchemas(visits.unknown, { result: Visit })
  expectTypeOf(known).toEqualTypeOf<Task<readonly [value: unknown], typeof Visit.Type>>()

  // each of these does not fit the task
  // @ts-expect-error it takes two parameters
  TaskSchema.withSchemas(visits.visit, { parameters: Schema.Tuple([Schema.URLFromString]) })
  // @ts-expect-error its parameter is a string
  TaskSchema.withSchemas(visits.portOf, { parameters: Schema.Tuple([Schema.DateFromMillis]) })
  // @ts-expect-error its result has no `url`
  TaskSchema.withSchemas(visits.portOf, { result: Visit })
  // @ts-expect-error a URL is asked for now
  assert.throws(() => portOf["~task"](["http://a.test/"]))
})
