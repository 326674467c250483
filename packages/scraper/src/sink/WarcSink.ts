/**
 * Exchanges as records of WARC files, `simul-00000.warc.gz` and on.
 *
 * 1. A body grows in a part like a file's. When it is whole it waits; `sync`
 *    appends all that wait, in order, just before their outcomes are committed.
 * 2. The store holds the committed length of each archive. What lies behind it
 *    was never told, and is cut off before a run begins (`ArchiveFile.mend`): a
 *    record is there once, whole, or not at all.
 * 3. An archive grows by one `sync` at a time, each with its commit: else a later
 *    length could be committed before an earlier one.
 * 4. A record holds one answer as it came. So no part is continued from another
 *    attempt: its head would be that of another answer.
 * 5. A payload is archived once. An answer with the same one is a revisit record,
 *    and the body of its target lies where the payload does. Which payloads there
 *    are the store knows; the record itself is looked at before it is referred to.
 */
import * as Effect from "effect/Effect"
import type { WriteError } from "../FetchError.ts"
import type { StoreFault } from "../RunError.ts"
import type { ResponseHead } from "../Session.ts"
import type { Archive, Capture, DiskFull, Part, Sink, Truncation } from "../Sink.ts"
import * as ArchiveFile from "./ArchiveFile.ts"
import * as ArchiveSeries from "./ArchiveSeries.ts"
import * as PartFile from "./PartFile.ts"
import * as Patience from "./Patience.ts"
import * as Recorded from "./Recorded.ts"
import * as RecordLocation from "./RecordLocation.ts"
import { toExchange, type WaitingExchange } from "./WaitingExchange.ts"

