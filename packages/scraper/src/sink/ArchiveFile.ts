/**
 * One WARC file that records are appended to, each a gzip member of its own.
 *
 * The records of one exchange stand together: the answer, then its request. What
 * could not be written whole is cut off again, so the file always ends with a
 * whole exchange, unless the process dies; then `mend` cuts it back to what the
 * store has committed.
 */
import { createHash, hash } from "node:crypto"
import * as fs from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { Readable } from "node:stream"
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import { isOutOfFiles } from "../FetchError.ts"
import type { Archive } from "../Sink.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcReader from "../warc/WarcReader.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"
import * as RecordLocation from "./RecordLocation.ts"
import { codeOf } from "./SystemError.ts"

/** A request and its answer, to be archived. */
export interface Exchange {
  readonly targetUri: string
  readonly address: string | undefined
  readonly dateMs: number
  /** The heads of both messages. */
  readonly head: Uint8Array
  readonly request: Uint8Array | undefined
  /** The body, as it came but for transfer codings: in memory, or a file of this length. */
  readonly body: Uint8Array | { readonly file: string; readonly bytes: number }
  readonly truncated: string | undefined
}

/** An exchange whose digests are known. */
export interface Digested extends Exchange {
  readonly id: string
  /** The body, if it is held in memory. */
  readonly held: Uint8Array | undefined
  readonly bytes: number
  readonly payloadDigest: string
  readonly blockDigest: string
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = fs.constants
const chunkSize = 1 << 18
/** Bytes up to this are compressed and undone in one piece, in this thread. */
export const pieceBytes = 65_536
/** Bodies up to this are compressed in one piece, several at once. */
const smallBytes = 1 << 20

// a turn in a thread of the pool takes several times the CPU of compressing what is small
const gzip = async (bytes: Uint8Array): Promise<Buffer> =>
  bytes.length <= pieceBytes ? Gzip.gzipSync(bytes) : promisify<Uint8Array, Buffer>(zlib.gzip)(bytes)
const ending = Buffer.from(WarcRecord.end)

/**
 * Brings archives back to the length that was committed, before anything is
 * added: what a killed run left behind them was never told to anybody. One
 * without a committed byte is removed. Anything else of that name is left alone.
 */
export const mend = (directory: string, archives: ReadonlyArray<Archive>): void => {
  for (const { name, bytes } of archives) {
    if (RecordLocation.numberOf(name) === undefined) continue
    const file = `${directory}/${name}`
    const found = fs.lstatSync(file, { throwIfNoEntry: false })
    if (found?.isFile() !== true) continue
    if (bytes === 0) {
      fs.rmSync(file)
      continue
    }
    if (found.size <= bytes) continue
    const descriptor = fs.openSync(file, O_RDWR | O_NOFOLLOW)
    try {
      fs.ftruncateSync(descriptor, bytes)
    } finally {
      fs.closeSync(descriptor)
    }
  }
}

/** The bytes of a file from `offset` on, in chunks that stay valid. Throws where it cannot be read. */
export async function* read(file: string, offset = 0, length = Infinity): AsyncGenerator<Uint8Array> {
  const handle = await open(file, O_RDONLY | O_NOFOLLOW)
  try {
    for (let left = length, at = offset; left > 0;) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, left))
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      left -= bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** The records of compressed bytes. Throws where they are damaged, behind what comes before. */
export async function* recordsOf(bytes: Uint8Array): AsyncGenerator<WarcReader.WarcRecord> {
  let uncompressed: Buffer
  try {
    uncompressed = Gzip.gunzipSync(bytes)
  } catch {
    return yield* WarcReader.records(Gzip.gunzip(Readable.from([bytes])))
  }
  yield* WarcReader.recordsIn(uncompressed)
}

/** The records at a place. Throws where they cannot be read. */
export async function* recordsAt(
  directory: string,
  { archive, offset, length }: RecordLocation.RecordLocation
): AsyncGenerator<WarcReader.WarcRecord> {
  const file = `${directory}/${archive}`
  if (length > pieceBytes) return yield* WarcReader.records(Gzip.gunzip(read(file, offset, length)))
  const bytes = Buffer.allocUnsafe(length)
  let held = 0
  // here and not in a thread of the pool, whose turns take more than what is done in them; a pipe would wait for a writer
  const descriptor = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  try {
    for (let more = -1; more !== 0; held += more)
      more = fs.readSync(descriptor, bytes, held, length - held, offset + held)
  } finally {
    fs.closeSync(descriptor)
  }
  yield* recordsOf(bytes.subarray(0, held))
}

/** Compressed bytes in which the head of a record is looked for. */
const headBytes = 16_384

/** The record at a place as one that others refer to; `undefined` where no whole answer begins there. */
export const originalAt = async (
  directory: string,
  { archive, offset, length }: RecordLocation.RecordLocation
): Promise<WarcRecord.Original | undefined> => {
  try {
    const file = `${directory}/${archive}`
    if (fs.lstatSync(file).size < offset + length) return undefined
    for await (const bytes of read(file, offset, Math.min(length, headBytes))) {
      const start = zlib.gunzipSync(bytes, { finishFlush: zlib.constants.Z_SYNC_FLUSH })
      const { field } = WarcReader.headOf(start)
      const [recordId, targetUri, date, payloadDigest] = [
        field("WARC-Record-ID"),
        field("WARC-Target-URI"),
        field("WARC-Date"),
        field("WARC-Payload-Digest")
      ]
      const isWhole = field("WARC-Type") === "response" && field("WARC-Truncated") === undefined
      return !isWhole || recordId === undefined || targetUri === undefined || date === undefined || !payloadDigest
        ? undefined
        : { recordId, targetUri, date, payloadDigest }
    }
    return undefined
  } catch (error) {
    if (isOutOfFiles(codeOf(error))) throw error
    // gone, or damaged: then the payload is archived once more
    return undefined
  }
}

const partChanged = () => Object.assign(new Error("the part has another length"), { code: "EIO" })

/** Reads the body of an exchange once. Needs no archive, so many may be under way. Throws where it cannot be read. */
export const digest = async (exchange: Exchange): Promise<Digested> => {
  const { head, body } = exchange
  const digested = (held: Uint8Array | undefined, bytes: number, payload: Uint8Array, block: Uint8Array): Digested => ({
    ...exchange,
    id: crypto.randomUUID(),
    held,
    bytes,
    payloadDigest: WarcRecord.sha1(payload),
    blockDigest: WarcRecord.sha1(block)
  })
  if (!("file" in body) || body.bytes <= smallBytes) {
    // from the page cache: four turns of the thread pool would cost more than all else
    const held = "file" in body ? fs.readFileSync(body.file) : body
    if ("file" in body && held.length !== body.bytes) throw partChanged()
    const block = createHash("sha1").update(head).update(held).digest()
    return digested(held, held.length, hash("sha1", held, "buffer"), block)
  }
  const payload = createHash("sha1")
  const block = createHash("sha1").update(head)
  let bytes = 0
  for await (const chunk of read(body.file)) {
    payload.update(chunk)
    block.update(chunk)
    bytes += chunk.length
  }
  if (bytes !== body.bytes) throw partChanged()
  return digested(undefined, bytes, payload.digest(), block.digest())
}

/**
 * The records of an exchange as they will be appended: compressed where they are small, else made when they are
 * written, for memory's sake.
 */
export interface Member {
  readonly answer: Buffer | AsyncIterable<Uint8Array>
  readonly request: Buffer | undefined
}

const compressed = async (record: Uint8Array, block: Uint8Array, body: Uint8Array = new Uint8Array()) =>
  gzip(Buffer.concat([record, block, body, ending]))

const requestOf = ({ id, targetUri, address, dateMs, request }: Digested): Promise<Buffer> | undefined => {
  if (request === undefined) return undefined
  const blockDigest = WarcRecord.sha1(hash("sha1", request, "buffer"))
  const about = { id: crypto.randomUUID(), dateMs, targetUri, address, bytes: request.length, blockDigest }
  return compressed(WarcRecord.request(about, id), request)
}

/** The body of a large response is read once more, for its digests stand before it. */
async function* stream(record: Uint8Array, { head, body, bytes }: Digested): AsyncGenerator<Uint8Array> {
  yield record
  yield head
  let given = 0
  for await (const chunk of read((body as { readonly file: string }).file)) {
    given += chunk.length
    yield chunk
  }
  if (given !== bytes) throw partChanged()
  yield ending
}

/** An exchange with its payload. */
export const whole = async (exchange: Digested): Promise<Member> => {
  const { head, bytes, held } = exchange
  const record = WarcRecord.response({ ...exchange, bytes: head.length + bytes })
  return {
    answer: held === undefined ? Gzip.gzip(stream(record, exchange)) : await compressed(record, head, held),
    request: await requestOf(exchange)
  }
}

/** An exchange whose payload lies in the original. */
export const again = async (
  exchange: Digested,
  profile: WarcRecord.Profile,
  original: WarcRecord.Original
): Promise<Member> => {
  const { head } = exchange
  const blockDigest = WarcRecord.sha1(hash("sha1", head, "buffer"))
  // the block of a 304 is all that came (6.7.3)
  const truncated = profile === "server-not-modified" ? undefined : "length"
  const record = WarcRecord.revisit({ ...exchange, bytes: head.length, blockDigest, truncated }, profile, original)
  return { answer: await compressed(record, head), request: await requestOf(exchange) }
}

const openAgain = (file: string) => open(file, O_RDWR | O_NOFOLLOW)

export class ArchiveFile {
  readonly name: string
  /** Length: where the next record begins. */
  bytes: number
  readonly #file: string
  /** `undefined` while it is closed. */
  #handle: FileHandle | undefined

