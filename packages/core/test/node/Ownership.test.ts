import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { chownSync, lchownSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isForeign, readOwn } from "../../src/node/Ownership.ts"

const folder = () => {
  const path = mkdtempSync(join(tmpdir(), "simul-owner-"))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

describe("isForeign", () => {
  it("is no file of one's own", () => {
    using own = folder()
    assert.isFalse(isForeign(own.path))
    assert.throws(() => isForeign(join(own.path, "none")), /ENOENT/)
  })

  // only root can give a file away
  it.skipIf(process.getuid?.() !== 0)("is what belongs to another, a link too", () => {
    using own = folder()
    const link = join(own.path, "link")
    symlinkSync(own.path, link)
    assert.isFalse(isForeign(link))
    lchownSync(link, 12_345, 12_345)
    assert.isTrue(isForeign(link))
  })
})

describe("readOwn", () => {
  it("reads a file, through a link of one's own, too", () => {
    using own = folder()
    const file = join(own.path, "file")
    const link = join(own.path, "link")
    symlinkSync(file, link)
    assert.throws(() => readOwn(file), /ENOENT/)
    assert.throws(() => readOwn(link), /ENOENT/)
    writeFileSync(file, "text")
    assert.deepStrictEqual(readOwn(file), { text: "text" })
    assert.deepStrictEqual(readOwn(link), { text: "text" })
  })

  it.skipIf(process.platform === "win32")("waits for no pipe, and reads no folder", () => {
    using own = folder()
    const pipe = join(own.path, "pipe")
    const link = join(own.path, "link")
    execFileSync("mkfifo", [pipe])
    symlinkSync(pipe, link)
    for (const path of [pipe, link, own.path]) assert.deepStrictEqual(readOwn(path), { refused: "is no regular file" })
  })

  it.skipIf(process.getuid?.() !== 0)("refuses another user's file and link, not one's own link to his file", () => {
    using own = folder()
    const file = join(own.path, "file")
    const link = join(own.path, "link")
    writeFileSync(file, "text")
    symlinkSync(file, link)
    chownSync(file, 12_345, 12_345)
    assert.deepStrictEqual(readOwn(file), { refused: "belongs to another user" })
    assert.deepStrictEqual(readOwn(link), { text: "text" })
    lchownSync(link, 12_345, 12_345)
    assert.deepStrictEqual(readOwn(link), { refused: "belongs to another user" })
  })
})
