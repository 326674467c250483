/**
 * One WARC file that records are appended to, each a gzip member of its own.
 *
 * A record that could not be written whole is cut off again, so the file always
 * ends with a whole member, unless the process dies; then `mend` cuts it back to
 * what the store has committed.
 */
import { createHash, hash } from "node:crypto"
import * as fs from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { promisify } from "node:util"
import * as zlib from "node:zlib"
import type { Archive } from "../Sink.ts"
import * as Gzip from "../warc/Gzip.ts"
import * as WarcRecord from "../warc/WarcRecord.ts"
import * as RecordLocation from "./RecordLocation.ts"

/** A response whose body lies in a file. */
export interface Response extends WarcRecord.About {
  readonly targetUri: string
  readonly status: number
  readonly reason: string
  readonly fields: WarcRecord.Fields
  /** The body, as it came but for transfer codings, and its length. */
  readonly file: string
  readonly bytes: number
}

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = fs.constants
const chunkSize = 1 << 18
/** Bodies up to this are compressed in one piece, several at once. */
const smallBytes = 1 << 20

const gzip = promisify<Uint8Array, Buffer>(zlib.gzip)
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
    if (found?.isFile() !== true || found.size <= bytes) continue
    if (bytes === 0) {
      fs.rmSync(file)
      continue
    }
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

/** The heads of a record, digests included: the record's own and that of the message. */
const headsOf = (response: Response, head: Uint8Array, payload: Uint8Array, block: Uint8Array) =>
  WarcRecord.response({
    ...response,
    bytes: head.length + response.bytes,
    payloadDigest: WarcRecord.sha1(payload),
    blockDigest: WarcRecord.sha1(block)
  })

const messageHead = ({ status, reason, fields, bytes }: Response) => WarcRecord.httpHead(status, reason, fields, bytes)

/** A record as it will be appended: whole where it is small, else made when it is written, for memory's sake. */
export type Member = Buffer | Response

/** Compresses the record of a small body; needs no archive, so many may be under way. Throws where the body cannot be read. */
export const prepare = async (response: Response): Promise<Member> => {
  if (response.bytes > smallBytes) return response
  // from the page cache: four turns of the thread pool would cost more than all else
  const body = fs.readFileSync(response.file)
  if (body.length !== response.bytes) throw Object.assign(new Error("the part has another length"), { code: "EIO" })
  const head = messageHead(response)
  const block = Buffer.concat([head, body])
  const before = headsOf(response, head, hash("sha1", body, "buffer"), hash("sha1", block, "buffer"))
  return gzip(Buffer.concat([before, block, ending]))
}

/** The record of a large body, uncompressed: its body is read twice, for the digests stand before it. */
async function* stream(response: Response): AsyncGenerator<Uint8Array> {
  const head = messageHead(response)
  const payload = createHash("sha1")
  const block = createHash("sha1").update(head)
  for await (const chunk of read(response.file)) {
    payload.update(chunk)
    block.update(chunk)
  }
  yield headsOf(response, head, payload.digest(), block.digest())
  yield head
  let bytes = 0
  for await (const chunk of read(response.file)) {
    bytes += chunk.length
    yield chunk
  }
  if (bytes !== response.bytes) throw Object.assign(new Error("the part has another length"), { code: "EIO" })
  yield ending
}

export class ArchiveFile {
  readonly name: string
  /** Length: where the next record begins. */
  bytes: number
  readonly #handle: FileHandle

  private constructor(name: string, handle: FileHandle, bytes: number) {
    this.name = name
    this.#handle = handle
    this.bytes = bytes
  }

  /** Opens an archive to go on at its end. */
  static async reopen(directory: string, { name, bytes }: Archive): Promise<ArchiveFile> {
    return new ArchiveFile(name, await open(`${directory}/${name}`, O_RDWR | O_NOFOLLOW), bytes)
  }

  /** Makes an archive that begins with a warcinfo record. Throws with EEXIST where something has that name. */
  static async create(directory: string, name: string, fields: WarcRecord.Fields): Promise<ArchiveFile> {
    const handle = await open(`${directory}/${name}`, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o666)
    const archive = new ArchiveFile(name, handle, 0)
    try {
      const about = { id: crypto.randomUUID(), dateMs: Date.now() }
      await archive.append(await gzip(WarcRecord.warcinfo(about, name, fields)))
    } catch (error) {
      await archive.close()
      fs.rmSync(`${directory}/${name}`, { force: true })
      throw error
    }
    return archive
  }

  /** Appends a record, whole or not at all, and says where it is. Throws as the file system does. */
  async append(member: Member): Promise<string> {
    const offset = this.bytes
    let at = offset
    try {
      if (Buffer.isBuffer(member)) at = await this.#write(member, at)
      else for await (const chunk of Gzip.gzip(stream(member))) at = await this.#write(chunk, at)
    } catch (error) {
      // should this fail too, the next record is written over it, and mending cuts what remains
      await this.#handle.truncate(offset).catch(() => {})
      throw error
    }
    this.bytes = at
    return RecordLocation.toPath({ archive: this.name, offset, length: at - offset })
  }

  async #write(bytes: Uint8Array, position: number): Promise<number> {
    let written = 0
    while (written < bytes.length)
      written += (await this.#handle.write(bytes, written, bytes.length - written, position + written)).bytesWritten
    return position + written
  }

  async sync(): Promise<void> {
    await this.#handle.datasync()
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}
