import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { raceStaggered } from "../src/StaggeredRace.ts"
import { sweep } from "./InterruptSweep.ts"
import { seeded, World } from "./Simulated.ts"

interface Runner {
  readonly ms: number
  readonly end: "ok" | "fail" | "die"
}

/** Races runners; tells who started when, who was interrupted, the exit and the time. */
const race = (runners: Iterable<Runner>, delay: number) => {
  const world = new World()
  const started: Array<number> = []
  const interrupted: Array<number> = []
  const effects = function* () {
    let index = 0
    for (const { ms, end } of runners) {
      const name = index++
      const ending = end === "ok" ? Effect.succeed(name) : end === "fail" ? Effect.fail(name) : Effect.die(name)
      yield Effect.suspend(() => {
        started[name] = world.now
        return Effect.onInterrupt(Effect.andThen(Effect.sleep(ms), ending), () =>
          Effect.andThen(
            Effect.sleep(1),
            Effect.sync(() => interrupted.push(name))
          )
        )
      })
    }
  }
  const exit = world.run(raceStaggered(effects(), delay))
  return { exit, started, interrupted, at: world.now }
}
const ok = (ms: number): Runner => ({ ms, end: "ok" })
const fail = (ms: number): Runner => ({ ms, end: "fail" })

describe("raceStaggered", () => {
  it("starts only the first when it is fast enough", () => {
    const { exit, started, at } = race([ok(10), ok(1)], 250)
    assert.deepStrictEqual([exit, started, at], [Exit.succeed(0), [0], 10])
  })

  it("starts the next after the delay, and interrupts the loser and waits for its clean-up", () => {
    const { exit, started, interrupted, at } = race([ok(1000), ok(10)], 250)
    assert.deepStrictEqual([exit, started, interrupted, at], [Exit.succeed(1), [0, 250], [0], 261])
  })

  it("starts the next at once when the former fails, but not when an earlier one does", () => {
    assert.deepStrictEqual(race([fail(10), fail(20), ok(5)], 250).started, [0, 10, 30])
    assert.deepStrictEqual(race([fail(300), ok(1000), ok(1)], 250).started, [0, 250, 500])
  })

  it("lets a slow first one still win", () => {
    const { exit, interrupted } = race([ok(300), ok(500)], 250)
    assert.deepStrictEqual([exit, interrupted], [Exit.succeed(0), [1]])
  })

  it("keeps all failures when all fail, in order of arrival", () => {
    const { exit } = race([fail(500), { ms: 10, end: "die" }, fail(20)], 250)
    if (exit._tag === "Success") return assert.fail("succeeded")
    assert.deepStrictEqual(
      exit.cause.reasons.map((reason) => [
        reason._tag,
        reason._tag === "Die" ? reason.defect : (reason as Cause.Fail<number>).error
      ]),
      [
        ["Die", 1],
        ["Fail", 2],
        ["Fail", 0]
      ]
    )
  })

  it("with an infinite delay tries one after the other", () => {
    assert.deepStrictEqual(race([fail(1000), fail(1000), ok(1)], Infinity).started, [0, 1000, 2000])
  })

  it("pulls an endless iterable only when the next starts, and returns it", () => {
    let pulled = 0
    let returned = false
    const endless = function* () {
      try {
        for (;;) {
          pulled++
          yield ok(25)
        }
      } finally {
        returned = true
      }
    }
    assert.deepStrictEqual(race(endless(), 10).started, [0, 10, 20])
    assert.strictEqual(pulled, 3)
    assert.isTrue(returned)
  })

  it("does not return an iterator that has ended or thrown", () => {
    for (const last of ["ends", "throws"]) {
      const asked: Array<string> = []
      const next = () => {
        asked.push("next")
        if (asked.length === 1) return { done: false as const, value: Effect.fail("lost") }
        if (last === "throws") throw new RangeError("broken")
        return { done: true as const, value: undefined }
      }
      const iterator = { next, return: () => (asked.push("return"), { done: true as const, value: undefined }) }
      new World().run(raceStaggered({ [Symbol.iterator]: () => iterator }, 10))
      assert.deepStrictEqual(asked, ["next", "next"])
    }
  })

  it("dies where there is nothing to race", () => {
    const { exit } = race([], 10)
    assert.match(String(exit._tag === "Failure" && Cause.squash(exit.cause)), /at least one effect/)
  })

  it("ends interrupted, with the runners, when interrupted from outside", () => {
    const world = new World()
    let interrupted = 0
    const runner = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
    const exit = world.run(
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(raceStaggered([runner, runner, runner], 10))
        yield* Effect.sleep(15)
        yield* Fiber.interrupt(fiber)
        return yield* Fiber.await(fiber)
      })
    )
    assert.strictEqual(interrupted, 2)
    assert.isTrue(exit._tag === "Success" && Exit.hasInterrupts(exit.value))
  })

  it("agrees with a model on random runners", () => {
    for (let seed = 1; seed <= 1000; seed++) {
      const random = seeded(seed)
      const below = (n: number) => Math.floor(random() * n)
      // the fractions keep any two events apart
      const runners = Array.from({ length: 1 + below(5) }, (_, i): Runner => ({
        ms: below(40) + (i + 1) / 64,
        end: below(3) === 0 ? "ok" : "fail"
      }))
      const delay = 15 + 1 / 1024
      const starts: Array<number> = []
      let win = Infinity
      for (const [i, { ms, end }] of runners.entries()) {
        const former = runners[i - 1]
        const start =
          former === undefined ? 0 : starts[i - 1]! + (former.end === "fail" ? Math.min(former.ms, delay) : delay)
        if (start >= win) break
        starts.push(start)
        if (end === "ok") win = Math.min(win, start + ms)
      }
      const winner = starts.findIndex((start, i) => runners[i]!.end === "ok" && start + runners[i]!.ms === win)
      const { exit, started } = race(runners, delay)
      const told = JSON.stringify({ seed, runners })
      assert.deepStrictEqual(started.map(Math.round), starts.map(Math.round), told)
      if (winner >= 0) assert.deepStrictEqual(exit, Exit.succeed(winner), told)
      else assert.strictEqual(exit._tag === "Failure" && exit.cause.reasons.length, runners.length, told)
    }
  })

  it("leaves no runner behind when interrupted at any operation", () => {
    const points = sweep(
      (victim) => {
        const held = new Set<number>()
        const runner = (n: number) =>
          Effect.acquireUseRelease(
            Effect.sync(() => held.add(n)),
            () => Effect.sleep(20),
            () =>
              Effect.andThen(
                Effect.yieldNow,
                Effect.sync(() => held.delete(n))
              )
          )
        return Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(victim(raceStaggered([1, 2, 3].map(runner), 8)))
          const exit = yield* Fiber.await(fiber)
          return { held: held.size, interrupted: Exit.hasInterrupts(exit) }
        })
      },
      (exit, interrupted) => assert.deepStrictEqual(exit, Exit.succeed({ held: 0, interrupted }))
    )
    assert.isAbove(points, 30)
  })
})
