import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { AsyncLocalStorage } from "node:async_hooks"
import * as TaskGroup from "../src/TaskGroup.ts"
import { sweep, type Victim } from "./InterruptSweep.ts"
import { seeded, World } from "./Simulated.ts"

type Group = TaskGroup.TaskGroup<string>
type Cancellable = TaskGroup.CancellableTaskGroup<string>

/** `Fail a`, `Die b`, `Interrupt`, or `ok value`. */
const told = (exit: Exit.Exit<unknown, unknown>): ReadonlyArray<string> =>
  exit._tag === "Success" ? [`ok ${String(exit.value)}`] : exit.cause.reasons.map(reasonTold)
const reasonTold = (reason: Cause.Reason<unknown>) =>
  reason._tag === "Fail"
    ? `Fail ${String(reason.error)}`
    : reason._tag === "Die"
      ? `Die ${String(reason.defect)}`
      : "Interrupt"

const run = <A, E>(effect: Effect.Effect<A, E>) => told(new World().run(effect))
/** Interrupts the program from outside at a point of virtual time. */
const interruptedAt = <A, E>(at: number, effect: Effect.Effect<A, E>) => {
  const world = new World()
  const fiber = world.fork(effect)
  world.fork(
    Effect.andThen(
      Effect.sleep(at),
      Effect.sync(() => fiber.interruptUnsafe())
    )
  )
  const exit = world.await(fiber)
  return { told: told(exit), at: world.now }
}
const after = <A, E, R>(ms: number, effect: Effect.Effect<A, E, R>) => Effect.delay(effect, ms)
const failAfter = (ms: number, error: string) => after(ms, Effect.fail(error))
const cleanUp =
  <E2>(clean: Effect.Effect<unknown, E2>) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.onExit(effect, () => Effect.asVoid(clean))
const never: Effect.Effect<never> = Effect.never

