// oxlint-disable vitest/no-standalone-expect -- `it.effect` is a test block
import { assert, describe, it } from "@effect/vitest"
import type * as Get from "@simul/scraper/Get"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import * as Progress from "../src/Progress.ts"
import * as Rate from "../src/Rate.ts"
import { coloured, uncoloured } from "../src/Screen.ts"
import { idle } from "./FakeEngine.ts"
import * as FakeScreen from "./FakeScreen.ts"

const rate: Rate.Rate = { targets: 412.3, bytes: 87 * 1024 ** 2 }
const canvas: Progress.Canvas = { columns: 80, unicode: true, paint: uncoloured }
const running: Get.Progress = {
  ...idle,
  elapsedMs: 5000,
  saved: 1201,
  failed: 3,
  inFlight: 64,
  waiting: 2,
  total: 10_000,
  received: 253 * 1024 ** 2,
  running: [
    { url: "https://a.example/pub/disk.iso", received: 1.2e9, total: 2.1e9, elapsedMs: 14_000 },
    { url: "https://b.example/\u202estream\x1b[2J", received: 4e6, elapsedMs: 3000 },
    { url: "https://c.example/short", received: 10, total: 20, elapsedMs: 30 }
  ],
  slow: [{ host: "slow.example", queued: 12, inFlight: 0, waitMs: 1400 }],
  diskFull: { free: 12_345, needed: 16 * 1024 * 1024 }
}
const draw = (progress: Get.Progress, options: Partial<Progress.Canvas> = {}, directory = ".") =>
  Progress.render(progress, rate, { ...canvas, ...options }, directory)
const screenOf = (lines: ReadonlyArray<string>) => `\n${lines.join("\n")}\n`

describe("a number", () => {
  it("is written as in English", () => {
    for (const count of [0, 7, 999, 1000, 12_345, 100_000, 1_234_567, Number.MAX_SAFE_INTEGER, -5, -123, -1234])
      assert.strictEqual(Progress.number(count), count.toLocaleString("en-US"))
  })
})

