import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as PartitionedSemaphore from "effect/PartitionedSemaphore"
import * as Pool from "effect/Pool"
import * as Semaphore from "effect/Semaphore"
import { Failure, Simulation, Strategy } from "../../src/simulation/index.ts"

const invariants = { "no permit is lost": (free: boolean) => free }

const semaphore = Effect.gen(function* () {
  const lock = yield* Semaphore.make(2)
  yield* lock.take(2)
  const fiber = yield* Effect.forkChild(Simulation.victim(lock.withPermits(2)(Effect.yieldNow)))
  yield* Effect.yieldNow
  yield* lock.release(2)
  yield* Fiber.await(fiber)
  return (yield* lock.withPermitsIfAvailable(2)(Effect.void))._tag === "Some"
})

const naive = Effect.gen(function* () {
  const lock = yield* Semaphore.make(1)
  const fiber = yield* Effect.forkChild(
    Simulation.victim(
      Effect.gen(function* () {
        yield* lock.take(1)
        yield* Effect.yieldNow
        yield* lock.release(1)
      })
    )
  )
  yield* Fiber.await(fiber)
  return (yield* lock.withPermitsIfAvailable(1)(Effect.void))._tag === "Some"
})

const pool = Effect.scoped(
  Effect.gen(function* () {
    const one = yield* Pool.make({ acquire: Effect.succeed(1), size: 1 })
    const fiber = yield* Effect.forkChild(Simulation.victim(Pool.use(one, () => Effect.yieldNow)))
    yield* Fiber.await(fiber)
    return (yield* Pool.use(one, Effect.succeed)) === 1
  })
)

const partitioned = Effect.gen(function* () {
  const lock = yield* PartitionedSemaphore.make<string>({ permits: 2 })
  const fiber = yield* Effect.forkChild(
    Simulation.victim(PartitionedSemaphore.withPermits(lock, "b", 2)(Effect.yieldNow))
  )
  yield* Fiber.await(fiber)
  return (yield* PartitionedSemaphore.available(lock)) === 2
})

const messageOf = (exit: Exit.Exit<unknown, unknown>) => exit._tag === "Failure" && String(Cause.squash(exit.cause))

describe("Simulation.sweepInterrupts", () => {
  it.effect("finds no leak in Semaphore.withPermits and Pool.use, at any operation and in many orders", () =>
    Effect.gen(function* () {
      for (const program of [semaphore, pool]) {
        const { points } = yield* Simulation.sweepInterrupts(program, { invariants })
        assert.isAbove(points, 4)
        const many = yield* Simulation.sweepInterrupts(program, {
          invariants,
          strategy: Strategy.random(0.2),
          seeds: 20
        })
        assert.isAbove(many.points, 20 * 4)
      }
    })
  )

  it.effect("finds every operation at which a naive take and release leaks", () =>
    Effect.gen(function* () {
      const { points, failures } = yield* Simulation.sweepInterrupts(naive, { invariants, keepGoing: true })
      assert.isAbove(points, failures.length)
      assert.isAtLeast(failures.length, 2)
      for (const { point, reason, trace } of failures) {
        assert.isNumber(point)
        assert.instanceOf(reason, Failure.InvariantBroken)
        assert.isAbove(trace.length, 0)
      }
      const first = yield* Effect.flip(Simulation.sweepInterrupts(naive, { invariants }))
      assert.strictEqual(first.point, failures[0]!.point)
      const again = yield* Effect.flip(
        Simulation.sweepInterrupts(naive, { invariants, seeds: [1], point: first.point! })
      )
      assert.strictEqual(again.message, first.message)
      assert.include(
        first.message.replace(/\n {2}what ran:[^]*/, ""),
        `
  seed 1, roundRobin(), interrupted before operation ${first.point} of the victim
  schedule: default order
  again: the same sweep with { seeds: [1], point: ${first.point} }`
      )
    })
  )

  it.effect("does not pass a program that has nothing to interrupt", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        messageOf(yield* Effect.exit(Simulation.sweepInterrupts(Effect.succeed(1)))),
        "Error: nothing was interrupted: no fiber is marked with `Simulation.victim`"
      )
      assert.strictEqual(
        messageOf(yield* Effect.exit(Simulation.sweepInterrupts(naive, { invariants, point: 999 }))),
        "Error: nothing was interrupted: no fiber is marked with `Simulation.victim`, or it has no operation 999"
      )
      for (const point of [0, -1, 1.5, NaN])
        assert.strictEqual(
          messageOf(yield* Effect.exit(Simulation.sweepInterrupts(naive, { invariants, point }))),
          `RangeError: point must be a whole number from 1, got ${point}`
        )
    })
  )

  it.effect("tells why a program fails that nothing interrupts", () =>
    Effect.gen(function* () {
      const failure = yield* Effect.flip(Simulation.sweepInterrupts(Effect.fail("out of paper")))
      assert.instanceOf(failure.reason, Failure.ProgramFailed)
      assert.isUndefined(failure.point)
    })
  )

  // Effect#8391: once this fails, the primitive is mended and may be used again.
  it.effect("finds the permit that PartitionedSemaphore.withPermits of effect 4.1.0 loses at one operation", () =>
    Effect.gen(function* () {
      const { failures } = yield* Simulation.sweepInterrupts(partitioned, { invariants, keepGoing: true })
      assert.strictEqual(failures.length, 1)
    })
  )
})

