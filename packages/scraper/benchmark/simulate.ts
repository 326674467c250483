/**
 * The scraper in simulation, over many seeds (`test/simulation/Trial.ts` says what is real in it):
 *
 *     node packages/scraper/benchmark/simulate.ts [--seeds 10000] [--from 1] [--points N] [--workers N] [--crawl]
 *     node packages/scraper/benchmark/simulate.ts --seed 17 [--point 233] [--pages 2] [--order default] [--crawl]
 *     node packages/scraper/benchmark/simulate.ts --power [--searches 9] [--seeds 1000]
 *
 * `--crawl`: a crawl of pages that link to each other, and not a list. A seed is a scenario, run once: crashed at one of its
 * operations and resumed, or undisturbed where it ends before. With `--points` it is run undisturbed, and once more for each
 * point, crashed there. What fails is made small and told as one line that runs it again. `--power`: how many seeds and how
 * much CPU it takes to find each planted bug, both ways, as medians of several searches.
 */
import { Strategy } from "@simul/core/simulation"
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { bugs } from "../test/simulation/Bugs.ts"
import * as Trial from "../test/simulation/Trial.ts"

type Failure = Effect.Error<ReturnType<typeof Trial.sweep>>

/** A trial and how to run it. */
interface Setting {
  readonly seed: number
  readonly point?: number
  readonly pages?: number
  readonly order?: "default"
  readonly crawl?: boolean
}

const command = ({ seed, point, pages, order, crawl = false }: Setting) =>
  [
    `node packages/scraper/benchmark/simulate.ts --seed ${seed}`,
    ...(crawl ? ["--crawl"] : []),
    ...(pages === undefined ? [] : [`--pages ${pages}`]),
    ...(order === undefined ? [] : [`--order ${order}`]),
    ...(point === undefined ? [] : [`--point ${point}`])
  ].join(" ")

const attempt = (
  { seed, point, pages, order, crawl = false }: Setting,
  options: Trial.TrialOptions = {}
): Failure | undefined =>
  Effect.runSync(
    Effect.match(
      Trial.sweep([seed], {
        ...options,
        crawl,
        ...(point === undefined ? {} : { point }),
        ...(pages === undefined ? {} : { pages }),
        ...(order === undefined ? {} : { strategy: Strategy.roundRobin() })
      }),
      { onFailure: (failure) => failure, onSuccess: () => undefined }
    )
  )

const lawOf = ({ reason }: Failure) => (reason._tag === "InvariantBroken" ? reason.name : reason._tag)

/** The same law broken with fewer pages, without pre-emptions, crashed as early as can be. */
const shrink = (failure: Failure, crawl: boolean): Setting => {
  const { seed } = failure
  let best: Setting = { seed, crawl, ...(failure.point === undefined ? {} : { point: failure.point }) }
  const fails = (setting: Setting, points: number) => {
    const found = attempt(setting, { points })
    if (found === undefined || lawOf(found) !== lawOf(failure)) return false
    const { point: _, ...rest } = setting
    best = { ...rest, ...(found.point === undefined ? {} : { point: found.point }) }
    return true
  }
  for (let pages = 1; pages < 6; pages++) if (fails({ seed, crawl, pages }, 60)) break
  const { point: _, ...rest } = best
  fails({ ...rest, order: "default" }, 60)
  if (best.point !== undefined) {
    const { point: _, ...rest } = best
    fails(rest, 4000)
  }
  return best
}

const told = (failure: Failure, crawl: boolean) => {
  const setting = shrink(failure, crawl)
  const small = attempt(setting) ?? failure
  return `${small.message}\n  found at: ${command({ seed: failure.seed, crawl, ...(failure.point === undefined ? {} : { point: failure.point }) })}\n  again: ${command(setting)}`
}

const usage = (detail: string): never => {
  console.error(
    `error: ${detail}\nhint: simulate.ts [--seeds N] [--from N] [--points N] [--workers N] [--seed N [--point N] [--pages N] [--order default]] [--crawl] [--power [--searches N]]`
  )
  process.exit(2)
}
const whole = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined
  const value = Number(text)
  return Number.isInteger(value) && value >= 1 ? value : usage(`--${name} must be a whole number from 1, got ${text}`)
}

interface Share {
  readonly from: number
  readonly seeds: number
  /** How many of them are taken, by all threads. */
  readonly taken: Int32Array<SharedArrayBuffer>
  /** Of a trial; without it each seed is run once. */
  readonly points: number | undefined
  readonly crawl: boolean
}

/** Runs seeds that no other thread has; at most three failures, or a wrong law would be told ten thousand times. */
const run = ({ from, seeds, taken, points, crawl }: Share) => {
  const failures: Array<string> = []
  let runs = 0
  const { stackTraceLimit } = Error
  for (let index = 0; failures.length < 3 && (index = Atomics.add(taken, 0, 1)) < seeds; runs++) {
    const seed = from + index
    // servers and disk fail often: the stacks of their errors are worth their time only where they are told
    Error.stackTraceLimit = 0
    const failure = attempt({ seed, crawl }, points === undefined ? {} : { points })
    Error.stackTraceLimit = stackTraceLimit
    if (failure !== undefined) failures.push(told(failure, crawl))
  }
  return { runs, failures }
}