describe("TaskGroup.run", () => {
  it("gives the body's value after all children have ended", () => {
    const ended: Array<string> = []
    const program = TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.spawn(
          after(
            20,
            Effect.sync(() => ended.push("late"))
          )
        )
        yield* group.spawn(
          after(
            10,
            Effect.sync(() => ended.push("early"))
          )
        )
        ended.push("body")
        return 7
      })
    )
    assert.deepStrictEqual(run(program), ["ok 7"])
    assert.deepStrictEqual(ended, ["body", "early", "late"])
  })

  it("gives each child's value through its fiber", () => {
    const program = TaskGroup.run((group) =>
      Effect.gen(function* () {
        const one = yield* group.spawn(after(10, Effect.succeed(42)))
        const other = yield* group.spawn(after(5, Effect.succeed(11)))
        return (yield* Fiber.join(one)) + (yield* Fiber.join(other))
      })
    )
    assert.deepStrictEqual(run(program), ["ok 53"])
  })

  it("interrupts the body and the siblings when a child fails, and waits for their clean-up", () => {
    const ended: Array<string> = []
    const mark = (name: string) =>
      cleanUp(
        after(
          30,
          Effect.sync(() => ended.push(name))
        )
      )
    const world = new World()
    const exit = world.run(
      TaskGroup.run((group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(mark("sibling")(never))
          yield* group.spawn(failAfter(10, "boom"))
          return yield* mark("body")(never)
        })
      )
    )
    assert.deepStrictEqual(told(exit), ["Fail boom"])
    assert.sameMembers(ended, ["sibling", "body"])
    assert.strictEqual(world.now, 40)
  })

  it("keeps typed failures, defects and failures of clean-up in one Cause, in order of arrival", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.spawn(cleanUp(after(3, Effect.die("child's clean-up")))(never))
        yield* group.spawn(cleanUp(failAfter(2, "typed clean-up"))(never))
        yield* group.spawn(failAfter(10, "first"))
        return yield* cleanUp(after(1, Effect.die("body's clean-up")))(never)
      })
    )
    assert.deepStrictEqual(run(program), [
      "Fail first",
      "Die body's clean-up",
      "Fail typed clean-up",
      "Die child's clean-up"
    ])
  })

  it("keeps two failures of the same value, and one that the body saw by joining only once", () => {
    const twice = TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.spawn(failAfter(10, "same"))
        yield* group.spawn(Effect.uninterruptible(failAfter(10, "same")))
      })
    )
    assert.deepStrictEqual(run(twice), ["Fail same", "Fail same"])
    const joined = TaskGroup.run((group: Group) =>
      Effect.flatMap(group.spawn(failAfter(10, "once")), (fiber) => Effect.uninterruptible(Fiber.join(fiber)))
    )
    assert.deepStrictEqual(run(joined), ["Fail once"])
  })

  it("keeps once what a body in a function of its own joined, however the child is named", () => {
    const error = new Error("once")
    const body = Effect.fn("body")(function* (group: TaskGroup.TaskGroup<Error>) {
      const fiber = yield* group.spawn(Effect.delay(Effect.fail(error), 1), { name: "child" })
      return yield* Fiber.join(fiber)
    })
    const exit = new World().run(TaskGroup.run(body, { onChildFailure: "isolate" }))
    assert.deepStrictEqual(told(exit), ["Fail Error: once"])
    assert.deepStrictEqual(exit._tag === "Failure" && exit.cause.reasons.map(TaskGroup.namesOf), [["child"]])
  })

  it("keeps an error object that two children share twice", () => {
    const shared = new Error("shared")
    const program = TaskGroup.run(
      (group: TaskGroup.TaskGroup<Error>) =>
        Effect.andThen(group.spawn(Effect.fail(shared)), group.spawn(Effect.fail(shared))),
      { onChildFailure: "isolate" }
    )
    assert.strictEqual(run(program).length, 2)
  })

  it("interrupts the children when the body fails, dies or throws", () => {
    const withBody = (body: Effect.Effect<never, string>) =>
      run(
        TaskGroup.run((group: Group) =>
          Effect.andThen(group.spawn(cleanUp(Effect.die("clean-up"))(never)), Effect.andThen(Effect.sleep(1), body))
        )
      )
    assert.deepStrictEqual(withBody(Effect.fail("body")), ["Fail body", "Die clean-up"])
    assert.deepStrictEqual(withBody(Effect.die("bug")), ["Die bug", "Die clean-up"])
    const throws = () => {
      throw "thrown"
    }
    assert.deepStrictEqual(run(TaskGroup.run(throws)), ["Die thrown"])
  })

  it("takes children from children while any of them runs, and never begins one after a failure", () => {
    let hydras = 0
    const program = TaskGroup.run((group: Group) => {
      const hydra: Effect.Effect<void> = Effect.gen(function* () {
        hydras++
        yield* Effect.sleep(10)
        yield* group.spawn(hydra)
        yield* group.spawn(hydra)
      })
      return Effect.andThen(group.spawn(hydra), group.spawn(failAfter(35, "hercules")))
    })
    assert.deepStrictEqual(run(program), ["Fail hercules"])
    assert.strictEqual(hydras, 1 + 2 + 4 + 8)
  })

  it("takes children from fibers outside it, and refuses with the facts once it is closed", () => {
    const program = Effect.gen(function* () {
      const shared = yield* Deferred.make<Group>()
      const nameless = yield* Deferred.make<string>()
      const outside = yield* Effect.forkChild(
        Effect.gen(function* () {
          const group = yield* Deferred.await(shared)
          yield* group.spawn(after(20, Deferred.succeed(nameless, "ran")))
        })
      )
      yield* TaskGroup.run((group: Group) => Effect.andThen(Deferred.succeed(shared, group), Effect.sleep(5)), {
        name: "open"
      })
      yield* Fiber.join(outside)
      const group = yield* Deferred.await(shared)
      const refused = yield* Effect.exit(group.spawn(Effect.void, { name: "late" }))
      return [yield* Deferred.await(nameless), ...told(refused)]
    })
    const exit = new World().run(program)
    assert.isTrue(Exit.isSuccess(exit))
    assert.deepStrictEqual(exit._tag === "Success" && exit.value, [
      "ran",
      'Die TaskGroupClosed: child "late" was spawned into task group "open", which is closed: spawn while its body or a child still runs'
    ])
  })

  it("refuses a child that clean-up spawns while the group is closing, and keeps the refusal", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(group.spawn(cleanUp(group.spawn(Effect.void))(never)), failAfter(1, "boom"))
    )
    const [first, second] = run(program)
    assert.strictEqual(first, "Fail boom")
    assert.match(second!, /closing/)
  })

  it("never begins a child that is interrupted before its turn, and counts no interruption of one child as a failure", () => {
    let begun = false
    const program = TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        const early = yield* group.spawn(
          Effect.sync(() => {
            begun = true
          })
        )
        yield* Fiber.interrupt(early)
        const other = yield* group.spawn(never)
        yield* Effect.sleep(1)
        yield* Fiber.interrupt(other)
        return (yield* group.statistics).interrupted
      })
    )
    assert.deepStrictEqual(run(program), ["ok 2"])
    assert.isFalse(begun)
  })

  it("ends interrupted when the body interrupts itself, with the children", () => {
    const ended: Array<string> = []
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(
        group.spawn(cleanUp(Effect.sync(() => ended.push("child")))(never)),
        Effect.andThen(Effect.sleep(1), Effect.interrupt)
      )
    )
    assert.deepStrictEqual(run(program), ["Interrupt"])
    assert.deepStrictEqual(ended, ["child"])
  })

  it("leaves the body its uninterruptible region", () => {
    const program = Effect.uninterruptible(
      TaskGroup.run((group: Group) => Effect.andThen(group.spawn(failAfter(1, "child")), after(50, Effect.succeed(1))))
    )
    const world = new World()
    assert.deepStrictEqual(told(world.run(program)), ["Fail child"])
    assert.strictEqual(world.now, 50)
  })

  it("gives the children the spawner's services and AsyncLocalStorage, queued ones too", async () => {
    const storage = new AsyncLocalStorage<number>()
    const seen: Array<readonly [number, number | undefined]> = []
    const look = (n: number) =>
      Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => seen.push([n, storage.getStore()]))
      )
    const spawns = (group: Group, n: number) =>
      storage.run(n, () => Effect.runPromise(Effect.asVoid(group.spawn(look(n)))))
    await storage.run(-1, () =>
      Effect.runPromise(
        TaskGroup.run((group: Group) => Effect.promise(() => Promise.all([1, 2, 3, 4].map((n) => spawns(group, n)))), {
          limit: 2
        })
      )
    )
    assert.deepStrictEqual(
      seen.toSorted(([a], [b]) => a - b),
      [1, 2, 3, 4].map((n) => [n, n] as const)
    )
  })

  it("runs where nothing is asynchronous", () => {
    const program = TaskGroup.run((group) =>
      Effect.flatMap(group.spawn(Effect.succeed(3)), (fiber) => Fiber.join(fiber))
    )
    assert.strictEqual(Effect.runSync(program), 3)
  })

  it("forgets children that have ended", () => {
    const program = TaskGroup.run((group) =>
      Effect.gen(function* () {
        for (let i = 0; i < 10; i++) yield* group.spawn(Effect.sleep(1), { name: `child ${i}` })
        yield* Effect.sleep(2)
        return yield* group.statistics
      })
    )
    const exit = new World().run(program)
    assert.deepStrictEqual(
      exit,
      Exit.succeed({
        name: "anonymous",
        state: "open" as const,
        running: 0,
        queued: 0,
        spawned: 10,
        succeeded: 10,
        failed: 0,
        interrupted: 0,
        children: []
      })
    )
  })
})

