import { assert, it } from "@effect/vitest"
import { target } from "../../src/extract/Refresh.ts"

it("reads the URL as browsers do", () => {
  for (const [value, expected] of [
    ["0;url=/a", "/a"],
    ["5; URL = '/a b' x", "/a b"],
    ['5, "/a"', "/a"],
    ["5 /a", "/a"],
    [".5; url=/a", "/a"],
    ["1.5.2;url=/a", "/a"],
    ["0; url='/a", "/a"],
    ["0; url=' /a\u001f ", "/a"],
    ["0; url=\u00a0/a\u2003", "\u00a0/a\u2003"],
    ["0; urlx=/a", "urlx=/a"],
    ["0;url=", undefined],
    ["0;", undefined],
    ["5", undefined],
    ["url=/a", undefined],
    ["0x;url=/a", undefined],
    ["", undefined]
  ] as const)
    assert.strictEqual(target(value), expected, value)
})

it("takes time linear in the value", () => {
  for (const piece of ["1", "1.", " ", "; "]) target(`0${piece.repeat(500_000)}x`)
  assert.isUndefined(target("9".repeat(500_000)))
})
