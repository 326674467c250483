/**
 * What a program can tell the simulation that runs it. Outside of a simulation they do nothing, so they may stay.
 */
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
 * Runs an effect outside of the simulation: on the real clock, with promises and timers. Virtual time stands still
 * meanwhile. The run stays deterministic as far as the results are: all that is outside is awaited together, once
 * nothing else can go on, and comes back in the order in which it left.
 */
export const outside = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) => fiber.getRef(Current)?.leave(effect) ?? effect)
