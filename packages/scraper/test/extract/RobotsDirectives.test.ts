import { assert, describe, it } from "@effect/vitest"
import * as RobotsDirectives from "../../src/extract/RobotsDirectives.ts"

describe("of a page", () => {
  it("forbid indexing, following, or both", () => {
    const of = (content: string) => RobotsDirectives.fromMeta(content)
    assert.deepStrictEqual(of("NoIndex"), { noindex: true, nofollow: false })
    assert.deepStrictEqual(of("index, nofollow"), { noindex: false, nofollow: true })
    assert.deepStrictEqual(of("noindex nofollow"), { noindex: true, nofollow: true })
    assert.deepStrictEqual(of(" none"), { noindex: true, nofollow: true })
    assert.deepStrictEqual(of("all,max-snippet:-1"), RobotsDirectives.none)
  })
})

describe("of a header", () => {
  const of = (...lines: ReadonlyArray<string>) => RobotsDirectives.fromHeader(lines, "Simul")

  it("are for everybody or for the crawler they name", () => {
    assert.deepStrictEqual(of("noindex"), { noindex: true, nofollow: false })
    assert.deepStrictEqual(of("otherbot: noindex, nofollow"), RobotsDirectives.none)
    assert.deepStrictEqual(of("noindex, otherbot: nofollow"), { noindex: true, nofollow: false })
    assert.deepStrictEqual(of("otherbot: noindex, simul: nofollow"), { noindex: false, nofollow: true })
    assert.deepStrictEqual(of("otherbot: noindex", "nofollow"), { noindex: false, nofollow: true })
    assert.deepStrictEqual(of("360Spider: noindex, nofollow"), RobotsDirectives.none)
    assert.deepStrictEqual(of("*: none"), { noindex: true, nofollow: true })
    assert.deepStrictEqual(of("noindex nofollow"), { noindex: true, nofollow: true })
    assert.deepStrictEqual(of(), RobotsDirectives.none)
  })

  it("may have values that name no crawler", () => {
    assert.deepStrictEqual(of("unavailable_after: 25 Jun 2010 15:00:00 PST, noindex"), {
      noindex: true,
      nofollow: false
    })
    for (const date of [
      "Friday, 25-Jun-10 15:00:00 PST",
      "Fri, 25 Jun 2010 15:00:00 GMT",
      "Fri, 25th Jun 2010 15:00",
      "Fri, 06/25/2010 15:00 GMT",
      "Fri, 25.06.2010 15:00",
      "2010-06-25T15:00:00Z"
    ])
      for (const other of ["", ", 360Spider: noindex"])
        assert.deepStrictEqual(
          of(`unavailable_after: ${date}, nofollow${other}`, `unavailable_after: ${date}${other}`),
          { noindex: false, nofollow: true },
          date + other
        )
  })
})