describe("Interruption of a TaskGroup from outside", () => {
  it("reaches body and children, and is what run ends with", () => {
    const ended: Array<string> = []
    const mark = (name: string) => cleanUp(Effect.sync(() => ended.push(name)))
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(group.spawn(mark("child")(never)), mark("body")(never))
    )
    assert.deepStrictEqual(interruptedAt(5, program).told, ["Interrupt"])
    assert.sameMembers(ended, ["child", "body"])
  })

  it("reaches the children of groups within", () => {
    const ended: Array<string> = []
    const leaf = (name: string) => cleanUp(Effect.sync(() => ended.push(name)))(never)
    const inner = (name: string) =>
      TaskGroup.run((group: Group) => Effect.andThen(group.spawn(leaf(`${name} 1`)), group.spawn(leaf(`${name} 2`))))
    const outer = TaskGroup.run((group: Group) => Effect.andThen(group.spawn(inner("a")), group.spawn(inner("b"))))
    assert.deepStrictEqual(interruptedAt(5, outer), { told: ["Interrupt"], at: 5 })
    assert.sameMembers(ended, ["a 1", "a 2", "b 1", "b 2"])
  })

  /** In a child of the innermost of thousands of groups, or in its body: neither may take the stack of the others. */
  const deepest = <E>(
    effect: Effect.Effect<unknown, E>,
    place: "child" | "body",
    groups = 3000
  ): Effect.Effect<unknown, E> => {
    for (let depth = 0; depth < groups; depth++) {
      const inner = effect
      effect = TaskGroup.run((group: TaskGroup.TaskGroup<E>) => (place === "child" ? group.spawn(inner) : inner))
    }
    return effect
  }
  for (const place of ["child", "body"] as const) {
    it(`reaches the innermost of thousands of groups, each in a ${place} of the one before`, () => {
      let ended = 0
      const inner = cleanUp(Effect.sync(() => ended++))(never)
      assert.deepStrictEqual(interruptedAt(5, deepest(inner, place)), { told: ["Interrupt"], at: 5 })
      assert.strictEqual(ended, 1)
    })

    it(`is not needed by thousands of groups that end or fail, each in a ${place} of the one before`, () => {
      const world = new World()
      assert.isTrue(Exit.isSuccess(world.run(deepest(Effect.sleep(5), place))))
      assert.deepStrictEqual(told(world.run(deepest(failAfter(5, "innermost"), place))), ["Fail innermost"])
    })
  }

  it("takes no turn of its own for the bodies of 200 groups, one in the other", () => {
    assert.strictEqual(Effect.runSync(deepest(Effect.succeed("done"), "body", 200)), "done")
  })

  it("reaches the children when the body has ended already", () => {
    assert.deepStrictEqual(
      interruptedAt(
        5,
        TaskGroup.run((group: Group) => group.spawn(never))
      ),
      { told: ["Interrupt"], at: 5 }
    )
  })

  it("is not swallowed when it arrives while a child's failure is being handled", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(
        group.spawn(failAfter(10, "child")),
        Effect.andThen(group.spawn(cleanUp(Effect.sleep(20))(never)), never)
      )
    )
    const recovered = Effect.orElseSucceed(program, () => "recovered")
    const { told, at } = interruptedAt(15, recovered)
    assert.notInclude(told, "ok recovered")
    assert.include(told, "Interrupt")
    assert.strictEqual(at, 30)
    assert.sameMembers([...interruptedAt(15, program).told], ["Fail child", "Interrupt"])
  })

  it("is not swallowed when it arrives after cancel", () => {
    const program = TaskGroup.run(
      (group: Cancellable) =>
        Effect.gen(function* () {
          yield* group.spawn(cleanUp(Effect.sleep(20))(never))
          yield* Effect.sleep(10)
          yield* group.cancel
        }),
      { onCancel: () => "cancelled" }
    )
    assert.deepStrictEqual(run(program), ["ok cancelled"])
    assert.deepStrictEqual(interruptedAt(15, program), { told: ["Interrupt"], at: 30 })
    const exceeded = Effect.timeoutOption(program, 15)
    assert.match(run(exceeded)[0]!, /none/)
  })

  it("is not swallowed by an inner group whose failure is caught while the outer one fails", () => {
    let wentOn = false
    const program = TaskGroup.run((outer: Group) =>
      Effect.gen(function* () {
        yield* outer.spawn(failAfter(10, "outer"))
        const inner = TaskGroup.run((group: Group) => Effect.andThen(group.spawn(failAfter(10, "inner")), never))
        yield* Effect.ignore(inner)
        yield* Effect.sleep(1)
        wentOn = true
      })
    )
    assert.include(run(program), "Fail outer")
    assert.isFalse(wentOn)
  })

  it("leaves an uninterruptible caller to end as usual", () => {
    const program = Effect.uninterruptible(Effect.exit(TaskGroup.run((group) => group.spawn(Effect.sleep(20)))))
    assert.deepStrictEqual(interruptedAt(5, program), { told: ["Interrupt"], at: 20 })
  })
})

