import { assert, it } from "@effect/vitest"
import { urls } from "../../src/extract/Srcset.ts"

it("gives the URLs without their descriptors", () => {
  for (const [srcset, expected] of [
    ["a.png 1x, b.png 2x", ["a.png", "b.png"]],
    ["a.png", ["a.png"]],
    [" a.png , b.png 100w,\n\tc.png 1.5x ", ["a.png", "b.png", "c.png"]],
    ["a.png,b.png", ["a.png,b.png"]],
    ["a.png, b.png,", ["a.png", "b.png"]],
    ["/w_100,h_200/a.png 1x, b", ["/w_100,h_200/a.png", "b"]],
    ["a foo(1x, 2x), b", ["a", "b"]],
    ["data:image/png;base64,AA== 1x, b 2x", ["data:image/png;base64,AA==", "b"]],
    [",,, ,", []],
    ["", []]
  ] as const)
    assert.deepStrictEqual(urls(srcset), expected, srcset)
})
