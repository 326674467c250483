/** The flags that every command takes: `all`. */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Console from "effect/Console"
import { last, onOff, text } from "./FlagKinds.ts"
import { version } from "./Version.ts"

export const help = GlobalFlag.Help

export const showVersion = GlobalFlag.Action({
  flag: onOff("version", "Print the version").pipe(Flag.withAlias("V"), Flag.withoutNegation),
  run: () => Console.log(`simul ${version}`)
})

export const quiet = GlobalFlag.Setting("quiet")({
  flag: onOff("quiet", "Say nothing but errors").pipe(Flag.withAlias("q"))
})

/** How often `-v` was given. */
export const verbose = GlobalFlag.Setting("verbose")({
  flag: Flag.Boolean("verbose").pipe(
    Flag.withAlias("v"),
    Flag.withDescription("Name each URL that failed; -vv each URL"),
    Flag.atLeast(0),
    Flag.map((times) => times.filter(Boolean).length)
  )
})

/** Read by `Screen.colourWanted` before the arguments are parsed; here for its help and its errors. */
export const color = GlobalFlag.Setting("color")({
  flag: Flag.Literals("color", ["auto", "always", "never"]).pipe(
    Flag.withMetavar("WHEN"),
    Flag.withDescription("auto, always or never [auto; NO_COLOR]"),
    last
  )
})

export const config = GlobalFlag.Setting("config")({
  flag: text("config", "FILE", "JSON settings, below flags and SIMUL_* [./simul.json]")
})

export const completions = GlobalFlag.Action({
  flag: Flag.Literals("completions", ["bash", "zsh", "fish"]).pipe(
    Flag.withMetavar("SHELL"),
    Flag.withDescription("Print completions for bash, zsh or fish"),
    Flag.optional
  ),
  run: GlobalFlag.Completions.run
})

export const all = [showVersion, quiet, verbose, color, config, completions] as const
