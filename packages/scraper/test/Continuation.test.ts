import { assert, describe, it } from "@effect/vitest"
import * as Continuation from "../src/Continuation.ts"

const head = (fields: Readonly<Record<string, string>>) => ({ header: (name: string) => fields[name] })
const partial = { validator: '"v1"', total: 100 }

describe("a part that an earlier attempt left", () => {
  const date = "Sun, 06 Nov 1994 08:49:37 GMT"

  it("is continued by the rest of it, with its validator or none", () => {
    const rest = { "content-range": "bytes 40-99/100", "content-length": "60" }
    assert.strictEqual(Continuation.whole(head({ ...rest, etag: '"v1"' }), 40, partial), 100)
    assert.strictEqual(Continuation.whole(head({ "content-range": "BYTES 40-99/100 " }), 40, partial), 100)
    assert.strictEqual(Continuation.whole(head({ "content-range": "bytes 40-99/*" }), 40, partial), 100)
    assert.strictEqual(Continuation.whole(head(rest), 40, { validator: '"v1"' }), 100)
    const dated = { ...partial, validator: date }
    assert.strictEqual(Continuation.whole(head({ ...rest, etag: '"v2"', "last-modified": date }), 40, dated), 100)
  })

  for (const [fact, fields, known] of [
    ["a 206 without a readable Content-Range", {}],
    ["a 206 without a readable Content-Range", { "content-range": "bytes */100" }],
    ["a 206 without a readable Content-Range", { "content-range": "bytes 40-38/39" }, { validator: '"v1"' }],
    ["asked for byte 40, got 39", { "content-range": "bytes 39-99/100" }],
    ["the length changed from 100 to 101", { "content-range": "bytes 40-100/101" }],
    ["the range ends at 98 of 100 bytes", { "content-range": "bytes 40-98/100" }],
    ["the range ends at 98 of 100 bytes", { "content-range": "bytes 40-98/*" }],
    ["a range of a body whose length nobody tells", { "content-range": "bytes 40-98/*" }, { validator: '"v1"' }],
    ["59 bytes for a range of 60", { "content-range": "bytes 40-99/100", "content-length": "59" }],
    ['the validator changed from "v1" to "v2"', { "content-range": "bytes 40-99/100", etag: '"v2"' }],
    [
      `the validator changed from ${date} to ${date.replace("37", "38")}`,
      { "content-range": "bytes 40-99/100", "last-modified": date.replace("37", "38") },
      { ...partial, validator: date }
    ],
    ["a coded range", { "content-range": "bytes 40-99/100", "content-encoding": "gzip" }]
  ] as const)
    it(`is not continued by ${fact}: ${JSON.stringify(fields)}`, () => {
      assert.strictEqual(Continuation.whole(head(fields), 40, known ?? partial), fact)
    })

  it("is the whole body where a 416 says so of the same one", () => {
    const range = { "content-range": "bytes */100" }
    assert.isTrue(Continuation.isWhole(head(range), 100, partial))
    assert.isTrue(Continuation.isWhole(head({ ...range, etag: '"v1"' }), 100, partial))
    assert.isTrue(Continuation.isWhole(head(range), 100, { validator: '"v1"' }))
    assert.isFalse(Continuation.isWhole(head({ ...range, etag: '"v2"' }), 100, partial))
    assert.isFalse(Continuation.isWhole(head({ ...range, "last-modified": date }), 100, { validator: `${date} ` }))
    assert.isFalse(Continuation.isWhole(head(range), 99, partial))
    assert.isFalse(Continuation.isWhole(head({ "content-range": "bytes */40" }), 40, partial))
    assert.isFalse(Continuation.isWhole(head({}), 100, partial))
  })

  it("is trusted by a strong ETag, else by a date of its own that is a second old", () => {
    const strong = (fields: Readonly<Record<string, string>>) => Continuation.strongValidator(head(fields))
    const modified = "Sun, 06 Nov 1994 08:49:36 GMT"
    const dates = { "last-modified": modified, date: "Sun, 06 Nov 1994 08:49:37 GMT" }
    assert.strictEqual(strong({ ...dates, etag: '"v1"' }), '"v1"')
    assert.isUndefined(strong({ ...dates, etag: 'W/"v1"' }))
    assert.isUndefined(strong({ ...dates, etag: "v1" }))
    assert.strictEqual(strong(dates), modified)
    assert.isUndefined(strong({ ...dates, date: modified }))
    assert.isUndefined(strong({ "last-modified": modified }))
    assert.strictEqual(strong({ ...dates, etag: '"v\x1b"' }), modified)
    assert.isUndefined(strong({ ...dates, "last-modified": `${modified}\x01` }))
  })
})
