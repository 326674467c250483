import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as Work from "../../src/scenario/Work.ts"

describe("Fibonacci numbers", () => {
  it("are the known ones", () => {
    assert.deepStrictEqual([0, 1, 2, 20].map(Work.fibonacciDigits), ["0", "1", "1", "6765"])
    assert.strictEqual(Work.fibonacciDigits(96), "51680708854858323072")
    assert.strictEqual(Work.fibonacciDigits(1000), "76137795166849228875")
    assert.strictEqual(Work.fibonacciDigits(1_000_000), "68996526838242546875")
  })

  it("are the same by steps, at once, modelled and by fast doubling", () => {
    fc.assert(
      fc.property(fc.nat({ max: 3000 }), (n) => {
        const work = Work.fibonacci(n)
        const expected = Work.fibonacciDigits(n)
        assert.deepStrictEqual([Work.perform(work), Work.resultOf(work)], [expected, expected])
      })
    )
  })

  it("keep the zeros at the start of their last digits", () => {
    for (let n = 97; n < 2000; n++) assert.lengthOf(Work.fibonacciDigits(n), 20)
  })
})

describe("the cost of work", () => {
  const works = fc.oneof(
    fc.integer({ min: 1000, max: 100_000 }).map(Work.fibonacci),
    fc.integer({ min: 10, max: 500 }).map(Work.spin)
  )

  it("is the same cut into slices, each of which takes its budget and at most a step more", () => {
    fc.assert(
      fc.property(works, fc.integer({ min: 1, max: 50 }), (work, budgetMs) => {
        const all = Work.stepsOf(work)
        let sum = 0
        for (let from = 0; from < all;) {
          const to = Work.stepAfter(work, from, budgetMs)
          assert.isAbove(to, from)
          const ms = Work.costOf(work, from, to)
          const stepMs = Work.costOf(work, to - 1, to)
          assert.isAtMost(ms, budgetMs + stepMs)
          if (to < all) assert.isAtLeast(ms, budgetMs - stepMs)
          sum += ms
          from = to
        }
        assert.closeTo(sum, Work.costOf(work), 1e-6)
      })
    )
  })
})