describe("the block", () => {
  it("shows the run, its long transfers, its slow hosts and the full disk", () => {
    expect(screenOf(draw(running))).toMatchInlineSnapshot(`
      "
        ━━━━━━━━╸───────────────────────────────────────────────────────────────  12%
        1,204 / 10,000   3 failed   64 in flight   412/s   87 MB/s   253 MB   eta 21s
        a.example/pub/disk.iso        ━━━━━━━━╸──────  57%  1.1 GB of 2.0 GB   14s
        b.example/\\u{202e}stream\\u{1b}[2J                              3.8 MB   3s
        waiting on slow.example (12 queued, next in 1.4s)
        disk full (12 KB free, needs 16 MB): paused, goes on when there is room
      "
    `)
  })
  it("says when it ends by bytes alone only where each target that is left tells its length", () => {
    const [disk, stream, short] = running.running
    const etas = [
      { total: 10, saved: 8, running: [disk!, short!] },
      // not begun, or in flight and not among the few that are named
      { total: 10, saved: 0, running: [disk!, short!] },
      // one says nothing of how long it is
      { total: 10, saved: 8, running: [disk!, stream!] },
      { total: 10, saved: 8, running: [stream!] }
    ].map((facts) => {
      const progress = { ...running, failed: 0, ...facts }
      return /eta \S+/.exec(Progress.render(progress, { ...rate, targets: 0 }, canvas, ".").join("\n"))?.[0]
    })
    assert.deepStrictEqual(etas, ["eta 9.9s", undefined, undefined, undefined])
  })
  it("does without the length of the list", () => {
    const { total: _, ...unknown } = { ...running, running: [], slow: [] }
    expect(screenOf(draw(unknown))).toMatchInlineSnapshot(`
      "
        1,204 done   3 failed   64 in flight   412/s   87 MB/s   253 MB   2 to retry
        disk full (12 KB free, needs 16 MB): paused, goes on when there is room
      "
    `)
  })
  it("goes by as many as there seem to be while their number is unknown", () => {
    const { total: _, ...unknown } = { ...running, running: [], slow: [], expected: 4816 }
    expect(screenOf(draw(unknown))).toMatchInlineSnapshot(`
      "
        ━━━━━━━━━━━━━━━━━━──────────────────────────────────────────────────────  25%
        1,204 done   3 failed   64 in flight   412/s   87 MB/s   253 MB   eta 8.8s
        disk full (12 KB free, needs 16 MB): paused, goes on when there is room
      "
    `)
    assert.match(Progress.plain(unknown, rate, uncoloured), /^25% {3}1,204 done {3}/)
  })
  it("is about the bytes when there is one URL", () => {
    const one = { ...idle, total: 1, inFlight: 1, received: 1.2e9, running: running.running.slice(0, 1) }
    expect(screenOf(draw(one))).toMatchInlineSnapshot(`
      "
        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━───────────────────────────────  57%
        1.1 GB of 2.0 GB   87 MB/s   eta 9.9s
        a.example/pub/disk.iso
      "
    `)
  })
  it("draws with ASCII where the locale has nothing else", () => {
    expect(screenOf(draw(running, { unicode: false }))).toMatchInlineSnapshot(`
      "
        ########----------------------------------------------------------------  12%
        1,204 / 10,000   3 failed   64 in flight   412/s   87 MB/s   253 MB   eta 21s
        a.example/pub/disk.iso        ########-------  57%  1.1 GB of 2.0 GB   14s
        b.example/\\u{202e}stream\\u{1b}[2J                              3.8 MB   3s
        waiting on slow.example (12 queued, next in 1.4s)
        disk full (12 KB free, needs 16 MB): paused, goes on when there is room
      "
    `)
  })
  it("never fills a line of the terminal, however narrow, coloured or not", () => {
    for (const paint of [uncoloured, coloured]) {
      for (let columns = 20; columns <= 200; columns++) {
        for (const line of draw(running, { columns, paint })) {
          // oxlint-disable-next-line no-control-regex -- the colours take no room
          assert.isBelow(line.replace(/\x1b\[\d+m/g, "").length, columns, `${columns} columns: ${line}`)
        }
      }
    }
  })
  it("gives up the last facts first when it is narrow", () => {
    assert.strictEqual(draw(running, { columns: 40 })[1], "  1,204 / 10,000   3 failed")
  })
  it("says what makes a paused run go on, to be typed as it stands", () => {
    const last = (directory: string, columns = 80) => draw({ ...idle, paused: true }, { columns }, directory).at(-1)
    assert.strictEqual(last("."), "  paused: `simul resume` goes on")
    assert.strictEqual(last("my pages"), "  paused: `simul resume 'my pages'` goes on")
    // that of some scripts is twice as wide
    for (const long of ["long".repeat(20), "長".repeat(20)])
      assert.strictEqual(last(long), "  paused: `simul resume DIR` goes on")
    assert.strictEqual(last("pages", 24), "  paused: `s…R` goes on")
  })
  it("lets no control character of a URL through", () => {
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    assert.notMatch(draw(running, { columns: 120 }).join(""), /[\x00-\x1f\u202e]/)
  })
})

describe("shorten", () => {
  it("cuts the middle out, never to more than asked", () => {
    assert.strictEqual(Progress.shorten("a.example/some/long/name.iso", 15), "a.examp…ame.iso")
    assert.strictEqual(Progress.shorten("short", 5), "short")
    for (let room = 1; room < 10; room++) assert.isAtMost(Progress.shorten("0123456789", room).length, room)
  })
})

describe("the rate", () => {
  it("is that of the last seconds, not of the whole run", () => {
    const measure = Rate.make(5000)
    for (let second = 1; second <= 10; second++) measure({ elapsedMs: second * 1000, targets: second * 100, bytes: 0 })
    let last = { targets: 0, bytes: 0 }
    for (let second = 11; second <= 20; second++) last = measure({ elapsedMs: second * 1000, targets: 1000, bytes: 0 })
    assert.strictEqual(last.targets, 0)
  })
  it("is zero before time has passed", () => {
    assert.deepStrictEqual(Rate.make()({ elapsedMs: 0, targets: 5, bytes: 5 }), { targets: 0, bytes: 0 })
  })
})

describe("checks", () => {
  /** What is shown of a file a second, of 21. */
  const shown = (kind: Progress.Kind) => {
    const fake = FakeScreen.make({ columns: () => 40 })
    let nowMs = 0
    const onCheck = Progress.checks(kind, fake.screen, () => nowMs)
    for (let files = 1; files <= 21; files++, nowMs += 1000) onCheck(files, 21)
    return { blocks: fake.blocks, stderr: fake.stderr() }
  }
  it("says at once what is looked at before the run, and how far it is", () => {
    const plain = [1, 11, 21].map(
      (files) => `${files} / 21 files checked   saved before the machine was last started\n`
    )
    assert.deepStrictEqual(shown("plain"), { blocks: [], stderr: plain.join("") })
    const { blocks, stderr } = shown("bar")
    assert.deepStrictEqual([blocks.length, blocks[1], stderr], [21, ["2 / 21 files checked"], ""])
    assert.deepStrictEqual(shown("none"), { blocks: [], stderr: "" })
  })
})

describe("show", () => {
  const watch = (kind: Progress.Kind, time: number) =>
    Effect.gen(function* () {
      const fake = FakeScreen.make()
      const shown = yield* Progress.show(kind, () => running, fake.screen, ".").pipe(
        Effect.andThen(Effect.sleep(time)),
        Effect.scoped,
        Effect.forkChild
      )
      yield* TestClock.adjust(time)
      yield* Fiber.join(shown)
      return fake
    })
  it.effect("redraws the block four times a second and takes it away at the end", () =>
    Effect.gen(function* () {
      const { blocks, stderr } = yield* watch("bar", 1100)
      assert.strictEqual(blocks.length, 5)
      assert.deepStrictEqual(blocks.at(-1), [])
      assert.strictEqual(stderr(), "")
    })
  )
  it.effect("counts what is looked at, and shows nothing of what is over in a blink", () =>
    Effect.gen(function* () {
      const fake = FakeScreen.make({ animated: true })
      const look = (ms: number) =>
        Progress.working(() => "1,204 URLs looked at", fake.screen).pipe(
          Effect.andThen(Effect.sleep(ms)),
          Effect.scoped,
          Effect.forkChild
        )
      yield* look(200)
      yield* TestClock.adjust(200)
      assert.deepStrictEqual(fake.blocks.flat(), [])
      yield* look(300)
      yield* TestClock.adjust(300)
      assert.deepStrictEqual(fake.blocks.slice(-2), [["  1,204 URLs looked at"], []])
    })
  )
  it.effect(
    "writes what was looked at each ten seconds where nothing can be redrawn, also while archives are read",
    () =>
      Effect.gen(function* () {
        const { screen, stderr, blocks } = FakeScreen.make()
        let line = ""
        yield* Effect.forkChild(
          Effect.scoped(
            Effect.andThen(
              Progress.working(() => line, screen),
              Effect.never
            )
          )
        )
        yield* TestClock.adjust(9999)
        assert.strictEqual(stderr(), "")
        line = "1,204 URLs looked at"
        yield* TestClock.adjust(1)
        line += "   12 bodies in archives read"
        yield* TestClock.adjust(10_000)
        const lines = ["1,204 URLs looked at\n", "1,204 URLs looked at   12 bodies in archives read\n"]
        assert.deepStrictEqual([stderr(), blocks.flat()], [lines.join(""), []])
      })
  )
  it.effect("writes a line each ten seconds where nothing can be redrawn", () =>
    Effect.gen(function* () {
      const { stderr } = yield* watch("plain", 25_000)
      expect(stderr()).toMatchInlineSnapshot(`
        "warning: disk full (12 KB free, needs 16 MB): paused
        hint: make room (bytes, files) and it goes on by itself; or stop it, and resume later
        1,204 / 10,000   3 failed   64 in flight   241/s   51 MB/s   253 MB   eta 37s   2 to retry   waiting on slow.example (12 queued, next in 1.4s)   disk full (12 KB free, needs 16 MB)
        1,204 / 10,000   3 failed   64 in flight   241/s   51 MB/s   253 MB   eta 37s   2 to retry   waiting on slow.example (12 queued, next in 1.4s)   disk full (12 KB free, needs 16 MB)
        "
      `)
    })
  )
  it.effect("says nothing but that the disk is full when nothing is wanted", () =>
    Effect.gen(function* () {
      const { blocks, stderr } = yield* watch("none", 25_000)
      assert.deepStrictEqual(blocks, [])
      expect(stderr()).toMatchInlineSnapshot(`
        "warning: disk full (12 KB free, needs 16 MB): paused
        hint: make room (bytes, files) and it goes on by itself; or stop it, and resume later
        "
      `)
    })
  )
})
