/**
 * How many seeds find the classical bugs, under each strategy: `node packages/core/benchmark/power.ts [SEEDS]`.
 *
 * A cell is the share of seeds that fail, and the first that does. `default` is Effect's own order. Speed is that of
 * the strategy random(0.1), of runs that do not fail, against the same program under Effect's own scheduler.
 */
import * as Effect from "effect/Effect"
import { Simulation, Strategy } from "@simul/core/simulation"
import { type Bug, bugs } from "./ClassicalBugs.ts"

const seeds = Number(process.argv[2] ?? 2000)
if (!Number.isInteger(seeds) || seeds < 1) {
  console.error(`usage: node power.ts [SEEDS]\nSEEDS must be a whole number from 1, got ${process.argv[2]}`)
  process.exit(2)
}

const strategies: ReadonlyArray<readonly [string, Strategy.Strategy]> = [
  ["default", Strategy.roundRobin()],
  ["random(0.1)", Strategy.random(0.1)],
  ["random(0.3)", Strategy.random(0.3)],
  ["pct(2)", Strategy.pct(2)],
  ["pct(3)", Strategy.pct(3)],
  ["pct(5)", Strategy.pct(5)]
]

const search = ({ program, invariants }: Bug, strategy: Strategy.Strategy) =>
  Effect.runSync(Simulation.explore(program, { strategy, seeds, invariants, keepGoing: true }))

console.log(`${seeds} seeds each, Node ${process.versions.node}\n`)
console.log(`| bug | ${strategies.map(([name]) => name).join(" | ")} |`)
console.log(`| --- |${" ---: |".repeat(strategies.length)}`)
for (const bug of bugs) {
  const cells = strategies.map(([, strategy]) => {
    const { failures } = search(bug, strategy)
    const [first] = failures
    return first === undefined ? "none" : `${((100 * failures.length) / seeds).toFixed(1)} % (${first.seed})`
  })
  console.log(`| ${bug.name} | ${cells.join(" | ")} |`)
}

/** Microseconds of one run of `work`, which runs `count` times. */
const micros = (count: number, work: () => void) => {
  const began = performance.now()
  work()
  return (1000 * (performance.now() - began)) / count
}
const measured = bugs[0]!
const count = 20_000
const quiet = () =>
  Effect.runSync(Simulation.explore(measured.program, { strategy: Strategy.random(0.1), seeds: count }))
const plain = () => {
  for (let run = 0; run < count; run++) Effect.runSync(measured.program)
}
const rounds = Array.from({ length: 5 }, () => [micros(count, quiet), micros(count, plain)] as const)
const [simulated, real] = rounds.toSorted((one, other) => one[0] / one[1] - other[0] / other[1])[2]!
console.log(
  `\n${measured.name}: ${Math.round(1e6 / simulated).toLocaleString("en")} schedules/s, ` +
    `${simulated.toFixed(1)} µs each; ${real.toFixed(1)} µs by Effect.runSync: ${(simulated / real).toFixed(1)} times as long (median of 5)`
)
