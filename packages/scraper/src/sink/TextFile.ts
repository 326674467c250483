/** A file made of texts as they come: nothing is held of it but one of them. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { DirectoryUnusable } from "../RunError.ts"

/**
 * Writes texts to a file, over what is there, and gives its length and sha256 (hexadecimal). `sync`: its bytes are
 * durable then.
 */
export const write = Effect.fnUntraced(function* <E>(file: string, texts: Stream.Stream<string, E>, sync: boolean) {
  const unusable = DirectoryUnusable.of(file)
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(file, "w"), catch: unusable }),
    (handle) => Effect.promise(() => handle.close().catch(() => {}))
  )
  const digest = createHash("sha256")
  let bytes = 0
  yield* Stream.runForEach(texts, (text) =>
    Effect.tryPromise({
      try: async () => {
        const chunk = Buffer.from(text)
        digest.update(chunk)
        bytes += chunk.length
        await handle.writeFile(chunk)
      },
      catch: unusable
    })
  )
  if (sync) yield* Effect.tryPromise({ try: () => handle.sync(), catch: unusable })
  // what a network's disk or a quota had no room for may be told only here (close(2))
  yield* Effect.tryPromise({ try: () => handle.close(), catch: unusable })
  return { bytes, sha256: digest.digest("hex") }
}, Effect.scoped)
