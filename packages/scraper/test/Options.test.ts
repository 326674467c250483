import { assert, describe, it } from "@effect/vitest"
import { complete, defaults } from "../src/Options.ts"

describe("Options", () => {
  it("take `undefined` for what is not said, whether there is a default or not", () => {
    const given = { directory: "pages", perHost: undefined, maxSize: undefined, rate: 5 }
    assert.deepStrictEqual(complete(defaults, given), { ...defaults, directory: "pages", rate: 5 })
  })
})
