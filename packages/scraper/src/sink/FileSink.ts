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
import * as fs from "node:fs"
import { open as openFile } from "node:fs/promises"
import { WriteError } from "../FetchError.ts"
import type { Part, Sink } from "../Sink.ts"
import * as PartFile from "./PartFile.ts"
import { stands } from "./Recorded.ts"

export interface FileSinkOptions {
  readonly directory: string
  /** Where part files grow; on the same file system as `directory`. */
  readonly parts: string
  readonly durability: "process" | "power"
  readonly hash: boolean
}

/** Paths are final as they are given. */
const nothing: ReadonlyMap<string, string> = new Map()

export const make = (options: FileSinkOptions): Sink["Service"] => {
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

  class FilePart extends PartFile.PartFile implements Part {
    path = ""

    place(path: string) {
      try {
        ensureDirectory(directoryOf(path))
        this.path = path
        if (options.durability === "power") placed.push(this)
        else this.rename()
        return path
      } catch (error) {
        this.discard()
        throw PartFile.failure(path, error)
      }
    }

    rename() {
      try {
        fs.renameSync(this.file, absoluteOf(this.path))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
        // someone removed the directory after it was checked
        checked.clear()
        ensureDirectory(directoryOf(this.path))
        fs.renameSync(this.file, absoluteOf(this.path))
      }
    }

    async synced() {
      await new Promise<void>((resolve, reject) =>
        fs.fdatasync(this.descriptor, (error) => (error ? reject(error) : resolve()))
      )
      this.close()
      this.rename()
    }
  }
  const parts = PartFile.folder(
    { parts: options.parts, hash: options.hash, closes: options.durability === "process" },
    FilePart
  )

  const syncDirectory = async (path: string) => {
    const handle = await openFile(path, "r")
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    open: ({ key, expected }) => parts.open(key, expected),
    reopen: parts.reopen,

    sync: () => {
      const group = placed
      placed = []
      return Effect.promise(async () => {
        const failed = new Map<string, WriteError>()
        if (group.length === 0) return { placed: nothing, failed, archives: [] }
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
        return { placed: nothing, failed, archives: [] }
      })
    },

    holds: (path, bytes) => stands(options.directory, path, bytes),
    sweep: parts.sweep,
    free: parts.free
  }
}
