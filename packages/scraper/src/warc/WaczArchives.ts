/**
 * The WARC files in a WACZ package (1.1.1, 5.2.1), one after another: a package is
 * a ZIP in which they lie below `archive/`, as a rule as they are.
 */
import type { Readable } from "node:stream"
import { crc32 } from "node:zlib"
import * as yauzl from "yauzl"

/** What the types of the library do not have yet. */
interface Zip {
  readonly eachEntry: () => AsyncIterable<yauzl.Entry>
  readonly openReadStreamPromise: (entry: yauzl.Entry) => Promise<Readable>
  readonly close: () => void
}
const { openPromise } = yauzl as unknown as {
  readonly openPromise: (file: string, options: yauzl.Options) => Promise<Zip>
}

/** A WARC file of a package. */
interface WaczArchive {
  /** `archive/simul-00000.warc.gz`. */
  readonly name: string
  /** Its length and CRC-32, out of the package. */
  readonly size: number
  readonly crc32: number
  /** Its bytes, out of the package. Throws where it is encrypted, compressed in a way that is not known, or damaged. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Opened when it is read: what is wrong with one file says nothing of the others. */
async function* read(zip: Zip, entry: yauzl.Entry): AsyncGenerator<Uint8Array> {
  if (entry.isEncrypted()) throw new Error("encrypted: decrypt the package and read that")
  let sum = 0
  for await (const chunk of await zip.openReadStreamPromise(entry)) {
    sum = crc32(chunk, sum)
    yield chunk
  }
  if (sum !== entry.crc32) throw new Error("damaged: its CRC-32 is another one than the package says")
}

/** Those of a package in its order, each to be read before the next one is asked for. Throws where it is no ZIP, or damaged. */
export async function* of(file: string): AsyncGenerator<WaczArchive> {
  const zip = await openPromise(file, { autoClose: false, lazyEntries: true })
  try {
    for await (const entry of zip.eachEntry())
      if (/^archive\/.+\.warc(?:\.gz)?$/i.test(entry.fileName))
        yield { name: entry.fileName, size: entry.uncompressedSize, crc32: entry.crc32, bytes: read(zip, entry) }
  } finally {
    zip.close()
  }
}
