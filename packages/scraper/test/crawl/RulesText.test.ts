import { assert, describe, it } from "@effect/vitest"
import * as RulesText from "../../src/crawl/RulesText.ts"

describe("RulesText", () => {
  it("gives back the rules that it was given", () => {
    const seeds = ["http://a.example/", 'http://a.example/?q="/\\']
    const plain = { scope: "host", include: [], exclude: [], sitemaps: false, traps: true } as const
    assert.deepStrictEqual(RulesText.decode(RulesText.encode(seeds, plain)), { seeds, rules: plain })
    const rules = {
      scope: "path",
      include: [/\/a\/b/u, /x/i],
      exclude: [/[/]$/],
      depth: 0,
      sitemaps: true,
      traps: true
    } as const
    assert.deepStrictEqual(RulesText.decode(RulesText.encode(seeds, rules)), { seeds, rules })
  })
})
