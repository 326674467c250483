import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Recorder from "../src/Recorder.ts"
import { beside } from "../src/Timeline.ts"
import * as TimelineTrace from "../src/TimelineTrace.ts"

type Event = TimelineTrace.TraceEvent

/**
 * The rules of the format for threads, asynchronous events, flows and counters: metadata first, times in order, slices
 * nested in each thread, every begin with one end that is not before it and nested, every flow with a start and an end
 * in that order, on named threads.
 */
const faults = (events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const found: Array<string> = []
  const threads = new Set<string>()
  const slices = new Map<string, Array<number>>()
  const open = new Map<string, Array<string>>()
  const flows = new Map<string, number>()
  let lastTs = -1
  for (const [index, event] of events.entries()) {
    const say = (what: string) => found.push(`${index}: ${what}: ${JSON.stringify(event)}`)
    const thread = `${event.pid}/${event.tid}`
    if (event.name === "" || typeof event.args !== "object") say("no name or args")
    if (event.ph === "M") {
      if (lastTs >= 0) say("metadata after events")
      if (event.name === "thread_name") threads.add(thread)
      continue
    }
    if (!(event.ts >= 0) || !Number.isFinite(event.ts)) say("time")
    if (event.ts < lastTs) say("not in order")
    lastTs = event.ts
    if (event.ph !== "C" && !threads.has(thread)) say("thread without a name")
    if (event.ph === "X") {
      if (!(event.dur >= 0)) say("length")
      const ends = slices.get(thread) ?? []
      slices.set(thread, ends)
      const [start, end] = [event.ts * 1000, (event.ts + event.dur) * 1000].map(Math.round) as [number, number]
      while (ends.length > 0 && ends.at(-1)! <= start) ends.pop()
      if (ends.length > 0 && end > ends.at(-1)!) say("overlaps without being inside")
      ends.push(end)
    } else if (event.ph === "b" || event.ph === "e") {
      const key = `${event.pid} ${event.cat} ${event.id}`
      const names = open.get(key) ?? []
      open.set(key, names)
      if (event.ph === "b") names.push(event.name)
      else if (names.pop() !== event.name) say("ends what is not the innermost")
    } else if (event.ph === "s") {
      if (flows.has(event.id)) say("flow twice")
      flows.set(event.id, event.ts)
    } else if (event.ph === "f") {
      if (!flows.has(event.id)) say("flow without a start")
      else if (flows.get(event.id)! > event.ts) say("flow against time")
      flows.set(event.id, Infinity)
    } else if (event.ph === "C" && !Number.isFinite(event.args["value"])) say("counter without a number")
  }
  for (const [key, names] of open) if (names.length > 0) found.push(`${key}: never ends: ${names.join()}`)
  for (const [id, state] of flows) if (state !== Infinity) found.push(`flow ${id} never arrives`)
  return found
}

/** Fibers that fork, wait, give way and wake each other in place, and two workers. */
const record = (title: string, count: number) =>
  Effect.gen(function* () {
    const recorder = yield* Recorder.make({ title, sampleMs: 1 })
    const { workers } = recorder
    for (const worker of [1, 2]) workers({ kind: "spawn", worker })
    let tasks = 0
    const leaf = Effect.fn("leaf")(function* (index: number) {
      const task = ++tasks
      const worker = 1 + (Math.floor(index / 2) % 2)
      workers({ kind: "submit", task, name: "hash", fiber: yield* Effect.fiberId })
      yield* Effect.sleep(1 + (index % 7))
      yield* Effect.yieldNow
      if (index % 2 === 0) {
        workers({ kind: "run", task, worker })
        workers({ kind: "done", task, worker, end: "ok" })
        yield* Effect.yieldNow
      }
      if (index % 5 === 0) return yield* Effect.fail(index)
    })
    const main = Effect.fn("main")(function* () {
      yield* Effect.forEach(
        Array.from({ length: count }, (_, index) => index),
        (index) => Effect.exit(leaf(index)),
        { concurrency: 16 }
      )
      const endless = yield* Effect.forkChild(Effect.never)
      yield* Effect.sleep(3)
      yield* Fiber.interrupt(endless)
    })
    const fiber = yield* Effect.forkChild(recorder.record(main()))
    while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust(100)
    return recorder.timeline()
  })

