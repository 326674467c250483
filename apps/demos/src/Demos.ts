/**
 * The program: lists the scenarios, or plays one. `run` gives its exit status: 0 all that is judged holds, 1 one does not,
 * 2 it was asked for something that is not there, 3 a real run was not over in time.
 */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util"
import { writeFileSync } from "node:fs"
import { createInterface } from "node:readline/promises"
import { resolve } from "node:path"
import * as Parameter from "@simul/core/scenario/Parameter"
import * as Scenario from "@simul/core/scenario/Scenario"
import * as ScenarioText from "@simul/core/scenario/ScenarioText"
import * as Stage from "@simul/core/scenario/Stage"
import * as Timeline from "@simul/core/Timeline"
import * as TimelineHtml from "@simul/core/TimelineHtml"
import * as TimelineText from "@simul/core/TimelineText"
import * as TimelineTrace from "@simul/core/TimelineTrace"
import * as Effect from "effect/Effect"
import { chapters, scenarios } from "./Chapters.ts"
import * as Guess from "./Guess.ts"
import * as Live from "./Live.ts"
import * as RealRun from "./node/RealRun.ts"

/** What the program talks to. */
interface Terminal {
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
  /** Ends a real run, or the serving of the page. */
  readonly signal?: AbortSignal
}

const flags = {
  virtual: { type: "boolean", description: "in virtual time: at once, the same bytes each time" },
  predict: { type: "boolean", description: "asks for your prediction first" },
  compare: { type: "boolean", description: "pictures beside each other" },
  speed: { type: "string", metavar: "X", description: "shows the virtual run X times as fast as its clock" },
  seed: { type: "string", metavar: "N", description: "what chance decides in a virtual run [1]" },
  html: { type: "string", metavar: "FILE", description: "writes the timeline as one page" },
  trace: { type: "string", metavar: "FILE", description: "writes the timeline for ui.perfetto.dev" },
  events: { type: "boolean", description: "what happens when it happens, a JSON line each; then what --json says" },
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

/** For whoever has pnpm, and for whoever has nothing but Node. */
const call = "npx -y pnpm@12 --filter demos start"

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
    `  ${call} serve                    all of this as a web page`,
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

/** How many letters must be put in, left out or changed to come from one word to the other (Levenshtein, 1966). */
const distance = (one: string, other: string): number => {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index)
  for (const [index, letter] of Array.from(one).entries()) {
    const next = [index + 1]
    for (let at = 0; at < other.length; at++)
      next.push(Math.min(row[at + 1]! + 1, next[at]! + 1, row[at]! + (letter === other[at] ? 0 : 1)))
    row = next
  }
  return row.at(-1)!
}

const find = (name: string): Scenario.Scenario => {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  const near = scenarios
    .map(({ name }) => name)
    .filter((one) => one.includes(name) || name.includes(one) || distance(one, name) <= 2)
  throw new Misuse(
    `there is no demo called \`${name}\``,
    near.length > 0 ? `did you mean ${near.map((one) => `\`${one}\``).join(" or ")}?` : `\`${call}\` lists them`
  )
}

/** Whatever any demo takes, to tell a demo's name from the value of a flag before it. */
const anyFlag: ParseArgsOptionsConfig = {
  ...Object.fromEntries(
    scenarios.flatMap(({ parameters }) => Object.keys(parameters)).map((name) => [name, { type: "string" }])
  ),
  ...flags
}

/** A number below 0 is the value of the flag before it, not a flag: it is refused by its bounds. */
const signed = (args: ReadonlyArray<string>): Array<string> => {
  const found: Array<string> = []
  for (const arg of args)
    if (/^-[\d.]/.test(arg) && found.at(-1)?.startsWith("--") === true) found.push(`${found.pop()}=${arg}`)
    else found.push(arg)
  return found
}

