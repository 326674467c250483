/**
 * Which file a target gets. Below `host/path/name` that is a pure function of
 * the URL (`sink/FileName.ts`), and of the name that a server suggests, which
 * gets a hash there. Flat names are claimed: the first URL of the list to ask
 * for one owns it, and the store remembers, so that a resumed run names files as
 * an undisturbed one. Where a file of the user's lies under it when the body
 * comes, that gets the name with the hash.
 */
import * as Effect from "effect/Effect"
import type { Options } from "./Options.ts"
import * as FileName from "./sink/FileName.ts"
import type { Sink } from "./Sink.ts"
import type { Store, StoreError } from "./Store.ts"
import { type Target, withPath } from "./Target.ts"

export interface Naming {
  /** `claim` gives `FileName.fromUrl`. */
  readonly isByUrl: boolean
  /** The paths of these URLs, in their order. */
  readonly claim: (urls: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>, StoreError>
  /** The path of a target for which the server suggested a name. */
  readonly suggest: (target: Target, name: string) => Effect.Effect<string, StoreError>
  /** The target as it is to be placed: beside what lies at its path, where that is a file of the user's. */
  readonly beside: (target: Target) => Target
}

/** Claims that are not in the store yet are kept in memory, up to this many before a look at which are. */
const mostClaims = 16_384

const folderOf = (path: string) => path.slice(0, path.lastIndexOf("/") + 1)

/** `isActive`: whether the store may not know of a URL yet. */
export const make = (
  naming: Options["naming"],
  store: Pick<Store["Service"], "owners">,
  sink: Pick<Sink["Service"], "isForeign">,
  isActive: (url: string) => boolean
): Naming => {
  const claims = new Map<string, string>()

  /** The first name that is free or the URL's own; the last one is always its own. */
  const settle = Effect.fnUntraced(function* (
    wishes: ReadonlyArray<{ readonly url: string; readonly names: readonly [string, string] }>
  ) {
    const owners = yield* store.owners(wishes.map(({ names }) => FileName.fold(names[0])))
    if (claims.size > mostClaims) for (const [key, url] of claims) if (!isActive(url)) claims.delete(key)
    return wishes.map(({ url, names }) => {
      const key = FileName.fold(names[0])
      if ((claims.get(key) ?? owners.get(key) ?? url) !== url) return names[1]
      claims.set(key, url)
      return names[0]
    })
  })

  return {
    isByUrl: naming === "tree",
    claim:
      naming === "tree"
        ? (urls) => Effect.succeed(urls.map(FileName.fromUrl))
        : naming === "flat"
          ? (urls) =>
              settle(
                urls.map((url) => {
                  const { plain, unique } = FileName.flat(url)
                  return { url, names: [plain, unique] }
                })
              )
          : (urls) => Effect.succeed(urls.map(() => naming.file)),

    suggest: (target, name) => {
      const safe = FileName.fromServer(name)
      if (safe === undefined) return Effect.succeed(target.path)
      const folder = folderOf(target.path)
      const names = [`${folder}${safe}`, `${folder}${FileName.withHash(safe, target.url)}`] as const
      // in the tree a name without a hash is one URL's, asked for or not: nobody may claim it
      if (naming === "tree") return Effect.succeed(FileName.fromUrl(target.url) === names[0] ? names[0] : names[1])
      return Effect.map(settle([{ url: target.url, names }]), ([path]) => path!)
    },

    beside: (target) => {
      const { url, path, saved } = target
      if (naming !== "flat" || saved !== undefined || FileName.isHashed(path) || !sink.isForeign(path)) return target
      if (path === FileName.fromUrl(url)) return target
      const folder = folderOf(path)
      return withPath(target, `${folder}${FileName.withHash(path.slice(folder.length), url)}`)
    }
  }
}
