/**
 * Bodies as records of WARC files, `simul-00000.warc.gz` and on.
 *
 * 1. A body grows in a part like a file's. When it is whole it waits; `sync`
 *    appends all that wait, in order, just before their outcomes are committed.
 * 2. The store holds the committed length of each archive. What lies behind it
 *    was never told, and is cut off before a run begins (`ArchiveFile.mend`): a
 *    record is there once, whole, or not at all.
 * 3. The store hears the name of an archive before the archive is made. A file
 *    of such a name that the store does not know is somebody else's: its number
 *    is passed over.
 * 4. An archive grows by one `sync` at a time, each with its commit: else a later
 *    length could be committed before an earlier one.
 * 5. A record holds one answer as it came. So no part is continued from another
 *    attempt: its head would be that of another answer.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { open as openFile } from "node:fs/promises"
import type { WriteError } from "../FetchError.ts"
import type { StoreDamaged } from "../RunError.ts"
import type { ResponseHead } from "../Session.ts"
import type { Archive, DiskFull, Part, Sink } from "../Sink.ts"
import type { Fields } from "../warc/WarcRecord.ts"
import * as ArchiveFile from "./ArchiveFile.ts"
import * as PartFile from "./PartFile.ts"
import { stands } from "./Recorded.ts"
import * as RecordLocation from "./RecordLocation.ts"

export interface WarcSinkOptions {
  readonly directory: string
  /** Where part files grow; on the same file system as `directory`. */
  readonly parts: string
  readonly durability: "process" | "power"
  readonly hash: boolean
  /** The archives as committed; already mended. */
  readonly archives: ReadonlyArray<Archive>
  /** Writes the name of an archive into the store, with no byte committed. */
  readonly announce: (name: string) => Effect.Effect<void, DiskFull | StoreDamaged>
  /** What each archive says of itself: `software`, `format`, `robots` and the like. */
  readonly about: Fields
  /** No record is begun in an archive that has this many bytes; the default is 1 GiB. */
  readonly archiveBytes?: number
}

/** Records that are compressed ahead of the one that is written. */
const ahead = 8

/** The fields of a head whose transport tells them only by name: those that describe an answer and its body. */
const usual = [
  "date",
  "server",
  "content-type",
  "content-length",
  "content-encoding",
  "content-language",
  "content-location",
  "content-disposition",
  "content-security-policy",
  "transfer-encoding",
  "cache-control",
  "expires",
  "age",
  "etag",
  "last-modified",
  "vary",
  "link",
  "accept-ranges"
]
const fieldsOf = (head: ResponseHead): Fields => {
  if (head.fields !== undefined) return head.fields()
  const fields: Array<readonly [string, string]> = []
  for (const name of usual) {
    const value = head.header(name)
    if (value !== undefined) fields.push([name, value])
  }
  return fields
}

