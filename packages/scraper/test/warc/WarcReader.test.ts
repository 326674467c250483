import { assert, describe, it } from "@effect/vitest"
import { randomBytes } from "node:crypto"
import { gunzipSync, gzipSync } from "node:zlib"
import * as Gzip from "../../src/warc/Gzip.ts"
import * as WarcReader from "../../src/warc/WarcReader.ts"

const record = (type: string, block: string, version = "1.1") =>
  `WARC/${version}\r\nWARC-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(block)}\r\n\r\n${block}\r\n\r\n`

/** In pieces of this many bytes. */
async function* pieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}
const textOf = async (chunks: AsyncIterable<Uint8Array>) => {
  let text = ""
  for await (const chunk of chunks) text += Buffer.from(chunk).toString("latin1")
  return text
}
const read = async (bytes: AsyncIterable<Uint8Array>) => {
  const found: Array<readonly [string | undefined, string]> = []
  for await (const one of WarcReader.records(bytes)) found.push([one.field("warc-type"), await textOf(one.block)])
  return found
}
const assertFails = async (work: Promise<unknown>, message: RegExp) => {
  const error = await work.then(
    () => assert.fail("did not fail"),
    (error: Error) => error
  )
  assert.match(error.message, message)
}

const blocks = ["", "short", "with\r\n\r\nempty lines\r\n\r\n", "x".repeat(5000)]
const plain = Buffer.from(blocks.map((block, index) => record(`type${index}`, block)).join(""))
const zipped = Buffer.concat(blocks.map((block, index) => gzipSync(record(`type${index}`, block))))
const expected = blocks.map((block, index) => [`type${index}`, block] as const)

