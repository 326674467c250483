import { Readable } from "node:stream"
import * as Zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import { Randomness } from "@simul/core/simulation"
import * as Decode from "../src/Decode.ts"
import type { DecodeError, TooLargeError } from "../src/FetchError.ts"

const mebi = 1024 * 1024
const hasZstd = Decode.acceptEncoding.includes("zstd")

interface Result {
  readonly reason: DecodeError | TooLargeError | undefined
  readonly bytes: number
  readonly data: Buffer
}

interface Feeding extends Decode.Limits {
  readonly pieceSize?: number
  /** Keep what comes out; `false` for what is large. */
  readonly keep?: boolean
}

const decode = (codings: ReadonlyArray<string>, body: Uint8Array, feeding: Feeding = {}): Promise<Result> =>
  new Promise((resolve) => {
    const { keep = true, pieceSize = body.length, ...limits } = feeding
    const chunks: Array<Uint8Array> = []
    let bytes = 0
    let finished = false
    const finish = (reason: Result["reason"]) => {
      assert.isFalse(finished, "finished twice")
      finished = true
      resolve({ reason, bytes, data: Buffer.concat(chunks) })
    }
    let offset = 0
    const feed = () => {
      while (offset < body.length) {
        // one buffer for all pieces: a decoder that keeps it without a copy sees it change
        const piece = Buffer.from(body.subarray(offset, (offset += pieceSize)))
        const goOn = decoder.write(piece)
        piece.fill(0xee)
        if (!goOn) return
      }
      decoder.end()
    }
    const decoder = make(codings, limits, {
      data: (chunk) => {
        assert.isFalse(finished, "data after the end")
        assert.isAbove(chunk.length, 0)
        bytes += chunk.length
        if (keep) chunks.push(Buffer.from(chunk))
      },
      drain: feed,
      end: () => finish(undefined),
      error: finish
    })
    feed()
  })

const make = (...options: Parameters<typeof Decode.make>): Decode.Decoder => {
  const decoder = Decode.make(...options)
  if ("_tag" in decoder) throw decoder
  return decoder
}

const refusal = (codings: ReadonlyArray<string>): string => {
  const none = () => assert.fail("called")
  const decoder = Decode.make(codings, {}, { data: none, drain: none, end: none, error: none })
  return "_tag" in decoder ? decoder.message : "none"
}

/** Bytes that hardly compress, the same every time. */
const noise = (size: number): Buffer => {
  const random = Randomness.make(1)
  return Buffer.from(Uint8Array.from({ length: size }, () => Randomness.below(random, 256)))
}

const compress = async (encoder: Zlib.BrotliCompress, size: number): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  encoder.on("data", (chunk: Buffer) => chunks.push(chunk))
  const end = new Promise((resolve) => encoder.on("end", resolve))
  const zeros = Buffer.alloc(mebi)
  for (let done = 0; done < size; done += zeros.length)
    await new Promise<void>((resolve, reject) => encoder.write(zeros, (error) => (error ? reject(error) : resolve())))
  encoder.end()
  await end
  return Buffer.concat(chunks)
}

const repeat = (bytes: Uint8Array, count: number) => Buffer.concat(Array.from({ length: count }, () => bytes))

const encoders: Record<string, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => Zlib.gzipSync(bytes),
  br: (bytes) => Zlib.brotliCompressSync(bytes, { params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }),
  deflate: (bytes) => Zlib.deflateSync(bytes),
  ...(hasZstd && { zstd: (bytes: Uint8Array) => Zlib.zstdCompressSync(bytes) })
}

/** A GiB of zeros in each coding. */
const bombs: Record<string, () => Promise<Buffer> | Buffer> = {
  gzip: () => repeat(Zlib.gzipSync(Buffer.alloc(16 * mebi)), 64),
  deflate: () =>
    Buffer.concat([
      repeat(Zlib.deflateRawSync(Buffer.alloc(16 * mebi), { finishFlush: Zlib.constants.Z_FULL_FLUSH }), 64),
      Zlib.deflateRawSync("")
    ]),
  br: () => compress(Zlib.createBrotliCompress({ params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }), 1024 * mebi),
  ...(hasZstd && { zstd: () => repeat(Zlib.zstdCompressSync(Buffer.alloc(16 * mebi)), 64) })
}

