import { afterAll, assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { execFileSync } from "node:child_process"
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as TemporaryFolder from "../src/TemporaryFolder.ts"

/** What is mounted cannot be removed, not even by root, who alone may mount. */
const mounted = (() => {
  const folder = mkdtempSync(join(tmpdir(), "simul-mounted-"))
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder], { stdio: "ignore" })
    execFileSync("umount", [folder])
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
})()

describe("TemporaryFolder", () => {
  let made: string | undefined
  afterAll(() => {
    if (made === undefined) return
    execFileSync("umount", [made])
    rmSync(made, { recursive: true })
  })
  it.live.skipIf(!mounted)("ends well though it cannot be removed", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.map(TemporaryFolder.make, (folder) => {
          execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder])
          made = folder
        })
      )
      assert.isTrue(existsSync(made!))
    })
  )
})
