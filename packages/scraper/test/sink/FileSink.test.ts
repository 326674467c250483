import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { constants, tmpdir } from "node:os"
import { join } from "node:path"
import { WriteError } from "../../src/FetchError.ts"
import { DiskFull } from "../../src/Sink.ts"
import * as Files from "../../src/sink/Files.ts"
import * as FileSink from "../../src/sink/FileSink.ts"
import * as Folders from "../Folders.ts"

const { root, folder } = Folders.make("sink")
const open = (options: Partial<FileSink.FileSinkOptions> = {}) => {
  const directory = folder()
  const parts = join(directory, ".simul", "parts")
  return { directory, parts, sink: FileSink.make({ directory, parts, durability: "process", hash: true, ...options }) }
}
const bytes = Buffer.from("0123456789".repeat(1000))
const sha256 = createHash("sha256").update(bytes).digest("hex")

describe("FileSink", () => {
  for (const [name, pieces, expected] of [
    ["in one piece", 1, bytes.length],
    ["in pieces", 7, bytes.length],
    ["in pieces of unknown length", 3, undefined]
  ] as const)
    it(`hashes a body that comes ${name}, and shows it only when it is whole`, () => {
      const { directory, parts, sink } = open()
      const part = sink.open(expected === undefined ? {} : { expected })
      const size = Math.ceil(bytes.length / pieces)
      for (let at = 0; at < bytes.length; at += size) part.write(bytes.subarray(at, at + size))
      assert.deepStrictEqual(part.finish(), { bytes: bytes.length, sha256 })
      assert.isFalse(fs.existsSync(join(directory, "a")))
      part.place("a/b/c.txt")
      assert.isTrue(fs.readFileSync(join(directory, "a/b/c.txt")).equals(bytes))
      assert.deepStrictEqual(fs.readdirSync(parts), [])
    })

  it.effect("continues a kept part, with the hash of all of it", () =>
    Effect.gen(function* () {
      const { directory, sink } = open()
      const first = sink.open({ key: "https://a/b", expected: bytes.length })
      first.write(bytes.subarray(0, 4000))
      first.keep()
      const again = (yield* sink.reopen({ url: "https://a/b" }))!
      assert.strictEqual(again.bytes, 4000)
      again.write(bytes.subarray(4000))
      assert.deepStrictEqual(again.finish(), { bytes: bytes.length, sha256 })
      again.place("b")
      assert.isTrue(fs.readFileSync(join(directory, "b")).equals(bytes))
      assert.isUndefined(yield* sink.reopen({ url: "https://a/b" }))
    })
  )

  it.effect("tells what it placed under a short name from a file of the user's, committed or not", () =>
    Effect.gen(function* () {
      const { directory, sink, ...rest } = open({ naming: "flat" })
      const again = Effect.gen(function* () {
        const sink = FileSink.make({ directory, ...rest, durability: "process", hash: true, naming: "flat" })
        yield* sink.sweep(new Set())
        return sink
      })
      const part = sink.open({})
      part.finish()
      part.place("a")
      for (const name of ["own", "changed", "damaged"]) fs.writeFileSync(join(directory, name), "bytes")
      const foreign = (sink: ReturnType<typeof FileSink.make>) =>
        ["own", "a", "none", "changed", "damaged"].filter((path) => sink.isForeign(path))
      const killed = yield* again
      assert.deepStrictEqual(foreign(killed), ["own", "changed", "damaged"])
      // commits that have to be made again, or that a loss of power undoes
      for (let count = 0; count < 3; count++) yield* killed.sync()
      assert.deepStrictEqual(foreign(yield* again), ["own", "changed", "damaged"])
      // what was saved there is not what lies there
      assert.isFalse(killed.holds("changed", 3))
      assert.isFalse(killed.holds("none", 3))
      assert.isTrue(killed.holds("own", 5))
      killed.own("damaged")
      assert.deepStrictEqual(foreign(killed), ["own"])
      yield* killed.sync()
      assert.deepStrictEqual(foreign(yield* again), ["own"])
    })
  )

  it.effect("sweeps parts that nobody will continue", () =>
    Effect.gen(function* () {
      const { parts, sink } = open()
      sink.open({}).write(bytes)
      for (const key of ["kept", "forgotten"]) sink.open({ key }).keep()
      fs.mkdirSync(`${parts}/somebody's folder`)
      yield* sink.sweep(new Set(["kept"]))
      assert.strictEqual(fs.readdirSync(parts).length, 2)
      assert.isDefined(yield* sink.reopen({ url: "kept" }))
    })
  )

  it.effect("tells which folder cannot be listed, and why", () =>
    Effect.gen(function* () {
      const namesIn = () => {
        throw Object.assign(new Error(), { code: "EIO" })
      }
      const { parts, sink } = open({ files: { ...Files.node, namesIn } })
      const error = yield* Effect.flip(sink.sweep(new Set()))
      assert.deepInclude(error, { _tag: "DirectoryUnusable", directory: parts, code: "EIO", isUnseen: true })
    })
  )

  it("takes nothing for gone, and any file for the user's, where the disk fails", () => {
    const codes = ["EIO", "ESTALE", "EACCES"]
    const look = (path: string) => {
      if (path.endsWith("/a")) throw Object.assign(new Error(), { code: codes[0] })
      return Files.node.look(path)
    }
    const { directory, sink } = open({ naming: "flat", files: { ...Files.node, look } })
    for (; codes.length > 0; codes.shift()) {
      assert.isTrue(sink.isForeign("a"))
      try {
        sink.holds("a", 3)
        assert.fail("looked")
      } catch (error) {
        assert.deepInclude(error, {
          _tag: "DirectoryUnusable",
          code: codes[0],
          message: `cannot look at ${directory}/a (${codes[0]})`,
          hint: "look at its disk, its permissions and those of the folders above it; then the same command goes on"
        })
      }
    }
    sink.own("a")
    assert.isFalse(sink.isForeign("a"))
  })

  it("takes for gone what lies below no folder, and tells why nothing can be put there", () => {
    const { directory, sink } = open()
    fs.symlinkSync("circle", join(directory, "circle"))
    assert.isFalse(sink.holds("circle/a", 3))
    assert.isFalse(sink.isForeign("circle/a"))
    const part = sink.open({})
    part.finish()
    assert.throws(() => part.place("circle/a"), "circle leads through a symbolic link")
  })

  it.effect("gives names only when synced, where power may fail", () =>
    Effect.gen(function* () {
      const { directory, sink } = open({ durability: "power" })
      const part = sink.open({})
      part.write(bytes)
      part.finish()
      part.place("x/y.txt")
      assert.isFalse(fs.existsSync(join(directory, "x/y.txt")))
      yield* sink.sync()
      assert.isTrue(fs.readFileSync(join(directory, "x/y.txt")).equals(bytes))
    })
  )

  it.effect("has few files open, however many wait to be synced", () =>
    Effect.gen(function* () {
      let written = 0
      let synced = 0
      let most = 0
      const counted = (sync: Effect.Effect<void, unknown>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++synced))),
          () => sync,
          () => Effect.sync(() => void synced--)
        )
      const files: Files.Files = {
        ...Files.node,
        open: (path, how) => {
          written++
          return Files.node.open(path, how)
        },
        close: (descriptor) => {
          written--
          Files.node.close(descriptor)
        },
        sync: (path) => counted(Files.node.sync(path)),
        syncDirectory: (path) => counted(Files.node.syncDirectory(path))
      }
      const { directory, sink } = open({ durability: "power", files })
      const paths = Array.from({ length: 100 }, (_, index) => `${index}/a.txt`)
      for (const path of paths) {
        const part = sink.open({})
        part.write(bytes)
        part.finish()
        part.place(path)
        assert.strictEqual(written, 0)
      }
      const { failed } = yield* sink.sync()
      assert.strictEqual(failed.size, 0)
      for (const path of paths) assert.isTrue(fs.existsSync(join(directory, path)))
      assert.isAtLeast(most, 2)
      assert.isAtMost(most, 8)
    })
  )

  it.effect("waits some seconds where no file can be opened to sync it, and not for each of a group", () =>
    Effect.gen(function* () {
      let met: Array<string> = []
      const sync = Effect.suspend(() => {
        const code = met.shift() ?? ""
        return code === "" ? Effect.void : Effect.fail(Object.assign(new Error(code), { code }))
      })
      const { directory, parts, sink } = open({
        durability: "power",
        files: { ...Files.node, sync: () => sync, syncDirectory: () => sync }
      })
      /** What is told of a group of so many files, as many seconds later. */
      const failed = Effect.fnUntraced(function* (count: number, seconds: number, codes: Array<string>) {
        met = codes
        for (let name = 0; name < count; name++) {
          const part = sink.open({})
          part.write(bytes)
          part.finish()
          part.place(`${name}`)
        }
        const syncing = yield* Effect.forkChild(sink.sync(), { startImmediately: true })
        yield* TestClock.adjust(seconds * 1000 - 1)
        assert.isUndefined(syncing.pollUnsafe())
        yield* TestClock.adjust(1)
        const { failed } = yield* Fiber.join(syncing)
        assert.deepStrictEqual(fs.readdirSync(parts), [])
        return Array.from(failed.values(), ({ code }) => code)
      })
      // of a file, and of its directory
      assert.deepStrictEqual(yield* failed(1, 3, ["EMFILE", "ENFILE", "", "EMFILE"]), [])
      assert.isTrue(fs.readFileSync(join(directory, "0")).equals(bytes))
      assert.deepStrictEqual(yield* failed(1, 1, ["EMFILE", "EIO"]), ["EIO"])
      const always = (length: number) => Array.from({ length }, () => "EMFILE")
      assert.deepStrictEqual(yield* failed(100, 5, always(200)), always(100))
    })
  )

  it("refuses a path through a symbolic link or a file, and removes the part", () => {
    const { directory, parts, sink } = open()
    fs.symlinkSync(tmpdir(), join(directory, "link"))
    fs.writeFileSync(join(directory, "file"), "")
    for (const [path, code] of [
      ["link/a", "EUNSAFE"],
      ["file/a", "ENOTDIR"]
    ] as const) {
      const part = sink.open({})
      part.write(bytes)
      part.finish()
      try {
        part.place(path)
        assert.fail("placed")
      } catch (error) {
        assert.instanceOf(error, WriteError)
        assert.strictEqual(error.code, code)
      }
    }
    assert.deepStrictEqual(fs.readdirSync(parts), [])
  })

  it.effect("fails a body of any length where the folder of parts is gone, and tells no lack of room", () =>
    Effect.gen(function* () {
      const { parts, sink } = open()
      fs.rmSync(parts, { recursive: true })
      for (const expected of [1 << 20, 20 << 20])
        assert.deepInclude(
          yield* Effect.flip(Effect.try({ try: () => sink.open({ expected }), catch: (error) => error as WriteError })),
          { _tag: "WriteError", code: "ENOENT" }
        )
      assert.deepStrictEqual([yield* sink.free, yield* sink.size], [Infinity, Infinity])
    })
  )

  it("begins no large body that has no room, and any other", () => {
    const free = 20 * 2 ** 20
    const { sink, parts } = open({ files: { ...Files.node, free: () => free } })
    assert.throws(() => sink.open({ expected: free + 1 }), DiskFull)
    assert.deepStrictEqual(fs.readdirSync(parts), [])
    for (const expected of [free, undefined]) sink.open(expected === undefined ? {} : { expected }).discard()
    const full = open({ files: { ...Files.node, free: () => 0 } })
    full.sink.open({ expected: 2 ** 20 }).discard()
  })

  it("fails a body whose file cannot be closed, closes it once, and relies on nothing of it", () => {
    const closed: Array<number> = []
    const close = (descriptor: number) => {
      closed.push(descriptor)
      fs.closeSync(descriptor)
      // as a quota on a network's disk is told of
      throw closed.length > 1
        ? Object.assign(new Error("EIO: close"), { code: "EIO" })
        : Object.assign(new Error("UNKNOWN: close"), { code: "UNKNOWN", errno: -constants.errno.EDQUOT })
    }
    const { parts, sink } = open({ files: { ...Files.node, close } })
    for (const expected of [DiskFull, WriteError]) {
      const part = sink.open({ key: "https://a/b" })
      part.write(bytes)
      assert.throws(() => part.finish(), expected)
      assert.isFalse(part.keep())
      part.discard()
    }
    assert.strictEqual(closed.length, 2)
    assert.deepStrictEqual(fs.readdirSync(parts), [])
  })

  it.effect("leaves for a later sweep what it cannot remove", () =>
    Effect.gen(function* () {
      let isBroken = true
      const remove = (path: string) => {
        if (isBroken) throw Object.assign(new Error("EROFS: unlink"), { code: "EROFS" })
        Files.node.remove(path)
      }
      const { parts, sink } = open({ files: { ...Files.node, remove } })
      sink.open({ key: "discarded" }).discard()
      sink.open({ key: "forgotten" }).keep()
      sink.forget("forgotten")
      yield* sink.sweep(new Set())
      assert.strictEqual(fs.readdirSync(parts).length, 2)
      isBroken = false
      yield* sink.sweep(new Set())
      assert.deepStrictEqual(fs.readdirSync(parts), [])
    })
  )

  it("replaces a symbolic link at the final name instead of following it", () => {
    const { directory, sink } = open()
    const outside = join(root, "outside.txt")
    fs.writeFileSync(outside, "untouched")
    fs.symlinkSync(outside, join(directory, "a.txt"))
    const part = sink.open({})
    part.write(bytes)
    part.finish()
    part.place("a.txt")
    assert.strictEqual(fs.readFileSync(outside, "utf8"), "untouched")
    assert.isTrue(fs.readFileSync(join(directory, "a.txt")).equals(bytes))
  })

  it("makes a directory again that somebody removed meanwhile", () => {
    const { directory, sink } = open()
    for (let round = 0; round < 2; round++) {
      const part = sink.open({})
      part.finish()
      part.place("a/b.txt")
      assert.isTrue(fs.existsSync(join(directory, "a/b.txt")))
      fs.rmSync(join(directory, "a"), { recursive: true })
    }
  })

  // a real full disk: a small file system in memory, where the system lets us mount one
  const small = join(root, "small")
  fs.mkdirSync(small)
  const mounted = (() => {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", small], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  })()
  afterAll(() => {
    if (mounted) execFileSync("umount", [small])
  })
  it.effect("tells who looks for its folder of parts why it cannot be made", () =>
    Effect.gen(function* () {
      const makePrivateDirectories = () => {
        throw Object.assign(new Error("EIO"), { code: "EIO" })
      }
      const { parts, sink } = open({ files: { ...Files.node, makePrivateDirectories } })
      const error = yield* Effect.flip(sink.sweep(new Set()))
      assert.strictEqual(error.message, `cannot look at ${parts} (ENOENT)`)
    })
  )

  it.skipIf(!mounted)("tells a full disk from other faults", () => {
    const sink = FileSink.make({ directory: small, parts: join(small, "parts"), durability: "process", hash: true })
    const part = sink.open({})
    assert.throws(() => {
      for (let i = 0; i < 300; i++) part.write(bytes)
    }, DiskFull)
    part.discard()
    assert.deepStrictEqual(fs.readdirSync(join(small, "parts")), [])
  })
})
