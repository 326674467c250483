import { assert, describe, it } from "@effect/vitest"
import { constants } from "node:os"
import { WriteError } from "../../src/FetchError.ts"
import { DiskFull } from "../../src/Sink.ts"
import * as PartFile from "../../src/sink/PartFile.ts"

const told = (code: string, errno: number) => PartFile.failure("p", Object.assign(new Error(), { code, errno: -errno }))

describe("PartFile", () => {
  it("takes a quota that is used up, for which Node has no name, for a full disk", () => {
    assert.deepStrictEqual(told("UNKNOWN", constants.errno.EDQUOT), new DiskFull({ path: "p" }))
    assert.deepStrictEqual(told("ENOSPC", constants.errno.ENOSPC), new DiskFull({ path: "p" }))
    assert.deepStrictEqual(told("EIO", constants.errno.EIO), new WriteError({ path: "p", code: "EIO" }))
  })
})