describe("TaskGroup.cancel", () => {
  const cancelled = { onCancel: () => "cancelled" }

  it("ends body and children and gives what onCancel gives", () => {
    const ended: Array<string> = []
    const mark = (name: string) => cleanUp(Effect.sync(() => ended.push(name)))
    const byChild = TaskGroup.run(
      (group: Cancellable) =>
        Effect.gen(function* () {
          yield* group.spawn(mark("child")(never))
          yield* group.spawn(after(5, group.cancel))
          return yield* mark("body")(never)
        }),
      cancelled
    )
    assert.deepStrictEqual(run(byChild), ["ok cancelled"])
    assert.sameMembers(ended, ["child", "body"])
  })

  it("stops the body at its next operation, before its first wait too, and children that never began", () => {
    let begun = 0
    const count = Effect.sync(() => void begun++)
    const atOnce = TaskGroup.run(
      (group: Cancellable) =>
        Effect.gen(function* () {
          yield* group.spawn(count)
          yield* group.cancel
          yield* count
          return "body"
        }),
      cancelled
    )
    assert.deepStrictEqual(run(atOnce), ["ok cancelled"])
    assert.strictEqual(begun, 0)
  })

  it("ends a child that cancels before it ever waits", () => {
    const program = TaskGroup.run((group: Cancellable) => group.spawn(Effect.andThen(group.cancel, never)), cancelled)
    assert.match(run(Effect.as(program, "ended"))[0]!, /ended/)
  })

  it("keeps the value of a body that had ended, and may be called twice", () => {
    const program = TaskGroup.run(
      (group: Cancellable) => Effect.as(group.spawn(after(5, Effect.andThen(group.cancel, group.cancel))), "body"),
      cancelled
    )
    assert.deepStrictEqual(run(program), ["ok body"])
  })

  it("hides no failure, from before or of clean-up", () => {
    const program = TaskGroup.run(
      (group: Cancellable) =>
        Effect.gen(function* () {
          yield* group.spawn(cleanUp(Effect.fail("clean-up"))(never))
          yield* Effect.sleep(1)
          yield* group.cancel
        }),
      cancelled
    )
    assert.deepStrictEqual(run(program), ["Fail clean-up"])
    const late = TaskGroup.run(
      (group: Cancellable) =>
        Effect.andThen(
          group.spawn(failAfter(5, "first")),
          cleanUp(Effect.andThen(group.cancel, Effect.sleep(5)))(never)
        ),
      cancelled
    )
    assert.deepStrictEqual(run(late), ["Fail first"])
  })

  it("leaves nothing to go on between two groups, one in the other, that are cancelled together", () => {
    let wentOn = false
    const outer = TaskGroup.run(
      (outer: Cancellable) =>
        Effect.andThen(
          TaskGroup.run(
            (inner: Cancellable) =>
              Effect.andThen(
                inner.spawn(after(5, Effect.uninterruptible(Effect.andThen(inner.cancel, outer.cancel)))),
                never
              ),
            cancelled
          ),
          Effect.sync(() => {
            wentOn = true
          })
        ),
      { onCancel: () => "outer" }
    )
    assert.deepStrictEqual(run(outer), ["ok outer"])
    assert.isFalse(wentOn)
  })

  it("runs clean-up once, however many ask for it while it lasts", () => {
    let cleaned = 0
    const clean = cleanUp(
      Effect.andThen(
        Effect.sync(() => cleaned++),
        Effect.sleep(20)
      )
    )
    const program = TaskGroup.run(
      (outer: Cancellable) =>
        TaskGroup.run(
          (inner: Cancellable) =>
            Effect.gen(function* () {
              const child = yield* inner.spawn(clean(never))
              yield* outer.spawn(after(5, inner.cancel))
              yield* outer.spawn(after(10, outer.cancel))
              yield* outer.spawn(after(12, Fiber.interrupt(child)))
              return yield* never
            }),
          cancelled
        ),
      cancelled
    )
    assert.deepStrictEqual(interruptedAt(15, program), { told: ["Interrupt"], at: 25 })
    assert.strictEqual(cleaned, 1)
  })

  it("does nothing to a group that is closed, and leaves the caller's later work alone", () => {
    const program = Effect.gen(function* () {
      const group = yield* TaskGroup.run((group: Cancellable) => Effect.succeed(group), { onCancel: () => undefined })
      yield* group!.cancel
      yield* Effect.sleep(1)
      return "went on"
    })
    assert.deepStrictEqual(run(program), ["ok went on"])
  })

  it("does not make a body that interrupts itself look cancelled", () => {
    assert.deepStrictEqual(run(TaskGroup.run((_: Cancellable) => Effect.interrupt, cancelled)), ["Interrupt"])
  })
})

describe("TaskGroup.start", () => {
  type Ready = TaskGroup.Ready<number>

  it("gives the value the child is ready with, and the child goes on in the group", () => {
    const world = new World()
    const exit = world.run(
      TaskGroup.run((group: Group) =>
        Effect.gen(function* () {
          const port = yield* group.start((ready: Ready) => after(10, Effect.andThen(ready(80), Effect.sleep(30))))
          return [port, yield* Clock.currentTimeMillis]
        })
      )
    )
    assert.deepStrictEqual(told(exit), ["ok 80,10"])
    assert.strictEqual(world.now, 40)
  })

  it("fails with the failure of a child that was not ready, and the group goes on", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.spawn(Effect.sleep(50))
        return yield* Effect.catch(
          group.start((_: Ready) => failAfter(10, "address in use")),
          (error) => Effect.succeed(`caught ${error}`)
        )
      })
    )
    assert.deepStrictEqual(run(program), ["ok caught address in use"])
  })

  it("leaves the failure of a child that was ready to the group", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(
        group.start((ready: Ready) => Effect.andThen(ready(1), failAfter(10, "later"))),
        never
      )
    )
    assert.deepStrictEqual(run(program), ["Fail later"])
  })

  it("dies when the child ends without being ready, and names it", () => {
    const program = TaskGroup.run((group: Group) => group.start((_: Ready) => Effect.void, { name: "server" }), {
      name: "main"
    })
    assert.match(run(program)[0]!, /child "server" of task group "main" ended without saying that it is ready/)
  })

  it("takes the first ready only", () => {
    const program = TaskGroup.run((group: Group) => group.start((ready: Ready) => Effect.andThen(ready(1), ready(2))))
    assert.deepStrictEqual(run(program), ["ok 1"])
  })

  it("interrupts the child and waits for it when start is interrupted, and keeps its failure of clean-up", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.timeoutOption(
        group.start((ready: Ready) => cleanUp(after(20, Effect.andThen(ready(1), Effect.die("clean-up"))))(never)),
        10
      )
    )
    const world = new World()
    assert.deepStrictEqual(told(world.run(program)), ["ok none()"])
    assert.strictEqual(world.now, 30)
    const alone = (group: Group) => group.start((_: Ready) => cleanUp(Effect.die("clean-up"))(never))
    assert.deepStrictEqual(interruptedAt(5, TaskGroup.run(alone)).told.toSorted(), ["Die clean-up", "Interrupt"])
  })

  it("ends when the group closes under it, and a sibling's failure is all there is", () => {
    const program = TaskGroup.run((group: Group) =>
      Effect.andThen(
        group.spawn(failAfter(5, "sibling")),
        group.start((_: Ready) => never)
      )
    )
    assert.deepStrictEqual(run(program), ["Fail sibling"])
  })

  it("keeps the group open, whoever asks, until its child has ended, ready or not", () => {
    const startedBy = (child: (ready: Ready) => Effect.Effect<unknown, string>) =>
      TaskGroup.run((outside: Group) =>
        Effect.gen(function* () {
          yield* TaskGroup.run((group: Group) =>
            Effect.andThen(outside.spawn(Effect.exit(group.start(child))), Effect.sleep(1))
          )
          return yield* Clock.currentTimeMillis
        })
      )
    assert.deepStrictEqual(run(startedBy((ready) => after(2, Effect.andThen(ready(1), Effect.sleep(3))))), ["ok 5"])
    assert.deepStrictEqual(run(startedBy(() => failAfter(7, "crash"))), ["ok 7"])
  })

  it("is refused once the group is closed, and the child never begins", () => {
    let begun = false
    const program = Effect.gen(function* () {
      const group = yield* TaskGroup.run((group: Group) => Effect.succeed(group))
      yield* group.start((ready: Ready) => Effect.suspend(() => ((begun = true), ready(1))))
    })
    assert.match(run(program)[0]!, /^Die TaskGroupClosed: /)
    assert.isFalse(begun)
  })
})

