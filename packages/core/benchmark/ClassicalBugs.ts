/**
 * Small programs with a bug that only some orders show: those on which other tools for concurrency testing are judged,
 * restated with Effect. Each is right in the default order.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import type { Simulation } from "@simul/core/simulation"

export interface Bug {
  readonly name: string
  readonly source: string
  readonly program: Effect.Effect<number>
  /** The bug is a deadlock, or breaks this. */
  readonly invariants: Simulation.Invariants<number>
}

const together = (...fibers: ReadonlyArray<Effect.Effect<unknown>>) =>
  Effect.all(fibers, { concurrency: "unbounded", discard: true })

const times = <A>(count: number, make: (index: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, index) => make(index))

/** A variable that fibers share; each access is an operation. */
const shared = <A>(value: A) => {
  let now = value
  return {
    get: Effect.sync(() => now),
    set: (next: A) =>
      Effect.sync(() => {
        now = next
      })
  }
}

const deadlock = {}

const lostUpdate: Bug = {
  name: "lost update, 3 fibers",
  source: "folklore",
  program: Effect.gen(function* () {
    const count = shared(0)
    const increment = Effect.flatMap(count.get, (seen) => count.set(seen + 1))
    yield* together(increment, increment, increment)
    return yield* count.get
  }),
  invariants: { "no update is lost": (count) => count === 3 }
}

const overdraft: Bug = {
  name: "check, then withdraw",
  source: "Shuttle, README",
  program: Effect.gen(function* () {
    const balance = shared(100)
    const withdraw = Effect.gen(function* () {
      if ((yield* balance.get) < 80) return
      yield* balance.set((yield* balance.get) - 80)
    })
    yield* together(withdraw, withdraw)
    return yield* balance.get
  }),
  invariants: { "the account is not overdrawn": (balance) => balance >= 0 }
}

const twoInstances: Bug = {
  name: "lazy value made twice",
  source: "double-checked locking without the second check",
  program: Effect.gen(function* () {
    const lock = yield* Semaphore.make(1)
    const value = shared<number | undefined>(undefined)
    let made = 0
    const get = Effect.gen(function* () {
      if ((yield* value.get) !== undefined) return
      yield* lock.withPermits(1)(Effect.suspend(() => value.set(++made)))
    })
    yield* together(get, get, get)
    return made
  }),
  invariants: { "the value is made once": (made) => made === 1 }
}

/** Each takes two locks, the first of its own. */
const philosophers = (count: number): Bug => ({
  name: count === 2 ? "two locks in two orders" : `${count} locks in a circle`,
  source: "Downey, The Little Book of Semaphores, 4.4",
  program: Effect.gen(function* () {
    const forks = yield* Effect.forEach(times(count, Number), () => Semaphore.make(1))
    const dine = (seat: number) =>
      forks[seat]!.withPermits(1)(forks[(seat + 1) % count]!.withPermits(1)(Effect.sync(() => {})))
    yield* together(...times(count, dine))
    return 0
  }),
  invariants: deadlock
})

const lostWakeUp: Bug = {
  name: "lost wake-up",
  source: "folklore: a signal between the look and the wait",
  program: Effect.gen(function* () {
    const isReady = shared(false)
    const waiters: Array<Deferred.Deferred<void>> = []
    const wait = Effect.gen(function* () {
      if (yield* isReady.get) return
      const deferred = yield* Deferred.make<void>()
      yield* Effect.sync(() => waiters.push(deferred))
      yield* Deferred.await(deferred)
    })
    const signal = Effect.gen(function* () {
      yield* isReady.set(true)
      const waiting = yield* Effect.sync(() => waiters.splice(0))
      for (const deferred of waiting) yield* Deferred.succeed(deferred, undefined)
    })
    yield* together(wait, signal)
    return 0
  }),
  invariants: deadlock
}

const staleSize: Bug = {
  name: "look at the size, then take",
  source: "folklore: check-then-act on a queue",
  program: Effect.gen(function* () {
    const queue = yield* Queue.unbounded<number>()
    yield* Queue.offer(queue, 1)
    const take = Effect.gen(function* () {
      if ((yield* Queue.size(queue)) > 0) yield* Queue.take(queue)
    })
    yield* together(take, take)
    return 0
  }),
  invariants: deadlock
}

