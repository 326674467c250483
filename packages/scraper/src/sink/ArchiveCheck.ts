/**
 * Whether an archive still is what was committed of it: every record of it, also
 * those that no target points to (requests, redirects, errors, revisits).
 */
import { lstatSync } from "node:fs"
import { join } from "node:path"
import type { Archive } from "../Sink.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import { read } from "./ArchiveFile.ts"
import type { Fault } from "./Recorded.ts"
import * as RecordDigests from "./RecordDigests.ts"

/** What every record has (5.2 to 5.5). */
const mandatory: ReadonlyArray<readonly [name: string, form: RegExp]> = [
  ["WARC-Record-ID", /^<[a-z][a-z0-9+.-]*:[^\s<>]+>$/i],
  ["WARC-Date", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/],
  ["WARC-Type", /^[a-z-]+$/]
]

/** What is wrong with a record, if anything. Reads it to its end. */
const recordFault = async (
  record: WarcReader.WarcRecord,
  isFirst: boolean,
  name: string,
  holds: (digest: string) => Promise<boolean>
): Promise<string | undefined> => {
  const type = record.field("WARC-Type")
  const found = await RecordDigests.read(record)
  for (const [field, form] of mandatory) if (!form.test(record.field(field) ?? "")) return `no ${field} that is one`
  if (isFirst && (type !== "warcinfo" || record.field("WARC-Filename") !== name)) return "no warcinfo of this file"
  if (type === "warcinfo") return undefined
  if (record.field("WARC-Block-Digest") !== found.block) return "other bytes than its block digest says"
  const digest = record.field("WARC-Payload-Digest") ?? ""
  if (type === "response" && digest !== found.payload) return "other bytes than its payload digest says"
  if (type === "revisit" && !(await holds(digest))) return "its payload is in no record"
  return undefined
}

/**
 * The faults of an archive, as they are met.
 *
 * @param holds whether a payload of this digest is in a record
 * @param grows a run may be adding to it
 */
export async function* faults(
  directory: string,
  { name, bytes }: Archive,
  holds: (digest: string) => Promise<boolean>,
  grows: boolean
): AsyncGenerator<Fault> {
  const file = join(directory, name)
  const found = lstatSync(file, { throwIfNoEntry: false })
  if (bytes === 0) return
  if (found?.isFile() !== true) return yield { _tag: "Missing" }
  if (found.size < bytes) yield { _tag: "Record", detail: `${found.size} of ${bytes} bytes` }
  if (found.size > bytes && !grows)
    yield { _tag: "Record", detail: `${found.size - bytes} bytes behind the last commit; the next run cuts them off` }
  let number = 0
  try {
    for await (const record of WarcReader.records(Gzip.gunzip(read(file, 0, bytes)))) {
      const detail = await recordFault(record, number++ === 0, name, holds)
      if (detail === undefined) continue
      const what = `${record.field("WARC-Type") ?? "record"} ${record.field("WARC-Target-URI") ?? ""}`.trim()
      yield { _tag: "Record", detail: `record ${number} (${what}): ${detail}` }
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const detail = code?.startsWith("Z_") === true ? `damaged gzip (${message})` : message
    yield { _tag: "Record", detail: `behind record ${number}: ${detail}` }
  }
}
