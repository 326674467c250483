import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scheduler from "effect/Scheduler"
import * as Semaphore from "effect/Semaphore"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Recorder from "../src/Recorder.ts"
import type { Timeline } from "../src/Timeline.ts"
import { collect } from "./collect.ts"
import { sweep } from "./InterruptSweep.ts"

/** Each lane in a line: `name <parent end: span ms, ...`; work of no length is left out. */
const told = ({ lanes, spans }: Timeline): ReadonlyArray<string> =>
  lanes.map(
    ({ name, parent, end }, index) =>
      `${name} <${parent === undefined ? "-" : lanes[parent]!.name} ${end ?? "alive"}: ${spans
        .filter(({ lane, startMs, endMs }) => lane === index && endMs > startMs)
        .map((span) => `${span.name} ${span.endMs - span.startMs}`)
        .join(", ")}`
  )

/** A clock that stands until it is pushed. */
const makeClock = () => {
  let ms = 0
  const nanos = () => BigInt(Math.round(ms * 1e6))
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => ms,
    currentTimeMillis: Effect.sync(() => ms),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: () => Effect.void
  }
  return { clock, pass: (by: number) => void (ms += by) }
}

/** Lanes whose spans leave a gap or whose times are not their length. */
const assertWhole = ({ lanes, spans }: Timeline) => {
  for (const [index, lane] of lanes.entries()) {
    let atMs = lane.startMs
    for (const span of spans.filter((span) => span.lane === index)) {
      assert.strictEqual(span.startMs, atMs, lane.name)
      atMs = span.endMs
    }
    assert.strictEqual(atMs, lane.endMs, lane.name)
    const sum = Object.values(lane.times).reduce((total, ms) => total + ms, 0)
    assert.approximately(sum, lane.endMs - lane.startMs, 1e-6, lane.name)
    if (lane.parent !== undefined) assert.isAtMost(lanes[lane.parent]!.startMs, lane.startMs)
  }
}

const countdown = Effect.fn("countdown")(function* (ticks: number, ms: number) {
  for (let left = ticks; left > 0; left--) yield* Effect.sleep(ms)
})