/** A condition that wakes one waiter, in the order of waiting. */
const condition = (lock: Semaphore.Semaphore) => {
  const waiters: Array<Deferred.Deferred<void>> = []
  return {
    wait: Effect.gen(function* () {
      const deferred = yield* Deferred.make<void>()
      waiters.push(deferred)
      yield* lock.release(1)
      yield* Deferred.await(deferred)
      yield* lock.take(1)
    }),
    notifyOne: Effect.suspend(() => {
      const waiter = waiters.shift()
      return waiter === undefined ? Effect.void : Deferred.succeed(waiter, undefined)
    })
  }
}

const boundedBuffer: Bug = {
  name: "bounded buffer, one condition",
  source: "Shuttle, bounded_buffer.rs; Zhao et al. (SURW), ASPLOS 2025",
  program: Effect.gen(function* () {
    const lock = yield* Semaphore.make(1)
    const { wait, notifyOne } = condition(lock)
    const rounds = 3
    let held = 0
    const move = (by: 1 | -1) =>
      lock.withPermits(1)(
        Effect.gen(function* () {
          while (by === 1 ? held === 1 : held === 0) yield* wait
          held += by
          // one is woken, though only one of the other sort could use it
          yield* notifyOne
        })
      )
    const repeated = (by: 1 | -1) =>
      Effect.gen(function* () {
        for (let round = 0; round < rounds; round++) yield* move(by)
      })
    yield* together(repeated(1), repeated(-1), repeated(1), repeated(-1))
    return held
  }),
  invariants: deadlock
}

const barrier: Bug = {
  name: "reusable barrier, opened twice",
  source: "Downey, The Little Book of Semaphores, 3.7.1",
  program: Effect.gen(function* () {
    const fibers = 3
    const mutex = yield* Semaphore.make(1)
    const turnstile = yield* Semaphore.make(0)
    let opened = 0
    const count = shared(0)
    const arrive = Effect.gen(function* () {
      yield* mutex.withPermits(1)(Effect.flatMap(count.get, (arrived) => count.set(arrived + 1)))
      // outside of the mutex: two may see the last arrival
      if ((yield* count.get) === fibers) {
        opened++
        yield* turnstile.release(1)
      }
      yield* turnstile.take(1)
      yield* turnstile.release(1)
    })
    yield* together(...times(fibers, () => arrive))
    return opened
  }),
  invariants: { "the barrier opens once": (opened) => opened === 1 }
}

const smokers: Bug = {
  name: "cigarette smokers",
  source: "Patil 1971; Downey, The Little Book of Semaphores, 4.5",
  program: Effect.gen(function* () {
    const [tobacco, paper, matches] = [yield* Semaphore.make(0), yield* Semaphore.make(0), yield* Semaphore.make(0)]
    const smoker = (first: Semaphore.Semaphore, second: Semaphore.Semaphore, done: Semaphore.Semaphore) =>
      Effect.gen(function* () {
        yield* first.take(1)
        yield* second.take(1)
        yield* done.release(1)
      })
    const done = yield* Semaphore.make(0)
    // tobacco and paper are on the table; whoever has matches could smoke, unless another took one of them
    const agent = Effect.gen(function* () {
      yield* tobacco.release(1)
      yield* paper.release(1)
      yield* done.take(1)
    })
    const all = [smoker(tobacco, paper, done), smoker(paper, matches, done), smoker(matches, tobacco, done)]
    yield* Effect.raceFirst(agent, Effect.andThen(together(...all), Effect.never))
    return 0
  }),
  invariants: deadlock
}

/** Two fibers must take turns `depth - 1` times at places of their own: as many ordering constraints. */
const ofDepth = (depth: number): Bug => ({
  name: `bug of depth ${depth}`,
  source: "Burckhardt et al. (PCT), ASPLOS 2010, section 2",
  program: Effect.gen(function* () {
    const stage = shared(0)
    const fiber = (parity: number) =>
      Effect.gen(function* () {
        for (let step = parity; step < depth; step += 2) {
          if ((yield* stage.get) === step) yield* stage.set(step + 1)
          yield* Effect.sync(() => {})
        }
      })
    yield* together(fiber(1), fiber(0))
    return yield* stage.get
  }),
  invariants: { "the last stage is not reached": (stage) => stage < depth }
})

export const bugs: ReadonlyArray<Bug> = [
  lostUpdate,
  overdraft,
  twoInstances,
  lostWakeUp,
  staleSize,
  philosophers(2),
  philosophers(3),
  philosophers(5),
  boundedBuffer,
  barrier,
  smokers,
  ofDepth(3),
  ofDepth(4),
  ofDepth(5)
]
