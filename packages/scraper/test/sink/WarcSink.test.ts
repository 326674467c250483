import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { execFileSync } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { setImmediate as turn } from "node:timers/promises"
import type { ResponseHead } from "../../src/Session.ts"
import { type Archive, DiskFull, type Part, type Sink } from "../../src/Sink.ts"
import { mend, originalAt } from "../../src/sink/ArchiveFile.ts"
import { recorded } from "../../src/sink/Recorded.ts"
import * as RecordLocation from "../../src/sink/RecordLocation.ts"
import * as WarcSink from "../../src/sink/WarcSink.ts"
import { initial } from "../../src/store/migrations.ts"
import * as NodeSqlite from "../../src/store/NodeSqlite.ts"
import * as SqlCaptures from "../../src/store/SqlCaptures.ts"
import * as Cdxj from "../../src/warc/Cdxj.ts"
import { recordsIn } from "../warc/recordsIn.ts"
import * as Folders from "../Folders.ts"
import { replaced } from "../Replaced.ts"

const { root, folder: unmade } = Folders.make("warc-sink")
const folder = () => {
  const directory = unmade()
  fs.mkdirSync(directory)
  return directory
}

const headOf = (name: string): ResponseHead => ({
  status: 200,
  url: `http://host/${name}`,
  header: () => undefined,
  reason: "Fine",
  fields: () => [
    ["Content-Type", "text/plain"],
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=2"]
  ]
})
const make = (directory: string, further: Partial<WarcSink.WarcSinkOptions> = {}) =>
  WarcSink.make({
    directory,
    parts: join(directory, ".simul", "parts"),
    durability: "process",
    hash: true,
    archives: [],
    announce: () => Effect.void,
    captured: () => Effect.succeed(new Map()),
    about: [["software", "test"]],
    archiveBytes: 1 << 30,
    ...further
  })
const write = (
  sink: Sink["Service"],
  name: string,
  body: Uint8Array
): { readonly key: string; readonly part: Part } => {
  const part = sink.open({ head: headOf(name) })
  part.write(body)
  const { bytes, sha256 } = part.finish()
  assert.strictEqual(bytes, body.length)
  assert.strictEqual(sha256, createHash("sha256").update(body).digest("hex"))
  return { key: part.place(name), part }
}
/** Bytes that do not compress. */
const noise = (length: number, seed: number) => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 32)
    createHash("sha256")
      .update(`${seed} ${at}`)
      .digest()
      .copy(bytes, at, 0, Math.min(32, length - at))
  return bytes
}
const archivesIn = (directory: string) =>
  fs
    .readdirSync(directory)
    .filter((name) => name.endsWith(".gz"))
    .toSorted()