export interface WarcSinkOptions extends Omit<ArchiveSeries.ArchiveSeriesOptions, "lost"> {
  /** Where part files grow; on the same file system as `directory`. */
  readonly parts: string
  readonly hash: boolean
  /** Where payloads lie that are in an archive already, by their digests; as committed. */
  readonly captured: (
    digests: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyMap<string, RecordLocation.RecordLocation>, StoreFault>
}

/** Exchanges that are digested and compressed at once. */
const ahead = 8

/** The records of an exchange, the digest of its payload, and where that lies if it is not in them. */
interface Prepared {
  readonly member: ArchiveFile.Member
  readonly payloadDigest: string
  readonly earlier: RecordLocation.RecordLocation | undefined
}

/**
 * Nothing is saved by a record that refers to no bytes, and a cut payload is none, whatever it has in common with a
 * whole one.
 */
const mayStandForAnother = (
  digested: ArchiveFile.Digested | { readonly error: unknown }
): digested is ArchiveFile.Digested => !("error" in digested) && digested.bytes > 0 && digested.truncated === undefined

/** Bytes of a body in memory: that of a part lies on the disk. */
const heldBy = (one: WaitingExchange) => (one.part === undefined ? one.aside.body.length : 0)

const captureOf = (
  { head }: WaitingExchange,
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

/** What was written since the last commit; it may take several tries. */
const begin = () => ({
  placed: new Map<string, string>(),
  failed: new Map<string, WriteError>(),
  grown: new Map<string, number>(),
  captures: [] as Array<Capture>,
  done: [] as Array<Queued>,
  /** Where the payloads lie that were written, by digest. */
  written: new Map<string, RecordLocation.RecordLocation>()
})

interface Queued {
  readonly key: string
  readonly one: WaitingExchange
}
interface Digested extends Queued {
  readonly digested: ArchiveFile.Digested | { readonly error: unknown }
}

const digest = async (queued: Queued): Promise<Digested> => ({
  ...queued,
  digested: await ArchiveFile.digest(toExchange(queued.one)).catch((error: unknown) => ({ error }))
})

/** Makes the records of an exchange. `location`: of a record that may have its payload, if it is there and says so. */
const prepare = async (
  directory: string,
  one: WaitingExchange,
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

/** Its files are closed with the scope. */
export const make = Effect.fnUntraced(function* (options: WarcSinkOptions) {
  const { directory } = options
  /** Whole bodies that wait for `sync`, by the key that `place` gave. */
  const waiting = new Map<string, WaitingExchange>()
  let keys = 0
  let held = 0
  const wait = (one: WaitingExchange) => {
    const key = `record ${keys++}`
    waiting.set(key, one)
    held += heldBy(one)
    return key
  }

  class WarcPart extends PartFile.PartFile implements Part {
    head!: ResponseHead
    dateMs = 0

    place() {
      return wait({ part: this, head: this.head, dateMs: this.dateMs })
    }

    override abandon(truncated: Truncation) {
      if (this.keep()) wait({ part: this, head: this.head, dateMs: this.dateMs, truncated })
      else this.discard()
    }
  }
  const parts = PartFile.folder({ parts: options.parts, hash: options.hash }, (...part) => new WarcPart(...part))

  /** Records whose payload nobody can read, by their paths: nothing refers to them any more. */
  const unreadable = new Set<string>()
  let sync = begin()
  /** It stays uncommitted. Of a full disk it is written anew, once there is room. */
  const lost = (error: WriteError | DiskFull): Effect.Effect<void, DiskFull> =>
    Effect.suspend(() => {
      const { placed, failed, done } = sync
      if (error._tag === "WriteError") {
        for (const key of placed.keys()) failed.set(key, error)
        sync = { ...begin(), failed, done }
        return Effect.void
      }
      sync = { ...begin(), failed, done: done.filter(({ key }) => failed.has(key)) }
      for (const { key, one } of done) {
        if (failed.has(key)) continue
        waiting.set(key, one)
        held += heldBy(one)
      }
      return Effect.fail(error)
    })
  const series = yield* ArchiveSeries.make({ ...options, lost })
  const archive = series.archive(({ name, bytes }) => void sync.grown.set(name, bytes))

  /** Appends exchanges, in their order. They are digested and compressed at once. */
  const append = Effect.fnUntraced(function* (
    some: ReadonlyArray<Digested>,
    patiently: ReturnType<typeof Patience.make>
  ) {
    const digests = some.flatMap(({ digested }) => (mayStandForAnother(digested) ? [digested.payloadDigest] : []))
    const known = yield* options.captured([...new Set(digests)])
    const locationOf = (payloadDigest: string) => {
      const location = sync.written.get(payloadDigest) ?? known.get(payloadDigest)
      return location === undefined || unreadable.has(RecordLocation.toPath(location)) ? undefined : location
    }
    const begun = sync
    const met = new Set<string>()
    const prepared = some.map(({ one, digested }) => {
      if ("error" in digested || (mayStandForAnother(digested) && met.has(digested.payloadDigest))) return undefined
      const { payloadDigest } = digested
      met.add(payloadDigest)
      const member = prepare(directory, one, digested, locationOf(payloadDigest))
      // whoever takes it hears of it
      member.catch(() => {})
      return member
    })
    const appendOne = async (
      into: ArchiveFile.ArchiveFile,
      { key, one, digested }: Digested,
      ready?: Promise<Prepared>
    ) => {
      if ("error" in digested) throw digested.error
      const { payloadDigest } = digested
      // one that came in this group before has the same payload: it is written by now
      const made = await (ready ?? prepare(directory, one, digested, locationOf(payloadDigest)))
      const location = await into.append(made.member)
      sync.grown.set(into.name, into.bytes)
      if (made.earlier === undefined && mayStandForAnother(digested)) sync.written.set(payloadDigest, location)
      if (one.part !== undefined) sync.placed.set(key, RecordLocation.toPath(made.earlier ?? location))
      sync.captures.push(captureOf(one, digested, made, location))
    }
    const appended = (each: Digested, ready?: Promise<Prepared>) =>
      Effect.flatMap(archive, (into) =>
        Effect.tryPromise({
          // what it refers to may be lost with an archive that was left
          try: () => appendOne(into, each, sync === begun ? ready : undefined),
          catch: (error) => PartFile.failure(into.name, error)
        })
      )
    for (const [index, each] of some.entries()) {
      const { key, one } = each
      // what could not be opened may have been its part
      const again = Effect.flatMap(
        Effect.promise(() => digest(each)),
        (once) => appended(once)
      )
      yield* patiently(appended(each, prepared[index]), again).pipe(
        Effect.catchTag("WriteError", (error) => Effect.sync(() => void sync.failed.set(key, error)))
      )
      waiting.delete(key)
      held -= heldBy(one)
      sync.done.push({ key, one })
    }
  })

  const write = Effect.fnUntraced(function* (group: ReadonlyArray<string>) {
    // what a try before this one did is done
    const queue = group.flatMap((key) => {
      const one = waiting.get(key)
      return one === undefined ? [] : [{ key, one }]
    })
    const patiently = Patience.make()
    for (let from = 0; from < queue.length; from += ahead) {
      yield* append(yield* Effect.promise(() => Promise.all(queue.slice(from, from + ahead).map(digest))), patiently)
      // what is small never leaves this thread: connections have their turns between
      yield* Effect.yieldNow
    }
    yield* series.settle
    const { placed, failed, grown, captures, done } = sync
    sync = begin()
    for (const { one } of done) one.part?.discard()
    return { placed, failed, archives: Array.from(grown, ([name, bytes]): Archive => ({ name, bytes })), captures }
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
    held: () => held,
    reopen: () => Effect.succeed(undefined),
    forget: () => {},
    sync: () => {
      const group = [...waiting.keys()]
      return Effect.uninterruptible(write(group))
    },
    holds: (path, bytes) => Recorded.stands(directory, path, bytes),
    read: (path) => Recorded.bytesOf(directory, path),
    isWhole: (path, saved) => Recorded.isWhole(directory, path, saved),
    own: (path) => void unreadable.add(path),
    isForeign: () => false,
    sweep: parts.sweep,
    free: parts.free,
    size: parts.size
  }
  return sink
})
