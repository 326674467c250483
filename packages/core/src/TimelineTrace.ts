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
 *
 * Format: "Trace Event Format", Google, 2016.
 */
import type { Arguments, Lane, Timeline } from "./Timeline.ts"
import { pack, pieces } from "./TimelineLayout.ts"

/** One event of the format; of its phases only these two are used. */
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
export const events = function* (timeline: Timeline): Generator<TraceEvent> {
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

/** The text of the file, in pieces of some length. */
export const render = function* (timeline: Timeline): Generator<string> {
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
