/**
 * What a run did, as plain data: lanes, the spans on them, and where the time
 * went. Renderers (`TimelineHtml`, `TimelineTrace`) and recorders know only this.
 *
 * 1. A lane is one life: a target, a fiber, a worker. Its spans follow each
 *    other without overlap, and its times by category add up to its length.
 * 2. Memory is bounded, however many lanes there are. Of more than the bound the
 *    first and last, the slowest, and samples of the failed and of all are kept
 *    whole (`recorder/KeptLanes.ts`), the others in the totals and in the
 *    overview alone. What was left out is counted, never dropped silently.
 * 3. Times are milliseconds since the start of the timeline.
 */
import type { Mutable } from "effect/Types"
import { GroupSums, type Sum } from "./recorder/GroupSums.ts"
import { KeptLanes } from "./recorder/KeptLanes.ts"
import { Overview } from "./recorder/Overview.ts"

/** A cause that time is spent on. */
export interface Category {
  readonly name: string
  readonly description: string
  /** The lane waits for its turn: many lanes do so at once, and nothing is done for them. */
  readonly waiting: boolean
  /** `#rrggbb`, for one that should always look the same; dark text is to be readable on it [by its place]. */
  readonly colour?: string
}

/** What is known of a lane or a span besides its times. */
export type Arguments = Readonly<Record<string, string | number>>

/** A stretch of a lane. */
export interface Span {
  /** Index in `lanes`. */
  readonly lane: number
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  /** The name of the category that most of it belongs to. */
  readonly category: string
  readonly arguments?: Arguments
}

/** Milliseconds by the name of a category; those without any are left out. */
export type Times = Readonly<Record<string, number>>

/** One row of the picture: the life of a fiber, a target, a worker. */
export interface Lane {
  readonly name: string
  /** What it is summed up under: a host, a parent. */
  readonly group: string
  readonly startMs: number
  readonly endMs: number
  /** They add up to `endMs - startMs`. */
  readonly times: Times
  readonly arguments?: Arguments
  /** Index in `lanes` of the one that started it. */
  readonly parent?: number
  /** How it ended; absent where it had not, or where lanes have no ends. */
  readonly end?: "ok" | "failed" | "interrupted"
}

/** What one lane did to another: it started it, woke it, handed it a task or its result. */
export interface Flow {
  readonly kind: "fork" | "wake" | "submit" | "result"
  /** Indexes in `lanes`. */
  readonly from: number
  readonly to: number
  readonly fromMs: number
  /** When the other one ran: not before `fromMs`. */
  readonly toMs: number
}

/** A number that was sampled, in the order of time. */
export interface Counter {
  readonly name: string
  readonly atMs: ReadonlyArray<number>
  readonly values: ReadonlyArray<number>
}

/** One of several runs that are shown on one time scale. */
export interface Run {
  readonly title: string
  /** Its lanes are those from here to the next run's. */
  readonly firstLane: number
  readonly durationMs: number
}

/** The lanes of a group, all of them, kept or not. */
export interface Total {
  readonly group: string
  readonly lanes: number
  /** Of these, how many failed; absent: none. */
  readonly failed?: number
  readonly times: Times
}

/** What ran when, as plain data: what the renderers draw. Sums and overview are of all lanes, also of those that are left out. */
export interface Timeline {
  readonly title: string
  /** When it starts, in milliseconds since the epoch. */
  readonly startedAtMs: number
  readonly durationMs: number
  /** What a lane and a group are called, in the singular: `target`, `host`. */
  readonly words: { readonly lane: string; readonly group: string }
  readonly categories: ReadonlyArray<Category>
  /** In the order of their start. */
  readonly lanes: ReadonlyArray<Lane>
  /** Lane by lane, each in the order of time. */
  readonly spans: ReadonlyArray<Span>
  /** Longest time first. Groups beyond a bound are summed up in the last one, called `others`. */
  readonly totals: ReadonlyArray<Total>
  /** How many lanes were in each category (first index), on average over each stretch of `binMs` (second index). */
  readonly overview: { readonly binMs: number; readonly counts: ReadonlyArray<ReadonlyArray<number>> }
  readonly leftOut: LeftOut
  /**
   * Lanes that share a thread of one JavaScript engine, by the category of their spans on it: only one of them runs at
   * a time, or one inside another.
   */
  readonly thread?: { readonly name: string; readonly category: string }
  readonly flows?: ReadonlyArray<Flow>
  readonly counters?: ReadonlyArray<Counter>
  /** Absent: this is one run. */
  readonly runs?: ReadonlyArray<Run>
}

