/**
 * What fibers wait for, as timelines and dumps tell it. Apart from the recorder, so that whoever names a wait does not
 * load that.
 */
import * as Context from "effect/Context"

/**
 * What a fiber waits for while it waits under this: text for the timeline and
 * the dump, where the hooks say no more than `callback`.
 *
 * `semaphore.take(1).pipe(Effect.provideService(WaitReason, "a place in line"))`
 */
export const WaitReason = Context.Reference<string | undefined>("@simul/core/WaitReason", {
  defaultValue: () => undefined
})
