import * as NodeFs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Faults, Randomness, SimulatedDisk } from "../../src/simulation/index.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const textOf = (disk: SimulatedDisk.SimulatedDisk, path: string) => {
  const handle = disk.open(path)
  const buffer = new Uint8Array(disk.stat(path).size)
  disk.read(handle, buffer, 0)
  return new TextDecoder().decode(buffer)
}
const exists = (disk: SimulatedDisk.SimulatedDisk, path: string) => {
  try {
    disk.stat(path)
    return true
  } catch {
    return false
  }
}
const put = (disk: SimulatedDisk.SimulatedDisk, path: string, text: string) => {
  const handle = disk.open(path, "w")
  disk.write(handle, bytes(text), 0)
  return handle
}
const syncDirectory = (disk: SimulatedDisk.SimulatedDisk, path: string) => disk.sync(disk.open(path))

/** What `check` says of the disk over so many seeds of a crash, by how often it was said. */
const crashes = (
  seeds: number,
  prepare: (disk: SimulatedDisk.SimulatedDisk) => void,
  check: (disk: SimulatedDisk.SimulatedDisk) => string,
  sector = 4
) => {
  const seen: Record<string, number> = {}
  const struck: Partial<Record<SimulatedDisk.DiskFault, number>> = {}
  for (let seed = 1; seed <= seeds; seed++) {
    const disk = SimulatedDisk.make({ random: Randomness.make(seed), sector })
    prepare(disk)
    disk.crash()
    const said = check(disk)
    seen[said] = (seen[said] ?? 0) + 1
    Faults.add(struck, disk.faults.struck)
  }
  return { seen, struck }
}

describe("a crash of a simulated disk", () => {
  it("keeps what was synced with its name, always", () => {
    const { seen } = crashes(
      200,
      (disk) => {
        disk.sync(put(disk, "/a", "hello world"))
        syncDirectory(disk, "/")
      },
      (disk) => textOf(disk, "/a")
    )
    assert.deepStrictEqual(seen, { "hello world": 200 })
  })

  it("loses the name of a synced file in a directory that was not, sometimes", () => {
    const { seen, struck } = crashes(
      200,
      (disk) => disk.sync(put(disk, "/a", "x")),
      (disk) => (exists(disk, "/a") ? textOf(disk, "/a") : "no name")
    )
    assert.deepStrictEqual(Object.keys(seen).toSorted(), ["no name", "x"])
    assert.strictEqual(struck.unnamed, seen["no name"])
  })

  it("keeps, loses, tears and reorders bytes that were not synced", () => {
    const { seen, struck } = crashes(
      500,
      (disk) => {
        const handle = disk.open("/a", "w")
        syncDirectory(disk, "/")
        disk.write(handle, bytes("aaaabbbb"), 0)
        disk.write(handle, bytes("cccc"), 8)
      },
      (disk) => textOf(disk, "/a").replaceAll("\0", ".")
    )
    assert.deepStrictEqual(Object.keys(seen).toSorted(), [
      "",
      "........cccc",
      "....bbbb",
      "....bbbbcccc",
      "aaaa",
      "aaaa....cccc",
      "aaaabbbb",
      "aaaabbbbcccc"
    ])
    assert.isAbove(struck.lost!, 100)
    assert.isAbove(struck.torn!, 50)
  })

  it("shows a rename whole or not at all: the old file or the new one, never none", () => {
    const replace = (isSynced: boolean) =>
      crashes(
        300,
        (disk) => {
          disk.sync(put(disk, "/a", "old"))
          syncDirectory(disk, "/")
          const part = put(disk, "/a.part", "new")
          if (isSynced) disk.sync(part)
          disk.rename("/a.part", "/a")
        },
        (disk) => textOf(disk, "/a")
      ).seen
    assert.deepStrictEqual(Object.keys(replace(true)).toSorted(), ["new", "old"])
    // the classical bug: renamed into place before it was synced
    assert.deepStrictEqual(Object.keys(replace(false)).toSorted(), ["", "new", "old"])
  })

  it("brings a removed file back unless its directory was synced", () => {
    const remove = (isSynced: boolean) =>
      crashes(
        100,
        (disk) => {
          disk.sync(put(disk, "/a", "x"))
          syncDirectory(disk, "/")
          disk.unlink("/a")
          if (isSynced) syncDirectory(disk, "/")
        },
        (disk) => (exists(disk, "/a") ? "there" : "gone")
      ).seen
    assert.deepStrictEqual(Object.keys(remove(false)).toSorted(), ["gone", "there"])
    assert.deepStrictEqual(remove(true), { gone: 100 })
  })

  it("lets no earlier name come back over a later one that is durable", () => {
    const { seen } = crashes(
      300,
      (disk) => {
        disk.mkdir("/one")
        disk.mkdir("/two")
        syncDirectory(disk, "/")
        disk.sync(put(disk, "/one/a", "x"))
        disk.rename("/one/a", "/two/a")
        syncDirectory(disk, "/two")
      },
      (disk) => `${exists(disk, "/one/a")} ${exists(disk, "/two/a")}`
    )
    assert.deepStrictEqual(seen, { "false true": 300 })
  })

  it("closes what was open, and starts clean: a second crash changes nothing", () => {
    const disk = SimulatedDisk.make()
    const handle = put(disk, "/a", "x")
    disk.crash()
    assert.throws(() => disk.write(handle, bytes("y"), 0), "EBADF")
    const before = disk.readdir("/")
    for (let crash = 0; crash < 20; crash++) disk.crash()
    assert.deepStrictEqual(disk.readdir("/"), before)
  })
})

