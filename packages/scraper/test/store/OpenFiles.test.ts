import { assert, it } from "@effect/vitest"
import * as OpenFiles from "../../src/store/OpenFiles.ts"

const limits = (soft: string) => `Limit                     Soft Limit           Hard Limit           Units
Max open files            ${soft.padEnd(20)} 1048576              files
Max locked memory         8388608              8388608              bytes
`

it("leaves as many transfers as are asked for where the system has files for them", () => {
  for (const text of [limits("1048576"), limits("unlimited"), ""])
    assert.deepStrictEqual(OpenFiles.affordable(1000, text), { jobs: 1000, mostFiles: undefined })
})

it("leaves 10,000 at most, of any number", () => {
  for (const jobs of [20_000, Infinity])
    for (const text of [limits("1048576"), limits("unlimited"), ""])
      assert.deepStrictEqual(OpenFiles.affordable(jobs, text), { jobs: 10_000, mostFiles: undefined })
  assert.deepStrictEqual(OpenFiles.affordable(Infinity, limits("108")), { jobs: 20, mostFiles: 108 })
})

it("takes fewer where it has not, and says by which limit", () => {
  assert.deepStrictEqual(OpenFiles.affordable(64, limits("108")), { jobs: 20, mostFiles: 108 })
  assert.deepStrictEqual(OpenFiles.affordable(64, limits("40")), { jobs: 1, mostFiles: 40 })
})

it("takes none where not even one would end for certain", () => {
  assert.deepStrictEqual(OpenFiles.affordable(64, limits("39")), { jobs: 0, mostFiles: 39 })
  assert.deepStrictEqual(OpenFiles.affordable(1, limits("39")), { jobs: 0, mostFiles: 39 })
})
