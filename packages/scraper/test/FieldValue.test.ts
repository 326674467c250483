import { assert, it } from "@effect/vitest"
import * as FieldValue from "../src/FieldValue.ts"

it("FieldValue.trimmed takes blanks off both ends, and no other octet", () => {
  for (const [text, expected] of [
    [" \t a \t b\t ", "a \t b"],
    ["\t \t", ""],
    ["", ""],
    ["\u00a0\v voil\u00c3\u00a0", "\u00a0\v voil\u00c3\u00a0"]
  ] as const)
    assert.strictEqual(FieldValue.trimmed(text), expected)
})
