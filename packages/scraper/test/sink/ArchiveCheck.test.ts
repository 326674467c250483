import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gunzipSync, gzipSync } from "node:zlib"
import * as Get from "../../src/Get.ts"
import * as ArchiveCheck from "../../src/sink/ArchiveCheck.ts"
import * as Directory from "../../src/store/Directory.ts"
import { Site } from "../../src/testing/index.ts"
import { recordsOf } from "../warc/conforms.ts"

const root = fs.mkdtempSync(join(tmpdir(), "simul-check-"))
afterAll(() => fs.rmSync(root, { recursive: true }))
const name = "simul-00000.warc.gz"

const faultsOf = (directory: string, hides: ReadonlyArray<string> = []) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.flatMap(Directory.read(directory), ({ archives, holds }) =>
        Effect.promise(async () => {
          const found: Array<string> = []
          for (const archive of archives) {
            const isHeld = async (digest: string) => !hides.includes(digest) && Effect.runPromise(holds(digest))
            for await (const fault of ArchiveCheck.faults(directory, archive, isHeld, false))
              found.push("detail" in fault ? fault.detail : fault._tag)
          }
          return found
        })
      )
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
    assert.deepStrictEqual(await faultsOf(directory), ["Missing"])
  })
})