describe("TaskGroup with onChildFailure", () => {
  it("isolate lets siblings and body go on and fails with all failures at the end", () => {
    const ended: Array<string> = []
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(failAfter(1, "one"))
          yield* group.spawn(after(2, Effect.die("two")))
          yield* group.spawn(
            after(
              20,
              Effect.sync(() => ended.push("sibling"))
            )
          )
          yield* Effect.sleep(10)
          ended.push("body")
        }),
      { onChildFailure: "isolate" }
    )
    assert.deepStrictEqual(run(program), ["Fail one", "Die two"])
    assert.deepStrictEqual(ended, ["body", "sibling"])
  })

  it("a function gets each failure with the child's name, the group waits for it and succeeds", () => {
    const handled: Array<string> = []
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(failAfter(1, "one"), { name: "first" })
          yield* group.spawn(after(2, Effect.die("two")))
          return "body"
        }),
      {
        onChildFailure: ({ child, cause }) =>
          after(
            10,
            Effect.sync(() => handled.push(`${child} ${cause.reasons.map(reasonTold).join()}`))
          )
      }
    )
    assert.deepStrictEqual(run(program), ["ok body"])
    assert.deepStrictEqual(handled, ["first Fail one", "undefined Die two"])
  })

  it("a function that fails fails the group, with what it was to handle", () => {
    const program = TaskGroup.run((group: Group) => Effect.andThen(group.spawn(failAfter(1, "child")), never), {
      onChildFailure: () => Effect.fail("handler")
    })
    assert.deepStrictEqual(run(program), ["Fail child", "Fail handler"])
  })

  it("a function is not given what fails while the group closes: that is kept", () => {
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.andThen(group.spawn(cleanUp(after(1, Effect.die("clean-up")))(never)), failAfter(5, "body")),
      { onChildFailure: () => Effect.die("must not be called") }
    )
    assert.deepStrictEqual(run(program), ["Fail body", "Die clean-up"])
  })

  it("a failure whose handling is interrupted is kept", () => {
    const program = TaskGroup.run(
      (group: Group) => Effect.andThen(group.spawn(failAfter(1, "child")), failAfter(5, "body")),
      { onChildFailure: () => never }
    )
    assert.deepStrictEqual(run(program), ["Fail body", "Fail child"])
  })
})

describe("TaskGroup with a limit", () => {
  const most = (limit: number, spawns: (group: Group, child: Effect.Effect<void>) => Effect.Effect<unknown>) => {
    let running = 0
    let peak = 0
    const child = Effect.acquireUseRelease(
      Effect.sync(() => {
        peak = Math.max(peak, ++running)
      }),
      () => Effect.sleep(10),
      () => Effect.sync(() => void running--)
    )
    const world = new World()
    const exit = world.run(TaskGroup.run((group: Group) => spawns(group, child), { limit }))
    assert.isTrue(Exit.isSuccess(exit), told(exit).join())
    return { peak, at: world.now }
  }

  it("runs so many children and no more, and makes the spawner wait for a place", () => {
    const spawnedAt: Array<number> = []
    const { peak, at } = most(3, (group, child) =>
      Effect.gen(function* () {
        for (let i = 0; i < 7; i++) {
          yield* group.spawn(child)
          spawnedAt.push(yield* Clock.currentTimeMillis)
        }
      })
    )
    assert.strictEqual(peak, 3)
    assert.strictEqual(at, 30)
    assert.deepStrictEqual(spawnedAt, [0, 0, 0, 10, 10, 10, 20])
  })

  it("does not make a child of the group wait for the place it holds itself", () => {
    const { peak, at } = most(1, (group, child) =>
      group.spawn(
        Effect.gen(function* () {
          yield* group.spawn(child)
          yield* group.spawn(child)
        })
      )
    )
    assert.strictEqual(peak, 1)
    assert.strictEqual(at, 20)
  })

  it("does not make one wait that is deeper inside, in another group of a child", () => {
    const { at } = most(1, (outer, child) =>
      outer.spawn(
        TaskGroup.run((inner: Group) => inner.spawn(Effect.andThen(outer.spawn(child), outer.spawn(child))), {
          limit: 1
        })
      )
    )
    assert.strictEqual(at, 20)
  })

  it("begins what a child starts above the limit, since that child waits for it", () => {
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.flatMap(
          group.spawn(group.start((ready: TaskGroup.Ready<number>) => Effect.delay(ready(1), 5))),
          (fiber) => Fiber.join(fiber)
        ),
      { limit: 1 }
    )
    assert.deepStrictEqual(run(program), ["ok 1"])
  })

  it("begins queued children in the order they came", () => {
    const begun: Array<number> = []
    const program = TaskGroup.run(
      (group: Group) =>
        group.spawn(
          Effect.forEach([1, 2, 3, 4, 5], (n) =>
            group.spawn(
              Effect.andThen(
                Effect.sync(() => begun.push(n)),
                Effect.sleep(n)
              )
            )
          )
        ),
      { limit: 1 }
    )
    run(program)
    assert.deepStrictEqual(begun, [1, 2, 3, 4, 5])
  })

  it("withdraws the child when the waiting spawn is interrupted", () => {
    let begun = false
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(Effect.sleep(20))
          const spawn = group.spawn(
            Effect.sync(() => {
              begun = true
            })
          )
          return yield* Effect.timeoutOption(spawn, 10)
        }),
      { limit: 1 }
    )
    assert.match(run(program)[0]!, /none/)
    assert.isFalse(begun)
  })

  it("interrupts those that wait when a child fails", () => {
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(failAfter(5, "boom"))
          yield* group.spawn(Effect.die("must not begin"))
        }),
      { limit: 1 }
    )
    assert.deepStrictEqual(run(program), ["Fail boom"])
  })

  it("lets go of a spawner outside that still waits when the group closes", () => {
    const program = Effect.gen(function* () {
      const spawned = yield* Deferred.make<Fiber.Fiber<void, string>>()
      yield* TaskGroup.run(
        (group: Cancellable) =>
          Effect.gen(function* () {
            yield* group.spawn(never)
            yield* Effect.forkDetach(Deferred.into(group.spawn(Effect.void), spawned))
            yield* Effect.sleep(1)
            yield* group.cancel
          }),
        { limit: 1, onCancel: () => undefined }
      )
      return told(yield* Fiber.await(yield* Deferred.await(spawned)))
    })
    assert.deepStrictEqual(run(program), ["ok Interrupt"])
  })

  it("refuses a limit that is no number of children", () => {
    for (const limit of [0, 1.5, Number.NaN])
      assert.include(run(TaskGroup.run(() => Effect.void, { limit }))[0]!, `a whole number of at least 1, got ${limit}`)
  })
})

