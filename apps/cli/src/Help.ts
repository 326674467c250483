/**
 * The help screens: less than 80 columns, flags under the headings of
 * `Flags.ts`, short flag first so that the eye finds it.
 */
import type { FlagDoc, HelpDoc } from "effect/cli/HelpDoc"
import * as Option from "effect/Option"
import { all, headings } from "./Flags.ts"
import type { Paint } from "./Screen.ts"

const columns = 79

/** Breaks at spaces. */
const wrap = (text: string, room: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > room) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}

/** Two columns; what does not fit beside the left one wraps below itself. */
const table = (rows: ReadonlyArray<readonly [left: string, right: string]>, left: number, paint: Paint) =>
  rows.flatMap(([name, text]) => {
    const lines = wrap(text, columns - left - 4)
    // A name too long for its column gets a line of its own.
    const first = name.length > left ? [`  ${paint.cyan(name)}`] : []
    const head = name.length > left ? " ".repeat(left) : paint.cyan(name) + " ".repeat(left - name.length)
    return [...first, ...lines.map((line, at) => `  ${at === 0 ? head : " ".repeat(left)}  ${line}`.trimEnd())]
  })

/** The setting behind a flag. Another command may have a flag of the same name, in other words. */
const settingOf = (flag: FlagDoc) =>
  all.find(
    ({ name, description }) =>
      name === flag.name && Option.exists(flag.description, (text) => text.startsWith(description))
  )

const flagName = (flag: FlagDoc): string => {
  const short = flag.aliases.find((alias) => !alias.startsWith("--"))
  const setting = settingOf(flag)
  const long = setting?.negation === `no-${flag.name}` ? `--[no-]${flag.name}` : `--${flag.name}`
  return `${short === undefined ? "    " : `${short}, `}${long}${flag.type === "boolean" ? "" : ` ${flag.type}`}`
}

const description = (flag: FlagDoc): string => {
  // The library appends the choices; the descriptions name them already.
  const text = Option.getOrElse(flag.description, () => "").replace(/ \(choices: .*\)$/, "")
  const negation = settingOf(flag)?.negation
  return negation === undefined || negation === `no-${flag.name}` ? text : `${text}; --${negation} undoes it`
}

const section = (title: string, lines: ReadonlyArray<string>, paint: Paint): ReadonlyArray<string> =>
  lines.length === 0 ? [] : ["", paint.bold(title), ...lines]

const pathOf = ({ commandPath = ["simul"] }: HelpDoc): string => commandPath.join(" ")

const usage = (doc: HelpDoc): string => {
  const path = pathOf(doc)
  if (doc.subcommands !== undefined) return `${path} COMMAND [flags]`
  const args = (doc.args ?? []).map(({ name, required, variadic }) => {
    const word = name.toUpperCase() + (variadic ? "..." : "")
    return required ? word : `[${word}]`
  })
  return [path, ...args, "[flags]"].join(" ")
}

/** One help screen, without a line break at its end. */
export const render = (doc: HelpDoc, paint: Paint): string => {
  const isRoot = doc.subcommands !== undefined
  const groups = new Map<string, Array<FlagDoc>>()
  for (const flag of doc.flags) {
    const group = settingOf(flag)?.group ?? headings[flag.name] ?? "Flags"
    groups.set(group, [...(groups.get(group) ?? []), flag])
  }
  const rows = (flags: ReadonlyArray<FlagDoc>) => flags.map((flag) => [flagName(flag), description(flag)] as const)
  const globals = doc.globalFlags ?? []
  const left = Math.min(
    28,
    Math.max(12, ...[...doc.flags, ...(isRoot ? globals : [])].map((flag) => flagName(flag).length))
  )
  return [
    ...doc.description.split("\n"),
    "",
    `${paint.bold("Usage:")} ${usage(doc)}`,
    ...(doc.subcommands ?? []).flatMap(({ group, commands }) =>
      section(
        group ?? "Commands",
        table(
          commands.map(({ name, shortDescription, description }) => [name, shortDescription ?? description] as const),
          10,
          paint
        ),
        paint
      )
    ),
    ...[...groups].flatMap(([title, flags]) => section(title, table(rows(flags), left, paint), paint)),
    ...(isRoot ? section("Everywhere", table(rows(globals), left, paint), paint) : []),
    ...section(
      "Examples",
      (doc.examples ?? []).flatMap(({ command, description }) => [
        ...(description === undefined ? [] : [`  ${paint.dim(`# ${description}`)}`]),
        `  ${command}`
      ]),
      paint
    ),
    "",
    isRoot
      ? `\`${pathOf(doc)} COMMAND --help\` says what a command takes.`
      : "`simul --help` lists the flags that every command takes: -q, -v, --color ..."
  ].join("\n")
}
