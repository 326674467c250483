/**
 * What a program can tell the simulation that runs it. Outside of a simulation they do nothing, so they may stay.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Control from "./Control.ts"
import { Current } from "./World.ts"

/**
 * Says that a synchronous operation of a simulated service begins, such as a write: it counts like an operation of a
 * fiber, and `sweepCrashes` may crash the program before it. Then it throws, as does each one after it, so that what
 * still unwinds changes nothing any more.
 */
export const operation = (): void => Control.operation()

/** Marks the fiber that runs `effect` as the one that `sweepInterrupts` interrupts. The first mark of a run counts. */
export const victim = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => {
    fiber.getRef(Current)?.setVictim(fiber)
    return effect
  })

/**
 * From here on `holds` must be true whenever a fiber lets go of the processor: at each wait, yield and pre-emption.
 * A broken one ends the run with `InvariantBroken`.
 */
export const always = (name: string, holds: () => boolean): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    fiber.getRef(Current)?.addInvariant(name, holds)
    return Effect.void
  })

/**
 * Sets the wall's clock on by so many milliseconds, or back where they are negative, as an administrator or NTP does:
 * `Clock.currentTimeMillis` jumps, with `Date.now` where the process is simulated too. Monotonic time, sleeps and timers
 * go on as if nothing had happened. A crash of a sweep keeps the clock as it is.
 */
export const shiftClock = (byMs: number): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    fiber.getRef(Current)?.shiftClock(byMs)
    return Effect.void
  })

/**
 * Runs an effect as on a machine whose wall clock is wrong: where the right one says `ms`, it reads `reads(ms)`. So
 * `(ms) => ms + 500` is ahead, and `(ms) => ms * 1.01` is fast. It sleeps as long as it means to, and monotonic time is
 * right. The wall's clock is that of `Clock`: a simulated `Date.now` is one for all.
 */
export const skewed = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  reads: (ms: number) => number
): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(Current) === undefined
      ? effect
      : Effect.updateService(effect, Clock.Clock, (clock): Clock.Clock => {
          const millis = () => reads(clock.currentTimeMillisUnsafe())
          const nanos = () => BigInt(Math.round(millis() * 1e6))
          return {
            currentTimeMillisUnsafe: millis,
            currentTimeMillis: Effect.sync(millis),
            currentTimeNanosUnsafe: nanos,
            currentTimeNanos: Effect.sync(nanos),
            monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
            monotonicTimeNanos: clock.monotonicTimeNanos,
            sleep: (duration) => clock.sleep(duration)
          }
        })
  )

/**
 * Runs an effect outside of the simulation: on the real clock, with promises and timers. Virtual time stands still
 * meanwhile. The run stays deterministic as far as the results are: all that is outside is awaited together, once
 * nothing else can go on, and comes back in the order in which it left.
 */
export const outside = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => fiber.getRef(Current)?.leave(effect) ?? effect)
