import { assert, describe, it } from "@effect/vitest"
import * as Priorities from "../../src/crawl/Priorities.ts"

describe("Priorities", () => {
  const priorities = [
    { pattern: /\/docs\//u, value: 10 },
    { pattern: /\.pdf$/u, value: -5 }
  ]

  it("lets the first pattern decide that matches", () => {
    assert.strictEqual(Priorities.find(priorities, "http://h/docs/a.pdf")?.value, 10)
    assert.strictEqual(Priorities.find(priorities, "http://h/b.pdf")?.value, -5)
    assert.isUndefined(Priorities.find(priorities, "http://h/"))
  })

  it("lets a sitemap decide between what has the same value only, and keeps what it said by other patterns", () => {
    const nowMs = Date.parse("2026-11-26")
    const said = (priority: number | undefined, changed: string) =>
      Priorities.said({ priority, lastModifiedMs: Date.parse(changed) }, nowMs)
    const dull = said(undefined, "")
    const [least, most] = [said(0, "2020-01-01"), said(1, "2026-11-25")]
    assert.deepStrictEqual([least, dull, said(0.8, "2026-11-01"), most], [-5, 0, 4, 7])
    assert.isAtMost(most, Priorities.ofSitemap)
    const of = (url: string, before: number) => Priorities.of(priorities, url, before)
    for (const before of [least, dull, most]) {
      const [plain, docs, pdf] = [of("/", before), of("/docs/", before), of("/a.pdf", before)]
      assert.isTrue(pdf < of("/", -5) && of("/", 7) < docs)
      for (const one of [plain, docs, pdf]) assert.strictEqual(Priorities.of([], "/", one), before)
    }
  })

  it("reads what it wrote", () => {
    assert.deepStrictEqual(Priorities.decode(Priorities.encode(priorities)), priorities)
    assert.strictEqual(Priorities.encode([]), "[]")
  })
})
