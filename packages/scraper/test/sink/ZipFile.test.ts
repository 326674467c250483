/** ZIP files as other programs read them: yauzl, and Python's zipfile, which compares every checksum. */
import { afterAll, assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as yauzl from "yauzl"
import { ZipFile } from "../../src/sink/ZipFile.ts"

const root = fs.mkdtempSync(join(tmpdir(), "simul-zip-"))
afterAll(() => fs.rmSync(root, { recursive: true }))
const file = join(root, "made.zip")

const make = async (write: (zip: ZipFile) => Promise<void>, around = (handle: FileHandle) => handle) => {
  const handle = await open(file, "w")
  const zip = new ZipFile(around(handle))
  await write(zip)
  await zip.end()
  await handle.close()
  assert.strictEqual(fs.statSync(file).size, zip.bytes)
}
const add = (zip: ZipFile, name: string, chunks: ReadonlyArray<Uint8Array>, isDeflated = false) =>
  zip.add(
    { name, bytes: chunks.reduce((sum, { length }) => sum + length, 0), isDeflated },
    (async function* () {
      yield* chunks
    })()
  )
/** Name, length, method; by yauzl. */
const entriesIn = () =>
  new Promise<ReadonlyArray<readonly [string, number, number]>>((resolve, reject) => {
    const found: Array<readonly [string, number, number]> = []
    yauzl.open(file, (error, zip) => {
      if (error !== null) return reject(error)
      zip.on("entry", (one: yauzl.Entry) => found.push([one.fileName, one.uncompressedSize, one.compressionMethod]))
      zip.on("end", () => resolve(found)).on("error", reject)
    })
  })
/** What Python says: the first damaged entry or `None`, then what `expression` of `zip` is. */
const python = (expression: string) =>
  execFileSync(
    "python3",
    ["-c", `import sys, zipfile; zip = zipfile.ZipFile(sys.argv[1]); print(zip.testzip(), ${expression})`, file],
    { encoding: "utf8" }
  ).trim()

describe("ZipFile", () => {
  it("holds what is stored and what is deflated, empty or in pieces", async () => {
    const text = Buffer.from("the same again, ".repeat(10_000))
    await make(async (zip) => {
      await add(zip, "folder/stored.bin", [text.subarray(0, 7), text.subarray(7)])
      await add(zip, "deflated-é.txt", [text.subarray(0, 100_000), text.subarray(100_000)], true)
      await add(zip, "nothing", [])
      await add(zip, "nothing deflated", [], true)
    })
    assert.deepStrictEqual(await entriesIn(), [
      ["folder/stored.bin", text.length, 0],
      ["deflated-é.txt", text.length, 8],
      ["nothing", 0, 0],
      ["nothing deflated", 0, 8]
    ])
    assert.isBelow(fs.statSync(file).size, text.length + 3000)
    assert.strictEqual(python("zip.read('deflated-é.txt') == zip.read('folder/stored.bin')"), "None True")
  })

  it("holds more entries than the field for their number (ZIP64)", async () => {
    const chunks: Array<Uint8Array> = []
    let length = 0
    // to write each to the disk takes long; a head is written over where its entry stands
    const inMemory = {
      write: (bytes: Uint8Array, at: number, _length?: number, position?: number) => {
        if (position === undefined) {
          chunks.push(bytes.slice(at))
          length += bytes.length - at
        } else chunks[chunks.length - 1] = bytes.slice()
        return Promise.resolve({ bytesWritten: bytes.length - at })
      }
    } as Partial<FileHandle> as FileHandle
    const zip = new ZipFile(inMemory)
    for (let nth = 0; nth < 65_537; nth++) await add(zip, `${nth}`, [])
    await zip.end()
    fs.writeFileSync(file, Buffer.concat(chunks, length))
    const entries = await entriesIn()
    assert.strictEqual(entries.length, 65_537)
    assert.strictEqual(entries.at(-1)![0], "65536")
    assert.strictEqual(python("len(zip.namelist())"), "None 65537")
  })

  it("holds an entry of more than 4 GiB, and what lies behind it (ZIP64)", async () => {
    const zeros = Buffer.alloc(2 ** 26)
    const chunks = [...Array.from({ length: 64 }, () => zeros), Buffer.from("end")]
    await make(
      async (zip) => {
        await add(zip, "large", chunks)
        await add(zip, "behind", [Buffer.from("behind")])
      },
      (handle) => {
        // holes of the file in place of gigabytes on the disk
        let end = 0
        return {
          write: async (bytes: Uint8Array, at: number, _length?: number, position?: number) => {
            if (bytes !== zeros) await handle.write(bytes, at, bytes.length - at, position ?? end)
            if (position === undefined) end += bytes.length - at
            return { bytesWritten: bytes.length - at }
          }
        } as Partial<FileHandle> as FileHandle
      }
    )
    assert.deepStrictEqual(await entriesIn(), [
      ["large", 2 ** 32 + 3, 0],
      ["behind", 6, 0]
    ])
    assert.strictEqual(python("zip.read('behind')"), "None b'behind'")
  }, 120_000)
})
