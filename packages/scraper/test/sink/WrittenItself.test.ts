import { assert, describe, it } from "@effect/vitest"
import { lchownSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as WrittenItself from "../../src/sink/WrittenItself.ts"

describe("nameOf", () => {
  const folder = () => {
    const path = realpathSync(mkdtempSync(join(tmpdir(), "simul-written-")))
    return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
  }

  it("is the file that links lead to", () => {
    using own = folder()
    const [file, link, further] = ["file", "link", "further"].map((name) => join(own.path, name)) as [
      string,
      string,
      string
    ]
    writeFileSync(file, "")
    symlinkSync("file", link)
    symlinkSync(link, further)
    assert.strictEqual(WrittenItself.nameOf(further), file)
  })

  // only root can give a link away
  it.skipIf(process.getuid?.() !== 0)("is the link itself where another user has put it there", () => {
    using own = folder()
    const link = join(own.path, "link")
    writeFileSync(join(own.path, "file"), "")
    symlinkSync("file", link)
    lchownSync(link, 12_345, 12_345)
    assert.strictEqual(WrittenItself.nameOf(link), link)
  })
})
