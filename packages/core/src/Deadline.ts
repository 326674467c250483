/**
 * A point in time by which work must end, known to everything below it.
 *
 * A timeout bounds one call; a deadline is carried by the fiber, and a nested
 * one can only bring it forward.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** The deadline passed. `atMs`: milliseconds since the epoch. */
export class DeadlineExceeded extends Schema.TaggedError<DeadlineExceeded>()("DeadlineExceeded", {
  atMs: Schema.Finite
}) {
  override get message() {
    return `not done by ${new Date(this.atMs).toISOString()}`
  }
}

/** Milliseconds since the epoch; `Infinity` where no deadline is set. */
export const Deadline = Context.Reference<number>("@simul/core/Deadline", { defaultValue: () => Infinity })

/** Time left, never negative; infinite where no deadline is set. */
export const remaining: Effect.Effect<Duration.Duration> = Effect.gen(function* () {
  const at = yield* Deadline
  return at === Infinity ? Duration.infinity : Duration.millis(Math.max(0, at - (yield* Clock.currentTimeMillis)))
})

/** Runs an effect with a deadline `duration` from now, or the one in force if that is earlier. Interrupts it at that time. */
export const within =
  (duration: Duration.Input) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | DeadlineExceeded, R> =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const at = Math.min(yield* Deadline, now + Duration.toMillis(duration))
      if (at === Infinity) return yield* effect
      return yield* Effect.timeoutOrElse(Effect.provideService(effect, Deadline, at), {
        duration: Duration.millis(Math.max(0, at - now)),
        orElse: () => Effect.fail(new DeadlineExceeded({ atMs: at }))
      })
    })
