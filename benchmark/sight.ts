/**
 * What it costs to look: `node benchmark/sight.ts [--quick] [PART...]`, parts `events tasks scraper dump page`.
 *
 * The recorder's cost for each event, for each task of an executor, and on the scraper at each level and with
 * `--timeline` (`targets`); a dump of 100,000 fibers; frames of the HTML page with 100,000 events. Levels take turns in
 * each round, and a ratio is the median of the ratios within rounds.
 * Exit status: 0; 1 when a run failed; 2 usage.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as FiberDump from "@simul/core/FiberDump"
import { Pool } from "@simul/core/node/Pool"
import * as Recorder from "@simul/core/Recorder"
import * as Task from "@simul/core/Task"
import * as Timeline from "@simul/core/Timeline"
import * as TimelineHtml from "@simul/core/TimelineHtml"
import * as Effect from "effect/Effect"
import { launch } from "../test/Browser.ts"
import * as FileServer from "./FileServer.ts"
import * as Machine from "./Machine.ts"
import type * as Tasks from "./nothing.task.ts"
import { measure } from "./Measurement.ts"
import { fixed, median, table } from "./Table.ts"
import * as Arguments from "./Arguments.ts"
import * as Workloads from "./Workload.ts"
import * as Workplace from "./Workplace.ts"

const names = ["events", "tasks", "scraper", "dump", "page"] as const
const { quick, chosen } = Arguments.settings(
  {
    text: `usage: node benchmark/sight.ts [PART...] [--quick]
  PART      ${names.join(", ")}; default all
  --quick   smaller, 3 rounds: to try the harness, not for figures`,
    words: { kind: "part", among: names },
    options: { quick: { type: "boolean", default: false } }
  },
  ({ quick }, words) => ({ quick, chosen: names.filter((name) => words.length === 0 || words.includes(name)) })
)
const rounds = quick ? 3 : 9
const levels = ["off", "census", "timeline"] as const
const runs = [...levels, "targets"] as const
type Figures<Level extends string> = Readonly<Record<Level, ReadonlyArray<number>>>

/** Figures by level, round by round: levels take turns, in another order each round. Round 0 warms up. */
const inTurn = async <Level extends string>(
  levels: ReadonlyArray<Level>,
  run: (level: Level) => Promise<number>
): Promise<Figures<Level>> => {
  const found = Object.fromEntries(levels.map((level) => [level, []])) as unknown as Record<Level, Array<number>>
  for (let round = 0; round <= rounds; round++)
    for (let turn = 0; turn < levels.length; turn++) {
      const level = levels[(round + turn) % levels.length]!
      const figure = await run(level)
      if (round > 0) found[level].push(figure)
    }
  return found
}

/** The median of each level, then that of its ratios to the first. */
const cells = <Level extends string>(levels: ReadonlyArray<Level>, found: Figures<Level>, unit: number) => [
  ...levels.map((level) => fixed(median(found[level]) * unit, 0)),
  ...levels
    .slice(1)
    .map((level) => fixed(median(found[level].map((figure, round) => figure / found[levels[0]!][round]!)), 3))
]
const head = (levels: ReadonlyArray<string>) =>
  [...levels, ...levels.slice(1).map((level) => `${level} / ${levels[0]}`)].join(" | ")

// ---- each event

const repeat = (times: number) => Array.from({ length: times }, (_, index) => index)
const scale = quick ? 0.2 : 1
const programs = {
  "`Effect.sync` in a generator": {
    count: 300_000 * scale,
    program: (count: number) =>
      Effect.gen(function* () {
        for (let index = 0; index < count; index++) yield* Effect.sync(() => index)
      })
  },
  "`forkChild`": {
    count: 40_000 * scale,
    program: (count: number) =>
      Effect.gen(function* () {
        for (let index = 0; index < count; index++) yield* Effect.forkChild(Effect.void)
      })
  },
  "`forEach` of 64 at once, `yieldNow`": {
    count: 40_000 * scale,
    program: (count: number) => Effect.forEach(repeat(count), () => Effect.yieldNow, { concurrency: 64, discard: true })
  }
}