/** What the totals and the overview know, but the lanes and spans do not show. */
export interface LeftOut {
  readonly lanes: number
  /** Of lanes that are kept. */
  readonly spans: number
  /** Lanes summed up under `others`. */
  readonly ungrouped: number
  /** Overwritten by later ones before they were read: what they said is known nowhere. */
  readonly events?: number
}

/** The name of the sum of groups beyond the bound. */
export const others = "(others)"

/** A lane at its end, as a recorder hands it in. */
export interface Ended {
  /** Called for a lane that is shown. */
  readonly name: () => string
  readonly group: string
  readonly startMs: number
  readonly endMs: number
  /** By what the slowest are found, in milliseconds. */
  readonly slownessMs: number
  /** Adds its milliseconds by index of category to `sums`, and where `spread` is given, says when they passed. */
  readonly times: (sums: Float64Array, spread?: Collector["spread"]) => void
  /** In the order of time, once its index is known. Called for a lane that is shown. */
  readonly spans: (lane: number) => ReadonlyArray<Span>
  /** Spans that it had besides. */
  readonly spansLeftOut?: number
  readonly arguments?: Arguments
  /** Counts lanes in the order of their start: with `most` without bound their index. */
  readonly parent?: number
  readonly end?: Lane["end"]
}

/** What a timeline is about, and how much of it is kept. */
export interface CollectorOptions<L> {
  readonly title: string
  readonly words: Timeline["words"]
  readonly categories: ReadonlyArray<Category>
  /**
   * Lanes that are shown, 1 at least [2 400]. Of more half as many: a sixth each of those that were added first and last,
   * of the slowest and of a sample of those that failed; the rest is a sample of all. The samples are even, and full to
   * half at least.
   */
  readonly most?: number
  /** Called once with each lane that will not be shown: whoever made it may use it again. */
  readonly spare?: (lane: L) => void
  /**
   * Groups with a total of their own [2 000]: those with most time. Of more than twice as many these totals are lower
   * bounds, and what is missing is in that of the others.
   */
  readonly groups?: number
}

/** Takes lanes as they end; memory stays within the bounds of its options. */
export interface Collector<L extends Ended = Ended> {
  readonly add: (lane: L) => void
  /** Adds to the overview: `ms` spent on a category (by index), evenly between two times. */
  readonly spread: (category: number, startMs: number, endMs: number, ms: number) => void
  readonly result: (startedAtMs: number, endMs: number) => Timeline
}

/** Makes a collector. */
export const collect = <L extends Ended = Ended>(options: CollectorOptions<L>): Collector<L> => {
  const { title, words, categories, most = 2400, spare = () => {}, groups = 2000 } = options
  const kept = new KeptLanes<L>(most, spare)
  const sums = new GroupSums(groups, categories.length)
  const overview = new Overview(categories.length)
  const { spread } = overview
  let added = 0

  const named = (times: Float64Array): Times => {
    const result: Record<string, number> = {}
    // counted, for there are thousands
    for (let index = 0; index < times.length; index++)
      if (times[index]! > 0) result[categories[index]!.name] = times[index]!
    return result
  }
  const shown = (lane: L): Lane => {
    const { group, startMs, endMs, arguments: known, parent, end } = lane
    const times = new Float64Array(categories.length)
    lane.times(times)
    const shown: Mutable<Lane> = { name: lane.name(), group, startMs, endMs, times: named(times) }
    if (known !== undefined) shown.arguments = known
    if (parent !== undefined) shown.parent = parent
    if (end !== undefined) shown.end = end
    return shown
  }
  const totalOf = (group: string, { lanes, failed, times }: Sum): Total => ({
    group,
    lanes,
    ...(failed === 0 ? {} : { failed }),
    times: named(times)
  })

  return {
    add: (lane) => {
      added++
      const sum = sums.of(lane.group)
      sum.lanes++
      if (lane.end === "failed") sum.failed++
      lane.times(sum.times, spread)
      kept.add(lane)
    },

    spread,

    result: (startedAtMs, endMs) => {
      const lanes: Array<Lane> = []
      const spans: Array<Span> = []
      let spansLeftOut = 0
      for (const lane of kept.lanes().toSorted((a, b) => a.startMs - b.startMs)) {
        for (const span of lane.spans(lanes.length)) spans.push(span)
        spansLeftOut += lane.spansLeftOut ?? 0
        lanes.push(shown(lane))
      }
      const { heaviest, rest } = sums.result()
      const totals = heaviest.map(([group, sum]) => totalOf(group, sum))
      if (rest.lanes > 0) totals.push(totalOf(others, rest))
      return {
        title,
        startedAtMs,
        durationMs: endMs,
        words,
        categories,
        lanes,
        spans,
        totals,
        overview: overview.until(endMs),
        leftOut: { lanes: added - lanes.length, spans: spansLeftOut, ungrouped: rest.lanes }
      }
    }
  }
}

