/** What `play` and `race` share: a scenario's parameters as flags, its text on this screen, its timeline in files. */
import * as Parameter from "@simul/core/scenario/Parameter"
import type { StageEvent } from "@simul/core/scenario/Stage"
import type { Options } from "@simul/core/scenario/ScenarioText"
import type * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { file, text } from "./FlagKinds.ts"
import { printable } from "./Printable.ts"
import * as OutputFile from "./OutputFile.ts"
import { coloured, Screen } from "./Screen.ts"
import { UsageError } from "./UsageError.ts"

/** Read by `Parameter.parse`, which knows the bounds. */
export const flagsOf = (parameters: Parameter.Parameters): Record<string, Flag.Flag<Option.Option<string>>> =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { description, unit, ...parameter }]) => [
      name,
      text(name, "N", `${description}${unit === "" ? "" : `, ${unit}`} [${parameter.default}]`)
    ])
  )

/** The parameters with what was given. Fails with the first that is out of bounds. */
export const valuesOf = <P extends Parameter.Parameters>(
  parameters: P,
  given: Readonly<Record<string, unknown>>,
  command: string
): Effect.Effect<Parameter.Values<P>, UsageError> => {
  const texts: Record<string, string> = {}
  for (const name of Object.keys(parameters)) {
    const value = given[name] as Option.Option<string> | undefined
    if (value !== undefined && Option.isSome(value)) texts[name] = value.value
  }
  return Effect.try({
    try: () => Parameter.parse(parameters, texts),
    catch: (error) =>
      UsageError.of((error as Parameter.ParameterError).message, `\`simul ${command} --help\` lists what can be turned`)
  })
}

export const fileFlags = {
  html: file("html", "The timeline as one HTML page"),
  trace: file("trace", "The timeline for ui.perfetto.dev")
}

/** Pictures go to standard output: what suits it. */
export const textOptions: Effect.Effect<Options, never, Screen> = Effect.map(Screen, (screen) => ({
  width: screen.columns(),
  unicode: screen.unicode,
  colour: screen.paintData === coloured
}))

/** Writes the variants, on one scale, to the files that were asked for. */
export const writeFiles = Effect.fnUntraced(function* (
  events: ReadonlyArray<StageEvent>,
  { html, trace }: { readonly html: Option.Option<string>; readonly trace: Option.Option<string> }
) {
  const screen = yield* Screen
  const [{ beside }, { timelines }] = yield* Effect.promise(() =>
    Promise.all([import("@simul/core/Timeline"), import("@simul/core/scenario/Stage")])
  )
  const files = [
    ["--html", html, () => import("@simul/core/TimelineHtml")],
    ["--trace", trace, () => import("@simul/core/TimelineTrace")]
  ] as const
  for (const [option, file, load] of files) {
    if (Option.isNone(file)) continue
    const { chunks } = yield* Effect.promise(load)
    yield* OutputFile.write(option, file.value, chunks(beside(timelines(events))))
    screen.note(`timeline: ${printable(file.value)}`)
  }
})
