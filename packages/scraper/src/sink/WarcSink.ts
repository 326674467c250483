/**
 * Exchanges as records of WARC files, `simul-00000.warc.gz` and on.
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
 * 6. A payload is archived once. An answer with the same one is a revisit record,
 *    and the body of its target lies where the payload does. Which payloads there
 *    are the store knows; the record itself is looked at before it is referred to.
 */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import type { WriteError } from "../FetchError.ts"
import type { StoreFault } from "../RunError.ts"
import type { ResponseHead } from "../Session.ts"
import type { Archive, Aside, Capture, DiskFull, Part, Sink, Truncation } from "../Sink.ts"
import type { Fields } from "../warc/WarcRecord.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"
import * as ArchiveFile from "./ArchiveFile.ts"
import * as Files from "./Files.ts"
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
  /** Where payloads lie that are in an archive already, by their digests; as committed. */
  readonly captured: (
    digests: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, RecordLocation.RecordLocation>, StoreFault>
  /** Writes the name of an archive into the store, with no byte committed. */
  readonly announce: (name: string) => Effect.Effect<void, DiskFull | StoreFault>
  /** What each archive says of itself: `software`, `format`, `robots` and the like. */
  readonly about: Fields
  /** No exchange is begun in an archive that has this many bytes. */
  readonly archiveBytes: number
}

/** Exchanges that are digested and compressed at once. */
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

/** What waits for `sync`: the part of a target, or what is kept besides. */
type Waiting =
  | {
      readonly part: PartFile.PartFile
      readonly head: ResponseHead
      readonly dateMs: number
      readonly truncated?: Truncation
    }
  | { readonly part?: undefined; readonly head: ResponseHead; readonly dateMs: number; readonly aside: Aside }

const exchangeOf = (one: Waiting): ArchiveFile.Exchange => {
  const { head, dateMs } = one
  const { status, text, reason, request } = head
  const body = one.part === undefined ? one.aside.body : { file: one.part.file, bytes: one.part.bytes }
  const fields = text === undefined ? fieldsOf(head) : []
  return {
    targetUri: head.url,
    address: head.address,
    dateMs,
    head: WarcRecord.httpHead({ status, text, reason, fields }, "file" in body ? body.bytes : body.length),
    request: request && WarcRecord.requestHead(request.target, request.fields),
    body,
    truncated: one.part === undefined ? one.aside.truncated : one.truncated
  }
}

/** The records of an exchange, the digest of its payload, and where that lies if it is not in them. */
interface Prepared {
  readonly member: ArchiveFile.Member
  readonly payloadDigest: string
  readonly earlier: RecordLocation.RecordLocation | undefined
}

/** Nothing is saved by a record that refers to no bytes, and a cut payload is none, whatever it has in common with a whole one. */
const mayStandForAnother = (
  digested: ArchiveFile.Digested | { readonly error: unknown }
): digested is ArchiveFile.Digested => !("error" in digested) && digested.bytes > 0 && digested.truncated === undefined

const captureOf = (
  { head }: Waiting,
  { targetUri, dateMs, truncated }: ArchiveFile.Digested,
  { payloadDigest, earlier }: Prepared,
  location: RecordLocation.RecordLocation
): Capture => ({
  ...location,
  url: targetUri,
  dateMs,
  status: head.status,
  type: /^[^;\s]*/.exec(head.header("content-type") ?? "")![0],
  digest: payloadDigest,
  isRevisit: earlier !== undefined,
  isCut: truncated !== undefined
})

