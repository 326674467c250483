/** The kinds of flags that commands have beside their settings. */
import * as Array from "effect/Array"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"

/** Absent unless it is given. Given more often, the last one counts: what an alias or a script has is overruled behind it. */
export const last = <A>(flag: Flag.Flag<A>): Flag.Flag<Option.Option<A>> =>
  flag.pipe(Flag.atLeast(0), Flag.map(Array.last))

/** Off unless it is given. */
export const onOff = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withDescription(description), last, Flag.map(Option.getOrElse(() => false)))

/** Absent unless it is given. */
export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), last)

/** A file to be written, and never standard output: there stands what the command says besides. */
export const file = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("FILE"),
    Flag.withDescription(description),
    Flag.filter(
      (value) => value !== "-",
      () => "expected a file (`./-` is one of that name)"
    ),
    last
  )