const read = (given: ReadonlyArray<string>) => {
  const args = signed(given)
  const name = parseArgs({ args, options: anyFlag, strict: false, allowPositionals: true }).positionals[0]
  const scenario = name === undefined ? undefined : find(name)
  const parameters = (scenario?.parameters ?? {}) as Parameter.Parameters
  const options: ParseArgsOptionsConfig = { ...flags }
  for (const parameter of Object.keys(parameters)) options[parameter] = { type: "string" }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
    if (positionals.length > 1)
      throw new Misuse(`one demo at a time, got \`${positionals.join(" ")}\``, `\`${call}\` lists them`)
    const valuesOf = (turnable: Parameter.Parameters) =>
      Object.fromEntries(Object.entries(values).filter(([name]) => name in turnable)) as Record<string, string>
    return {
      scenario,
      parameters: Parameter.parse(parameters, valuesOf(parameters)),
      playing: Parameter.parse(Scenario.playing, valuesOf(Scenario.playing)),
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

const ask = async (terminal: Terminal): Promise<string> => {
  const lines = createInterface({ input: terminal.stdin, output: terminal.stdout })
  try {
    return await lines.question("Your prediction: ")
  } finally {
    lines.close()
  }
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

const pageFlags = {
  port: { type: "string", description: "where on 127.0.0.1 [4680]; 0 takes a free one", metavar: "N" },
  export: {
    type: "string",
    description: "writes the page for a double click or any host; runs are virtual",
    metavar: "DIR"
  },
  help: { type: "boolean", short: "h", description: "this" }
} as const

const pageHelp = [
  "The demos as a web page: it plays them in virtual time in the browser, and for real on this machine.",
  "",
  `${call} serve [flags]`,
  "",
  ...Object.entries(pageFlags).map(
    ([name, flag]) => `  ${`--${name}${"metavar" in flag ? ` ${flag.metavar}` : ""}`.padEnd(14)}${flag.description}`
  ),
  ""
].join("\n")

/** Serves the page until the signal, or writes it. */
const serve = async (args: ReadonlyArray<string>, terminal: Terminal): Promise<number> => {
  const hint = `\`${call} serve --help\` lists what can be turned`
  const { values } = (() => {
    try {
      return parseArgs({ args: signed(args), options: pageFlags })
    } catch (error) {
      throw new Misuse((error as Error).message.split(". ")[0]!, hint)
    }
  })()
  if (values.help === true) {
    terminal.stdout.write(pageHelp)
    return 0
  }
  const Page = await import("./node/Page.ts")
  if (values.export !== undefined) {
    const directory = resolve(terminal.directory, values.export)
    try {
      terminal.stdout.write(
        `${await Page.write(directory)} files in ${directory}: open index.html by a double click, or let any web server host them\n`
      )
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      throw new Misuse(`${values.export} cannot be written (${message})`, "name another directory")
    }
    return 0
  }
  const port = Number(values.port ?? 4680)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Misuse(`--port must be a whole number from 0 to 65535, got ${values.port}`, "0 takes a free one")
  const Server = await import("./node/PageServer.ts")
  try {
    const server = await Server.start(port)
    terminal.stdout.write(`${server.url}\n`)
    terminal.stderr.write("for this machine only; Ctrl-C ends it\n")
    await new Promise<void>((resolve) => terminal.signal?.addEventListener("abort", () => resolve(), { once: true }))
    await server.close()
    return 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error
    throw new Misuse(`port ${port} is taken`, "`--port 0` takes a free one")
  }
}

const play = async (
  terminal: Terminal,
  { scenario, parameters, playing, flags }: ReturnType<typeof read>,
  playReally: typeof RealRun.play
): Promise<number> => {
  const { seed, speed } = playing
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
  const isData = flags.json === true || flags.events === true
  const write = (text: string) => {
    if (!isData) terminal.stdout.write(text)
  }
  const tell = (value: unknown) => terminal.stdout.write(`${JSON.stringify(value)}\n`)
  write(`${ScenarioText.opening(scenario, parameters, options)}\n`)
  const guess = flags.predict === true && !isData ? await ask(terminal) : undefined
  const isDrawn = terminal.stdout.isTTY === true && !isData
  const isVirtual = flags.virtual === true || flags.speed !== undefined
  const live = Live.make(terminal.stdout, options)
  const run: Effect.Effect<Scenario.Played, unknown> = isVirtual
    ? Scenario.playVirtually(scenario, parameters, { seed })
    : playReally(scenario, parameters, flags.events === true ? tell : isDrawn ? live.listen : () => {})
  const played = await Effect.runPromise(run, terminal.signal === undefined ? {} : { signal: terminal.signal }).finally(
    live.stop
  )
  if (isVirtual && flags.events === true) for (const event of played.events) tell(event)
  if (flags.speed !== undefined && isDrawn) await live.replay(played.events, speed)
  const timelines = Stage.timelines(played.events)
  write(`${ScenarioText.pictures(timelines, played.events, options)}\n`)
  const asked = played.checks.find(({ key }) => key === scenario.question.answer)
  if (guess !== undefined && asked !== undefined) write(`${Guess.judge(guess, asked).text}.\n\n`)
  write(ScenarioText.reveal(scenario, played, options))
  if (isData) {
    const { events: _, ...told } = played
    tell({ name: scenario.name, ...told })
  }
  const files = [
    [flags.html, (timeline: Timeline.Timeline) => TimelineHtml.render(timeline)],
    [flags.trace, TimelineTrace.render]
  ] as const
  for (const [file, render] of files)
    if (file !== undefined) {
      try {
        writeFileSync(resolve(terminal.directory, file), render(Timeline.beside(timelines)))
      } catch (error) {
        throw new Misuse(`${file} cannot be written (${(error as NodeJS.ErrnoException).code})`, "name another file")
      }
      terminal.stderr.write(`timeline: ${file}\n`)
    }
  return played.checks.some(({ holds }) => holds === false) ? 1 : 0
}

/** One run, from arguments to exit status. `playReally` plays on this machine. */
export const run = async (
  args: ReadonlyArray<string>,
  terminal: Terminal,
  playReally: typeof RealRun.play = RealRun.play
): Promise<number> => {
  try {
    return args[0] === "serve" ? await serve(args.slice(1), terminal) : await play(terminal, read(args), playReally)
  } catch (error) {
    if (terminal.signal?.aborted === true) return 130
    if (error instanceof Scenario.TooLong) {
      terminal.stderr.write(
        `error: ${error.message}\n\nhint: something on this machine holds it up; \`--virtual\` needs none of it\n`
      )
      return 3
    }
    if (!(error instanceof Misuse)) throw error
    terminal.stderr.write(`error: ${error.message}\n\nhint: ${error.hint}\n`)
    return 2
  }
}
