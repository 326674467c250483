/** Gzip over async iterables (RFC 1952), a chunk at a time. */
import * as zlib from "node:zlib"

/** Pushes the source through, as fast as its other end is read. Throws what the source or the engine throws. */
async function* through(
  engine: zlib.Gzip | zlib.Gunzip,
  source: AsyncIterable<Uint8Array>
): AsyncGenerator<Uint8Array, number> {
  let given = 0
  let wake: (() => void) | undefined
  engine.on("drain", () => wake?.())
  engine.on("close", () => wake?.())
  const pump = async () => {
    try {
      for await (const chunk of source) {
        given += chunk.length
        if (engine.destroyed) return
        if (!engine.write(chunk)) await new Promise<void>((resolve) => (wake = resolve))
        if (engine.destroyed) return
      }
      engine.end()
    } catch (error) {
      engine.destroy(error as Error)
    }
  }
  const pumped = pump()
  try {
    for await (const chunk of engine) yield chunk as Uint8Array
  } finally {
    engine.destroy()
    await pumped
  }
  return given
}

/** Compresses all of it into one member. */
export async function* gzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* through(zlib.createGzip(), source)
}

/** Memory for so many bytes and no more, where zlib would take 16 KiB. */
const chunkFor = (bytes: number) =>
  Math.min(Math.max(bytes, zlib.constants.Z_MIN_CHUNK), zlib.constants.Z_DEFAULT_CHUNK)

/** The same as `gzip`, in memory: for what is small that takes a fraction of the CPU. */
export const gzipSync = (bytes: Uint8Array): Buffer => zlib.gzipSync(bytes, { chunkSize: chunkFor(bytes.length) })

const foreign = () => new Error("bytes that are no gzip member")

/** The same as `gunzip`, in memory: for what is small that is several times as fast. */
export const gunzipSync = (bytes: Uint8Array): Buffer => {
  // a member ends with its length (RFC 1952 2.3.1)
  const length = bytes.length < 4 ? 0 : Buffer.from(bytes.buffer, bytes.byteOffset).readUInt32LE(bytes.length - 4)
  const { buffer, engine } = zlib.gunzipSync(bytes, { info: true, chunkSize: chunkFor(length + 1) }) as unknown as {
    readonly buffer: Buffer
    readonly engine: zlib.Gunzip
  }
  if (engine.bytesWritten < bytes.length) throw foreign()
  return buffer
}

/** Undoes gzip, member after member. Throws where one is damaged or cut, or where something else follows. */
export async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const engine = zlib.createGunzip()
  const given = yield* through(engine, source)
  if (engine.bytesWritten < given) throw foreign()
}
