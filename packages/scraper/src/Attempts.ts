/**
 * How a worker carries targets from their first byte to their end: a part is
 * gone on with, and what calls for nothing but a download follows at once.
 */
import { WaitReason } from "@simul/core/WaitReason"
import * as Effect from "effect/Effect"
import type { Conclusion } from "./Conclusion.ts"
import type * as Download from "./Download.ts"
import type { Frontier } from "./Frontier.ts"
import type { Gate } from "./Gate.ts"
import type { LineError } from "./List.ts"
import type { Admission } from "./Politeness.ts"
import { ample } from "./FullDisk.ts"
import type { Part, Sink } from "./Sink.ts"
import { type Target, withPartial } from "./Target.ts"
import type { Transfers } from "./Transfers.ts"

export const make = ({
  frontier,
  gate,
  transfers,
  sink,
  conclusion
}: {
  readonly frontier: Pick<Frontier, "poll">
  readonly gate: Pick<Gate, "isOpen" | "carry" | "again">
  readonly transfers: Pick<Transfers, "start" | "giveUp">
  readonly sink: Pick<Sink["Service"], "reopen" | "free" | "forget">
  readonly conclusion: Pick<Conclusion, "conclude" | "down">
}) => {
  const attempt = (target: Target, part?: Part) =>
    Effect.callback<Download.Attempt>((resume) => {
      const started = transfers.start(target, part, (ended) => resume(Effect.succeed(ended)))
      return Effect.sync(() => transfers.giveUp(started))
    }).pipe(Effect.provideService(WaitReason, "a transfer"))
  /** The part that there was is of no use, and may be there: of one that cannot be read nobody would hear any more. */
  const anew = (target: Target) => {
    sink.forget(target.url)
    return attempt(withPartial(target, undefined))
  }
  const goOn = (target: Target, part: Part) =>
    Effect.flatMap(sink.free, (free): Effect.Effect<Download.Attempt> => {
      const { partial } = target
      const size = partial?.total ?? 0
      const needed = size - part.bytes
      // what the disk cannot hold should not fill it first
      if (needed <= ample || needed <= free) return attempt(target, part)
      if (!part.keep()) return anew(target)
      return Effect.succeed({ _tag: "DiskFull", size, needed, ...(partial && { partial }), said: "unasked" })
    })

  /**
   * Downloads a target, and then what is next for as long as nothing but a download is called for: to put a fiber to
   * sleep and wake it for each target costs more than all else that the line does. Gives what its worker is to do then.
   */
  const chain = (first: Target) =>
    Effect.callback<Effect.Effect<void, LineError>>((resume) => {
      let current: Download.Download
      const begin = (target: Target) => {
        const startedMs = performance.now()
        current = transfers.start(target, undefined, (ended) => {
          try {
            const rest = conclusion.conclude(target, startedMs, ended)
            if (rest !== undefined) return resume(Effect.succeed(rest))
            const next = frontier.poll()
            if (next === undefined) resume(Effect.succeed(Effect.void))
            else if (gate.isOpen(next)) begin(next.target)
            else resume(Effect.succeed(gate.carry(next)))
          } catch (bug) {
            resume(Effect.die(bug))
          }
        })
      }
      begin(first)
      return Effect.sync(() => transfers.giveUp(current))
    }).pipe(Effect.provideService(WaitReason, "a transfer"))

  /** Asks for a target that may be asked for, and for what is next; ends when each that it asked for has ended. */
  const visit = ({ target, down }: Admission): Effect.Effect<void, LineError> => {
    const startedMs = performance.now()
    if (down !== undefined) return conclusion.down(target, startedMs, down) ?? Effect.void
    if (target.partial === undefined) return Effect.flatten(chain(target))
    const concluded = (ended: Download.Attempt) => conclusion.conclude(target, startedMs, ended) ?? Effect.void
    return sink.reopen(target).pipe(
      Effect.matchEffect({
        onFailure: () => anew(target),
        onSuccess: (part) => (part === undefined ? anew(target) : goOn(target, part))
      }),
      Effect.flatMap((ended) => {
        if (ended._tag !== "Failed" || ended.restart !== true) return concluded(ended)
        const fresh = { ...target, spentMs: (target.spentMs ?? 0) + performance.now() - startedMs }
        return gate.again(withPartial(fresh, undefined)) ? Effect.flatMap(anew(fresh), concluded) : Effect.void
      })
    )
  }

  return { visit }
}

export type Attempts = ReturnType<typeof make>
