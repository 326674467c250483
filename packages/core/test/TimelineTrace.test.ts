import { assert, describe, it } from "@effect/vitest"
import * as TimelineTrace from "../src/TimelineTrace.ts"
import * as Sample from "./TimelineSample.ts"

type Complete = Extract<TimelineTrace.TraceEvent, { readonly ph: "X" }>

/** The rules of the format for the events that are used, and those of the module's header. */
const faults = (events: ReadonlyArray<TimelineTrace.TraceEvent>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const threads = new Set<string>()
  const open = new Map<string, Array<number>>()
  let lastTs = -1
  for (const [index, event] of events.entries()) {
    const say = (what: string) => found.push(`${index}: ${what}: ${JSON.stringify(event)}`)
    if (!Number.isInteger(event.pid) || !Number.isInteger(event.tid)) say("pid or tid")
    if (typeof event.name !== "string" || event.name === "") say("no name")
    if (typeof event.args !== "object") say("no args")
    const thread = `${event.pid}/${event.tid}`
    if (event.ph === "M") {
      if (lastTs >= 0) say("metadata after events")
      if (event.name === "thread_name") threads.add(thread)
      continue
    }
    if (event.ph !== "X") {
      say("phase")
      continue
    }
    if (!Number.isInteger(event.ts) || !Number.isInteger(event.dur) || event.ts < 0 || event.dur < 0) say("time")
    if (event.cat === "") say("no category")
    if (event.ts < lastTs) say("not in order")
    lastTs = event.ts
    if (!threads.has(thread)) say("thread without a name")
    const ends = open.get(thread) ?? []
    open.set(thread, ends)
    while (ends.length > 0 && ends.at(-1)! <= event.ts) ends.pop()
    if (ends.length > 0 && event.ts + event.dur > ends.at(-1)!) say("overlaps without being inside")
    ends.push(event.ts + event.dur)
  }
  return found
}
const isComplete = (event: TimelineTrace.TraceEvent): event is Complete => event.ph === "X"

describe("TimelineTrace", () => {
  it("keeps the rules of the format", () => {
    const timeline = Sample.make(500, 16)
    const events = [...TimelineTrace.events(timeline)]
    assert.deepStrictEqual(faults(events), [])
    const complete = events.filter(isComplete)
    assert.strictEqual(complete.length, timeline.spans.length + timeline.lanes.length)
  })

  it("has a checker that notices", () => {
    const events = [...TimelineTrace.events(Sample.make(20, 4))]
    const last = events.at(-1) as Complete
    assert.isNotEmpty(faults([...events, { ...last, ts: last.ts - 1 }]))
    assert.isNotEmpty(faults([...events, { ...last, dur: -1 }]))
    assert.isNotEmpty(faults([...events, { ...last, dur: last.dur + 1 }]))
    assert.isNotEmpty(faults([...events, { ...last, tid: 99 }]))
  })

  it("has one thread for each lane that worked at the same time", () => {
    const working = [...TimelineTrace.events(Sample.make(500, 16))].filter(isComplete).filter(({ pid }) => pid === 1)
    assert.strictEqual(new Set(working.map(({ tid }) => tid)).size, 16)
  })

  it("says of each lane where its time went, and it adds up", () => {
    const lanes = [...TimelineTrace.events(Sample.make(50, 4))].filter(isComplete).filter(({ cat }) => cat === "target")
    assert.strictEqual(lanes.length, 50)
    for (const { args } of lanes) {
      const { host, outcome, status, "total ms": total, ...times } = args
      assert.match(host as string, /^https:/)
      assert.deepStrictEqual([outcome, status], ["saved", 200])
      const sum = Object.values(times).reduce<number>((sum, ms) => sum + (ms as number), 0)
      assert.approximately(sum, total as number, 0.005)
    }
  })

  it("is one JSON text in pieces, with the totals beside the events", () => {
    const timeline = Sample.make(2000, 8)
    const texts = [...TimelineTrace.chunks(timeline)]
    assert.isAbove(texts.length, 3)
    const file = JSON.parse(texts.join("")) as {
      readonly traceEvents: ReadonlyArray<TimelineTrace.TraceEvent>
      readonly otherData: Record<string, unknown>
    }
    assert.deepStrictEqual(file.traceEvents, [...TimelineTrace.events(timeline)])
    assert.strictEqual(file.otherData["startedAt"], "2026-01-02T03:04:05.000Z")
    assert.deepStrictEqual(file.otherData["totals"], timeline.totals)
    const empty = JSON.parse(TimelineTrace.render(Sample.make(0, 1))) as typeof file
    assert.deepStrictEqual(empty.traceEvents.filter(isComplete), [])
  })
})
