/**
 * Effect's `FileSystem` on a simulated disk: what a program writes obeys the disk's model of durability and its faults.
 *
 * Each operation is one step on the disk, after a virtual delay if one is set; a fiber can be pre-empted, interrupted or
 * crashed before and after it. `writeAll` and `writeFile` of more than `chunk` bytes are several writes, so a crash can
 * come between them. A directory is synced as on Linux: open it with `r`, then `sync`.
 *
 * Errors have the reasons that Node's file system gives, with the code of Linux in `cause`. Not simulated: `chown`
 * (does nothing), permissions (kept, never checked) and `watch` (dies).
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as PlatformError from "effect/PlatformError"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import { DiskError, type Handle, type SimulatedDisk, type Stat } from "./SimulatedDisk.ts"

/** How slow the file system is, and how much it writes at once. */
export interface Options {
  /** Virtual milliseconds that an operation takes, from and to; drawn from `Random` [0 to 0]. */
  readonly delayMs?: readonly [number, number]
  /** Bytes of one write at most [64 KiB]. */
  readonly chunk?: number
}

const tags: Readonly<Record<string, PlatformError.SystemErrorTag>> = {
  ENOENT: "NotFound",
  EPERM: "PermissionDenied",
  EEXIST: "AlreadyExists",
  EISDIR: "BadResource",
  ENOTDIR: "BadResource",
  EBUSY: "Busy",
  ELOOP: "BadResource"
}

const failed = (method: string, path: string | undefined) => (cause: unknown) => {
  if (!(cause instanceof DiskError)) throw cause
  return PlatformError.systemError({
    _tag: tags[cause.code] ?? "Unknown",
    module: "FileSystem",
    method,
    syscall: cause.syscall,
    description: cause.code,
    cause,
    ...(path === undefined ? {} : { pathOrDescriptor: path })
  })
}

const infoOf = (stat: Stat): FileSystem.File.Info => ({
  type: stat.type,
  mtime: Option.some(new Date(stat.mtimeMs)),
  atime: Option.some(new Date(stat.atimeMs)),
  birthtime: Option.some(new Date(stat.birthtimeMs)),
  dev: 1n,
  ino: Option.some(BigInt(stat.ino)),
  mode: stat.mode,
  nlink: Option.some(BigInt(stat.nlink)),
  uid: Option.some(0),
  gid: Option.some(0),
  rdev: Option.some(0n),
  size: ByteSize.bytes(stat.size),
  blksize: Option.some(ByteSize.bytes(4096)),
  blocks: Option.some(BigInt(Math.ceil(stat.size / 512)))
})

const negative = (method: string) =>
  Effect.fail(
    PlatformError.badArgument({ module: "FileSystem", method, description: "Cannot go before the start of the file" })
  )

