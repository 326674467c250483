/** Gives a command to the run that works in a directory, and hears its answers. */
import type * as Control from "@simul/scraper/Control"
import { CommandImpossible } from "@simul/scraper/RunError"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** `hear` is called for each answer. Fails where no run works there, it ends meanwhile, or it cannot do that. */
export const told = Effect.fnUntraced(function* (
  directory: string,
  command: Control.Command,
  hear: (reply: Exclude<Control.Reply, { readonly _tag: "Impossible" }>) => Effect.Effect<void> | void
) {
  const { send } = yield* Effect.promise(() => import("@simul/scraper/store/ControlSocket"))
  yield* Stream.runForEach(send(directory, command), (reply) =>
    reply._tag === "Impossible"
      ? Effect.fail(new CommandImpossible({ directory, detail: reply.message }))
      : Effect.suspend(() => hear(reply) ?? Effect.void)
  )
})
