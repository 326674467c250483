/**
 * A timeline as Chrome Trace Event JSON, for ui.perfetto.dev or chrome://tracing.
 *
 * 1. The object form: `traceEvents` holds complete events (`ph: "X"`) in the
 *    order of time, after the metadata (`M`) that names processes and threads.
 * 2. Process 1 is work: one thread for each lane that worked at the same time;
 *    a lane's stretch of work is an event with its spans nested in it. Process 2
 *    is waiting, packed the same way.
 * 3. `ts` and `dur` are whole microseconds since the start. Both ends of a span
 *    are rounded alike, so what was nested stays nested.
 * 4. A timeline with a `thread` (one of a `Recorder`) is told as it was: what ran
 *    on that thread is thread 1, a worker is a thread of its own, and each life is
 *    an asynchronous event (`b`, `e`) with what it waited for nested in it. Flows
 *    (`s`, `f`) go from who started, woke or handed something to the slice that
 *    followed; counters are `C`. Times are in nanoseconds there: slices are short.
 * 5. Runs that are shown beside each other are processes of their own.
 *
 * Format: "Trace Event Format", Google, 2016.
 */
import type { Arguments, Lane, Timeline } from "./Timeline.ts"
import { pack, pieces } from "./TimelineLayout.ts"

/** One event of the format; of its phases only these are used. */
export type TraceEvent =
  | {
      readonly ph: "M"
      readonly name: "process_name" | "process_sort_index" | "thread_name" | "thread_sort_index"
      readonly pid: number
      readonly tid: number
      readonly args: Arguments
    }
  | {
      readonly ph: "X"
      readonly name: string
      readonly cat: string
      readonly pid: number
      readonly tid: number
      readonly ts: number
      readonly dur: number
      readonly args: Arguments
    }
  | {
      /** Begin and end of a life, or of a wait within it; a flow leaves (`s`) and arrives (`f`); one of the same `id` each. */
      readonly ph: "b" | "e" | "s" | "f"
      readonly name: string
      readonly cat: string
      readonly id: string
      readonly pid: number
      readonly tid: number
      readonly ts: number
      /** The slice that the end of a flow belongs to is the one around it, not the next. */
      readonly bp?: "e"
      readonly args: Arguments
    }
  | {
      readonly ph: "C" | "i"
      readonly name: string
      readonly cat: string
      readonly pid: number
      readonly tid: number
      readonly ts: number
      readonly s?: "p"
      readonly args: Arguments
    }

const working = 1
const waiting = 2

/** What there is to know of a lane: its times carry their unit in their names. */
const aboutLane = (lane: Lane, words: Timeline["words"]): Arguments => ({
  [words.group]: lane.group,
  ...lane.arguments,
  ...Object.fromEntries(Object.entries(lane.times).map(([category, ms]) => [`${category} ms`, rounded(ms)])),
  "total ms": rounded(lane.endMs - lane.startMs)
})

const rounded = (ms: number) => Math.round(ms * 1000) / 1000

/** The events, metadata first. */
export const events = (timeline: Timeline): Generator<TraceEvent> =>
  timeline.thread === undefined ? packed(timeline) : threaded(timeline, timeline.thread)

const packed = function* (timeline: Timeline): Generator<TraceEvent> {
  const { lanes, spans, words } = timeline
  const waits = new Set(timeline.categories.filter((category) => category.waiting).map(({ name }) => name))
  const isWaiting = (index: number) => waits.has(spans[index]!.category)
  const found = pieces(spans, isWaiting)
  const complete: Array<Extract<TraceEvent, { ph: "X" }>> = []
  for (const pid of [working, waiting]) {
    const own = found.filter(({ first }) => isWaiting(first) === (pid === waiting))
    const rows = pack(own)
    const name = pid === working ? `${words.lane}s at work` : `${words.lane}s that wait`
    yield { ph: "M", name: "process_name", pid, tid: 0, args: { name } }
    yield { ph: "M", name: "process_sort_index", pid, tid: 0, args: { sort_index: pid } }
    for (let row = 0; row <= Math.max(-1, ...new Set(rows)); row++) {
      yield { ph: "M", name: "thread_name", pid, tid: row + 1, args: { name: `${row + 1}` } }
      yield { ph: "M", name: "thread_sort_index", pid, tid: row + 1, args: { sort_index: row + 1 } }
    }
    for (const [index, { lane, first, last, startMs, endMs }] of own.entries()) {
      const { name, ...rest } = lanes[lane]!
      const place = { pid, tid: rows[index]! + 1 }
      const event = (name: string, cat: string, from: number, to: number, args: Arguments) => {
        const ts = Math.round(from * 1000)
        complete.push({ ph: "X", name, cat, ...place, ts, dur: Math.round(to * 1000) - ts, args })
      }
      // the outer one first: at the same time the order says what is inside
      if (pid === working) event(name, words.lane, startMs, endMs, aboutLane({ name, ...rest }, words))
      for (const span of spans.slice(first, last + 1))
        event(span.name, span.category, span.startMs, span.endMs, {
          ...(pid === waiting ? { [words.lane]: name } : {}),
          ...span.arguments
        })
    }
  }
  yield* complete.toSorted((a, b) => a.ts - b.ts)
}

/** Events of one time in the order that keeps them nested: what ends within a life, what begins, what happens, lives' ends. */
const rank = { endWait: 0, beginLife: 1, beginWait: 2, slice: 3, flow: 4, counter: 5, endLife: 6 } as const

