import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as FiberDump from "../src/FiberDump.ts"
import * as Recorder from "../src/Recorder.ts"
import * as TaskGroup from "../src/TaskGroup.ts"

const dumpOf = (recorder: Recorder.Recorder) => FiberDump.dump(recorder.live(), recorder.nowMs())

/** Places without what differs between machines and edits of this file. */
const normal = (text: string) => text.replaceAll(/[^\s(]*\/(\w+\.test\.ts):\d+:\d+/g, "$1").replaceAll(/#\d+/g, "#n")

/** A live fiber by hand. */
const live = (id: number, parent: number, more: Partial<Recorder.Live> = {}): Recorder.Live => ({
  id,
  parent,
  state: "waiting",
  reason: "callback",
  startMs: 0,
  sinceMs: 0,
  busyMs: 0,
  readyMs: 0,
  waitMs: 0,
  name: "f",
  source: "",
  frame: undefined,
  inherited: undefined,
  ...more
})

describe("FiberDump", () => {
  it.effect("knows the children of a task group by their names, and what they start by its own", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const request = Effect.fn("request")(() => Effect.never)
      const program = TaskGroup.run(
        (group: TaskGroup.TaskGroup) =>
          Effect.gen(function* () {
            yield* group.spawn(Effect.never, { name: "idle" })
            yield* group.spawn(request(), { name: "asks" })
            yield* group.spawn(
              Effect.forEach([1, 2], () => Effect.never, { concurrency: 2 }),
              { name: "starts two" }
            )
            yield* group.spawn(Effect.never, { name: "waits for its turn" })
            return yield* Effect.never
          }),
        { limit: 3 }
      )
      yield* Effect.forkChild(recorder.record(program))
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(
        recorder.live().flatMap(({ name }) => (name === "" ? [] : [name])),
        ["idle", "asks", "starts two", "waits for its turn"]
      )
    })
  )

  it.effect("prints the tree of live fibers, those alike in one line", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const request = Effect.fn("request")((ms: number) => Effect.sleep(ms))
      const fetch = Effect.fn("fetch")(function* (ms: number) {
        yield* request(ms)
        return yield* Effect.provideService(Effect.never, Recorder.WaitReason, "a permit")
      })
      const main = Effect.fn("main")(function* () {
        yield* Effect.forkChild(Effect.never)
        yield* Effect.forEach([100, 2000, 2000, 2000], fetch, { concurrency: "unbounded" })
      })
      const fiber = yield* Effect.forkChild(recorder.record(main()))
      yield* TestClock.adjust(1500)
      const text = normal(FiberDump.render(dumpOf(recorder)))
      assert.strictEqual(
        `\n${text}`,
        `
6 fibers: 0 running, 0 ready, 6 waiting

main #n  waiting for callback 1.5 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
    at main (FiberDump.test.ts)
└ 3 × fetch  waiting for sleep 1.5 s  (age 1.5 s: busy 0, ready 0, waited 4.5 s)
      at request (FiberDump.test.ts)
      at fetch (FiberDump.test.ts)
└ (no name) #n  waiting for callback 1.5 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
└ fetch #n  waiting for a permit 1.4 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
      at fetch (FiberDump.test.ts)
`
      )
      assert.strictEqual(
        `\n${normal(FiberDump.render(dumpOf(recorder), { places: false }))}`,
        `
6 fibers: 0 running, 0 ready, 6 waiting

main #n  waiting for callback 1.5 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
└ 3 × fetch  waiting for sleep 1.5 s  (age 1.5 s: busy 0, ready 0, waited 4.5 s)
      at request
      at fetch
└ (no name) #n  waiting for callback 1.5 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
└ fetch #n  waiting for a permit 1.4 s  (age 1.5 s: busy 0, ready 0, waited 1.5 s)
`
      )
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(FiberDump.render(dumpOf(recorder)), "no fiber is left\n")
    })
  )

  it.effect("names the place where a function calls the next one", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const lineOf = () => Number(/:(\d+):\d+\)?$/.exec(new Error("here").stack!.split("\n")[2]!)![1])
      const inner = Effect.fn("inner")(() => Effect.never)
      const defined = lineOf() - 1
      let called = 0
      const outer = Effect.fn("outer")(function* () {
        called = lineOf() + 1
        return yield* inner()
      })
      const fiber = yield* Effect.forkChild(recorder.record(outer()))
      yield* TestClock.adjust(0)
      const [group] = dumpOf(recorder).groups
      assert.deepStrictEqual(
        group!.stack.map(({ name, place }) => [name, Number(place.split(":").at(-2))]),
        [
          ["inner", defined],
          ["outer", called]
        ]
      )
      yield* Fiber.interrupt(fiber)
    })
  )

  it("does not join what differs in parent, state, reason, name or place", () => {
    const frame = (place: string) => ({ name: "g", stack: () => `at g (${place}:1:1)`, parent: undefined })
    const { groups, ...counts } = FiberDump.dump(
      [
        live(1, 0),
        live(2, 0),
        live(3, 0, { reason: "sleep" }),
        live(4, 0, { state: "ready", reason: "yield" }),
        live(5, 0, { name: "g", frame: frame("a.ts") }),
        live(6, 0, { name: "g", frame: frame("b.ts") }),
        live(7, 0, { name: "g", frame: frame("b.ts") }),
        live(8, 1),
        live(9, 2),
        live(10, 3),
        live(11, 99)
      ],
      10
    )
    assert.deepStrictEqual(counts, { fibers: 11, running: 0, ready: 1, waiting: 10 })
    assert.deepStrictEqual(
      groups.map(({ ids, children, isOrphan }) => [ids, children.map(({ ids }) => ids), isOrphan]),
      [
        // 8 and 9 have parents that are alike, so they are too
        [[1, 2], [[8, 9]], false],
        [[3], [[10]], false],
        [[4], [], false],
        [[5], [], false],
        [[6, 7], [], false],
        [[11], [], true]
      ]
    )
  })

  it("counts the time in the present state, too", () => {
    const [running, ready] = FiberDump.dump(
      [
        live(1, 0, { state: "running", busyMs: 5, sinceMs: 90 }),
        live(2, 0, { state: "ready", readyMs: 1, busyMs: 2, waitMs: 3, startMs: 50, sinceMs: 60 })
      ],
      100
    ).groups
    assert.strictEqual(running!.busyMs, 15)
    assert.deepStrictEqual([ready!.busyMs, ready!.readyMs, ready!.waitMs], [2, 41, 3])
    assert.deepStrictEqual(
      [ready!.ageMs, ready!.sinceMs],
      [
        [50, 50],
        [40, 40]
      ]
    )
  })

  it("is bounded in its text, and says what it left out", () => {
    const fibers = Array.from({ length: 5000 }, (_, index) => live(index + 1, 0, { name: `f${index}` }))
    const lines = FiberDump.render(FiberDump.dump(fibers, 1), { lines: 10 }).split("\n")
    assert.strictEqual(lines.length, 2 + 10 + 3)
    assert.include(lines.at(-2), "and 4990 fibers more, in 4990 groups")
  })

  it("takes one line for any number of fibers that are alike, and deep chains", () => {
    const alike = Array.from({ length: 20_000 }, (_, index) => live(index + 2, 1))
    assert.include(FiberDump.render(FiberDump.dump([live(1, 0), ...alike], 1)), "└ 20000 × f  waiting")
    const deep = Array.from({ length: 20_000 }, (_, index) => live(index + 1, index))
    const text = FiberDump.render(FiberDump.dump(deep, 1))
    assert.include(text, "and 19800 fibers more")
    assert.isBelow(Math.max(...text.split("\n").map(({ length }) => length)), 200)
  })

  it("reads a bounded number of stack traces", () => {
    let reads = 0
    const frame = () => ({
      name: "g",
      stack: () => {
        reads++
        return "at g (a.ts:1:1)"
      },
      parent: undefined
    })
    const fibers = Array.from({ length: 20_000 }, (_, index) => live(index + 1, 0, { frame: frame() }))
    const { groups } = FiberDump.dump(fibers, 1)
    assert.isBelow(reads, 5000)
    assert.strictEqual(groups[0]!.fibers, 20_000)
  })

  it("has an ASCII form, and lets no name move the cursor", () => {
    const fibers = [live(1, 0, { name: "a\x1b[2J" }), live(2, 1), live(3, 1)]
    const text = FiberDump.render(FiberDump.dump(fibers, 0.5), { unicode: false })
    assert.match(text, /^[\n\x20-\x7e]*$/)
    assert.include(text, "a?[2J #1")
    assert.include(text, "` 2 x f  waiting for callback 500 us")
  })
})
