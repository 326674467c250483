/**
 * CPU work in slices: a loop that lets others run when it has used its time.
 *
 * A fiber that computes without an operation of Effect holds the event loop until it ends; yielding after a number of
 * steps holds it too when steps become slow (the 100,000th Fibonacci number costs more to add than the 100th). Here a
 * slice is measured in time.
 *
 * 1. A slice ends when `budget` is used. The clock is read after every step while steps are dear and after up to 64
 *    while they are cheap, so that a slice exceeds its budget by about a sixteenth of it, or by one step.
 * 2. A step is never cut: one that takes longer than the budget holds the loop that long.
 * 3. Interruption comes in between two slices; the `finally` blocks of a generator run then.
 * 4. Time is the fiber's Clock. Under virtual time, which stands still while a loop runs, the work is one slice.
 *
 * Between slices other fibers run; use `TimeBudgetScheduler` to bound what all of them together hold the loop.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/**
 * - An iterable: each `next` is a step, what it yields is ignored, its return value is the result. A generator can be
 *   run once.
 * - A function that makes one, such as a generator function: can be run again.
 * - A function that takes a step and tells whether there is more to do.
 */
export type Work<A> = Iterable<unknown, A> | (() => Iterable<unknown, A>) | (() => boolean)

const most = 64

/**
 * Runs work in slices of `budget` (default 10 milliseconds) and yields between them. What a step throws is a defect.
 *
 * ```ts
 * const fibonacci = cooperate(function* () {
 *   let [a, b] = [0n, 1n]
 *   for (let i = 0; i < 300_000; i++, yield) [a, b] = [b, a + b]
 *   return a
 * })
 * ```
 */
export const cooperate: {
  <A>(
    work: Iterable<unknown, A> | (() => Iterable<unknown, A>),
    options?: { readonly budget?: Duration.Input }
  ): Effect.Effect<A>
  (step: () => boolean, options?: { readonly budget?: Duration.Input }): Effect.Effect<void>
} = (work: Work<unknown>, options?: { readonly budget?: Duration.Input }): Effect.Effect<any> =>
  Effect.withFiber((fiber) => {
    const budget = Duration.toMillis(options?.budget ?? "10 millis") * 1e6
    const clock = fiber.getRef(Clock.Clock)
    const now = () => Number(clock.monotonicTimeNanosUnsafe())
    let next: () => IteratorResult<unknown, unknown>
    let close = () => {}
    const open = () => {
      const begun = typeof work === "function" ? work() : work
      if (typeof begun === "boolean") {
        // that was the first step
        let more = begun
        const step = work as () => boolean
        next = () => {
          const done = !more
          if (!done) more = step()
          return { done, value: undefined }
        }
        return
      }
      const iterator = begun[Symbol.iterator]()
      next = () => iterator.next()
      close = () => void iterator.return?.()
    }
    let stride = 1
    const slice: Effect.Effect<unknown> = Effect.suspend(() => {
      const began = now()
      for (let last = began; ;) {
        for (let i = 0; i < stride; i++) {
          const result = next()
          if (!result.done) continue
          close = () => {}
          return Effect.succeed(result.value)
        }
        const time = now()
        if (time - last > budget / 16) stride = 1
        else if (time - last < budget / 64) stride = Math.min(most, stride * 2)
        if (time - began >= budget) return Effect.andThen(Effect.yieldNow, slice)
        last = time
      }
    })
    const whole = Effect.suspend(() => {
      open()
      return slice
    })
    return Effect.onExit(whole, () => Effect.sync(() => close()))
  })
