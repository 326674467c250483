/**
 * The WARC files in a WACZ package (1.1.1, 5.2.1), one after another: a package is
 * a ZIP in which they lie below `archive/`, as a rule as they are.
 */
import type { Readable } from "node:stream"
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
export interface WaczArchive {
  /** `archive/simul-00000.warc.gz`. */
  readonly name: string
  /** Its bytes, out of the package. */
  readonly bytes: AsyncIterable<Uint8Array>
}

/** Those of a package in its order, each to be read before the next one is asked for. Throws where it is no ZIP, or damaged. */
export async function* of(file: string): AsyncGenerator<WaczArchive> {
  const zip = await openPromise(file, { autoClose: false, lazyEntries: true })
  try {
    for await (const entry of zip.eachEntry())
      if (/^archive\/.+\.warc(?:\.gz)?$/i.test(entry.fileName))
        yield { name: entry.fileName, bytes: await zip.openReadStreamPromise(entry) }
  } finally {
    zip.close()
  }
}
