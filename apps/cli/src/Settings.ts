/**
 * Settings: one definition each, read from four places. The strongest is the
 * flag, then the environment (`SIMUL_PER_HOST`), then the settings files
 * (`--config FILE`, or else `./simul.json`; below it the user's own
 * `$XDG_CONFIG_HOME/simul/simul.json`), then the default. Whichever place a bad
 * value comes from, the error names that place, the value and what is allowed.
 * A `./simul.json` that another user has put there is an error: settings choose
 * proxies and paths. So is one that is no regular file.
 *
 * A settings file is one JSON object; its keys are the long flags:
 * `{ "jobs": 16, "per-host": 2, "header": ["Accept-Language: de"] }`.
 */
import { readOwn } from "@simul/core/node/Ownership"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { readFileSync, statSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, isAbsolute, join, resolve as resolvePath } from "node:path"
import { last } from "./FlagKinds.ts"
import { UsageError } from "./UsageError.ts"

/** One setting. `A` is its value in the program, the unit is said by its name. */
export interface Setting<A> {
  /** The long flag without its dashes: also the key in settings files, and in capitals the environment variable. */
  readonly name: string
  readonly kind: "value" | "toggle" | "list"
  /** Under which heading of the help it stands. */
  readonly group: string
  readonly description: string
  readonly alias?: string
  readonly metavar?: string
  /** What its value may be, where that is one of these. */
  readonly choices?: ReadonlyArray<string>
  /** For a toggle: the flag that says no, where it is not `no-` and the name. */
  readonly negation?: string
  /** Its text may be a secret: never shown in errors. */
  readonly secret?: boolean
  /** Reads what was given, several texts for a list only; fails with what was expected. */
  readonly read: (texts: ReadonlyArray<string>) => Result.Result<A, string>
  readonly fallback: A
}

export type Values<S> = { readonly [K in keyof S]: S[K] extends Setting<infer A> ? A : never }

/** What the command line said: nothing, or texts. */
export type Given<S> = { readonly [K in keyof S]: Option.Option<ReadonlyArray<string>> }

/** The flag of a setting. It keeps the text: reading it is the same for every place. */
const flag = (setting: Setting<unknown>): Flag.Flag<Option.Option<ReadonlyArray<string>>> => {
  const decorate = <A>(base: Flag.Flag<A>): Flag.Flag<A> => {
    let decorated = base.pipe(Flag.withDescription(setting.description))
    if (setting.metavar !== undefined) decorated = decorated.pipe(Flag.withMetavar(setting.metavar))
    if (setting.alias !== undefined) decorated = decorated.pipe(Flag.withAlias(setting.alias))
    return decorated
  }
  switch (setting.kind) {
    case "toggle": {
      const base = decorate(Flag.Boolean(setting.name))
      return (setting.negation === undefined ? base : base.pipe(Flag.withNegation(setting.negation))).pipe(
        Flag.map((on): ReadonlyArray<string> => [String(on)]),
        last
      )
    }
    case "list":
      return decorate(Flag.String(setting.name)).pipe(
        Flag.atLeast(0),
        Flag.map((texts) => (texts.length === 0 ? Option.none() : Option.some(texts)))
      )
    case "value": {
      const { name, choices } = setting
      const base: Flag.Flag<string> = choices === undefined ? Flag.String(name) : Flag.Literals(name, choices)
      return decorate(base).pipe(
        Flag.map((text): ReadonlyArray<string> => [text]),
        last
      )
    }
  }
}

/** The flags of many settings, for `Command.make`. */
export const flags = <S extends Readonly<Record<string, Setting<any>>>>(
  settings: S
): { readonly [K in keyof S]: Flag.Flag<Option.Option<ReadonlyArray<string>>> } =>
  Object.fromEntries(Object.entries(settings).map(([key, setting]) => [key, flag(setting)])) as never

/** Where values come from besides the flags. */
export interface Sources {
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Strongest first. */
  readonly files: ReadonlyArray<{ readonly name: string; readonly values: Readonly<Record<string, unknown>> }>
}

/** The environment variable of a setting. */
const variable = (setting: Setting<unknown>): string => `SIMUL_${setting.name.toUpperCase().replaceAll("-", "_")}`

/** The texts of a setting and the place that gave them. */
const lookUp = (
  setting: Setting<unknown>,
  given: Option.Option<ReadonlyArray<string>>,
  sources: Sources
): { readonly place: string; readonly texts: ReadonlyArray<string> } | undefined => {
  if (Option.isSome(given)) return { place: `--${setting.name}`, texts: given.value }
  const name = variable(setting)
  const value = sources.environment[name]
  // An empty variable is an unset one: a shell cannot unset it for one command.
  if (value) return { place: name, texts: setting.kind === "list" ? value.split("\n") : [value] }
  for (const file of sources.files) {
    const entry = file.values[setting.name]
    if (entry === undefined || entry === null) continue
    const texts = (Array.isArray(entry) ? entry : [entry]).map((item) =>
      typeof item === "string" ? item : JSON.stringify(item)
    )
    return { place: `"${setting.name}" in ${file.name}`, texts }
  }
  return undefined
}

