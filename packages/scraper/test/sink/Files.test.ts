import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as Files from "../../src/sink/Files.ts"
import * as Folders from "../Folders.ts"
import { replaced } from "../Replaced.ts"

const { folder } = Folders.make("files")

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

it.effect("a file that was synced is durable, whatever the system says when it is closed", () =>
  Effect.gen(function* () {
    const file = folder()
    fs.writeFileSync(file, "bytes")
    const builtin = process.getBuiltinModule("node:fs")
    const { close, closeSync } = builtin
    const failing = (descriptor: number, closed: fs.NoParamCallback) =>
      close(descriptor, () => closed(new Error("EIO")))
    const failingSync = (descriptor: number) => {
      closeSync(descriptor)
      throw new Error("EIO")
    }
    yield* replaced(builtin, { close: failing as typeof close, closeSync: failingSync })
    yield* Files.node.sync(file)
  })
)
