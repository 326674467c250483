import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  symlinkSync
} from "node:fs"
import { constants as os } from "node:os"
import { join } from "node:path"
import * as OutputFile from "../src/OutputFile.ts"
import * as Table from "../src/Table.ts"
import * as Folder from "./Folder.ts"
import * as Program from "./Program.ts"

const { folder, put } = Folder.make("output")

/** A pipe with a name, and what was written to it. */
const pipe = (name: string) => {
  const path = join(folder, name)
  execFileSync("mkfifo", [path])
  const descriptor = openSync(path, constants.O_RDWR)
  const read = () => {
    const bytes = Buffer.alloc(1000)
    const text = bytes.toString("utf8", 0, readSync(descriptor, bytes))
    closeSync(descriptor)
    return text
  }
  return { path, read }
}

describe("an output file", () => {
  it.effect("has its name when it is whole, and stays as it was where writing breaks off", () =>
    Effect.gen(function* () {
      const file = join(folder, "a.html")
      yield* OutputFile.write("--html", file, ["a", "b"])
      const broken = (function* () {
        yield "c"
        throw new Error("no more")
      })()
      const { message } = yield* Effect.flip(OutputFile.write("--html", file, broken))
      assert.include(message, "--html")
      assert.include(message, "cannot be written (no more)")
      assert.deepStrictEqual([readFileSync(file, "utf8"), readdirSync(folder)], ["ab", ["a.html"]])
    })
  )
  it.effect("has whoever meets a full disk make room, and check the name where that is at fault", () =>
    Effect.gen(function* () {
      const told = Effect.fnUntraced(function* (fault: object) {
        const broken = (function* () {
          yield "c"
          throw Object.assign(new Error("no room"), fault)
        })()
        const { message, hint } = yield* Effect.flip(OutputFile.write("-o", join(folder, "full"), broken))
        return [/\((.*)\)$/.exec(message)?.[1], hint]
      })
      const room = "make room on its disk, or name a file on another one with -o"
      assert.deepStrictEqual(yield* told({ code: "ENOSPC" }), ["ENOSPC", room])
      // a quota, and SQLite
      assert.deepStrictEqual(yield* told({ code: "UNKNOWN", errno: -os.errno.EDQUOT }), ["EDQUOT", room])
      assert.deepStrictEqual(yield* told({ code: "ERR_SQLITE_ERROR", errcode: 13 }), ["no room", room])
      assert.deepStrictEqual(yield* told({ code: "EACCES" }), ["EACCES", "check the value of -o"])
    })
  )
  it.effect.skipIf(process.platform === "win32")("puts no file in the place of a pipe or a device", () =>
    Effect.gen(function* () {
      const [page, rows] = [pipe("page"), pipe("rows")]
      yield* OutputFile.write("--html", page.path, ["a", "b"])
      yield* Effect.scoped(
        Effect.gen(function* () {
          const table = yield* Table.toFile(rows.path, "jsonl", [{ name: "a", kind: "number" }])
          yield* table.write([{ a: 1 }])
          yield* table.finish
        })
      )
      for (const { path } of [page, rows]) assert.isTrue(statSync(path).isFIFO(), path)
      assert.deepStrictEqual([page.read(), rows.read()], ["ab", '{"a":1}\n'])
      assert.deepStrictEqual(readdirSync(folder).toSorted(), ["a.html", "page", "rows"])
    })
  )
  it.effect.skipIf(process.platform === "win32")("is written behind links, which stay", () =>
    Effect.gen(function* () {
      mkdirSync(join(folder, "links/there"), { recursive: true })
      const at = (name: string) => join(folder, "links", name)
      put("links/there/old", "an older one, and longer")
      symlinkSync("there/old", at("first"))
      symlinkSync("first", at("second"))
      symlinkSync("there/new", at("dangling"))
      for (const name of ["second", "dangling"]) yield* OutputFile.write("--html", at(name), ["a", "b"])
      assert.deepStrictEqual(
        ["old", "new"].map((name) => readFileSync(at(`there/${name}`), "utf8")),
        ["ab", "ab"]
      )
      assert.deepStrictEqual(readdirSync(at("there")).toSorted(), ["new", "old"])
      const links = ["first", "second", "dangling"].map((name) => readlinkSync(at(name)))
      assert.deepStrictEqual(links, ["there/old", "first", "there/new"])
    })
  )
  it.effect.skipIf(!existsSync("/proc/self/fd"))("comes behind what there is of a file that a link has open", () =>
    Effect.gen(function* () {
      put("open/file", "before, ")
      const [file, link] = [join(folder, "open/file"), join(folder, "open/stdout")]
      const descriptor = openSync(file, "a")
      symlinkSync(`/proc/self/fd/${descriptor}`, link)
      const { ino } = statSync(file)
      yield* OutputFile.write("--html", link, ["a", "b"])
      for (const format of ["sqlite", "parquet"] as const) {
        const refused = yield* Effect.flip(Effect.scoped(Table.toFile(link, format, [{ name: "a", kind: "number" }])))
        assert.include(refused.message, `cannot be written (${format} takes a file of its own)`)
      }
      closeSync(descriptor)
      assert.deepStrictEqual([readFileSync(file, "utf8"), statSync(file).ino], ["before, ab", ino])
      assert.deepStrictEqual(readdirSync(join(folder, "open")).toSorted(), ["file", "stdout"])
      assert.strictEqual(readlinkSync(link), `/proc/self/fd/${descriptor}`)
    })
  )
  it.skipIf(process.platform === "win32")(
    "refuses a pipe that nobody reads, and one for what is no text",
    async ({ signal }) => {
      put("page.html", "<h1>a</h1>")
      const [page, unread] = [join(folder, "page.html"), join(folder, "unread")]
      execFileSync("mkfifo", [unread])
      // a process of its own, for one that waits for a reader waits for ever
      const screen = (...args: ReadonlyArray<string>) => Program.screen(args, { signal })
      const extract = (format: string) => screen("extract", page, "-s", "a=h1", "-o", unread, "--format", format)
      for (const said of [screen("play", "exhibition", "--trace", unread), extract("jsonl"), extract("csv")]) {
        assert.include(await said, "cannot be written (nobody reads it)")
      }
      for (const format of ["sqlite", "parquet"]) {
        assert.include(await extract(format), `cannot be written (${format} takes a file of its own)`)
      }
    }
  )
  it.effect.skipIf(process.platform === "win32")("follows no link that somebody put where it is written first", () =>
    Effect.gen(function* () {
      put("guessed/other", "theirs")
      const [file, other] = [join(folder, "guessed", "page.html"), join(folder, "guessed", "other")]
      symlinkSync(other, `${file}.${process.pid}.part`)
      yield* OutputFile.write("--html", file, ["ours"])
      assert.deepStrictEqual([readFileSync(file, "utf8"), readFileSync(other, "utf8")], ["ours", "theirs"])
    })
  )
})
