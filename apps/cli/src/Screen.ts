/**
 * The two streams of the program. Standard output is data, for whoever reads
 * it; standard error is for the person: notes that stay, and below them a block
 * of lines (the progress) that is redrawn in place.
 *
 * 1. A note never tears the block, nor does data on a terminal: the block is
 *    cleared, they are written, the block drawn again on its next turn.
 * 2. No line of the block is wider than the terminal: a wrapped line would make
 *    the next redraw count wrong.
 * 3. Colour only adds: every screen can be read without it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Block from "./Block.ts"

/** Wraps text in a colour, or leaves it alone. */
export interface Paint {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly cyan: (text: string) => string
}

const style = (on: number, off: number) => (text: string) => `\x1b[${on}m${text}\x1b[${off}m`
const same = (text: string) => text

export const coloured: Paint = {
  bold: style(1, 22),
  dim: style(2, 22),
  red: style(31, 39),
  green: style(32, 39),
  yellow: style(33, 39),
  cyan: style(36, 39)
}
export const uncoloured: Paint = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same }

export class Screen extends Context.Service<
  Screen,
  {
    /** Writes data to standard output; done when the reader keeps up again, so a slow reader slows the run. */
    readonly data: (chunk: string | Uint8Array) => Effect.Effect<void>
    /** Writes one or more whole lines to standard error. */
    readonly note: (lines: string) => void
    /** Shows these lines below the notes, instead of those shown before; none clears. Only where `animated`. */
    readonly block: (lines: ReadonlyArray<string>) => void
    /** Standard error is a terminal that can be drawn on. */
    readonly animated: boolean
    /** Cells in a line of standard error. */
    readonly columns: () => number
    /** Characters outside ASCII can be shown. */
    readonly unicode: boolean
    /** Colours for standard error. */
    readonly paint: Paint
    /** Colours for standard output. */
    readonly paintData: Paint
    /** The reader of standard output went away. */
    readonly readerGone: () => boolean
  }
>()("@simul/cli/Screen") {}

/** What decides about colour, strongest first: `--color`, NO_COLOR, FORCE_COLOR, TERM=dumb, a terminal. */
const canColour = (
  when: "auto" | "always" | "never",
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean
): boolean => {
  if (when !== "auto") return when === "always"
  if (environment["NO_COLOR"]) return false
  const force = environment["FORCE_COLOR"]
  if (force) return force !== "0" && force.toLowerCase() !== "false"
  return isTerminal && environment["TERM"] !== "dumb"
}

/** The value of `--color` in raw arguments. Errors have colours too, so it must be known before the arguments are parsed. */
export const colourWanted = (args: ReadonlyArray<string>): "auto" | "always" | "never" => {
  const end = args.indexOf("--")
  const flags = end < 0 ? args : args.slice(0, end)
  const at = flags.findLastIndex((arg) => arg === "--color" || arg.startsWith("--color="))
  const value = at < 0 ? "auto" : flags[at] === "--color" ? flags[at + 1] : flags[at]!.slice("--color=".length)
  return value === "always" || value === "never" ? value : "auto"
}

/** An unset locale says nothing; only one that names another character set, or none, speaks against. */
const canUnicode = (environment: Readonly<Record<string, string | undefined>>): boolean => {
  const locale = environment["LC_ALL"] || environment["LC_CTYPE"] || environment["LANG"] || ""
  return locale === "" || /utf-?8/i.test(locale)
}

// DEC 2026: terminals that know it show the redraw in one piece; others ignore it.
const together = (text: string) => `\x1b[?2026h${text}\x1b[?2026l`

/** The streams of this process. */
export const layer = (args: ReadonlyArray<string>): Layer.Layer<Screen> =>
  Layer.sync(Screen, () => {
    const { stdout, stderr, env } = process
    const when = colourWanted(args)
    const animated = stderr.isTTY && env["TERM"] !== "dumb"
    const block = Block.make()
    const columns = () => stderr.columns || 80
    // the shell has written since
    if (animated) process.on("SIGCONT", block.forget)
    const draw = (lines: ReadonlyArray<string>) => {
      const drawn = block.redraw(lines, columns())
      if (drawn !== "") stderr.write(together(drawn))
    }
    let gone = false
    stdout.on("error", (error: NodeJS.ErrnoException) => {
      gone ||= error.code === "EPIPE"
    })
    // Nobody can be told any more: going on is all that is left.
    stderr.on("error", () => {})

    return {
      data: (chunk) =>
        Effect.suspend(() => {
          // both may be on one terminal
          if (stdout.isTTY) draw([])
          return stdout.write(chunk) || stdout.destroyed
            ? Effect.void
            : Effect.callback<void>((resume) => {
                const onDrain = () => resume(Effect.void)
                stdout.once("drain", onDrain)
                return Effect.sync(() => stdout.off("drain", onDrain))
              })
        }),
      note: (lines) => {
        stderr.write(`${block.redraw([], columns())}${lines}\n`)
      },
      block: draw,
      animated,
      columns,
      unicode: canUnicode(env),
      paint: canColour(when, env, stderr.isTTY) ? coloured : uncoloured,
      paintData: canColour(when, env, stdout.isTTY) ? coloured : uncoloured,
      readerGone: () => gone
    }
  })

/** `error: message`, and a `hint:` line for each hint after an empty line. */
export const complaint = (paint: Paint, message: string, hints: ReadonlyArray<string> = []): string =>
  [
    `${paint.bold(paint.red("error:"))} ${message}`,
    ...(hints.length > 0 ? ["", ...hints.map((text) => hint(paint, text))] : [])
  ].join("\n")

/** One `warning:` line. */
export const warning = (paint: Paint, text: string): string => `${paint.bold(paint.yellow("warning:"))} ${text}`

/** One `hint:` line. */
export const hint = (paint: Paint, text: string): string => `${paint.cyan("hint:")} ${text}`