/**
 * Several runs on one time scale, each from its own start: their lanes one run below the other, their groups and
 * counters under the titles of their runs.
 */
export const beside = (timelines: ReadonlyArray<Timeline>): Timeline => {
  const [first] = timelines
  if (first === undefined) throw new RangeError("at least one timeline is needed to show beside others")
  if (timelines.length === 1) return first
  const categories = [...new Map(timelines.flatMap((one) => one.categories).map((one) => [one.name, one])).values()]
  const firstLanes = timelines.map((_, run) =>
    timelines.slice(0, run).reduce((sum, { lanes }) => sum + lanes.length, 0)
  )
  const titles = timelines.map(({ title }, run) =>
    timelines.findIndex((one) => one.title === title) < run ? `${title} (${run + 1})` : title
  )
  const named = (run: number, name: string) => `${titles[run]!}: ${name}`
  const binMs = Math.max(...timelines.map(({ overview }) => overview.binMs))
  const bins = Math.max(
    ...timelines.map(({ overview }) => Math.ceil(((overview.counts[0]?.length ?? 0) * overview.binMs) / binMs))
  )
  const counts = categories.map(({ name }) => {
    const values = Array.from({ length: bins }, () => 0)
    for (const { categories, overview } of timelines)
      for (const [bin, value] of (overview.counts[categories.findIndex((one) => one.name === name)] ?? []).entries())
        values[Math.floor((bin * overview.binMs) / binMs)]! += (value * overview.binMs) / binMs
    return values
  })
  const sum = (of: (leftOut: LeftOut) => number) => timelines.reduce((total, { leftOut }) => total + of(leftOut), 0)
  const events = sum(({ events }) => events ?? 0)
  const thread = timelines.find((one) => one.thread !== undefined)?.thread
  return {
    title: titles.join(" beside "),
    startedAtMs: Math.min(...timelines.map(({ startedAtMs }) => startedAtMs)),
    durationMs: Math.max(...timelines.map(({ durationMs }) => durationMs)),
    words: first.words,
    categories,
    lanes: timelines.flatMap(({ lanes }, run) =>
      lanes.map((lane) => ({
        ...lane,
        group: named(run, lane.group),
        ...(lane.parent === undefined ? {} : { parent: lane.parent + firstLanes[run]! })
      }))
    ),
    spans: timelines.flatMap(({ spans }, run) =>
      spans.map((span) => ({ ...span, lane: span.lane + firstLanes[run]! }))
    ),
    totals: timelines.flatMap(({ totals }, run) =>
      totals.map((total) => ({ ...total, group: named(run, total.group) }))
    ),
    overview: { binMs, counts },
    leftOut: {
      lanes: sum(({ lanes }) => lanes),
      spans: sum(({ spans }) => spans),
      ungrouped: sum(({ ungrouped }) => ungrouped),
      ...(events === 0 ? {} : { events })
    },
    ...(thread === undefined ? {} : { thread }),
    flows: timelines.flatMap(({ flows = [] }, run) =>
      flows.map((flow) => ({ ...flow, from: flow.from + firstLanes[run]!, to: flow.to + firstLanes[run]! }))
    ),
    counters: timelines.flatMap(({ counters = [] }, run) =>
      counters.map((one) => ({ ...one, name: named(run, one.name) }))
    ),
    runs: timelines.map(({ durationMs }, run) => ({ title: titles[run]!, firstLane: firstLanes[run]!, durationMs }))
  }
}
