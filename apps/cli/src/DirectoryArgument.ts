/** The directory of a run, as all commands that look at one or speak to one take it. */
import * as Argument from "effect/cli/Argument"

export const directoryArgument = Argument.String("dir").pipe(
  Argument.withDescription("The directory that a run wrote to"),
  Argument.withDefault(".")
)