const parentOf = (path: string) => path.replace(/\/+[^/]*\/*$/, "")
const join = (directory: string, name: string) => `${directory.replace(/\/+$/, "")}/${name}`
const millis = (time: Date | number) => (typeof time === "number" ? time * 1000 : time.getTime())

/** The file system of a disk. */
export const make = (disk: SimulatedDisk, options: Options = {}): FileSystem.FileSystem => {
  const { delayMs: [least, most] = [0, 0], chunk = 65_536 } = options
  if (!(chunk >= 1)) throw new RangeError(`chunk must be at least 1 byte, got ${chunk}`)
  const delay = most > 0 ? Effect.flatMap(Random.nextBetween(least, most), Effect.sleep) : undefined

  /** One step on the disk. */
  const step = <A>(
    method: string,
    path: string | undefined,
    run: () => A
  ): Effect.Effect<A, PlatformError.PlatformError> => {
    const now = Effect.try({ try: run, catch: failed(method, path) })
    return delay === undefined ? now : Effect.andThen(delay, now)
  }

  const fileOf = (handle: Handle): FileSystem.File => {
    let cursor = 0
    const { path } = handle
    const write = (buffer: Uint8Array, method: string) =>
      step(method, path, () => {
        const written = disk.write(handle, buffer.subarray(0, chunk), cursor)
        if (!handle.append) cursor += written
        return written
      })
    const writeAll = (buffer: Uint8Array): Effect.Effect<void, PlatformError.PlatformError> =>
      buffer.length === 0
        ? Effect.void
        : Effect.flatMap(write(buffer, "writeAll"), (written) => writeAll(buffer.subarray(written)))
    const read = (method: string, buffer: Uint8Array, position: bigint | undefined) =>
      position !== undefined && position < 0n
        ? negative(method)
        : step(method, path, () => {
            const count = disk.read(handle, buffer, position === undefined ? cursor : Number(position))
            if (position === undefined) cursor += count
            return count
          })
    return {
      [FileSystem.FileTypeId]: FileSystem.FileTypeId,
      stat: step("stat", path, () => infoOf(disk.statOf(handle.node))),
      sync: step("sync", path, () => disk.sync(handle)),
      seek: (offset, from) =>
        Effect.suspend(() => {
          const position = from === "start" ? Number(offset) : cursor + Number(offset)
          if (position < 0) return negative("seek")
          cursor = position
          return Effect.succeed(BigInt(position))
        }),
      read: (buffer, options) => read("read", buffer, options?.position),
      readAlloc: (size, options) =>
        Effect.suspend(() => {
          const buffer = new Uint8Array(size)
          return Effect.map(read("readAlloc", buffer, options?.position), (count) =>
            count === 0 ? Option.none() : Option.some(buffer.subarray(0, count))
          )
        }),
      truncate: (length = 0) =>
        step("truncate", path, () => {
          disk.truncate(handle, length)
          if (!handle.append) cursor = Math.min(cursor, length)
        }),
      write: (buffer) => write(buffer, "write"),
      writeAll
    }
  }

  const open: FileSystem.FileSystem["open"] = (path, options) =>
    Effect.map(
      step("open", path, () => {
        if (options?.noFollow && disk.stat(path, false).type === "SymbolicLink")
          throw new DiskError("ELOOP", "open", path)
        return disk.open(path, options?.flag, options?.mode)
      }),
      fileOf
    )

  const readFile = (path: string) =>
    step("readFile", path, () => {
      const handle = disk.open(path)
      const buffer = new Uint8Array(disk.statOf(handle.node).size)
      disk.read(handle, buffer, 0)
      return buffer
    })

  const writeFile: FileSystem.FileSystem["writeFile"] = (path, data, options) =>
    Effect.scoped(
      Effect.flatMap(
        step("writeFile", path, () => fileOf(disk.open(path, options?.flag ?? "w", options?.mode))),
        (file) => file.writeAll(data)
      )
    )

  const copyFile = (from: string, to: string) => Effect.flatMap(readFile(from), (data) => writeFile(to, data))

  const makeDirectories = (path: string, mode: number | undefined): void => {
    try {
      disk.mkdir(path, mode)
    } catch (error) {
      const code = error instanceof DiskError ? error.code : ""
      if (code === "EEXIST" && disk.stat(path).type === "Directory") return
      if (code !== "ENOENT" || parentOf(path) === path || parentOf(path) === "") throw error
      makeDirectories(parentOf(path), mode)
      disk.mkdir(path, mode)
    }
  }

  const removeTree = (path: string): void => {
    if (disk.stat(path, false).type !== "Directory") return disk.unlink(path)
    for (const { name } of disk.readdir(path)) removeTree(join(path, name))
    disk.rmdir(path)
  }

  const remove: FileSystem.FileSystem["remove"] = (path, options) =>
    step("remove", path, () => {
      try {
        if (options?.recursive) return removeTree(path)
        if (disk.stat(path, false).type === "Directory") throw new DiskError("ERR_FS_EISDIR", "rm", path)
        disk.unlink(path)
      } catch (error) {
        if (!(options?.force && error instanceof DiskError && error.code === "ENOENT")) throw error
      }
    })

  const copy: FileSystem.FileSystem["copy"] = (from, to, options) =>
    Effect.gen(function* () {
      const { type } = yield* step("copy", from, () => disk.stat(from, false))
      if (type === "File") {
        const taken = yield* Effect.option(step("copy", to, () => disk.stat(to, false)))
        if (Option.isNone(taken) || options?.overwrite) yield* copyFile(from, to)
        return
      }
      if (type === "SymbolicLink") return yield* step("copy", to, () => disk.symlink(disk.readlink(from), to))
      yield* step("copy", to, () => makeDirectories(to, undefined))
      for (const { name } of yield* step("copy", from, () => disk.readdir(from)))
        yield* copy(join(from, name), join(to, name), options)
    })

  let temporary = 0
  const makeTemporary = (
    method: string,
    options: { readonly directory?: string | undefined; readonly prefix?: string | undefined } = {}
  ) =>
    step(method, options.directory, () => {
      const directory = options.directory ?? "/tmp"
      if (options.directory === undefined) makeDirectories(directory, 0o777)
      const path = join(directory, `${options.prefix ?? ""}${(++temporary).toString(36).padStart(6, "0")}`)
      disk.mkdir(path, 0o700)
      return path
    })
  const makeTempFile: FileSystem.FileSystem["makeTempFile"] = (options) =>
    Effect.flatMap(makeTemporary("makeTempFile", options), (directory) => {
      const path = join(directory, `file${options?.suffix ?? ""}`)
      return Effect.as(writeFile(path, new Uint8Array(0)), path)
    })

  return FileSystem.make({
    access: (path) => Effect.asVoid(step("access", path, () => disk.stat(path))),
    chmod: (path, mode) => step("chmod", path, () => disk.chmod(path, mode)),
    chown: (path) => Effect.asVoid(step("chown", path, () => disk.stat(path))),
    copy,
    copyFile,
    link: (from, to) => step("link", from, () => disk.link(from, to)),
    lstat: (path) => step("lstat", path, () => infoOf(disk.stat(path, false))),
    makeDirectory: (path, options) =>
      step("makeDirectory", path, () =>
        options?.recursive ? makeDirectories(path, options.mode) : disk.mkdir(path, options?.mode)
      ),
    makeTempDirectory: (options) => makeTemporary("makeTempDirectory", options),
    makeTempDirectoryScoped: (options) =>
      Effect.acquireRelease(makeTemporary("makeTempDirectoryScoped", options), (path) =>
        Effect.orDie(remove(path, { recursive: true, force: true }))
      ),
    makeTempFile,
    makeTempFileScoped: (options) =>
      Effect.acquireRelease(makeTempFile(options), (path) =>
        Effect.orDie(remove(parentOf(path), { recursive: true, force: true }))
      ),
    open,
    readDirectory: (path, options) =>
      step("readDirectory", path, () => {
        const list = (directory: string, prefix: string): Array<string> =>
          disk
            .readdir(directory)
            .flatMap(({ name, type }) => [
              prefix + name,
              ...(options?.recursive && type === "Directory" ? list(join(directory, name), `${prefix}${name}/`) : [])
            ])
        return list(path, "")
      }),
    readDirectoryEntries: (path) => step("readDirectoryEntries", path, () => disk.readdir(path)),
    readFile,
    readLink: (path) => step("readLink", path, () => disk.readlink(path)),
    realPath: (path) => step("realPath", path, () => disk.realpath(path)),
    remove,
    rename: (from, to) => step("rename", from, () => disk.rename(from, to)),
    stat: (path) => step("stat", path, () => infoOf(disk.stat(path))),
    symlink: (target, path) => step("symlink", target, () => disk.symlink(target, path)),
    truncate: (path, length = 0) => step("truncate", path, () => disk.truncate(disk.open(path, "r+"), length)),
    utimes: (path, atime, mtime) => step("utime", path, () => disk.utimes(path, millis(atime), millis(mtime))),
    watch: () => Stream.die(new Error("FileSystem.watch is not simulated")),
    writeFile
  })
}

/** Provides the file system of a disk. */
export const layer = (disk: SimulatedDisk, options?: Options): Layer.Layer<FileSystem.FileSystem> =>
  Layer.succeed(FileSystem.FileSystem)(make(disk, options))
