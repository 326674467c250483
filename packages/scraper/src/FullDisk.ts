/**
 * A full disk is waited for: nothing more is asked for until there is room, and
 * what could not be written is tried again then. A body for which there is no room
 * while there is for others, nor is any made, is not waited for: it fails, and they
 * go on. What is kept of it the next run goes on with.
 *
 * It goes on at once when so much is free that much can be written. Where there
 * is only enough for what could not be, or was enough and a quota is used up,
 * nobody tells whether it will do but another try. Each asks again for what finds
 * no room, so they come less and less often.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { Attempt } from "./Download.ts"
import type { Frontier } from "./Frontier.ts"
import type { Sink } from "./Sink.ts"

/** Room that, once it is made, is gone on with at once, where no more is needed. Most bodies have room in it. */
export const ample = 16 << 20
/** Between two tries, at most. */
const longestMs = 60_000
const lookMs = 1000
/** A body that could have enough after so many looks is waited for. */
const mostLooks = 60

type Unwritten = Pick<Extract<Attempt, { readonly _tag: "DiskFull" }>, "size" | "needed">

export const make = (frontier: Pick<Frontier, "pause" | "resume">, sink: Pick<Sink["Service"], "free" | "size">) => {
  let full: { free: number; readonly needed: number } | undefined
  /** Such tries in a row, and when the last of them was. */
  let tries = 0
  let triedMs = -Infinity
  return {
    /**
     * The room that there is, where a body is not to be waited for that needs so many bytes: it is larger than the disk, or
     * others have room. While somebody makes room, only its worker waits for it.
     */
    lacks: Effect.fnUntraced(function* ({ size = 0, needed }: Unwritten) {
      let free = yield* sink.free
      if (size > (yield* sink.size)) return { needed, free }
      while (needed > free && free >= ample) {
        const before = free
        yield* Effect.sleep(lookMs)
        free = yield* sink.free
        // it has a worker and a slot of its host meanwhile
        if ((free - before) * mostLooks < needed - free) return { needed, free }
        // what is made is worth a try
        tries = 0
      }
      return undefined
    }),
    /**
     * Waits for room for so many bytes, but no longer than until others have room: a body that still has none is alone
     * then. Where that is waited for already, a second.
     */
    wait: Effect.fnUntraced(function* (bytes: number) {
      if (full !== undefined) return yield* Effect.sleep(lookMs)
      const needed = Math.min(Math.max(bytes, 1), ample)
      frontier.pause("disk")
      full = { free: yield* sink.free, needed }
      const startedMs = yield* Clock.currentTimeMillis
      if (startedMs - triedMs >= longestMs) tries = 0
      const tryMs = startedMs + Math.min(longestMs, lookMs * 2 ** tries)
      const wasEnough = full.free >= ample
      while (true) {
        yield* Effect.sleep(lookMs)
        full.free = yield* sink.free
        if (full.free < needed) continue
        if (full.free >= ample && !wasEnough) break
        const nowMs = yield* Clock.currentTimeMillis
        if (nowMs < tryMs) continue
        tries++
        triedMs = nowMs
        break
      }
      full = undefined
      frontier.resume("disk")
    }),
    /** While it is full: bytes that are free, and that must be before it is written to again. */
    full: (): { readonly free: number; readonly needed: number } | undefined => full && { ...full }
  }
}

export type FullDisk = ReturnType<typeof make>
