/**
 * A ZIP file that grows entry after entry (APPNOTE 6.3.10), as long as may be:
 * numbers that have no room in their fields stand in those of ZIP64 (4.5.3).
 *
 * The head of an entry is written when its bytes are, for only then its checksum
 * is known. So entries need no descriptor behind them, which not every reader takes.
 */
import type { FileHandle } from "node:fs/promises"
import { crc32 } from "node:zlib"
import * as Gzip from "../warc/Gzip.ts"

/** What a field of two or four bytes has where the number stands elsewhere. */
const most2 = 0xffff
const most4 = 0xffffffff

/** The version of the format that has ZIP64, and the same of a system with the permissions of Unix (4.4.2, 4.4.3). */
const wideVersion = 45
const madeBy = (3 << 8) | wideVersion

/** Numbers without sign, the least significant byte first, each of so many bytes. */
const numbers = (...fields: ReadonlyArray<readonly [bytes: 2 | 4 | 8, value: number]>): Buffer => {
  const buffer = Buffer.alloc(fields.reduce((sum, [bytes]) => sum + bytes, 0))
  let at = 0
  for (const [bytes, value] of fields) {
    if (bytes === 8) buffer.writeBigUInt64LE(BigInt(value), at)
    else buffer.writeUIntLE(value, at, bytes)
    at += bytes
  }
  return buffer
}

/** The extra field with what has no room (4.5.3). */
const wide = (values: ReadonlyArray<number>): Buffer =>
  values.length === 0
    ? Buffer.alloc(0)
    : numbers([2, 1], [2, 8 * values.length], ...values.map((value) => [8, value] as const))

/** Date and time of the file systems of DOS, in one number: local time, two seconds fine (4.4.6). */
const dosTime = (date: Date): number => {
  const day = ((date.getFullYear() - 1980) << 9) | ((date.getMonth() + 1) << 5) | date.getDate()
  return day * 65_536 + ((date.getHours() << 11) | (date.getMinutes() << 5) | (date.getSeconds() >> 1))
}

export interface Entry {
  readonly name: string
  /** Length of its content. */
  readonly bytes: number
  readonly isDeflated: boolean
}

/** What a head in front of an entry and one in the directory have in common (4.3.7, 4.3.12). */
const common = (
  { name, bytes, isDeflated }: Entry,
  { time, checksum, written }: { readonly time: number; readonly checksum: number; readonly written: number },
  extra: Buffer
): Buffer =>
  numbers(
    [2, extra.length > 0 ? wideVersion : 20],
    // names are UTF-8
    [2, 0x800],
    [2, isDeflated ? 8 : 0],
    [4, time],
    [4, checksum],
    [4, Math.min(written, most4)],
    [4, Math.min(bytes, most4)],
    [2, Buffer.byteLength(name)],
    [2, extra.length]
  )

export class ZipFile {
  /** Length so far. */
  bytes = 0
  readonly #handle: Pick<FileHandle, "write">
  readonly #directory: Array<Buffer> = []
  readonly #time = dosTime(new Date())

  /** `handle`: of an empty file; whoever opened it closes it. */
  constructor(handle: Pick<FileHandle, "write">) {
    this.#handle = handle
  }

  /** Adds an entry. `content` must give `bytes` bytes. Throws what it or the file system throws: the file is of no use then. */
  async add(entry: Entry, content: AsyncIterable<Uint8Array>): Promise<void> {
    const { name, bytes, isDeflated } = entry
    const offset = this.bytes
    // deflated it may be a little longer
    const isWide = bytes >= most4 - 2 ** 26
    const head = (checksum: number, written: number) => {
      const extra = wide(isWide ? [bytes, written] : [])
      const told = isWide ? { ...entry, bytes: most4 } : entry
      const end = { time: this.#time, checksum, written: isWide ? most4 : written }
      return Buffer.concat([numbers([4, 0x04034b50]), common(told, end, extra), Buffer.from(name), extra])
    }
    await this.#write(head(0, 0))
    const start = this.bytes
    let checksum = 0
    const checked = async function* () {
      for await (const chunk of content) {
        checksum = crc32(chunk, checksum)
        yield chunk
      }
    }
    for await (const chunk of isDeflated ? Gzip.deflateRaw(checked()) : checked()) await this.#write(chunk)
    const written = this.bytes - start
    const before = head(checksum, written)
    await this.#handle.write(before, 0, before.length, offset)
    const extra = wide([bytes, written, offset].filter((value) => value >= most4))
    this.#directory.push(
      Buffer.concat([
        numbers([4, 0x02014b50], [2, madeBy]),
        common(entry, { time: this.#time, checksum, written }, extra),
        // no comment, on the first disk, no text; a file that its owner writes and all read
        numbers([2, 0], [2, 0], [2, 0], [2, 0], [2, 0o100644], [4, Math.min(offset, most4)]),
        Buffer.from(name),
        extra
      ])
    )
  }

  /** Writes the directory (4.3.12 to 4.3.16). Nothing is added after it. */
  async end(): Promise<void> {
    const at = this.bytes
    const entries = this.#directory.length
    await this.#write(Buffer.concat(this.#directory))
    const size = this.bytes - at
    if (entries >= most2 || at >= most4 || size >= most4) {
      const place = this.bytes
      const head = numbers([4, 0x06064b50], [8, 44], [2, madeBy], [2, wideVersion], [4, 0], [4, 0])
      const body = numbers([8, entries], [8, entries], [8, size], [8, at])
      await this.#write(Buffer.concat([head, body, numbers([4, 0x07064b50], [4, 0], [8, place], [4, 1])]))
    }
    const told = Math.min(entries, most2)
    const [length, place] = [Math.min(size, most4), Math.min(at, most4)]
    await this.#write(numbers([4, 0x06054b50], [2, 0], [2, 0], [2, told], [2, told], [4, length], [4, place], [2, 0]))
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += (await this.#handle.write(bytes, at)).bytesWritten
    this.bytes += bytes.length
  }
}