describe("codings", () => {
  it("lists them in the order they were applied, in lower case", () => {
    assert.deepStrictEqual(Decode.codings("GZIP ,\tBr"), ["gzip", "br"])
  })

  it("drops identity and empty members", () => {
    assert.deepStrictEqual(Decode.codings(", identity,, Identity ,"), [])
    assert.deepStrictEqual(Decode.codings(undefined), [])
    assert.deepStrictEqual(Decode.codings(""), [])
  })

  it("drops what servers put there that is no coding of the body", () => {
    assert.deepStrictEqual(Decode.codings("None"), [])
    assert.deepStrictEqual(Decode.codings("UTF-8"), [])
    assert.deepStrictEqual(Decode.codings("gzip,aws-chunked"), ["gzip"])
  })

  it("takes x-gzip for gzip and keeps what it does not know", () => {
    assert.deepStrictEqual(Decode.codings("x-gzip, X-Compress, gzip;q=1"), ["gzip", "x-compress", "gzip;q=1"])
  })
})

describe("acceptEncoding", () => {
  it("offers only what make takes", () => {
    const offered = Decode.codings(Decode.acceptEncoding)
    assert.includeMembers([...offered], ["gzip", "br", "deflate"])
    assert.isTrue(!offered.includes("zstd") || "createZstdDecompress" in Zlib)
    for (const coding of offered) assert.strictEqual(refusal([coding]), "none")
  })
})

describe("keepsEncoded", () => {
  const keeps = (contentType: string | undefined, url: string, codings = ["gzip"]) =>
    Decode.keepsEncoded(codings, contentType, url)

  it("keeps what calls itself gzip in its type", () => {
    assert.isTrue(keeps("application/gzip", "http://host/a"))
    assert.isTrue(keeps("Application/X-GZIP; charset=binary", "http://host/a"))
    assert.isTrue(keeps("application/x-gunzip", "http://host/a"))
    assert.isTrue(keeps("application/x-tgz", "http://host/a"))
  })

  it("keeps what calls itself gzip in its path", () => {
    assert.isTrue(keeps("application/x-tar", "http://host/a.tar.gz"))
    assert.isTrue(keeps(undefined, "http://host/a.TGZ?version=1#top"))
    assert.isTrue(keeps("image/svg+xml", "http://host/a.svgz"))
  })

  it("decodes all else", () => {
    assert.isFalse(keeps("text/plain", "http://host/a"))
    assert.isFalse(keeps("text/plain", "http://host/a?file=a.gz"))
    assert.isFalse(keeps("text/plain", "http://host/agz"))
    assert.isFalse(keeps("text/html; charset=utf-8", "http://host/tree/a.tar.gz"))
    assert.isFalse(keeps("application/gzip", "http://host/a.gz", ["br"]))
    assert.isFalse(keeps("application/gzip", "http://host/a.gz", ["gzip", "gzip"]))
    assert.isFalse(keeps("application/gzip", "http://host/a.gz", []))
  })
})

