import { Readable, Writable } from "node:stream"
import { assert, describe, it } from "@effect/vitest"
import { scenarios } from "../src/Chapters.ts"
import { run } from "../src/Demos.ts"

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
const screen = async (...args: ReadonlyArray<string>) => {
  const [stdout, stderr] = [collecting(), collecting()]
  const streams = { stdin: Readable.from([]), stdout: stdout.stream, stderr: stderr.stream }
  const status = await run(args, { env: { TERM: "xterm", LANG: "C.UTF-8" }, directory: ".", ...streams })
  return { status, stdout: stdout.text(), stderr: stderr.text() }
}

describe.each(scenarios.map(({ name }) => name))("%s", (name) => {
  it("is as theory predicts in virtual time, and the same bytes again", async () => {
    const first = await screen(name, "--virtual")
    assert.deepStrictEqual([first.status, first.stderr], [0, ""], first.stdout)
    assert.include(first.stdout, " predictions hold, in virtual time\n")
    assert.strictEqual((await screen(name, "--virtual")).stdout, first.stdout)
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
    ["--boards", "3", "Unknown option '--boards'"],
    ["--speed", "0", "--speed must be a number above 0, got 0"]
  ])("says in one error what is wrong with %s %s", async (flag, value, message) => {
    const { status, stdout, stderr } = await screen("chess", "--virtual", flag, value)
    assert.deepStrictEqual([status, stdout], [2, ""])
    assert.match(stderr, /^error: .*\n\nhint: .*\n$/)
    assert.include(stderr, message)
  })

  it("says which demos there are when asked for another", async () => {
    const { status, stderr } = await screen("ches")
    assert.deepStrictEqual(
      [status, stderr],
      [2, "error: there is no demo called `ches`\n\nhint: did you mean `chess`?\n"]
    )
  })

  it("prints what was predicted and measured as JSON", async () => {
    const { stdout } = await screen("chess", "--virtual", "--json", "--opponents", "3")
    const { name, mode, parameters, checks } = JSON.parse(stdout)
    assert.deepStrictEqual([name, mode, parameters.opponents], ["chess", "virtual", 3])
    assert.deepInclude(checks[1], { key: "simultaneous", value: 180, measured: 180, holds: true })
  })
})
