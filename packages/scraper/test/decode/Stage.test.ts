import * as Zlib from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Stage from "../../src/decode/Stage.ts"

const text = Buffer.from("Countdown: 3, 2, 1. ".repeat(50))

interface Result {
  readonly end: "end" | "cut" | "corrupt" | "window"
  readonly data: Buffer
}

/** Writes the body in pieces, waiting for each drain. */
const decode = (coding: Stage.Coding, body: Uint8Array, pieceSize = body.length): Promise<Result> =>
  new Promise((resolve) => {
    const chunks: Array<Uint8Array> = []
    const finish = (end: Result["end"]) => resolve({ end, data: Buffer.concat(chunks) })
    let offset = 0
    const feed = () => {
      while (offset < body.length) {
        const piece = body.subarray(offset, (offset += pieceSize))
        if (!stage.write(piece)) return
      }
      stage.end()
    }
    const stage = Stage.make(coding, {
      data: (chunk) => chunks.push(chunk),
      drain: feed,
      end: () => finish("end"),
      error: finish
    })
    feed()
  })

const crc16 = (bytes: Uint8Array) => {
  const sum = Buffer.alloc(2)
  sum.writeUInt16LE(Zlib.crc32(bytes) & 0xffff)
  return sum
}

/** A member with every optional part of RFC 1952 2.3. */
const fullMember = () => {
  const plain = Zlib.gzipSync(text)
  const head = Buffer.concat([
    Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3]),
    Buffer.from([5, 0, 1, 2, 0, 4, 5]),
    Buffer.from("name\0comment\0")
  ])
  return { head, rest: plain.subarray(10), bytes: Buffer.concat([head, crc16(head), plain.subarray(10)]) }
}

const encoders: Record<Stage.Coding, (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => Zlib.gzipSync(bytes),
  br: (bytes) => Zlib.brotliCompressSync(bytes),
  zstd: (bytes) => Zlib.zstdCompressSync(bytes),
  deflate: (bytes) => Zlib.deflateSync(bytes)
}

const bodies: ReadonlyArray<readonly [name: string, coding: Stage.Coding, body: Buffer]> = [
  ...Stage.supported.map((coding) => [coding, coding, encoders[coding](text)] as const),
  ["raw deflate", "deflate", Zlib.deflateRawSync(text)],
  ["raw deflate, stored", "deflate", Zlib.deflateRawSync(text, { level: 0 })],
  ["gzip with every header part", "gzip", fullMember().bytes]
]

