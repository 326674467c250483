/**
 * Whether an archive still is what was committed of it: every record of it, also
 * those that no target points to (requests, redirects, errors, revisits), and the
 * bodies that are known to lie in it.
 *
 * It is read once, from its start to its end. A body lies in a gzip member of its
 * own, so what is damaged before or in one hides nothing of the next.
 */
import { join } from "node:path"
import type { Archive } from "../Sink.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import * as ArchiveFile from "./ArchiveFile.ts"
import type { ArchivedBody } from "./ArchivedBodies.ts"
import * as Files from "./Files.ts"
import * as Recorded from "./Recorded.ts"
import * as RecordDigests from "./RecordDigests.ts"

/** A fault of an archive, or of a body in it: then `body` is that. */
export interface Found {
  readonly fault: Recorded.Fault
  readonly body?: ArchivedBody
}

const noWarcinfo = "no warcinfo of this file"

/** What is known of an archive besides its bytes. */
interface About {
  readonly name: string
  /** Whether a payload of this digest is in a record. */
  readonly holds: (digest: string) => Promise<boolean>
}

/** What is wrong with a record that no body is known of, if anything. Reads it to its end. */
const recordFault = async (
  record: WarcReader.WarcRecord,
  isFirst: boolean,
  { name, holds }: About
): Promise<string | undefined> => {
  const type = record.field("WARC-Type")
  const fault = Recorded.recordFault(record, await RecordDigests.read(record))
  if (fault !== undefined) return fault
  if (isFirst && (type !== "warcinfo" || record.field("WARC-Filename") !== name)) return noWarcinfo
  if (type === "revisit" && !(await holds(record.field("WARC-Payload-Digest") ?? "")))
    return "its payload is in no record"
  return undefined
}

/** Reads on in a file: the records that lie from one byte to another. What is not read of that is passed over. */
class Reading {
  readonly #open: (from: number) => AsyncGenerator<Uint8Array>
  #chunks: AsyncGenerator<Uint8Array> | undefined
  #rest: Uint8Array = new Uint8Array()
  #at = 0

  constructor(open: (from: number) => AsyncGenerator<Uint8Array>) {
    this.#open = open
  }

  async *#bytes(from: number, to: number): AsyncGenerator<Uint8Array> {
    const passed = from - this.#at
    this.#at = from
    if (passed >= 0 && passed <= this.#rest.length) this.#rest = this.#rest.subarray(passed)
    else await this.close()
    // a read that failed has ended its chunks: what comes behind them is not to suffer for it
    const chunks = (this.#chunks ??= this.#open(from))
    while (this.#at < to) {
      if (this.#rest.length === 0) {
        const { done, value } = await chunks.next().catch((error) => {
          this.#chunks = undefined
          throw error
        })
        if (done === true) return
        this.#rest = value
      }
      const taken = this.#rest.subarray(0, to - this.#at)
      this.#rest = this.#rest.subarray(taken.length)
      this.#at += taken.length
      yield taken
    }
  }

  async *records(from: number, to: number): AsyncGenerator<WarcReader.WarcRecord> {
    const bytes = this.#bytes(from, to)
    if (to - from > ArchiveFile.pieceBytes) return yield* WarcReader.records(Gzip.gunzip(bytes))
    const held: Array<Uint8Array> = []
    for await (const chunk of bytes) held.push(chunk)
    yield* ArchiveFile.recordsOf(held.length === 1 ? held[0]! : Buffer.concat(held))
  }

  async close() {
    await this.#chunks?.return(undefined)
    this.#chunks = undefined
    this.#rest = new Uint8Array()
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
 * @param grows whether a run may have added to it
 * @param read the bytes of a file from an offset on
 */
export async function* faults(
  directory: string,
  { name, bytes }: Archive,
  bodies: Iterable<ArchivedBody>,
  holds: (digest: string) => Promise<boolean>,
  grows: () => Promise<boolean>,
  read = ArchiveFile.read
): AsyncGenerator<Found> {
  const file = join(directory, name)
  let fault: Recorded.Fault = { _tag: "Missing" }
  let found: ReturnType<Files.Files["look"]>
  try {
    found = Files.node.look(file)
  } catch (error) {
    fault = Recorded.missing(error)
  }
  if (found?.kind !== "file") {
    if (bytes > 0) yield { fault }
    for (const body of bodies) yield { fault, body }
    return
  }
  if (found.size < bytes) yield { fault: { _tag: "Record", detail: `${found.size} of ${bytes} bytes` } }
  if (found.size > bytes && bytes > 0 && !(await grows()))
    yield {
      fault: {
        _tag: "Record",
        detail: `${found.size - bytes} bytes behind the last commit; the next run cuts them off`
      }
    }
  const about = { name, holds }
  const reading = new Reading((from) => read(file, from, found.size - from))
  let number = 0
  const whatOf = (record: WarcReader.WarcRecord) =>
    `record ${number} (${`${record.field("WARC-Type") ?? "record"} ${record.field("WARC-Target-URI") ?? ""}`.trim()})`
  /** What no body is known of. */
  async function* others(from: number, to: number): AsyncGenerator<Found> {
    let isFirst = from === 0
    try {
      for await (const record of reading.records(from, to)) {
        const fault = await recordFault(record, isFirst, about)
        isFirst = false
        number++
        if (fault !== undefined) yield { fault: { _tag: "Record", detail: `${whatOf(record)}: ${fault}` } }
      }
    } catch (error) {
      const fault = Recorded.unreadable(error)
      yield { fault: { _tag: "Record", detail: `behind record ${number}: ${fault.detail}` } }
    }
  }
  /** The faults of the bodies at one place. */
  async function* at(place: readonly [ArchivedBody, ...Array<ArchivedBody>]): AsyncGenerator<Found> {
    const [{ offset, length }] = place
    if (offset === 0) yield { fault: { _tag: "Record", detail: noWarcinfo } }
    number++
    const faults = await Recorded.responseFaults(reading.records(offset, offset + length), place)
    for (const [index, fault] of faults.entries()) if (fault !== undefined) yield { fault, body: place[index]! }
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