describe("WarcSink", () => {
  it.effect("tells what it holds in memory: the bodies of answers that are no target's, until they are written", () =>
    Effect.gen(function* () {
      const sink = yield* make(folder())
      write(sink, "a", noise(100, 1))
      sink.note({ head: headOf("b"), dateMs: 0, body: noise(10, 2) })
      assert.strictEqual(sink.held(), 10)
      yield* sink.sync()
      assert.strictEqual(sink.held(), 0)
    })
  )

  it.effect("lets others have their turns while it writes what is small", () =>
    Effect.gen(function* () {
      const sink = yield* make(folder())
      for (let index = 0; index < 80; index++) write(sink, `${index}`, noise(100, index))
      let turns = 0
      const turn = () => {
        turns++
        next = setImmediate(turn)
      }
      let next = setImmediate(turn)
      yield* sink.sync()
      clearImmediate(next)
      assert.isAtLeast(turns, 10)
    })
  )

  it.effect("has a payload archived once more where nobody can read the record that has it", () =>
    Effect.gen(function* () {
      const known = new Map<string, RecordLocation.RecordLocation>()
      const sink = yield* make(folder(), { captured: () => Effect.succeed(known) })
      const placed = Effect.fnUntraced(function* (name: string) {
        const { key } = write(sink, name, Buffer.from("body"))
        const { placed, captures } = yield* sink.sync()
        for (const { digest, ...location } of captures) if (!known.has(digest)) known.set(digest, location)
        return placed.get(key)!
      })
      const first = yield* placed("a")
      assert.strictEqual(yield* placed("b"), first)
      sink.own(first)
      assert.notStrictEqual(yield* placed("a"), first)
    })
  )

  it.effect("refers to the record that was archived in place of one that nobody could read, in later runs too", () =>
    Effect.gen(function* () {
      const directory = folder()
      const known = SqlCaptures.make(yield* NodeSqlite.make({ file: ":memory:", synchronous: "NORMAL", initial }))
      let archives: ReadonlyArray<Archive> = []
      const run = (name: string, unreadable?: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            const sink = yield* make(directory, {
              archives,
              captured: (digests) => Effect.orDie(known.originals(digests))
            })
            if (unreadable !== undefined) sink.own(unreadable)
            const { key } = write(sink, name, Buffer.from("body"))
            const synced = yield* sink.sync()
            archives = synced.archives
            yield* known.add(synced.captures)
            return synced.placed.get(key)!
          })
        )
      const first = yield* run("a")
      const second = yield* run("a", first)
      assert.notStrictEqual(second, first)
      assert.strictEqual(yield* run("b"), second)
    })
  )

  it.effect("tells places only when synced, keeps fields in their order, and leaves no part", () =>
    Effect.gen(function* () {
      const directory = folder()
      const sink = yield* make(directory)
      const { key } = write(sink, "a", Buffer.from("body"))
      assert.deepStrictEqual(archivesIn(directory), [])
      const { placed, failed, archives } = yield* sink.sync()
      assert.strictEqual(failed.size, 0)
      const path = placed.get(key)!
      assert.isTrue(sink.holds(path, 4))
      assert.isUndefined(
        yield* recorded(directory, path, { bytes: 4, sha256: createHash("sha256").update("body").digest("hex") })
      )
      const [, response] = yield* Effect.promise(() => recordsIn(join(directory, "simul-00000.warc.gz")))
      assert.strictEqual(
        response!.head,
        "HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n\r\n"
      )
      const size = fs.statSync(join(directory, "simul-00000.warc.gz")).size
      assert.deepStrictEqual(archives, [{ name: "simul-00000.warc.gz", bytes: size }])
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
      assert.deepStrictEqual((yield* sink.sync()).archives, [])
    })
  )

  it.effect("takes what is cut for none of the whole payloads that have the same bytes", () =>
    Effect.gen(function* () {
      const directory = folder()
      const sink = yield* make(directory)
      const abandon = (name: string) => {
        const part = sink.open({ head: headOf(name) })
        part.write(Buffer.from("body"))
        part.abandon("disconnect")
      }
      abandon("before")
      const { key } = write(sink, "whole", Buffer.from("body"))
      abandon("after")
      const { placed } = yield* sink.sync()
      const [, ...answers] = yield* Effect.promise(() => recordsIn(join(directory, "simul-00000.warc.gz")))
      assert.deepStrictEqual(
        answers.map(({ type, field, payload }) => [type, field("WARC-Truncated"), payload.toString()]),
        [
          ["response", "disconnect", "body"],
          ["response", undefined, "body"],
          ["response", "disconnect", "body"]
        ]
      )
      assert.isDefined(placed.get(key))
      assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
    })
  )

  it.effect("begins another archive when one is full, each with its warcinfo, announced before it is there", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.writeFileSync(join(directory, "simul-00001.warc.gz"), "foreign")
      const announced: Array<string> = []
      const sink = yield* make(directory, {
        archiveBytes: 4000,
        announce: (name) =>
          Effect.sync(() => {
            assert.isFalse(fs.existsSync(join(directory, name)))
            announced.push(name)
          })
      })
      const keys = Array.from({ length: 10 }, (_, index) => write(sink, `${index}`, noise(2000, index)).key)
      const { placed, archives } = yield* sink.sync()
      const places = keys.map((key) => RecordLocation.fromPath(placed.get(key)!)!.archive)
      const names = [
        "simul-00000.warc.gz",
        "simul-00002.warc.gz",
        "simul-00003.warc.gz",
        "simul-00004.warc.gz",
        "simul-00005.warc.gz"
      ]
      assert.deepStrictEqual(announced, names)
      assert.deepStrictEqual([...new Set(places)], names)
      assert.deepStrictEqual(
        archives,
        names.map((name): Archive => ({ name, bytes: fs.statSync(join(directory, name)).size }))
      )
      for (const name of names) {
        const records = yield* Effect.promise(() => recordsIn(join(directory, name)))
        assert.deepStrictEqual(
          records.map(({ type }) => type),
          ["warcinfo", ...places.filter((place) => place === name).map(() => "response")]
        )
      }
      assert.strictEqual(fs.readFileSync(join(directory, "simul-00001.warc.gz"), "utf8"), "foreign")
    })
  )

  it.effect("goes on where it stopped when the disk has room again", () =>
    Effect.gen(function* () {
      const directory = folder()
      let full = 2
      const sink = yield* make(directory, {
        archiveBytes: 1,
        // every second archive finds no room at first
        announce: (name) =>
          Effect.suspend(() => (full++ % 2 === 1 ? Effect.fail(new DiskFull({ path: name })) : Effect.void))
      })
      const bodies = [0, 1, 2].map((index) => noise(3000, index))
      const keys = bodies.map((body, index) => write(sink, `${index}`, body).key)
      const syncing = sink.sync()
      assert.strictEqual((yield* Effect.flip(syncing))._tag, "DiskFull")
      // placed meanwhile: for the next commit
      const late = write(sink, "late", noise(10, 9)).key
      let synced = yield* Effect.option(syncing)
      while (synced._tag === "None") synced = yield* Effect.option(syncing)
      const { placed } = synced.value
      assert.deepStrictEqual([...placed.keys()], keys)
      for (const [index, key] of keys.entries()) {
        const expected = { bytes: 3000, sha256: createHash("sha256").update(bodies[index]!).digest("hex") }
        assert.isUndefined(yield* recorded(directory, placed.get(key)!, expected))
      }
      full = 2
      assert.deepStrictEqual([...(yield* sink.sync()).placed.keys()], [late])
      const records = yield* Effect.promise(() =>
        Promise.all(archivesIn(directory).map((name) => recordsIn(join(directory, name))))
      )
      assert.deepStrictEqual(
        records.flat().flatMap((record) => record.field("WARC-Target-URI") ?? []),
        ["0", "1", "2", "late"].map((name) => `http://host/${name}`)
      )
    })
  )

  for (const length of [1000, 3_000_000])
    it.effect(`fails a body of ${length} bytes whose part is gone, alone, and leaves nothing of it`, () =>
      Effect.gen(function* () {
        const directory = folder()
        const sink = yield* make(directory)
        const before = write(sink, "before", noise(100, 1))
        const lost = write(sink, "lost", noise(length, 2))
        const after = write(sink, "after", noise(100, 3))
        const parts = join(directory, ".simul", "parts")
        const file = fs.readdirSync(parts).find((name) => fs.statSync(join(parts, name)).size === length)!
        fs.rmSync(join(parts, file))
        const { placed, failed } = yield* sink.sync()
        assert.deepStrictEqual([...placed.keys()], [before.key, after.key])
        assert.strictEqual(failed.get(lost.key)?._tag, "WriteError")
        const records = yield* Effect.promise(() => recordsIn(join(directory, "simul-00000.warc.gz")))
        assert.deepStrictEqual(
          records.map((record) => record.field("WARC-Target-URI")),
          [undefined, "http://host/before", "http://host/after"]
        )
      })
    )

  /** Until the scope ends, opening a part meets one of these codes after the other, and nothing more. */
  const meets = (codes: Array<string>) => {
    const builtin = process.getBuiltinModule("node:fs")
    const { promises, readFileSync } = builtin
    const { open } = promises
    const meet = (path: unknown) => {
      const code = String(path).includes("/parts/") ? codes.shift() : undefined
      if (code !== undefined) throw Object.assign(new Error(code), { code })
    }
    const read = ((...args: Parameters<typeof readFileSync>) => {
      meet(args[0])
      return readFileSync(...args)
    }) as typeof readFileSync
    const opened: typeof open = async (...args) => {
      meet(args[0])
      return open(...args)
    }
    return Effect.andThen(replaced(builtin, { readFileSync: read }), replaced(promises, { open: opened }))
  }

  for (const length of [1000, 1_100_000])
    it.effect(`waits some seconds where no file can be opened to archive a body of ${length} bytes, not for each`, () =>
      Effect.gen(function* () {
        const directory = folder()
        const sink = yield* make(directory)
        const codes: Array<string> = []
        yield* meets(codes)
        /** What is told of so many bodies whose parts meet these codes. */
        const failed = Effect.fnUntraced(function* (count: number, further: ReadonlyArray<string>) {
          codes.splice(0, codes.length, ...further)
          const keys = Array.from({ length: count }, (_, index) => write(sink, `${index}`, randomBytes(length)).key)
          const syncing = yield* Effect.forkChild(sink.sync())
          while (syncing.pollUnsafe() === undefined) {
            yield* Effect.promise(() => turn())
            yield* TestClock.adjust("1 second")
          }
          const { failed, placed } = yield* Fiber.join(syncing)
          assert.strictEqual(placed.size + failed.size, count)
          assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
          return keys.flatMap((key) => failed.get(key)?.code ?? [])
        })
        assert.deepStrictEqual(yield* failed(1, ["EMFILE", "ENFILE"]), [])
        assert.deepStrictEqual(yield* failed(1, ["EMFILE", "EIO"]), ["EIO"])
        const always = (length: number) => Array.from({ length }, () => "EMFILE")
        assert.deepStrictEqual(yield* failed(10, always(100)), always(10))
        // the first was tried five times more
        assert.strictEqual(codes.length, 100 - 15)
      })
    )

  it.effect("loses nothing where too many files are open for a moment to sync the folder of archives", () =>
    Effect.gen(function* () {
      const directory = folder()
      const sink = yield* make(directory, { durability: "power" })
      const { key } = write(sink, "a", noise(100, 1))
      let opened = 0
      const { promises } = process.getBuiltinModule("node:fs")
      const { open } = promises
      yield* replaced(promises, {
        open: async (...args) => {
          if (args[0] === directory && opened++ === 0) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" })
          return open(...args)
        }
      })
      const syncing = yield* Effect.forkChild(sink.sync())
      while (syncing.pollUnsafe() === undefined) {
        yield* Effect.promise(() => turn())
        yield* TestClock.adjust("1 second")
      }
      const { placed } = yield* Fiber.join(syncing)
      assert.deepStrictEqual([[...placed.keys()], opened], [[key], 2])
    })
  )

  /** Until the scope ends, files that are opened do this, and then tell one of these codes after the other, `""` that all is well. */
  const tells = (call: "close" | "datasync", codes: Array<string>) => {
    const { promises } = process.getBuiltinModule("node:fs")
    const { open } = promises
    const opened: typeof open = async (...args) => {
      const handle = await open(...args)
      const done = handle[call].bind(handle)
      const told = async () => {
        await done()
        const code = codes.shift()
        if (code) throw Object.assign(new Error(code), { code })
      }
      return Object.assign(handle, { [call]: told })
    }
    return replaced(promises, { open: opened })
  }

  for (const [durability, call] of [
    ["process", "close"],
    ["power", "datasync"]
  ] as const)
    for (const code of ["EIO", "ENOSPC"])
      it.effect(`saves nothing of which ${call} tells ${code}, and goes on in the next archive`, () =>
        Effect.gen(function* () {
          const directory = folder()
          const codes: Array<string> = []
          yield* tells(call, codes)
          const sink = yield* make(directory, { durability })
          const before = write(sink, "before", noise(100, 1))
          const committed = yield* sink.sync()
          assert.isTrue(committed.placed.has(before.key))
          const after = write(sink, "after", noise(100, 2))
          codes.push(code)
          const first = yield* Effect.result(sink.sync())
          assert.strictEqual(fs.statSync(join(directory, "simul-00000.warc.gz")).size, committed.archives[0]!.bytes)
          const told = Result.isFailure(first) ? first.failure._tag : first.success.failed.get(after.key)?.code
          assert.strictEqual(told, code === "EIO" ? "EIO" : "DiskFull")
          const again = code === "EIO" ? write(sink, "after", noise(100, 2)) : after
          const { placed, archives } = yield* sink.sync()
          assert.deepStrictEqual([...placed.keys()], [again.key])
          assert.deepStrictEqual(
            archives.map(({ name }) => name),
            ["simul-00001.warc.gz"]
          )
          const records = yield* Effect.promise(() => recordsIn(join(directory, "simul-00001.warc.gz")))
          assert.deepStrictEqual(
            records.map((record) => record.field("WARC-Target-URI")),
            [undefined, "http://host/after"]
          )
          assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])
        })
      )

  it.effect("cuts all archives back to what is committed where the last of several could not be closed", () =>
    Effect.gen(function* () {
      const directory = folder()
      const codes: Array<string> = []
      yield* tells("close", codes)
      const sink = yield* make(directory, { archiveBytes: 4000 })
      write(sink, "before", noise(2000, 1))
      const { archives } = yield* sink.sync()
      const after = [2, 3, 4].map((seed) => write(sink, `${seed}`, noise(2000, seed)).key)
      codes.push("", "EIO")
      assert.deepStrictEqual([...(yield* sink.sync()).failed.keys()], after)
      assert.deepStrictEqual(
        archivesIn(directory).map((name) => ({ name, bytes: fs.statSync(join(directory, name)).size })),
        archives
      )
    })
  )

  it.effect("goes on in the next archive where the one at hand is moved away between two commits", () =>
    Effect.gen(function* () {
      const directory = folder()
      const sink = yield* make(directory)
      write(sink, "before", noise(100, 1))
      yield* sink.sync()
      const archive = join(directory, "simul-00000.warc.gz")
      const { size } = fs.statSync(archive)
      fs.renameSync(archive, join(directory, "moved"))
      const { key } = write(sink, "after", noise(100, 2))
      const { placed } = yield* sink.sync()
      assert.strictEqual(RecordLocation.fromPath(placed.get(key)!)?.archive, "simul-00001.warc.gz")
      assert.strictEqual(fs.statSync(join(directory, "moved")).size, size)
    })
  )

  it.effect("goes on in the last archive, cut back to its committed length, unless it lost bytes", () =>
    Effect.gen(function* () {
      const directory = folder()
      const name = "simul-00000.warc.gz"
      const file = join(directory, name)
      const run = (archives: ReadonlyArray<Archive>, url: string) =>
        Effect.scoped(
          Effect.gen(function* () {
            mend(directory, archives)
            const sink = yield* make(directory, { archives })
            write(sink, url, noise(500, 1))
            return (yield* sink.sync()).archives
          })
        )
      const first = yield* run([], "first")
      yield* run(first, "uncommitted")
      const second = yield* run(first, "second")
      const records = yield* Effect.promise(() => recordsIn(file))
      assert.deepStrictEqual(
        records.map((record) => record.field("WARC-Target-URI")),
        [undefined, "http://host/first", "http://host/second"]
      )
      fs.truncateSync(file, second[0]!.bytes - 1)
      assert.deepStrictEqual(
        (yield* run(second, "third")).map((archive) => archive.name),
        ["simul-00001.warc.gz"]
      )
      assert.strictEqual(fs.statSync(file).size, second[0]!.bytes - 1)
    })
  )

  it.effect("cuts an archive back to what is committed, wherever in its last record a kill left it", () =>
    Effect.gen(function* () {
      const directory = folder()
      const file = join(directory, "simul-00000.warc.gz")
      const sink = yield* make(directory)
      write(sink, "committed", noise(50, 1))
      const { archives } = yield* sink.sync()
      const committed = fs.readFileSync(file)
      write(sink, "lost", noise(50, 2))
      yield* sink.sync()
      const whole = fs.readFileSync(file)
      assert.isAbove(whole.length, committed.length)
      for (let length = committed.length; length <= whole.length; length++) {
        fs.writeFileSync(file, whole.subarray(0, length))
        mend(directory, archives)
        assert.isTrue(fs.readFileSync(file).equals(committed), `cut to ${length}`)
      }
    })
  )

  it.effect("goes on beyond 4 GiB, and finds again what lies there", () =>
    Effect.gen(function* () {
      const directory = folder()
      const archive = { name: "simul-00000.warc.gz", bytes: 2 ** 32 + 7 }
      // a hole, which takes no room
      fs.writeFileSync(join(directory, archive.name), "")
      fs.truncateSync(join(directory, archive.name), archive.bytes)
      const sink = yield* make(directory, { archives: [archive], archiveBytes: 2 ** 33 })
      const body = Buffer.from("body")
      const { key } = write(sink, "far", body)
      const { placed, archives, captures } = yield* sink.sync()
      const path = placed.get(key)!
      assert.deepStrictEqual(RecordLocation.fromPath(path), {
        archive: archive.name,
        offset: archive.bytes,
        length: captures[0]!.length
      })
      assert.strictEqual(archives[0]!.bytes, fs.statSync(join(directory, archive.name)).size)
      const sha256 = createHash("sha256").update(body).digest("hex")
      assert.isUndefined(yield* recorded(directory, path, { bytes: 4, sha256 }))
      const lines = new Cdxj.Lines()
      assert.include(lines.add(captures) + lines.end(), '"offset": "4294967303"')
      // and as what a later payload is a revisit of
      const original = yield* Effect.promise(() => originalAt(directory, RecordLocation.fromPath(path)!))
      assert.strictEqual(original?.targetUri, "http://host/far")
    })
  )

  // a real full disk: a small file system in memory, where the system lets us mount one
  const small = join(root, "small")
  const mount = (...options: ReadonlyArray<string>) => {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", options.join(","), "tmpfs", small], { stdio: "ignore" })
      return true
    } catch {
      return false
    }
  }
  fs.mkdirSync(small)
  const mounted = mount("size=1m")
  afterAll(() => {
    if (mounted) execFileSync("umount", [small])
  })
  it.effect.skipIf(!mounted)("takes back half a record when the disk is full, and writes it once there is room", () =>
    Effect.gen(function* () {
      const sink = yield* make(small)
      const body = noise(600_000, 1)
      const early = write(sink, "early", noise(100, 2)).key
      const { key } = write(sink, "large", body)
      const syncing = sink.sync()
      const error = yield* Effect.flip(syncing)
      assert.strictEqual(error._tag, "DiskFull")
      const records = yield* Effect.promise(() => recordsIn(join(small, "simul-00000.warc.gz")))
      assert.strictEqual(records.length, 2)
      assert.isTrue(mount("remount", "size=4m"))
      const { placed } = yield* syncing
      assert.deepStrictEqual([...placed.keys()], [early, key])
      const sha256 = createHash("sha256").update(body).digest("hex")
      assert.isUndefined(yield* recorded(small, placed.get(key)!, { bytes: body.length, sha256 }))
    })
  )

  it("removes an archive of which nothing is committed, also where a kill left it empty", () => {
    const directory = folder()
    const name = "simul-00000.warc.gz"
    for (const bytes of ["", "begun"]) {
      fs.writeFileSync(join(directory, name), bytes)
      mend(directory, [{ name, bytes: 0 }])
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    }
  })

  it("mends through no symbolic link and under no other name", () => {
    const directory = folder()
    const outside = join(folder(), "outside")
    fs.writeFileSync(outside, "outside")
    fs.symlinkSync(outside, join(directory, "simul-00000.warc.gz"))
    fs.writeFileSync(join(directory, "other.warc.gz"), "other")
    mend(directory, [
      { name: "simul-00000.warc.gz", bytes: 1 },
      { name: "other.warc.gz", bytes: 0 },
      { name: "../other.warc.gz", bytes: 0 }
    ])
    assert.strictEqual(fs.readFileSync(outside, "utf8"), "outside")
    assert.strictEqual(fs.readFileSync(join(directory, "other.warc.gz"), "utf8"), "other")
  })
})
