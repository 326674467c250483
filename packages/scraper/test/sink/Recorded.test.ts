import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Recorded from "../../src/sink/Recorded.ts"
import * as RecordLocation from "../../src/sink/RecordLocation.ts"
import * as WarcReader from "../../src/warc/WarcReader.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("recorded")

describe("what was recorded", () => {
  it.effect("is missing, with the reason where something is there that cannot be read", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.mkdirSync(join(directory, "folder"), { recursive: true })
      const { size } = fs.statSync(join(directory, "folder"))
      fs.symlinkSync("circle", join(directory, "circle"))
      const faultAt = (path: string) => Recorded.recorded(directory, path, { bytes: size, sha256: "0" })
      assert.deepStrictEqual(yield* faultAt("none"), { _tag: "Missing" })
      assert.deepStrictEqual(yield* faultAt("circle/a"), { _tag: "Missing", code: "ELOOP" })
      assert.deepStrictEqual(yield* faultAt("folder"), { _tag: "Missing", code: "EISDIR" })
    })
  )

  it.effect("is told of files of any length, empty ones and those of many chunks", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.mkdirSync(directory, { recursive: true })
      for (const bytes of [0, 1, 262_143, 262_144, 262_145, 1_000_000]) {
        const body = Buffer.alloc(bytes, "abcdefg")
        const sha256 = createHash("sha256").update(body).digest("hex")
        const other = createHash("sha256").update("other").digest("hex")
        fs.writeFileSync(join(directory, "a"), body)
        const fault = Effect.fnUntraced(function* (expected: Parameters<typeof Recorded.recorded>[2]) {
          const fault = yield* Recorded.recorded(directory, "a", expected)
          assert.deepStrictEqual(yield* Recorded.recordedLater(directory, "a", expected), fault)
          return fault
        })
        assert.isUndefined(yield* fault({ bytes, sha256 }))
        assert.isUndefined(yield* fault({ bytes, sha256: undefined }))
        assert.deepStrictEqual(yield* fault({ bytes, sha256: other }), { _tag: "Hash", found: sha256 })
        assert.deepStrictEqual(yield* fault({ bytes: bytes + 1, sha256 }), { _tag: "Length", found: bytes })
      }
    })
  )

  it("is left to be waited for with others after a read that was slow", () => {
    const directory = folder()
    fs.mkdirSync(directory, { recursive: true })
    fs.writeFileSync(join(directory, "a"), "abc")
    let now = 0
    let took = 0
    const clock = vi.spyOn(performance, "now").mockImplementation(() => (now += took))
    const atOnce = Recorded.makeAtOnce()
    const look = (bytes = 3) => atOnce(directory, "a", { bytes, sha256: undefined })
    assert.deepStrictEqual(look(), { fault: undefined })
    assert.deepStrictEqual(look(4), { fault: { _tag: "Length", found: 3 } })
    took = 2
    assert.isDefined(look())
    took = 0
    for (let waits = 0; waits < 16; waits++) assert.isUndefined(look())
    assert.isDefined(look())
    assert.isUndefined(look(1_000_000))
    clock.mockRestore()
  })

  it.effect("is looked for where one is, for a directory without a name", () =>
    Effect.gen(function* () {
      const { size } = fs.statSync("package.json")
      assert.isUndefined(yield* Recorded.recorded("", "package.json", { bytes: size, sha256: undefined }))
    })
  )

  it.effect("waits for nobody who would write to a pipe in its place", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.mkdirSync(directory, { recursive: true })
      execFileSync("mkfifo", [join(directory, "a")])
      for (const bytes of [1, 1_000_000])
        assert.deepStrictEqual(yield* Recorded.recorded(directory, "a", { bytes, sha256: "0" }), {
          _tag: "Length",
          found: 0
        })
    })
  )

  it.effect("is whole or not, but where the system cannot read it", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.mkdirSync(join(directory, "folder"), { recursive: true })
      fs.writeFileSync(join(directory, "a"), "a")
      const isWhole = (path: string, within = directory) =>
        Recorded.isWhole(within, path, { bytes: 1, sha256: undefined })
      assert.isTrue(yield* isWhole("a"))
      for (const path of ["none", "a/b", "folder"]) assert.isFalse(yield* isWhole(path), path)
      // no system looks at a path that long
      const code = "ENAMETOOLONG"
      const long = join(directory, "a".repeat(5000))
      for (const path of ["a", RecordLocation.toPath({ archive: "simul-00001.warc.gz", offset: 0, length: 9 })]) {
        const error = yield* Effect.flip(isWhole(path, long))
        assert.deepInclude(error, { _tag: "DirectoryUnusable", directory: `${long}/${path}`, code, isUnseen: true })
      }
    })
  )

  it("tells a record that cannot be read from one that is damaged", async () => {
    const faultOf = async (code: string) => {
      const fails = async function* () {
        yield Buffer.from("WARC/1.1\r\n")
        throw Object.assign(new Error("why"), { code })
      }
      return (await Recorded.responseFaults(WarcReader.records(fails()), [{ bytes: 1, sha256: undefined }]))[0]
    }
    assert.deepStrictEqual(await faultOf("EIO"), { _tag: "Record", detail: "why", code: "EIO" })
    assert.deepStrictEqual(await faultOf("Z_DATA_ERROR"), { _tag: "Record", detail: "damaged gzip (why)" })
  })
})
