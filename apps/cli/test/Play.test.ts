// oxlint-disable vitest/no-standalone-expect -- `it.effect` is a test block
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "vitest"
import * as FakeScreen from "./FakeScreen.ts"
import * as Folder from "./Folder.ts"
import * as InProcess from "./InProcess.ts"

const { folder } = Folder.make("play")

const seen = (...args: ReadonlyArray<string>) =>
  Effect.map(InProcess.run(args), ({ status, stdout, stderr }) => ({ status, stdout, stderr }))

describe("play", () => {
  it.effect("draws the exhibition and holds it against theory, the same each time", () =>
    Effect.gen(function* () {
      const { status, stdout, stderr } = yield* seen("play", "exhibition", "--opponents", "3", "--moves", "4")
      assert.deepStrictEqual([status, stderr], [0, ""])
      expect(stdout.split("\n").slice(3, 28).join("\n")).toMatchInlineSnapshot(`
        "last for a master who goes from board to board?

        one game after the other
                0             20 m 00 s      40 m 00 s     1 h 00 m       1 h 20 m
                ┴─────────────┴──────────────┴─────────────┴──────────────┴───────────
        master  ██▂░░▂██▁░░▃█▇░░░▄█▆░░░▆█▅░░░▇█▃░░░██▂░░▂██▁░░▃█▇░░░▄█▆░░░▆█▅░░░▇█▃
        board 1   ▇██▇░░███▆░▂███▄░▃███▃
        board 2                          ▄███▂░▆███░░▇██▇░░███▆
        board 3                                                 ▂███▄░▃███▃░▄███▂░▆███

        wall 1 h 36 m · at work 100.0 % · 4 lanes, at most 2 at once
        █ running  ░ waiting

        a move at each board in turn
                0             20 m 00 s
                ┴─────────────┴──────────────┴
        master  ██████████████████████████▃
        board 1   ▇██▇░░▂███▄░░▆███▁░▁███▅
        board 2     ▅███▁░▁███▆░░▄███▂░░▇██▇
        board 3       ▄███▂░░▇██▇░░▂███▄░░▆███

        wall 41 m 00 s · at work 100.0 % · 4 lanes, at most 4 at once
        █ running  ░ waiting

                                          predicted  measured"
      `)
      const again = yield* seen("play", "exhibition", "--opponents", "3", "--moves", "4")
      assert.strictEqual(again.stdout, stdout)
    })
  )

  it.effect.each([
    ["--opponents=99", "--opponents must be a whole number from 1 to 50, got 99"],
    ["--move=", "--move must be a number from 1 to 60 (min), got nothing"],
    ["--seed=1.5", "--seed must be a whole number from 0 to 9007199254740991, got 1.5"],
    ["--speed=0", "--speed must be a number from 0.001 to 1000000000, got 0"]
  ])("says in one error what a parameter takes: %s", ([flag, message]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* seen("play", "exhibition", flag!), {
        status: 2,
        stdout: "",
        stderr: `error: ${message}\n\nhint: \`simul play exhibition --help\` lists what can be turned\n`
      })
    })
  )

  it.effect.each([
    [[], "play needs a scenario"],
    [["chess"], "no such scenario: chess"]
  ] as const)("names the scenarios where %j is asked for", ([asked, message]) =>
    Effect.gen(function* () {
      const { status, stderr } = yield* seen("play", ...asked)
      assert.strictEqual(status, 2)
      assert.match(stderr, new RegExp(`^error: ${message}\n`))
      for (const name of ["exhibition", "countdown", "fibonacci"]) assert.include(stderr, `\`simul play ${name}\``)
    })
  )

  it.effect("leaves nothing on the terminal when it is interrupted", () =>
    Effect.gen(function* () {
      const fake = FakeScreen.make({ animated: true })
      const run = InProcess.run(["play", "countdown", "--speed", "1"], Layer.empty, fake)
      const running = yield* Effect.forkChild(run)
      // its modules are loaded first
      while (fake.blocks.length === 0) yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      assert.isNotEmpty(fake.blocks.at(-1))
      yield* Fiber.interrupt(running)
      assert.deepStrictEqual(fake.blocks.at(-1), [])
    })
  )

  it.effect("writes the timeline as a page and as a trace", () =>
    Effect.gen(function* () {
      const [page, trace] = [join(folder, "a.html"), join(folder, "a.json")]
      const { status, stderr } = yield* seen("play", "countdown", "--html", page, "--trace", trace)
      assert.deepStrictEqual([status, stderr], [0, `timeline: ${page}\ntimeline: ${trace}\n`])
      assert.match(readFileSync(page, "utf8"), /^<!doctype html>/i)
      assert.isAbove(
        (JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: Array<unknown> }).traceEvents.length,
        20
      )
    })
  )

  it.effect("prints numbers as JSON", () =>
    Effect.gen(function* () {
      const { stdout } = yield* seen("play", "fibonacci", "--n", "1000", "--json")
      const { name, mode, checks } = JSON.parse(stdout)
      assert.deepStrictEqual([name, mode], ["fibonacci", "virtual"])
      assert.deepInclude(checks[0], { key: "digits", measured: "76137795166849228875", holds: true })
    })
  )
})

describe("race", () => {
  it.live("does the same work in four ways, on workers too", () =>
    Effect.gen(function* () {
      const { status, stdout } = yield* seen("race", "fibonacci", "--n", "1000", "--tasks", "2", "--json")
      assert.strictEqual(status, 0)
      const lines = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as { way: string; result: string; wallMs: number; cpuMs: number })
      assert.deepStrictEqual(
        lines.map(({ way, result }) => [way, result]),
        ["sequential", "cooperative", "threads", "processes"].map((way) => [way, "76137795166849228875"])
      )
      for (const { wallMs, cpuMs } of lines) assert.isTrue(wallMs > 0 && cpuMs > 0)
    })
  )

  it.effect("says in one error what a parameter takes", () =>
    Effect.gen(function* () {
      const { status, stderr } = yield* seen("race", "fibonacci", "--tasks", "0")
      assert.deepStrictEqual(
        [status, stderr.split("\n")[0]],
        [2, "error: --tasks must be a whole number from 1 to 16, got 0"]
      )
    })
  )

  it.effect("names the tasks where another is asked for", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* seen("race", "chess"), {
        status: 2,
        stdout: "",
        stderr: "error: no such task: chess\n\nhint: `simul race fibonacci`\n"
      })
    })
  )
})
