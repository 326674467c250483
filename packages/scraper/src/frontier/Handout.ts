/**
 * Gives targets to the workers: one that finds none waits here, and no worker
 * gets another once the line is paused or at its end.
 */
import type { Next } from "@simul/core/Concurrently"
import { WaitReason } from "@simul/core/WaitReason"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { NothingLeft } from "../Control.ts"
import type { LineError } from "../List.ts"
import type { Admission } from "../Politeness.ts"
import type { RunClock } from "../RunClock.ts"

/** Who may hold a run: a disk without room, a proxy that does not answer, or whoever speaks to it. */
export type Pauser = "disk" | "proxy" | "somebody"

export interface HandoutOptions {
  readonly now: RunClock
  /** The next target that may be asked, if one may be asked now. */
  readonly take: () => Admission | undefined
  readonly isAtEnd: () => boolean
  /** When time alone may bring a target: milliseconds since the epoch. `isAwaited`: by workers. */
  readonly wakeMs: (isAwaited: boolean) => number
  /** Told whenever there may be something to bring. */
  readonly wakeFeeder: () => void
}

type Given = Effect.Effect<Admission, Cause.Done | LineError>

export const make = Effect.fnUntraced(function* (options: HandoutOptions) {
  const { now } = options
  const waiters = new Set<(given: Given) => void>()
  const pausedBy = new Set<Pauser>()
  /** The rules are being changed: they may let in more at any moment. */
  let isChanging = false
  let finished: Effect.Effect<never, Cause.Done | LineError> | undefined
  let timer: { readonly atMs: number; readonly handle: ReturnType<typeof setTimeout> } | undefined

  const poll = () => (pausedBy.size > 0 || finished !== undefined ? undefined : options.take())
  const giveNow = (): Given | undefined => {
    if (finished !== undefined) return finished
    const admission = poll()
    return admission === undefined ? undefined : Effect.succeed(admission)
  }
  const dispatch = () => {
    if (finished === undefined && !isChanging && options.isAtEnd()) finished = Cause.done()
    for (const waiter of waiters) {
      const given = giveNow()
      if (given === undefined) break
      waiters.delete(waiter)
      waiter(given)
    }
    arm()
    options.wakeFeeder()
  }
  /** Sets the one timer for whatever may happen next by time alone. */
  const arm = () => {
    const atMs = options.wakeMs(waiters.size > 0 && pausedBy.size === 0)
    if (timer !== undefined) {
      if (timer.atMs <= atMs) return
      clearTimeout(timer.handle)
      timer = undefined
    }
    if (atMs === Infinity || finished !== undefined) return
    const handle = setTimeout(
      () => {
        timer = undefined
        dispatch()
      },
      Math.min(Math.max(atMs - now(), 1), 2 ** 30)
    )
    timer = { atMs, handle }
  }
  yield* Effect.addFinalizer(() => Effect.sync(() => clearTimeout(timer?.handle)))

  const wait = Effect.callback<Admission, Cause.Done | LineError>((resume) => {
    // once more: a fiber may have had to let others go first since it looked
    const given = giveNow()
    if (given !== undefined) return resume(given)
    waiters.add(resume)
    arm()
    options.wakeFeeder()
    return Effect.sync(() => waiters.delete(resume))
  }).pipe(Effect.provideService(WaitReason, "a target"))
  const take: Next<Admission, LineError> = Effect.suspend(() => giveNow() ?? wait)

  return {
    /** Takes the next target that may be asked; waits for it. */
    take,
    /** The next target that may be asked, if one may be asked now. */
    poll,
    /** Something changed: gives what may be given by now. */
    dispatch,
    /** Ends the line. */
    fail: (cause: Cause.Cause<LineError>) => {
      finished = Effect.failCause(cause)
      dispatch()
    },
    isFinished: () => finished !== undefined,
    /** The line does not end before this change is done. One at a time; none where it has ended. */
    change: <A, E>(change: Effect.Effect<A, E>): Effect.Effect<A, E | NothingLeft> =>
      Effect.acquireUseRelease(
        Effect.suspend(() => {
          if (finished !== undefined) return Effect.fail(new NothingLeft())
          isChanging = true
          return Effect.void
        }),
        () => change,
        () =>
          Effect.sync(() => {
            isChanging = false
            dispatch()
          })
      ),
    /** Stops giving out targets, until all who paused it have it go on. */
    pause: (by: Pauser) => void pausedBy.add(by),
    /** Whether it was paused by them. */
    resume: (by: Pauser): boolean => {
      const wasPaused = pausedBy.delete(by)
      if (pausedBy.size === 0) dispatch()
      return wasPaused
    },
    isPausedBy: (by: Pauser): boolean => pausedBy.has(by)
  }
})