const micro = async () => {
  const rows: Array<ReadonlyArray<string>> = []
  for (const [name, { count, program }] of Object.entries(programs)) {
    const effect = program(count) as Effect.Effect<unknown>
    let events = 0
    const found = await inTurn(levels, async (level) => {
      const recorder = await Effect.runPromise(Recorder.make({ level, capacity: 2 ** 20 }))
      const before = process.cpuUsage()
      await Effect.runPromise(recorder.record(effect))
      const { user, system } = process.cpuUsage(before)
      if (level === "timeline") events = recorder.events()
      return (user + system) / count
    })
    const each = (median(found.timeline) - median(found.off)) * (count / Math.max(events, 1))
    rows.push([
      name,
      ...cells(levels, found, 1000),
      fixed(events / count, 1),
      events / count < 0.5 ? "–" : fixed(each * 1000, 0)
    ])
  }
  return table(`program, ns of CPU each | ${head(levels)} | events each | ns an event`, rows)
}

// ---- each task of an executor

const { nothing } = Task.module<typeof Tasks>(new URL("./nothing.task.ts", import.meta.url))

/** In this thread, so that all of its CPU is counted. */
const tasks = async () => {
  const count = 20_000 * scale
  const ways = ["off", "recorded"] as const
  const found = await inTurn(ways, async (way) => {
    const recorder = await Effect.runPromise(Recorder.make())
    const pool = await Pool.inline(way === "recorded" ? { onEvent: recorder.workers } : {})
    try {
      const before = process.cpuUsage()
      for (let done = 0; done < count; done += 100) await Promise.all(repeat(100).map(() => pool.run(nothing, [])))
      const { user, system } = process.cpuUsage(before)
      return (user + system) / count
    } finally {
      await pool.shutdown()
    }
  })
  return table(`an inline pool, ns of CPU a task | ${head(ways)}`, [
    ["a task, four events", ...cells(ways, found, 1000)]
  ])
}

// ---- the scraper

const scraper = async () => {
  const workload = quick ? Workloads.quick(Workloads.small) : Workloads.small
  const requests = Workloads.requests(workload)
  const workplace = Workplace.make()
  const placement = Machine.place()
  using room = workplace.reserve("sight", 4 * Workloads.occupied(workload), 4 * requests)
  await using server = await FileServer.start(workplace, workload, room)
  const lists = Workloads.writeLists(workload, server.origin, room.folder("lists"))
  let recorded = ""
  const found = await inTurn(runs, async (level) => {
    const out = room.folder("out")
    const program = join(import.meta.dirname, "RecordedGet.ts")
    const command = [process.execPath, program, level, lists.urls, out, String(workload.jobs)]
    const usage = await measure(workplace, command, { cpus: placement.clients, cwd: room.folder("work") })
    rmSync(out, { recursive: true })
    if (usage.status !== 0) throw new Error(`level ${level}: exit ${usage.status}: ${usage.said}`)
    const { saved, cpuMs, scheduled, lanes, overwritten } = JSON.parse(usage.said) as Record<string, number>
    if (saved !== requests) throw new Error(`level ${level}: ${saved} of ${requests} saved`)
    if (level === "timeline")
      recorded = `${scheduled} tasks scheduled, ${lanes} fibers in memory, ${overwritten} events overwritten`
    return cpuMs! / requests
  })
  const rows = [[`\`simul get\` of ${requests} x 10 KiB, ${workload.jobs} in flight`, ...cells(runs, found, 1000)]]
  return [
    ...table(`scraper, µs of CPU a URL, start-up excluded | ${head(runs)}`, rows),
    "",
    `Server: ${server.name}. ${recorded}.`
  ]
}

// ---- a dump

const dump = async () => {
  const rows: Array<ReadonlyArray<string | number>> = []
  for (const count of [10_000, 100_000]) {
    const recorder = await Effect.runPromise(Recorder.make())
    const leaf = Effect.fn("leaf")((_: number) => Effect.never)
    const all = Effect.forEach(repeat(count), leaf, { concurrency: "unbounded" })
    const fiber = Effect.runFork(recorder.record(all))
    const took = repeat(3).map(() => {
      const began = performance.now()
      const text = FiberDump.render(FiberDump.dump(recorder.live(), recorder.nowMs()))
      if (!text.includes(`${count} × leaf`)) throw new Error(`not a dump of ${count} fibers:\n${text}`)
      return performance.now() - began
    })
    rows.push([count, fixed(took[0]!, 0), fixed(Math.min(...took), 0)])
    fiber.interruptUnsafe()
  }
  return table("fibers | ms, the first dump | ms, the best of three", rows)
}

