/** Whether what was saved still is what was recorded of it: a file, or a record of an archive. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { createReadStream, lstatSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import { read } from "./ArchiveFile.ts"
import * as Files from "./Files.ts"
import * as RecordDigests from "./RecordDigests.ts"
import * as RecordLocation from "./RecordLocation.ts"

export type Fault =
  | { readonly _tag: "Missing" }
  | { readonly _tag: "Length"; readonly found: number }
  | { readonly _tag: "Hash"; readonly found: string }
  /** The archive is there, but not the one whole record at that place. */
  | { readonly _tag: "Record"; readonly detail: string }

interface Expected {
  readonly bytes: number
  readonly sha256: string | undefined
}

const chunkSize = 1 << 18

/** Whether it is there by a look from outside: a file of this length, or an archive that reaches so far. */
export const stands = (directory: string, path: string, bytes: number, { look } = Files.node): boolean => {
  // template strings, for node:path costs as much as a system call
  const found = look(`${directory}/${path}`)
  if (found?.kind === "file") return found.size === bytes
  const location = RecordLocation.fromPath(path)
  if (location === undefined) return false
  const archive = look(`${directory}/${location.archive}`)
  return archive?.kind === "file" && archive.size >= location.offset + location.length
}

/** Reads what lies at a path below `directory` and compares length and sha256 (where one was recorded), of a record its own digests too; `undefined` if all is well. */
export const recorded = (directory: string, path: string, expected: Expected): Effect.Effect<Fault | undefined> =>
  Effect.promise(async () => {
    const handle = await open(join(directory, path), "r").catch(() => undefined)
    const location = RecordLocation.fromPath(path)
    if (handle === undefined)
      return location === undefined ? { _tag: "Missing" } : recordFault(directory, location, expected)
    try {
      const { size } = await handle.stat()
      if (size !== expected.bytes) return { _tag: "Length", found: size }
      if (expected.sha256 === undefined) return undefined
      const digest = createHash("sha256")
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, size + 1))
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null)
        if (bytesRead === 0) break
        digest.update(buffer.subarray(0, bytesRead))
      }
      const found = digest.digest("hex")
      return found === expected.sha256 ? undefined : { _tag: "Hash", found }
    } finally {
      await handle.close()
    }
  })

/** The bytes that lie at a path below `directory`: of a record, its body as it came. Throws where they cannot be read. */
export const bytesOf = async function* (directory: string, path: string): AsyncGenerator<Uint8Array> {
  const location = RecordLocation.fromPath(path)
  if (location === undefined || lstatSync(join(directory, path), { throwIfNoEntry: false }) !== undefined)
    return yield* createReadStream(join(directory, path))
  const { archive, offset, length } = location
  for await (const record of WarcReader.records(Gzip.gunzip(read(join(directory, archive), offset, length))))
    yield* (await WarcReader.message(record.block)).payload
}

const recordFault = async (
  directory: string,
  { archive, offset, length }: RecordLocation.RecordLocation,
  expected: Expected
): Promise<Fault | undefined> => {
  if (lstatSync(join(directory, archive), { throwIfNoEntry: false })?.isFile() !== true) return { _tag: "Missing" }
  try {
    let fault: Fault | undefined
    let count = 0
    for await (const record of WarcReader.records(Gzip.gunzip(read(join(directory, archive), offset, length)))) {
      if (++count > 1) return { _tag: "Record", detail: "more than one record" }
      fault = await responseFault(record, expected)
    }
    return count === 0 ? { _tag: "Record", detail: "no record there" } : fault
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return { _tag: "Record", detail: code?.startsWith("Z_") === true ? `damaged gzip: ${message}` : message }
  }
}

const responseFault = async (record: WarcReader.WarcRecord, expected: Expected): Promise<Fault | undefined> => {
  if (record.field("WARC-Type") !== "response") return { _tag: "Record", detail: "no response" }
  const sha256 = createHash("sha256")
  const { block, payload, bytes } = await RecordDigests.read(record, sha256)
  if (bytes !== expected.bytes) return { _tag: "Length", found: bytes }
  const found = sha256.digest("hex")
  if (expected.sha256 !== undefined && found !== expected.sha256) return { _tag: "Hash", found }
  if (record.field("WARC-Payload-Digest") !== payload)
    return { _tag: "Record", detail: "other bytes than its payload digest says" }
  if (record.field("WARC-Block-Digest") !== block)
    return { _tag: "Record", detail: "other bytes than its block digest says" }
  return undefined
}
