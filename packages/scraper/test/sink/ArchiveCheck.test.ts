import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import * as Get from "../../src/Get.ts"
import * as ArchiveCheck from "../../src/sink/ArchiveCheck.ts"
import * as ArchivedBodies from "../../src/sink/ArchivedBodies.ts"
import * as ArchiveFile from "../../src/sink/ArchiveFile.ts"
import * as Recorded from "../../src/sink/Recorded.ts"
import * as Directory from "../../src/store/Directory.ts"
import { Site } from "../../src/testing/index.ts"
import * as WarcReader from "../../src/warc/WarcReader.ts"
import { recordsOf } from "../warc/conforms.ts"
import * as Folders from "../Folders.ts"

const { root } = Folders.make("check")
const name = "simul-00000.warc.gz"

type Body = { readonly bytes: number; readonly sha256: string | undefined }

const faultsOf = (
  directory: string,
  hides: ReadonlyArray<string> = [],
  known = (body: Body): Body => body,
  read = ArchiveFile.read
) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const { archives, entries, holds } = yield* Directory.read(directory)
        const bodies = yield* ArchivedBodies.make(directory)
        yield* Stream.runForEach(entries, (entry) =>
          Effect.gen(function* () {
            if (!("outcome" in entry) || !("path" in entry.outcome)) return
            const { path, bytes, sha256 } = entry.outcome
            assert.isTrue(yield* bodies.add(path, known({ bytes, sha256 })))
          })
        )
        const sorted = yield* bodies.sorted
        return yield* Effect.promise(async () => {
          const found: Array<string> = []
          for (const archive of archives) {
            const isHeld = async (digest: string) => !hides.includes(digest) && Effect.runPromise(holds(digest))
            const grows = () => Promise.resolve(false)
            const faults = ArchiveCheck.faults(directory, archive, sorted.within(archive.name), isHeld, grows, read)
            for await (const { fault, body } of faults) {
              const detail = "detail" in fault ? fault.detail : fault._tag
              found.push(body === undefined ? detail : `body of ${body.bytes} bytes: ${detail}`)
            }
          }
          return found
        })
      })
    )
  )

