import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { mapBounded, type Source } from "../src/Concurrently.ts"

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

  it("refuses a concurrency below one", () => {
    assert.throws(() => mapBounded([], Effect.succeed, { concurrency: 0 }), /at least 1, got 0/)
  })
})