describe("Names of children", () => {
  it("come with their failures, through nested groups, and with the printed stack", () => {
    const program = TaskGroup.run((outer: Group) =>
      Effect.asVoid(
        outer.spawn(
          TaskGroup.run((inner: Group) => Effect.asVoid(inner.spawn(failAfter(1, "boom"), { name: "fetch" }))),
          { name: "crawl" }
        )
      )
    )
    const exit = new World().run(program)
    if (exit._tag === "Success") return assert.fail("succeeded")
    assert.deepStrictEqual(exit.cause.reasons.map(TaskGroup.namesOf), [["crawl", "fetch"]])
    assert.match(Cause.pretty(exit.cause), /at child "fetch"\n\s+at child "crawl"/)
  })

  it("are listed while the children live", () => {
    const program = TaskGroup.run(
      (group: Group) =>
        Effect.gen(function* () {
          yield* group.spawn(Effect.sleep(10), { name: "a" })
          yield* group.spawn(Effect.sleep(10))
          yield* Effect.forkChild(group.spawn(Effect.sleep(1), { name: "b" }))
          yield* Effect.sleep(1)
          const { name, running, queued, children } = yield* group.statistics
          return [name, running, queued, ...children]
        }),
      { name: "main", limit: 2 }
    )
    assert.deepStrictEqual(run(program), ["ok main,2,1,a,b"])
  })
})

describe("TaskGroup.make", () => {
  it("interrupts what runs when its scope closes, and waits", () => {
    const world = new World()
    const exit = world.run(
      Effect.scoped(
        Effect.gen(function* () {
          const group = yield* TaskGroup.make()
          yield* group.spawn(cleanUp(Effect.sleep(20))(never))
          yield* Effect.sleep(5)
        })
      )
    )
    assert.deepStrictEqual(told(exit), ["ok undefined"])
    assert.strictEqual(world.now, 25)
  })

  it("joins: waits for all and fails with all", () => {
    const program = Effect.scoped(
      Effect.gen(function* () {
        const group = yield* TaskGroup.make<string>()
        yield* group.spawn(Effect.sleep(10))
        yield* group.join
        yield* group.spawn(cleanUp(after(10, Effect.die("clean-up")))(never))
        yield* group.spawn(failAfter(1, "child"))
        yield* group.join
      })
    )
    assert.deepStrictEqual(run(program), ["Fail child", "Die clean-up"])
  })

  it("turns a failure that nobody joined into a defect of the scope", () => {
    const program = Effect.scoped(
      Effect.gen(function* () {
        const group = yield* TaskGroup.make<string>()
        yield* group.spawn(failAfter(1, "unseen"))
        yield* Effect.sleep(5)
      })
    )
    assert.deepStrictEqual(run(program), ["Die unseen"])
  })

  it("ends its own children alone, in whatever order and by whomever scopes are closed", () => {
    const ended: Array<string> = []
    const child = (name: string) => cleanUp(Effect.sync(() => ended.push(name)))(never)
    const program = Effect.gen(function* () {
      const [first, second] = [yield* Scope.make(), yield* Scope.make()]
      const outer = yield* Scope.provide(TaskGroup.make(), first)
      const inner = yield* Scope.provide(TaskGroup.make(), second)
      yield* outer.spawn(child("outer"))
      yield* inner.spawn(child("inner"))
      yield* Effect.sleep(1)
      yield* Fiber.await(yield* Effect.forkChild(Scope.close(first, Exit.void)))
      assert.deepStrictEqual(ended, ["outer"])
      yield* inner.spawn(child("late"))
      yield* Effect.sleep(1)
      assert.strictEqual((yield* inner.statistics).running, 2)
      yield* Scope.close(second, Exit.void)
    })
    assert.deepStrictEqual(run(program), ["ok undefined"])
    assert.sameMembers(ended, ["outer", "inner", "late"])
  })

  it("belongs to its scope and not to the child that made it: that may end before", () => {
    const ended: Array<string> = []
    const child = cleanUp(Effect.sync(() => ended.push("child")))(never)
    const program = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const make = Effect.flatMap(Scope.provide(TaskGroup.make(), scope), (group) => group.spawn(child))
      yield* TaskGroup.run((group) => group.spawn(make))
      yield* Effect.sleep(5)
      assert.deepStrictEqual(ended, [])
      yield* Scope.close(scope, Exit.void)
    })
    assert.deepStrictEqual(run(program), ["ok undefined"])
    assert.deepStrictEqual(ended, ["child"])
  })

  it("refuses children after its scope has closed", () => {
    const program = Effect.gen(function* () {
      const scope = yield* Scope.make()
      const group = yield* Scope.provide(TaskGroup.make({ name: "service" }), scope)
      yield* Scope.close(scope, Exit.void)
      yield* group.spawn(Effect.void)
    })
    assert.match(run(program)[0]!, /"service", which is closed/)
  })
})

