import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { asCompleted, forEachBounded, mapBounded, type Source } from "../src/Concurrently.ts"
import { sweep } from "./InterruptSweep.ts"
import { World } from "./Simulated.ts"

const naturals = function* (counter: { pulled: number; returned?: boolean }) {
  try {
    for (let i = 0; ; i++) {
      counter.pulled++
      yield i
    }
  } finally {
    counter.returned = true
  }
}
const asynchronously = async function* (counter: { pulled: number; returned?: boolean }) {
  yield* naturals(counter)
}
const sources: ReadonlyArray<readonly [string, (counter: { pulled: number; returned?: boolean }) => Source<number>]> = [
  ["an iterable", naturals],
  ["an async iterable", asynchronously],
  ["a stream", (counter) => Stream.fromIterable(naturals(counter), { chunkSize: 1 })]
]

const Elsewhere = runInNewContext("Promise") as PromiseConstructor

describe("mapBounded", () => {
  for (const [name, make] of sources) {
    it.effect(`pulls ${name} only as far as places are free`, () =>
      Effect.gen(function* () {
        const counter = { pulled: 0 }
        let taken = 0
        let most = 0
        yield* mapBounded(make(counter), (n) => Effect.as(Effect.yieldNow, n), { concurrency: 4 }).pipe(
          Stream.rechunk(1),
          Stream.tap(() =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => {
                most = Math.max(most, counter.pulled - taken)
                taken++
              })
            )
          ),
          Stream.take(200),
          Stream.runDrain
        )
        assert.isAtMost(most, 4)
        assert.isAtMost(counter.pulled, 204)
      })
    )

    it.effect(`runs ${name} four at a time and no more`, () =>
      Effect.gen(function* () {
        const counter = { pulled: 0 }
        let running = 0
        const gate = yield* Deferred.make<void>()
        const fiber = yield* mapBounded(
          make(counter),
          () =>
            Effect.andThen(
              Effect.sync(() => running++),
              Deferred.await(gate)
            ),
          { concurrency: 4 }
        ).pipe(Stream.take(4), Stream.runDrain, Effect.forkChild)
        for (let i = 0; i < 100; i++) yield* Effect.yieldNow
        assert.strictEqual(running, 4)
        assert.strictEqual(counter.pulled, 4)
        yield* Deferred.succeed(gate, void 0)
        yield* Fiber.join(fiber)
      })
    )
  }

  it.effect("gives every result once, in order of the source when asked", () =>
    Effect.gen(function* () {
      const items = Array.from({ length: 500 }, (_, i) => i)
      const slow = (n: number) => Effect.as(Effect.sleep(`${(n * 7919) % 13} millis`), n)
      const run = (ordered: boolean) => Stream.runCollect(mapBounded(items, slow, { concurrency: 7, ordered }))
      const inOrder = yield* Effect.forkChild(run(true))
      const byCompletion = yield* Effect.forkChild(run(false))
      const { TestClock } = yield* Effect.promise(() => import("effect/testing"))
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(yield* Fiber.join(inOrder), items)
      const completed = yield* Fiber.join(byCompletion)
      assert.notDeepEqual(completed, items)
      assert.deepStrictEqual(
        [...completed].toSorted((a, b) => a - b),
        items
      )
    })
  )

  for (const [name, make] of sources)
    it.effect(`opens ${name} at the first pull and no sooner, and once`, () =>
      Effect.gen(function* () {
        const counter = { pulled: 0 }
        const pull = yield* Stream.toPull(mapBounded(make(counter), Effect.succeed, { concurrency: 4, ordered: true }))
        yield* Effect.repeat(Effect.yieldNow, { times: 100 })
        assert.strictEqual(counter.pulled, 0)
        const given = [...(yield* pull), ...(yield* pull)]
        assert.deepStrictEqual(given, [...given.keys()])
      }).pipe(Effect.scoped)
    )

  it.effect("ends with the first failure, interrupts the rest and returns the iterator", () =>
    Effect.gen(function* () {
      const counter: { pulled: number; returned?: boolean } = { pulled: 0 }
      let interrupted = 0
      const exit = yield* mapBounded(
        naturals(counter),
        (n) =>
          n === 3 ? Effect.fail("three") : Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)),
        { concurrency: 4 }
      ).pipe(Stream.runDrain, Effect.exit)
      assert.deepStrictEqual(exit, Exit.fail("three"))
      assert.strictEqual(interrupted, 3)
      assert.isTrue(counter.returned)
    })
  )

  it.effect("ends when it is interrupted while its source gives nothing, and returns the iterator after that", () =>
    Effect.gen(function* () {
      const asked = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const returned = Promise.withResolvers<void>()
      const silent = async function* () {
        try {
          asked.resolve()
          await gate.promise
          yield 1
        } finally {
          returned.resolve()
          await Promise.reject(new Error("nobody is left to hear of it"))
        }
      }
      const fiber = yield* Effect.forkChild(Stream.runDrain(mapBounded(silent(), Effect.succeed, { concurrency: 2 })))
      yield* Effect.promise(() => asked.promise)
      yield* Fiber.interrupt(fiber)
      gate.resolve()
      yield* Effect.promise(() => returned.promise)
    })
  )

  it.effect("waits for a source to return before it ends", () =>
    Effect.gen(function* () {
      let returned = false
      const slow = async function* () {
        try {
          yield* [1, 2, 3]
        } finally {
          await new Promise((resume) => setImmediate(resume))
          returned = true
        }
      }
      const first = mapBounded(slow(), Effect.succeed, { concurrency: 1 }).pipe(Stream.take(1), Stream.runCollect)
      assert.deepStrictEqual(yield* first, [1])
      assert.isTrue(returned)
    })
  )

  it("asks of a source what a loop would: nothing after it ended or threw, and to return where it is left only", () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom("at once", "as promises", "as promises of another realm"),
        fc.nat({ max: 6 }),
        fc.constantFrom("ends", "throws"),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (how, items, last, wanted, concurrency) => {
          const asked: Array<string> = []
          let at = 0
          const result = () => {
            asked.push("next")
            if (at++ < items) return { done: false, value: at }
            if (at > items + 1) throw new Error("asked after its end")
            if (last === "throws") throw new RangeError("broken")
            return { done: true, value: undefined }
          }
          const end = () => {
            asked.push("return")
            return { done: true, value: undefined }
          }
          const later = (call: () => unknown) => () => {
            const promise = (async () => call())()
            return how === "as promises" ? promise : Elsewhere.resolve(promise)
          }
          const source =
            how === "at once"
              ? { [Symbol.iterator]: () => ({ next: result, return: end }) }
              : { [Symbol.asyncIterator]: () => ({ next: later(result), return: later(end) }) }
          const exit = await mapBounded(source as Iterable<number>, Effect.succeed, {
            concurrency,
            ordered: true
          }).pipe(Stream.take(wanted), Stream.runCollect, Effect.runPromiseExit)
          const nexts = asked.lastIndexOf("next") + 1
          if (exit._tag === "Success")
            assert.deepStrictEqual(
              exit.value,
              Array.from({ length: Math.min(wanted, items) }, (_, i) => i + 1)
            )
          else {
            assert.strictEqual(last, "throws")
            assert.include(String(exit.cause), "broken")
          }
          assert.isAtMost(nexts, items + 1)
          const returns = asked.length - nexts
          if (nexts <= items) assert.strictEqual(returns, 1)
          // left while its end is under way it may be returned, too
          else assert.isAtMost(returns, how !== "at once" && wanted <= items ? 1 : 0)
        }
      )
    ))

  it("maps what a string consists of, which is an iterable and no object", async () => {
    const mapped = mapBounded("abc", Effect.succeed, { concurrency: 2, ordered: true })
    assert.deepStrictEqual(await Effect.runPromise(Stream.runCollect(mapped)), ["a", "b", "c"])
  })

  it("says what is no source", async () => {
    const sources: ReadonlyArray<unknown> = [7, undefined, {}]
    for (const source of sources) {
      const exit = await Effect.runPromiseExit(
        Stream.runDrain(mapBounded(source as never, Effect.succeed, { concurrency: 1 }))
      )
      assert.include(
        exit._tag === "Failure" ? String(Cause.squash(exit.cause)) : "",
        `the source must be an Iterable, an AsyncIterable or a Stream, got ${String(source)}`
      )
    }
  })

  it.effect("gives every item of a stream's chunks once", () =>
    Effect.gen(function* () {
      const items = Array.from({ length: 50 }, (_, i) => i)
      const chunks = Stream.fromIterable(items, { chunkSize: 7 })
      const mapped = mapBounded(chunks, Effect.succeed, { concurrency: 3, ordered: true })
      assert.deepStrictEqual(yield* Stream.runCollect(mapped), items)
    })
  )

  it("refuses a concurrency below one, and none", () => {
    const message = "concurrency must be a whole number of at least 1, got undefined"
    assert.throws(() => mapBounded([], Effect.succeed, undefined as never), message)
    assert.throws(() => forEachBounded(Effect.never, Effect.succeed, undefined as never), message)
    for (const concurrency of [0, 1.5, Infinity, Number.NaN])
      assert.throws(
        () => mapBounded([], Effect.succeed, { concurrency }),
        `concurrency must be a whole number of at least 1, got ${concurrency}`
      )
  })

  for (const ordered of [true, false])
    it(`closes its source and leaves nothing running when interrupted at any operation, ${ordered ? "in order" : "as they come"}`, () => {
      const points = sweep(
        (victim) => {
          const counter: { pulled: number; returned?: boolean } = { pulled: 0 }
          const held = new Set<number>()
          const hold = (n: number) =>
            Effect.acquireUseRelease(
              Effect.sync(() => held.add(n)),
              () => Effect.as(Effect.sleep(3 - (n % 3)), n),
              () => Effect.sync(() => held.delete(n))
            )
          const mapped = mapBounded(naturals(counter), hold, { concurrency: 2, ordered })
          return Effect.forkChild(victim(Stream.runDrain(Stream.take(mapped, 4)))).pipe(
            Effect.flatMap(Fiber.await),
            Effect.map(() => ({ held: held.size, open: counter.pulled > 0 && counter.returned !== true }))
          )
        },
        (exit) => assert.deepStrictEqual(exit, Exit.succeed({ held: 0, open: false }))
      )
      assert.isAbove(points, 50)
    })
})