const bad = (place: string, value: string | undefined, expected: string): UsageError =>
  UsageError.of(
    value === undefined ? `${place}: expected ${expected}` : `${place}: expected ${expected}, got "${value}"`
  )

/** Settles every setting; the error is the first bad value, by the order of `settings`. */
export const resolve = <S extends Readonly<Record<string, Setting<any>>>>(
  settings: S,
  given: Given<S>,
  sources: Sources
): Result.Result<Values<S>, UsageError> => {
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(settings)) {
    const found = lookUp(setting, given[key] as Option.Option<ReadonlyArray<string>>, sources)
    if (found === undefined) {
      values[key] = setting.fallback
      continue
    }
    if (setting.kind !== "list" && found.texts.length !== 1) {
      return Result.fail(bad(found.place, undefined, "one value, not a list"))
    }
    const value = setting.read(found.texts)
    if (Result.isFailure(value)) {
      return Result.fail(bad(found.place, setting.secret === true ? undefined : found.texts.join(", "), value.failure))
    }
    values[key] = value.success
  }
  return Result.succeed(values as Values<S>)
}

type Parsed = { readonly name: string; readonly values: Readonly<Record<string, unknown>> }

const form = 'a settings file is one JSON object, such as { "jobs": 16, "per-host": 2 }'

const parseFile = (name: string, text: string, known: ReadonlySet<string>): Result.Result<Parsed, UsageError> => {
  let values: unknown
  try {
    values = JSON.parse(text)
  } catch (error) {
    return Result.fail(UsageError.of(`${name} is no JSON: ${(error as Error).message}`, form))
  }
  if (typeof values !== "object" || values === null || Array.isArray(values)) {
    return Result.fail(UsageError.of(`${name}: expected one JSON object`, form))
  }
  const stranger = Object.keys(values).find((key) => !known.has(key))
  if (stranger !== undefined) {
    return Result.fail(
      UsageError.of(
        `${name}: unknown setting "${stranger}"`,
        'keys are the long flags without dashes, such as "per-host"; `simul get --help` lists them'
      )
    )
  }
  return Result.succeed({ name, values: values as Record<string, unknown> })
}

/**
 * The user's own settings file. None where nothing absolute says whose: a container's user id may have neither HOME nor
 * a name, and a relative path would be another file in each directory (XDG Base Directory: to be ignored).
 */
const userFile = (configHome: string | undefined, home: () => string): string | undefined => {
  if (configHome !== undefined && isAbsolute(configHome)) return join(configHome, "simul", "simul.json")
  try {
    const directory = home()
    return isAbsolute(directory) ? join(directory, ".config", "simul", "simul.json") : undefined
  } catch {
    return undefined // as `homedir` says it of a user id without a name
  }
}

/** Whether the last part of the way there that one may look at is another user's, root included. */
const isBehindOthers = (path: string): boolean => {
  if (process.getuid === undefined) return false
  try {
    return statSync(path).uid !== process.getuid()
  } catch {
    return isBehindOthers(dirname(path))
  }
}

/** Reads the settings files. A file that was named must be there, the others may. */
export const sources = (
  named: Option.Option<string>,
  known: ReadonlySet<string>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
  home = homedir
): Effect.Effect<Sources, UsageError> =>
  Effect.suspend(() => {
    const chosen = Option.getOrUndefined(named) ?? (environment["SIMUL_CONFIG"] || undefined)
    const user = userFile(environment["XDG_CONFIG_HOME"], home)
    const files: Array<Parsed> = []
    for (const [name, required] of [
      [chosen ?? "simul.json", chosen !== undefined],
      [user, false]
    ] as const) {
      if (name === undefined) continue
      let found: ReturnType<typeof readOwn>
      try {
        found = required || name === user ? { text: readFileSync(name, "utf8") } : readOwn(name)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (!required && (code === "ENOENT" || code === "ENOTDIR")) continue
        // what another user's HOME has, which `sudo -u` and containers leave in place, is not this one's
        if (name === user && code === "EACCES" && isBehindOthers(name)) continue
        return Effect.fail(
          UsageError.of(
            `cannot read the settings file ${name} (${code})`,
            required
              ? "`--config FILE` (or SIMUL_CONFIG) names one that can be read"
              : "let this user read it, or move it away"
          )
        )
      }
      if ("refused" in found) {
        return Effect.fail(
          UsageError.of(
            `the settings file ${resolvePath(name)} ${found.refused}`,
            "if you trust it, name it: `--config simul.json`; or work in another directory"
          )
        )
      }
      const file = parseFile(name, found.text, known)
      if (Result.isFailure(file)) return Effect.fail(file.failure)
      files.push(file.success)
    }
    return Effect.succeed({ environment, files })
  })
