/**
 * What the program says when it cannot make sense of its arguments: `error:` and
 * `hint:` on standard error, nothing on standard output. In place of the
 * library's own presenter, which prints the whole help first.
 */
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import type * as Flag from "effect/cli/Flag"
import type { HelpDoc } from "effect/cli/HelpDoc"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import * as Elsewhere from "./Elsewhere.ts"
import { oneOf } from "./Flags.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import * as Help from "./Help.ts"
import { printable } from "./Printable.ts"
import { complaint, Screen } from "./Screen.ts"
import { withScheme } from "./TypedUrl.ts"

interface Told {
  readonly message: string
  readonly hints: ReadonlyArray<string>
}

const didYouMean = (names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : [`did you mean ${oneOf(names.map((name) => `\`${printable(name)}\``))}?`]

/**
 * The library reads files, asks for keys and starts programs for kinds of arguments that no command here has, and where it may
 * prompt: never here. So what does that is neither given nor loaded.
 */
export const unasked = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect as Effect.Effect<A, E, Exclude<R, Command.Environment>>

/** The flags of all commands that are spelt like this one: the library looks among a command's own alone. */
const globalsLike = (option: string) => {
  const own = Command.make("simul", { flags: GlobalFlags.all.map(({ flag }): Flag.Flag<unknown> => flag) })
  return unasked(Command.runWith(own, { version: "" })([option])).pipe(
    Effect.match({
      onFailure: (error) =>
        "errors" in error ? error.errors.flatMap((one) => ("suggestions" in one ? one.suggestions : [])) : [],
      onSuccess: () => []
    }),
    Effect.provideService(CliOutput.Presenter, { present: () => Effect.void })
  )
}

/** A letter is as near to any other as it is to each short word, so none is guessed from it, nor it from a word. */
const flagsLike = (
  { option, suggestions }: CliError.UnrecognizedOption,
  { flags, globalFlags = [] }: HelpDoc,
  globalsAlike: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const own = [...flags, ...globalFlags].flatMap(({ name, aliases }) => [`--${name}`, ...aliases])
  const { names, sentences } = Elsewhere.meanings(option, own)
  if (names.length + sentences.length > 0) return [...didYouMean(names), ...sentences]
  if (!option.startsWith("--")) return []
  // an abbreviation, as curl, wget and aria2 take them
  const begun = own.filter((name) => name.startsWith(option))
  return didYouMean(
    begun.length > 0 ? begun : [...suggestions, ...globalsAlike].filter((name) => name.startsWith("--"))
  )
}

const isUrl = (text: string) => /^https?:\/\//.test(text)

/** What stands where a command should. */
const noCommand = (word: string, { globalFlags = [] }: HelpDoc, suggestions: ReadonlyArray<string> = []): Told => {
  if (isUrl(word)) return { message: "no command given", hints: didYouMean([`simul get ${word}`]) }
  const url = existsSync(word) ? undefined : withScheme(word)
  const names = [
    ...suggestions,
    ...globalFlags.filter(({ name }) => name === word).map(({ name }) => `simul --${name}`),
    ...(url === undefined ? [] : [`simul get ${url}`])
  ]
  return { message: `no such command: ${printable(word)}`, hints: didYouMean(names) }
}

/** One of the library's errors in this program's words. */
const tell = (
  error: CliError.NonShowHelpErrors,
  commandPath: ReadonlyArray<string>,
  help: HelpDoc,
  args: ReadonlyArray<string>,
  globalsAlike: ReadonlyArray<string>
): Told => {
  switch (error._tag) {
    case "UnrecognizedOption": {
      // wget and curl have no commands
      const url = commandPath.length > 1 ? undefined : args.find(isUrl)
      if (url !== undefined) return noCommand(url, help)
      const typed = args.find((arg) => Elsewhere.inFull.get(arg) === error.option) ?? error.option
      return { message: `no such flag: ${printable(typed)}`, hints: flagsLike(error, help, globalsAlike) }
    }
    case "UnknownSubcommand":
      return noCommand(error.subcommand, help, error.suggestions)
    case "UnexpectedArgument": {
      const [first = ""] = error.arguments
      if (commandPath.length > 1) return { message: `one argument too many: ${printable(first)}`, hints: [] }
      return noCommand(first, help)
    }
    case "MissingOption":
      return { message: `--${error.option} is needed`, hints: [] }
    case "MissingArgument":
      return { message: `${error.argument.toUpperCase()} is needed`, hints: [] }
    case "InvalidValue": {
      const name = error.kind === "flag" ? `--${error.option}` : error.option.toUpperCase()
      if (error.value.endsWith(" occurrences")) {
        const hints = name === "--input" ? ["run once for each list: a directory takes many"] : []
        return { message: `${name} is given more than once`, hints }
      }
      if (error.value === "" && error.kind === "flag") return { message: `${name} needs a value`, hints: [] }
      // the choices of a flag: `"files" | "warc"`
      const isChoice = /^(?:Expected )?"[^"]*"(?: \| "[^"]*")*$/.test(error.expected)
      const choices = isChoice ? [...error.expected.matchAll(/"([^"]*)"/g)].map(([, choice]) => choice!) : undefined
      const expected = choices === undefined ? lowerFirst(error.expected) : `expected ${oneOf(choices)}`
      return { message: `${name}: ${printable(expected)}, got "${printable(error.value)}"`, hints: [] }
    }
    case "DuplicateOption":
    case "ValidationError":
    case "UserError":
      return { message: printable(error.message), hints: [] }
  }
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1)

/** Help as `Help.ts` draws it, errors as above, with the flags as `args` have them. */
export const layer = (args: ReadonlyArray<string>): Layer.Layer<never, never, Screen> =>
  Layer.effect(
    CliOutput.Presenter,
    Effect.map(Screen, (screen) => ({
      present: (event) => {
        if (event._tag === "Help") return Console.log(Help.render(event.helpDoc, screen.paintData))
        if (event._tag === "Version") return Console.log(`${event.name} ${event.version}`)
        // One error at a time: the second is often the shadow of the first.
        const error = event.errors[0]!
        const alike = error._tag === "UnrecognizedOption" ? globalsLike(error.option) : Effect.succeed([])
        return Effect.map(alike, (alike) => {
          const told = tell(error, event.commandPath, event.helpDoc, args, alike)
          const help = `\`${event.commandPath.join(" ")} --help\` lists what it takes`
          screen.note(complaint(screen.paint, told.message, [...told.hints, help]))
        })
      }
    }))
  )
