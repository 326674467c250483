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
import { rename } from "node:fs/promises"
import { DirectoryUnusable } from "../RunError.ts"
import type { Capture } from "../Sink.ts"
import type { Store } from "../Store.ts"
import * as Cdxj from "../warc/Cdxj.ts"
import * as Files from "./Files.ts"
import * as TextFile from "./TextFile.ts"

export const name = "index.cdxj"

/** Writes the index to a file, a page of captures at a time; gives its length and sha256 (hexadecimal). */
export const write = <E>(file: string, captures: Stream.Stream<Capture, E>, sync: boolean) =>
  Effect.suspend(() => {
    const lines = new Cdxj.Lines()
    const last = Stream.suspend(() => Stream.succeed(lines.end()))
    const texts = Stream.concat(
      Stream.mapArray(captures, (some) => [lines.add(some)] as const),
      last
    )
    return TextFile.write(file, texts, sync)
  })

/** Brings the index of a directory up to date; does nothing where it is. `parts`: where it grows. */
export const renew = Effect.fnUntraced(function* (
  store: Pick<Store["Service"], "captures" | "indexed" | "index">,
  { directory, parts, durability }: { readonly directory: string; readonly parts: string; readonly durability: string }
) {
  const unusable = DirectoryUnusable.of(directory)
  const known = yield* store.indexed
  const file = `${directory}/${name}`
  const found = yield* Effect.try({ try: () => Files.node.look(file), catch: DirectoryUnusable.of(file, true) })
  if (known !== undefined && found?.size === known.bytes) return
  const isPower = durability === "power"
  const written = yield* write(`${parts}/${name}`, store.captures, isPower)
  // no archive, no index
  if (written.bytes === 0) return
  yield* Effect.tryPromise({ try: () => rename(`${parts}/${name}`, file), catch: unusable })
  if (isPower) yield* Effect.mapError(Files.node.syncDirectory(directory), unusable)
  yield* store.index(written)
})
