import { assert, describe, it } from "@effect/vitest"
import * as FileName from "../../src/sink/FileName.ts"
import * as RecordLocation from "../../src/sink/RecordLocation.ts"

describe("RecordLocation", () => {
  it("reads the paths that it writes", () => {
    const location = { archive: RecordLocation.nameOf(7), offset: 1234, length: 567 }
    assert.strictEqual(RecordLocation.toPath(location), "simul-00007.warc.gz#1234+567")
    assert.deepStrictEqual(RecordLocation.fromPath("simul-00007.warc.gz#1234+567"), location)
    assert.strictEqual(RecordLocation.numberOf(RecordLocation.nameOf(123_456)), 123_456)
  })
  it("takes nothing else for one", () => {
    for (const path of [
      "simul-00007.warc.gz",
      "host/simul-00007.warc.gz#1+2",
      "../simul-00007.warc.gz#1+2",
      "other.warc.gz#1+2",
      "simul-7.warc.gz#1+2",
      "simul-00007.warc.gz#1+2x",
      "simul-00007.warc.gz#-1+2"
    ])
      assert.isUndefined(RecordLocation.fromPath(path), path)
  })
  it("is like no name made of a URL", () => {
    const { plain, unique } = FileName.flat("http://host/simul-00007.warc.gz%231+2")
    for (const name of [plain, unique]) assert.isUndefined(RecordLocation.fromPath(name), name)
  })
})
