import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Pages from "../src/Pages.ts"
import { record, revisit } from "./Archive.ts"

const folder = mkdtempSync(join(tmpdir(), "simul-pages-"))
afterAll(() => rmSync(folder, { recursive: true }))

const whole = (name: string) => record(name, `<h1>${name}</h1>`)
const cut = (name: string, why = "disconnect") => record(name, "<h1", `WARC-Truncated: ${why}\r\n`)

/** URL and body, or what is wrong, of each page in archives of these records. */
const pages = (...archives: ReadonlyArray<ReadonlyArray<string>>) => pagesOf(undefined, ...archives)
const pagesOf = async (mostHeld: number | undefined, ...archives: ReadonlyArray<ReadonlyArray<string>>) => {
  const paths = archives.map((records, at) => {
    const path = join(folder, `${at}.warc`)
    writeFileSync(path, records.join(""))
    return path
  })
  const found = await Effect.runPromise(Stream.runCollect(Pages.under(paths, undefined, mostHeld)))
  return found.map(({ url, body }) => [
    url?.slice("http://h/".length),
    Result.isSuccess(body) ? Buffer.from(body.success).toString() : body.failure.message
  ])
}

describe("pages of archives", () => {
  it("that broke off are not told where another record has them whole, before or behind, in this archive or another", async () => {
    const a = ["a", "<h1>a</h1>"]
    for (const archives of [
      [[cut("a"), whole("a")]],
      [[whole("a"), cut("a")]],
      [[cut("a"), whole("a"), cut("a")]],
      [[cut("a")], [whole("a")]],
      [[whole("a")], [cut("a")]]
    ])
      assert.deepStrictEqual(await pages(...archives), [a])
    assert.deepStrictEqual(await pages([whole("a"), whole("a")]), [a, a])
  })
  it("that are nowhere whole are told once, behind the others", async () => {
    assert.deepStrictEqual(await pages([cut("b"), cut("c"), whole("a")], [cut("b", "time"), whole("c"), cut("c")]), [
      ["a", "<h1>a</h1>"],
      ["c", "<h1>c</h1>"],
      ["b", "only a part of it came (time)"]
    ])
  })
  it("that another record has the body of are told with it, behind the others, before or behind, in this archive or another", async () => {
    const original = record("a", "<h1>a</h1>", "WARC-Payload-Digest: sha1:A\r\n")
    const [a, b] = [
      ["a", "<h1>a</h1>"],
      ["b", "<h1>a</h1>"]
    ]
    const notModified = revisit("a", "sha1:A", "HTTP/1.1 304 Not Modified\r\n\r\n")
    for (const archives of [
      [[original, revisit("b", "sha1:A")]],
      [[revisit("b", "sha1:A"), original]],
      [[original], [revisit("b", "sha1:A")]],
      [[revisit("b", "sha1:A")], [original]],
      [[original, revisit("b", "sha1:A", ""), revisit("b", "sha1:A"), revisit("a", "sha1:A"), notModified]],
      [[original, cut("b"), revisit("b", "sha1:A")]],
      [[original, revisit("b", "sha1:A"), revisit("c", "sha1:A", "HTTP/1.1 404 Not Found\r\n\r\n")]]
    ])
      assert.deepStrictEqual(await pages(...archives), [a, b])
    const named = record("a", "<h1>a</h1>", "WARC-Record-ID: <urn:1>\r\n")
    const byName = revisit("b", "").replace(/WARC-Payload-Digest.*/, "WARC-Refers-To: <urn:1>")
    assert.deepStrictEqual(await pages([named, byName]), [a, b])
    assert.deepStrictEqual(await pages([original, revisit("b", "SHA1:A")]), [a, b])
    const dated = record("a", "<h1>a</h1>", "WARC-Date: 2026-01-02T03:04:05Z\r\n")
    const byDate = revisit("b", "").replace(/WARC-Payload-Digest.*/, "WARC-Refers-To-Target-URI: <http://h/a>")
    assert.deepStrictEqual(await pages([dated, byDate]), [a, b])
    assert.deepStrictEqual(await pages([byDate]), [
      ["b", "its body is in another archive, under http://h/a of 2026-01-02T03:04:05Z"]
    ])
  })
  it("that do not say which record has their body are told", async () => {
    const nowhere = revisit("b", "").replace(/WARC-Payload-Digest.*\r\n/, "")
    assert.deepStrictEqual(await pages([whole("a"), nowhere]), [
      ["a", "<h1>a</h1>"],
      ["b", "a revisit that does not say which record has its body"]
    ])
  })
  it("that another archive has the body of say where it is, where they are called pages", async () => {
    const elsewhere = "its body is in another archive, under sha1:B of 2026-01-02T03:04:05Z"
    const unknown = revisit("c", "sha1:B", "HTTP/1.1 304 Not Modified\r\n\r\n")
    const image = revisit("d", "sha1:B", "HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
    assert.deepStrictEqual(await pages([revisit("b", "sha1:B"), unknown, image, whole("a")]), [
      ["a", "<h1>a</h1>"],
      ["b", elsewhere]
    ])
  })
  it("that wait are told in their order, each time, where as many others wait as may", async () => {
    const names = ["0", "1", "2", "3"]
    const broken = "only a part of it came (disconnect)"
    const elsewhere = "its body is in another archive, under sha1:A of 2026-01-02T03:04:05Z"
    const original = record("a", "<h1>a</h1>", "WARC-Payload-Digest: sha1:A\r\n")
    const cuts = names.map((name) => cut(name))
    assert.deepStrictEqual(await pagesOf(3, [...cuts, cut("3"), cut("1"), whole("1"), revisit("3", "sha1:A")]), [
      ["3", broken],
      ["3", broken],
      ["1", "<h1>1</h1>"],
      ["0", broken],
      ["2", broken],
      ["3", elsewhere]
    ])
    const revisits = names.map((name) => revisit(name, "sha1:A"))
    assert.deepStrictEqual(await pagesOf(3, [...revisits, revisit("1", "sha1:A"), original]), [
      ["3", elsewhere],
      ...["a", "0", "1", "2"].map((name) => [name, "<h1>a</h1>"])
    ])
  })
})

describe("pages of a folder", () => {
  it("come with a turn for others before each", async () => {
    const files = mkdtempSync(join(folder, "files-"))
    for (const name of ["a", "b", "c", "d"]) writeFileSync(join(files, `${name}.html`), "<h1>x</h1>")
    const turns = new Set<number>()
    let turn = 0
    const count = () => {
      turn++
      next = setImmediate(count)
    }
    let next = setImmediate(count)
    await Effect.runPromise(
      Stream.runForEach(Pages.under([files], undefined), () => Effect.sync(() => turns.add(turn)))
    )
    clearImmediate(next)
    assert.strictEqual(turns.size, 4)
  })
})
