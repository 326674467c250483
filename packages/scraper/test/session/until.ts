import * as Effect from "effect/Effect"

/** Lets the loop turn until `condition` holds; the test's own timeout bounds it. */
export const until = (condition: () => boolean) =>
  Effect.callback<void>((resume) => {
    const look = () => (condition() ? resume(Effect.void) : void setTimeout(look, 1))
    look()
  })
