import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Random from "effect/Random"
import { Failure, Simulation, Strategy } from "../../src/simulation/index.ts"
import { WaitReason } from "../../src/WaitReason.ts"

const strategies = [
  Strategy.random(0),
  Strategy.random(0.1),
  Strategy.random(1),
  Strategy.pct(1),
  Strategy.pct(3, 200),
  Strategy.roundRobin(),
  Strategy.roundRobin(1)
].map((strategy) => [Strategy.format(strategy), strategy] as const)

/** Three workers that count, wait, draw and yield, and say what they did. */
const workers = Effect.gen(function* () {
  const log: Array<string> = []
  const worker = Effect.fnUntraced(function* (name: number) {
    for (let round = 0; round < 3; round++) {
      log.push(`${name}.${round}@${yield* Clock.currentTimeMillis}`)
      yield* Effect.yieldNow
      yield* Effect.sleep(yield* Random.nextIntBetween(1, 100))
    }
  })
  yield* Effect.forEach([1, 2, 3], worker, { concurrency: "unbounded" })
  return log.join(" ")
})

const failureOf = <A, E>(program: Effect.Effect<A, E>, options?: Simulation.Options) =>
  Effect.flip(Simulation.run(program, options))

describe("Simulation.run", () => {
  it.effect.each(strategies)("goes the same way with the same seed under %s", ([, strategy]) =>
    Effect.gen(function* () {
      const hashes = new Set<string>()
      for (let seed = 1; seed <= 20; seed++) {
        const one = yield* Simulation.run(workers, { seed, strategy, trace: true })
        const other = yield* Simulation.run(workers, { seed, strategy, trace: true })
        assert.deepStrictEqual(other, one)
        hashes.add(one.hash)
      }
      // the program draws numbers, so seeds differ under every strategy
      assert.strictEqual(hashes.size, 20)
    })
  )

  it.effect("numbers fibers from 1, however many the process had before", () =>
    Effect.gen(function* () {
      const one = yield* Simulation.run(workers, { trace: true })
      yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.forkChild(Effect.void))
      const other = yield* Simulation.run(workers, { trace: true })
      assert.deepStrictEqual(other.trace, one.trace)
      assert.strictEqual(one.trace[0]!.fiber, 1)
    })
  )

  it.effect("keeps the last slices of a long run, and a bounded number of them", () =>
    Effect.gen(function* () {
      const takesTurns = Effect.repeat(Effect.yieldNow, { times: 5000 })
      const { trace } = yield* Simulation.run(Effect.all([takesTurns, takesTurns], { concurrency: 2 }), { trace: true })
      assert.isAtLeast(trace.length, 2000)
      assert.isAtMost(trace.length, 4000)
      assert.strictEqual(trace.at(-1)!.end, "ended")
    })
  )

  it.effect("replays its own schedule exactly, whatever strategy made it", () =>
    Effect.gen(function* () {
      for (const [name, strategy] of strategies)
        for (let seed = 1; seed <= 20; seed++) {
          const one = yield* Simulation.run(workers, { seed, strategy })
          // a quantum is no choice but a rule of the strategy
          if (strategy._tag === "RoundRobin" && strategy.quantum === 1) continue
          const again = yield* Simulation.run(workers, { seed, strategy: Strategy.replay(one.schedule) })
          assert.strictEqual(again.hash, one.hash, `${name}, seed ${seed}`)
          assert.deepStrictEqual(again.exit, one.exit)
        }
    })
  )

  it.effect("makes progress when it pre-empts before every operation", () =>
    Effect.gen(function* () {
      const { exit, preemptions } = yield* Simulation.run(workers, { strategy: Strategy.random(1) })
      assert.isTrue(exit._tag === "Success")
      assert.isAbove(preemptions, 20)
    })
  )

  it.effect("keeps virtual time: exact, in order, and in no real time", () =>
    Effect.gen(function* () {
      const countdown = (name: string, ms: number, log: Array<string>) =>
        Effect.gen(function* () {
          for (let left = 3; left > 0; left--) {
            yield* Effect.sleep(ms)
            log.push(`${(yield* Clock.currentTimeMillis) / 1000} ${name}${left}`)
          }
        })
      const program = Effect.suspend(() => {
        const log: Array<string> = []
        return Effect.as(
          Effect.all([countdown("a", 1000, log), countdown("b", 800, log), countdown("c", 500, log)], {
            concurrency: "unbounded"
          }),
          log.join.bind(log, ", ")
        )
      })
      const { exit, elapsedMs } = yield* Simulation.run(program, { strategy: Strategy.roundRobin() })
      assert.isTrue(exit._tag === "Success")
      if (exit._tag === "Success")
        assert.strictEqual(exit.value(), "0.5 c3, 0.8 b3, 1 a3, 1 c2, 1.5 c1, 1.6 b2, 2 a2, 2.4 b1, 3 a1")
      assert.strictEqual(elapsedMs, 3000)
      const year = yield* Simulation.run(Effect.as(Effect.sleep("365 days"), 1))
      assert.strictEqual(year.elapsedMs, 365 * 24 * 3_600_000)
    })
  )

  it.effect("lets a sleep be interrupted, and a longer one go on", () =>
    Effect.gen(function* () {
      const { exit, elapsedMs } = yield* Simulation.run(
        Effect.all([Effect.timeoutOption(Effect.sleep(1000), 10), Effect.sleep(20)], { concurrency: "unbounded" })
      )
      assert.isTrue(exit._tag === "Success")
      assert.strictEqual(elapsedMs, 20)
    })
  )

  it.effect("varies the order in which a Deferred wakes its waiter", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const log: Array<string> = []
        const deferred = yield* Deferred.make<void>()
        const waiter = yield* Effect.forkChild(
          Effect.andThen(
            Deferred.await(deferred),
            Effect.sync(() => log.push("waiter"))
          )
        )
        yield* Effect.sleep(1)
        yield* Deferred.succeed(deferred, undefined)
        yield* Effect.sync(() => log.push("waker"))
        yield* Fiber.join(waiter)
        return log.join()
      })
      const orders = new Set<string>()
      for (let seed = 1; seed <= 100; seed++) {
        const { exit } = yield* Simulation.run(program, { seed, strategy: Strategy.random(0.2) })
        if (exit._tag === "Success") orders.add(exit.value)
      }
      assert.deepStrictEqual([...orders].toSorted(), ["waiter,waker", "waker,waiter"])
    })
  )

  it.effect("gives the failure of a program as its exit", () =>
    Effect.gen(function* () {
      const { exit } = yield* Simulation.run(Effect.fail("no"))
      assert.isTrue(exit._tag === "Failure")
    })
  )

  it.effect("takes services from the surroundings, but clock and Random from the simulation", () =>
    Effect.gen(function* () {
      class Name extends Context.Service<Name, string>()("test/Name") {}
      const { exit } = yield* Simulation.run(
        Effect.gen(function* () {
          return [yield* Name, yield* Clock.currentTimeMillis, yield* Random.next]
        }),
        { seed: 5 }
      ).pipe(Effect.provideService(Name, "x"), Random.withSeed("other"))
      const again = yield* Simulation.run(Effect.flatMap(Random.next, Effect.succeed), { seed: 5 })
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : [], [
        "x",
        0,
        again.exit._tag === "Success" ? again.exit.value : undefined
      ])
    })
  )

  it.effect("reports a deadlock with those who wait, their names and their lines", () =>
    Effect.gen(function* () {
      const philosopher = Effect.fn("philosopher")(function* (latch: Latch.Latch) {
        yield* latch.await
      })
      const program = Effect.gen(function* () {
        const latch = yield* Latch.make()
        const fiber = yield* Effect.forkChild(philosopher(latch))
        yield* Effect.sleep(7)
        yield* Fiber.join(fiber)
        yield* latch.open
      })
      const failure = yield* failureOf(program, { seed: 3 })
      assert.instanceOf(failure.reason, Failure.Deadlock)
      assert.strictEqual(failure.seed, 3)
      assert.strictEqual(failure.strategy, "random(0.1)")
      assert.isAbove(failure.trace.length, 0)
      const { fibers, at } = failure.reason
      assert.strictEqual(at, 7)
      assert.deepStrictEqual(
        fibers.map(({ fiber, parent, name, since }) => ({ fiber, parent, name, since })),
        [
          { fiber: 1, parent: 0, name: "", since: 7 },
          { fiber: 2, parent: 1, name: "philosopher", since: 0 }
        ]
      )
      assert.match(fibers[1]!.frames[0]!, /^philosopher \(.*Run\.test\.ts:\d+:\d+\)$/)
      assert.include(failure.message, "deadlock at 7 ms")
    })
  )

  it.effect("tells what who is deadlocked waits for, where that has a name", () =>
    Effect.gen(function* () {
      const waits = Effect.andThen(Effect.sleep(2), Effect.provideService(Effect.never, WaitReason, "a place in line"))
      const { reason } = yield* failureOf(waits)
      assert.strictEqual(
        reason.message,
        "deadlock at 2 ms: nothing can go on\n  fiber 1, waits for a place in line since 2 ms"
      )
    })
  )

  it.effect("calls a program that does nothing but wait for itself a deadlock at once", () =>
    Effect.gen(function* () {
      assert.instanceOf((yield* failureOf(Effect.never)).reason, Failure.Deadlock)
      const queue = Effect.flatMap(Queue.unbounded<number>(), Queue.take)
      assert.instanceOf((yield* failureOf(queue)).reason, Failure.Deadlock)
    })
  )

  it.effect.each([
    [
      "loops without an end",
      Effect.gen(function* () {
        for (;;) yield* Effect.sync(() => {})
      })
    ],
    ["yields without an end", Effect.forever(Effect.yieldNow)],
    ["sleeps without an end", Effect.forever(Effect.sleep(1))],
    [
      "sets timers without an end, and does nothing else",
      Effect.callback<void>(() => {
        const again = () => void setTimeout(again, 1)
        again()
      })
    ]
  ] as const)("stops a program that %s", ([, program]) =>
    Effect.gen(function* () {
      for (const [, strategy] of strategies) {
        const { reason } = yield* failureOf(program, { strategy, maxSteps: 5000, process: true })
        assert.instanceOf(reason, Failure.StepLimit)
        assert.strictEqual(reason.fibers.length, 1)
      }
    })
  )

  it.effect.each([
    ["Promise", Effect.promise(async () => 1)],
    [
      "Promise",
      Effect.tryPromise(
        () =>
          new Promise((resolve) => {
            resolve(1)
          })
      )
    ],
    ["setTimeout", Effect.callback<void>((resume) => void setTimeout(() => resume(Effect.void), 1))],
    ["setImmediate", Effect.sync(() => void setImmediate(() => {}))],
    ["setInterval", Effect.sync(() => void setInterval(() => {}, 1000))],
    ["queueMicrotask", Effect.sync(() => queueMicrotask(() => {}))]
  ] as const)("reports the use of %s with its place", ([api, effect]) =>
    Effect.gen(function* () {
      const program = Effect.andThen(Effect.sleep(5), effect as Effect.Effect<unknown, unknown>)
      const { reason } = yield* failureOf(program)
      assert.instanceOf(reason, Failure.UncontrolledPromise)
      const violation = reason
      assert.strictEqual(violation.api, api)
      assert.match(violation.place!, /Run\.test\.ts:\d+:\d+/)
      assert.include(violation.message, "Simulation.outside")
    })
  )

  it.effect("leaves promises and timers of the process as they were", () =>
    Effect.gen(function* () {
      const then = Reflect.get(Promise.prototype, "then")
      const globals = () => {
        const now: unknown = Reflect.get(performance, "now")
        return [setTimeout, setInterval, clearTimeout, queueMicrotask, Date.now, now, Math.random]
      }
      const before = globals()
      yield* Simulation.run(workers)
      yield* failureOf(Effect.promise(async () => 1))
      assert.strictEqual(Reflect.get(Promise.prototype, "then"), then)
      assert.deepStrictEqual(globals(), before)
      assert.strictEqual(yield* Effect.promise(async () => 2), 2)
    })
  )

  it.live("lets what is outside be real, and brings it back in the order in which it left", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const excursion = (name: string, turns: number) =>
        Effect.gen(function* () {
          yield* Effect.sleep(1)
          const value = yield* Simulation.outside(
            Effect.promise(async () => {
              for (let turn = 0; turn < turns; turn++)
                await new Promise((resolve) => {
                  setImmediate(resolve)
                })
              return name
            })
          )
          log.push(value)
          return yield* Clock.currentTimeMillis
        })
      const program = Effect.all([excursion("slow", 20), excursion("fast", 1)], { concurrency: "unbounded" })
      const { exit, elapsedMs } = yield* Simulation.run(program, { strategy: Strategy.roundRobin() })
      assert.deepStrictEqual(exit._tag === "Success" ? exit.value : [], [1, 1])
      assert.strictEqual(elapsedMs, 1)
      assert.deepStrictEqual(log, ["slow", "fast"])
    })
  )

  it.live("interrupts what is outside with the fiber that waits for it", () =>
    Effect.gen(function* () {
      let released = false
      const excursion = Simulation.outside(
        Effect.onInterrupt(Effect.sleep(60_000), () =>
          Effect.sync(() => {
            released = true
          })
        )
      )
      const { exit } = yield* Simulation.run(Effect.raceFirst(excursion, Effect.as(Effect.yieldNow, 1)))
      assert.isTrue(exit._tag === "Success")
      assert.isTrue(released)
    })
  )

  it.effect("does nothing of its own outside of a simulation", () =>
    Effect.gen(function* () {
      yield* Simulation.always("never", () => false)
      assert.strictEqual(yield* Simulation.victim(Effect.succeed(1)), 1)
      assert.strictEqual(yield* Simulation.outside(Effect.succeed(2)), 2)
    })
  )
})