describe("WarcReader", () => {
  for (const size of [1, 2, 3, 7, 100, 100_000])
    it(`reads records, compressed or not, in pieces of ${size} bytes`, async () => {
      assert.deepStrictEqual(await read(pieces(plain, size)), expected)
      assert.deepStrictEqual(await read(Gzip.gunzip(pieces(zipped, size))), expected)
    })

  it("copies a chunk no more often for the records in it", async () => {
    const chunk = Buffer.from(Array.from({ length: 20 }, () => record("a", "x".repeat(5000))).join(""))
    const buffers = new Set<ArrayBufferLike>()
    for await (const one of WarcReader.records(pieces(chunk, chunk.length)))
      for await (const { buffer } of one.block) buffers.add(buffer)
    assert.strictEqual(buffers.size, 1)
  })

  it("skips what is left of a block, and reads version 1.0", async () => {
    const file = Buffer.from(record("a", "x".repeat(1000), "1.0") + record("b", "y".repeat(1000), "1.0"))
    const types: Array<string> = []
    for await (const one of WarcReader.records(pieces(file, 10))) {
      assert.strictEqual(one.version, "1.0")
      types.push(one.field("WARC-Type")!)
      for await (const chunk of one.block) {
        assert.isBelow(chunk.length, 1000)
        break
      }
    }
    assert.deepStrictEqual(types, ["a", "b"])
  })

  it("reads the drafts before 1.0, and on behind blank lines too many", async () => {
    const one = record("a", "x", "0.17")
    const file = Buffer.from(`${one}\r\n${one.replace("0.17", "0.18")}\n\n\r\n${one.slice(0, -4)}\n\n${one}\r\n`)
    for (const size of [1, 2, 3, 100_000])
      assert.deepStrictEqual(
        await read(pieces(file, size)),
        Array.from({ length: 4 }, () => ["a", "x"])
      )
    await assertFails(read(pieces(Buffer.from(record("a", "x", "0.16")), 5)), /no WARC record/)
  })

  it("says where a file is none, or ends too early", async () => {
    const whole = Buffer.from(record("a", "block"))
    await assertFails(read(pieces(Buffer.from("no warc\r\n\r\n"), 5)), /no WARC record/)
    await assertFails(read(pieces(whole.subarray(0, 20), 5)), /within a head/)
    await assertFails(read(pieces(whole.subarray(0, -6), 5)), /ends 2 bytes before/)
    await assertFails(read(pieces(whole.subarray(0, -4), 5)), /does not end where it should/)
    await assertFails(read(pieces(whole.subarray(0, -2), 5)), /does not end where it should/)
    await assertFails(read(pieces(Buffer.concat([whole.subarray(0, -4), whole]), 5)), /does not end where it should/)
    await assertFails(read(pieces(Buffer.from("WARC/1.1\r\nWARC-Type: a\r\n\r\n"), 5)), /without a length/)
    await assertFails(read(pieces(Buffer.alloc(3 << 20, "a"), 65_536)), /a head of more than/)
  })

  it("reads of bytes in memory the same records, and says the same of what is wrong", async () => {
    const two = Buffer.from(`${record("a", "block")}\n\n${record("b", "")}`)
    const files = [
      plain,
      Buffer.from("no warc\r\n\r\n"),
      Buffer.from(record("a", "x", "0.16")),
      Buffer.from("WARC/1.1\r\nWARC-Type: a\r\n\r\n"),
      Buffer.from("WARC/1.1\r\nWARC-Type\r\n\r\n"),
      Buffer.alloc(3 << 20, "a"),
      Buffer.concat([two.subarray(0, two.indexOf("block") + 7), two]),
      ...Array.from(two, (_, end) => two.subarray(0, end))
    ]
    for (const file of files) {
      const told: Array<ReadonlyArray<readonly [string | undefined, string] | string>> = []
      for (const records of [WarcReader.records(pieces(file, 1 << 20)), WarcReader.recordsIn(file)]) {
        const found: Array<readonly [string | undefined, string] | string> = []
        try {
          for await (const { field, block } of records) found.push([field("WARC-Type"), await textOf(block)])
        } catch (error) {
          assert.instanceOf(error, WarcReader.WarcSyntaxError)
          found.push(error.message)
        }
        told.push(found)
      }
      assert.deepStrictEqual(told[1], told[0])
    }
  })

  it("undoes gzip in memory, whatever the length of its members", () => {
    const small = gzipSync("x")
    const large = gzipSync("y".repeat(1 << 20))
    for (const [members, bytes] of [
      [[], 0],
      [[small], 1],
      [[large, small], (1 << 20) + 1],
      [[small, large], (1 << 20) + 1]
    ] as const) {
      const all = Buffer.concat(members)
      if (bytes === 0) assert.throws(() => Gzip.gunzipSync(all), /unexpected end of file/)
      else assert.strictEqual(Gzip.gunzipSync(all).length, bytes)
    }
    assert.throws(() => Gzip.gunzipSync(Buffer.concat([small, Buffer.alloc(300)])), /no gzip member/)
  })

  it("makes gzip in memory of whatever length, also of what becomes longer by it", () => {
    for (const length of [0, 1, 63, 64, 1000, 16_384, 65_536])
      for (const bytes of [Buffer.alloc(length), randomBytes(length)])
        assert.isTrue(gunzipSync(Gzip.gzipSync(bytes)).equals(bytes))
  })

  it("says where gzip is cut, damaged, or followed by something else", async () => {
    for (const size of [7, 100_000]) {
      await assertFails(read(Gzip.gunzip(pieces(zipped.subarray(0, -3), size))), /unexpected end of file/)
      const damaged = Buffer.from(zipped)
      damaged[zipped.length - 6]! ^= 1
      await assertFails(read(Gzip.gunzip(pieces(damaged, size))), /incorrect data check/)
      await assertFails(read(Gzip.gunzip(pieces(Buffer.concat([zipped, Buffer.alloc(300)]), size))), /no gzip member/)
    }
  })

  it("gives the whole records of a file that is cut anywhere in its last one, and then says so", async () => {
    const first = gzipSync(record("first", "whole"))
    const last = gzipSync(record("last", "also whole"))
    for (let cut = 1; cut < last.length; cut++) {
      const found: Array<string> = []
      const reading = (async () => {
        const file = Buffer.concat([first, last.subarray(0, -cut)])
        for await (const one of WarcReader.records(Gzip.gunzip(pieces(file, file.length)))) {
          await textOf(one.block)
          found.push(one.field("WARC-Type")!)
        }
      })()
      await assertFails(reading, /unexpected end of file|ends|bytes that are no gzip member/)
      assert.strictEqual(found[0], "first", `without ${cut} bytes`)
    }
  })

  it("passes on what goes wrong with the source, and lets go of it when it is left", async () => {
    const broken = async function* () {
      yield zipped.subarray(0, 10)
      throw new Error("broken source")
    }
    await assertFails(read(Gzip.gunzip(broken())), /broken source/)
    let closed = false
    const endless = async function* () {
      try {
        for (;;) yield zipped
      } finally {
        closed = true
      }
    }
    for await (const one of WarcReader.records(Gzip.gunzip(endless()))) if (one.field("WARC-Type") === "type3") break
    assert.isTrue(closed)
  })

  it("takes the lines of a head that begin with blanks for the rest of the one before", async () => {
    const file = Buffer.from(
      "WARC/1.0\r\nWARC-Target-URI:\r\n\t http://h/a:b\r\nContent-Length: 0\r\nA: 1\r\n 2\r\n\r\n"
    )
    assert.strictEqual(WarcReader.headOf(file).field("WARC-Target-URI"), "http://h/a:b")
    assert.strictEqual(WarcReader.headOf(file).field("A"), "1 2")
  })

  it("takes a message apart at an empty line without a CR", async () => {
    for (const [head, body] of [
      ["HTTP/1.1 200 OK\nA: b\n\n", "\r\n\r\nbody"],
      ["HTTP/1.1 200 OK\nA: b\n\r\n", "body\n\n"],
      ["HTTP/1.1 200 OK\r\nA: b\r\n\n", ""],
      ["\n\n\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\n\r\n", "\n\nbody"]
    ] as const)
      for (const size of [1, 5, 1000]) {
        const message = await WarcReader.message(pieces(Buffer.from(head + body), size))
        assert.strictEqual(Buffer.from(message.head).toString(), head)
        assert.strictEqual(await textOf(message.payload), body)
        assert.strictEqual(WarcReader.payloadIn(Buffer.from(head + body)).toString(), body)
      }
  })

  it("takes a message apart at its first empty line", async () => {
    const whole = Buffer.from("HTTP/1.1 200 \r\nA: b\r\n\r\nbody\r\n\r\nmore")
    for (const size of [1, 5, 1000]) {
      const { head, payload } = await WarcReader.message(pieces(whole, size))
      assert.strictEqual(Buffer.from(head).toString(), "HTTP/1.1 200 \r\nA: b\r\n\r\n")
      assert.strictEqual(await textOf(payload), "body\r\n\r\nmore")
      assert.strictEqual(WarcReader.payloadIn(whole).toString(), "body\r\n\r\nmore")
    }
    assert.throws(() => WarcReader.payloadIn(Buffer.from("\r\n\r\n")), /message ends within a head/)
    assert.throws(() => WarcReader.payloadIn(Buffer.from("")), /without a head/)
    await assertFails(WarcReader.message(pieces(Buffer.from("HTTP/1.1 200 \r\n"), 3)), /message ends within a head/)
    await assertFails(WarcReader.message(pieces(Buffer.from("\r\n\r\n"), 3)), /message ends within a head/)
    await assertFails(WarcReader.message(pieces(Buffer.from(""), 3)), /without a head/)
  })
})
