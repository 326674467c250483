/** Pages of archives that lack what another record may have: they are held back until all records were read. */
import type * as SavedPages from "@simul/scraper/sink/SavedPages"
import * as Result from "effect/Result"

/** What a record lacks, and another one may have. */
const lackOf = ({ body }: SavedPages.SavedPage) =>
  Result.isFailure(body) && (body.failure._tag === "CutRecord" || body.failure._tag === "Revisit")
    ? body.failure
    : undefined

/** Nothing yet; at most so many pages. */
export const make = (most: number) => {
  const cut = new Map<string | undefined, SavedPages.SavedPage>()
  /** By what they refer to, then by URL. */
  const revisits = new Map<string, Map<string | undefined, SavedPages.SavedPage>>()
  let count = 0
  return {
    cut,
    revisits,
    /** Whether the page is held back. */
    take: (page: SavedPages.SavedPage): boolean => {
      const { url } = page
      const lack = lackOf(page)
      if (lack === undefined) cut.delete(url)
      else if (lack._tag === "CutRecord") {
        if (cut.has(url) || cut.size + count < most) cut.set(url, page)
        return cut.has(url)
      } else if (revisits.get(lack.payload)?.has(url) === true) return true
      else if (cut.size + count < most) {
        count += 1
        const others = revisits.get(lack.payload)
        if (others === undefined) revisits.set(lack.payload, new Map([[url, page]]))
        else others.set(url, page)
        return true
      }
      return false
    },
    /** Those that have their body by this page, which is met again, but for what is the same page. */
    release: (page: SavedPages.SavedPage): ReadonlyArray<SavedPages.SavedPage> => {
      if (lackOf(page) !== undefined) return []
      const { url, contentType, body, payload = [] } = page
      const same = payload.flatMap((key) => [...(revisits.get(key)?.values() ?? [])])
      for (const key of payload) revisits.delete(key)
      for (const whole of [page, ...same]) cut.delete(whole.url)
      return same.flatMap((revisit) => (revisit.url === url ? [] : [{ ...revisit, contentType, body }]))
    },
    /** What is nowhere whole; of what nobody called a page nothing is known. */
    rest: (): ReadonlyArray<SavedPages.SavedPage> => [
      ...cut.values(),
      ...[...revisits.values()].flatMap((some) =>
        [...some.values()].filter(({ contentType }) => contentType !== undefined)
      )
    ]
  }
}