const search = async (asked: Omit<Share, "taken">, workers: number) => {
  const began = performance.now()
  const workerData: Share = { ...asked, taken: new Int32Array(new SharedArrayBuffer(4)) }
  const others = Array.from({ length: workers - 1 }, () => {
    const worker = new Worker(new URL(import.meta.url), { workerData })
    return new Promise<ReturnType<typeof run>>((resolve, reject) => {
      worker.once("message", resolve)
      worker.once("error", reject)
    })
  })
  // this thread has loaded everything before they have
  const results = [run(workerData), ...(await Promise.all(others))]
  const seconds = (performance.now() - began) / 1000
  const runs = results.reduce((sum, one) => sum + one.runs, 0)
  const failures = results.flatMap((one) => one.failures)
  const { user, system } = process.cpuUsage()
  const cpu = (user + system) / 1e6
  for (const failure of failures) console.log(`${failure}\n`)
  console.log(
    `${runs} seeds, ${failures.length} failures, ${seconds.toFixed(1)} s: ${Math.round(runs / seconds)} seeds/s; ` +
      `${cpu.toFixed(1)} s of CPU: ${((1000 * cpu) / runs).toFixed(1)} ms each`
  )
  if (failures.length > 0) process.exitCode = 1
}

const ways = { "run once": {}, "undisturbed and crashed": { points: 1 } } as const

/** One search after the other, each from the seed on at which the one before has found the bug. */
const power = (searches: number, seeds: number) => {
  const head = Object.keys(ways).map((way) => `${way}: seeds | CPU ms`)
  console.log(`| planted bug | law | ${head.join(" | ")} |\n| --- | --- |${" ---: |".repeat(2 * head.length)}`)
  for (const { name, bug, laws, crawl = false, scenario = {} } of bugs) {
    const cells: Array<string> = []
    let law = ""
    for (const way of Object.values(ways)) {
      const found: Array<{ readonly seeds: number; readonly ms: number }> = []
      for (let from = 1; found.length < searches && from <= seeds;) {
        const before = process.cpuUsage()
        const failure = Effect.runSync(
          Effect.match(
            Trial.sweep(
              Array.from({ length: seeds - from + 1 }, (_, index) => from + index),
              { bug, laws, crawl, scenario, ...way }
            ),
            { onFailure: (failure) => failure, onSuccess: () => undefined }
          )
        )
        if (failure === undefined) break
        law = lawOf(failure)
        const { user, system } = process.cpuUsage(before)
        found.push({ seeds: failure.seed - from + 1, ms: (user + system) / 1000 })
        from = failure.seed + 1
      }
      const median = (figures: ReadonlyArray<number>) =>
        `${Math.round(figures.toSorted((one, other) => one - other)[figures.length >> 1]!)}`
      if (found.length === 0) cells.push(`not in ${seeds}`, "")
      else cells.push(median(found.map((one) => one.seeds)), median(found.map((one) => one.ms)))
    }
    console.log(`| ${[name, law, ...cells].join(" | ")} |`)
  }
}

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string" },
      from: { type: "string" },
      points: { type: "string" },
      workers: { type: "string" },
      seed: { type: "string" },
      point: { type: "string" },
      pages: { type: "string" },
      order: { type: "string" },
      crawl: { type: "boolean", default: false },
      power: { type: "boolean" },
      searches: { type: "string" }
    }
  })
  const seed = whole("seed", values.seed)
  const point = whole("point", values.point)
  const pages = whole("pages", values.pages)
  const seeds = whole("seeds", values.seeds)
  if (values.order !== undefined && values.order !== "default") usage(`--order must be default, got ${values.order}`)
  if (values.power === true) power(whole("searches", values.searches) ?? 9, seeds ?? 1000)
  else if (seed === undefined)
    await search(
      {
        from: whole("from", values.from) ?? 1,
        seeds: seeds ?? 10_000,
        points: whole("points", values.points),
        crawl: values.crawl
      },
      whole("workers", values.workers) ?? availableParallelism()
    )
  else {
    const setting: Setting = {
      seed,
      crawl: values.crawl,
      ...(point === undefined ? {} : { point }),
      ...(pages === undefined ? {} : { pages }),
      ...(values.order === undefined ? {} : { order: "default" })
    }
    const failure = attempt(setting, { points: whole("points", values.points) ?? 1 })
    console.log(failure === undefined ? `seed ${seed}: every law holds` : failure.message)
    if (failure !== undefined) process.exitCode = 1
  }
} else {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
  parentPort!.postMessage(run(workerData as Share))
}
