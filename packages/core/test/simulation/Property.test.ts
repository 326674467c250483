import { afterEach, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { inspect } from "node:util"
import { Simulation, Strategy } from "../../src/simulation/index.ts"

const transfer = Effect.gen(function* () {
  let from = 100
  let to = 0
  const move = Effect.gen(function* () {
    const seen = yield* Effect.sync(() => from)
    yield* Effect.sync(() => {
      from = seen - 10
      to += 10
    })
  })
  yield* Effect.all([move, move], { concurrency: 2 })
  return from + to
})
const invariants = { "money is neither made nor lost": (sum: number) => sum === 100 }

const thrown = async (body: () => Promise<void>): Promise<string> => {
  try {
    await body()
    return ""
  } catch (error) {
    return (error as Error).message
  }
}

describe("Simulation.property", () => {
  afterEach(() => {
    delete process.env.SIMUL_REPLAY
    delete process.env.SIMUL_SEEDS
  })

  // oxlint-disable-next-line vitest/expect-expect -- the property asserts
  it("passes a property that holds", Simulation.property(Effect.succeed(1), { invariants: { one: (n) => n === 1 } }))

  it("throws what broke, the seed, the schedule, what ran and how to run it again, from where it stands", async () => {
    const failed = await Simulation.property(transfer, { invariants })().catch((error: Error) => error)
    const printed = inspect(failed).split("\n")
    const first = printed.findIndex((line) => line.startsWith("    at "))
    assert.strictEqual(
      printed.slice(0, first).join("\n"),
      `Error: invariant broken: money is neither made nor lost (the value is 110)
  seed 7, random(0.1)
  schedule: 1 pre-emptions, 0 picks, shrunk from 1 deviations in 4 runs
  replay: 7: f2@4
  what ran:
        0 ms  fiber 1: operations 1-5
        0 ms  fiber 2: operations 1-3, pre-empted before 4
        0 ms  fiber 3: operations 1-5, ended
        0 ms  fiber 2: operations 4-5, ended
        0 ms  fiber 1: operations 6-8, ended
  again: SIMUL_REPLAY="7: f2@4" in front of the command that runs this test`
    )
    // and nothing but where it stands: what it all came from is said above
    assert.include(printed[first], "Property.test.ts")
    assert.deepStrictEqual(
      printed.slice(first).filter((line) => !line.startsWith("    at ")),
      []
    )
  })

  it("runs the one line of the environment or of its options", async () => {
    const message = await thrown(Simulation.property(transfer, { invariants }))
    const line = /SIMUL_REPLAY="(.*)"/.exec(message)![1]!
    process.env.SIMUL_REPLAY = line
    assert.include(await thrown(Simulation.property(transfer, { invariants })), line)
    process.env.SIMUL_REPLAY = ""
    assert.include(await thrown(Simulation.property(transfer, { invariants, replay: line })), line)
    assert.strictEqual(await thrown(Simulation.property(transfer, { invariants, replay: "1:" })), "")
  })

  it("runs earlier failures first, however few seeds it takes, and not beside the one line of the environment", async () => {
    const line = /SIMUL_REPLAY="(.*)"/.exec(await thrown(Simulation.property(transfer, { invariants })))![1]!
    const one = { invariants, strategy: Strategy.roundRobin(), seeds: 1 }
    assert.strictEqual(await thrown(Simulation.property(transfer, one)), "")
    assert.include(await thrown(Simulation.property(transfer, { ...one, regressions: ["1:", line] })), line)
    process.env.SIMUL_REPLAY = "1:"
    assert.strictEqual(await thrown(Simulation.property(transfer, { ...one, regressions: [line] })), "")
  })

  it("runs as many seeds as the environment says", async () => {
    let runs = 0
    process.env.SIMUL_SEEDS = "17"
    await Simulation.property(Effect.sync(() => runs++))()
    assert.strictEqual(runs, 17)
    process.env.SIMUL_SEEDS = "many"
    assert.include(await thrown(Simulation.property(Effect.void)), "got `many`")
  })
})
