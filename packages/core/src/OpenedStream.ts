/** A stream that opens what it pulls from each time it is run. */
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

/**
 * Pulls from what `open` gives, which is opened by the first pull; its scope closes when the stream ends.
 *
 * `Stream.unwrap` would make a stream for each run besides. A stream is a function that is assigned to a property: V8
 * keeps it, and all that the run made, until the next full collection.
 */
export const openedStream = <A, E, R, E2, R2>(
  open: Effect.Effect<Pull.Pull<readonly [A, ...Array<A>], E, void, R>, E2, R2>
): Stream.Stream<A, Pull.ExcludeDone<E> | E2, R | Exclude<R2, Scope.Scope>> =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) => {
      let opened: Effect.Success<typeof open> | undefined
      const opening = Effect.flatMap(Scope.provide(open, scope), (pull) => (opened = pull))
      return Effect.succeed(Effect.suspend(() => opened ?? opening))
    })
  )
