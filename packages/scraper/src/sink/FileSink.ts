/**
 * Bodies as files below a directory.
 *
 * 1. A part lies in `.simul/parts` until it is complete, then rename(2) moves it:
 *    a final name never shows a partial file.
 * 2. Nothing is written outside the directory, or through a symbolic link below it.
 * 3. With `power`, files are synced before they are renamed and their directories
 *    after, in groups, before the commit of their outcomes.
 */
import * as Effect from "effect/Effect"
import { createHash, hash, type Hash } from "node:crypto"
import * as fs from "node:fs"
import { open as openFile } from "node:fs/promises"
import { join } from "node:path"
import { WriteError } from "../FetchError.ts"
import { DiskFull, type Part, type Sink } from "../Sink.ts"

export interface FileSinkOptions {
  readonly directory: string
  /** Where part files grow; on the same file system as `directory`. */
  readonly parts: string
  readonly durability: "process" | "power"
  readonly hash: boolean
}

const chunkSize = 1 << 20

const nameOf = (key: string) => `${hash("sha256", key, "hex").slice(0, 32)}.part`

const failure = (path: string, error: unknown) => {
  if (error instanceof WriteError || error instanceof DiskFull) return error
  const code = (error as NodeJS.ErrnoException).code ?? "EIO"
  return code === "ENOSPC" || code === "EDQUOT" ? new DiskFull({ path }) : new WriteError({ path, code })
}

export const make = (options: FileSinkOptions): Sink["Service"] => {
  fs.mkdirSync(options.parts, { recursive: true, mode: 0o700 })
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_TRUNC, O_WRONLY } = fs.constants
  const run = process.pid.toString(36)
  let scratch = 0
  let placed: Array<FilePart> = []

  // template strings, for node:path costs as much as a system call, and paths here are our own
  const absoluteOf = (path: string) => `${options.directory}/${path}`
  const directoryOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")))

  /** Directories known to be real directories, so that a list in one folder checks it once. */
  const checked = new Set<string>()
  const ensureDirectory = (relative: string): void => {
    if (relative === "" || checked.has(relative)) return
    ensureDirectory(directoryOf(relative))
    const absolute = absoluteOf(relative)
    const found = fs.lstatSync(absolute, { throwIfNoEntry: false })
    if (found === undefined) fs.mkdirSync(absolute)
    else if (found.isSymbolicLink()) throw new WriteError({ path: relative, code: "EUNSAFE" })
    else if (!found.isDirectory()) throw new WriteError({ path: relative, code: "ENOTDIR" })
    if (checked.size >= 4096) checked.clear()
    checked.add(relative)
  }

  class FilePart implements Part {
    bytes: number
    path = ""
    drained = () => {}
    readonly #file: string
    readonly #expected: number | undefined
    #descriptor: number
    #hash: Hash | undefined
    #digest: string | undefined

    constructor(file: string, descriptor: number, bytes: number, digest: Hash | undefined, expected?: number) {
      this.#file = file
      this.#descriptor = descriptor
      this.bytes = bytes
      this.#hash = digest
      this.#expected = expected
    }

    write(chunk: Uint8Array): boolean {
      try {
        for (let at = 0; at < chunk.length;) at += fs.writeSync(this.#descriptor, chunk, at, chunk.length - at)
      } catch (error) {
        throw failure(this.#file, error)
      }
      if (options.hash) {
        // a body in one piece is hashed at one go: half the cost of a hash object
        if (this.bytes === 0 && chunk.length === this.#expected) this.#digest = hash("sha256", chunk, "hex")
        else (this.#hash ??= createHash("sha256")).update(chunk)
      }
      this.bytes += chunk.length
      return true
    }

    finish() {
      if (options.durability === "process") this.#close()
      if (!options.hash) return { bytes: this.bytes }
      this.#digest ??= (this.#hash ?? createHash("sha256")).digest("hex")
      return { bytes: this.bytes, sha256: this.#digest }
    }

    place(path: string) {
      try {
        ensureDirectory(directoryOf(path))
        this.path = path
        if (options.durability === "power") placed.push(this)
        else this.rename()
      } catch (error) {
        this.discard()
        throw failure(path, error)
      }
    }

    rename() {
      try {
        fs.renameSync(this.#file, absoluteOf(this.path))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
        // someone removed the directory after it was checked
        checked.clear()
        ensureDirectory(directoryOf(this.path))
        fs.renameSync(this.#file, absoluteOf(this.path))
      }
    }

    async synced() {
      await new Promise<void>((resolve, reject) =>
        fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
      )
      this.#close()
      this.rename()
    }

    keep() {
      this.#close()
    }

    discard() {
      this.#close()
      fs.rmSync(this.#file, { force: true })
    }

    #close() {
      if (this.#descriptor < 0) return
      fs.closeSync(this.#descriptor)
      this.#descriptor = -1
    }
  }

  const syncDirectory = async (path: string) => {
    const handle = await openFile(path, "r")
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    open: ({ key, expected }) => {
      const file = `${options.parts}/${key === undefined ? `${run}-${scratch++}` : nameOf(key)}`
      try {
        const flags = key === undefined ? O_WRONLY | O_CREAT | O_EXCL : O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW
        return new FilePart(file, fs.openSync(file, flags, 0o666), 0, undefined, expected)
      } catch (error) {
        throw failure(file, error)
      }
    },

    reopen: (key) =>
      Effect.tryPromise({
        try: async () => {
          const file = join(options.parts, nameOf(key))
          const descriptor = await openFile(file, O_RDWR | O_APPEND | O_NOFOLLOW).catch(() => undefined)
          if (descriptor === undefined) return undefined
          try {
            const digest = options.hash ? createHash("sha256") : undefined
            const buffer = Buffer.allocUnsafe(chunkSize)
            let bytes = 0
            for (;;) {
              const { bytesRead } = await descriptor.read(buffer, 0, chunkSize, bytes)
              if (bytesRead === 0) break
              digest?.update(buffer.subarray(0, bytesRead))
              bytes += bytesRead
            }
            return new FilePart(file, fs.openSync(file, O_WRONLY | O_APPEND | O_NOFOLLOW), bytes, digest)
          } finally {
            await descriptor.close()
          }
        },
        catch: (error) => failure(key, error)
      }),

    sync: Effect.promise(async () => {
      const group = placed
      placed = []
      const failed = new Map<string, WriteError>()
      if (group.length === 0) return failed
      const directories = new Set<string>()
      await Promise.all(
        group.map(async (part) => {
          try {
            await part.synced()
            for (let path = directoryOf(part.path); ; path = directoryOf(path)) {
              directories.add(absoluteOf(path))
              if (path === "") break
            }
          } catch (error) {
            part.discard()
            failed.set(
              part.path,
              new WriteError({ path: part.path, code: (error as NodeJS.ErrnoException).code ?? "EIO" })
            )
          }
        })
      )
      await Promise.all(Array.from(directories, syncDirectory))
      return failed
    }),

    sizeOf: (path) => {
      const found = fs.lstatSync(absoluteOf(path), { throwIfNoEntry: false })
      return found?.isFile() === true ? found.size : undefined
    },

    sweep: (keys) =>
      Effect.sync(() => {
        const kept = new Set(Array.from(keys, nameOf))
        for (const name of fs.readdirSync(options.parts))
          if (!kept.has(name)) fs.rmSync(join(options.parts, name), { force: true })
      }),

    free: Effect.sync(() => {
      const { bavail, bsize } = fs.statfsSync(options.parts)
      return bavail * bsize
    })
  }
}
