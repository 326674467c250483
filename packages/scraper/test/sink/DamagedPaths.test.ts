import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as DamagedPaths from "../../src/sink/DamagedPaths.ts"

describe("DamagedPaths", () => {
  it.effect("are a set", () =>
    Effect.gen(function* () {
      const { paths, add } = yield* DamagedPaths.make
      assert.deepStrictEqual([...paths], [])
      for (const path of ["h/b.html", "a", "h/b.html", "h/B.html"]) yield* add(path)
      assert.strictEqual([...paths].length, 3)
      assert.sameMembers([...paths], ["a", "h/b.html", "h/B.html"])
      assert.isTrue(paths.has("h/B.html"))
      assert.isFalse(paths.has("h/c.html"))
    }).pipe(Effect.scoped)
  )
})
