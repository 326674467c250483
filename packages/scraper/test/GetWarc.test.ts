import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import * as Crawl from "../src/Crawl.ts"
import * as Get from "../src/Get.ts"
import type { Options } from "../src/Options.ts"
import type { Outcome } from "../src/Outcome.ts"
import type { RunError } from "../src/RunError.ts"
import { recorded } from "../src/sink/Recorded.ts"
import * as RecordLocation from "../src/sink/RecordLocation.ts"
import { Site } from "../src/testing/index.ts"
import { sha1 } from "../src/warc/WarcRecord.ts"
import { recordsIn } from "./warc/recordsIn.ts"
import * as Folders from "./Folders.ts"
import * as Outcomes from "./Outcomes.ts"

const { root, folder } = Folders.make("warc")

const quick: Partial<Options> = { backoffMs: 1, timeoutMs: 400, format: "warc" }
const { collect, one } = Outcomes.make(() => ({ directory: folder(), ...quick }))
const savedIn = (outcomes: ReadonlyArray<Outcome>) =>
  outcomes.map((outcome) => (outcome._tag === "Saved" ? outcome : assert.fail(JSON.stringify(outcome))))
const archivesIn = (directory: string) =>
  fs
    .readdirSync(directory)
    .filter((name) => name.endsWith(".warc.gz"))
    .toSorted()
const first = "simul-00000.warc.gz"
const responsesIn = async (directory: string, name = first) =>
  (await recordsIn(join(directory, name))).filter((record) => record.type === "response")
const faultOf = (directory: string, outcome: Outcome) =>
  outcome._tag === "Saved" || outcome._tag === "Unchanged"
    ? Effect.runPromise(recorded(directory, outcome.path, { bytes: outcome.bytes, sha256: outcome.sha256 }))
    : assert.fail(JSON.stringify(outcome))

