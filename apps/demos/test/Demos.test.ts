import { Readable, Writable } from "node:stream"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Machine from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as ScenarioText from "@simul/core/scenario/ScenarioText"
import * as Stage from "@simul/core/scenario/Stage"
import { duration } from "@simul/core/TimelineLayout"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { expect } from "vitest"
import { scenarios } from "../src/Chapters.ts"
import { run } from "../src/Demos.ts"
import type * as RealRun from "../src/node/RealRun.ts"

const collecting = () => {
  let text = ""
  const stream = new Writable({
    write(chunk, _, done) {
      text += String(chunk)
      done()
    }
  })
  return { stream, text: () => text }
}

/** The whole screen of a run. */
const screen = (...args: ReadonlyArray<string>) => screenWith("", ...args)

const screenWith = (input: string, ...args: ReadonlyArray<string>) => screenOf(input, args)

const screenOf = async (input: string, args: ReadonlyArray<string>, playReally?: Parameters<typeof run>[2]) => {
  const [stdout, stderr] = [collecting(), collecting()]
  const streams = { stdin: Readable.from(input === "" ? [] : [input]), stdout: stdout.stream, stderr: stderr.stream }
  const status = await run(args, { env: { TERM: "xterm", LANG: "C.UTF-8" }, directory: ".", ...streams }, playReally)
  return { status, stdout: stdout.text(), stderr: stderr.text() }
}

describe.each(scenarios.map(({ name }) => name))("%s", (name) => {
  it("is as theory predicts in virtual time, and prints the bytes of outputs/", async () => {
    const first = await screen(name, "--virtual")
    assert.deepStrictEqual([first.status, first.stderr], [0, ""], first.stdout)
    assert.include(first.stdout, " predictions hold, in virtual time\n")
    assert.strictEqual((await screen(name, "--virtual")).stdout, first.stdout)
    await expect(first.stdout).toMatchFileSnapshot(`../outputs/${name}.txt`)
  })
})

describe("the README", () => {
  const readme = readFileSync(join(import.meta.dirname, "../README.md"), "utf8")

  it.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    "has the question and the answer of %s as it is",
    async (name, { question, parameters, lasts }) => {
      const { stdout } = await screen(name, "--virtual", "--events")
      const events = stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line))
      const checks = events.at(-1).checks as ReadonlyArray<Scenario.Check>
      const { measured, unit } = checks.find(({ key }) => key === question.answer)!
      const text = question.text(Parameter.defaults(parameters as Parameter.Parameters))
      const answer = measured === undefined ? "in a real run" : ScenarioText.shown(measured, unit)
      assert.include(readme, `| [\`${name}\`](outputs/${name}.txt) | ${text} | ${answer} |\n`)

      // what a real run may take is ten times of what it lasts by theory: that must not be less than the model's time
      const values = Parameter.defaults(parameters as Parameter.Parameters)
      const scale = name === "chess" ? values["minute"]! / 60_000 : 1
      const ends = events.filter((event) => event._tag === "Closed").map(({ atMs }) => scale * atMs)
      assert.isAtMost(
        ends.reduce((sum, ms) => sum + ms, 0),
        1.5 * lasts(values)
      )
    }
  )

  it.each(Array.from(readme.matchAll(/\]\(pictures\/([a-z-]+)\.svg\)/g), ([, name]) => name!))(
    "shows a picture of %s as it runs",
    async (name) => {
      const picture = readFileSync(join(import.meta.dirname, `../pictures/${name}.svg`), "utf8")
      const scenario = scenarios.find((one) => one.name === name)!
      const parameters = Parameter.defaults(scenario.parameters as Parameter.Parameters)
      const { events } = await Effect.runPromise(Scenario.playVirtually(scenario, parameters))
      for (const { title, durationMs } of Stage.timelines(events))
        for (const text of [title, duration(durationMs)]) assert.include(picture, `>${text}</text>`)
    }
  )

  it("shows the chess demo as it is printed", async () => {
    const { stdout } = await screen("chess", "--virtual", "--opponents", "4")
    assert.include(readme, `\`\`\`\n${stdout}\`\`\`\n`)
  })
})

