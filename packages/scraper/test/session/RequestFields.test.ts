import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as RequestFields from "../../src/session/RequestFields.ts"

describe("RequestFields", () => {
  it("replaces a name with all lines of the later list, and keeps the order of the rest", () => {
    assert.deepStrictEqual(RequestFields.override(["a", "1", "b", "2", "a", "3"], ["a", "4", "c", "5", "c", "6"]), [
      "b",
      "2",
      "a",
      "4",
      "c",
      "5",
      "c",
      "6"
    ])
  })

  it("does not take a value for a name", () => {
    assert.deepStrictEqual(RequestFields.override(["x", "a", "y", "1"], ["a", "2"]), ["x", "a", "y", "1", "a", "2"])
  })

  it("joins cookies of a user and of a jar in one line", () => {
    assert.deepStrictEqual(RequestFields.withCookie(["cookie", "a=1", "b", "cookie"], "c=2"), [
      "b",
      "cookie",
      "cookie",
      "a=1; c=2"
    ])
    assert.deepStrictEqual(RequestFields.withCookie(["b", "cookie"], "c=2"), ["b", "cookie", "cookie", "c=2"])
  })

  it("makes Basic credentials of UTF-8 text", () => {
    assert.strictEqual(
      RequestFields.basic(new URL("http://J%C3%B6:p%3Aq@a.test/")),
      `Basic ${Buffer.from("Jö:p:q").toString("base64")}`
    )
    assert.strictEqual(
      RequestFields.basic(new URL("http://u%zz:50%25%40%@a.test/")),
      `Basic ${Buffer.from("u%zz:50%@%").toString("base64")}`
    )
    assert.isUndefined(RequestFields.basic(new URL("http://a.test/")))
  })

  const refused: ReadonlyArray<readonly [name: string, value: string]> = [
    ["a b", "1"],
    ["", "1"],
    ["a", "1\r\nx: 2"],
    ["a", "1\n"],
    ["a", "\u0000"],
    ["a", "\u20ac"],
    ["Transfer-Encoding", "chunked"],
    ["Content-Length", "5"],
    ["Connection", "close"]
  ]
  for (const [name, value] of refused) {
    it.effect(`refuses ${JSON.stringify(`${name}: ${value}`)} without telling the value`, () =>
      Effect.gen(function* () {
        const fault = yield* Effect.flip(RequestFields.user([[name, value]]))
        assert.strictEqual(fault._tag, "OptionUnusable")
        assert.strictEqual(fault.value, name)
      })
    )
  }

  it.effect("takes names in lower case, and repeated ones", () =>
    Effect.gen(function* () {
      const fields = yield* RequestFields.user([
        ["X-A", "1"],
        ["x-a", "2"]
      ])
      assert.deepStrictEqual(fields, ["x-a", "1", "x-a", "2"])
    })
  )
})
