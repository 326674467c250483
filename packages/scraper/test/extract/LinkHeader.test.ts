import { assert, it } from "@effect/vitest"
import { parse } from "../../src/extract/LinkHeader.ts"

it("reads targets and relations", () => {
  for (const [value, expected] of [
    ['</a>; rel="next"', [["/a", "next"]]],
    [
      "</a>;rel=next, <b>; REL=Prev",
      [
        ["/a", "next"],
        ["b", "prev"]
      ]
    ],
    ['<a,b>; title="x, <c>; rel=y"; rel="preload icon"; rel=z', [["a,b", "preload icon"]]],
    ['<a>; title="\\"<b>"; crossorigin; as=style', [["a", ""]]],
    ["<a>", [["a", ""]]],
    ['<a>; rel="next', [["a", "next"]]],
    ["a; rel=next", []],
    ["<a; rel=next", []],
    ["", []]
  ] as const)
    assert.deepStrictEqual(
      parse(value),
      expected.map(([target, rel]) => ({ target, rel })),
      value
    )
})

it("takes time linear in the value", () => {
  for (const piece of ["<", "<>", ";", '"', " ", "<a>; ", '<a>;x="', "=;"]) assert.isArray(parse(piece.repeat(100_000)))
})
