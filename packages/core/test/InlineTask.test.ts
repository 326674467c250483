// oxlint-disable typescript/unbound-method -- methods become tasks here
/** Functions as tasks where they stand, over threads, processes and in process. */
import { spawnSync } from "node:child_process"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { expectTypeOf } from "vitest"
import { Executor } from "../src/Executor.ts"
import { inline } from "../src/InlineTask.ts"
import { ExecutorError, Pool } from "../src/node/Pool.ts"
import type { StreamTask, Task, TaskContext } from "../src/Task.ts"
import * as TaskSchema from "../src/TaskSchema.ts"

const square = inline((n: number) => n ** 2)
const upTo = inline(function* upTo(n: number) {
  for (let i = 0; i < n; i++) yield i
})
const computed = "computed"
const methods = {
  plain(this: TaskContext, n: number) {
    return [n, this.cancelled()]
  },
  async "with a name"(n: number) {
    return n + 1
  },
  async *[computed](n: number) {
    yield n
    yield n + 1
  },
  get: (n: number) => -n
}

const thrownBy = (call: () => unknown): unknown => {
  try {
    call()
  } catch (error) {
    return error
  }
}
const collect = async <A>(source: AsyncIterable<A>): Promise<ReadonlyArray<A>> => {
  const values: Array<A> = []
  for await (const value of source) values.push(value)
  return values
}