describe("TimelineTrace of threads", () => {
  it.effect("keeps the rules of the format, with lives, waits, slices, flows and counters", () =>
    Effect.gen(function* () {
      const timeline = yield* record("run", 200)
      const events = [...TimelineTrace.events(timeline)]
      assert.deepStrictEqual(faults(events), [])
      const count = (ph: Event["ph"]) => events.filter((event) => event.ph === ph).length
      const waits = timeline.spans.filter(({ category }) => ["ready", "sleeping", "waiting"].includes(category)).length
      const fibers = timeline.lanes.length - 2
      assert.strictEqual(count("b"), fibers + waits)
      assert.strictEqual(
        count("X"),
        timeline.spans.filter(({ category }) => ["running", "worker"].includes(category)).length
      )
      assert.strictEqual(count("s"), timeline.flows!.length)
      assert.isAbove(count("C"), 10)
      assert.strictEqual(count("i"), 1)
      const names = new Set(events.filter(({ ph }) => ph === "s").map(({ name }) => name))
      assert.deepStrictEqual([...names].toSorted(), ["fork", "result", "submit", "wake"])
    })
  )

  it.live("keeps them in real time, where slices have lengths and nest", () =>
    Effect.gen(function* () {
      const recorder = yield* Recorder.make({ sampleMs: 0 })
      const program = Effect.forEach(
        Array.from({ length: 300 }, (_, index) => index),
        (index) => Effect.andThen(Effect.yieldNow, Effect.sleep(index % 3)),
        { concurrency: 20 }
      )
      yield* recorder.record(program)
      const timeline = recorder.timeline()
      assert.deepStrictEqual(faults([...TimelineTrace.events(timeline)]), [])
      assert.isTrue(timeline.spans.some(({ category, startMs, endMs }) => category === "running" && endMs > startMs))
    })
  )

  it.effect("has a process for each run that is shown beside another", () =>
    Effect.gen(function* () {
      const both = beside([yield* record("before", 30), yield* record("after", 10)])
      const events = [...TimelineTrace.events(both)]
      assert.deepStrictEqual(faults(events), [])
      assert.deepStrictEqual(
        events.flatMap(({ ph, name, pid, args }) =>
          ph === "M" && name === "process_name" ? [[pid, args["name"]]] : []
        ),
        [
          [1, "before"],
          [2, "after"]
        ]
      )
      const lives = (pid: number) =>
        events.filter((event) => event.ph === "e" && event.pid === pid && "end" in event.args).length
      assert.deepStrictEqual([lives(1), lives(2)], [30 + 2, 10 + 2])
    })
  )

  it.effect("has a checker that notices", () =>
    Effect.gen(function* () {
      const events = [...TimelineTrace.events(yield* record("run", 20))]
      const without = (ph: Event["ph"]) =>
        events.toSpliced(
          events.findLastIndex((event) => event.ph === ph),
          1
        )
      for (const ph of ["M", "b", "e", "s", "f"] as const) assert.isNotEmpty(faults(without(ph)), ph)
      const last = events.at(-1)!
      assert.isNotEmpty(faults([...events, { ...last, ts: 0 } as Event]))
      const slices = [0, 5].map((ts): Event => ({
        ph: "X",
        name: "x",
        cat: "x",
        pid: 1,
        tid: 1,
        ts: 1e9 + ts,
        dur: 9,
        args: {}
      }))
      assert.isNotEmpty(faults([...events, ...slices]))
    })
  )
})
