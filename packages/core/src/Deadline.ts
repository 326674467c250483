/**
 * A point in time by which work must end, known to everything below it.
 *
 * A timeout bounds one call; a deadline is carried by the fiber, and a nested
 * one can only bring it forward.
 *
 * 1. Nothing begins after its deadline.
 * 2. `DeadlineExceeded` comes after the work has been interrupted and has
 *    cleaned up; what fails meanwhile is kept beside it.
 * 3. An interruption from outside stays one.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
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

/** Made when it is needed: an error costs more than all the rest of a deadline that is kept. */
const exceeded = <E>(at: number, cleanUp: ReadonlyArray<Cause.Reason<E>>) =>
  Effect.failCause(
    Cause.fromReasons<E | DeadlineExceeded>([Cause.makeFailReason(new DeadlineExceeded({ atMs: at })), ...cleanUp])
  )

const until = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  at: number,
  now: number
): Effect.Effect<A, E | DeadlineExceeded, R> => {
  if (at <= now) return exceeded<E>(at, [])
  const known = Effect.provideService(effect, Deadline, at)
  if (at === Infinity) return known
  let cleanUp: ReadonlyArray<Cause.Reason<E>> = []
  const watched = Effect.onExit(known, (exit) => {
    if (exit._tag === "Failure") cleanUp = exit.cause.reasons.filter((reason) => reason._tag !== "Interrupt")
    return Effect.void
  })
  // when that is over, the work and its clean-up have ended
  return Effect.timeoutOrElse(watched, { duration: at - now, orElse: () => exceeded(at, cleanUp) })
}

/** Bounds an effect in time, which is given first or piped in. */
export interface Bound {
  (duration: Duration.Input): <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E | DeadlineExceeded, R>
  <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.Input): Effect.Effect<A, E | DeadlineExceeded, R>
}

/**
 * Runs an effect with a deadline `duration` from now, or the one in force if that is earlier. Interrupts it at that time
 * and fails with `DeadlineExceeded` after its clean-up, whose failures are kept beside it. Where the deadline has passed
 * already the effect does not begin.
 */
export const within: Bound = dual(2, <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.Input) =>
  Effect.withFiber((fiber) => {
    const now = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    return until(effect, Math.min(fiber.getRef(Deadline), now + Duration.toMillis(duration)), now)
  })
)

/**
 * Like `within`, but of the deadline in force it knows nothing: for clean-up, which runs when that one may have passed.
 */
export const forCleanUp: Bound = dual(2, <A, E, R>(effect: Effect.Effect<A, E, R>, duration: Duration.Input) =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => until(effect, now + Duration.toMillis(duration), now))
)