  private constructor(directory: string, name: string, handle: FileHandle, bytes: number) {
    this.name = name
    this.#file = `${directory}/${name}`
    this.#handle = handle
    this.bytes = bytes
  }

  /** Opens an archive to go on at its end. */
  static async reopen(directory: string, { name, bytes }: Archive): Promise<ArchiveFile> {
    return new ArchiveFile(directory, name, await openAgain(`${directory}/${name}`), bytes)
  }

  /** Makes an archive that begins with a warcinfo record. Throws with EEXIST where something has that name. */
  static async create(directory: string, name: string, fields: WarcRecord.Fields): Promise<ArchiveFile> {
    const handle = await open(`${directory}/${name}`, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)
    const archive = new ArchiveFile(directory, name, handle, 0)
    try {
      const about = { id: crypto.randomUUID(), dateMs: Date.now() }
      await archive.append({ answer: await gzip(WarcRecord.warcinfo(about, name, fields)), request: undefined })
    } catch (error) {
      await archive.close().catch(() => {})
      fs.rmSync(archive.#file, { force: true })
      throw error
    }
    return archive
  }

  get isOpen(): boolean {
    return this.#handle !== undefined
  }

  /** Appends the records of an exchange, all or nothing, and says where the answer is. Throws as the file system does. */
  async append({ answer, request }: Member): Promise<RecordLocation.RecordLocation> {
    const handle = (this.#handle ??= await openAgain(this.#file))
    const write = (bytes: Uint8Array, position: number): number => {
      let written = 0
      while (written < bytes.length)
        written += fs.writeSync(handle.fd, bytes, written, bytes.length - written, position + written)
      return position + written
    }
    const offset = this.bytes
    let at = offset
    let end: number
    try {
      if (Buffer.isBuffer(answer)) at = write(answer, at)
      else for await (const chunk of answer) at = write(chunk, at)
      end = request === undefined ? at : write(request, at)
    } catch (error) {
      // should this fail too, the next record is written over it, and mending cuts what remains
      await handle.truncate(offset).catch(() => {})
      throw error
    }
    this.bytes = end
    return { archive: this.name, offset, length: at - offset }
  }

  async sync(): Promise<void> {
    await this.#handle?.datasync()
  }

  /** Until the next record. What a network's disk or a quota had no room for may be told only here (close(2)). */
  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}
