/** `simul race`: the same work sequential, cooperative, on threads and on processes, on this machine. */
import { availableParallelism } from "node:os"
import { fibonacci } from "@simul/core/scenario/Fibonacci"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { aligned } from "../Alignment.ts"
import { onOff } from "../FlagKinds.ts"
import * as Scenarios from "../Scenarios.ts"
import { Screen } from "../Screen.ts"
import { UsageError } from "../UsageError.ts"
import { workTask } from "../WorkTask.ts"

const tasks: Readonly<Record<string, typeof fibonacci>> = { fibonacci }

const flags = {
  json: onOff("json", "One JSON line for each way"),
  ...Scenarios.fileFlags
}

interface Given extends Readonly<Record<string, unknown>> {
  readonly json: boolean
  readonly html: Option.Option<string>
  readonly trace: Option.Option<string>
}

const milliseconds = (ms: number | undefined) => (ms === undefined ? "-" : `${ms.toFixed(0)} ms`)

const race = Effect.fnUntraced(function* (name: string, { json, html, trace, ...given }: Given) {
  const screen = yield* Screen
  const cores = availableParallelism()
  const asked = yield* Scenarios.valuesOf(tasks[name]!.parameters, given, `race ${name}`)
  const values = { n: asked.n, tasks: asked.tasks, cores: Math.min(cores, asked.cores) }
  const [Ways, Work, Stage, { Machine }, RealMachine] = yield* Effect.promise(() =>
    Promise.all([
      import("@simul/core/scenario/Ways"),
      import("@simul/core/scenario/Work"),
      import("@simul/core/scenario/Stage"),
      import("@simul/core/scenario/Machine"),
      import("@simul/core/node/RealMachine")
    ])
  )
  const works = Array.from({ length: values.tasks }, (_, index) => ({
    lane: `F ${index + 1}`,
    work: Work.fibonacci(values.n)
  }))
  const stage = Stage.make()
  if (!json) screen.note(`F(${values.n}) ${values.tasks} times, ${values.cores} of ${cores} cores`)
  const rows: Array<ReadonlyArray<string>> = [["way", "wall", "CPU", "longest stall", "times as fast"]]
  // compiled before the first way is timed
  Work.perform(Work.fibonacci(20_000))
  let firstMs = 0
  for (const way of Ways.ways) {
    const { wallMs, stallMs, cpuMs, results } = yield* Ways.run(way, works, values.cores).pipe(
      Effect.provideService(Machine, RealMachine.make(workTask)),
      Effect.provideService(Stage.Stage, stage)
    )
    if (firstMs === 0) firstMs = wallMs
    if (json) yield* screen.data(`${JSON.stringify({ way, wallMs, cpuMs, stallMs, result: results[0] })}\n`)
    rows.push([way, milliseconds(wallMs), milliseconds(cpuMs), milliseconds(stallMs), (firstMs / wallMs).toFixed(2)])
  }
  if (!json) yield* screen.data(`${aligned(rows, [0]).join("\n")}\n`)
  yield* Scenarios.writeFiles(stage.events, { html, trace })
})

// an argument, so that a name which is no task comes here
const anyName = Argument.String("task").pipe(Argument.optional)

export const command = Command.make("race", { name: anyName }, ({ name }) =>
  Effect.fail(
    UsageError.of(
      Option.isSome(name) ? `no such task: ${name.value}` : "race needs a task",
      ...Object.keys(tasks).map((name) => `\`simul race ${name}\``)
    )
  )
).pipe(
  Command.withDescription("Race the same work: sequential, cooperative, on threads, on processes."),
  Command.withShortDescription("Time work on threads and processes"),
  Command.withSubcommands(
    Object.entries(tasks).map(([name, { parameters }]) =>
      Command.make(name, { ...Scenarios.flagsOf(parameters), ...flags }, (given) => race(name, given as Given)).pipe(
        Command.withDescription("Large Fibonacci numbers: wall time, CPU time, how long the event loop stood still."),
        Command.withShortDescription("Large Fibonacci numbers: wall time, CPU time, longest stall")
      )
    )
  ),
  Command.withExamples([{ command: "simul race fibonacci --tasks 8" }])
)
