/**
 * How a run orders what could run: which ready task is next, and before which operations a fiber is pre-empted.
 *
 * A strategy is data, so that a failure can carry it; `decider` is its behaviour in one run.
 */
import { below, type Randomness } from "./Randomness.ts"
import * as Schedule from "./Schedule.ts"

/** How the order of fibers is chosen. Made by the functions below. */
export type Strategy =
  | { readonly _tag: "Random"; readonly chance: number }
  | { readonly _tag: "Pct"; readonly depth: number; readonly steps?: number }
  | { readonly _tag: "RoundRobin"; readonly quantum: number }
  | { readonly _tag: "Replay"; readonly schedule: Schedule.Schedule }

const check = (holds: boolean, what: string, got: number) => {
  if (!holds) throw new RangeError(`${what}, got ${got}`)
}

/** Pre-empts before each operation with this chance (0 to 1), and picks any ready task with equal chance. */
export const random = (chance = 0.1): Strategy => {
  check(chance >= 0 && chance <= 1, "the chance of a pre-emption must be from 0 to 1", chance)
  return { _tag: "Random", chance }
}

/**
 * Probabilistic concurrency testing: each fiber has a random priority, the highest runs, and at `depth - 1` random
 * operations the running fiber falls below all others. A bug that needs `depth` ordering constraints is found with a
 * probability of at least 1 / (n * k^(depth - 1)) in each run of n fibers and k operations. A fiber that yields by
 * itself falls below the others as well, or a loop that waits by yielding would never end.
 *
 * `steps` is k: where the program has more, the change points lie in its first `steps` operations. Without it
 * `explore` measures k in one run in default order; `run` takes 1000.
 *
 * Source: Burckhardt, Kothari, Musuvathi, Nagarakatte: A Randomized Scheduler with Probabilistic Guarantees of Finding
 * Bugs, ASPLOS 2010.
 */
export const pct = (depth: number, steps?: number): Strategy => {
  check(Number.isInteger(depth) && depth >= 1, "the depth must be a whole number from 1", depth)
  if (steps !== undefined) check(Number.isInteger(steps) && steps >= 1, "steps must be a whole number from 1", steps)
  return { _tag: "Pct", depth, ...(steps === undefined ? {} : { steps }) }
}

/**
 * Runs what is ready longest, each fiber for at most `quantum` operations. The default never pre-empts earlier than
 * Effect does by itself (2048 operations), so it stands for Effect's own order.
 */
export const roundRobin = (quantum = 2048): Strategy => {
  check(Number.isInteger(quantum) && quantum >= 1, "the quantum must be a whole number from 1", quantum)
  return { _tag: "RoundRobin", quantum }
}

/** Runs in default order but for the deviations of the schedule. Text is what `Schedule.format` writes. */
export const replay = (schedule: Schedule.Schedule | string): Strategy => ({
  _tag: "Replay",
  schedule: typeof schedule === "string" ? Schedule.parse(schedule) : schedule
})

/** Writes a strategy as it is called: `random(0.1)`, `pct(3, 120)`, `roundRobin()`. */
export const format = (strategy: Strategy): string => {
  switch (strategy._tag) {
    case "Random":
      return `random(${strategy.chance})`
    case "Pct":
      return `pct(${strategy.depth}${strategy.steps === undefined ? "" : `, ${strategy.steps}`})`
    case "RoundRobin":
      return `roundRobin(${strategy.quantum === 2048 ? "" : strategy.quantum})`
    case "Replay":
      return `replay("${Schedule.format(strategy.schedule)}")`
  }
}

/** A fiber, as far as a strategy sees it. */
export interface Runner {
  /** From 1, in the order of the first operations. */
  readonly number: number
  /** Operations so far, the one that is about to run included. */
  points: number
  /** For the strategy's own use; 0 is unset. */
  priority: number
  /** Operations since it was resumed or pre-empted. */
  slice: number
}

