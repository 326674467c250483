import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as FullDisk from "../src/FullDisk.ts"

const mebibyte = 2 ** 20

const filled = (free: number) => {
  const disk = { free, told: [] as Array<string> }
  const frontier = {
    pause: (by: string) => void disk.told.push(`${by} pauses`),
    resume: (by: string) => disk.told.push(`${by} resumes`) > 0
  }
  const sink = { free: Effect.sync(() => disk.free), size: Effect.succeed(1000 * mebibyte) }
  return { disk, full: FullDisk.make(frontier, sink) }
}

describe("FullDisk", () => {
  it.effect("asks for nothing more until there is room", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(mebibyte)
      const waiting = yield* Effect.forkChild(full.wait(10 * mebibyte))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(disk.told, ["disk pauses"])
      disk.free = 9 * mebibyte
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(full.full(), { free: 9 * mebibyte, needed: 10 * mebibyte })
      disk.free = 16 * mebibyte
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      assert.deepStrictEqual(disk.told, ["disk pauses", "disk resumes"])
      assert.isUndefined(full.full())
    })
  )

  it.effect("knows what no room that is made would do for", () =>
    Effect.gen(function* () {
      const { full } = filled(0)
      const needed = 2 * mebibyte
      assert.isUndefined(yield* full.lacks({ size: 1000 * mebibyte, needed }))
      assert.deepStrictEqual(yield* full.lacks({ size: 1000 * mebibyte + 1, needed }), { needed, free: 0 })
    })
  )

  it.effect("waits for no body alone: not while others have room", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(16 * mebibyte)
      const needed = 16 * mebibyte + 1
      const lacking = yield* Effect.forkChild(full.lacks({ needed }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(lacking), { needed, free: 16 * mebibyte })
      // there is room: a quota tells of none
      assert.isUndefined(yield* full.lacks({ needed: needed - 1 }))
      disk.free--
      assert.isUndefined(yield* full.lacks({ needed }))
    })
  )

  it.effect("waits for a body alone no longer than until others have room, and gives it up then", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(mebibyte)
      const body = { needed: 100 * mebibyte }
      assert.isUndefined(yield* full.lacks(body))
      const waiting = yield* Effect.forkChild(full.wait(body.needed))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(full.full(), { free: mebibyte, needed: 16 * mebibyte })
      disk.free = 16 * mebibyte
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      const lacking = yield* Effect.forkChild(full.lacks(body))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(lacking), { ...body, free: disk.free })
    })
  )

  it.effect("keeps nobody from others' room while more is made, and waits with a body alone until it is enough", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(16 * mebibyte)
      // of room that is made bit by bit, for one body until it has enough, and for one until no more comes
      for (const [needed, expected] of [
        [48 * mebibyte, undefined],
        [80 * mebibyte, { needed: 80 * mebibyte, free: 64 * mebibyte }]
      ] as const) {
        const lacking = yield* Effect.forkChild(full.lacks({ needed }))
        for (let second = 0; second < 2; second++) {
          yield* TestClock.adjust("500 millis")
          assert.isUndefined(lacking.pollUnsafe())
          disk.free = Math.min(64 * mebibyte, disk.free + 16 * mebibyte)
          yield* TestClock.adjust("500 millis")
        }
        assert.deepStrictEqual(yield* Fiber.join(lacking), expected)
      }
      assert.deepStrictEqual(disk.told, [])
    })
  )

  it.effect("waits no longer for a body where room is made too slowly for it", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(16 * mebibyte)
      const lacking = yield* Effect.forkChild(full.lacks({ needed: 1000 * mebibyte }))
      yield* TestClock.adjust("500 millis")
      disk.free += 16 * mebibyte
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(yield* Fiber.join(lacking), { needed: 1000 * mebibyte, free: 32 * mebibyte })
    })
  )

  it.effect("tries after a second what room was made for, however many tries there were", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(16 * mebibyte)
      const tries = yield* Effect.forkChild(Effect.andThen(full.wait(0), full.wait(0)))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(tries)
      const body = { needed: 20 * mebibyte }
      const lacking = yield* Effect.forkChild(full.lacks(body))
      yield* TestClock.adjust("500 millis")
      disk.free = 20 * mebibyte
      yield* TestClock.adjust("500 millis")
      assert.isUndefined(yield* Fiber.join(lacking))
      const waiting = yield* Effect.forkChild(full.wait(body.needed))
      yield* TestClock.adjust("1 second")
      assert.isDefined(waiting.pollUnsafe())
    })
  )

  it.effect("goes on at once when 16 MiB are free where little is to be written", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(0)
      for (let round = 0; round < 10; round++) {
        disk.free = 0
        const waiting = yield* Effect.forkChild(full.wait(5000))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(full.full(), { free: 0, needed: 5000 })
        disk.free = 16 * mebibyte
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(waiting)
      }
    })
  )

  it.effect("tries less and less often where there is room for that alone, and never where there is none", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(5000)
      const tries: Array<number> = []
      const worker = Effect.forever(
        Effect.andThen(
          full.wait(5000),
          Effect.map(Clock.currentTimeMillis, (ms) => void tries.push(ms / 1000))
        )
      )
      yield* Effect.forkChild(worker)
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(tries, [1, 3, 7, 15, 31, 63, 123])
      disk.free = 4999
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(tries.length, 7)
    })
  )

  it.effect("tries less and less often where bytes are free, for a quota tells nobody", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(100 * mebibyte)
      const tries: Array<number> = []
      const worker = Effect.forever(
        Effect.andThen(
          full.wait(0),
          Effect.map(Clock.currentTimeMillis, (ms) => void tries.push(ms / 1000))
        )
      )
      yield* Effect.forkChild(worker)
      yield* TestClock.adjust("500 millis")
      assert.deepStrictEqual(full.full(), { free: 100 * mebibyte, needed: 1 })
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(tries, [1, 3, 7, 15, 31, 63, 123])
      assert.strictEqual(disk.told.filter((what) => what === "disk pauses").length, 8)
    })
  )

  it.effect("lets who comes later try again after a second, and pauses once", () =>
    Effect.gen(function* () {
      const { disk, full } = filled(0)
      yield* Effect.forkChild(full.wait(0))
      yield* TestClock.adjust("1 second")
      const later = yield* Effect.forkChild(full.wait(0))
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(later)
      assert.deepStrictEqual(disk.told, ["disk pauses"])
    })
  )
})
