/**
 * What comes before the line: a run goes on where earlier ones stopped, however
 * they ended.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { List } from "./List.ts"
import type { Sink } from "./Sink.ts"
import type { ListName, Place, Store } from "./Store.ts"

/**
 * Brings directory and store together. After a power loss, files that were not synced are believed only when their
 * bytes are right; parts that no run can continue are removed.
 */
export const mend = Effect.fnUntraced(function* (
  store: Store["Service"],
  sink: Sink["Service"],
  onCheck: (files: number, total: number) => void = () => {}
) {
  const damaged: Array<string> = []
  const total = yield* store.unsyncedCount
  let files = 0
  if (total > 0)
    yield* Stream.runForEach(store.unsynced, (saved) =>
      Effect.map(sink.isWhole(saved.target.saved?.record ?? saved.target.path, saved), (isWhole) => {
        if (!isWhole) {
          damaged.push(saved.target.url)
          sink.own(saved.target.path)
        }
        onCheck(++files, total)
      })
    )
  yield* store.trust(damaged)
  yield* sink.sweep(new Set(yield* store.partials))
})

/** A list that can be continued: what follows `place`, where an earlier run stopped in it. */
export interface Continued {
  readonly name: ListName
  readonly place: Place | undefined
  /** Its place before the first line, if it can be told from other lists by it. */
  readonly start: Omit<Place, "list" | "targets"> | undefined
  readonly isRefresh: boolean
  readonly next: List["next"]
  readonly read: () => number | undefined
}

/** The list of a run, with what earlier runs left undone of it. */
export const listOf = Effect.fnUntraced(function* (
  store: Store["Service"],
  run: number,
  { name, place, start, isRefresh, next, read }: Continued
) {
  const number = place?.list ?? (yield* store.newList)
  // a new list has nothing to go on with
  if (place !== undefined) yield* store.reopen(number)
  const { open: unfinished, invalid } = place === undefined ? { open: 0, invalid: 0 } : yield* store.count(number)
  const targets = place?.targets ?? 0
  return {
    number,
    name,
    run,
    // a refresh is known by it until its first lines are done
    place: place ?? (isRefresh && start !== undefined ? { list: number, targets: 0, ...start } : undefined),
    freshSince: yield* store.refresh(number, isRefresh),
    targets,
    invalid,
    skipped: Math.max(0, targets - unfinished),
    next,
    read
  } satisfies List
})