describe("Interrupting at every operation", () => {
  /** A resource that tells who holds it: all must be free at the end, whatever happens. */
  const makeHeld = () => {
    const held = new Set<string>()
    const hold =
      (name: string) =>
      <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => held.add(name)),
          () => effect,
          () =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => held.delete(name))
            )
        )
    return { held, hold }
  }
  const sweepCaller = (
    name: string,
    program: (hold: ReturnType<typeof makeHeld>["hold"]) => Effect.Effect<unknown, string>
  ) =>
    it(`leaves nothing running and swallows no interruption: ${name}`, () => {
      const points = sweep(
        (victim: Victim) => {
          const { held, hold } = makeHeld()
          return Effect.gen(function* () {
            const fiber = yield* Effect.forkChild(victim(program(hold)))
            const exit = yield* Fiber.await(fiber)
            return { exit, held }
          })
        },
        (outcome, interrupted) => {
          if (outcome._tag === "Failure") return assert.fail("the observer failed")
          const { exit, held } = outcome.value
          assert.strictEqual(held.size, 0)
          if (interrupted) assert.include(told(exit), "Interrupt")
        }
      )
      assert.isAbove(points, 30)
    })

  sweepCaller("run, a child fails", (hold) =>
    TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.spawn(hold("a")(Effect.sleep(5)))
        yield* group.spawn(hold("b")(failAfter(3, "b")))
        yield* hold("body")(Effect.sleep(4))
      })
    )
  )
  sweepCaller("run, cancelled", (hold) =>
    TaskGroup.run(
      (group: Cancellable) =>
        Effect.gen(function* () {
          yield* group.spawn(hold("a")(never))
          yield* hold("body")(Effect.sleep(4))
          yield* group.cancel
        }),
      { onCancel: () => undefined }
    )
  )
  sweepCaller("nested groups with a limit", (hold) =>
    TaskGroup.run(
      (outer: Group) =>
        Effect.gen(function* () {
          for (const n of [1, 2, 3]) {
            yield* outer.spawn(
              TaskGroup.run((inner: Group) =>
                Effect.andThen(inner.spawn(hold(`inner ${n}`)(Effect.sleep(2))), hold(`outer ${n}`)(Effect.sleep(1)))
              )
            )
          }
        }),
      { limit: 1 }
    )
  )
  sweepCaller("start", (hold) =>
    TaskGroup.run((group: Group) =>
      Effect.gen(function* () {
        yield* group.start((ready: TaskGroup.Ready<number>) =>
          hold("server")(Effect.andThen(Effect.sleep(1), Effect.andThen(ready(1), Effect.sleep(5))))
        )
        yield* hold("body")(Effect.sleep(1))
      })
    )
  )
  sweepCaller("make and join", (hold) =>
    Effect.scoped(
      Effect.gen(function* () {
        const group = yield* TaskGroup.make<string>()
        yield* group.spawn(hold("a")(Effect.sleep(2)))
        yield* group.spawn(hold("b")(failAfter(3, "b")))
        yield* group.join
      })
    )
  )

  /** The spawner is interrupted, the group is someone else's: no child may be lost, none may hold a place for ever. */
  const sweepSpawner = (name: string, spawn: (group: Group) => Effect.Effect<unknown, string>) =>
    it(`loses no child and no place: ${name}`, () => {
      const points = sweep(
        (victim: Victim) =>
          TaskGroup.run(
            (group: Group) =>
              Effect.gen(function* () {
                yield* group.spawn(Effect.sleep(2))
                const fiber = yield* Effect.forkChild(victim(spawn(group)))
                yield* Fiber.await(fiber)
                yield* Effect.sleep(50)
                const { running, queued } = yield* group.statistics
                return { running, queued }
              }),
            { limit: 1 }
          ),
        (exit) => assert.deepStrictEqual(exit, Exit.succeed({ running: 0, queued: 0 }))
      )
      assert.isAbove(points, 10)
    })
  sweepSpawner("spawn that waits for a place", (group) => group.spawn(Effect.sleep(2)))
  sweepSpawner("start that waits for a place", (group) =>
    group.start((ready: TaskGroup.Ready<void>) =>
      Effect.andThen(Effect.sleep(1), Effect.andThen(ready(undefined), Effect.sleep(2)))
    )
  )
})

