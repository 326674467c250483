/** A lost update: invisible in the usual order, found by trying orders, replayed by one line. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import { Simulation, Strategy } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"

const parameters = {
  seeds: Parameter.whole("orders that are tried", { default: 10_000, minimum: 100, maximum: 1_000_000 }),
  fibers: Parameter.whole("fibers that add one", { default: 3, minimum: 2, maximum: 10 })
}

const counted = (fibers: number, increment: (account: Ref.Ref<number>) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const account = yield* Ref.make(0)
    yield* Effect.forEach(Array.from({ length: fibers }), () => increment(account), {
      concurrency: "unbounded",
      discard: true
    })
    return yield* Ref.get(account)
  })

/** What others do between reading and writing takes time, where the picture is drawn. */
const betweenMs = 10

/** Each reads, waits and writes: the picture of what goes wrong. */
const slowly = (fibers: number) =>
  Stage.variant(
    `${betweenMs} ms between reading and writing`,
    Effect.gen(function* () {
      const account = yield* Ref.make(0)
      const add = (lane: string) =>
        Stage.lane(
          lane,
          Effect.gen(function* () {
            const value = yield* Ref.get(account)
            yield* Stage.say(lane, `reads ${value}`)
            yield* Stage.during(lane, "running", Effect.sleep(betweenMs))
            yield* Ref.set(account, value + 1)
            yield* Stage.say(lane, `writes ${value + 1}`)
          })
        )
      const lanes = Array.from({ length: fibers }, (_, index) => `fiber ${index + 1}`)
      yield* Effect.forEach(lanes, add, { concurrency: "unbounded", discard: true })
      return yield* Ref.get(account)
    })
  )

/** Reads, then writes: another may come between. */
const readThenWrite = (account: Ref.Ref<number>) =>
  Effect.gen(function* () {
    const value = yield* Ref.get(account)
    yield* Ref.set(account, value + 1)
  })

const updated = (account: Ref.Ref<number>) => Ref.update(account, (value) => value + 1)

const locked = (fibers: number) =>
  Effect.gen(function* () {
    const lock = yield* Semaphore.make(1)
    return yield* counted(fibers, (account) => lock.withPermits(1)(readThenWrite(account)))
  })

export const race = Scenario.make({
  name: "race",
  title: "A lost update, found by seed",
  question: {
    text: ({ fibers }) =>
      `${fibers} fibers read a number and write it back plus one. Of 100 orders drawn by chance, how many end wrong?`,
    answer: "share"
  },
  parameters,
  theory: ({ seeds, fibers }) => ({
    slow: { what: "the sum, with time between", formula: "1: all write what one read", value: 1 },
    usual: { what: "the sum in the usual order", formula: "right: it hides", value: fibers },
    found: { what: "seeds until it is found", formula: "at most 50", value: 50, is: "at most" },
    share: {
      what: "of all orders, wrong",
      formula: "a tenth at least",
      value: 10,
      unit: "%",
      is: "at least"
    },
    replayed: { what: "replayed by its line, the value", formula: "the same wrong one", value: "the same" },
    smaller: { what: "pre-emptions that are needed", formula: "1", value: 1, is: "at most" },
    update: { what: "wrong with an atomic update", formula: `0 of ${seeds}`, value: 0 },
    lock: { what: "wrong with a lock", formula: `0 of ${seeds}`, value: 0 }
  }),
  lasts: ({ seeds, fibers }) => seeds * fibers * 0.1,
  program: Effect.fnUntraced(function* ({ seeds, fibers }) {
    const broken = counted(fibers, readThenWrite)
    const invariants = { "nothing is lost": (value: number) => value === fibers }
    const strategy = Strategy.random(0.3)
    const wrong = (program: Effect.Effect<number>) =>
      Effect.map(
        Effect.orDie(Simulation.explore(program, { seeds, invariants, strategy, keepGoing: true })),
        ({ failures }) => failures
      )
    const slow = yield* slowly(fibers)
    return yield* Stage.variant(
      "orders of the same program, without time",
      Effect.gen(function* () {
        const usual = yield* Effect.orDie(Simulation.run(broken, { strategy: Strategy.roundRobin() }))
        const value = yield* usual.exit
        yield* Stage.say("usual order", `${value} of ${fibers}`)
        const all = yield* wrong(broken)
        const first = yield* Effect.orDie(Effect.flip(Simulation.explore(broken, { seeds, invariants, strategy })))
        const again = yield* Effect.orDie(Effect.flip(Simulation.replay(broken, first.replay, { invariants })))
        for (const line of first.message.split("\n").slice(0, 9)) yield* Stage.say("the failure", line.trim())
        return {
          slow,
          usual: value,
          found: all[0]?.seed ?? seeds + 1,
          share: (100 * all.length) / seeds,
          replayed: again.reason.message === first.reason.message ? "the same" : again.reason.message,
          smaller: first.schedule.length,
          update: (yield* wrong(counted(fibers, updated))).length,
          lock: (yield* wrong(locked(fibers))).length
        }
      })
    )
  }),
  prose: ({ seeds, fibers }, { usual, found, share, smaller, update, lock }) => [
    `In the usual order the program counts to ${usual} of ${fibers}, however often it is tested. Among orders drawn by seed it was wrong in ${share.toFixed(1)} %, first with seed ${found}; ${smaller} pre-emption is enough, and the line that replays it is printed.`,
    `Between reading and writing somebody else may run. An atomic update leaves no between: ${update} of ${seeds} wrong; nor does a lock: ${lock}. A search is no proof, and ${seeds} is its size.`
  ]
})
