/**
 * Whether an archive still is what was committed of it: every record of it, also
 * those that no target points to (requests, redirects, errors, revisits), and the
 * bodies that are known to lie in it.
 *
 * It is read once, from its start to its end. A body lies in a gzip member of its
 * own, so what is damaged before or in one hides nothing of the next.
 */
import { createHash } from "node:crypto"
import { lstatSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import type { Archive } from "../Sink.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import { read } from "./ArchiveFile.ts"
import type { ArchivedBody } from "./ArchivedBodies.ts"
import type { Fault } from "./Recorded.ts"
import * as RecordDigests from "./RecordDigests.ts"

/** What every record has (5.2 to 5.5). */
const mandatory: ReadonlyArray<readonly [name: string, form: RegExp]> = [
  ["WARC-Record-ID", /^<[a-z][a-z0-9+.-]*:[^\s<>]+>$/i],
  ["WARC-Date", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/],
  ["WARC-Type", /^[a-z-]+$/]
]

/** A fault of an archive, or of a body in it: then `body` is that. */
export interface Found {
  readonly fault: Fault
  readonly body?: ArchivedBody
}

/** What is known of an archive besides its bytes. */
interface About {
  readonly name: string
  /** Whether a payload of this digest is in a record. */
  readonly holds: (digest: string) => Promise<boolean>
}

/** What is wrong with a record, if anything. Reads it to its end. */
const recordFault = async (
  record: WarcReader.WarcRecord,
  { block, payload }: RecordDigests.RecordDigests,
  isFirst: boolean,
  { name, holds }: About
): Promise<string | undefined> => {
  const type = record.field("WARC-Type")
  for (const [field, form] of mandatory) if (!form.test(record.field(field) ?? "")) return `no ${field} that is one`
  if (isFirst && (type !== "warcinfo" || record.field("WARC-Filename") !== name)) return "no warcinfo of this file"
  if (type === "warcinfo") return undefined
  if (record.field("WARC-Block-Digest") !== block) return "other bytes than its block digest says"
  const digest = record.field("WARC-Payload-Digest") ?? ""
  if (type === "response" && digest !== payload) return "other bytes than its payload digest says"
  if (type === "revisit" && !(await holds(digest))) return "its payload is in no record"
  return undefined
}

const bodyFault = (
  { bytes, sha256 }: ArchivedBody,
  found: RecordDigests.RecordDigests,
  hash: string
): Fault | undefined => {
  if (found.bytes !== bytes) return { _tag: "Length", found: found.bytes }
  return sha256 === undefined || sha256 === hash ? undefined : { _tag: "Hash", found: hash }
}

const damage = (error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return code?.startsWith("Z_") === true ? `damaged gzip (${message})` : message
}

/** Compressed bytes up to this are undone in one piece. */
const smallBytes = 65_536

/** Reads on in a file: what lies from one byte to another, uncompressed. What is not read of that is passed over. */
class Reading {
  readonly #chunks: AsyncGenerator<Uint8Array>
  #rest: Uint8Array = new Uint8Array()
  #at = 0

  constructor(file: string, bytes: number) {
    this.#chunks = read(file, 0, bytes)
  }

  async *#bytes(from: number, to: number): AsyncGenerator<Uint8Array> {
    while (this.#at < to) {
      if (this.#rest.length === 0) {
        const { done, value } = await this.#chunks.next()
        if (done === true) return
        this.#rest = value
      }
      const isBefore = this.#at < from
      const taken = this.#rest.subarray(0, (isBefore ? from : to) - this.#at)
      this.#rest = this.#rest.subarray(taken.length)
      this.#at += taken.length
      if (!isBefore) yield taken
    }
  }

  async *uncompressed(from: number, to: number): AsyncGenerator<Uint8Array> {
    const bytes = this.#bytes(from, to)
    if (to - from > smallBytes) return yield* Gzip.gunzip(bytes)
    const held: Array<Uint8Array> = []
    for await (const chunk of bytes) held.push(chunk)
    const all = held.length === 1 ? held[0]! : Buffer.concat(held)
    try {
      held[0] = Gzip.gunzipSync(all)
    } catch {
      // what comes before the damage
      return yield* Gzip.gunzip(Readable.from([all]))
    }
    yield held[0]
  }

  async close() {
    await this.#chunks.return(undefined)
  }
}