describe("Random programs", () => {
  type Program =
    | { readonly _tag: "Sleep"; readonly ms: number }
    | { readonly _tag: "Fail" | "Die"; readonly id: string }
    | { readonly _tag: "Then"; readonly parts: ReadonlyArray<Program> }
    | { readonly _tag: "Timeout"; readonly ms: number; readonly of: Program }
    | { readonly _tag: "CleanUp"; readonly of: Program; readonly clean: Program }
    | { readonly _tag: "Uninterruptible"; readonly of: Program }
    | { readonly _tag: "Cancel" | "Interrupt" }
    | {
        readonly _tag: "Group"
        readonly body: Program
        readonly children: ReadonlyArray<Program>
        readonly late: ReadonlyArray<Program>
        readonly limit: number
        readonly isolate: boolean
      }

  const generate = (random: () => number) => {
    let ids = 0
    const below = (n: number) => Math.floor(random() * n)
    const some = (depth: number) => Array.from({ length: below(4) }, () => program(depth - 1))
    const program = (depth: number): Program => {
      const leaf = depth <= 0
      const kind = below(leaf ? 8 : 16)
      if (kind < 4) return { _tag: "Sleep", ms: below(20) }
      if (kind === 4) return { _tag: "Fail", id: `fail ${ids++}` }
      if (kind === 5) return { _tag: "Die", id: `die ${ids++}` }
      if (kind === 6) return { _tag: "Cancel" }
      if (kind === 7) return below(3) === 0 ? { _tag: "Interrupt" } : { _tag: "Sleep", ms: 0 }
      if (kind < 10) return { _tag: "Then", parts: some(depth) }
      if (kind === 10) return { _tag: "Timeout", ms: below(20), of: program(depth - 1) }
      if (kind === 11) return { _tag: "CleanUp", of: program(depth - 1), clean: program(0) }
      if (kind === 12) return { _tag: "Uninterruptible", of: program(0) }
      return group(depth)
    }
    const group = (depth: number): Program => ({
      _tag: "Group",
      body: program(depth - 1),
      children: some(depth),
      late: some(depth),
      limit: below(3) === 0 ? 1 + below(2) : Infinity,
      isolate: below(4) === 0
    })
    return group(4)
  }

  /** What happened: `raised` are the failures that must be reported, `live` who began and has not ended. */
  interface Record {
    readonly raised: Array<string>
    readonly live: Set<object>
    groups: number
  }

  /** `kept`: nothing between here and the outcome drops failures, as a timeout does. */
  const interpret = (
    program: Program,
    record: Record,
    kept: boolean,
    group: Cancellable | undefined
  ): Effect.Effect<unknown, string> => {
    // recorded in the very operation that fails: an interruption just before is no failure
    const raise = (id: string, failure: Effect.Effect<never, string>) =>
      Effect.onExit(failure, (exit) => {
        const failed = exit._tag === "Failure" && !Cause.hasInterruptsOnly(exit.cause)
        if (failed && kept) record.raised.push(id)
        return Effect.void
      })
    switch (program._tag) {
      case "Sleep":
        return Effect.sleep(program.ms)
      case "Fail":
        return raise(program.id, Effect.fail(program.id))
      case "Die":
        return raise(program.id, Effect.die(program.id))
      case "Interrupt":
        return Effect.interrupt
      case "Cancel":
        return group === undefined ? Effect.void : group.cancel
      case "Then":
        return Effect.forEach(program.parts, (part) => interpret(part, record, kept, group), { discard: true })
      case "Timeout":
        return Effect.timeoutOption(interpret(program.of, record, false, group), program.ms)
      case "CleanUp":
        return cleanUp(interpret(program.clean, record, kept, undefined))(interpret(program.of, record, kept, group))
      case "Uninterruptible":
        return Effect.uninterruptible(interpret(program.of, record, kept, group))
      case "Group": {
        record.groups++
        const alive =
          (token: object) =>
          <A, E>(effect: Effect.Effect<A, E>) =>
            Effect.acquireUseRelease(
              Effect.sync(() => record.live.add(token)),
              () => effect,
              () => Effect.sync(() => record.live.delete(token))
            )
        return TaskGroup.run(
          (own: Cancellable) => {
            const spawn = (child: Program) => own.spawn(alive({})(interpret(child, record, kept, own)))
            const late = Effect.andThen(Effect.sleep(3), Effect.forEach(program.late, spawn, { discard: true }))
            return alive({})(
              Effect.andThen(
                Effect.forEach(program.children, spawn, { discard: true }),
                Effect.andThen(own.spawn(late), interpret(program.body, record, kept, own))
              )
            )
          },
          {
            onCancel: () => "cancelled",
            limit: program.limit,
            onChildFailure: program.isolate ? "isolate" : "interrupt"
          }
        )
      }
    }
  }

  const seeds = 3000
  const first = Number(process.env["SEED"] ?? 1)

  it(`end, leave nothing alive, keep every failure once and every interruption: seeds ${first} to ${first + seeds - 1}`, () => {
    let groups = 0
    let failures = 0
    let interruptions = 0
    for (let seed = first; seed < first + seeds; seed++) {
      const random = seeded(seed)
      const program = generate(random)
      const preempt = [0, 0.02, 0.3][seed % 3]!
      const world = new World({ random, preempt })
      const record: Record = { raised: [], live: new Set(), groups: 0 }
      const complain = (what: string) =>
        assert.fail(`SEED=${seed}: ${what}\n${JSON.stringify(program)}\nraised ${record.raised.join()}`)
      const fiber = world.fork(interpret(program, record, true, undefined))
      let interrupted = false
      if (seed % 2 === 0) {
        const at = Math.floor(random() * 30)
        world.fork(
          Effect.andThen(
            Effect.sleep(at),
            Effect.sync(() => {
              interrupted = fiber.pollUnsafe() === undefined
              fiber.interruptUnsafe()
            })
          )
        )
      }
      let exit: Exit.Exit<unknown, string>
      try {
        exit = world.await(fiber)
      } catch (error) {
        return complain(String(error))
      }
      if (record.live.size > 0) complain(`${record.live.size} still alive`)
      const reasons = exit._tag === "Success" ? [] : exit.cause.reasons
      if (interrupted && !reasons.some((reason) => reason._tag === "Interrupt")) complain("the interruption is lost")
      const reported = reasons.flatMap((reason) =>
        reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? String(reason.defect) : []
      )
      for (const id of record.raised) {
        const times = reported.filter((other) => other === id).length
        if (times !== 1) complain(`${id} is reported ${times} times`)
      }
      groups += record.groups
      failures += record.raised.length
      interruptions += interrupted ? 1 : 0
    }
    // the generator must have something to say
    assert.isAbove(groups, 2 * seeds)
    assert.isAbove(failures, seeds / 2)
    assert.isAbove(interruptions, seeds / 10)
  })
})
