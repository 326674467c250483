import { assert, describe, it } from "@effect/vitest"
import * as Page from "@simul/scraper/extract/Page"
import * as Result from "effect/Result"
import { completer } from "../src/Completion.ts"

const html =
  "<!doctype html><title>Shop</title><h1 id=top>Lamp</h1><a class='next far md:wide' href=/next>on</a><img data-src=x>"
const page = Result.getOrThrow(Page.fromBytes(Buffer.from(html), {}))
const complete = completer(page, [".links", ".exit"])

describe("Completion", () => {
  for (const [line, hits, word] of [
    ["h", ["h1", "head", "html"], "h"],
    ["a.n", [".next"], ".n"],
    ["body > #t", ["#top"], "#t"],
    ["img@d", ["@data-src"], "@d"],
    ["article@h", ["@href", "@html"], "@h"],
    // commands stand alone
    [".", [".links", ".exit", ".far", ".next"], "."],
    ["a .", [".far", ".next"], "."],
    ["x", [], "x"]
  ] as const)
    it(`goes on from ${line} with what is on the page`, () => {
      assert.deepStrictEqual(complete(line), [[...hits], word])
    })
  it("goes on from a page whose elements are many beside each other", () => {
    const many = Result.getOrThrow(Page.fromBytes(Buffer.from("<br>".repeat(200_000)), {}))
    assert.deepStrictEqual(completer(many, [])("b"), [["body", "br"], "b"])
  })
})
