/**
 * The command tree, and one run of it from arguments to exit status. Whatever
 * happens ends here as a status and, where something went wrong, an `error:`
 * line with its way out.
 */
import * as Cause from "effect/Cause"
import * as CliConfig from "effect/cli/CliConfig"
import * as Command from "effect/cli/Command"
import * as TerminalCapabilities from "effect/cli/TerminalCapabilities"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Elsewhere from "./Elsewhere.ts"
import type { Engine } from "./Engine.ts"
import { ExitStatus } from "./ExitStatus.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import * as Invocation from "./Invocation.ts"
import { printable } from "./Printable.ts"
import { readerGone, written } from "./ReaderGone.ts"
import type { Records } from "./Records.ts"
import type { Paint } from "./Screen.ts"
import { coloured, complaint, Screen, warning } from "./Screen.ts"
import type { UsageError } from "./UsageError.ts"
import { version } from "./Version.ts"

// whoever came by the repository's `start` may have nothing else to call it by
const { npm_lifecycle_event: script, npm_package_name: owner } = process.env
const called = script === "start" && owner === "simul-monorepo" ? "npx -y pnpm@12 start" : "simul"

const welcome = `simul ${version}: fetch many URLs to files, fast, politely, resumably

  simul get URL...           fetch URLs to files
  simul get -i FILE -o DIR   fetch a list into a directory
  simul crawl URL -o DIR     fetch a site by its links
  simul extract PATH...      turn saved pages into records
  simul report [DIR]         say what a run did
  simul verify [DIR]         check saved files against their records
  simul play exhibition      draw what concurrency does
  simul --help               everything else

Try it:

  ${called} get https://example.com/ -o pages`

/** Every command by its name, loaded on use: a run needs one of them, and each costs a start some milliseconds. */
const commands = {
  get: { group: "Fetch", load: async () => (await import("./command/Get.ts")).get },
  crawl: { group: "Fetch", load: async () => (await import("./command/Crawl.ts")).crawl },
  pause: { group: "Steer", load: async () => (await import("./command/Pause.ts")).pause },
  resume: { group: "Steer", load: async () => (await import("./command/Pause.ts")).resume },
  scope: { group: "Steer", load: async () => (await import("./command/Scope.ts")).command },
  report: { group: "Inspect", load: async () => (await import("./command/Report.ts")).command },
  verify: { group: "Inspect", load: async () => (await import("./command/Verify.ts")).command },
  explain: { group: "Inspect", load: async () => (await import("./command/Explain.ts")).command },
  pack: { group: "Archive", load: async () => (await import("./command/Pack.ts")).pack },
  extract: { group: "Extract", load: async () => (await import("./command/Extract.ts")).command },
  check: { group: "Extract", load: async () => (await import("./command/Check.ts")).command },
  shell: { group: "Extract", load: async () => (await import("./command/Shell.ts")).command },
  play: { group: "Learn", load: async () => (await import("./command/Play.ts")).command },
  race: { group: "Learn", load: async () => (await import("./command/Race.ts")).command }
}

/** The command that is named first, alone; all where something is said of all: help, a hint, completions. */
const commandsFor = async ([first = "", ...rest]: ReadonlyArray<string>) => {
  const isAlone = Object.hasOwn(commands, first) && !rest.some((arg) => arg.startsWith("--completions"))
  const asked = isAlone ? [commands[first as keyof typeof commands]] : Object.values(commands)
  const loaded = await Promise.all(asked.map(async ({ group, load }) => ({ group, command: await load() })))
  return Array.from(
    Map.groupBy(loaded, ({ group }) => group),
    ([group, members]) => ({ group, commands: members.map(({ command }) => command) })
  )
}

const treeFor = Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
  const groups = yield* Effect.promise(() => commandsFor(args))
  return Command.make("simul", {}, () => Effect.flatMap(Screen, (screen) => screen.data(`${welcome}\n`))).pipe(
    Command.withDescription("Fetch many URLs to files: fast, polite, resumable."),
    Command.withSubcommands(groups),
    Command.withGlobalFlags(GlobalFlags.all),
    Command.withExamples([
      { command: "simul get https://example.com/ -o pages" },
      { command: "simul get -i urls.txt -o pages --per-host 2 --delay 500ms" }
    ])
  )
})

const isHelp = (arg: string) => arg === "--help" || arg === "-h"

/**
 * `-j8` as `-j=8`, and `-qO-` as `-qO=-`: the parser would take it for the flags `-j` and `-8`. And `help get` as
 * `get --help`; of what is no command it would show the help of the program, so there it is not asked for any.
 */