/** Those of one place together. */
function* places(bodies: Iterable<ArchivedBody>): Generator<readonly [ArchivedBody, ...Array<ArchivedBody>]> {
  let some: [ArchivedBody, ...Array<ArchivedBody>] | undefined
  for (const body of bodies) {
    if (some !== undefined && some[0].offset === body.offset && some[0].length === body.length) some.push(body)
    else {
      if (some !== undefined) yield some
      some = [body]
    }
  }
  if (some !== undefined) yield some
}

/**
 * The faults of an archive, as they are met.
 *
 * @param bodies known to lie in it, in the order of their places
 * @param holds whether a payload of this digest is in a record
 * @param grows a run may be adding to it
 */
export async function* faults(
  directory: string,
  { name, bytes }: Archive,
  bodies: Iterable<ArchivedBody>,
  holds: (digest: string) => Promise<boolean>,
  grows: boolean
): AsyncGenerator<Found> {
  const file = join(directory, name)
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (found?.isFile() !== true) {
    if (bytes > 0) yield { fault: { _tag: "Missing" } }
    for (const body of bodies) yield { fault: { _tag: "Missing" }, body }
    return
  }
  if (found.size < bytes) yield { fault: { _tag: "Record", detail: `${found.size} of ${bytes} bytes` } }
  if (found.size > bytes && bytes > 0 && !grows)
    yield {
      fault: {
        _tag: "Record",
        detail: `${found.size - bytes} bytes behind the last commit; the next run cuts them off`
      }
    }
  const about = { name, holds }
  const reading = new Reading(file, found.size)
  let number = 0
  const whatOf = (record: WarcReader.WarcRecord) =>
    `record ${number} (${`${record.field("WARC-Type") ?? "record"} ${record.field("WARC-Target-URI") ?? ""}`.trim()})`
  /** What no body is known of. */
  async function* others(from: number, to: number): AsyncGenerator<Found> {
    try {
      for await (const record of WarcReader.records(reading.uncompressed(from, to))) {
        const fault = await recordFault(record, await RecordDigests.read(record), number++ === 0, about)
        if (fault !== undefined) yield { fault: { _tag: "Record", detail: `${whatOf(record)}: ${fault}` } }
      }
    } catch (error) {
      yield { fault: { _tag: "Record", detail: `behind record ${number}: ${damage(error)}` } }
    }
  }
  /** The faults of the bodies at one place. */
  async function* at(place: readonly [ArchivedBody, ...Array<ArchivedBody>]): AsyncGenerator<Found> {
    const [{ offset, length }] = place
    const all = (detail: string) => place.map((body): Found => ({ fault: { _tag: "Record", detail }, body }))
    try {
      let count = 0
      for await (const record of WarcReader.records(reading.uncompressed(offset, offset + length))) {
        if (++count > 1) return yield* all("more than one record")
        const sha256 = createHash("sha256")
        const digests = await RecordDigests.read(record, sha256)
        const hash = sha256.digest("hex")
        const fault =
          record.field("WARC-Type") === "response"
            ? await recordFault(record, digests, number++ === 0, about)
            : "no response"
        for (const body of place) {
          const wrong = bodyFault(body, digests, hash)
          if (wrong !== undefined) yield { fault: wrong, body }
          else if (fault !== undefined) yield { fault: { _tag: "Record", detail: fault }, body }
        }
      }
      if (count === 0) yield* all("no record there")
    } catch (error) {
      yield* all(damage(error))
    }
  }
  try {
    let from = 0
    for (const place of places(bodies)) {
      const [{ offset, length }] = place
      if (offset > from) yield* others(from, offset)
      yield* at(place)
      from = offset + length
    }
    if (from < bytes) yield* others(from, bytes)
  } finally {
    await reading.close()
  }
}
