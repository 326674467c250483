import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import * as Fingerprint from "../../src/crawl/Fingerprint.ts"
import * as KnownUrls from "../../src/crawl/KnownUrls.ts"

const fine = Fingerprint.make([1, 2])
/** Four fingerprints for all texts. */
const coarse: Fingerprint.Of = (text) => ({ high: 0, low: fine(text).low & 3 })

/** A store with a unique index. */
const makeStore = () => {
  const rows = new Set<string>()
  const asked: Array<number> = []
  return {
    rows,
    asked,
    lookup: (keys: ReadonlyArray<string>) =>
      Effect.sync(() => {
        asked.push(keys.length)
        return new Set(keys.filter((key) => rows.has(key)))
      })
  }
}

describe("the known URLs", () => {
  it.effect("admit what is new, each once, in order", () =>
    Effect.gen(function* () {
      const { lookup, asked } = makeStore()
      const known = KnownUrls.make({ lookup, fingerprint: fine })
      assert.deepStrictEqual(yield* known.admit(["b", "a", "b"]), ["b", "a"])
      assert.deepStrictEqual(yield* known.admit(["a", "c", "b"]), ["c"])
      assert.deepStrictEqual(asked, [])
      assert.strictEqual(known.statistics().known, 3)
    })
  )

  it.effect("ask the store for those that were loaded and are not among the latest", () =>
    Effect.gen(function* () {
      const { rows, lookup, asked } = makeStore()
      const known = KnownUrls.make({ lookup, fingerprint: fine, batch: 2 })
      for (const key of ["a", "b", "c"]) {
        rows.add(key)
        known.load(key)
      }
      assert.deepStrictEqual(yield* known.admit(["a", "b", "c", "d"]), ["d"])
      assert.deepStrictEqual(asked, [2, 1])
      assert.deepStrictEqual(yield* known.admit(["a", "b", "c", "d"]), [])
      assert.deepStrictEqual(asked, [2, 1])
      assert.deepInclude(known.statistics(), { known: 4, lookups: 3, collisions: 0 })
    })
  )

  it.effect("lose no link to a collision", () =>
    Effect.gen(function* () {
      const { rows, lookup } = makeStore()
      const known = KnownUrls.make({ lookup, fingerprint: coarse, latest: 2 })
      for (let index = 0; index < 100; index++) {
        const admitted = yield* known.admit([`${index}`])
        assert.deepStrictEqual(admitted, [`${index}`])
        rows.add(`${index}`)
        assert.deepStrictEqual(yield* known.admit([`${index}`]), [])
      }
      assert.isAbove(known.statistics().collisions, 90)
    })
  )

  it.effect("give a store with a unique index every URL, once, whatever collides and whenever it commits", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.record({ keys: fc.array(fc.nat(40).map(String)), commits: fc.boolean() }), { maxLength: 40 }),
          fc.boolean(),
          async (pages, isCoarse) => {
            const { rows, lookup } = makeStore()
            const known = KnownUrls.make({ lookup, fingerprint: isCoarse ? coarse : fine, latest: 8, batch: 3 })
            let uncommitted: Array<string> = []
            for (const { keys, commits } of pages) {
              const admitted = await Effect.runPromise(known.admit(keys))
              // of what is committed nothing is admitted again
              for (const key of admitted) assert.isFalse(rows.has(key))
              uncommitted.push(...admitted)
              if (!commits) continue
              for (const key of uncommitted) rows.add(key)
              uncommitted = []
            }
            const all = new Set(pages.flatMap(({ keys }) => keys))
            assert.deepStrictEqual(new Set([...rows, ...uncommitted]), all)
          }
        )
      )
    )
  )
})
