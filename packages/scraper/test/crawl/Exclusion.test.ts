import { assert, describe, it } from "@effect/vitest"
import * as Exclusion from "../../src/crawl/Exclusion.ts"
import * as Scope from "../../src/crawl/Scope.ts"

describe("Exclusion", () => {
  it("says in words which rule leaves a target out", () => {
    const scope = Scope.make({
      seeds: ["http://a.example/docs/"],
      within: "path",
      include: [/docs/],
      exclude: [/\.zip$/],
      maxDepth: 2
    })
    const said = (path: string, depth = 1) =>
      Exclusion.of(scope.decide({ url: `http://a.example${path}`, depth, isResource: false }))?.message
    assert.isUndefined(said("/docs/a"))
    assert.strictEqual(said("/docs/a.zip"), "excluded by \\.zip$")
    assert.strictEqual(said("/blog/docs"), "outside of the folders of the seeds")
    assert.strictEqual(said("/docs/a", 3), "3 links from a seed, of 2 at most")
    const other = Scope.make({ seeds: ["http://a.example/"], within: "host", include: [/docs/] })
    assert.deepStrictEqual(Exclusion.of(other.decide({ url: "http://a.example/b", depth: 1, isResource: false })), {
      reason: "NotIncluded",
      message: "matches none of the patterns to include"
    })
  })
})
