/** `simul play`: a scenario in virtual time, drawn, its theory beside what was measured. */
import { countdowns } from "@simul/core/scenario/Countdown"
import { exhibition } from "@simul/core/scenario/Exhibition"
import { fibonacci } from "@simul/core/scenario/Fibonacci"
import type { Parameters } from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as Stage from "@simul/core/scenario/Stage"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { onOff, text } from "../FlagKinds.ts"
import { Incomplete } from "../Incomplete.ts"
import * as Scenarios from "../Scenarios.ts"
import { Screen } from "../Screen.ts"
import { UsageError } from "../UsageError.ts"

const scenarios: Readonly<Record<string, Scenario.Scenario>> = {
  exhibition,
  countdown: countdowns,
  fibonacci
}

const flags = {
  seed: text("seed", "N", "What chance decides [1]"),
  speed: text("speed", "X", "Show it X times as fast as its clock, on a terminal"),
  compare: onOff("compare", "Pictures beside each other"),
  json: onOff("json", "Parameters, predictions and measured numbers as JSON"),
  ...Scenarios.fileFlags
}
type Given = Command.Command.Config.Infer<typeof flags>

const frameMs = 100

/** Shows events as they happened, `speed` times as fast, and leaves nothing of it. */
const replay = Effect.fnUntraced(function* (events: ReadonlyArray<Stage.StageEvent>, speed: number) {
  const screen = yield* Screen
  yield* Effect.addFinalizer(() => Effect.sync(() => screen.block([])))
  const { pictures } = yield* Effect.promise(() => import("@simul/core/scenario/ScenarioText"))
  for (const own of Map.groupBy(events, ({ variant }) => variant).values()) {
    const endMs = own.at(-1)!.atMs
    for (let atMs = 0; ; atMs = Math.min(endMs, atMs + frameMs * speed)) {
      const options = { width: screen.columns() - 1, unicode: screen.unicode, lanes: 12 }
      screen.block(pictures(Stage.timelines(own, atMs), [], options).trimEnd().split("\n"))
      if (atMs >= endMs) break
      yield* Effect.sleep(frameMs)
    }
  }
}, Effect.scoped)

const play = Effect.fnUntraced(function* (
  name: string,
  scenario: Scenario.Scenario,
  { compare, json, html, trace, ...given }: Given & Readonly<Record<string, unknown>>
) {
  const screen = yield* Screen
  const parameters = yield* Scenarios.valuesOf(scenario.parameters as Parameters, given, `play ${name}`)
  const { seed, speed } = yield* Scenarios.valuesOf(Scenario.playing, given, `play ${name}`)
  const played = yield* Effect.orDie(Scenario.playVirtually(scenario, parameters, { seed }))
  if (Option.isSome(given.speed) && screen.animated && !json) yield* replay(played.events, speed)
  const { mode, checks } = played
  if (json) yield* screen.data(`${JSON.stringify({ name, mode, parameters, checks })}\n`)
  else {
    const { render } = yield* Effect.promise(() => import("@simul/core/scenario/ScenarioText"))
    yield* screen.data(render(scenario, played, { ...(yield* Scenarios.textOptions), compare }))
  }
  yield* Scenarios.writeFiles(played.events, { html, trace })
  if (checks.some(({ holds }) => holds === false)) return yield* new Incomplete()
})

const names = Object.keys(scenarios)

// an argument, so that a name which is no scenario comes here
const anyName = Argument.String("scenario").pipe(Argument.optional)

export const command = Command.make("play", { name: anyName }, ({ name }) =>
  Effect.fail(
    UsageError.of(
      Option.isSome(name) ? `no such scenario: ${name.value}` : "play needs a scenario",
      ...names.map((name) => `\`simul play ${name}\`: ${scenarios[name]!.title}`)
    )
  )
).pipe(
  Command.withDescription("Play a scenario in virtual time, draw it, and hold it against theory."),
  Command.withShortDescription("Draw concurrency, in virtual time"),
  Command.withSubcommands(
    names.map((name) =>
      Command.make(name, { ...Scenarios.flagsOf(scenarios[name]!.parameters), ...flags }, (given) =>
        play(name, scenarios[name]!, given as Given & Readonly<Record<string, unknown>>)
      ).pipe(
        Command.withDescription(`${scenarios[name]!.title}.`),
        Command.withShortDescription(scenarios[name]!.title)
      )
    )
  ),
  Command.withExamples([
    { command: "simul play exhibition --opponents 20" },
    { command: "simul play countdown --speed 1 --html countdown.html" }
  ])
)
