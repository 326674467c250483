/**
 * What rules let in that were not those of before: what they had left out, and what the saved pages lead to. So a crawl
 * may be taken further, deeper or wider, and asks again for nothing that is there.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Store, StoreError } from "../Store.ts"
import type { Target } from "../Target.ts"
import type { Following } from "./Following.ts"

/** Where it goes: into the store, or into a line that works. */
interface Into {
  /** Makes what was left out pending again. */
  readonly readmit: (urls: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
  /** Adds what a saved page leads to; gives how many of that are new. `undefined`: it leads to more. */
  readonly admit: (page: Target | undefined, links: ReadonlyArray<Target>) => Effect.Effect<number, StoreError>
}

/** Gives how many targets there are anew. */
export const widen = Effect.fnUntraced(function* (
  store: Store["Service"],
  list: number,
  following: Following,
  { readmit, admit }: Into
) {
  let found = 0
  yield* Stream.runForEachArray(store.excluded(list), (targets) => {
    const inScope = targets.filter((target) => following.excludes(target) === undefined)
    found += inScope.length
    return readmit(inScope.map(({ url }) => url))
  })
  const take = (page: Target | undefined, links: ReadonlyArray<Target>) =>
    Effect.map(admit(page, links), (count) => void (found += count))
  yield* Stream.runForEach(store.saved(list), (page) =>
    Effect.flatMap(
      following.readAgain(page, (links) => take(undefined, links)),
      (links) => take(page.target, links)
    )
  )
  return found
})
