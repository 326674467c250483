/**
 * A full disk is waited for: nothing more is asked for until there is room, and
 * what could not be written is tried again then.
 */
import * as Effect from "effect/Effect"
import type { Frontier } from "./Frontier.ts"
import type { Sink } from "./Sink.ts"

/** Room that must be free before a full disk is written to again. */
const reserve = 16 << 20

export const make = (frontier: Pick<Frontier, "pause" | "resume">, sink: Pick<Sink["Service"], "free">) => {
  let full: { free: number } | undefined
  return {
    /** Waits for room for so many bytes; where that is waited for already, a second. */
    wait: Effect.fnUntraced(function* (bytes: number) {
      if (full !== undefined) return yield* Effect.sleep("1 second")
      const needed = Math.max(bytes, reserve)
      frontier.pause("disk")
      full = { free: yield* sink.free }
      while (full.free < needed) {
        yield* Effect.sleep("1 second")
        full.free = yield* sink.free
      }
      full = undefined
      frontier.resume("disk")
    }),
    /** Bytes that are free, while it is full. */
    free: () => full?.free
  }
}

export type FullDisk = ReturnType<typeof make>
