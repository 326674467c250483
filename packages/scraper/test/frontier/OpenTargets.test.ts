import { assert, describe, it } from "@effect/vitest"
import * as OpenTargets from "../../src/frontier/OpenTargets.ts"
import type { Target } from "../../src/Target.ts"

const target = (url: string): Target => ({ url, host: "http://h", path: "", attempts: 0 })
const placeAfter = (lines: number) => ({ bytes: 10 * lines, lines, sha256: () => `of ${lines} lines` })
const fresh = (...urls: ReadonlyArray<string>) => new Map(urls.map((url) => [url, true]))
const make = () => OpenTargets.make({ list: 1, place: undefined, targets: 0 })

describe("OpenTargets", () => {
  it("moves the place over a batch when each of its targets has a row, whichever ends first", () => {
    const open = make()
    open.add(fresh("a", "b"), placeAfter(2), 2)
    open.add(fresh("c"), placeAfter(3), 3)
    open.leaving([target("c"), target("a")])
    assert.isUndefined(open.place([]))
    open.committed([])
    open.leaving([target("b")])
    assert.deepStrictEqual(open.place([]), { list: 1, bytes: 30, lines: 3, sha256: "of 3 lines", targets: 3 })
  })

  it("moves the place over what is in flight and has a row, in the commit after the one that brings it", () => {
    const open = make()
    open.add(fresh("slow", "b"), placeAfter(2), 2)
    open.add(fresh("c"), placeAfter(3), 3)
    assert.deepStrictEqual([...open.stragglers()], [])
    open.leaving([target("b"), target("c")])
    assert.deepStrictEqual([...open.stragglers()], ["slow"])
    assert.isUndefined(open.place([target("slow")]))
    open.committed([target("slow")])
    open.leaving([])
    assert.strictEqual(open.place([])?.lines, 3)
  })

  it("counts what is new beyond the place once it has a row, and what the list knew not again", () => {
    const open = OpenTargets.make({
      list: 1,
      place: { list: 1, bytes: 10, lines: 1, sha256: "", targets: 1 },
      targets: 1
    })
    open.add(new Map(fresh("a", "b", "slow")).set("again", false), placeAfter(4), 4)
    open.leaving([target("b"), target("again")])
    assert.deepStrictEqual(open.place([target("slow")]), { list: 1, bytes: 10, lines: 1, sha256: "", targets: 3 })
    open.committed([target("slow")])
    assert.isUndefined(open.place([]))
  })

  it("knows a URL until its commit is done", () => {
    const open = make()
    open.add(fresh("leased"), undefined, 1)
    assert.deepStrictEqual([...open.unplaced()], ["leased"])
    open.leaving([target("leased")])
    assert.isTrue(open.has("leased"))
    assert.deepStrictEqual([...open.unplaced()], ["leased"])
    open.committed([])
    assert.isFalse(open.has("leased"))
    assert.deepStrictEqual([...open.unplaced()], [])
  })

  it("moves the place over all that was through behind one target, and counts it", () => {
    const open = make()
    open.add(fresh("stuck", "a"), placeAfter(2), 2)
    open.add(fresh("b", "slow"), placeAfter(4), 4)
    open.add(fresh("c"), placeAfter(5), 5)
    open.add(new Map(), placeAfter(6), 5)
    open.leaving([target("a"), target("b"), target("c")])
    assert.deepStrictEqual([...open.stragglers()], ["stuck"])
    assert.isUndefined(open.place([]))
    open.committed([])
    open.leaving([target("stuck")])
    assert.strictEqual(open.place([])?.targets, 4, "of the second batch one is not counted yet")
    open.committed([])
    assert.deepStrictEqual([...open.stragglers()], ["slow"])
    open.leaving([target("slow")])
    assert.deepStrictEqual(open.place([]), { list: 1, bytes: 60, lines: 6, sha256: "of 6 lines", targets: 5 })
  })

  it("looks at a target as often however many came after one that is stuck", () => {
    let looks = 0
    class Watched extends Map<string, boolean> {
      override has(url: string) {
        looks++
        return super.has(url)
      }
      override [Symbol.iterator]() {
        looks += this.size
        return super[Symbol.iterator]()
      }
    }
    const open = make()
    const batches = 200
    for (let n = 0; n < batches; n++) {
      const url = n === 0 ? "stuck" : `http://h/${n}`
      assert.isFalse(open.has(url))
      open.add(new Watched([[url, true]]), placeAfter(n + 1), n + 1)
      if (n === 0) continue
      open.leaving([target(url)])
      open.place([])
      open.committed([])
    }
    assert.isAtMost(looks, 10 * batches)
  })
})
