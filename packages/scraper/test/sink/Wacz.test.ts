import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import { buffer } from "node:stream/consumers"
import { gunzipSync } from "node:zlib"
import * as yauzl from "yauzl"
import * as Get from "../../src/Get.ts"
import * as RecordLocation from "../../src/sink/RecordLocation.ts"
import * as Wacz from "../../src/sink/Wacz.ts"
import * as Directory from "../../src/store/Directory.ts"
import { Site } from "../../src/testing/index.ts"
import * as Folders from "../Folders.ts"

const { root, folder } = Folders.make("wacz")

const fetchAll = (urls: Iterable<string>, directory: string, archiveBytes = 1 << 30) =>
  Effect.runPromise(
    Stream.runDrain(Get.outcomes(urls, { format: "warc", directory, archiveBytes, retries: 0, backoffMs: 1 }))
  )
const pack = (directory: string, file: string, onRead?: (bytes: number) => void) =>
  Effect.scoped(Effect.flatMap(Directory.archived(directory), (contents) => Wacz.pack(contents, file, "test", onRead)))

/** What another's reader finds in a ZIP, by name; CRCs are checked. */
const entriesOf = async (file: string) => {
  const zip = await new Promise<yauzl.ZipFile>((resolve, reject) =>
    yauzl.open(file, { autoClose: false, lazyEntries: false }, (error, opened) =>
      error === null ? resolve(opened) : reject(error)
    )
  )
  const entries: Array<yauzl.Entry> = []
  await new Promise<void>((resolve, reject) =>
    zip
      .on("entry", (entry: yauzl.Entry) => entries.push(entry))
      .on("end", resolve)
      .on("error", reject)
  )
  const found = new Map<string, { readonly bytes: Buffer; readonly isStored: boolean }>()
  for (const entry of entries) {
    const stream = await new Promise<NodeJS.ReadableStream>((resolve, reject) =>
      zip.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(error)))
    )
    found.set(entry.fileName, { bytes: await buffer(stream), isStored: entry.compressionMethod === 0 })
  }
  zip.close()
  return found
}

interface Manifest {
  readonly profile: string
  readonly wacz_version: string
  readonly mainPageUrl: string
  readonly resources: ReadonlyArray<{
    readonly name: string
    readonly path: string
    readonly hash: string
    readonly bytes: number
  }>
}
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

