/** How many are in a queue, how many come, how long they stay; and what happens when it is nearly always busy. */
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Semaphore from "effect/Semaphore"

const parameters = {
  service: Parameter.number("what one takes, on average", { default: 4, minimum: 1, maximum: 100, unit: "ms" }),
  customers: Parameter.whole("how many come", { default: 1500, minimum: 200, maximum: 20_000 }),
  servers: Parameter.whole("how many are served at once", { default: 1, minimum: 1, maximum: 20 })
}
type Values = Parameter.Values<typeof parameters>

const utilisations = [0.5, 0.8, 0.95]

/** A time between events that come independently of each other. */
const exponential = (meanMs: number) => Effect.map(Random.next, (uniform) => -meanMs * Math.log(1 - uniform))

/**
 * Serves customers who come by chance. L is sampled, W is each one's own watch. A sample counts up to the next one: where
 * a busy machine holds the sampler up, it holds up those who stay as well. (Counted back to the one before it would miss
 * them: those whose time is over leave before the sampler has its turn.)
 */
const run = ({ service, customers, servers }: Values, utilisation: number) =>
  Stage.variant(
    `busy ${Math.round(100 * utilisation)} % of the time`,
    Effect.gen(function* () {
      const places = yield* Semaphore.make(servers)
      let inside = 0
      let stayedMs = 0
      let seen = 0
      let sampled = 0
      let sampledMs = 0
      const sample = Effect.gen(function* () {
        yield* Effect.sleep(service / 2)
        // after all that was due with it: as it is then it stays until the loop turns again
        yield* Effect.yieldNow
        const nowMs = yield* Stage.now
        sampled += seen * (nowMs - sampledMs)
        sampledMs = nowMs
        seen = inside
      })
      const sampler = yield* Effect.forkChild(Effect.forever(sample))
      const customer = Effect.gen(function* () {
        const came = yield* Stage.now
        inside++
        yield* places.withPermits(1)(Effect.flatMap(exponential(service), Effect.sleep))
        inside--
        stayedMs += (yield* Stage.now) - came
      })
      const all: Array<Fiber.Fiber<void>> = []
      const everyMs = service / (servers * utilisation)
      for (let count = 0; count < customers; count++) {
        yield* Effect.flatMap(exponential(everyMs), Effect.sleep)
        all.push(yield* Effect.forkChild(customer))
        if (count % 10 === 0) yield* Stage.count("in the system", inside)
      }
      yield* Fiber.awaitAll(all)
      yield* Fiber.interrupt(sampler)
      const lastMs = yield* Stage.now
      return { l: sampled / sampledMs, lambda: customers / lastMs, w: stayedMs / customers }
    })
  )

export const littlesLaw = Scenario.make({
  name: "littles-law",
  title: "Little's law, and the price of being busy",
  question: {
    text: () =>
      "A queue that is busy 95 % of the time, beside one that is busy 50 %: how many times as long does one stay?",
    answer: "growth"
  },
  parameters,
  theory: ({ service, servers }) => ({
    law: {
      what: "L / (lambda W), the worst of three",
      formula: "1: L = lambda W",
      value: 1,
      virtual: 0.05,
      real: 0.1
    },
    half: {
      what: "stay at 50 %",
      formula: servers === 1 ? "service / (1 - 0.5)" : "at least the service",
      value: servers === 1 ? service / 0.5 : service * 0.9,
      unit: "ms",
      is: servers === 1 ? "equal" : "at least",
      virtual: 0.2,
      real: 1
    },
    growth: {
      what: "stay at 95 % / stay at 50 %",
      formula: "1 server: 0.5 / 0.05 = 10",
      value: servers === 1 ? 4 : 1.5,
      is: "at least",
      real: 0.3
    }
  }),
  lasts: ({ service, customers, servers }) =>
    utilisations.reduce((sum, busy) => sum + (customers * service) / (servers * busy), 0),
  program: Effect.fnUntraced(function* (values) {
    const found = []
    for (const utilisation of utilisations) found.push(yield* run(values, utilisation))
    const laws = found.map(({ l, lambda, w }) => l / (lambda * w))
    return {
      law: laws.reduce((worst, law) => (Math.abs(law - 1) > Math.abs(worst - 1) ? law : worst)),
      half: found[0]!.w,
      growth: found.at(-1)!.w / found[0]!.w
    }
  }),
  prose: ({ customers }, { law, half, growth }) => [
    `How many are inside, on average, is how many come in a unit of time, times how long each stays. It was counted on one side and stopped on ${customers} watches on the other; the two agree to ${(100 * Math.abs(law - 1)).toFixed(1)} %. No distribution is assumed for that.`,
    `At 50 % one stays ${half.toFixed(1)} ms; at 95 % ${growth.toFixed(1)} times as long. The theory's 10, for one server and customers who come and stay by pure chance (M/M/1), needs long runs: near full load a queue takes ages to become what it is on average. Slack is what short waits are bought with.`
  ]
})
