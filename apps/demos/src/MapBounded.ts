/**
 * `mapBounded` drawn: work of different lengths out of an endless list, three
 * pieces at a time. A row is a piece of work, a column `unitMs` of time. Each
 * row begins where an earlier one ends, and the list is never read ahead.
 */
import { mapBounded } from "@simul/core/Concurrently"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

const unitMs = 50
const concurrency = 3
const lengths = [4, 2, 6, 3, 1, 5, 2, 3]

function* naturals() {
  for (let number = 0; ; number++) yield number
}

/** Works through the first eight numbers in 0.5 seconds; gives the drawing, a line a row. */
export const drawing: Effect.Effect<ReadonlyArray<string>> = Effect.gen(function* () {
  const startedMs = yield* Clock.currentTimeMillis
  const unit = Effect.map(Clock.currentTimeMillis, (now) => Math.round((now - startedMs) / unitMs))
  const rows: Array<string> = []
  let pulled = 0

  const work = Effect.fnUntraced(function* (number: number) {
    pulled++
    const begin = yield* unit
    yield* Effect.sleep(unitMs * lengths[number % lengths.length]!)
    rows[number] = `${number} ${" ".repeat(begin)}${"#".repeat((yield* unit) - begin)}`
  })
  yield* mapBounded(naturals(), work, { concurrency }).pipe(Stream.take(lengths.length), Stream.runDrain)
  return [...rows.slice(0, lengths.length), `${pulled} pulled, ${lengths.length} taken, ${concurrency} at a time`]
})