describe("Simulation.sweepCrashes", () => {
  /** A register with a cache in front: a crash loses what was not flushed. */
  interface Register {
    cached: number
    durable: number
    acknowledged: number
  }
  const options = {
    make: (): Register => ({ cached: 0, durable: 0, acknowledged: 0 }),
    crash: (register: Register) => {
      register.cached = register.durable
    },
    invariants: {
      "what was acknowledged is there": (_: void, { durable, acknowledged }: Register) => durable >= acknowledged
    }
  }
  const flush = (register: Register) =>
    Effect.sync(() => {
      register.durable = register.cached
    })
  const write = (register: Register) =>
    Effect.sync(() => {
      register.cached++
    })
  const acknowledge = (register: Register) =>
    Effect.sync(() => {
      register.acknowledged = register.cached
    })
  const right = (register: Register) =>
    Effect.andThen(Effect.andThen(write(register), flush(register)), acknowledge(register))
  const wrong = (register: Register) =>
    Effect.andThen(
      Effect.andThen(write(register), acknowledge(register)),
      Effect.suspend(() => (register.acknowledged === 1 ? flush(register) : Effect.void))
    )

  it.effect("crashes at every operation, and passes a program that flushes first", () =>
    Effect.gen(function* () {
      const { points, failures } = yield* Simulation.sweepCrashes({ ...options, program: right, seeds: 3 })
      assert.isAtLeast(points, 3 * 5)
      assert.strictEqual(failures.length, 0)
    })
  )

  it.effect("finds the crash between acknowledging and flushing, and replays it by its point", () =>
    Effect.gen(function* () {
      const lost = (register: Register) =>
        Effect.gen(function* () {
          if (register.acknowledged > 0) return
          yield* write(register)
          yield* acknowledge(register)
          yield* flush(register)
        })
      const sweep = { ...options, program: lost, keepGoing: true }
      const { points, failures } = yield* Simulation.sweepCrashes(sweep)
      assert.isAbove(failures.length, 0)
      assert.isBelow(failures.length, points)
      const { point } = failures[0]!
      assert.include(
        failures[0]!.message,
        'is there (the value is undefined, the state {"cached":0,"durable":0,"acknowledged":1})\n'
      )
      assert.include(failures[0]!.message, `, crashed before operation ${point}\n`)
      assert.include(failures[0]!.message, `\n  again: the same sweep with { seeds: [1], point: ${point} }`)
      const again = yield* Simulation.sweepCrashes({ ...sweep, point: point! })
      assert.strictEqual(again.points, 1)
      assert.strictEqual(again.failures[0]!.reason.message, failures[0]!.reason.message)
      // nothing of it is there without a crash
      assert.isUndefined(
        (yield* Simulation.sweepCrashes({ ...options, program: wrong, points: 0, keepGoing: true })).failures[0]
      )
    })
  )

  it.effect("does not pass a crash at an operation that there is not", () =>
    Effect.gen(function* () {
      const crashedAt = (point: number) =>
        Effect.map(Effect.exit(Simulation.sweepCrashes({ ...options, program: right, point })), messageOf)
      assert.strictEqual(yield* crashedAt(999), "Error: nothing was crashed: it has no operation 999")
      assert.strictEqual(yield* crashedAt(0), "RangeError: point must be a whole number from 1, got 0")
    })
  )

  it.effect("samples the points of a long run", () =>
    Effect.gen(function* () {
      const long = (register: Register) =>
        Effect.gen(function* () {
          for (let round = 0; round < 100; round++) yield* right(register)
        })
      const { points } = yield* Simulation.sweepCrashes({ ...options, program: long, points: 25, seeds: 2 })
      assert.strictEqual(points, 50)
    })
  )

  it.effect("crashes each seed once within some operations, or not at all where the program ends before", () =>
    Effect.gen(function* () {
      const ends: Array<boolean> = []
      const sweep = {
        ...options,
        make: () => ({ ...options.make(), isCrashed: false }),
        program: right,
        crash: (register: Register & { isCrashed: boolean }) => {
          options.crash(register)
          register.isCrashed = true
        },
        invariants: {
          "what was acknowledged is there": (_: void, register: Register & { isCrashed: boolean }) => {
            ends.push(register.isCrashed)
            return register.durable >= register.acknowledged
          }
        }
      }
      const { points } = yield* Simulation.sweepCrashes({ ...sweep, seeds: 100, within: 20 })
      assert.strictEqual(ends.length, 100)
      assert.strictEqual(points, ends.filter((isCrashed) => isCrashed).length)
      assert.isAbove(points, 10)
      assert.isBelow(points, 90)
      // a failure's point leads to the same crash without `within`
      const broken = {
        ...sweep,
        invariants: { crashed: (_: void, { isCrashed }: { isCrashed: boolean }) => !isCrashed }
      }
      const failure = yield* Effect.flip(Simulation.sweepCrashes({ ...broken, seeds: 100, within: 20 }))
      const again = yield* Effect.flip(
        Simulation.sweepCrashes({ ...broken, seeds: [failure.seed], point: failure.point! })
      )
      assert.strictEqual(again.reason.message, failure.reason.message)
    })
  )

  it.effect("crashes before every operation of a service that is no Effect, after which none has an effect", () =>
    Effect.gen(function* () {
      const logs: Array<string> = []
      const { points } = yield* Simulation.sweepCrashes({
        make: () => ({ log: [] as Array<string> }),
        crash: ({ log }) => {
          logs.push(log.join(" "))
          log.length = 0
        },
        program: ({ log }) =>
          Effect.callback<void>((resume) => {
            const write = (text: string) => {
              Simulation.operation()
              log.push(text)
            }
            setTimeout(() => {
              try {
                write("a")
                write("b")
              } finally {
                write("c")
              }
              resume(Effect.void)
            }, 10)
          }),
        invariants: { "it ends": (_, { log }) => log.join(" ") === "a b c" },
        crashes: 1,
        process: true
      })
      assert.isAbove(points, 3)
      assert.sameMembers([...new Set(logs)], ["", "a", "a b", "a b c"])
    })
  )

  it.effect("goes on in time after a crash, and after the time that the program was down", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      yield* Simulation.sweepCrashes({
        make: () => ({ at: -1 }),
        crash: () => {},
        program: (state) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            if (state.at >= 0) starts.push(now - state.at)
            yield* Effect.sleep("1 second")
            state.at = Date.now()
            yield* Effect.yieldNow
          }),
        invariants: { "time does not go back": (_, { at }) => at >= 1000 },
        process: true,
        downMs: 500,
        crashes: 1,
        seeds: 3
      })
      assert.isAbove(starts.length, 0)
      assert.isTrue(starts.every((ms) => ms >= 0 && ms <= 500))
      assert.isAbove(new Set(starts).size, 1)
    })
  )
})