describe("ArchiveCheck", () => {
  it("finds what is wrong with any record, also with those that no target points to", async () => {
    await using site = await Site.start()
    const directory = join(root, "damaged")
    const urls = ["/redirect/1/bytes/3000/a", "/header/bytes/3000/same?X=1", "/header/bytes/3000/same?X=2"]
    await Effect.runPromise(
      Stream.runDrain(
        Get.outcomes(
          urls.map((url) => site.url(url)),
          { format: "warc", directory, jobs: 1 }
        )
      )
    )
    const file = join(directory, name)
    const whole = fs.readFileSync(file)
    const records = await recordsOf(file)
    assert.deepStrictEqual(await faultsOf(directory), [])

    /** Writes the archive with one record changed, in a member of its own. */
    const change = (index: number, from: string, to: string) => {
      const { offset, length } = records[index]!
      const text = gunzipSync(whole.subarray(offset, offset + length)).toString("latin1")
      assert.include(text, from)
      const changed = gzipSync(Buffer.from(text.replace(from, to), "latin1"))
      fs.writeFileSync(file, Buffer.concat([whole.subarray(0, offset), changed, whole.subarray(offset + length)]))
    }
    const last = records.findIndex(({ type }) => type === "revisit")
    const digest = records[last]!.fields.get("warc-payload-digest")!
    const detail = async () => (await faultsOf(directory)).filter((one) => one.startsWith("record"))

    change(1, " Found", " Lost!")
    assert.match(
      (await faultsOf(directory)).join("\n"),
      /record 2 \(response .*redirect.*\): other bytes than its block/
    )
    change(2, "GET ", "PUT ")
    assert.match((await detail()).join("\n"), /record 3 \(request .*\): other bytes than its block/)
    change(0, name, "simul-00009.warc.gz")
    assert.match((await detail()).join("\n"), /record 1 \(warcinfo\): no warcinfo of this file/)
    change(1, "WARC-Date: 2", "WARC-Date: x")
    assert.match((await detail()).join("\n"), /record 2 \(response .*\): no WARC-Date that is one/)
    fs.writeFileSync(file, whole)
    assert.match((await faultsOf(directory, [digest])).join("\n"), /revisit .*\): its payload is in no record/)
  })

  it("tells a tail, a cut, damage and a loss", async () => {
    await using site = await Site.start()
    const directory = join(root, "cut")
    await Effect.runPromise(Stream.runDrain(Get.outcomes([site.url("/bytes/3000/a")], { format: "warc", directory })))
    const file = join(directory, name)
    const whole = fs.readFileSync(file)
    fs.writeFileSync(file, Buffer.concat([whole, Buffer.from("tail")]))
    assert.deepStrictEqual(await faultsOf(directory), ["4 bytes behind the last commit; the next run cuts them off"])
    fs.writeFileSync(file, whole.subarray(0, -5))
    const [cut, behind] = await faultsOf(directory)
    assert.strictEqual(cut, `${whole.length - 5} of ${whole.length} bytes`)
    assert.match(behind!, /^behind record \d: damaged gzip/)
    fs.writeFileSync(file, Buffer.from(whole).fill(0, whole.length - 200, whole.length - 100))
    assert.match((await faultsOf(directory)).join("\n"), /damaged gzip|no gzip member/)
    fs.rmSync(file)
    assert.deepStrictEqual(await faultsOf(directory), ["Missing", "body of 3000 bytes: Missing"])
  })

  it("holds bodies against their records where these are: damage in one hides nothing of the next", async () => {
    await using site = await Site.start()
    const directory = join(root, "bodies")
    // the second has the payload of the first; the third is too large to be looked at in one piece
    const paths = [
      "/header/bytes/3000/same?X=1",
      "/header/bytes/3000/same?X=2",
      "/bytes/200000/large",
      "/bytes/50/last"
    ]
    const urls = paths.map((path) => site.url(path))
    await Effect.runPromise(Stream.runDrain(Get.outcomes(urls, { format: "warc", directory, jobs: 1 })))
    assert.deepStrictEqual(await faultsOf(directory), [])
    const file = join(directory, name)
    const whole = fs.readFileSync(file)
    const places = (await recordsOf(file)).flatMap(({ type, offset, length }) =>
      type === "response" ? [{ offset, length }] : []
    )
    assert.strictEqual(places.length, 3)
    const damaged = Buffer.from(whole)
    for (const { offset, length } of places) damaged.fill(0xff, offset + (length >> 1), offset + (length >> 1) + 8)
    fs.writeFileSync(file, damaged)
    const found = await faultsOf(directory)
    assert.deepStrictEqual(
      found.map((one) => one.replace(/: .*/, "")),
      ["body of 3000 bytes", "body of 200000 bytes", "body of 50 bytes"]
    )
    // another body than the store knows, though an archive is right in itself
    fs.writeFileSync(file, whole)
    const wrong = "0".repeat(64)
    assert.deepStrictEqual(
      await faultsOf(directory, [], (body) => (body.bytes === 50 ? { ...body, sha256: wrong } : body)),
      ["body of 50 bytes: Hash"]
    )
    assert.deepStrictEqual(await faultsOf(directory, [], (body) => ({ ...body, bytes: body.bytes + 1 })), [
      "body of 3001 bytes: Length",
      "body of 200001 bytes: Length",
      "body of 51 bytes: Length"
    ])
  })
  it("blames no body for a read that failed before it, nor for a damaged warcinfo", async () => {
    await using site = await Site.start()
    const directory = join(root, "unread")
    // the first is larger than what is read at once, and of two members the later one begins in the piece that fails
    const urls = ["/bytes/1000000/large", "/bytes/3000/a", "/bytes/50/last"].map((path) => site.url(path))
    await Effect.runPromise(Stream.runDrain(Get.outcomes(urls, { format: "warc", directory, jobs: 1 })))
    const file = join(directory, name)
    const places = (await recordsOf(file)).filter(({ type }) => type === "response")
    /** A disk that cannot read one byte: what comes before it in a piece is had. */
    const failingAt = (bad: number) =>
      async function* (path: string, offset = 0, length = Infinity) {
        const before = offset > bad ? length : Math.min(length, bad - offset)
        yield* ArchiveFile.read(path, offset, before)
        if (before < length) throw Object.assign(new Error("EIO: i/o error, read"), { code: "EIO", syscall: "read" })
      }
    for (const [index, { offset, length }] of places.entries()) {
      assert.deepStrictEqual(await faultsOf(directory, [], undefined, failingAt(offset + (length >> 1))), [
        `body of ${[1_000_000, 3000, 50][index]} bytes: EIO: i/o error, read`
      ])
    }
    // early in a large body, and later again in it: that is passed over
    const whole = fs.readFileSync(file)
    const { offset, length } = places[0]!
    fs.writeFileSync(file, Buffer.from(whole).fill(0xff, offset, offset + 8))
    const found = await faultsOf(directory, [], undefined, failingAt(offset + length - 10))
    assert.deepStrictEqual(
      found.map((one) => one.replace(/: .*/, "")),
      ["body of 1000000 bytes"]
    )
    fs.writeFileSync(file, Buffer.from(whole).fill(whole[60]! ^ 1, 60, 61))
    assert.match((await faultsOf(directory)).join("\n"), /^behind record 0: damaged gzip \(.*\)$/)
  })

  it("finds one fault at most with a body", async () => {
    const record = Buffer.from(
      "WARC/1.1\r\nWARC-Type: response\r\nContent-Length: 21\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhi\r\n\r\n"
    )
    const of = async function* (...chunks: ReadonlyArray<Uint8Array>) {
      yield* chunks
    }
    const bodies = [2, 3].map((bytes) => ({ bytes, sha256: undefined }))
    assert.deepStrictEqual(await Recorded.responseFaults(WarcReader.records(of(record)), bodies), [
      { _tag: "Record", detail: "no WARC-Record-ID that is one" },
      { _tag: "Length", found: 2 }
    ])
    const two = { _tag: "Record", detail: "more than one record" } as const
    assert.deepStrictEqual(await Recorded.responseFaults(WarcReader.records(of(record, record)), bodies), [two, two])
    const none = { _tag: "Record", detail: "no record there" } as const
    assert.deepStrictEqual(await Recorded.responseFaults(WarcReader.records(of()), bodies), [none, none])
  })
})
