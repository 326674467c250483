import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { join } from "node:path"
import * as Recorded from "../../src/sink/Recorded.ts"
import * as Folders from "../Folders.ts"

const { folder } = Folders.make("recorded")

describe("what was recorded", () => {
  it.effect("is missing, with the reason where something is there that cannot be read", () =>
    Effect.gen(function* () {
      const directory = folder()
      fs.mkdirSync(join(directory, "folder"), { recursive: true })
      const { size } = fs.statSync(join(directory, "folder"))
      fs.symlinkSync("circle", join(directory, "circle"))
      const faultAt = (path: string) => Recorded.recorded(directory, path, { bytes: size, sha256: "0" })
      assert.deepStrictEqual(yield* faultAt("none"), { _tag: "Missing" })
      assert.deepStrictEqual(yield* faultAt("circle/a"), { _tag: "Missing", code: "ELOOP" })
      assert.deepStrictEqual(yield* faultAt("folder"), { _tag: "Missing", code: "EISDIR" })
    })
  )
})
