/** The index of what a run archives, against the one that warcio makes of the same files. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import { CDXIndexer } from "warcio"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import { Site } from "../src/testing/index.ts"
import * as Surt from "../src/warc/Surt.ts"
import * as Folders from "./Folders.ts"

const { root, folder } = Folders.make("index")

const fetchAll = async (urls: Iterable<string>, directory: string, options: Partial<Options> = {}) => {
  const outcomes = Get.outcomes(urls, { backoffMs: 1, format: "warc", directory, ...options })
  await Effect.runPromise(Stream.runDrain(outcomes))
}
const linesOf = (directory: string) => {
  const text = fs.readFileSync(join(directory, "index.cdxj"), "utf8")
  assert.isTrue(text.endsWith("\n"))
  return text.trimEnd().split("\n")
}
const read = (line: string): Record<string, string> => {
  const [, key, second, json] = /^(\S+) (\d{14}) (\{.*\})$/.exec(line) ?? assert.fail(line)
  return { key: key!, second: second!, ...(JSON.parse(json!) as Record<string, string>) }
}
const readByWarcio = async (directory: string) => {
  const names = fs.readdirSync(directory).filter((name) => name.endsWith(".warc.gz"))
  const files = names.map((filename) => ({ filename, reader: fs.createReadStream(join(directory, filename)) }))
  const found: Array<Record<string, string>> = []
  for await (const { urlkey: _, timestamp, ...fields } of new CDXIndexer().iterIndex(files))
    found.push({
      // it leaves that out where there is none; CDXJ 0.1.0 asks for it on every line
      mime: "unk",
      ...(Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, `${value}`])) as object),
      // as it stands in records; warcio's lines are those of the old CDX here
      digest: `sha1:${fields["digest"]}`,
      key: Surt.fromUrl(fields["url"] as string),
      second: `${timestamp}`
    })
  return found
}
const byPlace = (one: Record<string, string>, other: Record<string, string>) =>
  one["filename"]! < other["filename"]!
    ? -1
    : one["filename"]! > other["filename"]!
      ? 1
      : +one["offset"]! - +other["offset"]!

describe("index of get --format warc", () => {
  it("has what warcio finds in the archives, sorted", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = [
      ...Array.from({ length: 30 }, (_, index) => `/bytes/3000/${index}.html?b=${index % 3}&a=1`),
      "/header/bytes/3000/same?X=1",
      "/header/bytes/3000/same?X=2",
      "/redirect/1/bytes/10/far.txt",
      "/status/404/lost",
      "/empty"
    ]
    await fetchAll(
      paths.map((path) => site.url(path)),
      directory,
      { archiveBytes: 30_000, retries: 0 }
    )
    // 304: a revisit of what still stands
    await fetchAll([site.url(paths[0]!)], directory, { refresh: true })
    const lines = linesOf(directory)
    assert.deepInclude(
      lines.map(read).map(({ mime, status }) => ({ mime, status })),
      { mime: "warc/revisit", status: "304" }
    )
    assert.deepStrictEqual(lines.map(read).toSorted(byPlace), (await readByWarcio(directory)).toSorted(byPlace))
    assert.isAbove(new Set(lines.map((line) => read(line)["filename"])).size, 2)
    assert.deepStrictEqual(
      lines,
      lines.toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    )
    // each leads to its record
    for (const line of lines) {
      const { url, offset, length, filename } = read(line)
      const archive = fs.readFileSync(join(directory, filename!))
      const record = gunzipSync(archive.subarray(Number(offset), Number(offset) + Number(length))).toString("latin1")
      assert.include(record, `WARC-Target-URI: ${url}\r\n`)
    }
  })

  it("grows with a later run, is not written again for nothing, and is made anew when that was cut short", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = [0, 1].map((index) => site.url(`/bytes/100/${index}`))
    const file = join(directory, "index.cdxj")
    await fetchAll(urls.slice(0, 1), directory)
    assert.strictEqual(linesOf(directory).length, 1)
    await fetchAll(urls, directory)
    assert.strictEqual(linesOf(directory).length, 2)
    const { ino } = fs.statSync(file)
    await fetchAll(urls, directory)
    assert.strictEqual(fs.statSync(file).ino, ino)

    // as a kill leaves it between the last commit and the index
    const whole = fs.readFileSync(file)
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    const kept = database.prepare("SELECT bytes, sha256 FROM indexed").all()
    assert.deepStrictEqual(
      kept.map((row) => ({ ...row })),
      [{ bytes: whole.length, sha256: createHash("sha256").update(whole).digest("hex") }]
    )
    fs.rmSync(file)
    await fetchAll(urls, directory)
    assert.isTrue(fs.readFileSync(file).equals(whole))
    database.exec("DELETE FROM indexed")
    database.close()
    fs.writeFileSync(file, "half")
    await fetchAll(urls, directory)
    assert.isTrue(fs.readFileSync(file).equals(whole))
  })

  it("belongs to its run: one that failed in it goes on with it, and a refresh asks for nothing again", async () => {
    await using site = await Site.start()
    const directory = folder()
    const list = join(root, "list.txt")
    fs.writeFileSync(list, [0, 1].map((index) => site.url(`/bytes/100/${index}\n`)).join(""))
    const run = (refresh: boolean) => {
      site.reset()
      return Effect.gen(function* () {
        const { outcomes } = yield* Get.open({ file: list }, { format: "warc", robots: false, directory, refresh })
        return yield* Effect.exit(Stream.runDrain(outcomes))
      }).pipe(
        Effect.scoped,
        Effect.map(({ _tag: written }) => ({ written, asked: site.requests.length })),
        Effect.runPromise
      )
    }
    const index = join(directory, "index.cdxj")
    assert.deepStrictEqual(await run(false), { written: "Success", asked: 2 })
    fs.rmSync(index)
    fs.mkdirSync(index)
    assert.deepStrictEqual(await run(true), { written: "Failure", asked: 2 })
    fs.rmdirSync(index)
    assert.deepStrictEqual(await run(true), { written: "Success", asked: 0 })
    assert.strictEqual(linesOf(directory).length, 4)
    assert.deepStrictEqual(await run(true), { written: "Success", asked: 2 })
  })

  it("is not there where nothing was archived", async () => {
    const directory = folder()
    await fetchAll(["http://127.0.0.1:1/"], directory, { retries: 0 })
    assert.isFalse(fs.existsSync(join(directory, "index.cdxj")))
  })
})
