/**
 * How the programs here are called: each reads its arguments through this.
 *
 * `--help` and `-h` print the usage on stdout, status 0. A wrong argument prints one error and the usage on stderr,
 * status 2. Either happens before anything is built, started or measured.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util"

export interface Usage<T extends ParseArgsOptionsConfig> {
  readonly text: string
  readonly options: T
  /** What the arguments without a name are, and which there are; absent: it takes none. Any, where there is no list. */
  readonly words?: { readonly kind: string; readonly among?: ReadonlyArray<string> }
}

type Values<T extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: T; strict: true }>>["values"]

/** An argument that cannot be: the message says which and why. */
export class WrongArgument extends Error {
  override readonly name = "WrongArgument"
}

/** The number that the option `name` was given. */
export const whole = (name: string, text: string, least = 1): number => {
  const value = Number(text)
  if (text.trim() !== "" && Number.isSafeInteger(value) && value >= least) return value
  throw new WrongArgument(`--${name}: expected a whole number from ${least}, got ${JSON.stringify(text)}`)
}

/** The one of `all` with this name. */
export const one = <A extends string>(kind: string, name: string, all: ReadonlyArray<A>): A => {
  const found = all.find((known) => known === name)
  if (found !== undefined) return found
  throw new WrongArgument(`there is no ${kind} ${JSON.stringify(name)}: expected ${all.join(", ")}`)
}

/** What is to be said instead of a run, and the status to end with. */
export class Said {
  readonly status: 0 | 2
  readonly text: string

  constructor(status: 0 | 2, text: string) {
    this.status = status
    this.text = text
  }
}

/**
 * The settings that `read` makes of `args`; or what is to be said. What `read` throws is an error of the user where it
 * is a `WrongArgument`.
 */
export const parse = <T extends ParseArgsOptionsConfig, A>(
  { text, options, words }: Usage<T>,
  read: (values: Values<T>, words: ReadonlyArray<string>) => A,
  args: ReadonlyArray<string>
): A | Said => {
  // even beside arguments that are wrong
  if (args.includes("--help") || args.includes("-h")) return new Said(0, text)
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals: true })
    if (words === undefined && positionals.length > 0)
      throw new WrongArgument(`it takes no argument ${JSON.stringify(positionals[0])}`)
    if (words?.among !== undefined) for (const word of positionals) one(words.kind, word, words.among)
    return read(values, positionals)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (error instanceof WrongArgument) return new Said(2, `error: ${message}\n${text}`)
    if (code?.startsWith("ERR_PARSE_ARGS_") !== true) throw error
    // what Node adds, after a full stop, is about arguments that begin with a dash
    return new Said(2, `error: ${message.split(/\. |\n/)[0]}\n${text}`)
  }
}

/** The settings of this process; or it ends. */
export const settings = <T extends ParseArgsOptionsConfig, A>(
  usage: Usage<T>,
  read: (values: Values<T>, words: ReadonlyArray<string>) => A
): A => {
  const found = parse(usage, read, process.argv.slice(2))
  if (!(found instanceof Said)) return found
  ;(found.status === 0 ? process.stdout : process.stderr).write(`${found.text}\n`)
  process.exit(found.status)
}