describe("faults of a simulated disk", () => {
  it("strike each kind, are counted, and leave the disk usable", () => {
    const struck: Partial<Record<SimulatedDisk.DiskFault, number>> = {}
    const faults = { enospc: 0.2, "eio-read": 0.2, "eio-write": 0.2, "eio-sync": 0.2 }
    for (let seed = 1; seed <= 50; seed++) {
      const disk = SimulatedDisk.make({ random: Randomness.make(seed), faults })
      const handle = disk.open("/a", "w+")
      let written = 0
      for (let round = 0; round < 20; round++)
        try {
          written += disk.write(handle, bytes("x"), written)
          disk.read(handle, new Uint8Array(1), 0)
          disk.sync(handle)
        } catch (error) {
          assert.instanceOf(error, SimulatedDisk.DiskError)
          assert.include(["ENOSPC", "EIO"], error.code)
        }
      assert.strictEqual(disk.stat("/a").size, written)
      Faults.add(struck, disk.faults.struck)
    }
    for (const kind of ["enospc", "eio-read", "eio-write", "eio-sync"] as const) assert.isAtLeast(struck[kind] ?? 0, 50)
  })

  it("strike where a name is made, changed or removed, and change nothing there", () => {
    let failures = 0
    for (let seed = 1; seed <= 50; seed++) {
      const disk = SimulatedDisk.make({ random: Randomness.make(seed), faults: { "eio-name": 0.5 } })
      const isDone = (run: () => unknown) => {
        const before = disk.readdir("/")
        try {
          run()
          return true
        } catch (error) {
          assert.strictEqual((error as SimulatedDisk.DiskError).code, "EIO")
          assert.deepStrictEqual(disk.readdir("/"), before)
          failures++
          return false
        }
      }
      if (isDone(() => disk.open("/a", "w")) && isDone(() => disk.rename("/a", "/b"))) isDone(() => disk.unlink("/b"))
      if (isDone(() => disk.mkdir("/c"))) isDone(() => disk.rmdir("/c"))
    }
    assert.isAtLeast(failures, 50)
  })

  it("lose what was not synced where a file is closed, which is closed all the same", () => {
    const disk = SimulatedDisk.make({ faults: { "eio-close": 1 } })
    const handle = put(disk, "/a", "x")
    disk.sync(handle)
    disk.write(handle, bytes("yz"), 1)
    assert.throws(() => disk.close(handle), "EIO")
    assert.strictEqual(textOf(disk, "/a"), "x")
    disk.close(disk.open("/a"))
  })

  it("loses at a crash what a failed sync left, though a later sync succeeded", () => {
    const disk = SimulatedDisk.make({ faults: { "eio-sync": 1 } })
    const handle = put(disk, "/a", "x")
    assert.throws(() => disk.sync(handle), "EIO")
    assert.strictEqual(textOf(disk, "/a"), "x")
    const mended = SimulatedDisk.make({ random: Randomness.make(1), faults: { "eio-sync": 0.5 } })
    const file = mended.open("/a", "w")
    for (let isNamed = false; !isNamed;)
      try {
        syncDirectory(mended, "/")
        isNamed = true
      } catch {}
    mended.write(file, bytes("x"), 0)
    let failures = 0
    for (;;)
      try {
        mended.sync(file)
        break
      } catch {
        failures++
      }
    mended.crash()
    assert.strictEqual(textOf(mended, "/a"), failures > 0 ? "" : "x")
  })

  it("says of a sync that lies that it was done, and forgets what it was about where power is lost before another", () => {
    const seen: Record<string, number> = {}
    for (let seed = 1; seed <= 200; seed++) {
      const disk = SimulatedDisk.make({ random: Randomness.make(seed), faults: { "lying-sync": 0.5 } })
      const handle = put(disk, "/a", "x")
      disk.sync(handle)
      syncDirectory(disk, "/")
      const lies = disk.faults.struck["lying-sync"] ?? 0
      disk.crash()
      const told = `${lies} lies: ${exists(disk, "/a") ? textOf(disk, "/a") || "empty" : "gone"}`
      seen[told] = (seen[told] ?? 0) + 1
    }
    assert.sameMembers(Object.keys(seen), [
      "0 lies: x",
      "1 lies: x",
      "1 lies: gone",
      "1 lies: empty",
      "2 lies: x",
      "2 lies: gone",
      "2 lies: empty"
    ])
    const disk = SimulatedDisk.make({ random: Randomness.make(3), faults: { "lying-sync": 0.5 } })
    const handle = put(disk, "/a", "x")
    // each says that it was done; one of so many was
    for (let round = 0; round < 50; round++) {
      disk.sync(handle)
      syncDirectory(disk, "/")
    }
    disk.crash()
    assert.strictEqual(textOf(disk, "/a"), "x")
  })

  it("strike where names are looked at, and leave them as they are", () => {
    const disk = SimulatedDisk.make({ faults: { "eio-look": 1 } })
    put(disk, "/a", "x")
    assert.throws(() => disk.stat("/a"), "EIO: stat '/a'")
    assert.throws(() => disk.stat("/a", false), "EIO: lstat '/a'")
    assert.throws(() => disk.readdir("/"), "EIO: scandir '/'")
    assert.throws(() => disk.find("/none"), "EIO: stat '/none'")
    assert.strictEqual(disk.faults.struck["eio-look"], 4)
    assert.deepStrictEqual([...disk.contents()], [["/a", bytes("x")]])
  })

  it("leave a file both names of a rename that was not durable, and a rename to the other changes nothing", () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 100; seed++) {
      const disk = SimulatedDisk.make({ random: Randomness.make(seed), faults: { doubled: 0.5 } })
      disk.mkdir("/d")
      syncDirectory(disk, "/")
      disk.sync(put(disk, "/a", "x"))
      if (seed % 2 === 0) syncDirectory(disk, "/")
      disk.rename("/a", "/d/b")
      disk.crash()
      const names = [...disk.contents().keys()].toSorted()
      // one that was never durable is not left
      assert.strictEqual(disk.faults.struck.doubled ?? 0, names.length === 2 ? 1 : 0)
      seen.add(names.join(" "))
      if (names.length < 2) continue
      assert.strictEqual(disk.stat("/a").ino, disk.stat("/d/b").ino)
      disk.rename("/a", "/d/b")
      assert.strictEqual(disk.contents().size, 2)
    }
    assert.sameMembers([...seen], ["", "/a", "/d/b", "/a /d/b"])
  })

  it("takes what fits on a full disk, then none", () => {
    const disk = SimulatedDisk.make({ capacity: 5 })
    const handle = disk.open("/a", "w")
    assert.strictEqual(disk.write(handle, bytes("1234567"), 0), 5)
    assert.throws(() => disk.write(handle, bytes("6"), 5), "ENOSPC")
    assert.strictEqual(disk.write(handle, bytes("x"), 0), 1)
    disk.unlink("/a")
    disk.write(disk.open("/b", "w"), bytes("54321"), 0)
    assert.strictEqual(disk.faults.struck.enospc, 2)
  })
})

