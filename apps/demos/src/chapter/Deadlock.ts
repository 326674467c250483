/** Two locks in two orders. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import { Simulation, Strategy } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

const parameters = {
  seeds: Parameter.whole("orders that are tried", { default: 500, minimum: 50, maximum: 100_000 })
}

interface Lock {
  readonly name: string
  readonly semaphore: Semaphore.Semaphore
  holder: string | undefined
}

/** Who holds what and waits for what; read when nothing goes on. */
type Waiting = Map<string, { readonly for: Lock }>

const take = <A>(who: string, lock: Lock, waiting: Waiting, effect: Effect.Effect<A>) =>
  Effect.andThen(
    Effect.sync(() => waiting.set(who, { for: lock })),
    lock.semaphore.withPermits(1)(
      Effect.gen(function* () {
        waiting.delete(who)
        lock.holder = who
        const value = yield* effect
        lock.holder = undefined
        return value
      })
    )
  )

/** Two transfers, from A to B and from B to A, each of which locks both accounts; `order` says which first. */
const transfers = (order: (from: Lock, to: Lock) => readonly [Lock, Lock], waiting: Waiting) =>
  Effect.gen(function* () {
    waiting.clear()
    const lock = (name: string): Lock => ({ name, semaphore: Semaphore.makeUnsafe(1), holder: undefined })
    const [a, b] = [lock("A"), lock("B")]
    const transfer = Effect.fn("transfer")(function* (who: string, from: Lock, to: Lock) {
      const [first, second] = order(from, to)
      yield* take(who, first, waiting, Effect.andThen(Effect.yieldNow, take(who, second, waiting, Effect.void)))
    })
    yield* Effect.all([transfer("left", a, b), transfer("right", b, a)], { concurrency: 2, discard: true })
  })

/** The picture: each takes its first lock, works, and waits for the second, until both are interrupted. */
const hang = Effect.gen(function* () {
  const [a, b] = [yield* Semaphore.make(1), yield* Semaphore.make(1)]
  const transfer = (lane: string, first: Semaphore.Semaphore, second: Semaphore.Semaphore) =>
    Stage.lane(
      lane,
      first.withPermits(1)(
        Effect.andThen(Stage.during(lane, "running", Effect.sleep(20), "holds one"), second.withPermits(1)(Effect.void))
      )
    )
  yield* Effect.timeoutOption(
    Effect.all([transfer("left", a, b), transfer("right", b, a)], { concurrency: 2, discard: true }),
    100
  )
})

const asGiven = (from: Lock, to: Lock) => [from, to] as const
const byName = (from: Lock, to: Lock) => (from.name < to.name ? ([from, to] as const) : ([to, from] as const))

/** `left waits for B of right, right waits for A of left`. */
const cycleOf = (waiting: Waiting) =>
  Array.from(waiting, ([who, { for: lock }]) => `${who} waits for ${lock.name} of ${lock.holder}`).join(", ")

export const deadlock = Scenario.make({
  name: "deadlock",
  title: "Two locks in two orders",
  question: {
    text: ({ seeds }) =>
      `Left takes A then B, right takes B then A. In how many of ${seeds} orders do they hang, in %?`,
    answer: "share"
  },
  parameters,
  theory: ({ seeds }) => ({
    detected: { what: "what the simulation finds", formula: "at once, no time-out", value: "Deadlock" },
    cycle: {
      what: "the cycle",
      formula: "each waits for the other's",
      value: "left waits for B of right, right waits for A of left"
    },
    at: { what: "virtual time when it is known", formula: "0", value: 0, unit: "ms" },
    share: { what: "orders that hang", formula: "half at least: both yield", value: 50, unit: "%", is: "at least" },
    ordered: { what: "that hang with one order of locks", formula: `0 of ${seeds}`, value: 0 }
  }),
  lasts: ({ seeds }) => 100 + seeds,
  program: Effect.fnUntraced(function* ({ seeds }) {
    yield* Stage.variant("until somebody loses patience", hang)
    return yield* Stage.variant(
      "orders of the same program, without time",
      Effect.gen(function* () {
        const waiting: Waiting = new Map()
        const failure = yield* Effect.orDie(
          Effect.flip(Simulation.run(transfers(asGiven, waiting), { strategy: Strategy.roundRobin() }))
        )
        const cycle = cycleOf(waiting)
        for (const line of cycle.split(", ")) yield* Stage.say("cycle", line)
        const hanging = (order: typeof asGiven) =>
          Effect.map(
            Effect.orDie(Simulation.explore(transfers(order, new Map()), { seeds, keepGoing: true })),
            ({ failures }) => failures.length
          )
        return {
          detected: failure.reason._tag,
          cycle,
          at: failure.reason._tag === "Deadlock" ? failure.reason.at : Number.NaN,
          share: (100 * (yield* hanging(asGiven))) / seeds,
          ordered: yield* hanging(byName)
        }
      })
    )
  }),
  prose: ({ seeds }, { cycle, share, ordered }) => [
    `Each holds what the other needs: ${cycle}. Nobody errs, nothing burns CPU, nothing ever happens again. It hung in ${share.toFixed(0)} % of ${seeds} orders.`,
    `A rule ends it: whoever needs both takes A first. Then a cycle cannot close, and ${ordered} of ${seeds} hung. The simulation needs no time-out to know: nobody is ready and no timer is set.`
  ]
})
