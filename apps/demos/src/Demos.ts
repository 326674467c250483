/**
 * The program: lists the scenarios, or plays one. `run` gives its exit status: 0 all predictions hold, 1 one does not,
 * 2 it was asked for something that is not there.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util"
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline/promises"
import { resolve } from "node:path"
import * as RealMachine from "@simul/core/node/RealMachine"
import { Machine } from "@simul/core/scenario/Machine"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import type { StageEvent } from "@simul/core/scenario/Stage"
import * as ScenarioText from "@simul/core/scenario/ScenarioText"
import * as Timeline from "@simul/core/Timeline"
import * as TimelineHtml from "@simul/core/TimelineHtml"
import * as TimelineText from "@simul/core/TimelineText"
import * as TimelineTrace from "@simul/core/TimelineTrace"
import * as Effect from "effect/Effect"
import { chapters, fetching, scenarios } from "./Chapters.ts"
import * as Live from "./Live.ts"
import { Web } from "./Web.ts"

/** What the program talks to. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & {
    readonly isTTY?: boolean
    readonly columns?: number
    readonly rows?: number
  }
  readonly stderr: NodeJS.WritableStream
  /** Relative paths start here. */
  readonly directory: string
}

const flags = {
  virtual: { type: "boolean", description: "in virtual time: at once, the same bytes each time" },
  predict: { type: "boolean", description: "asks for your prediction first" },
  compare: { type: "boolean", description: "pictures beside each other" },
  speed: { type: "string", metavar: "X", description: "shows the virtual run X times as fast as its clock" },
  seed: { type: "string", metavar: "N", description: "what chance decides in a virtual run [1]" },
  html: { type: "string", metavar: "FILE", description: "writes the timeline as one page" },
  trace: { type: "string", metavar: "FILE", description: "writes the timeline for ui.perfetto.dev" },
  json: { type: "boolean", description: "parameters, predictions and measured numbers as JSON" },
  all: { type: "boolean", description: "plays everything virtually, a line each" },
  help: { type: "boolean", short: "h", description: "this" }
} as const

/** Asked for something that is not there. */
class Misuse extends Error {
  readonly hint: string
  constructor(message: string, hint: string) {
    super(message)
    this.hint = hint
  }
}

const call = "pnpm --filter demos start"

const widest = Math.max(...scenarios.map(({ name }) => name.length))

const contents = () =>
  [
    "Experiments on concurrency: predict, run, compare.",
    ...chapters.flatMap(({ title, scenarios }) => [
      "",
      title,
      ...scenarios.map(({ name, title }) => `  ${name.padEnd(widest)}  ${title}`)
    ]),
    "",
    `  ${call} chess --virtual          at once, in virtual time`,
    `  ${call} chess --opponents 20     for real, drawn while it runs`,
    `  ${call} chess --help             what can be turned`,
    ""
  ].join("\n")

const help = ({ name, title, parameters }: Scenario.Scenario) => {
  const rows = [
    ...Object.entries(parameters as Parameter.Parameters).map(([name, parameter]) => [
      `--${name} N`,
      `${parameter.description}: ${Parameter.expected(parameter)} [${parameter.default}]`
    ]),
    ...Object.entries(flags).map(([name, flag]) => [
      `--${name}${"metavar" in flag ? ` ${flag.metavar}` : ""}`,
      flag.description
    ])
  ]
  const width = Math.max(...rows.map(([flag]) => flag!.length))
  return [
    title,
    "",
    `${call} ${name} [flags]`,
    "",
    ...rows.map(([flag, text]) => `  ${flag!.padEnd(width)}  ${text}`),
    ""
  ].join("\n")
}

const find = (name: string): Scenario.Scenario => {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  const near = scenarios.map(({ name }) => name).filter((one) => one.includes(name) || name.includes(one))
  throw new Misuse(
    `there is no demo called \`${name}\``,
    near.length > 0 ? `did you mean ${near.map((one) => `\`${one}\``).join(" or ")}?` : `\`${call}\` lists them`
  )
}

const read = (args: ReadonlyArray<string>) => {
  const name = args.find((arg) => !arg.startsWith("-"))
  const scenario = name === undefined ? undefined : find(name)
  const parameters = (scenario?.parameters ?? {}) as Parameter.Parameters
  const options: ParseArgsOptionsConfig = { ...flags }
  for (const parameter of Object.keys(parameters)) options[parameter] = { type: "string" }
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    if (positionals.length > 1)
      throw new Misuse(`one demo at a time, got \`${positionals.join(" ")}\``, `\`${call}\` lists them`)
    const turned = Object.entries(values).filter(([name]) => name in parameters) as ReadonlyArray<[string, string]>
    return {
      scenario,
      parameters: Parameter.parse(parameters, Object.fromEntries(turned)),
      flags: values as {
        readonly [K in keyof typeof flags]?: (typeof flags)[K]["type"] extends "string" ? string : boolean
      }
    }
  } catch (error) {
    const hint = `\`${call}${name === undefined ? "" : ` ${name}`} --help\` lists what can be turned`
    if (error instanceof Parameter.ParameterError) throw new Misuse(error.message, hint)
    if (error instanceof TypeError) throw new Misuse(error.message.split(". ")[0]!, hint)
    throw error
  }
}

