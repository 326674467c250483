import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, relative } from "node:path"
import * as Flags from "../src/Flags.ts"
import * as Settings from "../src/Settings.ts"

const { jobs, header, robots, durability, timeout } = Flags.transfer
const some = { jobs, header, robots, durability, timeout }
const nothing = {
  jobs: Option.none(),
  header: Option.none(),
  robots: Option.none(),
  durability: Option.none(),
  timeout: Option.none()
}
const none: Settings.Sources = { environment: {}, files: [] }
const file = (name: string, values: Record<string, unknown>) => ({ name, values })

const settle = (given: Partial<Settings.Given<typeof some>>, sources: Partial<Settings.Sources>) =>
  Settings.resolve(some, { ...nothing, ...given }, { ...none, ...sources })
const complaintOf = (given: Partial<Settings.Given<typeof some>>, sources: Partial<Settings.Sources>) =>
  Option.getOrThrow(Result.getFailure(settle(given, sources))).message

describe("Settings", () => {
  it("takes the flag over the environment over the files, nearest first, over the default", () => {
    const environment = { SIMUL_JOBS: "2" }
    const files = [file("near", { jobs: 3 }), file("far", { jobs: 4, robots: true })]
    const jobsOf = (given: object, sources: object) => Result.getOrThrow(settle(given, sources)).jobs
    assert.strictEqual(jobsOf({ jobs: Option.some(["1"]) }, { environment, files }), 1)
    assert.strictEqual(jobsOf({}, { environment, files }), 2)
    assert.strictEqual(jobsOf({}, { environment: { SIMUL_JOBS: "" }, files }), 3)
    assert.strictEqual(jobsOf({}, { files: files.slice(1) }), 4)
    assert.strictEqual(jobsOf({}, {}), 64)
    assert.isTrue(Result.getOrThrow(settle({}, { files })).robots)
    assert.isFalse(Result.getOrThrow(settle({ robots: Option.some(["false"]) }, { files })).robots)
  })
  it("reads lists from every place", () => {
    const headers = (given: object, sources: object) => Result.getOrThrow(settle(given, sources)).header
    const expected = [
      ["A", "b: c"],
      ["D", ""]
    ]
    assert.deepStrictEqual(headers({ header: Option.some(["A: b: c", "D:"]) }, {}), expected as never)
    assert.deepStrictEqual(headers({}, { environment: { SIMUL_HEADER: "A: b: c\nD:" } }), expected as never)
    assert.deepStrictEqual(headers({}, { files: [file("f", { header: ["A: b: c", "D:"] })] }), expected as never)
  })
  it("takes every kind of proxy that there is", () => {
    for (const scheme of ["http", "https", "socks5", "socks5h"])
      assert.deepStrictEqual(Flags.transfer.proxy.read([`${scheme}://a:1`]), Result.succeed(`${scheme}://a:1`))
    for (const text of ["a:1", "ftp://a:1", "socks4://a:1"])
      assert.isTrue(Result.isFailure(Flags.transfer.proxy.read([text])), text)
  })
  it("names the place, the value and what is allowed", () => {
    assert.strictEqual(
      complaintOf({ jobs: Option.some(["many"]) }, {}),
      '--jobs: expected a whole number from 1 to 10000, got "many"'
    )
    assert.strictEqual(
      complaintOf({}, { environment: { SIMUL_TIMEOUT: "soon" } }),
      'SIMUL_TIMEOUT: expected a time such as 300ms, 2s, 5m or 1h, got "soon"'
    )
    assert.strictEqual(
      complaintOf({}, { files: [file("simul.json", { durability: true })] }),
      '"durability" in simul.json: expected process or power, got "true"'
    )
    assert.strictEqual(
      complaintOf({}, { files: [file("simul.json", { jobs: [1, 2] })] }),
      '"jobs" in simul.json: expected one value, not a list'
    )
  })
  it("keeps the text of a bad header to itself", () => {
    assert.strictEqual(
      complaintOf({}, { environment: { SIMUL_HEADER: "Authorization secret" } }),
      "SIMUL_HEADER: expected NAME:VALUE, with a colon"
    )
  })
})

