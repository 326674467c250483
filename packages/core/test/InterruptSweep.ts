/** Interrupts a fiber before each single operation of a program, its own and those of other fibers, in a fresh world each. */
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import { World } from "./Simulated.ts"

/** Marks the effect whose fiber is to be interrupted; it runs in the fiber of the caller. */
export type Victim = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/**
 * Runs `program` once for each operation from where its victim begins, and gives the number of operations. `judge` gets
 * the exit of each run and whether the victim was still running when it was interrupted, and throws what it finds wrong;
 * the message then names the operation.
 */
export const sweep = <A, E>(
  program: (victim: Victim) => Effect.Effect<A, E>,
  judge: (exit: Exit.Exit<A, E>, interrupted: boolean) => void,
  make: () => World = () => new World()
): number => {
  for (let operation = 1; ; operation++) {
    const world = make()
    let target: Fiber.Fiber<any, any> | undefined
    let operations = 0
    let halted = false
    let interrupted = false
    world.halt = () => {
      if (target === undefined || halted || ++operations !== operation) return false
      halted = true
      // while that fiber is halted, before anyone else runs
      world.scheduleFirst(() => {
        interrupted = target!.pollUnsafe() === undefined
        target!.interruptUnsafe()
      })
      return true
    }
    const victim: Victim = (effect) =>
      Effect.withFiber((fiber) => {
        target = fiber
        return effect
      })
    try {
      judge(world.run(program(victim)), interrupted)
    } catch (error) {
      throw new Error(`interrupted before operation ${operation}: ${String(error)}`, { cause: error })
    }
    if (!halted) return operation - 1
    if (operation > 10_000) throw new Error("the victim has more than 10,000 operations")
  }
}
