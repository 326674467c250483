import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Pages from "../src/Pages.ts"
import { record } from "./Archive.ts"

const folder = mkdtempSync(join(tmpdir(), "simul-pages-"))
afterAll(() => rmSync(folder, { recursive: true }))

const whole = (name: string) => record(name, `<h1>${name}</h1>`)
const cut = (name: string, why = "disconnect") => record(name, "<h1", `WARC-Truncated: ${why}\r\n`)

/** URL and body, or what is wrong, of each page in archives of these records. */
const pages = async (...archives: ReadonlyArray<ReadonlyArray<string>>) => {
  const paths = archives.map((records, at) => {
    const path = join(folder, `${at}.warc`)
    writeFileSync(path, records.join(""))
    return path
  })
  const found = await Effect.runPromise(Stream.runCollect(Pages.under(paths, undefined)))
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
  it("that broke off are told in their order, each time, where 10,000 others wait to be whole", async () => {
    const names = Array.from({ length: 10_001 }, (_, at) => `${at}`)
    const beyond = ["10000", "only a part of it came (disconnect)"]
    const told = await pages([...names.map((name) => cut(name)), cut("10000"), cut("3"), whole("3"), cut("10000")])
    assert.deepStrictEqual(told.slice(0, 4), [beyond, beyond, ["3", "<h1>3</h1>"], ["0", beyond[1]]])
    assert.deepStrictEqual([told.length, told.at(-1)], [3 + 9999 + 1, beyond])
  })
})
