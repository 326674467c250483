import { assert, it } from "@effect/vitest"
import { urls } from "../../src/extract/Guesses.ts"

it("finds URLs and paths in prose, without what ends the sentence", () => {
  for (const [text, expected] of [
    ["see http://h/a?b=c, or (https://i/).", ["http://h/a?b=c", "https://i/"]],
    ["- ./a/b.html and ../c.", ["./a/b.html", "../c"]],
    ["<img src='/x/y.png'>", ["/x/y.png"]],
    ["and/or 1 / 2 // 3/4 </p>", []],
    ["no slash", []]
  ] as const)
    assert.deepStrictEqual(urls(text), expected, text)
})

it("takes time linear in the text", () => {
  for (const piece of ["/", "(/", "/1", " /", "http://", "./", "/."]) assert.isArray(urls(piece.repeat(200_000)))
})