describe("a simulated disk without a crash", () => {
  const names = ["a", "b", "d", "d/x", "d/y", "d/e", "d/e/z", "l", "d/l"]

  /** One random operation, done by either side; it says what it came to. */
  type Operation = (side: Side) => unknown
  interface Side {
    readonly fs: Pick<
      typeof NodeFs,
      "mkdirSync" | "rmdirSync" | "unlinkSync" | "renameSync" | "linkSync" | "symlinkSync"
    >
    readonly path: (name: string) => string
    readonly write: (path: string, flag: SimulatedDisk.OpenFlag, text: string, position: number) => unknown
    readonly read: (path: string) => string
    readonly truncate: (path: string, length: number) => void
    readonly list: (path: string) => ReadonlyArray<string>
    readonly kind: (path: string, follow: boolean) => unknown
    readonly readlink: (path: string) => string
    readonly realpath: (path: string) => string
  }

  const operation = (random: Randomness.Randomness): readonly [string, Operation] => {
    const one = <A>(items: ReadonlyArray<A>): A => items[Randomness.below(random, items.length)]!
    const name = one(names)
    const other = one(names)
    const flag = one(["r+", "w", "wx", "w+", "wx+", "a", "ax", "a+"] as const)
    const text = "0123456789".slice(0, Randomness.below(random, 10))
    const number = Randomness.below(random, 20)
    const target = one(["a", "d", "nowhere", "e", "l", "../a"])
    return one([
      [`write ${name} ${flag} ${text} ${number}`, ({ write, path }) => write(path(name), flag, text, number)],
      [`write ${name} ${flag} ${text} ${number}`, ({ write, path }) => write(path(name), flag, text, number)],
      [`read ${name}`, ({ read, path }) => read(path(name))],
      [`truncate ${name} ${number}`, ({ truncate, path }) => truncate(path(name), number)],
      [`mkdir ${name}`, ({ fs, path }) => fs.mkdirSync(path(name))],
      [`mkdir ${name}`, ({ fs, path }) => fs.mkdirSync(path(name))],
      [`rmdir ${name}`, ({ fs, path }) => fs.rmdirSync(path(name))],
      [`unlink ${name}`, ({ fs, path }) => fs.unlinkSync(path(name))],
      [`rename ${name} ${other}`, ({ fs, path }) => fs.renameSync(path(name), path(other))],
      [`rename ${name} ${other}`, ({ fs, path }) => fs.renameSync(path(name), path(other))],
      [`link ${name} ${other}`, ({ fs, path }) => fs.linkSync(path(name), path(other))],
      [`symlink ${target} ${name}`, ({ fs, path }) => fs.symlinkSync(target, path(name))],
      [`list ${name}`, ({ list, path }) => list(path(name))],
      [`stat ${name}`, ({ kind, path }) => kind(path(name), true)],
      [`lstat ${name}`, ({ kind, path }) => kind(path(name), false)],
      [`readlink ${name}`, ({ readlink, path }) => readlink(path(name))],
      [`realpath ${name}`, ({ realpath, path }) => realpath(path(name))]
    ] as ReadonlyArray<readonly [string, Operation]>)
  }

  const realSide = (directory: string): Side => ({
    fs: NodeFs,
    path: (name) => join(directory, "r", name),
    write: (path, flag, text, position) => {
      const descriptor = NodeFs.openSync(path, flag)
      try {
        return NodeFs.writeSync(descriptor, bytes(text), 0, text.length, flag.startsWith("a") ? null : position)
      } finally {
        NodeFs.closeSync(descriptor)
      }
    },
    read: (path) => NodeFs.readFileSync(path, "utf8"),
    truncate: (path, length) => {
      const descriptor = NodeFs.openSync(path, "r+")
      try {
        NodeFs.ftruncateSync(descriptor, length)
      } finally {
        NodeFs.closeSync(descriptor)
      }
    },
    list: (path) => NodeFs.readdirSync(path).toSorted(),
    kind: (path, follow) => {
      const stat = follow ? NodeFs.statSync(path) : NodeFs.lstatSync(path)
      if (stat.isDirectory()) return "Directory"
      return `${stat.isFile() ? "File" : "SymbolicLink"} ${stat.size} ${stat.nlink}`
    },
    readlink: (path) => NodeFs.readlinkSync(path),
    realpath: (path) => NodeFs.realpathSync.native(path).slice(NodeFs.realpathSync(directory).length)
  })

  const simulatedSide = (disk: SimulatedDisk.SimulatedDisk): Side => ({
    fs: {
      mkdirSync: (path: string) => disk.mkdir(path),
      rmdirSync: (path: string) => disk.rmdir(path),
      unlinkSync: (path: string) => disk.unlink(path),
      renameSync: (from: string, to: string) => disk.rename(from, to),
      linkSync: (from: string, to: string) => disk.link(from, to),
      symlinkSync: (target: string, path: string) => disk.symlink(target, path)
    } as never,
    path: (name) => `/r/${name}`,
    write: (path, flag, text, position) => disk.write(disk.open(path, flag), bytes(text), position),
    read: (path) => textOf(disk, path),
    truncate: (path, length) => disk.truncate(disk.open(path, "r+"), length),
    list: (path) =>
      disk
        .readdir(path)
        .map(({ name }) => name)
        .toSorted(),
    kind: (path, follow) => {
      const { type, size, nlink } = disk.stat(path, follow)
      return type === "Directory" ? type : `${type} ${size} ${nlink}`
    },
    readlink: (path) => disk.readlink(path),
    realpath: (path) => disk.realpath(path)
  })

  const outcome = (run: () => unknown): string => {
    try {
      return `= ${JSON.stringify(run())}`
    } catch (error) {
      return `! ${(error as { readonly code?: string }).code}`
    }
  }

  it("tells of a name that is not there without a throw", () => {
    const disk = SimulatedDisk.make()
    put(disk, "/a", "x")
    disk.symlink("/none", "/link")
    assert.strictEqual(disk.find("/a")?.size, 1)
    for (const path of ["/none", "/none/a", "/link"]) assert.isUndefined(disk.find(path))
    assert.strictEqual(disk.find("/link", false)?.type, "SymbolicLink")
    assert.throws(() => disk.find("/a/b"), "ENOTDIR: stat '/a/b'")
  })

  it("behaves as the real file system, on random operations", () => {
    const seen = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const random = Randomness.make(seed)
      const directory = NodeFs.mkdtempSync(join(tmpdir(), "simul-disk-"))
      try {
        const real = realSide(directory)
        const simulated = simulatedSide(SimulatedDisk.make())
        // one level down, so that `..` stays within
        for (const { fs, path } of [real, simulated]) fs.mkdirSync(path(""))
        const trace: Array<string> = []
        for (let step = 0; step < 120; step++) {
          const [name, run] = operation(random)
          const expected = outcome(() => run(real))
          trace.push(`${name} ${expected}`)
          assert.strictEqual(
            outcome(() => run(simulated)),
            expected,
            `seed ${seed}\n${trace.join("\n")}`
          )
          seen.add(`${name.split(" ")[0]} ${expected.startsWith("!") ? expected : "="}`)
        }
      } finally {
        NodeFs.rmSync(directory, { recursive: true, force: true })
      }
    }
    // every operation both succeeded and failed
    for (const name of ["write", "read", "mkdir", "rmdir", "unlink", "rename", "link", "symlink", "list", "stat"])
      assert.isTrue(seen.has(`${name} =`) && [...seen].some((entry) => entry.startsWith(`${name} !`)), name)
  })
})