/** A task that could run next. */
export interface Candidate {
  /** The fiber that it resumes; `undefined` for a fiber's start and for a wake-up of whoever waits. */
  readonly owner: Runner | undefined
}

export interface Decider {
  /**
   * Asked before each operation of a fiber. True: others go first, if there are any: ready tasks, or the `outer` fibers
   * (the runner is among them) in whose operations this one is nested.
   */
  readonly preempts: (runner: Runner, ready: Iterable<Candidate>, outer: ReadonlyArray<Runner>) => boolean
  /** Which of the first `count` (at least 2) ready tasks runs next. */
  readonly pick: (ready: Iterable<Candidate>, count: number) => number
  /** A fiber yielded by itself. */
  readonly yielded?: (runner: Runner) => void
}

/** The behaviour of a strategy in one run. */
export const decider = (strategy: Strategy, draw: Randomness): Decider => {
  switch (strategy._tag) {
    case "Random":
      return randomDecider(strategy.chance, draw)
    case "Pct":
      return pctDecider(strategy.depth, strategy.steps ?? 1000, draw)
    case "RoundRobin":
      return { preempts: (runner) => runner.slice > strategy.quantum, pick: () => 0 }
    case "Replay":
      return replayDecider(strategy.schedule)
  }
}

const randomDecider = (chance: number, draw: Randomness): Decider => {
  // One draw for each pre-emption instead of one for each operation: the gaps are geometric.
  const scale = chance < 1 ? 1 / Math.log1p(-chance) : 0
  const gap = () => (chance === 0 ? Infinity : Math.floor(Math.log1p(-draw()) * scale))
  let left = gap()
  return {
    preempts: () => {
      if (left-- > 0) return false
      left = gap()
      return true
    },
    pick: (_, count) => below(draw, count)
  }
}

const pctDecider = (depth: number, steps: number, draw: Randomness): Decider => {
  const changes = Array.from({ length: depth - 1 }, () => 1 + below(draw, steps)).toSorted((a, b) => a - b)
  let passed = 0
  let step = 0
  let lowest = 1
  // Started fibers are between 1 and 2, fallen ones below 1, the latest the lowest.
  const lower = (runner: Runner) => {
    lowest *= 0.999
    runner.priority = lowest
  }
  // What starts a fiber or wakes whoever waits goes first: it only makes fibers ready, which then compare.
  const priorityOf = ({ owner }: Candidate) => (owner === undefined ? Infinity : rank(owner))
  const rank = (runner: Runner) => {
    if (runner.priority === 0) runner.priority = 1 + draw()
    return runner.priority
  }
  return {
    preempts: (runner, ready, outer) => {
      step++
      if (passed < changes.length && step >= changes[passed]!) {
        passed++
        lower(runner)
      }
      const own = rank(runner)
      for (const candidate of ready) if (priorityOf(candidate) > own) return true
      return outer.some((other) => rank(other) > own)
    },
    pick: (ready, count) => {
      let best: Candidate | undefined
      let at = 0
      let index = 0
      for (const candidate of ready) {
        if (best === undefined) best = candidate
        else if (priorityOf(candidate) > priorityOf(best)) {
          best = candidate
          at = index
        }
        if (++index === count) break
      }
      return at
    },
    yielded: lower
  }
}

const replayDecider = (schedule: Schedule.Schedule): Decider => {
  const preempted = new Map<number, Set<number>>()
  const picks = new Map<number, number>()
  for (const deviation of schedule) {
    if (deviation._tag === "Pick") picks.set(deviation.choice, deviation.index)
    else preempted.set(deviation.fiber, (preempted.get(deviation.fiber) ?? new Set<number>()).add(deviation.point))
  }
  let choice = 0
  return {
    preempts: (runner) => preempted.get(runner.number)?.has(runner.points) ?? false,
    pick: (_, count) => Math.min(picks.get(++choice) ?? 0, count - 1)
  }
}
