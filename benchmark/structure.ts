/**
 * What fibers cost with core's structure and with Effect's own: `node benchmark/structure.ts [--rounds N]`.
 *
 * Prints a Markdown table for each question on stdout. All ways of a question run in turn, round by round, in one process;
 * the ratio is the median of the ratios within each round. Figures are CPU time, garbage collection included.
 * Exit status: 0; 2 usage.
 */
import { cpus } from "node:os"
import { cooperate } from "@simul/core/Cooperate"
import * as TaskGroup from "@simul/core/TaskGroup"
import * as TimeBudgetScheduler from "@simul/core/TimeBudgetScheduler"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import { fixed, median, table } from "./Table.ts"
import * as Arguments from "./Arguments.ts"

const rounds = Arguments.settings(
  {
    text: `usage: node benchmark/structure.ts [--rounds N]
  --rounds N   how often each way runs [9]`,
    options: { rounds: { type: "string", default: "9" } }
  },
  ({ rounds }) => Arguments.whole("rounds", rounds)
)

interface Way {
  readonly name: string
  readonly program: Effect.Effect<unknown>
  readonly options?: Effect.RunOptions
}

/** The first way is what the others are compared with. Each runs the same `operations`. */
interface Question {
  readonly title: string
  readonly operations: number
  readonly unit: "ns" | "ms"
  readonly ways: ReadonlyArray<Way>
}

const times = (count: number, effect: Effect.Effect<unknown>) =>
  Effect.gen(function* () {
    for (let i = 0; i < count; i++) yield* effect
  })

/** One program under Effect's scheduler and under ours. */
const schedulers = (program: Effect.Effect<unknown>): ReadonlyArray<Way> => [
  { name: "Effect's scheduler", program },
  { name: "`TimeBudgetScheduler`", program, options: { scheduler: TimeBudgetScheduler.make() } }
]

const children = 20_000
const numbers = Array.from({ length: children }, (_, i) => i)
const child = Effect.yieldNow
const inGroup = (options: TaskGroup.Options, childOptions?: TaskGroup.ChildOptions) =>
  TaskGroup.run((group) => times(children, group.spawn(child, childOptions)), options)
const spawning: ReadonlyArray<Way> = [
  {
    name: "`Effect.forkChild`, `awaitAllChildren`",
    program: Effect.awaitAllChildren(times(children, Effect.forkChild(child)))
  },
  {
    name: "`FiberSet.run`, `awaitEmpty`",
    program: Effect.scoped(
      Effect.gen(function* () {
        const set = yield* FiberSet.make<void>()
        yield* times(children, FiberSet.run(set, child))
        yield* FiberSet.awaitEmpty(set)
      })
    )
  },
  { name: "`TaskGroup.spawn`", program: inGroup({}) },
  { name: "`TaskGroup.spawn`, named", program: inGroup({}, { name: "child" }) },
  {
    name: "`Effect.forEach`, 64 at once",
    program: Effect.forEach(numbers, () => child, { concurrency: 64, discard: true })
  },
  { name: "`TaskGroup.spawn`, limit 64", program: inGroup({ limit: 64 }) },
  {
    name: "`Effect.forEach`, unbounded",
    program: Effect.forEach(numbers, () => child, { concurrency: "unbounded", discard: true })
  }
]

const terms = 300_000
const fibonacci = (additions: number) =>
  function* () {
    let [a, b] = [0n, 1n]
    for (let i = 0; i < terms; i++) {
      ;[a, b] = [b, a + b]
      if (i % additions === 0) yield
    }
    return a
  }
const looping: ReadonlyArray<Way> = [
  {
    name: "a loop in one operation",
    program: Effect.sync(() => {
      let [a, b] = [0n, 1n]
      for (let i = 0; i < terms; i++) [a, b] = [b, a + b]
      return a
    })
  },
  {
    name: "a yield each 50,000 steps",
    program: Effect.gen(function* () {
      let [a, b] = [0n, 1n]
      for (let i = 0; i < terms; i++) {
        ;[a, b] = [b, a + b]
        if (i % 50_000 === 0) yield* Effect.yieldNow
      }
      return a
    })
  },
  { name: "`cooperate`, a step an addition", program: cooperate(fibonacci(1)) },
  { name: "`cooperate`, a step 16 additions", program: cooperate(fibonacci(16)) }
]

const questions: ReadonlyArray<Question> = [
  { title: "A yield of one fiber", operations: 50_000, unit: "ns", ways: schedulers(times(50_000, Effect.yieldNow)) },
  {
    title: "A yield of 10,000 fibers, their forks included",
    operations: 100_000,
    unit: "ns",
    ways: schedulers(
      Effect.forEach(numbers.slice(0, 10_000), () => times(10, Effect.yieldNow), {
        concurrency: "unbounded",
        discard: true
      })
    )
  },
  {
    title: "An operation that does not yield",
    operations: 500_000,
    unit: "ns",
    ways: schedulers(
      times(
        500_000,
        Effect.sync(() => 1)
      )
    )
  },
  { title: "A child that yields once", operations: children, unit: "ns", ways: spawning },
  { title: "The 300,000th Fibonacci number by addition", operations: 1, unit: "ms", ways: looping }
]

/** CPU time in microseconds. */
const measure = async ({ program, options }: Way): Promise<number> => {
  const before = process.cpuUsage()
  await Effect.runPromise(program, options)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

/** The longest that a program held the event loop, in milliseconds. */
const measureHeld = async ({ program, options }: Way): Promise<number> => {
  let held = 0
  let last = performance.now()
  let running = true
  const look = () => {
    const now = performance.now()
    held = Math.max(held, now - last)
    last = now
    if (running) setImmediate(look)
  }
  setImmediate(look)
  await Effect.runPromise(program, options)
  running = false
  look()
  return held
}

console.log(`Node ${process.versions.node}, ${cpus().length} CPUs (${cpus()[0]?.model.trim()}), ${rounds} rounds.`)
for (const { title, operations, unit, ways } of questions) {
  const usages = ways.map(() => new Array<number>())
  const held = ways.map(() => new Array<number>())
  // the first round, 0, warms and is not counted
  for (let round = 0; round <= rounds; round++) {
    for (const [index, way] of ways.entries()) {
      const usage = await measure(way)
      if (round > 0) usages[index]!.push(usage)
      held[index]!.push(await measureHeld(way))
    }
  }
  const each = (microseconds: number) => (microseconds / operations) * (unit === "ns" ? 1000 : 0.001)
  const rows = ways.map(({ name }, index) => {
    const own = usages[index]!
    return [
      name,
      fixed(each(median(own)), 0),
      fixed(each(Math.min(...own)), 0),
      fixed(median(own.map((usage, round) => usage / usages[0]![round]!)), 2),
      fixed(median(held[index]!), 0)
    ]
  })
  console.log(`\n### ${title}\n`)
  console.log(table(`way | CPU ${unit} | least CPU ${unit} | ratio | loop held ms`, rows).join("\n"))
}