/** Fails where an archive that is to be continued cannot be opened. Its files are closed with the scope. */
export const make = Effect.fnUntraced(function* (options: WarcSinkOptions) {
  const { directory, archiveBytes = 1 << 30 } = options
  /** Whole bodies that wait for `sync`, by the key that `place` gave. */
  const waiting = new Map<string, WarcPart>()
  let keys = 0

  class WarcPart extends PartFile.PartFile implements Part {
    head!: ResponseHead
    dateMs = 0

    place() {
      const key = `record ${keys++}`
      waiting.set(key, this)
      return key
    }

    get response(): ArchiveFile.Response {
      const { head, dateMs, file, bytes } = this
      return {
        id: crypto.randomUUID(),
        dateMs,
        targetUri: head.url,
        status: head.status,
        reason: head.reason ?? "",
        fields: fieldsOf(head),
        file,
        bytes
      }
    }
  }
  const parts = PartFile.folder({ parts: options.parts, hash: options.hash, closes: true }, WarcPart)

  // ---- the archive at hand

  const committed = options.archives
    .filter(({ name, bytes }) => bytes > 0 && RecordLocation.numberOf(name) !== undefined)
    .toSorted((one, other) => RecordLocation.numberOf(one.name)! - RecordLocation.numberOf(other.name)!)
  const last = committed.at(-1)
  let next = last === undefined ? 0 : RecordLocation.numberOf(last.name)! + 1
  let current: ArchiveFile.ArchiveFile | undefined
  /** One that lost bytes, or was removed, is not continued. */
  const isWhole = ({ name, bytes }: Archive) => {
    const found = fs.lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })
    return found?.isFile() === true && found.size === bytes
  }
  if (last !== undefined && isWhole(last))
    current = yield* Effect.tryPromise(() => ArchiveFile.ArchiveFile.reopen(directory, last)).pipe(
      // one that may not be written to is left as it is
      Effect.orElseSucceed(() => undefined)
    )
  const leave = Effect.promise(async () => {
    const left = current
    current = undefined
    await left?.close()
  })
  yield* Effect.addFinalizer(() => leave)

  const archive = Effect.gen(function* () {
    if (current !== undefined && current.bytes < archiveBytes) return current
    yield* finishArchive
    while (fs.lstatSync(`${directory}/${RecordLocation.nameOf(next)}`, { throwIfNoEntry: false }) !== undefined) next++
    const name = RecordLocation.nameOf(next)
    yield* options.announce(name)
    current = yield* Effect.tryPromise({
      try: () => ArchiveFile.ArchiveFile.create(directory, name, options.about),
      catch: (error) => PartFile.failure(name, error)
    })
    next++
    grown.set(name, current.bytes)
    return current
  })

  // ---- what a sync has done so far; it may take several tries

  let placed = new Map<string, string>()
  let failed = new Map<string, WriteError>()
  const grown = new Map<string, number>()
  let done: Array<WarcPart> = []

  const durable = Effect.tryPromise({
    try: async () => {
      if (options.durability === "process" || current === undefined) return
      await current.sync()
      const handle = await openFile(directory, "r")
      try {
        await handle.sync()
      } finally {
        await handle.close()
      }
    },
    catch: (error) => PartFile.failure(current?.name ?? directory, error)
  })
  const finishArchive = Effect.andThen(durable, leave)

  const write = Effect.fnUntraced(function* (group: ReadonlyArray<string>) {
    // what a try before this one did is done
    const queue = group.flatMap((key) => {
      const part = waiting.get(key)
      return part === undefined ? [] : [[key, part] as const]
    })
    const prepared = new Map<string, Promise<ArchiveFile.Member>>()
    for (const [index, [key, part]] of queue.entries()) {
      for (const [key, part] of queue.slice(index, index + ahead))
        if (!prepared.has(key)) {
          const member = ArchiveFile.prepare(part.response)
          // whoever takes it hears of it
          member.catch(() => {})
          prepared.set(key, member)
        }
      yield* Effect.flatMap(archive, (into) =>
        Effect.tryPromise({
          try: async () => {
            placed.set(key, await into.append(await prepared.get(key)!))
            grown.set(into.name, into.bytes)
          },
          catch: (error) => PartFile.failure(into.name, error)
        })
      ).pipe(
        Effect.catchTag("WriteError", (error) =>
          Effect.sync(() => {
            failed.set(key, error)
          })
        )
      )
      prepared.delete(key)
      waiting.delete(key)
      done.push(part)
    }
    yield* Effect.catchTag(durable, "WriteError", (error) =>
      Effect.sync(() => {
        // nobody knows what of it is on the disk: it stays uncommitted, and the archive is left
        for (const key of placed.keys()) failed.set(key, error)
        placed.clear()
        grown.clear()
      }).pipe(Effect.andThen(leave))
    )
    const synced = {
      placed,
      failed,
      archives: Array.from(grown, ([name, bytes]): Archive => ({ name, bytes }))
    }
    for (const part of done) part.discard()
    placed = new Map()
    failed = new Map()
    grown.clear()
    done = []
    return synced
  })

  const sink: Sink["Service"] = {
    open: ({ expected, head }) => {
      const part = parts.open(undefined, expected)
      // the line has one whenever there is a body
      part.head = head!
      part.dateMs = Date.now()
      return part
    },
    reopen: () => Effect.succeed(undefined),
    forget: () => {},
    sync: () => {
      const group = [...waiting.keys()]
      return Effect.uninterruptible(write(group))
    },
    holds: (path, bytes) => stands(directory, path, bytes),
    sweep: parts.sweep,
    free: parts.free
  }
  return sink
})
