/**
 * A race whose runners start one after the other: happy eyeballs, hedged requests.
 *
 * 1. The next effect starts when `delay` has passed since the former started, or at once when the former fails.
 * 2. The first success wins. The losers are interrupted, and the race ends when their clean-up has.
 * 3. When all have failed, so does the race, with all failures in one Cause, in order of arrival.
 * 4. Effects are pulled only when they start, so the iterable may be endless.
 *
 * Sources: RFC 8305 section 5 (Connection Attempt Delay); J. Dean and L. A. Barroso, "The tail at scale" (2013), for
 * hedging; asyncio.staggered.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Races effects with staggered starts. An infinite `delay` tries one after the other. Dies where there are none. */
export const raceStaggered = <A, E, R>(
  effects: Iterable<Effect.Effect<A, E, R>>,
  delay: Duration.Input
): Effect.Effect<A, E, R> =>
  Effect.withFiber((parent) => {
    const iterator = effects[Symbol.iterator]()
    /** It has ended or thrown: as by a loop, nothing is asked of it any more. */
    let isOver = false
    const running = new Set<Fiber.Fiber<A, E>>()
    const failures: Array<Cause.Reason<E>> = []
    let winner: { readonly value: A } | undefined
    let wake = () => {}
    const start = (effect: Effect.Effect<A, E, R>) => {
      const fiber = Effect.runForkWith(parent.context)(effect as Effect.Effect<A, E>)
      running.add(fiber)
      fiber.addObserver((exit) => {
        running.delete(fiber)
        if (exit._tag === "Failure") failures.push(...exit.cause.reasons)
        else winner ??= exit
        wake()
      })
      return fiber
    }
    const until = (condition: () => boolean) =>
      Effect.callback<void>((resume) => {
        wake = () => {
          if (condition()) resume(Effect.void)
        }
        wake()
      })
    const ended = Effect.suspend((): Effect.Effect<A, E> => {
      if (winner !== undefined) return Effect.succeed(winner.value)
      if (failures.length === 0) return Effect.die(new RangeError("raceStaggered needs at least one effect"))
      return Effect.failCause(Cause.fromReasons(failures))
    })
    const race: Effect.Effect<A, E> = Effect.suspend(() => {
      if (winner !== undefined) return ended
      isOver = true // it may throw
      const next = iterator.next()
      isOver = next.done === true
      if (next.done)
        return Effect.andThen(
          until(() => winner !== undefined || running.size === 0),
          ended
        )
      const former = start(next.value)
      const turn = until(() => winner !== undefined || !running.has(former))
      return Effect.andThen(Effect.timeoutOption(turn, delay), race)
    })
    return Effect.onExit(race, () => {
      if (!isOver) iterator.return?.()
      return Fiber.interruptAll(running)
    })
  })
