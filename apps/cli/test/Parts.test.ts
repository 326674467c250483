import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it, vi } from "@effect/vitest"
import * as Parts from "../src/Parts.ts"

let directory: string
/** With the same parts, for V8 knows in one process what it compiled before under the same name. */
let elsewhere: string
let folder: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "parts-"))
  elsewhere = mkdtempSync(join(tmpdir(), "parts-"))
  folder = join(directory, "kept", "for-tests")
})
afterEach(() => {
  vi.unstubAllEnvs()
  for (const made of [directory, elsewhere]) rmSync(made, { recursive: true })
})

const write = (name: string, code: string) => {
  for (const place of [directory, elsewhere])
    writeFileSync(join(place, name), `(function(exports,require,module,__filename,__dirname){${code}\n})`)
}

/** A function that nothing calls while the part is run. */
const double = "exports.double = (number) => { const twice = number * 2; return twice }"

const loaded = <A>(parts: Parts.Parts, name: string) => parts.load(name) as A
type Double = { readonly double: (number: number) => number }

describe("make", () => {
  it("runs a part once, and gives it other parts and what Node brings", () => {
    write("one.part", `globalThis.timesRun = (globalThis.timesRun ?? 0) + 1; exports.two = require("./two.part")`)
    write("two.part", `exports.join = require("node:path").join; exports.at = [__filename, __dirname]`)
    const parts = Parts.make(directory, undefined)
    const { two } = loaded<{ two: { join: unknown; at: unknown } }>(parts, "one.part")
    assert.strictEqual(parts.load("two.part"), two)
    assert.strictEqual(loaded<object>(parts, "one.part"), parts.load("one.part"))
    assert.strictEqual((globalThis as { timesRun?: number }).timesRun, 1)
    assert.strictEqual(two.join, join)
    assert.deepStrictEqual(two.at, [join(directory, "two.part"), directory])
  })

  it("gives a part that asks for one that is being run what that has exported", () => {
    write("one.part", `exports.early = 1; exports.seen = require("./two.part").seen`)
    write("two.part", `exports.seen = require("./one.part").early`)
    assert.deepStrictEqual(Parts.make(directory, undefined).load("one.part"), { early: 1, seen: 1 })
  })

  it("keeps the functions that were called, and takes them the next time", () => {
    write("one.part", double)
    const unused = Parts.make(directory, folder)
    unused.load("one.part")
    unused.keep()
    const size = () => statSync(join(folder, "one.part")).size
    const sizeUnused = size()
    rmSync(folder, { recursive: true })

    const used = Parts.make(directory, folder)
    assert.strictEqual(loaded<Double>(used, "one.part").double(2), 4)
    used.keep()
    assert.isAbove(size(), sizeUnused)

    const next = Parts.make(elsewhere, folder)
    assert.strictEqual(loaded<Double>(next, "one.part").double(3), 6)
    rmSync(folder, { recursive: true })
    next.keep()
    assert.isFalse(existsSync(folder), "what was taken is not kept again")
  })

  it("keeps under its name what is whole, and leaves nothing else", () => {
    write("one.part", double)
    const parts = Parts.make(directory, folder)
    parts.load("one.part")
    parts.keep()
    assert.deepStrictEqual(readdirSync(folder), ["one.part"])
  })

  it.each([
    ["cut off", (bytes: Buffer) => bytes.subarray(0, bytes.length - 8)],
    ["changed in one bit", (bytes: Buffer) => bytes.with(bytes.length >> 1, bytes[bytes.length >> 1]! ^ 1)],
    ["of another V8", (bytes: Buffer) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4), bytes.subarray(8)])],
    ["empty", () => Buffer.alloc(0)]
  ])("compiles a part from its text where what is kept is %s, and replaces that", (_what, spoil) => {
    write("one.part", double)
    const first = Parts.make(directory, folder)
    first.load("one.part")
    first.keep()
    const kept = join(folder, "one.part")
    const spoilt = spoil(readFileSync(kept))
    writeFileSync(kept, spoilt)

    const next = Parts.make(elsewhere, folder)
    assert.strictEqual(loaded<Double>(next, "one.part").double(2), 4)
    next.keep()
    assert.notDeepEqual(readFileSync(kept), spoilt)
  })

  it("removes what another build kept more than a month ago", () => {
    write("one.part", double)
    const kept = ["of-now", "of-a-month-ago"].map((name) => join(directory, "kept", name))
    for (const other of kept) {
      mkdirSync(other, { recursive: true })
      writeFileSync(join(other, "one.part"), "")
    }
    const past = (Date.now() - 31 * 86_400_000) / 1000
    utimesSync(kept[1]!, past, past)
    const parts = Parts.make(directory, folder)
    parts.load("one.part")
    parts.keep()
    assert.deepStrictEqual(readdirSync(join(directory, "kept")).toSorted(), ["for-tests", "of-now"])
  })

  it("does without where nothing can be kept", () => {
    write("one.part", double)
    writeFileSync(join(directory, "kept"), "a file where the folder should be")
    const parts = Parts.make(directory, folder)
    assert.strictEqual(loaded<Double>(parts, "one.part").double(2), 4)
    parts.keep()
    assert.deepStrictEqual(readdirSync(directory).toSorted(), ["kept", "one.part"])
  })

  it("lets stacks be looked at again where a part fails", () => {
    write("one.part", "throw new RangeError(String(Error.stackTraceLimit))")
    const { stackTraceLimit } = Error
    assert.throws(() => Parts.make(directory, undefined).load("one.part"), /^0$/)
    assert.strictEqual(Error.stackTraceLimit, stackTraceLimit)
  })
})

describe("folderFor", () => {
  beforeEach(() => {
    vi.stubEnv("TMPDIR", directory)
    vi.stubEnv("NODE_V8_COVERAGE", undefined)
    vi.stubEnv("NODE_DISABLE_COMPILE_CACHE", undefined)
  })

  it("is one for each build and command, and one for what is no command", () => {
    const folders = [
      ["a", "get"],
      ["a", "crawl"],
      ["b", "get"],
      ["a", undefined],
      ["a", "--help"],
      ["a", "../.."]
    ].map(([build, command]) => Parts.folderFor(build!, command))
    assert.deepStrictEqual(
      folders.map((folder) => folders.indexOf(folder)),
      [0, 1, 2, 3, 3, 3]
    )
    assert.isTrue(folders.every((folder) => folder?.startsWith(directory) === true && !folder.includes("..")))
  })

  it.each([
    ["NODE_DISABLE_COMPILE_CACHE", "1"],
    ["NODE_V8_COVERAGE", "coverage"]
  ])("is none where %s asks for that", (name, value) => {
    vi.stubEnv(name, value)
    assert.isUndefined(Parts.folderFor("a", "get"))
  })
})