describe.each(["threads", "processes", "inline"] as const)("an inline function in a pool of %s", (kind) => {
  let pool: Pool
  beforeAll(async () => {
    pool = await Pool[kind]({ maximum: 2, grace: 50, tasks: [square] })
  })
  afterAll(() => pool.shutdown())

  it("runs, maps and streams", async () => {
    assert.strictEqual(await pool.run(square, [7]), 49)
    const items = Array.from({ length: 500 }, (_, index) => index)
    assert.deepStrictEqual(
      await pool.map(items, square).toArray(),
      items.map((n) => n ** 2)
    )
    assert.deepStrictEqual(await collect(pool.stream(upTo, [100])), items.slice(0, 100))
  })

  it("may be of any kind", async () => {
    const defaults = inline((one: number, { two = 2, ...rest } = {} as Record<string, number>, three = one + two) => [
      three,
      rest
    ])
    assert.deepStrictEqual(await pool.run(defaults, [1] as never), [3, {}])
    assert.strictEqual(
      await pool.run(
        inline(async (n: number) => (await Promise.resolve(n)) + 1),
        [1]
      ),
      2
    )
    const later = inline(async function* (n: number) {
      yield* [n, await Promise.resolve(n + 1)]
    })
    assert.deepStrictEqual(await collect(pool.stream(later, [1])), [1, 2])
    const recursive = inline(function factorial(n: number): number {
      return n < 2 ? 1 : n * factorial(n - 1)
    })
    assert.strictEqual(await pool.run(recursive, [10]), 3628800)
    assert.deepStrictEqual(await pool.run(inline(methods.plain), [3]), [3, false])
    assert.strictEqual(await pool.run(inline(methods["with a name"]), [3]), 4)
    assert.deepStrictEqual(await collect(pool.stream(inline(methods.computed), [3])), [3, 4])
    assert.strictEqual(await pool.run(inline(methods.get), [3]), -3)
  })

  it("is strict code, with nothing of this package in scope", async () => {
    const scope = inline(function () {
      return [(this as unknown) === globalThis, typeof (globalThis as { readonly inlineScheme?: unknown }).inlineScheme]
    })
    assert.deepStrictEqual(await pool.run(scope, []), [false, "undefined"])
    // sloppy code would write to nothing without a word
    const writes = inline(() => {
      const frozen: { n: number } = Object.freeze({ n: 1 })
      frozen.n = 2
    })
    assert.strictEqual(await pool.run(writes, []).catch((error: Error) => error.name), "TypeError")
  })

  it("finds a task's `this`", async () => {
    const told: Array<unknown> = []
    const search = inline(async function search(this: TaskContext, n: number) {
      this.progress(n)
      for (; !this.cancelled(); n++) await new Promise((wake) => setImmediate(wake))
      return n
    })
    const tells = inline(async function (this: TaskContext, task: Task<readonly [number], number>) {
      this.progress(this.cancelled())
      return (await this.submit(task, 5)) + 1
    })
    const onProgress = (value: unknown) => told.push(value)
    assert.strictEqual(await pool.run(tells, [square], { onProgress }), 26)
    assert.deepStrictEqual(told, [false])
    const searched = new Promise<string>((resolve) => {
      const controller = new AbortController()
      const onProgress = () => controller.abort(new Error("enough"))
      pool.run(search, [0], { signal: controller.signal, onProgress }).catch((error: Error) => resolve(error.message))
    })
    assert.strictEqual(await searched, "enough")
  })

  it("imports what is Node's", async () => {
    const digest = inline(async (text: string) => {
      const { createHash } = await import("node:crypto")
      return createHash("sha1").update(text).digest("hex")
    })
    assert.strictEqual(await pool.run(digest, ["a"]), "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8")
  })

  it("fails with its own name and line", async () => {
    const fails = inline(function divide(one: number, other: number) {
      if (other === 0) throw new RangeError(`${one} by nothing`)
      return one / other
    })
    const error = await pool.run(fails, [1, 0]).then(
      () => assert.fail("gave a result"),
      (error: RangeError) => error
    )
    assert.strictEqual(error.message, "1 by nothing")
    assert.match(error.stack!, /at Context\.divide \(inline-function:2:/)
    const anonymous = await pool
      .map(
        [1],
        inline((_: number) => Promise.reject(new Error("no")))
      )
      .toArray()
      .catch((error) => error)
    assert.strictEqual(anonymous.message, "no")
  })

  it("takes schemas", async () => {
    const days = TaskSchema.withSchemas(
      inline((at: number) => at / 86_400_000),
      { parameters: Schema.Tuple([Schema.DateFromMillis]) }
    )
    assert.strictEqual(await pool.run(days, [new Date("1970-01-03T00:00:00Z")]), 2)
  })
})

it("runs in a process that may read no file", async () => {
  await using pool = await Pool.processes({ maximum: 1, permission: {}, env: {}, execArgv: [] })
  assert.strictEqual(await pool.run(square, [3]), 9)
  const reads = inline(async () => (await import("node:fs")).readdirSync("/"))
  const error = await pool.run(reads, []).catch((error: unknown) => error)
  assert.strictEqual((error as { readonly code?: string }).code, "ERR_ACCESS_DENIED")
})

it.live("is a task of the service of Effect", () =>
  Effect.gen(function* () {
    const executor = yield* Executor
    assert.strictEqual(yield* executor.submit(square, [3]), 9)
    assert.deepStrictEqual(yield* Stream.runCollect(executor.map([1, 2, 3], square)), [1, 4, 9])
    assert.deepStrictEqual(yield* Stream.runCollect(executor.stream(upTo, [3])), [0, 1, 2])
  }).pipe(Effect.provide(Executor.layerInline()))
)

describe("is refused as it is made", () => {
  const factor = 3
  const scale = (n: number) => n * factor

  it("when it captures variables, by their names, with the remedy", () => {
    const error = thrownBy(() => inline(scale))
    assert.instanceOf(error, ExecutorError)
    assert.match(
      error.message,
      /^scale: uses `factor` \(1:\d+\) from around it, which no worker has; pass it as a parameter, or move the function to a module$/
    )
    assert.strictEqual(error.reason._tag, "VariablesCaptured")
    const two = thrownBy(() =>
      inline((n: number) => {
        return scale(n) + factor + scale(2)
      })
    ) as Error
    assert.match(two.message, /^inline function: uses `scale` \(2:\d+\), `factor` \(2:\d+\) from/)
  })

  it("when it is an arrow function that wants a `this`", () => {
    class Counter {
      readonly step = 1
      readonly next = (n: number) => n + this.step
    }
    assert.match(
      String(thrownBy(() => inline(new Counter().next))),
      /`this` .*; for a task's own `this` write a `function`$/
    )
  })

  it("when it has no text, or cannot be called", () => {
    assert.throws(() => inline(Math.max), TypeError, /a built-in or bound function has no source/)
    assert.throws(() => inline(scale.bind(undefined)), TypeError, /bound/)
    assert.throws(() => inline(Pool as never), TypeError, "Pool is a class, which cannot be called")
  })
})

it("has the helpers that compilers put into functions", async () => {
  // as esbuild writes it with `keepNames`
  const __name = <A>(it: A, _: string): A => it
  const twice = inline((n: number) => {
    const one = __name((m: number) => m, "one")
    return one(n) + one(n)
  })
  await using pool = await Pool.inline()
  assert.strictEqual(await pool.run(twice, [4]), 8)
})

it("has the types of its function", () => {
  assert.strictEqual(square.name, "inline function")
  expectTypeOf(square).toEqualTypeOf<Task<readonly [n: number], number>>()
  expectTypeOf(upTo).toEqualTypeOf<StreamTask<readonly [n: number], number>>()
  expectTypeOf(inline(async (text: string) => text.length)).toEqualTypeOf<Task<readonly [text: string], number>>()
})

it("loads its parser for those alone who make one", () => {
  const loads = (...modules: ReadonlyArray<string>): ReadonlyArray<string> => {
    const urls = modules.map((module) => new URL(`../src/${module}.ts`, import.meta.url).href)
    const watch = `
      import { registerHooks } from "node:module"
      registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) })
      for (const url of ${JSON.stringify(urls)}) await import(url)`
    const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", watch], {
      encoding: "utf8"
    })
    assert.strictEqual(status, 0, stderr)
    return stdout.split("\n").filter((url) => /acorn|eslint/.test(url))
  }
  assert.deepStrictEqual(loads("index", "node/Pool", "node/ThreadExecutor", "node/ProcessExecutor"), [])
  assert.isAbove(loads("InlineTask").length, 0)
})
