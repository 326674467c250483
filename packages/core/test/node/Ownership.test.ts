import { assert, describe, it } from "@effect/vitest"
import { lchownSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isForeign } from "../../src/node/Ownership.ts"

describe("isForeign", () => {
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), "simul-owner-"))
    return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
  }

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