const nanoseconds = (ms: number) => Math.round(ms * 1e6) / 1000

const threaded = function* (timeline: Timeline, thread: NonNullable<Timeline["thread"]>): Generator<TraceEvent> {
  const { lanes, spans, words, categories, flows = [], counters = [] } = timeline
  const runs = timeline.runs ?? [{ title: timeline.title, firstLane: 0, durationMs: timeline.durationMs }]
  const waits = new Set(categories.filter((category) => category.waiting).map(({ name }) => name))
  const found: Array<{ readonly rank: number; readonly event: Exclude<TraceEvent, { ph: "M" }> }> = []
  const put = (of: keyof typeof rank, event: Exclude<TraceEvent, { ph: "M" }>) => found.push({ rank: rank[of], event })
  const places: Array<{ readonly pid: number; readonly tid: number; readonly isWorker: boolean }> = []

  for (const [run, { title, firstLane }] of runs.entries()) {
    const pid = run + 1
    const name = (what: "process_name" | "thread_name", tid: number, text: string): TraceEvent => ({
      ph: "M",
      name: what,
      pid,
      tid,
      args: { name: text }
    })
    yield name("process_name", 0, title)
    yield { ph: "M", name: "process_sort_index", pid, tid: 0, args: { sort_index: pid } }
    yield name("thread_name", 1, thread.name)
    let workers = 0
    for (const lane of lanes.slice(firstLane, runs[run + 1]?.firstLane)) {
      const isWorker = Object.hasOwn(lane.times, "worker") || Object.hasOwn(lane.times, "idle")
      const tid = isWorker ? 2 + workers++ : 1
      if (isWorker) yield name("thread_name", tid, lane.name)
      places.push({ pid, tid, isWorker })
    }
  }

  for (const [index, lane] of lanes.entries()) {
    const { pid, tid, isWorker } = places[index]!
    if (isWorker) continue
    const life = { name: lane.name, cat: words.lane, id: String(index), pid, tid }
    put("beginLife", { ph: "b", ...life, ts: nanoseconds(lane.startMs), args: aboutLane(lane, words) })
    put("endLife", {
      ph: "e",
      ...life,
      ts: nanoseconds(lane.endMs),
      args: lane.end === undefined ? {} : { end: lane.end }
    })
    if (lane.end === "interrupted")
      put("counter", {
        ph: "i",
        name: `interrupted: ${lane.name}`,
        cat: words.lane,
        pid,
        tid,
        ts: nanoseconds(lane.endMs),
        s: "p",
        args: {}
      })
  }
  for (const { lane, name, category, startMs, endMs, arguments: about = {} } of spans) {
    const { pid, tid, isWorker } = places[lane]!
    const [ts, end] = [nanoseconds(startMs), nanoseconds(endMs)]
    if (!waits.has(category)) {
      const what = isWorker ? name : lanes[lane]!.name
      put("slice", {
        ph: "X",
        name: what,
        cat: category,
        pid,
        tid,
        ts,
        dur: nanoseconds((end - ts) / 1000),
        args: about
      })
    } else if (!isWorker && end > ts) {
      const wait = { name, cat: words.lane, id: String(lane), pid, tid }
      put("beginWait", { ph: "b", ...wait, ts, args: about })
      put("endWait", { ph: "e", ...wait, ts: end, args: {} })
    }
  }
  for (const [index, { kind, from, to, fromMs, toMs }] of flows.entries()) {
    const flow = { name: kind, cat: "flow", id: String(index), args: {} }
    const { isWorker: _, ...start } = places[from]!
    const { isWorker: __, ...end } = places[to]!
    put("flow", { ph: "s", ...flow, ...start, ts: nanoseconds(fromMs) })
    put("flow", { ph: "f", bp: "e", ...flow, ...end, ts: nanoseconds(Math.max(fromMs, toMs)) })
  }
  for (const { name, atMs, values } of counters) {
    const pid =
      1 +
      Math.max(
        0,
        runs.findIndex(({ title }) => name.startsWith(`${title}: `))
      )
    for (const [index, ms] of atMs.entries())
      put("counter", {
        ph: "C",
        name,
        cat: "counter",
        pid,
        tid: 0,
        ts: nanoseconds(ms),
        args: { value: values[index]! }
      })
  }
  found.sort(
    (a, b) =>
      a.event.ts - b.event.ts ||
      a.rank - b.rank ||
      // of slices at one time the outer first
      (a.event.ph === "X" && b.event.ph === "X" ? b.event.dur - a.event.dur : 0)
  )
  for (const { event } of found) yield event
}

/** The whole file. */
export const render = (timeline: Timeline): string => Array.from(chunks(timeline)).join("")

/** The same in pieces, made as they are taken: a long run is never in memory as one text. */
export function* chunks(timeline: Timeline): Generator<string> {
  const { title, startedAtMs, durationMs, words, categories, totals, leftOut } = timeline
  const otherData = {
    title,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: rounded(durationMs),
    words,
    categories,
    totals,
    leftOut
  }
  yield `{"displayTimeUnit":"ms","otherData":${JSON.stringify(otherData)},"traceEvents":[\n`
  let text = ""
  let comma = ""
  for (const event of events(timeline)) {
    text += comma + JSON.stringify(event)
    comma = ",\n"
    if (text.length > 65_536) {
      yield text
      text = ""
    }
  }
  yield `${text}\n]}\n`
}
