import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { assert, describe, it } from "vitest"
import * as Arguments from "../Arguments.ts"

const usage = {
  text: "usage: node benchmark/nothing.ts [WORD...] [--rounds N] [--quick]",
  words: { kind: "word", among: ["one", "two"] },
  options: { rounds: { type: "string", default: "5" }, quick: { type: "boolean", default: false } }
} as const
const read = (...args: ReadonlyArray<string>) =>
  Arguments.parse(
    usage,
    ({ rounds, quick }, words) => ({ rounds: Arguments.whole("rounds", rounds), quick, words }),
    args
  )
const refused = (error: string) => new Arguments.Said(2, `error: ${error}\n${usage.text}`)

describe("Arguments", () => {
  it("gives what was asked for, and the defaults", () => {
    assert.deepStrictEqual(read(), { rounds: 5, quick: false, words: [] })
    assert.deepStrictEqual(read("two", "--rounds", "7", "--quick"), { rounds: 7, quick: true, words: ["two"] })
  })

  it("helps, even beside arguments that are wrong", () => {
    for (const args of [["--help"], ["-h"], ["--help", "--nonsense"], ["three", "-h"]])
      assert.deepStrictEqual(read(...args), new Arguments.Said(0, usage.text))
  })

  it("names what is wrong in one line", () => {
    assert.deepStrictEqual(read("--nonsense"), refused("Unknown option '--nonsense'"))
    assert.deepStrictEqual(read("three"), refused('there is no word "three": expected one, two'))
    assert.deepStrictEqual(read("e. g. three"), refused('there is no word "e. g. three": expected one, two'))
    for (const rounds of ["0", "-1", "1.5", "many", "", "1e99"])
      assert.deepStrictEqual(
        read(`--rounds=${rounds}`),
        refused(`--rounds: expected a whole number from 1, got ${JSON.stringify(rounds)}`)
      )
    assert.match((read("--rounds") as Arguments.Said).text, /^error: Option '--rounds <value>' argument missing\n/)
    assert.match((read("--quick=yes") as Arguments.Said).text, /^error: Option '--quick' does not take an argument\n/)
  })

  it("takes no argument without a name where there is none, and any where there is no list", () => {
    const { text, options } = usage
    const words = (_: unknown, words: ReadonlyArray<string>) => words
    assert.deepStrictEqual(Arguments.parse({ text, options }, words, ["one"]), refused('it takes no argument "one"'))
    assert.deepStrictEqual(Arguments.parse({ text, options, words: { kind: "folder" } }, words, ["any"]), ["any"])
  })

  it("lets bugs of a program be bugs", () => {
    assert.throws(() => Arguments.parse(usage, () => assert.fail("a bug"), []), "a bug")
  })
})

describe("the programs of the benchmark", () => {
  const folder = dirname(import.meta.dirname)

  it("read their arguments by it, before they do anything", () => {
    const programs = readdirSync(folder).filter((file) => /^[a-z]+\.ts$/.test(file))
    assert.isAbove(programs.length, 8)
    for (const program of programs) {
      const code = readFileSync(join(folder, program), "utf8")
      assert.include(code, `usage: node benchmark/${program}`)
      assert.match(code, /\bArguments\.settings\(/, program)
      assert.notMatch(code, /process\.argv|parseArgs/, program)
    }
  })

  it("help on stdout, refuse on stderr, and say so by their status", () => {
    const run = (program: string, ...args: ReadonlyArray<string>) =>
      spawnSync(process.execPath, [join(folder, program), ...args], { encoding: "utf8", stdio: "pipe" })
    const [{ status, stdout, stderr }, refused] = [run("sites.ts", "--help"), run("sites.ts", "--nonsense")]
    assert.deepStrictEqual([status, stderr], [0, ""])
    assert.match(stdout, /^usage: node benchmark\/sites\.ts/)
    assert.deepStrictEqual([refused.status, refused.stdout], [2, ""])
    assert.strictEqual(refused.stderr, `error: Unknown option '--nonsense'\n${stdout}`)
    const nobody = run("crawl.ts", "--only", "nonsense")
    assert.deepStrictEqual([nobody.status, nobody.stdout], [2, ""])
    assert.match(nobody.stderr, /^error: there is no crawler "nonsense": expected simul, .+\nusage: /)
  })
})
