/** The directory of a run, as all commands that look at one or speak to one take it. */
import * as Argument from "effect/cli/Argument"
import { printable } from "./Printable.ts"
import { pathWord } from "./ShellWord.ts"

export const directoryArgument = Argument.String("dir").pipe(
  Argument.withDescription("The directory that a run wrote to"),
  Argument.withDefault(".")
)

/** Such a command, `simul resume` say, as a hint shows it to who is to type it for this directory. */
export const commandFor = (command: string, directory: string): string =>
  directory === "." ? command : `${command} ${printable(pathWord(directory))}`