// ---- frames of the page

const page = async (): Promise<ReadonlyArray<string>> => {
  const browser = await launch()
  if (typeof browser === "string") return [`Left out: ${browser}`]
  const folder = mkdtempSync(join(tmpdir(), "simul-sight-"))
  try {
    const file = join(folder, "page.html")
    writeFileSync(file, TimelineHtml.render(manySpans(100_000)))
    const opened = await browser.context.newPage()
    const began = performance.now()
    await opened.goto(pathToFileURL(file).href)
    await opened.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    const first = performance.now() - began
    const rows: Array<ReadonlyArray<string>> = []
    for (const view of ["At work", "Every task"]) {
      await opened.getByRole("button", { name: view }).click()
      // what a wheel turn costs the page's own code, and the time between frames meanwhile
      const [script, gap] = await opened.evaluate<[Array<number>, Array<number>]>(`(async () => {
        const canvas = document.getElementById("canvas"), script = [], gaps = []
        const ask = globalThis.requestAnimationFrame
        globalThis.requestAnimationFrame = (draw) => ask((at) => {
          const began = performance.now()
          draw(at)
          script.push(performance.now() - began)
        })
        let last = performance.now()
        for (let turn = 0; turn < 120; turn++) {
          const deltaY = turn % 40 < 20 ? -60 : 60
          canvas.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX: 600, clientY: 500, bubbles: true, cancelable: true }))
          await new Promise((next) => ask(next))
          gaps.push(performance.now() - last)
          last = performance.now()
        }
        globalThis.requestAnimationFrame = ask
        return [script, gaps]
      })()`)
      const part = (all: ReadonlyArray<number>, share: number) =>
        all.toSorted((a, b) => a - b)[Math.floor((all.length - 1) * share)]!
      rows.push([
        view,
        fixed(part(script, 0.5), 2),
        fixed(part(script, 0.99), 2),
        fixed(part(gap, 0.5), 1),
        fixed(part(gap, 0.99), 1)
      ])
    }
    return [
      ...table("view, zooming in and out | drawing, median ms | 99 % | between frames, median ms | 99 %", rows),
      "",
      `First shown after ${fixed(first, 0)} ms, with software rendering.`
    ]
  } finally {
    await browser.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A timeline of so many spans on lanes of four, 50 of them at work at one time. */
const manySpans = (count: number): Timeline.Timeline => {
  const categories = [
    { name: "waiting", description: "", waiting: true },
    { name: "running", description: "", waiting: false }
  ]
  const collector = Timeline.collect({
    title: `${count} events`,
    words: { lane: "task", group: "kind" },
    categories,
    most: Infinity
  })
  const lanes = count / 4
  for (const index of repeat(lanes)) {
    const startMs = index / 5
    const spans = [0, 1, 0, 1].map((category, part) => ({
      name: categories[category]!.name,
      category: categories[category]!.name,
      startMs: startMs + 3 * part,
      endMs: startMs + 3 * (part + 1)
    }))
    collector.add({
      name: () => `task ${index}`,
      group: `kind ${index % 9}`,
      startMs,
      endMs: startMs + 12,
      slownessMs: 12,
      times: (sums) => {
        sums[0]! += 6
        sums[1]! += 6
      },
      spans: (lane) => spans.map((span) => ({ lane, ...span }))
    })
  }
  return collector.result(Date.now(), lanes / 5 + 12)
}

const parts: Record<(typeof names)[number], readonly [title: string, run: () => Promise<ReadonlyArray<string>>]> = {
  events: ["Each event", micro],
  tasks: ["Each task of an executor", tasks],
  scraper: ["The scraper", scraper],
  dump: ["A dump of live fibers", dump],
  page: ["100,000 events in the page", page]
}
console.log(`Node ${process.versions.node}, ${rounds} rounds${quick ? ", quick: not for figures" : ""}.`)
for (const name of chosen) {
  const [title, run] = parts[name]
  console.log(`\n### ${title}\n\n${(await run()).join("\n")}`)
}