describe("Stage", () => {
  for (const [name, coding, body] of bodies) {
    describe(`for ${name}`, () => {
      for (const pieceSize of [1, 7, body.length]) {
        it(`decodes in pieces of ${pieceSize}`, async () => {
          const result = await decode(coding, body, pieceSize)
          assert.strictEqual(result.end, "end")
          assert.isTrue(result.data.equals(text))
        })
      }

      it("is cut wherever it stops too early", async () => {
        for (let length = 1; length < body.length; length++)
          assert.strictEqual((await decode(coding, body.subarray(0, length))).end, "cut", `after ${length} bytes`)
      })

      it("ignores bytes that follow and begin no member, in the same piece and in later ones", async () => {
        for (const tail of ["\n", "\0", "abc", "\x1f", "\x1f\x8b", "\0\0\0\0\0\0\0\0\0\0", "<html>garbage</html>"]) {
          const withTail = Buffer.concat([body, Buffer.from(tail, "latin1")])
          for (const pieceSize of [1, body.length, withTail.length]) {
            const result = await decode(coding, withTail, pieceSize)
            assert.deepStrictEqual([result.end, result.data.equals(text)], ["end", true], JSON.stringify(tail))
          }
        }
      })
    })

    it(`${name}: an empty body decodes to none`, async () => {
      assert.deepStrictEqual(await decode(coding, Buffer.alloc(0)), { end: "end", data: Buffer.alloc(0) })
    })
  }

  for (const coding of Stage.supported.filter((one) => one === "gzip" || one === "zstd")) {
    it(`decodes several ${coding} members, wherever the pieces end`, async () => {
      const body = Buffer.concat([1, 2, 3].map((count) => encoders[coding](Buffer.from("a".repeat(count)))))
      for (let pieceSize = 1; pieceSize <= body.length; pieceSize++) {
        const result = await decode(coding, body, pieceSize)
        assert.deepStrictEqual([result.end, result.data.toString()], ["end", "aaaaaa"], `pieces of ${pieceSize}`)
      }
    })

    it(`is cut inside a later ${coding} member`, async () => {
      const member = encoders[coding](text)
      // fewer bytes might be anything
      for (let length = 4; length < member.length; length++)
        assert.strictEqual(
          (await decode(coding, Buffer.concat([member, member.subarray(0, length)]))).end,
          "cut",
          `after ${length} bytes`
        )
    })
  }

  it("finds no coding in plain text", async () => {
    for (const coding of Stage.supported)
      assert.strictEqual((await decode(coding, Buffer.from("<!doctype html><title>plain</title>"))).end, "corrupt")
  })

  it("is corrupt where a gzip checksum or length is wrong", async () => {
    const good = Zlib.gzipSync(text)
    for (let back = 1; back <= 8; back++) {
      const body = Buffer.from(good)
      body[body.length - back]! ^= 1
      assert.strictEqual((await decode("gzip", body)).end, "corrupt", `${back} from the end`)
    }
  })

  it("is corrupt where a gzip header is, in a later member too", async () => {
    const { head, rest } = fullMember()
    const wrongSum = crc16(head)
    wrongSum[0]! ^= 1
    const reserved = Zlib.gzipSync(text)
    reserved[3] = 0x20
    for (const bad of [Buffer.concat([head, wrongSum, rest]), reserved]) {
      assert.strictEqual((await decode("gzip", bad)).end, "corrupt")
      assert.strictEqual((await decode("gzip", Buffer.concat([Zlib.gzipSync(text), bad]), 1)).end, "corrupt")
    }
  })

  it("is corrupt where a dictionary is wanted", async () => {
    const body = Zlib.deflateSync(text, { dictionary: Buffer.from("Countdown") })
    assert.strictEqual((await decode("deflate", body)).end, "corrupt")
  })

  it("refuses a zstd window larger than 8 MiB", { skip: !Stage.supported.includes("zstd") }, async () => {
    const noise = Buffer.alloc(1024)
    const body = await new Promise<Buffer>((resolve) => {
      const chunks: Array<Buffer> = []
      const encoder = Zlib.createZstdCompress({ params: { [Zlib.constants.ZSTD_c_windowLog]: 27 } })
      encoder.on("data", (chunk: Buffer) => chunks.push(chunk))
      encoder.on("end", () => resolve(Buffer.concat(chunks)))
      // its size must not be known beforehand, or the window shrinks to it
      encoder.write(noise)
      encoder.flush(() => encoder.end(noise))
    })
    assert.strictEqual((await decode("zstd", body)).end, "window")
  })

  it("is silent after close, wherever it comes", async () => {
    const body = Zlib.gzipSync(Zlib.gzipSync(Buffer.alloc(4 << 20, "ab")))
    for (const when of ["at once", "in data", "in drain"]) {
      const events: Array<string> = []
      const closed = Promise.withResolvers<void>()
      const close = () => {
        stage.close()
        closed.resolve()
      }
      const stage: Stage.Stage = Stage.make("gzip", {
        data: () => {
          events.push("data")
          if (when === "in data") close()
        },
        drain: () => {
          events.push("drain")
          if (when === "in drain") close()
        },
        end: () => events.push("end"),
        error: () => events.push("error")
      })
      stage.write(body)
      if (when === "at once") close()
      await closed.promise
      // as long a way for zlib as the closed one had
      assert.strictEqual((await decode("gzip", body)).end, "end")
      stage.end()
      const expected = when === "at once" ? [] : when === "in data" ? ["data"] : ["data", "drain"]
      assert.deepStrictEqual([...new Set(events)], expected, when)
      if (when === "in data") assert.strictEqual(events.length, 1)
    }
  })

  it("gives out about a chunk while paused, and everything after", async () => {
    const size = 32 << 20
    const body = Zlib.gzipSync(Buffer.alloc(size))
    let bytes = 0
    let ended: () => void = () => undefined
    const end = new Promise<void>((resolve) => (ended = resolve))
    const stage: Stage.Stage = Stage.make("gzip", {
      data: (chunk) => {
        bytes += chunk.length
        if (bytes === chunk.length) stage.pause()
      },
      drain: () => undefined,
      end: () => ended(),
      error: (kind) => assert.fail(kind)
    })
    stage.write(body)
    stage.end()
    // the same body runs through meanwhile
    assert.strictEqual((await decode("gzip", body)).data.length, size)
    assert.isAbove(bytes, 0)
    assert.isAtMost(bytes, 256 * 1024)
    stage.resume()
    await end
    assert.strictEqual(bytes, size)
  })
})
