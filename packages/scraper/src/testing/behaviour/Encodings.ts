/** Content codings (RFC 9110 8.4.1): right ones, wrong ones, and ones that grow without end. */
import { Readable, pipeline } from "node:stream"
import * as zlib from "node:zlib"
import * as Behaviour from "../Behaviour.ts"
import * as Content from "../Content.ts"
import * as Representation from "../Representation.ts"

/** What a coding is called in Content-Encoding, and what it does to the bytes. */
interface Coding {
  readonly label: string
  readonly encode: (bytes: Buffer) => Buffer
}

const same = (bytes: Buffer) => bytes

const known: Readonly<Record<string, Coding>> = {
  gzip: { label: "gzip", encode: (bytes) => zlib.gzipSync(bytes) },
  "x-gzip": { label: "x-gzip", encode: (bytes) => zlib.gzipSync(bytes) },
  deflate: { label: "deflate", encode: (bytes) => zlib.deflateSync(bytes) },
  "raw-deflate": { label: "deflate", encode: (bytes) => zlib.deflateRawSync(bytes) },
  br: { label: "br", encode: (bytes) => zlib.brotliCompressSync(bytes) },
  zstd: { label: "zstd", encode: (bytes) => withZstd(zlib.zstdCompressSync)(bytes) },
  identity: { label: "identity", encode: same }
}

const withZstd = <Member>(member: Member | undefined): Member => {
  if (member === undefined) throw new Behaviour.BadPath("this Node has no zstd; 22.15 and later have")
  return member
}

/** `mislabelled-X`, `truncated-X` and `corrupt-X` spoil a coding; any other name stands for itself, over plain bytes. */
const codingOf = (name: string): Coding => {
  const [, fault, inner] = /^(mislabelled|truncated|corrupt)-(.+)$/.exec(name) ?? []
  if (fault === undefined || inner === undefined) return known[name] ?? { label: name, encode: same }
  const { label, encode } = codingOf(inner)
  if (fault === "mislabelled") return { label, encode: same }
  if (fault === "truncated") return { label, encode: (bytes) => encode(bytes).subarray(0, -10) }
  return {
    label,
    encode: (bytes) => {
      const encoded = Buffer.from(encode(bytes))
      // In the middle and at the end: whichever check a coding has, one of them meets it.
      for (const at of [encoded.length >> 1, encoded.length - 6, encoded.length - 2]) {
        if (at >= 0) encoded[at]! ^= 0x55
      }
      return encoded
    }
  }
}

/** More would be compressed in one go, on this thread. */
const maxEncodedBytes = 64 * 1024 * 1024

const compressors: Readonly<Record<string, () => NodeJS.ReadWriteStream>> = {
  gzip: () => zlib.createGzip({ level: 1 }),
  deflate: () => zlib.createDeflate({ level: 1 }),
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: () => withZstd(zlib.createZstdCompress)()
}

const zeros = function* (size: number) {
  const block = Buffer.alloc(Math.min(size, 256 * 1024))
  for (let left = size; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block
}

export const rows: ReadonlyArray<Behaviour.Behaviour> = [
  Behaviour.make(
    "/encoded/CODINGS/N/name",
    "N bytes in these codings, comma-separated, applied in order: gzip x-gzip deflate raw-deflate br zstd identity, " +
      "each also with `mislabelled-` (plain bytes), `truncated-` or `corrupt-` before it; any other name is an unknown coding",
    (exchange, { values, path }) => {
      const size = Behaviour.count(values.N)
      if (size > maxEncodedBytes) throw new Behaviour.BadPath(`N is at most ${maxEncodedBytes}`)
      const codings = values.CODINGS.split(",").map(codingOf)
      const encoded = codings.reduce(
        (bytes, coding) => coding.encode(bytes),
        Content.generate(path, size).read(0, size)
      )
      const representation = Representation.of(path, Content.fromBytes(encoded))
      Representation.answer(exchange, {
        ...representation,
        fields: [...representation.fields!, "content-encoding", codings.map((coding) => coding.label).join(", ")]
      })
    }
  ),
  Behaviour.make(
    "/bomb/CODING/N/name",
    "N zeros in gzip, deflate, br or zstd, made while they are sent: 1 GiB costs neither side memory",
    (exchange, { values }) => {
      const compressor = compressors[values.CODING]
      if (compressor === undefined) throw new Behaviour.BadPath(`no bomb in "${values.CODING}"`)
      const source = Readable.from(zeros(Behaviour.count(values.N)), { objectMode: false })
      const coded = compressor()
      exchange.stream(200, ["content-encoding", values.CODING], (response) =>
        // A client that hangs up ends the pipeline with an error, which is what a bomb hopes for.
        pipeline(source, coded, response, () => undefined)
      )
    },
    (values) => {
      const size = Behaviour.count(values.N)
      return { size, read: (from, to) => Buffer.alloc(to - from) }
    }
  )
]
