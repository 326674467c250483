/** `simul pause` and `simul resume`: hold a run that works in another terminal, and let it go on. */
import type * as Control from "@simul/scraper/Control"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import { commandFor, directoryArgument } from "../DirectoryArgument.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { hint, Screen } from "../Screen.ts"
import * as Summary from "../Summary.ts"
import * as Told from "../Told.ts"

const tell = Effect.fnUntraced(function* (directory: string, command: Control.Command) {
  const screen = yield* Screen
  const quiet = yield* GlobalFlags.quiet
  const { paint } = screen
  const note = (text: string) => {
    if (!quiet) screen.note(text)
  }
  yield* Told.told(directory, command, (reply) => {
    switch (reply._tag) {
      case "Waiting":
        return note(
          `pausing: ${Summary.plural(reply.inFlight, "transfer")} in flight; the pause holds if you leave (Ctrl-C)`
        )
      case "Paused":
        note(`${paint.green("paused")}: nothing is in flight, what came is saved`)
        return note(
          `\n${hint(paint, `\`${commandFor("simul resume", directory)}\` goes on; a run that is stopped forgets its pause`)}`
        )
      case "Resumed":
        return note(reply.wasPaused ? paint.green("resumed") : "it was not paused")
    }
  })
})

export const pause = Command.make("pause", { directory: directoryArgument }, ({ directory }) =>
  tell(directory, { _tag: "Pause" })
).pipe(
  Command.withDescription(
    "Pause the run that works in DIR: nothing more is asked for. Ends when nothing\nis in flight and what came is saved. The run stays; stopped and started again,\nit goes on without a pause."
  ),
  Command.withShortDescription("Pause the run in DIR"),
  Command.withExamples([{ command: "simul pause pages", description: "Until `simul resume pages`" }])
)

export const resume = Command.make("resume", { directory: directoryArgument }, ({ directory }) =>
  tell(directory, { _tag: "Resume" })
).pipe(
  Command.withDescription("Let the run that works in DIR go on after `simul pause`."),
  Command.withShortDescription("Let the run in DIR go on"),
  Command.withExamples([{ command: "simul resume pages" }])
)