const positive = (flag: string, text: string) => {
  const value = Number(text)
  if (!(value > 0)) throw new Misuse(`--${flag} must be a number above 0, got ${text}`, `for example --${flag} 10`)
  return value
}

const ask = async (terminal: Terminal): Promise<string> => {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stdout })
  try {
    return await lines.question("Your prediction: ")
  } finally {
    lines.close()
  }
}

const judged = (guess: string, { question }: Scenario.Scenario, { measured, checks }: Scenario.Played): string => {
  const answer = measured[question.answer]
  const unit = checks.find(({ key }) => key === question.answer)?.unit ?? ""
  const number = Number.parseFloat(guess)
  if (typeof answer !== "number" || Number.isNaN(number))
    return `You said ${guess.trim() || "nothing"}; it is ${answer}.\n\n`
  const off = answer === 0 ? Math.abs(number) : Math.abs(number / answer - 1)
  const share = answer === 0 ? `off by ${number}` : `off by ${(100 * off).toFixed(0)} %`
  return `You said ${number} ${unit}, it is ${Number(answer.toPrecision(4))} ${unit}: ${off < 0.05 ? "right" : share}.\n\n`
}

const everything = async (terminal: Terminal, seed: number): Promise<number> => {
  let status = 0
  for (const scenario of scenarios) {
    const played = await Effect.runPromise(
      Scenario.playVirtually(scenario, Parameter.defaults(scenario.parameters), { seed })
    )
    const judged = played.checks.filter(({ holds }) => holds !== undefined)
    const wrong = judged.filter(({ holds }) => !holds)
    if (wrong.length > 0) status = 1
    terminal.stdout.write(
      `${wrong.length === 0 ? "✔" : "✖"} ${scenario.name.padEnd(widest)} ${judged.length - wrong.length} of ${judged.length}${wrong.map(({ what }) => `, not: ${what}`).join("")}\n`
    )
  }
  return status
}

/** Plays on this machine, with a site on loopback for those who fetch. */
const really = (
  scenario: Scenario.Scenario,
  parameters: Scenario.Played["parameters"],
  listen: (event: StageEvent) => void
) =>
  Effect.gen(function* () {
    const played = Effect.provideService(
      Scenario.playReally(scenario, parameters, { listen }),
      Machine,
      RealMachine.make()
    )
    if (!fetching.includes(scenario)) return yield* played
    const { make } = yield* Effect.promise(() => import("./node/RealWeb.ts"))
    return yield* Effect.provideService(played, Web, Effect.succeed(yield* make))
  }).pipe(Effect.scoped)

const play = async (terminal: Terminal, { scenario, parameters, flags }: ReturnType<typeof read>): Promise<number> => {
  const seed = flags.seed === undefined ? 1 : positive("seed", flags.seed)
  if (flags.all === true) return everything(terminal, seed)
  if (scenario === undefined) {
    terminal.stdout.write(contents())
    return 0
  }
  if (flags.help === true) {
    terminal.stdout.write(help(scenario))
    return 0
  }
  const options = { ...TimelineText.optionsFor(terminal.env, terminal.stdout), compare: flags.compare === true }
  const write = (text: string) => {
    if (flags.json !== true) terminal.stdout.write(text)
  }
  const speed = flags.speed === undefined ? undefined : positive("speed", flags.speed)
  write(`${ScenarioText.opening(scenario, parameters, options)}\n`)
  const guess = flags.predict === true && flags.json !== true ? await ask(terminal) : undefined
  const isDrawn = terminal.stdout.isTTY === true && flags.json !== true
  const live = Live.make(terminal.stdout, options)
  const played = await Effect.runPromise(
    flags.virtual === true || speed !== undefined
      ? Scenario.playVirtually(scenario, parameters, { seed })
      : really(scenario, parameters, isDrawn ? live.listen : () => {})
  )
  live.stop()
  if (speed !== undefined && isDrawn) await live.replay(played.events, speed)
  write(`${ScenarioText.pictures(played, options)}\n`)
  if (guess !== undefined) write(judged(guess, scenario, played))
  write(ScenarioText.reveal(scenario, played, options))
  if (flags.json === true) {
    const { mode, parameters, checks } = played
    terminal.stdout.write(`${JSON.stringify({ name: scenario.name, mode, parameters, checks })}\n`)
  }
  const files = [
    [flags.html, (timeline: Timeline.Timeline) => TimelineHtml.render(timeline)],
    [flags.trace, (timeline: Timeline.Timeline) => [...TimelineTrace.render(timeline)].join("")]
  ] as const
  for (const [file, render] of files)
    if (file !== undefined) {
      try {
        writeFileSync(resolve(terminal.directory, file), render(Timeline.beside(played.timelines)))
      } catch (error) {
        throw new Misuse(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`, "name another file")
      }
      terminal.stderr.write(`timeline: ${file}\n`)
    }
  return played.checks.some(({ holds }) => holds === false) ? 1 : 0
}

/** One run, from arguments to exit status. */
export const run = async (args: ReadonlyArray<string>, terminal: Terminal): Promise<number> => {
  try {
    return await play(terminal, read(args))
  } catch (error) {
    if (!(error instanceof Misuse)) throw error
    terminal.stderr.write(`error: ${error.message}\n\nhint: ${error.hint}\n`)
    return 2
  }
}