describe("Recorder", () => {
  it("passes the test that it makes of its hooks at the start", () => {
    const recorder = Effect.runSync(Recorder.make())
    assert.strictEqual(recorder.degraded, undefined)
    assert.strictEqual(recorder.level, "timeline")
  })

  it("only counts, and says why, where that test fails", () => {
    const recorder = Effect.runSync(Recorder.makeTested({ level: "timeline" }, () => "the hook is gone"))
    assert.strictEqual(recorder.level, "census")
    assert.strictEqual(recorder.degraded, "the hook is gone")
    Effect.runSync(recorder.record(Effect.void))
    assert.deepStrictEqual(recorder.timeline().lanes, [])
    const census = Effect.runSync(Recorder.makeTested({ level: "census" }, () => "the hook is gone"))
    assert.strictEqual(census.degraded, undefined)
  })

  it.effect("tells of each fiber its parent, its end and what it waited for, in virtual time", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make({ title: "three countdowns" })
      const main = Effect.fn("main")(function* () {
        const endless = yield* Effect.forkChild(Effect.never)
        yield* Effect.all([countdown(3, 500), countdown(2, 800)], { concurrency: "unbounded" })
        yield* Fiber.interrupt(endless)
        return yield* Effect.fail("enough")
      })
      const fiber = yield* Effect.forkChild(recorder.record(Effect.exit(main())))
      const other = yield* Effect.forkChild(
        Effect.exit(recorder.record(Effect.andThen(Effect.void, Effect.fail("at once"))))
      )
      yield* TestClock.adjust(4000)
      yield* Fiber.join(fiber)
      yield* Fiber.join(other)
      const timeline = recorder.timeline()
      assert.deepStrictEqual(told(timeline), [
        "main #1 <- ok: callback 1600",
        "countdown #2 <main #1 ok: sleep 500, sleep 500, sleep 500",
        "countdown #3 <main #1 ok: sleep 800, sleep 800",
        "#4 <- failed: ",
        "#5 <main #1 interrupted: callback 1600"
      ])
      assertWhole(timeline)
      assert.strictEqual(timeline.title, "three countdowns")
      assert.match(timeline.lanes[1]!.arguments!["source"] as string, /Recorder\.test\.ts:\d+:\d+$/)
      assert.deepStrictEqual(
        timeline.flows!.map(({ kind, from, to, toMs }) => [kind, from, to, toMs]),
        [
          ["fork", 0, 1, 0],
          ["fork", 0, 2, 0],
          ["fork", 0, 4, 0],
          // the slower countdown ends the wait of its parent, in place
          ["wake", 2, 0, 1600],
          ["wake", 0, 4, 1600]
        ]
      )
      assert.deepStrictEqual(recorder.live(), [])
    })
  )

  it.effect("knows the fiber that starts many in turn as the parent of all", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const signals = yield* Effect.forEach([1, 2, 3], () => Deferred.make<void>())
      const main = Effect.fn("main")(function* () {
        // each next one is started in the end of another, which here a third fiber brings about in place
        const child = (index: number) =>
          Effect.andThen(index < 3 ? Deferred.await(signals[index]!) : Effect.sleep(10), Effect.void)
        const each = yield* Effect.forkChild(Effect.forEach([0, 1, 2, 3, 4], child, { concurrency: 2 }))
        yield* Effect.sleep(1)
        for (const signal of signals) {
          yield* Deferred.succeed(signal, undefined)
          // and what that fiber starts itself afterwards is its own child
          yield* Effect.forkChild(Effect.void, { startImmediately: true })
        }
        yield* Fiber.join(each)
      })
      const fiber = yield* Effect.forkChild(recorder.record(main()))
      yield* TestClock.adjust(100)
      yield* Fiber.join(fiber)
      const { lanes } = recorder.timeline()
      const parents = lanes.map(({ parent }) => (parent === undefined ? "-" : lanes[parent]!.name))
      // main, the one that iterates, its first two; then in turn a next one and a child of main
      assert.deepStrictEqual(parents, ["-", "main #1", "#2", "#2", "#2", "main #1", "#2", "main #1", "#2", "main #1"])
    })
  )

  it.effect("knows a failure, a defect and an interruption apart from success", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const fork = (effect: Effect.Effect<unknown, unknown>) => Effect.forkChild(effect, { startImmediately: true })
      yield* recorder.record(
        Effect.gen(function* () {
          const fibers = [
            yield* fork(Effect.void),
            yield* fork(Effect.fail(1)),
            yield* fork(Effect.die(1)),
            yield* fork(Effect.interrupt),
            yield* fork(Effect.failCause(Cause.combine(Cause.fail(1), Cause.interrupt(1))))
          ]
          yield* Fiber.awaitAll(fibers)
        })
      )
      assert.deepStrictEqual(
        recorder
          .timeline()
          .lanes.slice(1)
          .map(({ end }) => end),
        ["ok", "failed", "failed", "interrupted", "failed"]
      )
    })
  )

  it("tells ready from waiting, and from when on it was ready", () => {
    const { clock, pass } = makeClock()
    const program = Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const semaphore = yield* Semaphore.make(0)
      const waiter = Effect.fn("waiter")(() =>
        Effect.provideService(semaphore.take(1), Recorder.WaitReason, "a place in line")
      )
      const program = Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(waiter())
        pass(7) // forked, not begun
        yield* Effect.yieldNow
        pass(20) // waits
        yield* semaphore.release(1)
        pass(5) // may go on, does not yet
        yield* Fiber.join(fiber)
      })
      yield* recorder.record(program)
      return recorder.timeline()
    })
    return Effect.runPromise(Effect.provideService(program, Clock.Clock, clock)).then((timeline) => {
      assert.deepStrictEqual(told(timeline), [
        "#1 <- ok: running 7, running 25",
        "waiter #2 <#1 ok: ready 7, a place in line 20, ready 5"
      ])
      assertWhole(timeline)
      assert.deepStrictEqual(timeline.flows?.slice(0, 2), [
        { kind: "fork", from: 0, to: 1, fromMs: 0, toMs: 7 },
        { kind: "wake", from: 0, to: 1, fromMs: 27, toMs: 32 }
      ])
    })
  })

  it.effect("records a fiber that is still alive up to now", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const fiber = yield* Effect.forkChild(recorder.record(countdown(9, 100)))
      yield* TestClock.adjust(250)
      assert.deepStrictEqual(told(recorder.timeline()), ["countdown #1 <- alive: sleep 100, sleep 100, sleep 50"])
      const live = recorder.live()
      assert.strictEqual(live.length, 1)
      const { state, reason, startMs, sinceMs, busyMs, readyMs, waitMs, name, frame } = live[0]!
      assert.deepStrictEqual(
        { state, reason, startMs, sinceMs, busyMs, readyMs, waitMs, name },
        {
          state: "waiting",
          reason: "sleep",
          startMs: 0,
          sinceMs: 200,
          busyMs: 0,
          readyMs: 0,
          waitMs: 200,
          name: "countdown"
        }
      )
      assert.strictEqual(frame?.name, "countdown")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(recorder.live(), [])
    })
  )

  it("installs nothing when it is off", () => {
    const recorder = Effect.runSync(Recorder.make({ level: "off" }))
    const effect = Effect.succeed(1)
    assert.strictEqual(recorder.record(effect), effect)
    assert.deepStrictEqual(recorder.timeline().lanes, [])
    assert.strictEqual(recorder.census().scheduled, 0)
  })

  it("leaves tracer, scheduler and metrics of the program working beneath it, at both levels", async () => {
    for (const level of ["timeline", "census"] as const) {
      const recorder = Effect.runSync(Recorder.make({ level }))
      const spans: Array<string> = []
      let operations = 0
      let started = 0
      let tasks = 0
      let questions = 0
      const tracer = Tracer.make({
        span: (options) => {
          spans.push(options.name)
          return new Tracer.NativeSpan(options)
        },
        context: (primitive, fiber) => {
          operations++
          return (primitive as Tracer.EffectPrimitive<any>)["~effect/Effect/evaluate"](fiber)
        }
      })
      const base = new Scheduler.MixedScheduler()
      const scheduler: Scheduler.Scheduler = {
        executionMode: "async",
        shouldYield: (fiber) => {
          questions++
          return base.shouldYield(fiber)
        },
        makeDispatcher: () => {
          const dispatcher = base.makeDispatcher()
          return {
            scheduleTask: (task, priority) => {
              tasks++
              dispatcher.scheduleTask(task, priority)
            },
            flush: () => dispatcher.flush()
          }
        }
      }
      const metrics: Metric.FiberRuntimeMetricsService = {
        recordFiberStart: () => void started++,
        recordFiberEnd: () => {}
      }
      const hooks = Context.make(Tracer.Tracer, tracer).pipe(Context.add(Metric.FiberRuntimeMetrics, metrics))
      const program = Effect.andThen(Effect.forkChild(Effect.yieldNow), Fiber.join).pipe(Effect.withSpan("outer"))
      const run = (effect: typeof program) => Effect.runPromise(Effect.provideContext(effect, hooks), { scheduler })
      await run(program)
      const plain = { spans: [...spans], started, tasks }
      const before = { operations, questions }
      spans.length = started = tasks = operations = questions = 0
      await run(recorder.record(program))
      assert.deepStrictEqual({ spans, started, tasks }, plain, level)
      assert.isAtLeast(operations, before.operations, level)
      assert.isAtLeast(questions, before.questions, level)
    }
  })

  it.effect("records an effect within a recorded one once", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      yield* recorder.record(recorder.record(Effect.andThen(Effect.forkChild(Effect.void), Fiber.join)))
      assert.strictEqual(recorder.timeline().lanes.length, 2)
      assertWhole(recorder.timeline())
    })
  )

  it.effect("records of a fiber the parts that are to be recorded, as lanes of their own", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const fiber = yield* Effect.forkChild(
        Effect.gen(function* () {
          yield* recorder.record(countdown(1, 10))
          yield* Effect.sleep(100)
          const child = yield* recorder.record(Effect.forkDetach(countdown(1, 50)))
          yield* Effect.sleep(100)
          yield* Fiber.join(child)
        })
      )
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told(recorder.timeline()), [
        "countdown #1 <- ok: sleep 10",
        "#2 <- ok: ",
        "countdown #3 <#2 ok: sleep 50"
      ])
    })
  )

  it.effect("says that a fiber is out of sight while another tracer has it, and sees it again after", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const foreign = Tracer.make({ span: (options) => new Tracer.NativeSpan(options) })
      const program = Effect.gen(function* () {
        yield* Effect.withTracer(Effect.sleep(100), foreign)
        yield* Effect.sleep(10)
      })
      const fiber = yield* Effect.forkChild(recorder.record(program))
      yield* TestClock.adjust(200)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(told(recorder.timeline()), ["#1 <- ok: out of sight (another tracer) 100, sleep 10"])
    })
  )

  it.effect("keeps the newest events in fixed memory and counts those overwritten", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make({ capacity: 64 })
      const waits = yield* Effect.forkChild(recorder.record(Effect.never))
      const fiber = yield* Effect.forkChild(recorder.record(countdown(500, 10)))
      yield* TestClock.adjust(5000)
      yield* Fiber.join(fiber)
      const timeline = recorder.timeline()
      assert.isAbove(timeline.leftOut.events!, 800)
      assert.isAtMost(timeline.spans.length, 2 * 64)
      assertWhole(timeline)
      // the one that has waited since before the oldest event is there, from the table of live fibers
      assert.sameMembers(
        timeline.lanes.map(({ end }) => end),
        ["ok", undefined]
      )
      for (const lane of timeline.lanes) assert.include(String(lane.arguments!["began"]), "before the oldest event")
      yield* Fiber.interrupt(waits)
    })
  )

  it.effect("takes what the workers of an executor do, with who waits for it", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make()
      const { workers } = recorder
      const signal = yield* Deferred.make<void>()
      const submit = Effect.fn("submit")(function* () {
        workers({ kind: "submit", task: 1, name: "fibonacci", fiber: yield* Effect.fiberId })
        workers({ kind: "submit", task: 2, name: "endless" })
        yield* Deferred.await(signal)
      })
      workers({ kind: "spawn", worker: 1 })
      workers({ kind: "spawn", worker: 2 })
      const fiber = yield* Effect.forkChild(recorder.record(submit()))
      yield* TestClock.adjust(30)
      for (const id of [1, 2]) {
        workers({ kind: "dequeue", task: id, worker: id })
        workers({ kind: "run", task: id, worker: id })
      }
      yield* TestClock.adjust(70)
      workers({ kind: "done", task: 1, worker: 1, end: "failed" })
      yield* Deferred.succeed(signal, undefined)
      yield* TestClock.adjust(50)
      workers({ kind: "kill", task: 2, worker: 2 })
      workers({ kind: "exit", worker: 1 })
      workers({ kind: "exit", worker: 2 })
      yield* Fiber.join(fiber)
      const timeline = recorder.timeline()
      assert.deepStrictEqual(told(timeline), [
        "worker 1 <- ok: idle 30, fibonacci 70, idle 50",
        "worker 2 <- interrupted: idle 30, endless 120",
        "submit #1 <- ok: callback 100"
      ])
      assertWhole(timeline)
      const task = timeline.spans.find(({ name }) => name === "fibonacci")
      assert.deepStrictEqual(task?.arguments, { task: 1, "queued ms": 30, end: "failed" })
      assert.deepStrictEqual(
        timeline.flows!.map(({ kind, from, to, fromMs, toMs }) => [kind, from, to, fromMs, toMs]),
        [
          ["submit", 2, 0, 0, 30],
          ["result", 0, 2, 100, 100]
        ]
      )
    })
  )

  it("puts the events of another thread on its own clock", () => {
    const recorder = Effect.runSync(Recorder.make())
    const atMs = performance.timeOrigin + performance.now()
    recorder.workers({ kind: "spawn", worker: 1, atMs })
    recorder.workers({ kind: "exit", worker: 1, atMs: atMs + 12 })
    const [lane] = recorder.timeline().lanes
    assert.isAtLeast(lane!.startMs, 0)
    assert.approximately(lane!.endMs - lane!.startMs, 12, 1e-3)
  })

  it("counts live fibers, ready tasks and their delays", () => {
    const { clock, pass } = makeClock()
    let samples = 0
    const loop = { sample: () => ({ delayMs: ++samples, utilisation: 0.5 }) }
    const program = Effect.gen(function* () {
      const recorder = yield* Recorder.make({ level: "census", loop, sampleMs: 10 })
      const program = Effect.gen(function* () {
        const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Effect.never))
        const before = recorder.census()
        pass(40)
        yield* Effect.yieldNow
        const during = recorder.census()
        yield* Fiber.interruptAll(fibers)
        return { before, during }
      })
      const found = yield* recorder.record(program)
      return { ...found, after: recorder.census(), timeline: recorder.timeline() }
    })
    return Effect.runPromise(Effect.provideService(program, Clock.Clock, clock)).then(
      ({ before, during, after, timeline }) => {
        assert.deepStrictEqual([before.live, before.ready, before.scheduled], [4, 3, 3])
        assert.deepStrictEqual([during.live, during.ready, during.mostReady, during.scheduled], [4, 0, 4, 4])
        assert.strictEqual(after.live, 0)
        assert.strictEqual(during.delayMs.most, 40)
        assert.strictEqual(during.delayMs.p99, 40)
        assert.deepStrictEqual(during.loop, { delayMs: 2, utilisation: 0.5 })
        assert.deepStrictEqual(timeline.lanes, [])
        assert.deepStrictEqual(timeline.counters?.[0], { name: "most ready", atMs: [0, 40], values: [1, 4] })
        assert.deepStrictEqual(
          timeline.counters?.map(({ name }) => name),
          ["most ready", "live fibers", "loop delay ms", "loop utilisation"]
        )
      }
    )
  })

  it("does not keep a forgotten fiber alive", async () => {
    const recorder = Effect.runSync(Recorder.make())
    for (let count = 0; count < 100; count++) Effect.runFork(recorder.record(Effect.callback(() => {})))
    assert.strictEqual(recorder.live().length, 100)
    // a WeakRef holds its target until the end of the turn in which it was read
    await new Promise((next) => setImmediate(next))
    collect()
    assert.isBelow(recorder.live().length, 100)
  })

  it.effect.each([1, 2, 3, 4, 5, 6, 7, 8])("has whole lanes for random programs, seed %s", (seed) =>
    Effect.gen(function* () {
      let state = seed
      const random = (below: number) => {
        state = (state * 48_271) % 0x7fffffff
        return state % below
      }
      let forks = 0
      const step = (depth: number): Effect.Effect<unknown, unknown> => {
        switch (random(depth > 4 ? 4 : 8)) {
          case 0:
            return Effect.yieldNow
          case 1:
            return Effect.sleep(random(50))
          case 2:
            return Effect.fail("failed")
          case 3:
            return Effect.void
          case 4:
            forks++
            return Effect.forkChild(life(depth + 1), { startImmediately: random(2) === 0 })
          case 5:
            forks++
            return Effect.andThen(Effect.forkChild(life(depth + 1)), Fiber.await)
          case 6:
            forks++
            return Effect.andThen(Effect.forkChild(life(depth + 1)), Fiber.interrupt)
          default: {
            forks += 2
            return Effect.raceFirst(life(depth + 1), life(depth + 1))
          }
        }
      }
      const life = (depth: number): Effect.Effect<unknown, unknown> =>
        Effect.suspend(() => Effect.forEach(Array.from({ length: 1 + random(6) }), () => step(depth)))
      const recorder = yield* Recorder.make()
      const fiber = yield* Effect.forkChild(
        recorder.record(Effect.exit(Effect.forEach([1, 2, 3], () => Effect.exit(life(0)))))
      )
      while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(1000)
      const timeline = recorder.timeline()
      assertWhole(timeline)
      // a fiber that was interrupted before it began may never be seen
      assert.isAtMost(timeline.lanes.length, forks + 1)
      assert.isAbove(timeline.lanes.length, 1)
      assert.isTrue(timeline.lanes.every(({ end }) => end !== undefined))
      assert.deepStrictEqual(recorder.live(), [])
    })
  )

  for (const level of ["census", "timeline"] as const)
    it(`has no fiber and no task left of what was interrupted at any operation, at level ${level}`, () => {
      let recorder: Recorder.Recorder
      const points = sweep(
        (victim) =>
          Effect.gen(function* () {
            recorder = yield* Recorder.make({ level })
            const gate = yield* Semaphore.make(1)
            const child = (ms: number) => Effect.exit(gate.withPermits(1)(Effect.sleep(ms)))
            const work = Effect.forEach([1, 2, 3], child, { concurrency: 2 })
            // the fiber goes on without the hooks
            const fiber = yield* Effect.forkChild(Effect.exit(victim(recorder.record(work))))
            yield* Fiber.await(fiber)
            yield* Effect.sleep(1)
          }),
        () => {
          const { live, ready } = recorder.census()
          assert.deepStrictEqual({ live, ready }, { live: 0, ready: 0 })
          assert.deepStrictEqual(recorder.live(), [])
          const timeline = recorder.timeline()
          assertWhole(timeline)
          assert.isTrue(timeline.lanes.every(({ end }) => end !== undefined))
        }
      )
      assert.isAbove(points, 30)
    })
})
