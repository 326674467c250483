/** Whether a saved file still is what was recorded of it. */
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { join } from "node:path"

export type Fault =
  | { readonly _tag: "Missing" }
  | { readonly _tag: "Length"; readonly found: number }
  | { readonly _tag: "Hash"; readonly found: string }

const chunkSize = 1 << 18

/** Reads the file below `directory` and compares length and sha256 (where one was recorded); `undefined` if all is well. */
export const recorded = (
  directory: string,
  path: string,
  expected: { readonly bytes: number; readonly sha256: string | undefined }
): Effect.Effect<Fault | undefined> =>
  Effect.promise(async () => {
    const handle = await open(join(directory, path), "r").catch(() => undefined)
    if (handle === undefined) return { _tag: "Missing" }
    try {
      const { size } = await handle.stat()
      if (size !== expected.bytes) return { _tag: "Length", found: size }
      if (expected.sha256 === undefined) return undefined
      const digest = createHash("sha256")
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, size + 1))
      for (;;) {
        const { bytesRead } = await handle.read(buffer, 0, buffer.length, null)
        if (bytesRead === 0) break
        digest.update(buffer.subarray(0, bytesRead))
      }
      const found = digest.digest("hex")
      return found === expected.sha256 ? undefined : { _tag: "Hash", found }
    } finally {
      await handle.close()
    }
  })