describe("make", () => {
  it("refuses unknown codings and more than five", () => {
    assert.strictEqual(refusal(["gzip", "compress"]), "unknown content coding compress")
    assert.strictEqual(refusal(["gzip", "gzip", "gzip", "gzip", "gzip"]), "none")
    assert.match(refusal(["gzip", "gzip", "gzip", "gzip", "gzip", "gzip"]), /^too many content codings: gzip/)
    assert.strictEqual(refusal(["constructor"]), "unknown content coding constructor")
  })

  describe("without codings", () => {
    it("hands on the very chunks", () => {
      const seen: Array<unknown> = []
      const decoder = make(
        [],
        {},
        {
          data: (chunk) => seen.push(chunk),
          drain: () => seen.push("drain"),
          end: () => seen.push("end"),
          error: (reason) => seen.push(reason)
        }
      )
      const chunk = Buffer.from("abc")
      assert.isTrue(decoder.write(chunk))
      decoder.end()
      decoder.end()
      decoder.write(chunk)
      assert.strictEqual(seen[0], chunk)
      assert.deepStrictEqual(seen.slice(1), ["end"])
    })

    it("gives out maxBytes and no more", async () => {
      const exact = await decode([], noise(1000), { maxBytes: 1000, pieceSize: 100 })
      assert.deepStrictEqual([exact.reason, exact.bytes], [undefined, 1000])
      for (const pieceSize of [100, 300, 1001]) {
        const over = await decode([], noise(1001), { maxBytes: 1000, pieceSize })
        assert.deepStrictEqual([over.reason?.message, over.bytes], ["larger than 1000 bytes", 1000])
        assert.isTrue(over.data.equals(noise(1000)))
      }
      const nothing = await decode([], noise(1), { maxBytes: 0 })
      assert.deepStrictEqual([nothing.reason?._tag, nothing.bytes], ["TooLargeError", 0])
    })

    it("says nothing of what is too large to a receiver that closed it with the last bytes", () => {
      const seen: Array<string> = []
      const decoder = make(
        [],
        { maxBytes: 2 },
        {
          data: (chunk) => {
            seen.push(Buffer.from(chunk).toString())
            decoder.close()
          },
          drain: () => seen.push("drain"),
          end: () => seen.push("end"),
          error: (reason) => seen.push(reason.message)
        }
      )
      assert.isTrue(decoder.write(Buffer.from("abc")))
      assert.deepStrictEqual(seen, ["ab"])
    })
  })

  const small = Buffer.from("short text ".repeat(1000))
  const large = noise(3 * mebi)
  for (const [coding, encode] of Object.entries(encoders)) {
    describe(`with ${coding}`, () => {
      for (const [size, body] of [
        ["small", small],
        ["large", large]
      ] as const) {
        const encoded = encode(body)

        for (const pieceSize of size === "small" ? [1, 1000, encoded.length] : [1000, 65_537, encoded.length]) {
          it(`decodes a ${size} body in pieces of ${pieceSize}`, async () => {
            const result = await decode([coding], encoded, { pieceSize })
            assert.strictEqual(result.reason, undefined)
            assert.isTrue(result.data.equals(body))
          })
        }

        it(`tells a cut ${size} body`, async () => {
          for (const part of [0.1, 0.5, 0.999]) {
            const result = await decode([coding], encoded.subarray(0, Math.floor(encoded.length * part)))
            assert.strictEqual(result.reason?.message, `${coding} data ended too early`)
            assert.strictEqual(result.reason?.retryable, true)
          }
        })

        it(`gives out maxBytes of a ${size} body and no more`, async () => {
          const exact = await decode([coding], encoded, { maxBytes: body.length })
          assert.deepStrictEqual([exact.reason, exact.bytes], [undefined, body.length])
          const over = await decode([coding], encoded, { maxBytes: body.length - 1 })
          assert.strictEqual(over.reason?.message, `larger than ${body.length - 1} bytes`)
          assert.isBelow(over.bytes, body.length)
        })
      }

      it("allows nothing where maxBytes is 0", async () => {
        assert.strictEqual((await decode([coding], encode(Buffer.alloc(0)), { maxBytes: 0 })).reason, undefined)
        const over = await decode([coding], encode(Buffer.from("a")), { maxBytes: 0 })
        assert.deepStrictEqual([over.reason?._tag, over.bytes], ["TooLargeError", 0])
      })

      it("decodes no bytes to none", async () => {
        const result = await decode([coding], Buffer.alloc(0))
        assert.deepStrictEqual([result.reason, result.bytes], [undefined, 0])
      })

      it("tells data of another kind, small and large", async () => {
        const plain = Buffer.from("<!doctype html>".repeat(10_000))
        for (const size of [1000, plain.length])
          assert.strictEqual(
            (await decode([coding], plain.subarray(0, size))).reason?.message,
            `damaged ${coding} data`
          )
      })
    })
  }

  it("undoes five codings, the last one first", async () => {
    const order = ["gzip", "br", "deflate", "gzip", "br"]
    for (const body of [small, large]) {
      const encoded = order.reduce((bytes, coding) => encoders[coding]!(bytes), body)
      const result = await decode(order, encoded, { pieceSize: 10_000 })
      assert.strictEqual(result.reason, undefined)
      assert.isTrue(result.data.equals(body))
    }
  })

  it("names the coding that is damaged in a chain", async () => {
    const inner = Zlib.gzipSync(large)
    const cut = Zlib.brotliCompressSync(inner.subarray(0, 2 * mebi), {
      params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 }
    })
    assert.strictEqual((await decode(["gzip", "br"], cut)).reason?.message, "gzip data ended too early")
    const outer = Zlib.brotliCompressSync(inner, { params: { [Zlib.constants.BROTLI_PARAM_QUALITY]: 1 } })
    assert.strictEqual(
      (await decode(["gzip", "br"], outer.subarray(0, 2 * mebi))).reason?.message,
      "br data ended too early"
    )
  })

  it("takes what is written against its advice", async () => {
    const encoded = Zlib.gzipSync(large)
    const result = await new Promise<Buffer>((resolve, reject) => {
      const chunks: Array<Uint8Array> = []
      const decoder = make(
        ["gzip"],
        {},
        {
          data: (chunk) => chunks.push(chunk),
          drain: () => undefined,
          end: () => resolve(Buffer.concat(chunks)),
          error: reject
        }
      )
      for (let offset = 0; offset < encoded.length; offset += 1000)
        decoder.write(encoded.subarray(offset, offset + 1000))
      decoder.end()
    })
    assert.isTrue(result.equals(large))
  })

  it("is silent after close, whenever it comes", async () => {
    const encoded = Zlib.gzipSync(Zlib.gzipSync(large))
    const tiny = Zlib.gzipSync(Zlib.gzipSync(small))
    for (const [event, body] of [
      ["write", encoded],
      ["data", encoded],
      ["drain", encoded],
      ["end", encoded],
      ["write", tiny],
      ["data", tiny],
      ["end", tiny]
    ] as const) {
      let closed = false
      await new Promise<void>((resolve) => {
        const at = (now: string) => {
          assert.isFalse(closed, `${now} after close in ${event}`)
          if (now !== event) return
          closed = true
          decoder.close()
          decoder.close()
          resolve()
        }
        const decoder = make(
          ["gzip", "gzip"],
          {},
          {
            data: () => at("data"),
            drain: () => at("drain"),
            end: () => at("end"),
            error: (reason) => assert.fail(reason.message)
          }
        )
        decoder.write(body)
        if (event === "write") at("write")
        // no drain comes after the end
        if (event === "drain") return
        decoder.write(Buffer.from("what follows is ignored"))
        decoder.end()
      })
      // time for zlib to call where it should not
      await decode(["gzip", "gzip"], body, { keep: false })
    }
  })
})