describe("settings files", () => {
  const inDirectory = <A>(use: (directory: string) => A): A => {
    const directory = mkdtempSync(join(tmpdir(), "simul-test-"))
    try {
      return use(directory)
    } finally {
      rmSync(directory, { recursive: true })
    }
  }
  const known = Flags.names

  it("reads the named file, and the user's own below it", () => {
    inDirectory((directory) => {
      mkdirSync(join(directory, "simul"))
      writeFileSync(join(directory, "simul", "simul.json"), '{ "jobs": 1, "per-host": 2 }')
      writeFileSync(join(directory, "named.json"), '{ "jobs": 3 }')
      const named = Option.some(join(directory, "named.json"))
      const sources = Effect.runSync(Settings.sources(named, known, { XDG_CONFIG_HOME: directory }))
      assert.deepStrictEqual(
        sources.files.map(({ values }) => values),
        [{ jobs: 3 }, { jobs: 1, "per-host": 2 }]
      )
    })
  })
  it("reads none of a user who has no home, as in a container, or a relative one", () => {
    const nameless = () => {
      throw new Error("uv_os_homedir returned ENOENT")
    }
    inDirectory((directory) => {
      mkdirSync(join(directory, "simul"))
      writeFileSync(join(directory, "simul", "simul.json"), '{ "jobs": 1 }')
      const from = relative(process.cwd(), directory)
      for (const home of [nameless, () => "", () => from])
        for (const configHome of [undefined, "", from]) {
          const read = Settings.sources(Option.none(), known, { XDG_CONFIG_HOME: configHome }, home)
          assert.deepStrictEqual(Effect.runSync(read).files, [])
        }
    })
  })
  it.skipIf(process.getuid?.() !== 0)("reads none from the home of another user, but tells of one's own", () => {
    const nobody = 65534
    // root may read anywhere, so it becomes somebody else
    const script = `
      import * as Effect from "effect/Effect"
      import * as Option from "effect/Option"
      import * as Settings from "./src/Settings.ts"
      const [home] = process.argv.slice(1)
      process.setuid(${nobody})
      const read = Settings.sources(Option.none(), new Set(), { XDG_CONFIG_HOME: home })
      process.stdout.write(Effect.runSync(Effect.match(read, { onFailure: ({ message }) => message, onSuccess: ({ files }) => files.length + " files" })))`
    inDirectory((directory) => {
      const folder = join(directory, "simul")
      mkdirSync(folder)
      chmodSync(directory, 0o755)
      chmodSync(folder, 0)
      const cwd = join(import.meta.dirname, "..")
      const args = ["--input-type=module", "-e", script, directory]
      const read = () => execFileSync(process.execPath, args, { cwd, encoding: "utf8" })
      assert.strictEqual(read(), "0 files")
      chownSync(folder, nobody, nobody)
      assert.strictEqual(read(), `cannot read the settings file ${join(folder, "simul.json")} (EACCES)`)
    })
  })
  it("says what is wrong with a file", () => {
    inDirectory((directory) => {
      const name = join(directory, "f.json")
      const complaint = (text: string) => {
        writeFileSync(name, text)
        const read = Settings.sources(Option.some(name), known, { XDG_CONFIG_HOME: directory })
        const { message, hints } = Effect.runSync(Effect.flip(read))
        return [message.replace(name, "FILE"), ...hints].join("\n")
      }
      const form = 'a settings file is one JSON object, such as { "jobs": 16, "per-host": 2 }'
      assert.match(complaint("{"), new RegExp(`^FILE is no JSON: .*\n${form}$`))
      assert.strictEqual(complaint("[]"), `FILE: expected one JSON object\n${form}`)
      assert.match(complaint('{ "perHost": 1 }'), /^FILE: unknown setting "perHost"\nkeys are the long flags /)
    })
  })
})
