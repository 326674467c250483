/**
 * Bodies as files below a directory.
 *
 * 1. A part lies in `.simul/parts` until it is complete, then rename(2) moves it:
 *    a final name never shows a partial file.
 * 2. Nothing is written outside the directory, or through a symbolic link below it
 *    that is there when a run first writes to a folder: who may write there
 *    himself can put one in its place later.
 * 3. With `power`, files are synced before they are renamed and their directories
 *    after, in groups, before the commit of their outcomes. None is open between:
 *    a group may be larger than what a process may have open.
 */
import * as Effect from "effect/Effect"
import { WriteError } from "../FetchError.ts"
import type { Options } from "../Options.ts"
import type { Part, Sink, Synced } from "../Sink.ts"
import type { Subject } from "../Subject.ts"
import * as Files from "./Files.ts"
import * as PartFile from "./PartFile.ts"
import * as Patience from "./Patience.ts"
import * as PlacedNames from "./PlacedNames.ts"
import * as Recorded from "./Recorded.ts"
import { codeOf } from "./SystemError.ts"

export interface FileSinkOptions {
  readonly directory: string
  /** Where part files grow; on the same file system as `directory`. */
  readonly parts: string
  readonly durability: "process" | "power"
  readonly hash: boolean
  /** With `flat`, whose names are shared with the user, it knows which of the files there it has placed. */
  readonly naming?: Options["naming"]
  readonly files?: Files.Files
}

/** Paths are final as they are given. */
const nothing: ReadonlyMap<string, string> = new Map()
const allPlaced: Effect.Effect<Synced> = Effect.sync(() => ({
  placed: nothing,
  failed: new Map(),
  archives: [],
  captures: []
}))

class FilePart extends PartFile.PartFile implements Part {
  path = ""
  readonly #place: (part: FilePart) => void

  constructor(place: (part: FilePart) => void, ...part: ConstructorParameters<typeof PartFile.PartFile>) {
    super(...part)
    this.#place = place
  }

  place(path: string) {
    try {
      this.path = path
      this.#place(this)
      return path
    } catch (error) {
      this.discard()
      throw PartFile.failure(path, error)
    }
  }
}

/** Files and directories that are synced at once: Node has four threads for it. */
const atOnce = 8

// template strings, for node:path costs as much as a system call, and paths here are our own
const directoryOf = (path: string) => path.slice(0, Math.max(0, path.lastIndexOf("/")))

export const make = (options: FileSinkOptions): Sink["Service"] => {
  const { files = Files.node } = options
  let placed: Array<FilePart> = []

  const placedNames = options.naming === "flat" ? PlacedNames.make(directoryOf(options.parts), files) : undefined

  const absoluteOf = (path: string) => `${options.directory}/${path}`
  const lies = (path: string) => Recorded.found(files, absoluteOf(path)) !== undefined
  /** What cannot be looked at may be the user's. */
  const mayLie = (path: string) => {
    try {
      return lies(path)
    } catch {
      return true
    }
  }

  /** Directories known to be real directories, so that a list in one folder checks it once. */
  const checked = new Set<string>()
  const ensureDirectory = (relative: string): void => {
    if (relative === "" || checked.has(relative)) return
    ensureDirectory(directoryOf(relative))
    const absolute = absoluteOf(relative)
    const kind = files.look(absolute)?.kind
    if (kind === undefined) files.makeDirectory(absolute)
    else if (kind === "link") throw new WriteError({ path: relative, code: "EUNSAFE" })
    else if (kind !== "directory") throw new WriteError({ path: relative, code: "ENOTDIR" })
    if (checked.size >= 4096) checked.clear()
    checked.add(relative)
  }

  const rename = ({ file, path }: FilePart) => {
    try {
      files.rename(file, absoluteOf(path))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
      // someone removed the directory after it was checked
      checked.clear()
      ensureDirectory(directoryOf(path))
      files.rename(file, absoluteOf(path))
    }
  }
  /** Gives a part its name, or with `power` once its bytes are durable. */
  const place = (part: FilePart) => {
    ensureDirectory(directoryOf(part.path))
    placedNames?.add(part.path)
    if (options.durability === "power") placed.push(part)
    else rename(part)
  }
  const synced = (part: FilePart) =>
    Effect.flatMap(files.sync(part.file), () => Effect.try({ try: () => rename(part), catch: (error) => error }))
  const parts = PartFile.folder(
    { parts: options.parts, hash: options.hash, files },
    (...part) => new FilePart(place, ...part)
  )

  return {
    open: ({ key, expected }) => parts.open(key, expected),
    note: () => {},
    held: () => 0,
    reopen: ({ url }: Subject) => parts.reopen(url),
    forget: parts.forget,

    sync: () => {
      const group = placed
      placed = []
      placedNames?.close()
      if (group.length === 0) return allPlaced
      const failed = new Map<string, WriteError>()
      /** What was placed below each directory. */
      const directories = new Map<string, Array<FilePart>>()
      const fail = ({ path }: FilePart, error: unknown) => {
        failed.set(path, new WriteError({ path, code: codeOf(error) }))
      }
      const patiently = Patience.make()
      const finish = (part: FilePart) =>
        Effect.match(patiently(synced(part)), {
          onSuccess: () => {
            for (let path = directoryOf(part.path); ; path = directoryOf(path)) {
              const below = directories.get(path)
              if (below === undefined) directories.set(path, [part])
              else below.push(part)
              if (path === "") break
            }
          },
          onFailure: (error) => {
            part.discard()
            fail(part, error)
          }
        })
      const keep = ([path, parts]: readonly [string, ReadonlyArray<FilePart>]) =>
        Effect.match(patiently(files.syncDirectory(absoluteOf(path))), {
          onSuccess: () => {},
          // nobody knows whether their names outlive a loss of power
          onFailure: (error) => {
            for (const part of parts) fail(part, error)
          }
        })
      return (placedNames?.sync ?? Effect.void).pipe(
        Effect.andThen(Effect.forEach(group, finish, { concurrency: atOnce, discard: true })),
        Effect.andThen(() => Effect.forEach(directories, keep, { concurrency: atOnce, discard: true })),
        Effect.map((): Synced => ({ placed: nothing, failed, archives: [], captures: [] })),
        Effect.uninterruptible
      )
    },

    holds: (path, bytes) => {
      const isThere = Recorded.stands(options.directory, path, bytes, files)
      if (!isThere && placedNames !== undefined && lies(path)) placedNames.own(path)
      return isThere
    },
    read: (path) => Recorded.bytesOf(options.directory, path),
    isWhole: (path, saved) => Recorded.isWhole(options.directory, path, saved),
    own: (path) => placedNames?.own(path),
    isForeign: (path) => mayLie(path) && placedNames?.has(path) !== true,
    sweep: (keys) => Effect.andThen(placedNames?.load ?? Effect.void, parts.sweep(keys)),
    free: parts.free,
    size: parts.size
  }
}
