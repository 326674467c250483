/**
 * What other rules do to the queue of a running crawl: some of it ends, and what
 * they let in is queued.
 */
import * as Effect from "effect/Effect"
import type { Committer } from "../Committer.ts"
import type { Conclusion } from "../Conclusion.ts"
import type { Frontier } from "../Frontier.ts"
import type { Politeness } from "../Politeness.ts"
import type { Limits, Store, StoreError } from "../Store.ts"
import type { Target } from "../Target.ts"
import type { Following } from "./Following.ts"

export interface Requeue {
  /** Ends what is queued and what the rules leave out now; gives how many targets that were. */
  readonly withdraw: Effect.Effect<number, StoreError>
  /** Takes in what a saved page leads to; gives how many of that are new. `undefined`: it leads to more. */
  readonly admit: (page: Target | undefined, links: ReadonlyArray<Target>) => Effect.Effect<number, StoreError>
  /** Takes what was left out in again. */
  readonly readmit: (urls: ReadonlyArray<string>) => Effect.Effect<void, StoreError>
  /** Takes what is queued back to the store, to be leased in the order that it has there now. */
  readonly putBack: Effect.Effect<void, StoreError>
  /** Saves so many targets of the crawl, at most; what is under way counts, but is not stopped. */
  readonly limit: (limits: Limits) => void
}

interface Stages {
  readonly store: Pick<Store["Service"], "withdraw" | "link" | "readmit">
  readonly politeness: Pick<Politeness, "withdraw">
  readonly frontier: Pick<Frontier, "leave" | "retried" | "found" | "limit">
  readonly committer: Pick<Committer, "room" | "flush">
  readonly conclusion: Pick<Conclusion, "leaveOut" | "park">
}

/** @param excludes by the rules of now */
export const make = (
  list: number,
  excludes: Following["excludes"],
  { store, politeness, frontier, committer, conclusion }: Stages
): Requeue => {
  const withdraw = Effect.gen(function* () {
    let left = 0
    for (const target of politeness.withdraw((target) => excludes(target) !== undefined)) {
      frontier.leave(target)
      conclusion.leaveOut(target, excludes(target)!)
      left++
    }
    let after: number | undefined = 0
    while (after !== undefined) {
      const page: Effect.Success<ReturnType<typeof store.withdraw>> = yield* store.withdraw(
        list,
        after,
        (target) => excludes(target) !== undefined
      )
      frontier.retried(page.targets)
      for (const target of page.targets) conclusion.leaveOut(target, excludes(target)!)
      left += page.targets.length
      after = page.next
      yield* committer.room() ?? Effect.void
    }
    yield* committer.flush
    return left
  })
  const admit = Effect.fnUntraced(function* (page: Target | undefined, links: ReadonlyArray<Target>) {
    const found = yield* store.link(list, page, links)
    frontier.found(found, 0)
    return found.added
  })
  const readmit = Effect.fnUntraced(function* (urls: ReadonlyArray<string>) {
    yield* store.readmit(list, urls)
    frontier.found({ added: urls.length, isNearer: false }, 0)
  })
  const unqueue = () => {
    // what a redirect led elsewhere was asked for
    for (const target of politeness.withdraw(({ hop }) => hop === undefined)) conclusion.park(target, 0)
  }
  const putBack = Effect.andThen(Effect.sync(unqueue), committer.flush)
  const limit = ({ maxPages = Infinity, maxPagesPerHost = Infinity }: Limits) => {
    // those that are queued were leased by another limit
    if (maxPagesPerHost < Infinity) unqueue()
    frontier.limit(maxPages, maxPagesPerHost)
  }
  return { withdraw, admit, readmit, putBack, limit }
}
