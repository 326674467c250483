import { assert, describe, it } from "@effect/vitest"
import { constants } from "node:os"
import { DirectoryUnusable } from "../../src/RunError.ts"
import * as SystemError from "../../src/sink/SystemError.ts"

const quota = Object.assign(new Error(), { code: "UNKNOWN", errno: -constants.errno.EDQUOT })

describe("SystemError", () => {
  it("has a name for a quota that is used up and for a disk that is full, in the words of whoever tells it", () => {
    assert.strictEqual(SystemError.codeOf(quota), "EDQUOT")
    assert.strictEqual(SystemError.codeOf({ code: "ERR_SQLITE_ERROR", errcode: 13 }), "ENOSPC")
    assert.strictEqual(SystemError.codeOf({ code: "ENOENT", errno: -constants.errno.ENOENT }), "ENOENT")
    assert.strictEqual(SystemError.codeOf(new Error()), "EIO")
  })
  it("has a run that meets a quota make room", () => {
    const { message, hint } = DirectoryUnusable.of("d")(quota)
    assert.strictEqual(message, "cannot write to d (EDQUOT)")
    assert.strictEqual(hint, "make room on its disk, or choose another directory with `-o`")
  })
})
