/**
 * The index of the archives in a directory, `index.cdxj`: where the record of
 * each answer is, sorted by URL and date.
 *
 * It is written aside and put in place by a rename. Until the store has heard of
 * that it is out of date, so a run that was killed meanwhile is followed by one
 * that writes it again. So is one that finds it gone, or with another length.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { lstatSync } from "node:fs"
import { open, rename } from "node:fs/promises"
import { DirectoryUnusable } from "../RunError.ts"
import type { Capture } from "../Sink.ts"
import type { Store } from "../Store.ts"
import * as Cdxj from "../warc/Cdxj.ts"

export const name = "index.cdxj"

/** Writes the index to a file, a page of captures at a time; gives its length and sha256 (hexadecimal). */
export const write = Effect.fnUntraced(function* <E>(file: string, captures: Stream.Stream<Capture, E>, sync: boolean) {
  const unusable = (error: unknown) =>
    new DirectoryUnusable({ directory: file, code: (error as NodeJS.ErrnoException).code ?? "EIO" })
  const handle = yield* Effect.acquireRelease(
    Effect.tryPromise({ try: () => open(file, "w"), catch: unusable }),
    (handle) => Effect.promise(() => handle.close())
  )
  const lines = new Cdxj.Lines()
  const digest = createHash("sha256")
  let bytes = 0
  const put = (text: string) =>
    Effect.tryPromise({
      try: async () => {
        const chunk = Buffer.from(text)
        digest.update(chunk)
        bytes += chunk.length
        await handle.writeFile(chunk)
      },
      catch: unusable
    })
  yield* Stream.runForEachArray(captures, (some) => put(lines.add(some)))
  yield* put(lines.end())
  if (sync) yield* Effect.tryPromise({ try: () => handle.sync(), catch: unusable })
  return { bytes, sha256: digest.digest("hex") }
}, Effect.scoped)

/** Brings the index of a directory up to date; does nothing where it is. `parts`: where it grows. */
export const renew = Effect.fnUntraced(function* (
  store: Pick<Store["Service"], "captures" | "indexed" | "index">,
  { directory, parts, durability }: { readonly directory: string; readonly parts: string; readonly durability: string }
) {
  const known = yield* store.indexed
  if (known !== undefined && lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })?.size === known.bytes) return
  const isPower = durability === "power"
  const written = yield* write(`${parts}/${name}`, store.captures, isPower)
  // no archive, no index
  if (written.bytes === 0) return
  yield* Effect.tryPromise({
    try: async () => {
      await rename(`${parts}/${name}`, `${directory}/${name}`)
      if (!isPower) return
      const handle = await open(directory, "r")
      await handle.sync().finally(() => handle.close())
    },
    catch: (error) => new DirectoryUnusable({ directory, code: (error as NodeJS.ErrnoException).code ?? "EIO" })
  })
  yield* store.index(written)
})