/** Fails where an archive that is to be continued cannot be opened. Its files are closed with the scope. */
export const make = Effect.fnUntraced(function* (options: WarcSinkOptions) {
  const { directory, archiveBytes } = options
  /** Whole bodies that wait for `sync`, by the key that `place` gave. */
  const waiting = new Map<string, Waiting>()
  let keys = 0
  const wait = (one: Waiting) => {
    const key = `record ${keys++}`
    waiting.set(key, one)
    return key
  }

  class WarcPart extends PartFile.PartFile implements Part {
    head!: ResponseHead
    dateMs = 0

    place() {
      return wait({ part: this, head: this.head, dateMs: this.dateMs })
    }

    override abandon(truncated: Truncation) {
      this.close()
      wait({ part: this, head: this.head, dateMs: this.dateMs, truncated })
    }
  }
  const parts = PartFile.folder(
    { parts: options.parts, hash: options.hash, closes: true },
    (...part) => new WarcPart(...part)
  )

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
  let done: Array<PartFile.PartFile> = []
  let captures: Array<Capture> = []
  /** Payloads that this sync has written, by digest. */
  const written = new Map<string, RecordLocation.RecordLocation>()

  const durable = Effect.suspend(() => {
    const into = current
    if (options.durability === "process" || into === undefined) return Effect.void
    const failure = (error: unknown) => PartFile.failure(into.name, error)
    return Effect.andThen(
      Effect.tryPromise({ try: () => into.sync(), catch: failure }),
      Effect.mapError(Files.node.syncDirectory(directory), failure)
    )
  })
  const finishArchive = Effect.andThen(durable, leave)

  /** Makes the records of an exchange. `location`: of a record that may have its payload, if it is there and says so. */
  const prepare = async (
    one: Waiting,
    digested: ArchiveFile.Digested,
    location: RecordLocation.RecordLocation | undefined
  ): Promise<Prepared> => {
    const standing = one.part === undefined ? one.aside.unchanged : undefined
    const known = mayStandForAnother(digested) ? location : undefined
    const earlier = standing === undefined ? known : RecordLocation.fromPath(standing)
    const original = earlier && (await ArchiveFile.originalAt(directory, earlier))
    if (original === undefined || (standing === undefined && original.payloadDigest !== digested.payloadDigest))
      return { member: await ArchiveFile.whole(digested), payloadDigest: digested.payloadDigest, earlier: undefined }
    const profile = standing === undefined ? "identical-payload-digest" : "server-not-modified"
    const member = await ArchiveFile.again(digested, profile, original)
    return { member, payloadDigest: original.payloadDigest, earlier }
  }

  const write = Effect.fnUntraced(function* (group: ReadonlyArray<string>) {
    // what a try before this one did is done
    const queue = group.flatMap((key) => {
      const one = waiting.get(key)
      return one === undefined ? [] : [{ key, one }]
    })
    for (let from = 0; from < queue.length; from += ahead) {
      const some = yield* Effect.promise(() =>
        Promise.all(
          queue.slice(from, from + ahead).map(async ({ key, one }) => {
            const digested = await ArchiveFile.digest(exchangeOf(one)).catch((error: unknown) => ({ error }))
            return { key, one, digested }
          })
        )
      )
      const digests = some.flatMap(({ digested }) => (mayStandForAnother(digested) ? [digested.payloadDigest] : []))
      const known = yield* options.captured([...new Set(digests)])
      const met = new Set<string>()
      const prepared = some.map(({ one, digested }) => {
        if ("error" in digested || (mayStandForAnother(digested) && met.has(digested.payloadDigest))) return undefined
        const { payloadDigest } = digested
        met.add(payloadDigest)
        const member = prepare(one, digested, written.get(payloadDigest) ?? known.get(payloadDigest))
        // whoever takes it hears of it
        member.catch(() => {})
        return member
      })
      for (const [index, { key, one, digested }] of some.entries()) {
        yield* Effect.flatMap(archive, (into) =>
          Effect.tryPromise({
            try: async () => {
              if ("error" in digested) throw digested.error
              const { payloadDigest } = digested
              // one that came in this group before has the same payload: it is written by now
              const made = await (prepared[index] ?? prepare(one, digested, written.get(payloadDigest)))
              const location = await into.append(made.member)
              grown.set(into.name, into.bytes)
              if (made.earlier === undefined && mayStandForAnother(digested)) written.set(payloadDigest, location)
              if (one.part !== undefined) placed.set(key, RecordLocation.toPath(made.earlier ?? location))
              captures.push(captureOf(one, digested, made, location))
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
        waiting.delete(key)
        if (one.part !== undefined) done.push(one.part)
      }
    }
    yield* Effect.catchTag(durable, "WriteError", (error) =>
      Effect.sync(() => {
        // nobody knows what of it is on the disk: it stays uncommitted, and the archive is left
        for (const key of placed.keys()) failed.set(key, error)
        placed.clear()
        grown.clear()
        captures = []
      }).pipe(Effect.andThen(leave))
    )
    const synced = {
      placed,
      failed,
      archives: Array.from(grown, ([name, bytes]): Archive => ({ name, bytes })),
      captures
    }
    for (const part of done) part.discard()
    placed = new Map()
    failed = new Map()
    captures = []
    grown.clear()
    written.clear()
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
    note: (aside) => {
      wait({ head: aside.head, dateMs: aside.dateMs, aside })
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
