import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { type When, waitFor } from "../src/WaitFor.ts"
import { sweep } from "./InterruptSweep.ts"
import { seeded, World } from "./Simulated.ts"

/** Milliseconds until a fiber ends, and how. */
type Plan = readonly [ms: number, end: "ok" | "fail" | "die" | "interrupt"]
const ends = { ok: Effect.void, fail: Effect.fail("no"), die: Effect.die("bug"), interrupt: Effect.interrupt }
const fork = ([ms, end]: Plan): Effect.Effect<Fiber.Fiber<void, string>> =>
  Effect.forkChild(Effect.delay(ends[end] as Effect.Effect<void, string>, ms))

/** Indexes of the done ones, the time, and the exits of all fibers once left to themselves. */
const waited = (plans: ReadonlyArray<Plan>, when: When, timeout?: number) => {
  const world = new World()
  const exit = world.run(
    Effect.gen(function* () {
      const fibers = yield* Effect.forEach(plans, fork)
      const { done, pending } = yield* waitFor(fibers, when, timeout === undefined ? {} : { timeout })
      const at = world.now
      assert.deepStrictEqual(
        fibers.filter((fiber) => done.includes(fiber) !== pending.includes(fiber)),
        fibers
      )
      const exits = yield* Fiber.awaitAll(fibers)
      return { done: done.map((fiber) => fibers.indexOf(fiber)), at, exits }
    })
  )
  if (exit._tag === "Failure") return assert.fail(String(exit.cause))
  return exit.value
}

describe("waitFor", () => {
  const plans: ReadonlyArray<Plan> = [
    [30, "ok"],
    [10, "interrupt"],
    [20, "fail"],
    [5, "ok"]
  ]

  it("returns at the first completion, however it ends", () => {
    const { done, at } = waited(plans, "first completed")
    assert.deepStrictEqual([done, at], [[3], 5])
    assert.deepStrictEqual(
      waited(
        [
          [9, "ok"],
          [4, "interrupt"]
        ],
        "first completed"
      ).done,
      [1]
    )
  })

  it("returns at the first failure, which an interruption is not, a defect is", () => {
    const { done, at } = waited(plans, "first failed")
    assert.deepStrictEqual([done, at], [[1, 2, 3], 20])
    assert.deepStrictEqual(
      waited(
        [
          [9, "ok"],
          [4, "die"]
        ],
        "first failed"
      ).done,
      [1]
    )
  })

  it("returns when all have ended, which is also when none fails", () => {
    assert.deepStrictEqual(waited(plans, "all").done, [0, 1, 2, 3])
    const { done, at } = waited(
      [
        [9, "ok"],
        [4, "interrupt"]
      ],
      "first failed"
    )
    assert.deepStrictEqual([done, at], [[0, 1], 9])
  })

  it("leaves the pending ones running", () => {
    const { exits } = waited(plans, "first completed")
    assert.deepStrictEqual(
      exits.map((exit) => (exit._tag === "Success" ? "ok" : exit.cause.reasons[0]!._tag)),
      ["ok", "Interrupt", "Fail", "ok"]
    )
  })

  it("tells what is done when the time is over, and leaves the rest", () => {
    const { done, at, exits } = waited(plans, "all", 15)
    assert.deepStrictEqual([done, at], [[1, 3], 15])
    assert.isTrue(Exit.isSuccess(exits[0]!))
  })

  it("returns at once where there is nothing to wait for", () => {
    for (const when of ["first completed", "first failed", "all"] as const) {
      assert.deepStrictEqual([waited([], when).done, waited([], when).at], [[], 0])
    }
    const world = new World()
    const exit = world.run(
      Effect.gen(function* () {
        const fiber = yield* fork([1, "fail"])
        yield* Fiber.await(fiber)
        const later = yield* fork([5, "ok"])
        const { done, pending } = yield* waitFor([fiber, later], "first failed")
        return [done[0] === fiber, pending[0] === later, world.now]
      })
    )
    assert.deepStrictEqual(exit, Exit.succeed([true, true, 1]))
  })

  it("agrees with a model on random fibers", () => {
    for (let seed = 1; seed <= 500; seed++) {
      const random = seeded(seed)
      const kinds = ["ok", "ok", "fail", "die", "interrupt"] as const
      // distinct times: who comes first at the same instant is nobody's business
      const plans = Array.from({ length: Math.floor(random() * 6) }, (_, i): Plan => [
        1 + i + 10 * Math.floor(random() * 10),
        kinds[Math.floor(random() * kinds.length)]!
      ])
      const when = (["first completed", "first failed", "all"] as const)[Math.floor(random() * 3)]!
      const last = Math.max(0, ...plans.map(([ms]) => ms))
      const deciding = plans.filter(
        ([, end]) => when === "first completed" || (when === "first failed" && (end === "fail" || end === "die"))
      )
      const at = Math.min(last, ...deciding.map(([ms]) => ms))
      const outcome = waited(plans, when)
      const expected = plans.flatMap(([ms], i) => (ms <= at ? i : []))
      assert.deepStrictEqual([outcome.at, outcome.done], [at, expected], `seed ${seed}: ${when} ${String(plans)}`)
    }
  })

  it("interrupts no fiber when it is interrupted at any operation", () => {
    const points = sweep(
      (victim) =>
        Effect.gen(function* () {
          const fibers = yield* Effect.forEach(
            [
              [3, "ok"],
              [2, "ok"],
              [1, "ok"]
            ] as const,
            fork
          )
          yield* Fiber.await(yield* Effect.forkChild(victim(waitFor(fibers, "all", { timeout: 2 }))))
          return yield* Fiber.awaitAll(fibers)
        }),
      (exit) => assert.deepStrictEqual(exit, Exit.succeed([Exit.void, Exit.void, Exit.void]))
    )
    assert.isAbove(points, 10)
  })
})
