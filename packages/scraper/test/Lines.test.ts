import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"
import * as Lines from "../src/Lines.ts"

const chunked = async function* (text: string | Buffer, size: number) {
  // one buffer for all chunks, as a file is read
  const buffer = Buffer.alloc(size)
  const bytes = Buffer.from(text as string)
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(buffer, 0, at, at + size)
    yield buffer.subarray(0, length)
  }
}
const read = async (batches: AsyncIterable<Lines.Batch>) => {
  const all: Array<Lines.Batch> = []
  for await (const batch of batches) all.push(batch)
  return all
}

describe("Lines", () => {
  it.effect("of a program are its URLs, and end where its list ends, not at what is none", () =>
    Effect.gen(function* () {
      const given: ReadonlyArray<unknown> = [
        "http://a/ ",
        undefined,
        new URL("http://b/x"),
        null,
        "http://c/",
        Object.create(null)
      ]
      const next = yield* Lines.fromUrls(given as ReadonlyArray<string>)
      const { lines } = yield* next
      assert.deepStrictEqual(
        lines.map(({ number, text }) => [number, text]),
        [
          [1, "http://a/"],
          [2, "undefined"],
          [3, "http://b/x"],
          [4, "null"],
          [5, "http://c/"],
          [6, "[object Object]"]
        ]
      )
    })
  )

  const text = "\uFEFFhttp://a/1\r\n\r\n# no\n  http://b/ü \n\nlast"
  for (const size of [1, 2, 3, 7, 1000])
    it(`reads the same lines in chunks of ${size} bytes`, async () => {
      const batches = await read(Lines.fromBytes(chunked(text, size), { bytes: 0, lines: 0 }))
      assert.deepStrictEqual(
        batches.flatMap((batch) => batch.lines),
        [
          { text: "http://a/1", number: 1 },
          { text: "http://b/ü", number: 4 },
          { text: "last", number: 6 }
        ]
      )
    })

  it("goes on at a place with the right numbers, bytes and digest", async () => {
    const list = Array.from({ length: 1000 }, (_, index) => `http://a/${index}\n`).join("")
    const whole = await read(Lines.fromBytes(chunked(list, 100), { bytes: 0, lines: 0 }, createHash("sha256")))
    const { bytes, lines, sha256 } = whole[1]!.place!
    const prefix = Buffer.from(list).subarray(0, bytes)
    assert.strictEqual(sha256(), createHash("sha256").update(prefix).digest("hex"))
    // a commit that is tried again asks again
    assert.strictEqual(sha256(), sha256())
    const rest = await read(Lines.fromBytes(chunked(list.slice(bytes), 100), { bytes, lines }))
    assert.deepStrictEqual(
      [...whole.slice(0, 2), ...rest].flatMap((batch) => batch.lines),
      whole.flatMap((batch) => batch.lines)
    )
  })

  for (const size of [100, 5000, 100_000])
    it(`gives with each batch the place after it, in chunks of ${size} bytes`, async () => {
      const list = Array.from({ length: 1000 }, (_, index) => `http://a/${index}\n`).join("")
      const batches = await read(Lines.fromBytes(chunked(list, size), { bytes: 0, lines: 0 }, createHash("sha256")))
      let lines = 0
      for (const batch of batches) {
        lines += batch.lines.length
        const bytes = Buffer.from(list.split("\n").slice(0, lines).join("\n") + "\n")
        const { sha256, ...place } = batch.place!
        assert.deepStrictEqual(place, { bytes: bytes.length, lines })
        assert.strictEqual(sha256(), createHash("sha256").update(bytes).digest("hex"))
      }
      assert.strictEqual(lines, 1000)
    })

  it("leaves the place before a last line without an end: the list may be growing", async () => {
    const batches = await read(
      Lines.fromBytes(chunked("http://a/1\nhttp://a/2", 5), { bytes: 0, lines: 0 }, createHash("sha256"))
    )
    const last = batches.at(-1)!
    assert.deepStrictEqual(last.lines, [{ text: "http://a/2", number: 2 }])
    assert.deepInclude(last.place, { bytes: 11, lines: 1 })
  })

  it("gives lines as they come, before it reads on", async () => {
    const slow = (async function* () {
      yield Buffer.from("http://a/1\nhttp://a/2\nhttp://")
      yield Buffer.from("a/")
      yield Buffer.from("3\n")
      assert.fail("read on before the third line was given")
    })()
    const batches = Lines.fromBytes(slow, { bytes: 0, lines: 0 }, createHash("sha256"))[Symbol.asyncIterator]()
    const given = [await batches.next(), await batches.next()].map(({ value }) => value as Lines.Batch)
    assert.deepStrictEqual(
      given.map((batch) => batch.lines.map(({ text }) => text)),
      [["http://a/1", "http://a/2"], ["http://a/3"]]
    )
    assert.deepStrictEqual(
      given.map((batch) => batch.place!.bytes),
      [22, 33]
    )
  })

  for (const size of [1000, 65_536, 100_000, 1_000_000])
    it(`cuts a line that is too long, and knows its place behind it, in chunks of ${size} bytes`, async () => {
      const list = `http://a/1\nhttp://a/${"x".repeat(200_000)}\nhttp://a/2\n${"y".repeat(100_000)}`
      const batches = await read(Lines.fromBytes(chunked(list, size), { bytes: 0, lines: 0 }, createHash("sha256")))
      assert.deepStrictEqual(
        batches.flatMap((batch) => batch.lines).map(({ text, number, isCut = false }) => [text.length, number, isCut]),
        [
          [10, 1, false],
          [65_536, 2, true],
          [10, 3, false],
          [65_536, 4, true]
        ]
      )
      assert.strictEqual(batches.at(-1)!.place!.bytes, list.lastIndexOf("\n") + 1)
      for (const { place } of batches)
        assert.strictEqual(
          place!.sha256(),
          createHash("sha256").update(list.slice(0, place!.bytes)).digest("hex"),
          `${place!.bytes}`
        )
    })

  for (const size of [1, 1000, 65_535, 65_536, 65_537])
    it(`tells a line that is cut by one byte from one that is not, in chunks of ${size} bytes`, async () => {
      const list = [0, 1].map((more) => `http://a/${"x".repeat(65_536 - 9 + more)}\n`).join("")
      const batches = await read(Lines.fromBytes(chunked(list, size), { bytes: 0, lines: 0 }))
      const lines = batches.flatMap((batch) => batch.lines)
      assert.deepStrictEqual(
        lines.map(({ isCut = false }) => isCut),
        [false, true]
      )
    })

  const foreign = {
    "UTF-16": [Buffer.from("\uFEFFhttp://a/1\n", "utf16le"), Buffer.from("\uFEFFhttp://a/1\n", "utf16le").swap16()],
    "UTF-16LE": [Buffer.from("http://a/1\n", "utf16le"), Buffer.from("# \u00e4\n", "utf16le")],
    "UTF-16BE": [Buffer.from("http://a/1\n", "utf16le").swap16()],
    gzip: [gzipSync("http://a/1\n")]
  }
  for (const [code, texts] of Object.entries(foreign))
    for (const bytes of texts)
      for (const size of [1, 1000])
        it(`takes no ${code} for lines (begins with ${bytes[0]}), in chunks of ${size} bytes`, async () => {
          const batches = Lines.fromBytes(chunked(bytes, size), { bytes: 0, lines: 0 })[Symbol.asyncIterator]()
          const fault = await batches.next().then(
            () => undefined,
            (error: unknown) => error
          )
          assert.instanceOf(fault, Lines.Foreign)
          assert.strictEqual(fault.code, code)
        })

  it("takes what NUL parts for a line", async () => {
    for (const text of ["a\0http://a/1\0", "\0http://a/1\0", "a\0\0\0\n"]) {
      const [batch] = await read(Lines.fromBytes(chunked(text, 1000), { bytes: 0, lines: 0 }))
      assert.strictEqual(batch!.lines.length, 1)
    }
  })

  it("keeps no more of a line without end than it takes", async () => {
    const chunk = Buffer.alloc(1 << 18, "x")
    const zeros = (async function* () {
      for (let read = 0; read < 1 << 26; read += chunk.length) yield chunk
    })()
    const before = process.memoryUsage().arrayBuffers
    await Lines.fromBytes(zeros, { bytes: 0, lines: 0 })[Symbol.asyncIterator]().next()
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1 << 22)
  })

  it("reads no further than it is asked", async () => {
    let pulled = 0
    const endless = (async function* () {
      for (;;) {
        pulled++
        yield Buffer.from("http://a/b\n".repeat(300))
      }
    })()
    const batches = Lines.fromBytes(endless, { bytes: 0, lines: 0 })[Symbol.asyncIterator]()
    await batches.next()
    await batches.next()
    assert.isAtMost(pulled, 2)
  })
})