describe("get --format warc", () => {
  it("archives every answer as it came, one gzip member each, after a record about the file", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = [
      "/bytes/0/empty.bin",
      "/bytes/10240/page.html",
      "/bytes/3000000/large.bin",
      "/chunked/200000/chunks.bin",
      "/chunked/3000000/many-chunks.bin",
      "/close/5000/until-close.bin",
      "/flaky/3/503/bytes/1000/third-time.bin",
      "/encoded/gzip/50000/page.html",
      "/encoded/br/50000/page.html",
      "/encoded/gzip,br/50000/page.html",
      "/encoded/unknown-thing/5000/a.html",
      "/cut-once/900000/400000/again.bin"
    ]
    const outcomes = savedIn(
      await collect(
        paths.map((path) => site.url(path)),
        { directory, retries: 6 }
      )
    )
    assert.strictEqual(outcomes.length, paths.length)
    assert.deepStrictEqual(fs.readdirSync(directory).toSorted(), [".simul", "index.cdxj", first])
    assert.deepStrictEqual(fs.readdirSync(join(directory, ".simul", "parts")), [])

    const file = fs.readFileSync(join(directory, first))
    const records = await recordsIn(join(directory, first))
    const [info, ...others] = records
    assert.deepStrictEqual([...new Set(others.map(({ type }) => type))].toSorted(), ["request", "response", "revisit"])
    // those of the third time are its answers that said to come back
    const good = others.filter(({ type, head }) => type === "response" && head.startsWith("HTTP/1.1 200 "))
    const responses = good.filter(({ field }) => field("WARC-Truncated") === undefined)
    assert.strictEqual(info!.type, "warcinfo")
    assert.include(info!.block.toString(), "format: WARC File Format 1.1\r\n")
    assert.include(info!.block.toString(), "robots: ignore\r\n")
    assert.strictEqual(responses.length, paths.length)

    const byUrl = new Map(responses.map((response) => [response.field("WARC-Target-URI")!, response]))
    for (const outcome of outcomes) {
      const path = new URL(outcome.url).pathname.replaceAll("%2C", ",")
      const response = byUrl.get(outcome.url)!
      const { offset, length } = RecordLocation.fromPath(outcome.path)!
      // one member, and nothing but the record in it
      const member = gunzipSync(file.subarray(offset, offset + length)).toString("latin1")
      assert.isTrue(member.startsWith("WARC/1.1\r\nWARC-Type: response\r\n"), path)
      assert.isTrue(member.endsWith(`${response.block.toString("latin1")}\r\n\r\n`), path)

      const { head, payload } = response
      assert.isTrue(head.startsWith("HTTP/1.1 200 "), head)
      assert.strictEqual(payload.length, outcome.bytes)
      assert.strictEqual(createHash("sha256").update(payload).digest("hex"), outcome.sha256)
      assert.strictEqual(response.field("WARC-Payload-Digest"), sha1(createHash("sha1").update(payload).digest()), path)
      assert.strictEqual(
        response.field("WARC-Block-Digest"),
        sha1(createHash("sha1").update(response.block).digest()),
        path
      )
      const declared = /^content-length: (\d+)\r$/im.exec(head)?.[1]
      if (declared !== undefined) assert.strictEqual(Number(declared), payload.length, path)
      assert.notMatch(head, /^transfer-encoding:/im)
      if (path.startsWith("/encoded/gzip/")) {
        assert.match(head, /^content-encoding: gzip\r$/im)
        assert.isTrue(gunzipSync(payload).equals(Site.body(path)))
      } else if (!path.startsWith("/encoded/")) assert.isTrue(payload.equals(Site.body(path)), path)
      assert.isUndefined(await faultOf(directory, outcome))
    }
    const ids = records.map((record) => record.field("WARC-Record-ID"))
    assert.strictEqual(new Set(ids).size, ids.length)
  })

  it("archives what a redirect leads to under the address that answered, without credentials", async () => {
    await using site = await Site.start()
    const directory = folder()
    const [far] = savedIn(await collect([site.url("/redirect/3/bytes/100/far")], { directory }))
    const secret = site.url("/auth/user/secret/bytes/100/a", { userinfo: "user:secret" })
    savedIn(await collect([secret], { directory }))
    const responses = await responsesIn(directory)
    assert.deepStrictEqual(
      responses.map((response) => response.field("WARC-Target-URI")),
      [site.url("/redirect/3/bytes/100/far"), far!.finalUrl, site.url("/auth/user/secret/bytes/100/a")]
    )
    assert.notInclude(fs.readFileSync(join(directory, first)).toString("latin1"), "user:secret")
  })

  it("bounds the bytes as they come", async () => {
    await using site = await Site.start()
    const directory = folder()
    const options = { directory, maxSize: 1_000_000, retries: 0 }
    const outcomes = await collect(
      ["/bytes/2000000/a.bin", "/chunked/2000000/b.bin"].map((path) => site.url(path)),
      options
    )
    assert.deepStrictEqual(
      outcomes.map((outcome) => (outcome._tag === "Failed" ? outcome.error._tag : outcome._tag)),
      ["TooLargeError", "TooLargeError"]
    )
    for (const { payload } of await responsesIn(directory)) assert.isAtMost(payload.length, 1_000_000)
    // decoded it would be a hundred megabytes
    savedIn(await collect([site.url("/bomb/gzip/100000000/a.html")], options))
  })

  it("goes on in the same archive, asks for nothing twice, and keeps what did not change", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = Array.from({ length: 40 }, (_, index) => site.url(`/bytes/100/${index}.txt`))
    const early = savedIn(await collect(urls.slice(0, 20), { directory }))
    assert.strictEqual((await collect(urls, { directory })).length, 20)
    assert.deepStrictEqual(await collect(urls, { directory }), [])
    assert.strictEqual(site.requests.length, 40)
    assert.deepStrictEqual(archivesIn(directory), [first])
    assert.strictEqual((await responsesIn(directory)).length, 40)

    const again = await one(early[0]!.url, { directory, refresh: true })
    assert.strictEqual(again._tag, "Unchanged")
    assert.strictEqual(again._tag === "Unchanged" ? again.path : "", early[0]!.path)
    assert.isUndefined(await faultOf(directory, again))
    assert.strictEqual((await responsesIn(directory)).length, 40)
    // and the time after that
    const third = await one(early[0]!.url, { directory, refresh: true })
    assert.strictEqual(third._tag === "Unchanged" ? third.path : "", early[0]!.path)
  })

  it("keeps the old record when a changed answer comes", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url("/range/changed/1000/b.txt")
    const [old] = savedIn([await one(url, { directory })])
    const [young] = savedIn([await one(url, { directory, refresh: true })])
    assert.notStrictEqual(old!.path, young!.path)
    assert.isUndefined(await faultOf(directory, old!))
    assert.isUndefined(await faultOf(directory, young!))
    await one(site.url("/bytes/10/more.txt"), { directory })
    assert.strictEqual((await responsesIn(directory)).length, 3)
  })

  it("takes what is saved for saved, whatever the format it was saved in", async () => {
    await using site = await Site.start()
    const directory = folder()
    const file = site.url("/bytes/100/file.txt")
    const record = site.url("/bytes/100/record.txt")
    await one(file, { directory, format: "files" })
    await one(record, { directory })
    assert.deepStrictEqual(await collect([file, record], { directory }), [])
    assert.deepStrictEqual(await collect([file, record], { directory, format: "files" }), [])
    assert.strictEqual(site.requests.length, 2)
    const tags = async (format: "files" | "warc") =>
      (await collect([file, record], { directory, format, refresh: true })).map(({ _tag }) => _tag)
    assert.deepStrictEqual(await tags("warc"), ["Unchanged", "Unchanged"])
    assert.deepStrictEqual(await tags("files"), ["Unchanged", "Unchanged"])
    assert.strictEqual((await responsesIn(directory)).length, 1)
  })

  it("moves a body into a file when it changed and files are asked for", async () => {
    await using site = await Site.start()
    const directory = folder()
    const path = "/range/changed/1000/b.txt"
    await one(site.url(path), { directory })
    const [moved] = savedIn([await one(site.url(path), { directory, format: "files", refresh: true })])
    assert.isTrue(fs.readFileSync(join(directory, moved!.path)).equals(Site.body(path, 1)))
    assert.isUndefined(await faultOf(directory, moved!))
  })

  it("asks again for a body whose archive is gone, and leaves the number of the archive", async () => {
    await using site = await Site.start()
    const directory = folder()
    const url = site.url("/bytes/100/a.txt")
    await one(url, { directory })
    fs.rmSync(join(directory, first))
    const [again] = savedIn(await collect([url], { directory }))
    assert.isTrue(again!.path.startsWith("simul-00001.warc.gz#"), again!.path)
  })

  it("says which run passes over what is saved in the other form: what that is, not what else lies there", async () => {
    await using site = await Site.start()
    const directory = folder()
    const [a, b, c] = ["/bytes/10/a", "/bytes/10/b", "/bytes/10/c"].map((path) => site.url(path))
    const list = join(root, "urls.txt")
    fs.writeFileSync(list, `${a}\n${b}\n`)
    type Open = (options: Partial<Options>) => Effect.Effect<Get.Run, RunError, Scope.Scope>
    const listed =
      (source: Get.Source): Open =>
      (options) =>
        Get.open(source, options)
    const crawled: Open = (options) => Crawl.open([a!], {}, { ...options, robots: false })
    const isOther = (open: Open, format: Options["format"], at: string) =>
      Effect.gen(function* () {
        const run = yield* open({ ...quick, directory: at, format })
        yield* Stream.runDrain(run.outcomes)
        return run.progress().inOtherForm ?? false
      }).pipe(Effect.scoped, Effect.runPromise)
    const runs = [
      [[a!, b!], "files", false],
      [[a!, b!], "warc", true],
      [[a!, b!, c!], "warc", true],
      [[a!, b!], "warc", true],
      [[a!, b!], "files", false],
      [[c!], "warc", false],
      [[c!], "files", true]
    ] as const
    for (const [index, [urls, format, other]] of runs.entries())
      assert.strictEqual(await isOther(listed({ urls }), format, directory), other, `run ${index}`)
    // what they have behind them is not read again
    for (const open of [listed({ file: list }), crawled])
      for (const [first, second] of [
        ["files", "warc"],
        ["warc", "files"]
      ] as const) {
        const resumed = folder()
        assert.isFalse(await isOther(open, first, resumed))
        assert.isFalse(await isOther(open, first, resumed))
        assert.isTrue(await isOther(open, second, resumed), second)
      }
  })

  it("cuts off what no commit knows of, removes an archive that was never committed, and leaves a foreign one", async () => {
    await using site = await Site.start()
    const directory = folder()
    const [before] = savedIn([await one(site.url("/bytes/100/a.txt"), { directory })])
    const file = join(directory, first)
    const whole = fs.readFileSync(file)
    fs.appendFileSync(file, whole.subarray(0, whole.length - 5))
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.exec("INSERT INTO archive (name, bytes) VALUES ('simul-00001.warc.gz', 0)")
    database.close()
    fs.writeFileSync(join(directory, "simul-00001.warc.gz"), "torn")
    fs.writeFileSync(join(directory, "simul-00002.warc.gz"), "foreign")
    // a run for files mends as well
    assert.deepStrictEqual(await collect([site.url("/bytes/100/a.txt")], { directory, format: "files" }), [])
    assert.isTrue(fs.readFileSync(file).equals(whole))
    assert.deepStrictEqual(archivesIn(directory), [first, "simul-00002.warc.gz"])
    const [after] = savedIn([await one(site.url("/bytes/100/b.txt"), { directory })])
    assert.isUndefined(await faultOf(directory, before!))
    assert.isUndefined(await faultOf(directory, after!))
    assert.strictEqual(fs.readFileSync(join(directory, "simul-00002.warc.gz"), "utf8"), "foreign")
  })

  it("finds damage in a record: its gzip, its payload, its digests, its place", async () => {
    await using site = await Site.start()
    const directory = folder()
    const outcomes = savedIn(
      await collect(
        [0, 1, 2].map((index) => site.url(`/bytes/20000/${index}.bin`)),
        { directory }
      )
    )
    const file = join(directory, first)
    const whole = fs.readFileSync(file)
    const [outcome, second] = outcomes
    const { offset, length } = RecordLocation.fromPath(outcome!.path)!
    const damaged = Buffer.from(whole)
    damaged[offset + Math.floor(length / 2)]! ^= 0xff
    fs.writeFileSync(file, damaged)
    assert.strictEqual((await faultOf(directory, outcome!))?._tag, "Record")
    assert.isUndefined(await faultOf(directory, second!))
    fs.writeFileSync(file, whole)
    const moved = { ...outcome!, path: RecordLocation.toPath({ archive: first, offset, length: length - 1 }) }
    assert.strictEqual((await faultOf(directory, moved))?._tag, "Record")
    assert.strictEqual((await faultOf(directory, { ...outcome!, path: second!.path }))?._tag, "Hash")
    assert.strictEqual((await faultOf(directory, { ...outcome!, bytes: 3 }))?._tag, "Length")
    const gone = { ...outcome!, path: RecordLocation.toPath({ archive: "simul-00009.warc.gz", offset, length }) }
    assert.strictEqual((await faultOf(directory, gone))?._tag, "Missing")
  })

  it("looks at unsynced records after the machine was started anew", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = ["/bytes/1000/good.bin", "/bytes/1000/bad.bin"]
    const list = join(root, "power.txt")
    fs.writeFileSync(list, paths.map((path) => `${site.url(path)}\n`).join(""))
    const run = () =>
      Effect.runPromise(
        Effect.scoped(
          Effect.flatMap(Get.open({ file: list }, { ...quick, directory }), (run) => Stream.runCollect(run.outcomes))
        )
      )
    const bad = savedIn(await run()).find(({ url }) => url.endsWith("bad.bin"))!
    const { DatabaseSync } = await import("node:sqlite")
    const database = new DatabaseSync(join(directory, ".simul", "store.sqlite"))
    database.exec("UPDATE run SET boot = 'another'")
    database.close()
    const { offset, length } = RecordLocation.fromPath(bad.path)!
    const file = fs.readFileSync(join(directory, first))
    fs.writeFileSync(join(directory, first), file.fill(0, offset, offset + length))
    const again = savedIn(await run())
    assert.deepStrictEqual(
      again.map(({ url }) => url),
      [bad.url]
    )
    assert.isUndefined(await faultOf(directory, again[0]!))
  })

  it("syncs the archive before the commit when power may fail", async () => {
    await using site = await Site.start()
    const directory = folder()
    const urls = Array.from({ length: 30 }, (_, index) => site.url(`/bytes/1000/${index}.bin`))
    savedIn(await collect(urls, { directory, durability: "power" }))
    assert.strictEqual((await responsesIn(directory)).length, 30)
  })

  it("starts a body anew that an earlier run left half done as a file", async () => {
    await using site = await Site.start()
    const directory = folder()
    const held = "/hold-body/900000/400000/gate/a.bin"
    const fast = "/bytes/10/fast.txt"
    const urls = [site.url(fast), site.url(held)]
    for await (const outcome of Get.get(urls, { ...quick, directory, format: "files" })) {
      assert.strictEqual(outcome.url, urls[0])
      break
    }
    site.release("gate")
    const [outcome] = savedIn(await collect(urls, { directory }))
    assert.isUndefined(await faultOf(directory, outcome!))
    assert.isUndefined(site.requests.at(-1)!.headers.range)
  })
})
