import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Naming from "../src/Naming.ts"
import * as FileName from "../src/sink/FileName.ts"
import type { Target } from "../src/Target.ts"

const url = "http://h/a/Report.csv"
const target: Target = { url, host: "http://h", path: "Report.csv", attempts: 0 }
const saved = { bytes: 7 }
const { unique } = FileName.flat(url)

/** In a directory where files of the user's lie at every path. */
const of = (naming: "tree" | "flat") =>
  Naming.make(naming, { owners: () => Effect.succeed(new Map()) }, { isForeign: () => true }, () => false)

describe("Naming", () => {
  it.effect("gives no two URLs a flat name that a file system which folds case takes for one", () =>
    Effect.gen(function* () {
      // ext4 with casefold takes each two for one, though neither is the other in lower case
      const alike = ["straße", "STRASSE", "σ", "ς", "s", "ſ"]
      const names = yield* of("flat").claim(alike.map((name) => `http://h/${encodeURIComponent(name)}`))
      assert.deepStrictEqual(names.map(FileName.isHashed), [false, true, false, true, false, true])
    })
  )

  it("places beside a file of the user's what has no place of its own yet", () => {
    const { beside } = of("flat")
    assert.deepStrictEqual(beside(target), { ...target, path: unique, isNamedByUrl: false })
    assert.deepStrictEqual(beside({ ...target, path: "h/Report.csv" }).path, `h/${unique}`)
    for (const placed of [
      { ...target, saved },
      { ...target, path: unique },
      { ...target, path: FileName.fromUrl(url) }
    ])
      assert.strictEqual(beside(placed), placed)
    assert.strictEqual(of("tree").beside(target), target)
  })
})
