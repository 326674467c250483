import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Recorder from "../src/Recorder.ts"
import * as TimelineText from "../src/TimelineText.ts"
import type { Timeline } from "../src/Timeline.ts"
import * as Sample from "./TimelineSample.ts"

const countdown = Effect.fn("countdown")(function* (ms: number) {
  for (let left = 3; left > 0; left--) yield* Effect.sleep(ms)
})

/** The countdown of three children, one that fails, one that is interrupted, and a worker. */
const exhibition = Effect.gen(function* () {
  const recorder = yield* Recorder.make()
  const { workers } = recorder
  const main = Effect.fn("main")(function* () {
    workers({ kind: "spawn", worker: 1 })
    workers({ kind: "submit", task: 1, name: "fibonacci", fiber: yield* Effect.fiberId })
    const endless = yield* Effect.forkChild(Effect.never)
    yield* Effect.forkChild(Effect.fail("at once"))
    yield* Effect.sleep(300)
    workers({ kind: "run", task: 1, worker: 1 })
    yield* Effect.all([countdown(500), countdown(800), countdown(1000)], { concurrency: "unbounded" })
    workers({ kind: "done", task: 1, worker: 1, end: "ok" })
    workers({ kind: "exit", worker: 1 })
    yield* Fiber.interrupt(endless)
  })
  const fiber = yield* Effect.forkChild(recorder.record(main()))
  yield* TestClock.adjust(3300)
  yield* Fiber.join(fiber)
  return recorder.timeline()
})

/** Lanes of one span a category, for what a cell looks like. */
const timelineOf = (spans: ReadonlyArray<readonly [string, number, number]>, durationMs: number): Timeline => ({
  title: "t",
  startedAtMs: 0,
  durationMs,
  words: { lane: "fiber", group: "function" },
  categories: [
    { name: "running", description: "", waiting: false },
    { name: "ready", description: "", waiting: true },
    { name: "waiting", description: "", waiting: true },
    { name: "worker", description: "", waiting: false }
  ],
  lanes: [{ name: "f", group: "f", startMs: 0, endMs: durationMs, times: {} }],
  spans: spans.map(([category, startMs, endMs]) => ({ lane: 0, name: category, category, startMs, endMs })),
  totals: [],
  overview: { binMs: 1, counts: [] },
  leftOut: { lanes: 0, spans: 0, ungrouped: 0 }
})
const bar = (spans: ReadonlyArray<readonly [string, number, number]>, options: TimelineText.Options = {}) =>
  // 40 columns: 4 for the name, 33 cells of 1 ms
  TimelineText.render(timelineOf(spans, 33), { width: 40, ...options })
    .split("\n")[2]!
    .slice(5)