const separate = (args: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = args.findIndex((arg, index) => !arg.startsWith("-") && !/^--(color|config)$/.test(args[index - 1] ?? ""))
  const command = args[at]
  if (command === "help") {
    const of = args.slice(at + 1)
    return separate([...args.slice(0, at), ...(of[0] === "help" ? [] : of), "--help"])
  }
  if (command !== undefined && !Object.hasOwn(commands, command)) return args.filter((arg) => !isHelp(arg))
  const end = args.indexOf("--")
  return args.map((arg, at) =>
    end >= 0 && at > end ? arg : (Elsewhere.inFull.get(arg) ?? arg.replace(/^(-[hqvV]*[ioOjAHs])(?=[^=])/, "$1="))
  )
}

const said = (message: string, hints: ReadonlyArray<string>) =>
  Effect.map(Screen, (screen) => screen.note(complaint(screen.paint, message, hints)))

const isVerbose = (args: ReadonlyArray<string>) => args.some((arg) => /^(-v+|--verbose)$/.test(arg))

/** What to say about a fault of this program: one line, and with `-v` where it was. */
export const unexpected = (paint: Paint, error: unknown, args: ReadonlyArray<string>): string => {
  const [message, ...trace] = (error instanceof Error ? (error.stack ?? error.message) : String(error)).split("\n")
  const hints = ["this is a fault in simul; what was saved is safe, the same command goes on"]
  const told = complaint(paint, `unexpected: ${printable(message ?? "")}`, isVerbose(args) ? hints : [...hints, again])
  return isVerbose(args) ? [told, "", ...trace.map(printable)].join("\n") : told
}
const again = "the same command with `-v` says where, for a report"

/** Runs the program to its exit status. Interruption passes through: its status belongs to who interrupts. */
export const run = (args: ReadonlyArray<string>): Effect.Effect<ExitStatus, never, Screen | Engine | Records> =>
  Invocation.unasked(Effect.flatMap(treeFor(args), (tree) => Command.runWith(tree, { version })(separate(args)))).pipe(
    Effect.as<ExitStatus>(ExitStatus.done),
    Effect.exit,
    Effect.tap(() => written),
    Effect.flatten,
    Effect.raceFirst(Effect.as(readerGone, ExitStatus.done)),
    Effect.catch((error): Effect.Effect<ExitStatus, never, Screen> => {
      switch (error._tag) {
        case "ShowHelp":
          return Effect.succeed(error.errors.length > 0 ? ExitStatus.usage : ExitStatus.done)
        case "Incomplete":
          return Effect.succeed(ExitStatus.incomplete)
        case "UsageError":
          return Effect.as(said(printable(error.message), usageHints(error, args)), ExitStatus.usage)
        case "OptionUnusable":
          return Effect.as(said(printable(error.message), hintsOf(error)), ExitStatus.usage)
        default:
          return Effect.as(said(printable(error.message), hintsOf(error)), ExitStatus.stopped)
      }
    }),
    Effect.catchCause((cause) => {
      if (Cause.hasInterrupts(cause) && !Cause.hasDies(cause)) return Effect.interrupt
      return Effect.map(Screen, (screen) => {
        screen.note(unexpected(screen.paint, Cause.squash(cause), args))
        return ExitStatus.stopped
      })
    }),
    Effect.provide(
      Layer.mergeAll(Invocation.layer(args), terminal, warnings, CliConfig.layer({ builtIns: [GlobalFlags.help] }))
    )
  )

const usageHints = ({ hints }: UsageError, args: ReadonlyArray<string>) => {
  const command = ["crawl", "scope", "explain"].find((name) => args.includes(name)) ?? "get"
  return hints.length > 0 ? hints.map(printable) : [`\`simul ${command} --help\` lists the flags and what they take`]
}

const hintsOf = (error: object): ReadonlyArray<string> =>
  "hint" in error && typeof error.hint === "string" ? [printable(error.hint)] : []

/** What is logged is for the person: that the cookies could not be written, for one. */
const warnings: Layer.Layer<never, never, Screen> = Layer.unwrap(
  Effect.map(Screen, (screen) => {
    const logger = Logger.make<unknown, void>(({ message }) =>
      screen.note(warning(screen.paint, printable([message].flat().join(" "))))
    )
    return Logger.layer([logger])
  })
)

/** The library's own screens use the same answer about colour as ours. */
const terminal: Layer.Layer<never, never, Screen> = Layer.effect(
  TerminalCapabilities.TerminalCapabilities,
  Effect.map(Screen, (screen) => ({
    canColor: screen.paintData === coloured,
    canAnimate: screen.animated,
    canPrompt: false
  }))
)