describe("the list of claims", () => {
  const claims = readFileSync(join(import.meta.dirname, "../TUTORIAL.md"), "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) => line.split("|").slice(1, -1))

  it("has a verdict for each, and a demo that is there", () => {
    const names = new Set(scenarios.map(({ name }) => name))
    for (const [claim, verdict, demos] of claims) {
      assert.isNotEmpty(verdict!.trim(), claim)
      for (const demo of demos!.split(",")) assert.isTrue(names.has(demo.trim().slice(1, -1)), `${claim}${demo}`)
    }
  })
})

describe("the program", () => {
  it("lists every scenario by its name, once", async () => {
    const { status, stdout } = await screen()
    assert.strictEqual(status, 0)
    const listed = Array.from(stdout.matchAll(/^ {2}([a-z][a-z-]*) {2,}/gm), ([, name]) => name)
    assert.deepStrictEqual(
      listed,
      scenarios.map(({ name }) => name)
    )
    assert.strictEqual(new Set(listed).size, listed.length)
  })

  it.each([
    ["--opponents", "200", "--opponents must be a whole number from 1 to 50, got 200"],
    ["--opponents", "many", "--opponents must be a whole number from 1 to 50, got many"],
    ["--opponents", "2.5", "--opponents must be a whole number from 1 to 50, got 2.5"],
    ["--move", "0", "--move must be a number from 1 to 60 (min), got 0"],
    ["--opponents", "-3", "--opponents must be a whole number from 1 to 50, got -3"],
    ["--move", "", "--move must be a number from 1 to 60 (min), got nothing"],
    ["--seed", "-1", "--seed must be a whole number from 0 to 9007199254740991, got -1"],
    ["--seed", "1.5", "--seed must be a whole number from 0 to 9007199254740991, got 1.5"],
    ["--boards", "3", "Unknown option '--boards'"],
    ["--speed", "0", "--speed must be a number from 0.001 to 1000000000, got 0"]
  ])("says in one error what is wrong with %s %s", async (flag, value, message) => {
    const { status, stdout, stderr } = await screen("chess", "--virtual", flag, value)
    assert.deepStrictEqual([status, stdout], [2, ""])
    assert.match(stderr, /^error: .*\n\nhint: .*\n$/)
    assert.include(stderr, message)
  })

  it.each([
    ["--port", "70000", "--port must be a whole number from 0 to 65535, got 70000"],
    ["--prot", "1", "Unknown option '--prot'"],
    ["--export", "/dev/null/book", "/dev/null/book cannot be written (ENOTDIR"]
  ])("says in one error why it cannot serve with %s %s", async (flag, value, message) => {
    const { status, stdout, stderr } = await screen("serve", flag, value)
    assert.deepStrictEqual([status, stdout], [2, ""])
    assert.match(stderr, /^error: .*\n\nhint: .*\n$/)
    assert.include(stderr, message)
  })

  it("tells events as lines, then the checks", async () => {
    const { status, stdout } = await screen("countdown", "--virtual", "--events")
    const lines = stdout.trimEnd().split("\n")
    const first = JSON.parse(lines[0]!) as unknown
    assert.deepStrictEqual(first, { _tag: "Opened", title: "one after the other", variant: 0, atMs: 0 })
    assert.strictEqual(`${lines.at(-1)!}\n`, (await screen("countdown", "--virtual", "--json")).stdout)
    assert.strictEqual(status, 0)
  })

  it("says which demos there are when asked for another", async () => {
    const { status, stderr } = await screen("ches")
    assert.deepStrictEqual(
      [status, stderr],
      [2, "error: there is no demo called `ches`\n\nhint: did you mean `chess`?\n"]
    )
  })

  it.each([
    ["chss", "did you mean `chess`?"],
    ["countdwon", "did you mean `countdown`?"],
    ["fib", "did you mean `fib-sequential` or `fib-cooperative` or `fib-pool` or `fibonacci`"],
    ["quicksort", "`npx -y pnpm@12 --filter demos start` lists them"]
  ])("knows what %s may have been meant for", async (name, hint) => {
    const { status, stderr } = await screen(name)
    assert.strictEqual(status, 2)
    assert.include(stderr, `there is no demo called \`${name}\`\n\nhint: ${hint}`)
  })

  it("draws the countdowns and what they say, a column each", async () => {
    const { stdout } = await screen("countdown", "--virtual")
    const lines = stdout.split("\n")
    const from = lines.indexOf("at once")
    expect(lines.slice(from, from + 18).join("\n")).toMatchInlineSnapshot(`
      "at once
           0            1 s          2 s          3 s
           ┴────────────┴────────────┴────────────┴
      a    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
      b    ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░
      c    ░░░░░░░░░░░░░░░░░░░░

      wall 3 s · at work 0.0 % · 3 lanes, at most 3 at once
      ░ waiting

          0.5000 s                  c 3
          0.8000 s          b 3
          1.0000 s  a 3
          1.0000 s                  c 2
          1.5000 s                  c 1
          1.6000 s          b 2
          2.0000 s  a 2
          2.4000 s          b 1"
    `)
  })

  it.each([
    ["--virtual", "--seed", "2", "--opponents", "4", "chess"],
    ["--opponents=4", "chess", "--virtual"]
  ])("takes flags before the name: %s", async (...args) => {
    const { status, stdout } = await screen(...args)
    assert.strictEqual(status, 0)
    assert.strictEqual(stdout, (await screen("chess", "--virtual", "--opponents", "4")).stdout)
  })

  it("draws variants beside each other on one scale", async () => {
    const { stdout } = await screen("chess", "--virtual", "--compare", "--opponents", "3", "--moves", "3")
    const lines = stdout.split("\n")
    expect(lines.slice(4, 11).join("\n")).toMatchInlineSnapshot(`
      "
      one game after the other                         │ a move at each board in turn
              0              30 m 00 s       1 h 00 m  │         0                 20 m 00 s
              ┴──────────────┴───────────────┴──────   │         ┴─────────────────┴───────────
      master  █▅░░▇▇░░▅█▁░▃█▂░▁█▄░░█▆░░▆█░░▄█▂░▂█▃     │ master  █████████████████████████▃
      board 1  ▄██▂▂██▄░██▆                            │ board 1   ▂████▄░░░▆████░░░▃████▃
      board 2               ▆██░▅██▁▃██▃               │ board 2      ▃████▃░░░████▆░░░▄████▂"
    `)
  })

  it("asks for a prediction first, and says how far it was off", async () => {
    const asked = async (answer: string) =>
      (await screenWith(answer, "chess", "--virtual", "--predict", "--opponents", "3")).stdout
    assert.include(await asked("360\n"), "You said 360 min; it is 180 min: 2 times too much.")
    assert.include(await asked("181\n"), "You said 181 min; it is 180 min: right.")
    assert.include(await asked("\n"), "You said nothing; it is 180 min.")
  })

  it("writes timelines as a page and as a trace, or says that it cannot", async () => {
    const folder = mkdtempSync(join(tmpdir(), "simul-demos-"))
    try {
      const [page, trace] = [join(folder, "a.html"), join(folder, "a.json")]
      const { status, stderr } = await screen("wat", "--virtual", "--html", page, "--trace", trace)
      assert.deepStrictEqual([status, stderr], [0, `timeline: ${page}\ntimeline: ${trace}\n`])
      assert.match(readFileSync(page, "utf8"), /^<!doctype html>/i)
      assert.isAbove((JSON.parse(readFileSync(trace, "utf8")) as { traceEvents: Array<unknown> }).traceEvents.length, 5)
      const nowhere = join(folder, "no", "a.html")
      assert.strictEqual(
        (await screen("wat", "--virtual", "--html", nowhere)).stderr,
        `error: ${nowhere} cannot be written (ENOENT)\n\nhint: name another file\n`
      )
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("plays on this machine as well, where the file server and the workers are real", async () => {
    for (const name of ["get-html", "gil-note"]) {
      const { stdout } = await screen(name, ...(name === "gil-note" ? ["--n", "20000"] : []))
      assert.include(stdout, "measured on this machine")
    }
  })

  it("gives every demo a question whose answer is predicted, prose with numbers, and bounds that hold its defaults", () => {
    for (const { name, question, parameters, theory, prose } of scenarios) {
      const values = Parameter.parse(parameters as Parameter.Parameters, {})
      assert.isTrue(Schema.is(Parameter.schemaOf(parameters as Parameter.Parameters))(values), name)
      assert.property(theory(values), question.answer, name)
      const measured = Object.fromEntries(
        Object.entries(theory(values) as Record<string, { value: number | string }>).map(([key, { value }]) => [
          key,
          value
        ])
      )
      assert.match(prose(values, measured).join(" "), /\d/, name)
    }
  })

  it("gives 3 and says so where a real run is not over within its bound", async () => {
    const endless: typeof RealRun.play = (scenario, parameters) =>
      Effect.gen(function* () {
        const program = () => Effect.never
        const fiber = yield* Effect.forkChild(
          Effect.provideService(
            Scenario.playReally({ ...scenario, program }, parameters),
            Machine.Machine,
            yield* Machine.modelled
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust(Scenario.boundOf(scenario, parameters))
        return yield* Fiber.join(fiber)
      }).pipe(Effect.provide(TestClock.layer()))
    const { status, stdout, stderr } = await screenOf("", ["timeouts"], endless)
    assert.strictEqual(status, 3)
    assert.include(stdout, "Predict: Work of 300 ms")
    assert.strictEqual(
      stderr,
      "error: timeouts was not over after 1 m 18 s; by theory it takes 1.8 s\n\n" +
        "hint: something on this machine holds it up; `--virtual` needs none of it\n"
    )
  })

  it("gives 0 where what does not hold is not judged, and says why", async () => {
    const busy: typeof RealRun.play = (scenario, parameters) =>
      Effect.map(Effect.orDie(Scenario.playVirtually(scenario, parameters)), (played) => {
        const late = { ...Scenario.measuredOf(played), interruptible: 45 }
        const load = { share: 0.5, loopMs: 30 }
        const checks = Scenario.checks(scenario, parameters, late, "real", load)
        return { ...played, mode: "real", checks, loopInLineMs: 30 }
      })
    const { status, stdout, stderr } = await screenOf("", ["timeouts"], busy)
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.match(stdout, /^timeout, interruptible work +min\(timeout, work\) +20 ms +45 ms {2}\?$/m)
    assert.include(stdout, "5 of 5 predictions hold, 1 not judged: the machine was busy, measured on this machine\n")
    assert.include(stdout.replaceAll("\n", " "), "the event loop stood in line for 30 ms of this run")
  })

  it("prints what was predicted and measured as JSON", async () => {
    const { stdout } = await screen("chess", "--virtual", "--json", "--opponents", "3")
    const { name, mode, parameters, checks } = JSON.parse(stdout)
    assert.deepStrictEqual([name, mode, parameters.opponents], ["chess", "virtual", 3])
    assert.deepInclude(
      checks.find(({ key }: Scenario.Check) => key === "simultaneous"),
      { key: "simultaneous", value: 180, measured: 180, holds: true }
    )
  })
})
