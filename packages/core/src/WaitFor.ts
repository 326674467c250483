/**
 * Waits for some of several fibers and leaves the others running.
 *
 * `Fiber.awaitAll` waits for all and races interrupt the losers; this only looks:
 *
 * 1. It interrupts no fiber, whether it ends, is interrupted itself or runs out of time.
 * 2. Every fiber is in `done` or in `pending`, in the order given.
 *
 * Source: asyncio.wait.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"

/**
 * What to wait for. `"first failed"`: a fiber that failed or died, or all of them where none does; a fiber that was
 * only interrupted has not failed.
 */
export type When = "first completed" | "first failed" | "all"

/** The fibers that have ended and those that have not, together all that were waited for. */
export interface Waited<out A, out E> {
  readonly done: ReadonlyArray<Fiber.Fiber<A, E>>
  readonly pending: ReadonlyArray<Fiber.Fiber<A, E>>
}

const hasFailed = (exit: Exit.Exit<unknown, unknown>) =>
  exit._tag === "Failure" && exit.cause.reasons.some((reason) => reason._tag !== "Interrupt")

/**
 * Waits for `when`, but no longer than `timeout`, and tells which fibers have ended by then. Returns at once where it
 * holds already, and where there are no fibers. `Fiber.join` of a fiber that is done does not wait.
 */
export const waitFor = <A, E>(
  fibers: Iterable<Fiber.Fiber<A, E>>,
  when: When,
  options?: { readonly timeout?: Duration.Input }
): Effect.Effect<Waited<A, E>> =>
  Effect.suspend(() => {
    const all = [...fibers]
    const look = Effect.sync(() => ({
      done: all.filter((fiber) => fiber.pollUnsafe() !== undefined),
      pending: all.filter((fiber) => fiber.pollUnsafe() === undefined)
    }))
    const reached = Effect.callback<void>((resume) => {
      let left = all.length
      const stop = () => {
        for (const remove of removals) remove()
      }
      const ended = (exit: Exit.Exit<A, E>) => {
        left--
        if (left > 0 && when !== "first completed" && !(when === "first failed" && hasFailed(exit))) return
        stop()
        resume(Effect.void)
      }
      const removals: Array<() => void> = []
      if (all.length === 0) resume(Effect.void)
      // an observer of a fiber that has ended is called at once
      for (const fiber of all) removals.push(fiber.addObserver(ended))
      return Effect.sync(stop)
    })
    const waited = options?.timeout === undefined ? reached : Effect.timeoutOption(reached, options.timeout)
    return Effect.andThen(waited, look)
  })