describe("Wacz", () => {
  it("packs archives, index and pages with a manifest that is right (WACZ 1.1.1)", async () => {
    await using site = await Site.start()
    const directory = folder()
    const paths = [
      "/tree/2/1",
      "/tree/2/1/0",
      "/bytes/20000/a.bin",
      "/status/404/lost.html",
      "/bytes/30000/b.bin",
      "/cut-first/40/tree/2/1/1"
    ]
    await fetchAll(
      paths.map((path) => site.url(path)),
      directory,
      10_000
    )
    const names = fs.readdirSync(directory).filter((name) => name.endsWith(".warc.gz"))
    assert.isAbove(names.length, 1)
    // what a killed run leaves behind is not packed
    const committed = new Map(names.map((name) => [name, fs.readFileSync(join(directory, name))]))
    fs.appendFileSync(join(directory, names.at(-1)!), "tail")

    const file = join(directory, "simul.wacz")
    let read = 0
    const packed = await Effect.runPromise(pack(directory, file, (bytes) => void (read += bytes)))
    assert.deepStrictEqual(packed, {
      file,
      bytes: fs.statSync(file).size,
      archives: names.length,
      captures: paths.length,
      pages: 2
    })
    const entries = await entriesOf(file)
    assert.strictEqual(
      read,
      names.reduce((sum, name) => sum + entries.get(`archive/${name}`)!.bytes.length, 0)
    )
    assert.deepStrictEqual(
      [...entries.keys()],
      [
        ...names.map((name) => `archive/${name}`),
        "indexes/index.cdxj",
        "pages/pages.jsonl",
        "datapackage.json",
        "datapackage-digest.json"
      ]
    )
    for (const [name, bytes] of committed) {
      assert.isTrue(entries.get(`archive/${name}`)!.bytes.equals(bytes), name)
      assert.isTrue(entries.get(`archive/${name}`)!.isStored, name)
    }
    const text = (name: string) => entries.get(name)!.bytes.toString()

    const manifest = JSON.parse(text("datapackage.json")) as Manifest
    assert.strictEqual(manifest.profile, "data-package")
    assert.strictEqual(manifest.wacz_version, "1.1.1")
    assert.deepStrictEqual(
      manifest.resources.map(({ path }) => path),
      [...entries.keys()].slice(0, -2)
    )
    for (const { name, path, hash, bytes } of manifest.resources) {
      assert.strictEqual(name, path.split("/").at(-1))
      assert.strictEqual(bytes, entries.get(path)!.bytes.length)
      assert.strictEqual(hash, sha256(entries.get(path)!.bytes), path)
    }
    assert.deepStrictEqual(JSON.parse(text("datapackage-digest.json")), {
      path: "datapackage.json",
      hash: sha256(entries.get("datapackage.json")!.bytes)
    })

    const [head, ...pages] = text("pages/pages.jsonl")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { url: string; ts: string; format?: string })
    assert.strictEqual(head!.format, "json-pages-1.0")
    assert.deepStrictEqual(
      pages.map(({ url }) => url).toSorted(),
      paths.slice(0, 2).map((path) => site.url(path))
    )
    for (const { ts } of pages) assert.strictEqual(new Date(ts).toISOString(), ts)
    assert.include(
      pages.map(({ url }) => url),
      manifest.mainPageUrl
    )

    // as a replay does it: a URL in the index, its record in the middle of an archive
    const index = text("indexes/index.cdxj")
    assert.strictEqual(index, fs.readFileSync(join(directory, "index.cdxj"), "utf8"))
    const line = index.split("\n").find((one) => one.includes("/bytes/30000/b.bin"))!
    const { offset, length, filename } = JSON.parse(line.slice(line.indexOf("{"))) as Record<string, string>
    const record = entries.get(`archive/${filename}`)!.bytes.subarray(Number(offset), Number(offset) + Number(length))
    assert.isTrue(gunzipSync(record).includes(Site.body("/bytes/30000/b.bin")))
    assert.deepStrictEqual(
      fs.readdirSync(join(directory, ".simul", "parts")).concat(fs.existsSync(`${file}.part`) ? ["part"] : []),
      []
    )
  })

  it("calls no page what a server answers for robots.txt, whatever its type", async () => {
    await using site = await Site.start()
    const directory = folder()
    await fetchAll([site.url("/bytes/100/page.html")], directory)
    const pages = (url: string) => {
      const packed = Effect.flatMap(Directory.archived(directory), (contents) => {
        const captures = Stream.map(contents.captures, (one) => ({ ...one, url, type: "text/html" }))
        return Wacz.pack({ ...contents, captures }, join(directory, "simul.wacz"), "test")
      })
      return Effect.runPromise(Effect.map(Effect.scoped(packed), (made) => made.pages))
    }
    assert.strictEqual(await pages(site.url("/robots.txt/page")), 1)
    assert.strictEqual(await pages(site.url("/robots.txt")), 0)
  })

  // minutes and gigabytes: `LARGE=1 pnpm vitest run test/sink/Wacz.test.ts -t ZIP64`
  it.skipIf(process.env["LARGE"] === undefined)(
    "packs more than 4 GiB, and what lies behind that (ZIP64)",
    { timeout: 900_000 },
    async () => {
      const archives = [2 ** 32 + 5, 10]
      const directory = folder()
      const parts = join(directory, "parts")
      fs.mkdirSync(parts, { recursive: true })
      const filled = archives.map((bytes, index) => ({ name: RecordLocation.nameOf(index), bytes }))
      for (const { name, bytes } of filled) {
        fs.writeFileSync(join(directory, name), "")
        fs.truncateSync(join(directory, name), bytes)
      }
      const file = join(directory, "simul.wacz")
      await Effect.runPromise(Wacz.pack({ directory, parts, archives: filled, captures: Stream.empty }, file, "test"))
      // others' readers: all names and lengths, then the checksum of every byte
      const found: Array<readonly [string, number]> = []
      await new Promise<void>((resolve, reject) =>
        yauzl.open(file, (error, zip) => {
          if (error !== null) return reject(error)
          zip.on("entry", ({ fileName, uncompressedSize }: yauzl.Entry) => found.push([fileName, uncompressedSize]))
          zip.on("end", resolve).on("error", reject)
        })
      )
      assert.deepStrictEqual(
        found.slice(0, -4),
        filled.map(({ name, bytes }) => [`archive/${name}`, bytes] as const)
      )
      const python =
        "import sys, zipfile; zip = zipfile.ZipFile(sys.argv[1]); print(len(zip.namelist()), zip.testzip())"
      const read = execFileSync("python3", ["-c", python, file], { encoding: "utf8" })
      assert.strictEqual(read.trim(), `${filled.length + 4} None`)
      fs.rmSync(directory, { recursive: true })
    }
  )

  it("makes it anew over what a killed one left, and over one of before", async () => {
    await using site = await Site.start()
    const directory = folder()
    await fetchAll([site.url("/bytes/100/a")], directory)
    const file = join(directory, "simul.wacz")
    fs.writeFileSync(`${file}.part`, "half".repeat(10_000))
    fs.writeFileSync(join(directory, ".simul", "parts", "pack.cdxj"), "half".repeat(10_000))
    await Effect.runPromise(pack(directory, file))
    assert.strictEqual((await entriesOf(file)).size, 5)
    await fetchAll([site.url("/bytes/100/b")], directory)
    assert.strictEqual((await Effect.runPromise(pack(directory, file))).captures, 2)
    assert.strictEqual((await entriesOf(file)).get("indexes/index.cdxj")!.bytes.toString().split("\n").length, 3)
  })

  it.skipIf(process.platform === "win32")("leaves a pipe or a device in its place, and writes to it", async () => {
    await using site = await Site.start()
    const directory = folder()
    await fetchAll([site.url("/bytes/100/a")], directory)
    const file = join(directory, "pipe.wacz")
    execFileSync("mkfifo", [file])
    const reader = fs.openSync(file, fs.constants.O_RDWR)
    try {
      const { bytes } = await Effect.runPromise(pack(directory, file))
      assert.isTrue(fs.statSync(file).isFIFO())
      const zip = join(directory, "read.wacz")
      const read = Buffer.alloc(65_536)
      fs.writeFileSync(zip, read.subarray(0, fs.readSync(reader, read)))
      assert.deepStrictEqual([fs.statSync(zip).size, (await entriesOf(zip)).size], [bytes, 5])
    } finally {
      fs.closeSync(reader)
    }
  })

  it.skipIf(process.platform === "win32")("is the file that a link leads to", async () => {
    await using site = await Site.start()
    const directory = folder()
    await fetchAll([site.url("/bytes/100/a")], directory)
    const link = join(directory, "link.wacz")
    fs.symlinkSync("behind.wacz", link)
    const { bytes } = await Effect.runPromise(pack(directory, link))
    assert.strictEqual(fs.readlinkSync(link), "behind.wacz")
    assert.strictEqual(fs.statSync(join(directory, "behind.wacz")).size, bytes)
  })

  for (const [what, meanwhile, message] of [
    [
      "an archive that loses bytes",
      (directory: string) => fs.truncateSync(join(directory, "simul-00000.warc.gz"), 1000),
      /^simul-00000\.warc\.gz has 262144 of \d+ bytes$/
    ],
    [
      "what it cannot read",
      (directory: string) => fs.rmSync(join(directory, ".simul", "parts", "pack.cdxj")),
      /^cannot look at .*pack\.cdxj \(ENOENT\)$/
    ]
  ] as const)
    it(`tells of ${what} while it packs`, async () => {
      await using site = await Site.start()
      const directory = folder()
      await fetchAll([site.url("/bytes/600000/a.bin")], directory)
      let isFirst = true
      const packing = pack(directory, join(directory, "simul.wacz"), () => {
        if (isFirst) meanwhile(directory)
        isFirst = false
      })
      assert.match((await Effect.runPromise(Effect.flip(packing))).message, message)
      assert.deepStrictEqual(
        fs.readdirSync(directory).filter((name) => name.includes(".wacz")),
        []
      )
    })

  it("says what is missing: a run, an archive, bytes of one; and leaves the package of before", async () => {
    await using site = await Site.start()
    const directory = folder()
    const file = join(root, "kept.wacz")
    fs.writeFileSync(file, "before")
    const faultOf = async () => Effect.runPromise(Effect.map(Effect.flip(pack(directory, file)), ({ _tag }) => _tag))
    assert.strictEqual(await faultOf(), "NoStore")
    await fetchAll(["http://127.0.0.1:1/"], directory)
    assert.strictEqual(await faultOf(), "NothingArchived")
    await fetchAll([site.url("/bytes/100/a")], directory)
    const archive = join(directory, "simul-00000.warc.gz")
    fs.truncateSync(archive, fs.statSync(archive).size - 1)
    assert.strictEqual(await faultOf(), "ArchiveDamaged")
    fs.rmSync(archive)
    assert.strictEqual(await faultOf(), "ArchiveDamaged")
    assert.strictEqual(fs.readFileSync(file, "utf8"), "before")
  })
})
