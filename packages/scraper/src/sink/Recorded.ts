/** Whether what was saved still is what was recorded of it: a file, or a record of an archive. */
import * as Effect from "effect/Effect"
import { createHash, hash } from "node:crypto"
import { closeSync, constants, createReadStream, fstatSync, lstatSync, openSync, readSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import * as Decode from "../Decode.ts"
import { DirectoryUnusable } from "../RunError.ts"
import * as WarcPages from "../warc/WarcPages.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import { recordsAt } from "./ArchiveFile.ts"
import * as Files from "./Files.ts"
import * as RecordDigests from "./RecordDigests.ts"
import * as RecordLocation from "./RecordLocation.ts"
import { codeOf } from "./SystemError.ts"

export type Fault =
  /** `code`: it is there, and this is why it cannot be read. */
  | { readonly _tag: "Missing"; readonly code?: string }
  | { readonly _tag: "Length"; readonly found: number }
  | { readonly _tag: "Hash"; readonly found: string }
  /** The archive is there, but not the one whole record at that place. `code`: why the system cannot read it. */
  | { readonly _tag: "Record"; readonly detail: string; readonly code?: string }

interface Expected {
  readonly bytes: number
  readonly sha256: string | undefined
}

const chunkSize = 1 << 18

/** What leads nowhere: no more than this says that nothing is there. */
const leadsNowhere = new Set(["ENOENT", "ENOTDIR", "ELOOP"])

/**
 * Whether that is the word of a system that could not read, and so tells nothing of what was saved. What is gone, what
 * is a folder by now and what is damaged is told.
 */
export const isUntold = (error: unknown): boolean => {
  const { code = "" } = error as NodeJS.ErrnoException
  return /^E[A-Z\d]+$/.test(code) && code !== "EISDIR" && !leadsNowhere.has(code)
}

/** What lies at a path. Throws DirectoryUnusable where the system does not tell: a disk that fails has lost nothing yet. */
export const found = (files: Files.Files, path: string): ReturnType<Files.Files["look"]> => {
  try {
    return files.look(path)
  } catch (error) {
    if (leadsNowhere.has((error as NodeJS.ErrnoException).code!)) return undefined
    throw DirectoryUnusable.of(path, true)(error)
  }
}

/**
 * Whether it is there by a look from outside: a file of this length, or an archive that reaches so far. Throws as
 * `found`.
 */
export const stands = (directory: string, path: string, bytes: number, files = Files.node): boolean => {
  // template strings, for node:path costs as much as a system call
  const file = found(files, `${directory}/${path}`)
  if (file?.kind === "file") return file.size === bytes
  const location = RecordLocation.fromPath(path)
  if (location === undefined) return false
  const archive = found(files, `${directory}/${location.archive}`)
  return archive?.kind === "file" && archive.size >= location.offset + location.length
}

/**
 * Reads what lies at a path below `directory` and compares length and sha256 (where one was recorded), of a record its
 * own digests too; `undefined` if all is well.
 */
export const recorded = (directory: string, path: string, expected: Expected): Effect.Effect<Fault | undefined> =>
  Effect.suspend(() => {
    const found = readAtOnce(directory, path, expected)
    return found === undefined ? recordedLater(directory, path, expected) : Effect.succeed(found.fault)
  })

/** As `recorded`, and lets others work meanwhile. */
export const recordedLater = (directory: string, path: string, expected: Expected): Effect.Effect<Fault | undefined> =>
  Effect.promise(() =>
    largeFault(join(directory, path), expected).catch((error: unknown) => {
      const location = RecordLocation.fromPath(path)
      return location === undefined ? missing(error) : archived(directory, location, expected)
    })
  )

/**
 * Of a file of one chunk; `undefined` for all else. Here and not in a thread of the pool: to pass four calls there and back
 * takes ten times the CPU that they do.
 */
const readAtOnce = (
  directory: string,
  path: string,
  expected: Expected
): { readonly fault: Fault | undefined } | undefined => {
  if (expected.bytes > chunkSize || RecordLocation.fromPath(path) !== undefined) return undefined
  try {
    return { fault: smallFault(join(directory, path), expected) }
  } catch (error) {
    return { fault: missing(error) }
  }
}

/** A read that takes so long comes from a disk, or over a network, and so will the next. */
const slowMs = 1
const fewSlow = 16

/**
 * Makes what `recorded` is for many files: as many of them as need no wait are read at once, `undefined` is for
 * `recordedLater`. Where one was slow, those after it are too: several are waited for together in a third of the time.
 */
export const makeAtOnce = (): typeof readAtOnce => {
  let slow = 0
  return (directory, path, expected) => {
    if (slow > 0) {
      slow--
      return undefined
    }
    const began = performance.now()
    const found = readAtOnce(directory, path, expected)
    if (performance.now() - began > slowMs) slow = fewSlow
    return found
  }
}

/** Whether all of it is there. Fails where the system cannot read it, which tells nothing. */
export const isWhole = (
  directory: string,
  path: string,
  expected: Expected
): Effect.Effect<boolean, DirectoryUnusable> =>
  Effect.flatMap(recorded(directory, path, expected), (fault) =>
    fault !== undefined && isUntold(fault)
      ? Effect.fail(DirectoryUnusable.of(`${directory}/${path}`, true)(fault))
      : Effect.succeed(fault === undefined)
  )

const { O_NONBLOCK, O_RDONLY } = constants
/** A pipe has no bytes for who does not wait for them; a wait would hold the process. */
const flags = O_RDONLY | O_NONBLOCK

const small = Buffer.allocUnsafeSlow(chunkSize)

/** Of a file of one chunk. Throws where it cannot be read. */
const smallFault = (file: string, expected: Expected): Fault | undefined => {
  const descriptor = openSync(file, flags)
  try {
    const { size } = fstatSync(descriptor)
    if (size !== expected.bytes) return { _tag: "Length", found: size }
    if (expected.sha256 === undefined) return undefined
    let length = 0
    for (let read = -1; read !== 0; length += read) read = readSync(descriptor, small, length, chunkSize - length, null)
    const found = hash("sha256", small.subarray(0, length), "hex")
    return found === expected.sha256 ? undefined : { _tag: "Hash", found }
  } finally {
    closeSync(descriptor)
  }
}

/** Throws where it cannot be read. */
const largeFault = async (file: string, expected: Expected): Promise<Fault | undefined> => {
  const handle = await open(file, flags)
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
}

/** Not there, by the error of who looked. */
export const missing = (error: unknown): Fault => {
  const code = codeOf(error)
  return code === "ENOENT" || code === "ENOTDIR" ? { _tag: "Missing" } : { _tag: "Missing", code }
}

const archived = async (
  directory: string,
  location: RecordLocation.RecordLocation,
  expected: Expected
): Promise<Fault | undefined> => {
  try {
    if (!lstatSync(join(directory, location.archive)).isFile()) return { _tag: "Missing" }
  } catch (error) {
    return missing(error)
  }
  return (await responseFaults(recordsAt(directory, location), [expected]))[0]
}

/** The bytes that lie at a path below `directory`: of a record, its body without codings. Throws where they cannot be read. */
export const bytesOf = async function* (directory: string, path: string): AsyncGenerator<Uint8Array> {
  const location = RecordLocation.fromPath(path)
  if (location === undefined || lstatSync(join(directory, path), { throwIfNoEntry: false }) !== undefined)
    return yield* createReadStream(join(directory, path))
  for await (const record of recordsAt(directory, location)) {
    const { head, payload } = await WarcReader.message(record.block)
    yield* Decode.decoded(Decode.codings(WarcPages.parseHead(head).fields.get("content-encoding")), payload)
  }
}

/** What every record has (5.2 to 5.5). */
const mandatory: ReadonlyArray<readonly [name: string, form: RegExp]> = [
  ["WARC-Record-ID", /^<[a-z][a-z0-9+.-]*:[^\s<>]+>$/i],
  ["WARC-Date", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/],
  ["WARC-Type", /^[a-z-]+$/]
]

/** What is wrong with a record by its own fields, if anything. */
export const recordFault = (
  { field }: WarcReader.WarcRecord,
  { block, payload }: RecordDigests.RecordDigests
): string | undefined => {
  for (const [name, form] of mandatory) if (!form.test(field(name) ?? "")) return `no ${name} that is one`
  const type = field("WARC-Type")
  if (type === "warcinfo") return undefined
  if (field("WARC-Block-Digest") !== block) return "other bytes than its block digest says"
  if (type === "response" && field("WARC-Payload-Digest") !== payload) return "other bytes than its payload digest says"
  return undefined
}

const damaged = (detail: string) => ({ _tag: "Record" as const, detail })

/** The fault of records that cannot be read on. */
export const unreadable = (error: unknown) => {
  const { code, message } = error as NodeJS.ErrnoException
  if (code !== undefined && isUntold(error)) return { ...damaged(message), code }
  return damaged(code?.startsWith("Z_") === true ? `damaged gzip (${message})` : message)
}

/** What is wrong with the one response that the records are, for each body that it should have: one fault at most. */
export const responseFaults = async (
  records: AsyncIterable<WarcReader.WarcRecord>,
  bodies: ReadonlyArray<Expected>
): Promise<ReadonlyArray<Fault | undefined>> => {
  const all = (fault: Fault) => bodies.map(() => fault)
  let faults: ReadonlyArray<Fault | undefined> | undefined
  try {
    for await (const record of records) {
      if (faults !== undefined) return all(damaged("more than one record"))
      const sha256 = createHash("sha256")
      const digests = await RecordDigests.read(record, sha256)
      const hash = sha256.digest("hex")
      const detail = record.field("WARC-Type") === "response" ? recordFault(record, digests) : "no response"
      faults = bodies.map((expected): Fault | undefined => {
        if (digests.bytes !== expected.bytes) return { _tag: "Length", found: digests.bytes }
        if (expected.sha256 !== undefined && expected.sha256 !== hash) return { _tag: "Hash", found: hash }
        return detail === undefined ? undefined : damaged(detail)
      })
    }
  } catch (error) {
    return all(unreadable(error))
  }
  return faults ?? all(damaged("no record there"))
}
