/**
 * A full disk is waited for: nothing more is asked for until there is room, and
 * what could not be written is tried again then.
 *
 * Where there is room and a quota is used up, nobody tells when that is over
 * but another try. Each asks again for what finds no room, so they come less and
 * less often.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Frontier } from "./Frontier.ts"
import type { Sink } from "./Sink.ts"

/** Room that must be free before a full disk is written to again. */
const reserve = 16 << 20
/** Between two tries that bytes say nothing about, at most. */
const longestMs = 60_000

export const make = (frontier: Pick<Frontier, "pause" | "resume">, sink: Pick<Sink["Service"], "free" | "size">) => {
  let full: { free: number; readonly needed: number } | undefined
  /** Such tries in a row, and when the last of them was. */
  let tries = 0
  let triedMs = -Infinity
  return {
    /** Whether so many bytes would fit if nothing else were there: what never will is not waited for. */
    mayHold: (bytes: number) => Effect.map(sink.size, (size) => bytes <= size),
    /** Waits for room for so many bytes; where that is waited for already, a second. */
    wait: Effect.fnUntraced(function* (bytes: number) {
      if (full !== undefined) return yield* Effect.sleep("1 second")
      const needed = Math.max(bytes, reserve)
      frontier.pause("disk")
      full = { free: yield* sink.free, needed }
      if (full.free >= needed) {
        tries = (yield* Clock.currentTimeMillis) - triedMs < longestMs ? tries + 1 : 0
        yield* Effect.sleep(Math.min(longestMs, 1000 * 2 ** tries))
        triedMs = yield* Clock.currentTimeMillis
        full.free = yield* sink.free
      }
      while (full.free < needed) {
        yield* Effect.sleep("1 second")
        full.free = yield* sink.free
      }
      full = undefined
      frontier.resume("disk")
    }),
    /** While it is full: bytes that are free, and that must be before it is written to again. */
    full: (): { readonly free: number; readonly needed: number } | undefined => full && { ...full }
  }
}

export type FullDisk = ReturnType<typeof make>
