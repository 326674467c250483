import { assert, describe, it } from "@effect/vitest"
import * as Files from "../../src/sink/Files.ts"

const disk = { type: 0, frsize: 512, bsize: 512, blocks: 100, bfree: 20, bavail: 10, files: 40, ffree: 1 }

describe("the room on a disk", () => {
  it("is what whoever runs this may use, and none once the number of files is used up", () => {
    assert.strictEqual(Files.room(disk), 5120)
    assert.strictEqual(Files.room({ ...disk, ffree: 0 }), 0)
  })
  it("is its bytes where the file system does not number its files", () => {
    assert.strictEqual(Files.room({ ...disk, files: 0, ffree: 0 }), 5120)
  })
})