describe("asCompleted", () => {
  const after = <A, E>(ms: number, effect: Effect.Effect<A, E>) => Effect.delay(effect, ms)
  const collect = <A, E>(stream: Stream.Stream<A, E>) => new World().run(Stream.runCollect(stream))

  it("gives each exit with its name, the fastest first, failures and defects among them", () => {
    const completed = asCompleted({
      slow: after(30, Effect.succeed(1)),
      fails: after(20, Effect.fail("no")),
      dies: after(10, Effect.die("bug")),
      fast: after(5, Effect.succeed("yes"))
    })
    assert.deepStrictEqual(
      collect(completed),
      Exit.succeed([
        { key: "fast" as const, exit: Exit.succeed("yes") },
        { key: "dies" as const, exit: Exit.die("bug") },
        { key: "fails" as const, exit: Exit.fail("no") },
        { key: "slow" as const, exit: Exit.succeed(1) }
      ])
    )
  })

  it("gives indexes where there are no names, and nothing for nothing", () => {
    const completed = asCompleted([after(2, Effect.succeed("a")), after(1, Effect.succeed("b"))])
    assert.deepStrictEqual(
      collect(Stream.map(completed, ({ key, exit }) => [key, exit] as const)),
      Exit.succeed([[1, Exit.succeed("b")] as const, [0, Exit.succeed("a")] as const])
    )
    assert.deepStrictEqual(collect(asCompleted([])), Exit.succeed([]))
  })

  it("gives each as soon as it is there, and interrupts the rest when the stream ends early", () => {
    let interrupted = 0
    const never = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
    const world = new World()
    const exit = world.run(
      asCompleted([never, after(7, Effect.succeed(1)), never]).pipe(Stream.take(1), Stream.runCollect)
    )
    assert.deepStrictEqual(exit, Exit.succeed([{ key: 1, exit: Exit.succeed(1) }]))
    assert.strictEqual(world.now, 7)
    assert.strictEqual(interrupted, 2)
  })

  it.effect("begins nothing before the first pull", () =>
    Effect.gen(function* () {
      let begun = 0
      const pull = yield* Stream.toPull(asCompleted([Effect.sync(() => ++begun)]))
      yield* Effect.repeat(Effect.yieldNow, { times: 100 })
      assert.strictEqual(begun, 0)
      assert.deepStrictEqual(yield* pull, [{ key: 0, exit: Exit.succeed(1) }])
    }).pipe(Effect.scoped)
  )

  it("pulls an endless iterable only as far as places are free", () => {
    const counter = { pulled: 0 }
    const effects = function* () {
      for (const n of naturals(counter)) yield after(n, Effect.succeed(n))
    }
    collect(Stream.take(asCompleted(effects(), { concurrency: 3 }), 10))
    assert.isAtMost(counter.pulled, 13)
  })

  it("leaves nothing running when interrupted at any operation", () => {
    const points = sweep(
      (victim) => {
        const held = new Set<number>()
        const hold = (n: number) =>
          Effect.acquireUseRelease(
            Effect.sync(() => held.add(n)),
            () => Effect.sleep(n),
            () => Effect.sync(() => held.delete(n))
          )
        const completed = asCompleted([hold(3), hold(1), hold(2)], { concurrency: 2 })
        return Effect.forkChild(victim(Stream.runDrain(completed))).pipe(
          Effect.flatMap(Fiber.await),
          Effect.map(() => held.size)
        )
      },
      (exit) => assert.deepStrictEqual(exit, Exit.succeed(0))
    )
    assert.isAbove(points, 50)
  })
})