describe("TimelineText", () => {
  it.effect("draws a run in virtual time, always the same", () =>
    Effect.gen(function* () {
      const expected = `
               0               1 s              2 s              3 s
               ┴───────────────┴────────────────┴────────────────┴────
main #1        ▁░░░░▁░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▁✔
└ #2           ▁░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░▁⊘
└ #3           ▁✖
└ countdown #4      ▁░░░░░░░▁░░░░░░░▁░░░░░░░▁✔
└ countdown #5      ▁░░░░░░░░░░░░▁░░░░░░░░░░░░▁░░░░░░░░░░░░▁✔
└ countdown #6      ▁░░░░░░░░░░░░░░░▁░░░░░░░░░░░░░░░░▁░░░░░░░░░░░░░░░▁✔
worker 1       ░░░░░▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒✔

wall 3.3 s · event loop busy 0.0 % · 6 fibers, at most 5 at once · 1 worker busy 90.9 %, at most 1 at once
█ running  ░ waiting  ▒ worker  ✔ ok  ✖ failed  ⊘ interrupted
`
      assert.strictEqual(`\n${TimelineText.render(yield* exhibition, { width: 72 })}`, expected)
    })
  )

  it.effect("has an ASCII form", () =>
    Effect.gen(function* () {
      const text = TimelineText.render(yield* exhibition, { width: 72, unicode: false })
      assert.match(text, /^[\n\x20-\x7e]*$/)
      assert.include(text, "\n` countdown #4      -.......-.......-.......-v\n")
      assert.include(text, "\n` #3           -x\n")
    })
  )

  it.effect("in colour is the same text between escape sequences", () =>
    Effect.gen(function* () {
      const timeline = yield* exhibition
      const coloured = TimelineText.render(timeline, { colour: true })
      assert.include(coloured, "\x1b[31m✖\x1b[0m")
      // oxlint-disable-next-line no-control-regex
      assert.strictEqual(coloured.replaceAll(/\x1b\[\d+m/g, ""), TimelineText.render(timeline))
    })
  )

  it("draws work as tall as its share of a cell, and an instant of it as its least", () => {
    for (let eighths = 1; eighths <= 8; eighths++)
      assert.strictEqual(bar([["running", 2, 2 + eighths / 8]]), `  ${"▁▂▃▄▅▆▇█"[eighths - 1]}`, `${eighths}`)
    assert.strictEqual(bar([["running", 3, 3]]), "   ▁")
    assert.strictEqual(bar([["running", 0, 0.001]]), "▁")
    assert.strictEqual(bar([["running", 1.5, 4]]), " ▄██")
    assert.strictEqual(bar([["running", 1, 4]], { unicode: false }), " ###")
  })

  it("shows in a cell without work what took most of it", () => {
    assert.strictEqual(
      bar([
        ["waiting", 0, 2.4],
        ["ready", 2.4, 4],
        ["worker", 4, 6]
      ]),
      "░░▓▓▒▒"
    )
  })

  it("shows the shortest work among long waits", () => {
    assert.strictEqual(
      bar([
        ["waiting", 0, 1.5],
        ["running", 1.5, 1.500001],
        ["waiting", 1.500001, 3]
      ]),
      "░▁░"
    )
  })

  it("draws a counter as tall as its highest value in a cell, and tells that of the run", () => {
    const counter = { name: "queue", atMs: [0, 2, 3, 3.5, 20], values: [1, 4, 8, 2, 0] }
    const timeline: Timeline = { ...timelineOf([["running", 0, 32]], 32), counters: [counter] }
    const drawn = (options: TimelineText.Options = {}) =>
      TimelineText.render(timeline, { width: 40, highest: new Map([["queue", 8]]), ...options })
    assert.strictEqual(drawn().split("\n")[3], `queue ▁▁▄█${"▂".repeat(16)}`)
    assert.include(drawn(), " · queue at most 8\n")
    // another run went twice as high
    assert.strictEqual(drawn({ highest: new Map([["queue", 16]]) }).split("\n")[3], `queue ▁▁▂▄${"▁".repeat(16)}`)
    assert.notInclude(drawn({ highest: new Map() }), "queue")
    assert.strictEqual(drawn({ unicode: false }).split("\n")[3], `queue --=#${"-".repeat(16)}`)
  })

  it("draws a counter without lanes, and one that is never above 0", () => {
    const counters = [{ name: "none", atMs: [0], values: [0] }]
    const text = TimelineText.render(
      { ...timelineOf([], 33), lanes: [], counters },
      { width: 40, highest: new Map([["none", 0]]) }
    )
    assert.strictEqual(text.split("\n").slice(2).join("\n"), "none \n\nwall 33 ms · none at most 0\n")
  })

  it("keeps to its width, whatever the names, and counts what it does not draw", () => {
    for (const width of [1, 40, 57, 100, 240]) {
      const text = TimelineText.render(
        Sample.make(80, 5, (index) => "é".repeat(index * 3) + index),
        { width, lanes: 20 }
      )
      const lines = text.split("\n")
      for (const line of lines.slice(0, 22)) assert.isAtMost([...line].length, Math.max(40, width), line)
      assert.include(lines[22]!, "and 60 more targets")
    }
  })

  it("counts the columns of wide characters", () => {
    const lines = TimelineText.render(
      Sample.make(2, 1, (index) => (index === 0 ? "\u4f60\u597d".repeat(30) : "\u4f60\u597de\u0301")),
      { width: 60 }
    ).split("\n")
    assert.match(lines[2]!, /^(?:[\u4f60\u597d]{5}…[\u4f60\u597d]{4} ) \S/)
    assert.match(lines[3]!, /^\u4f60\u597de\u0301 {15} /)
  })

  it("lets no name move the cursor", () => {
    const text = TimelineText.render(Sample.make(1, 1, () => "a\x1b[2Jb\r\nc\u202ed\u0085\u2028e"))
    assert.include(text, "a?[2Jb??c?d??e")
  })

  it("says what was overwritten", () => {
    const timeline = timelineOf([], 1)
    const text = TimelineText.render({ ...timeline, leftOut: { ...timeline.leftOut, events: 1234, lanes: 5 } })
    assert.include(text, "1234 older events were overwritten\n5 fibers are not kept\n")
  })

  it("draws a run without lanes and without length", () => {
    const text = TimelineText.render({ ...timelineOf([], 0), lanes: [] })
    assert.include(text, "wall 0 · at work 0.0 % · 0 fibers, at most 0 at once")
    assert.notMatch(text, /NaN|Infinity/)
  })

  it("draws deep trees without recursion", () => {
    const timeline = timelineOf([], 10)
    const lanes = Array.from({ length: 20_000 }, (_, index) => ({
      ...timeline.lanes[0]!,
      ...(index === 0 ? {} : { parent: index - 1 })
    }))
    assert.include(TimelineText.render({ ...timeline, lanes }), "and 19940 more fibers")
  })
})

describe("optionsFor", () => {
  it("has colour on a terminal only, and never against NO_COLOR", () => {
    const tty = { isTTY: true, columns: 120 }
    const utf8 = { LANG: "en_US.UTF-8", TERM: "xterm" }
    assert.deepStrictEqual(TimelineText.optionsFor(utf8, tty), { width: 120, colour: true, unicode: true })
    assert.deepStrictEqual(TimelineText.optionsFor(utf8, {}), { colour: false, unicode: true })
    assert.strictEqual(TimelineText.optionsFor({ ...utf8, NO_COLOR: "1" }, tty).colour, false)
    assert.strictEqual(TimelineText.optionsFor({ ...utf8, NO_COLOR: "" }, tty).colour, true)
    assert.strictEqual(TimelineText.optionsFor({ ...utf8, TERM: "dumb" }, tty).colour, false)
  })

  it("has ASCII where the locale is not UTF-8, by its usual precedence", () => {
    const of = (env: Record<string, string>) => TimelineText.optionsFor(env, {}).unicode
    assert.strictEqual(of({ LANG: "de_DE.ISO-8859-1" }), false)
    assert.strictEqual(of({ LANG: "C" }), false)
    assert.strictEqual(of({ LANG: "C.UTF-8" }), true)
    assert.strictEqual(of({ LANG: "C", LC_ALL: "en_US.utf8" }), true)
    assert.strictEqual(of({ LANG: "en_US.UTF-8", LC_CTYPE: "POSIX" }), false)
    assert.strictEqual(of({}), true)
  })
})
