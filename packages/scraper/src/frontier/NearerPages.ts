/**
 * Saved pages of a crawl that turned out to be nearer to a seed: they are read
 * for links once more, where depth decides what is followed. So is what a list
 * has saved, wherever it is.
 */
import * as Effect from "effect/Effect"
import type { Following } from "../crawl/Following.ts"
import type { Found, Store } from "../Store.ts"
import type { Target } from "../Target.ts"

export interface NearerPagesOptions {
  readonly isBounded: () => boolean
  readonly readAgain: Following["readAgain"]
}

const atOnce = 100

export const make = (
  store: Pick<Store["Service"], "nearer" | "link">,
  list: number,
  options: NearerPagesOptions,
  found: (found: Found) => void
) => {
  /** How often it was told that there are some, and when last; 0 once there are none. A list may have saved a seed. */
  let told = 1
  let latest = 1
  const link = (page: Target | undefined, links: ReadonlyArray<Target>) =>
    Effect.map(store.link(list, page, links), found)
  return {
    /** The store has some. */
    tell: () => void (latest = ++told),
    areThere: () => latest > 0,
    /** Reads some of them. */
    read: Effect.fnUntraced(function* () {
      const before = told
      const pages = yield* store.nearer(list, atOnce, options.isBounded())
      // a commit may have brought some meanwhile
      if (pages.length === 0 && before === told) latest = 0
      for (const page of pages)
        yield* link(page.target, yield* options.readAgain(page, (links) => link(undefined, links)))
    })
  }
}