describe("Simulation.always", () => {
  it.effect("finds a state that no fiber sees at the end", () =>
    Effect.gen(function* () {
      const program = Effect.gen(function* () {
        let inside = 0
        yield* Simulation.always("at most one is inside", () => inside <= 1)
        const enter = Effect.gen(function* () {
          inside++
          yield* Effect.sleep(1)
          inside--
        })
        yield* Effect.all([enter, enter], { concurrency: 2 })
      })
      const { reason } = yield* failureOf(program)
      assert.instanceOf(reason, Failure.InvariantBroken)
      assert.include(reason.message, "at most one is inside")
    })
  )
})

describe("Simulation.assertDeterministic", () => {
  it.effect("passes what the seed decides", () =>
    Effect.gen(function* () {
      for (const [, strategy] of strategies) yield* Simulation.assertDeterministic(workers, { strategy })
    })
  )

  it.effect("finds a choice that the seed does not decide, and where the runs part", () =>
    Effect.gen(function* () {
      let runs = 0
      const program = Effect.suspend(() => {
        runs++
        return Effect.forEach([1, 2, 3], (item) => (item === runs ? Effect.sleep(1) : Effect.yieldNow))
      })
      const { reason } = yield* Effect.flip(Simulation.assertDeterministic(program))
      assert.instanceOf(reason, Failure.NotDeterministic)
      const { hashes, slice, first, second } = reason
      assert.notStrictEqual(...hashes)
      assert.isAbove(slice, 0)
      assert.notStrictEqual(first, second)
    })
  )
})

