import { assert, describe, it } from "@effect/vitest"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as Stream from "effect/Stream"
import { Randomness, Simulation, SimulatedDisk, SimulatedFileSystem } from "../../src/simulation/index.ts"

const withDisk = <A, E>(
  program: (fs: FileSystem.FileSystem, disk: SimulatedDisk.SimulatedDisk) => Effect.Effect<A, E>,
  options?: SimulatedFileSystem.Options
) => {
  const disk = SimulatedDisk.make()
  return program(SimulatedFileSystem.make(disk, options), disk)
}

const reason = <A>(effect: Effect.Effect<A, PlatformError.PlatformError>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => reason._tag)

describe("SimulatedFileSystem", () => {
  it.effect("reads what was written, whole, in part, as text and as a stream", () =>
    withDisk(
      Effect.fnUntraced(function* (fs) {
        yield* fs.makeDirectory("/a/b", { recursive: true })
        yield* fs.writeFileString("/a/b/c", "hello world")
        assert.strictEqual(yield* fs.readFileString("/a/b/c"), "hello world")
        assert.isTrue(yield* fs.exists("/a/b/c"))
        const parts = yield* Stream.runCollect(fs.stream("/a/b/c", { chunkSize: 4, offset: 6 }))
        assert.deepStrictEqual(
          parts.map((part) => new TextDecoder().decode(part)),
          ["worl", "d"]
        )
        yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* fs.open("/a/b/c", { flag: "r+" })
            yield* file.seek(6n, "start")
            yield* file.writeAll(new TextEncoder().encode("there"))
            yield* file.truncate(8)
            const { size, type } = yield* file.stat
            assert.strictEqual(ByteSize.toBigInt(size), 8n)
            assert.strictEqual(type, "File")
          })
        )
        assert.strictEqual(yield* fs.readFileString("/a/b/c"), "hello th")
        yield* fs.copy("/a", "/copy")
        assert.deepStrictEqual(yield* fs.readDirectory("/copy", { recursive: true }), ["b", "b/c"])
        assert.deepStrictEqual(yield* fs.glob("**/c", { root: "/" }), ["a/b/c", "copy/b/c"])
        yield* fs.remove("/copy", { recursive: true })
        assert.isFalse(yield* fs.exists("/copy"))
      })
    )
  )

  it.effect("fails for the reasons that Node's file system gives", () =>
    withDisk(
      Effect.fnUntraced(function* (fs) {
        yield* fs.makeDirectory("/d")
        yield* fs.writeFileString("/f", "x")
        yield* fs.symlink("/f", "/l")
        assert.strictEqual(yield* reason(fs.readFile("/no")), "NotFound")
        assert.strictEqual(yield* reason(fs.makeDirectory("/d")), "AlreadyExists")
        assert.strictEqual(yield* reason(fs.readFile("/d")), "BadResource")
        assert.strictEqual(yield* reason(fs.readFile("/f/x")), "BadResource")
        assert.strictEqual(yield* reason(fs.makeDirectory("/f/x/y", { recursive: true })), "BadResource")
        assert.strictEqual(yield* reason(fs.remove("/d")), "Unknown")
        assert.strictEqual(yield* reason(fs.link("/d", "/e")), "PermissionDenied")
        assert.strictEqual(yield* reason(Effect.scoped(fs.open("/l", { noFollow: true }))), "BadResource")
        const { reason: why } = yield* Effect.flip(fs.readFile("/no"))
        assert.strictEqual((why.cause as SimulatedDisk.DiskError).code, "ENOENT")
        assert.include(why.message, "/no")
      })
    )
  )

  it.effect("removes temporary files with their scope", () =>
    withDisk(
      Effect.fnUntraced(function* (fs) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const file = yield* fs.makeTempFileScoped({ suffix: ".part" })
            const directory = yield* fs.makeTempDirectoryScoped({ prefix: "x-" })
            assert.match(file, /\.part$/)
            assert.match(directory, /^\/tmp\/x-/)
            assert.lengthOf(yield* fs.readDirectory("/tmp"), 2)
          })
        )
        assert.lengthOf(yield* fs.readDirectory("/tmp"), 0)
      })
    )
  )

  it.effect("takes virtual time where a delay is set, the same for the same seed", () =>
    Effect.gen(function* () {
      const program = Effect.suspend(() =>
        withDisk((fs) => fs.writeFileString("/a", "0123456789"), { delayMs: [1, 5], chunk: 4 })
      )
      const one = yield* Simulation.assertDeterministic(program)
      // the opening and three writes
      assert.isAbove(one.elapsedMs, 4)
      assert.isBelow(one.elapsedMs, 20)
    })
  )

  it.effect("lets a crash come between the writes of one file", () =>
    Effect.gen(function* () {
      const lengths = new Set<number>()
      const { points } = yield* Simulation.sweepCrashes({
        make: (random) => SimulatedDisk.make({ random, sector: 1 }),
        crash: (disk, random) => {
          if (disk.readdir("/").length > 0) lengths.add(disk.stat("/a").size)
          disk.crash(random)
        },
        program: (disk) => SimulatedFileSystem.make(disk, { chunk: 2 }).writeFileString("/a", "012345"),
        invariants: { "the file is whole in the end": (_, disk) => disk.stat("/a").size === 6 },
        crashes: 1
      })
      assert.isAbove(points, 10)
      assert.deepStrictEqual(
        [...lengths].toSorted((a, b) => a - b),
        [0, 2, 4, 6]
      )
    })
  )

  it.effect("makes a file durable by the known recipe only: sync, rename, sync of the directory", () =>
    Effect.gen(function* () {
      const save =
        (steps: { readonly sync: boolean; readonly syncDirectory: boolean }) => (disk: SimulatedDisk.SimulatedDisk) => {
          const fs = SimulatedFileSystem.make(disk)
          const sync = (path: string) => Effect.scoped(Effect.flatMap(fs.open(path), (file) => file.sync))
          return Effect.gen(function* () {
            yield* fs.writeFileString("/a.part", "whole")
            if (steps.sync) yield* sync("/a.part")
            yield* fs.rename("/a.part", "/a")
            if (steps.syncDirectory) yield* sync("/")
          })
        }
      const isDurable = (_: void, disk: SimulatedDisk.SimulatedDisk) => {
        disk.crash(Randomness.make(disk.crashes))
        return disk.stat("/a").size === 5
      }
      const sweep = (steps: { readonly sync: boolean; readonly syncDirectory: boolean }) =>
        Simulation.sweepCrashes({
          make: (random) => SimulatedDisk.make({ random }),
          crash: (disk, random) => disk.crash(random),
          program: save(steps),
          invariants: { "the file is whole": isDurable },
          seeds: 20
        })
      yield* sweep({ sync: true, syncDirectory: true })
      assert.include(
        (yield* Effect.flip(sweep({ sync: false, syncDirectory: true }))).message,
        'the file is whole (the value is undefined, the state {"/a":0})'
      )
      assert.include((yield* Effect.flip(sweep({ sync: true, syncDirectory: false }))).message, "the file is whole")
    })
  )
})
