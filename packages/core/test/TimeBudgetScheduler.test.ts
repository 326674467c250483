import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Scheduler from "effect/Scheduler"
import * as Semaphore from "effect/Semaphore"
import { AsyncLocalStorage } from "node:async_hooks"
import * as TimeBudgetScheduler from "../src/TimeBudgetScheduler.ts"
import { sweep } from "./InterruptSweep.ts"
import { World } from "./Simulated.ts"

/** A scheduler whose time and turns are the test's. */
const makeByHand = (budget = 10) => {
  const hand = { now: 0, turns: 0, next: undefined as (() => void) | undefined }
  const scheduler = TimeBudgetScheduler.make({
    budget,
    now: () => hand.now,
    nextTurn: (run) => {
      assert.isUndefined(hand.next, "one turn at a time")
      hand.next = run
    }
  })
  /** Goes through one turn of the event loop; false when none is due. */
  const turn = () => {
    const { next } = hand
    if (next === undefined) return false
    hand.next = undefined
    hand.turns++
    next()
    return true
  }
  return { hand, scheduler, turn, fork: <A, E>(effect: Effect.Effect<A, E>) => Effect.runFork(effect, { scheduler }) }
}

describe("TimeBudgetScheduler", () => {
  it("runs tasks by priority, then in order of arrival, and new ones after all of them", () => {
    const { scheduler, turn } = makeByHand()
    const ran: Array<string> = []
    const dispatcher = scheduler.makeDispatcher()
    const schedule = (name: string, priority: number) =>
      dispatcher.scheduleTask(() => {
        ran.push(name)
        if (name === "b") schedule("new", -1)
      }, priority)
    for (const [name, priority] of [
      ["c", 0],
      ["e", 5],
      ["d", 0],
      ["a", -2],
      ["b", -2],
      ["f", 5]
    ] as const) {
      schedule(name, priority)
    }
    turn()
    assert.strictEqual(ran.join(""), "abcdefnew")
  })

  it("ends a turn when the budget is used, and goes on in the next", () => {
    const { hand, turn, fork } = makeByHand()
    let steps = 0
    const fiber = fork(
      Effect.forEach(
        Array.from({ length: 100 }),
        () =>
          Effect.andThen(
            Effect.yieldNow,
            Effect.sync(() => {
              steps++
              hand.now += 1
            })
          ),
        { discard: true }
      )
    )
    const each: Array<number> = []
    for (let before = steps; turn(); before = steps) each.push(steps - before)
    assert.isTrue(fiber.pollUnsafe()?._tag === "Success")
    for (const count of each.slice(0, -1)) assert.strictEqual(count, 10)
  })

  it("ends a turn of tasks that are no fibers", () => {
    const { hand, scheduler, turn } = makeByHand()
    const dispatcher = scheduler.makeDispatcher()
    let ran = 0
    for (let i = 0; i < 100; i++) {
      dispatcher.scheduleTask(() => {
        ran++
        hand.now += 1
      }, 0)
    }
    turn()
    assert.isAtMost(ran, 32)
    while (turn());
    assert.strictEqual(ran, 100)
  })

  it("makes a fiber yield that never asks to, and lets the others run", () => {
    const { hand, turn, fork } = makeByHand()
    let runs = 0
    const busy = fork(
      Effect.andThen(
        Effect.yieldNow,
        Effect.forever(
          Effect.sync(() => {
            hand.now += 1
            runs++
          }),
          { disableYield: true }
        )
      )
    )
    let ticks = 0
    const other = fork(
      Effect.forever(
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => ticks++)
        ),
        { disableYield: true }
      )
    )
    const held: Array<number> = []
    for (let i = 0, before = 0; i < 20; i++, before = runs) {
      turn()
      held.push(runs - before)
    }
    assert.isAtMost(Math.max(...held), 12)
    assert.isAtLeast(ticks, 15)
    for (const fiber of [busy, other]) fiber.interruptUnsafe()
  })

  it("lets every fiber progress, however little time there is", () => {
    for (const budget of [0, 1e-9]) {
      const { hand, turn, fork } = makeByHand(budget)
      const work = Effect.gen(function* () {
        let sum = 0
        for (let i = 0; i < 200; i++) {
          sum += yield* Effect.sync(() => {
            hand.now += 5
            return i
          })
          if (i % 10 === 0) yield* Effect.yieldNow
        }
        return sum
      })
      const fibers = [fork(work), fork(work)]
      for (let turns = 0; turns < 10_000 && turn(); turns++);
      for (const fiber of fibers) assert.deepStrictEqual(fiber.pollUnsafe(), Exit.succeed(19_900))
    }
  })

  it("gives work that I/O resumes the same budget, outside a turn of its own", async () => {
    const { hand, turn, fork } = makeByHand()
    let resume = () => {}
    let runs = 0
    const fiber = fork(
      Effect.andThen(
        Effect.callback<void>((go) => {
          resume = () => go(Effect.void)
        }),
        Effect.forever(
          Effect.sync(() => {
            runs++
            hand.now += 1
          }),
          { disableYield: true }
        )
      )
    )
    while (turn());
    hand.now += 1_000_000
    resume()
    assert.isAbove(runs, 8)
    assert.isAtMost(runs, 50)
    fiber.interruptUnsafe()
  })

  it("loses no task when one throws", () => {
    const { scheduler, turn } = makeByHand()
    const dispatcher = scheduler.makeDispatcher()
    let ran = 0
    dispatcher.scheduleTask(() => ran++, 0)
    dispatcher.scheduleTask(() => {
      throw new Error("bug")
    }, 0)
    dispatcher.scheduleTask(() => ran++, 0)
    dispatcher.scheduleTask(() => ran++, 1)
    assert.throws(turn, /bug/)
    while (turn());
    assert.strictEqual(ran, 3)
  })

  it("flushes everything at once, what is scheduled meanwhile too", () => {
    const { scheduler } = makeByHand()
    const dispatcher = scheduler.makeDispatcher()
    let ran = 0
    dispatcher.scheduleTask(() => dispatcher.scheduleTask(() => ran++, 0), 0)
    dispatcher.flush()
    assert.strictEqual(ran, 1)
  })

  it("keeps AsyncLocalStorage apart between fibers that share it", async () => {
    const storage = new AsyncLocalStorage<number>()
    const scheduler = TimeBudgetScheduler.make()
    let wrong = 0
    let looks = 0
    const work = (id: number) =>
      Effect.gen(function* () {
        for (let i = 0; i < 100; i++) {
          yield* Effect.sync(() => {
            looks++
            if (storage.getStore() !== id) wrong++
          })
          if (i % 7 === 0) yield* Effect.yieldNow
          if (i % 11 === 0) yield* Fiber.join(yield* Effect.forkChild(Effect.sync(() => storage.getStore() === id)))
          if (i % 31 === 0) yield* Effect.sleep(1)
        }
      })
    await Promise.all(
      Array.from({ length: 20 }, (_, id) => storage.run(id, () => Effect.runPromise(work(id), { scheduler })))
    )
    assert.deepStrictEqual([looks, wrong], [2000, 0])
  })

  it("lets timers fire while fibers do nothing but yield", async () => {
    let fired = false
    setTimeout(() => {
      fired = true
    }, 1)
    const spin = Effect.gen(function* () {
      while (!fired) yield* Effect.yieldNow
    })
    await Effect.runPromise(Effect.all([spin, spin], { concurrency: 2 }), { scheduler: TimeBudgetScheduler.make() })
    assert.isTrue(fired)
  })

  it("runs what Effect's own scheduler runs, as a service too", async () => {
    const program = Effect.gen(function* () {
      const queue = yield* Queue.bounded<number>(2)
      const sum = yield* Effect.forkChild(
        Effect.gen(function* () {
          let total = 0
          for (let i = 0; i < 500; i++) total += yield* Queue.take(queue)
          return total
        })
      )
      yield* Effect.forEach(
        Array.from({ length: 500 }, (_, i) => i),
        (i) => Queue.offer(queue, i),
        { concurrency: 7 }
      )
      return yield* Fiber.join(sum)
    })
    const provided = Effect.provideService(program, Scheduler.Scheduler, TimeBudgetScheduler.make())
    assert.strictEqual(await Effect.runPromise(provided), 124_750)
  })

  it("leaves nothing held and nobody waiting when a fiber is interrupted at any operation", () => {
    /** Its turns are tasks of the world; its clock goes on with each look, so that budgets are used. */
    class Budgeted extends World {
      looks = 0
      readonly scheduler = TimeBudgetScheduler.make({
        budget: 4,
        now: () => ++this.looks,
        nextTurn: (run) => this.scheduleTask(run)
      })
      override shouldYield(fiber: Fiber.Fiber<unknown, unknown>) {
        return this.halt() || this.scheduler.shouldYield(fiber)
      }
      override makeDispatcher() {
        return this.scheduler.makeDispatcher()
      }
      override scheduleFirst(task: () => void) {
        this.makeDispatcher().scheduleTask(task, -1)
      }
    }
    let ended = 0
    const points = sweep(
      (victim) =>
        Effect.gen(function* () {
          ended = 0
          const gate = yield* Semaphore.make(1)
          const use = gate.withPermits(1)(Effect.andThen(Effect.yieldNow, Effect.sleep(1)))
          const fibers = yield* Effect.forEach([use, victim(use), use], (one) =>
            Effect.forkChild(Effect.onExit(one, () => Effect.sync(() => ended++)))
          )
          yield* Effect.forEach(fibers, Fiber.await)
          return yield* gate.withPermits(1)(Effect.sync(() => ended))
        }),
      (exit) => assert.deepStrictEqual(exit, Exit.succeed(3)),
      () => new Budgeted()
    )
    assert.isAbove(points, 30)
  })
})