/** Written without Effect: a callback each second that draws a number, until it is told to end. */
const plain = Effect.callback<ReadonlyArray<unknown>>((resume) => {
  const log: Array<unknown> = []
  const lost = setTimeout(() => log.push("never"), 2500)
  const interval = setInterval(() => log.push(Date.now(), performance.now(), Math.random()), 1000)
  setTimeout((name) => log.push(name), 0.5, "soon")
  setImmediate(() => log.push("at once"))
  setTimeout(() => {
    clearInterval(interval)
    clearTimeout(lost)
    setTimeout(() => resume(Effect.succeed(log)), 5000)
  }, 2200)
})

describe("Simulation.run of code that takes clocks and timers from the process", () => {
  it.effect("runs it in virtual time, and the same way each time", () =>
    Effect.gen(function* () {
      const one = yield* Simulation.assertDeterministic(plain, { process: true, seed: 3 })
      const other = yield* Simulation.run(plain, { process: true, seed: 3 })
      assert.deepStrictEqual(one.exit, other.exit)
      assert.strictEqual(one.elapsedMs, 7200)
      const log = one.exit._tag === "Success" ? one.exit.value : []
      const [, , first, second, , , , third] = log
      assert.deepStrictEqual(log, ["at once", "soon", first, second, log[4], 2000, 2000, third])
      assert.deepStrictEqual([first, second], [1000, 1000])
      assert.notStrictEqual(log[4], third)
    })
  )

  it.effect("has one time with Effect's clock, and one source of numbers with its Random", () =>
    Effect.gen(function* () {
      const both = Effect.gen(function* () {
        yield* Effect.sleep("1.5 seconds")
        return [yield* Clock.currentTimeMillis, Date.now(), yield* Random.next, Math.random()]
      })
      const { exit, hash } = yield* Simulation.run(both, { process: true })
      const [now, processNow, drawn, processDrawn] = exit._tag === "Success" ? exit.value : []
      assert.deepStrictEqual([now, processNow], [1500, 1500])
      assert.notStrictEqual(drawn, processDrawn)
      assert.notStrictEqual(hash, (yield* Simulation.run(both, { process: true, seed: 2 })).hash)
    })
  )

  it.effect("makes dates of that time, which are dates before, in and after it", () =>
    Effect.gen(function* () {
      const before = new Date(5)
      const program = Effect.map(Effect.sleep(2500), () => {
        class Later extends Date {}
        const all = [new Date(), new Date(7), new Later(), before]
        assert.isTrue(all.every((one) => one instanceof Date))
        assert.strictEqual(Date(), new Date(2500 + 1e12).toString())
        assert.strictEqual(Date.UTC(1970, 0, 2), 86_400_000)
        return all
      })
      const { exit } = yield* Simulation.run(program, { process: true, startMs: 1e12 })
      const dates = exit._tag === "Success" ? exit.value : []
      assert.deepStrictEqual(dates.map(Number), [2500 + 1e12, 7, 2500 + 1e12, 5])
      assert.isTrue(dates.every((one) => one instanceof Date))
      // without its process simulated, a run takes dates as they are
      const { exit: real } = yield* Simulation.run(Effect.sync(() => new Date()))
      assert.isTrue(real._tag === "Success" && real.value.getTime() > 1.7e12)
    })
  )

  it.effect("takes the dates that are there: those of a test that sets their time, and who made each", () =>
    Effect.gen(function* () {
      const program = Effect.sync(() => [new Date().getTime(), Date.now(), new Date(7).getTime()])
      const constructor = Effect.sync(() => new Date().constructor === Date)
      for (const process of [false, true]) {
        const { exit } = yield* Simulation.run(constructor, { process })
        assert.deepStrictEqual(exit, Exit.succeed(true))
        assert.strictEqual(new Date().constructor, Date)
        vi.setSystemTime(5)
        const faked = yield* Simulation.run(program, { process, startMs: 1e12 })
        vi.useRealTimers()
        assert.deepStrictEqual(faked.exit, Exit.succeed(process ? [1e12, 1e12, 7] : [5, 5, 7]))
      }
    })
  )

  it.effect("gives the process's clock back, though one run's was kept and put in its place", () =>
    Effect.gen(function* () {
      const own = Date.now
      let kept = own
      const program = Effect.sync(() => void (kept = Date.now))
      yield* Simulation.run(program, { process: true })
      assert.notStrictEqual(kept, own)
      try {
        Date.now = kept
        yield* Simulation.run(Effect.void, { process: true })
        assert.strictEqual(Date.now, own)
        assert.isNumber(Date.now())
      } finally {
        Date.now = own
      }
    })
  )

  it.effect("names the seed under which a callback of a timer throws", () =>
    Effect.gen(function* () {
      const program = Effect.callback<void>(() => {
        setTimeout(() => {
          throw new Error("nobody catches it")
        }, 10)
      })
      const failure = yield* failureOf(program, { process: true, seed: 7 })
      assert.instanceOf(failure.reason, Failure.ProgramFailed)
      assert.match(failure.message, /^the program failed: Error: nobody catches it[^]*\n {2}seed 7, random\(0\.1\)\n/)
      const sweep = Simulation.sweepCrashes({
        make: () => undefined,
        program: () => program,
        crash: () => {},
        invariants: {},
        process: true,
        seeds: [8]
      })
      assert.strictEqual((yield* Effect.flip(sweep)).seed, 8)
    })
  )

  it.effect("still reports a promise", () =>
    Effect.gen(function* () {
      const { reason } = yield* failureOf(
        Effect.promise(() => Promise.resolve(1)),
        { process: true }
      )
      assert.instanceOf(reason, Failure.UncontrolledPromise)
    })
  )
})
