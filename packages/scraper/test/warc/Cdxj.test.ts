import { assert, describe, it } from "@effect/vitest"
import type { Capture } from "../../src/Sink.ts"
import * as Cdxj from "../../src/warc/Cdxj.ts"

const capture: Capture = {
  archive: "simul-00000.warc.gz",
  offset: 2 ** 40,
  length: 2 ** 33,
  url: "http://a.example/",
  dateMs: Date.UTC(2026, 10, 26, 9, 8, 7),
  status: 200,
  type: "text/html",
  digest: "sha1:A",
  isRevisit: false,
  isCut: false
}
const lineOf = (changed: Partial<Capture>) => {
  const lines = new Cdxj.Lines()
  return lines.add([{ ...capture, ...changed }]) + lines.end()
}

describe("Cdxj", () => {
  it("has all that CDXJ 0.1.0 asks for, whatever the size of an archive", () => {
    assert.strictEqual(
      lineOf({}),
      'example,a)/ 20261126090807 {"url": "http://a.example/", "mime": "text/html", "status": "200", "digest": "sha1:A", "length": "8589934592", "offset": "1099511627776", "filename": "simul-00000.warc.gz"}\n'
    )
  })

  it("gives a type to what has none, as pywb does, and to a revisit its own", () => {
    assert.include(lineOf({ type: "" }), '"mime": "unk"')
    assert.include(lineOf({ isRevisit: true }), '"mime": "warc/revisit"')
  })
})