describe("decoded", () => {
  it("decodes no further than its reader reads, but for what is with zlib", async () => {
    const once = Zlib.gzipSync(Buffer.alloc(64 * mebi))
    for (const [applied, body] of [
      [["gzip"], once],
      // more than is decoded at once
      [["gzip", "gzip"], Buffer.concat([Zlib.gzipSync(once), noise(65 * 1024)])]
    ] as const) {
      const decoded = () => Decode.decoded(applied, Readable.from([body]))
      const rested = decoded()
      await rested.next()
      // as long as all of it would take
      let bytes = 0
      for await (const chunk of decoded()) bytes += chunk.length
      assert.strictEqual(bytes, 64 * mebi)
      let isOver = false
      setImmediate(() => (isOver = true))
      let held = 0
      while (!isOver && held < mebi) held += (await rested.next()).value?.length ?? 0
      assert.isBelow(held, mebi)
      await rested.return(undefined)
    }
  })
})

describe("bombs", () => {
  for (const [coding, bomb] of Object.entries(bombs)) {
    it(`stops ${coding} at maxBytes`, async () => {
      const { bytes, reason } = await decode([coding], await bomb(), { maxBytes: 10 * mebi, keep: false })
      assert.strictEqual(reason?.message, `larger than ${10 * mebi} bytes`)
      assert.isAtMost(bytes, 10 * mebi)
      assert.isAbove(bytes, 9 * mebi)
    })

    it(`stops ${coding} by its ratio where no limit is set`, async () => {
      const body = await bomb()
      const { bytes, reason } = await decode([coding], body, { keep: false, pieceSize: 16_384 })
      assert.match(reason!.message, /^decompression bomb: stopped at \d+ bytes$/)
      assert.isAtLeast(bytes, 60 * mebi)
      assert.isAtMost(bytes, Math.max(64 * mebi, 250 * body.length))
    })
  }

  it("stops a bomb within a bomb", async () => {
    const body = Zlib.gzipSync(await bombs["gzip"]!())
    const limited = await decode(["gzip", "gzip"], body, { maxBytes: 10 * mebi, keep: false })
    assert.strictEqual(limited.reason?.message, `larger than ${10 * mebi} bytes`)
    assert.isAtMost(limited.bytes, 10 * mebi)
    const free = await decode(["gzip", "gzip"], body, { keep: false })
    assert.match(free.reason!.message, /^decompression bomb/)
    assert.isAtMost(free.bytes, 64 * mebi)
  })

  it("stops a bomb that only feeds the next coding", async () => {
    // a gzip header whose file name never ends
    const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3])
    const body = Buffer.concat([Zlib.gzipSync(header), repeat(Zlib.gzipSync(Buffer.alloc(mebi, "a")), 256)])
    const { bytes, reason } = await decode(["gzip", "gzip"], body, { maxBytes: 1000, pieceSize: 1000, keep: false })
    assert.match(reason!.message, /^decompression bomb/)
    assert.strictEqual(bytes, 0)
  })

  it("lets pass what compresses well but stays small", async () => {
    const { bytes, reason } = await decode(["br"], encoders["br"]!(Buffer.alloc(60 * mebi)), { keep: false })
    assert.deepStrictEqual([reason, bytes], [undefined, 60 * mebi])
  })
})
