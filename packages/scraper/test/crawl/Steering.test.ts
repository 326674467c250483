import { assert, describe, it } from "@effect/vitest"
import * as Steering from "../../src/crawl/Steering.ts"

const rules = {
  scope: "host",
  include: [/a/u],
  exclude: [/b/u],
  depth: 3,
  sitemaps: false,
  traps: true,
  maxPages: 9
} as const

describe("Steering", () => {
  it("changes what is named, and leaves the rest", () => {
    assert.deepStrictEqual(Steering.changed(rules, {}), rules)
    assert.deepStrictEqual(Steering.changed(rules, { exclude: ["/c\\/d/u"], depth: 5 }), {
      ...rules,
      exclude: [/c\/d/u],
      depth: 5
    })
    const { depth: _, maxPages: __, ...unbounded } = rules
    assert.deepStrictEqual(Steering.changed(rules, { depth: null, maxPages: null, include: [] }), {
      ...unbounded,
      include: []
    })
  })

  it("knows which changes may let something in", () => {
    const isWider = (change: Parameters<typeof Steering.changed>[1]) =>
      Steering.isWider(rules, Steering.changed(rules, change))
    for (const narrower of [
      {},
      { depth: 2 },
      { exclude: ["/b/u", "/c/u"] },
      { maxPages: 100 },
      { scope: "path" },
      { include: ["/a/u"] }
    ] as const)
      assert.isFalse(isWider(narrower), JSON.stringify(narrower))
    for (const wider of [
      { depth: 4 },
      { depth: null },
      { exclude: [] },
      { include: [] },
      { include: ["/a/u", "/d/u"] },
      { scope: "domain" }
    ] as const)
      assert.isTrue(isWider(wider), JSON.stringify(wider))
    assert.isFalse(Steering.isWider({ ...rules, include: [] }, rules))
  })
})
