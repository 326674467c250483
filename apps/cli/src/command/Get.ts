/**
 * `simul get`: URLs to files. Settles what is asked, runs the engine, shows the
 * run, and says how it ended.
 */
import * as Report from "@simul/scraper/Report"
import type * as Get from "@simul/scraper/Get"
import { complete, defaults, type Options } from "@simul/scraper/Options"
import type { Outcome } from "@simul/scraper/Outcome"
import { toJson } from "@simul/scraper/Outcome"
import * as Proxies from "@simul/scraper/session/Proxies"
import * as Url from "@simul/scraper/Url"
import * as WrittenItself from "@simul/scraper/sink/WrittenItself"
import * as OpenFiles from "@simul/scraper/store/OpenFiles"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { createReadStream, createWriteStream, existsSync, fstatSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Engine } from "../Engine.ts"
import { text } from "../FlagKinds.ts"
import * as Flags from "../Flags.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { Incomplete } from "../Incomplete.ts"
import { printable } from "../Printable.ts"
import type { Plan } from "../Plan.ts"
import * as Progress from "../Progress.ts"
import { complaint, Screen, warning } from "../Screen.ts"
import * as Settings from "../Settings.ts"
import { pathWord } from "../ShellWord.ts"
import * as Sizes from "../Sizes.ts"
import * as Summary from "../Summary.ts"
import * as TemporaryFolder from "../TemporaryFolder.ts"
import { withoutSecrets, withScheme } from "../TypedUrl.ts"
import { UsageError } from "../UsageError.ts"

/** What came on the command line, next to the settings. */
interface Request {
  readonly urls: ReadonlyArray<string>
  readonly input: Option.Option<string>
  readonly output: Option.Option<string>
  /** `--out` stands on the command line itself. */
  readonly outGiven: boolean
  readonly settings: Settings.Values<typeof Flags.transfer>
  readonly quiet: boolean
  readonly verbose: number
}

const example = "for example: `simul get https://example.com/ -o pages`"

const usage = (message: string, ...hints: ReadonlyArray<string>) => Effect.fail(UsageError.of(message, ...hints))

/** A URL that someone typed gets more help than one in a list: it is checked before anything starts. */
export const checkUrl = (text: string, way = example): Effect.Effect<void, UsageError> => {
  const url = Url.given(text)
  if (typeof url === "string") return Effect.void
  if (/^\s*https?:/i.test(text)) return usage(url.detail, way)
  return usage(`no http(s) URL: ${withoutSecrets(text)}`, meantUrl(text) ?? way)
}

/** The hint at what begins like a host. */
const meantUrl = (text: string): string | undefined => {
  const url = withScheme(text)
  return url && `did you mean \`${url}\`?`
}

/**
 * A flag that changes nothing without another is a mistake. Where a settings file or the environment says the same, it
 * waits for a run that it is about.
 */
export const checkIdle = (
  { warcSize, maxDelay }: Pick<Settings.Given<typeof Flags.transfer>, "warcSize" | "maxDelay">,
  { format, adaptive }: Pick<Settings.Values<typeof Flags.transfer>, "format" | "adaptive">
): Effect.Effect<void, UsageError> => {
  if (Option.isSome(warcSize) && format !== "warc")
    return usage("`--warc-size` is about archives, and none are made", "add `--format warc`, or leave it away")
  if (Option.isSome(maxDelay) && adaptive === undefined)
    return usage(
      "`--max-delay` bounds what `--adaptive` does, and that is off",
      "add `--adaptive 1`; `--delay` is a pause of its own"
    )
  return Effect.void
}

/** The options that the settings of a fetch say. */
export const optionsOf = (settings: Omit<Settings.Values<typeof Flags.transfer>, "flat" | "denyPrivate">): Options =>
  complete(defaults, {
    directory: settings.out,
    format: settings.format,
    archiveBytes: settings.warcSize,
    jobs: settings.jobs,
    perHost: settings.perHost,
    delayMs: settings.delay,
    maxDelayMs: settings.maxDelay,
    robots: settings.robots,
    retries: settings.retries,
    timeoutMs: settings.timeout,
    connectTimeoutMs: settings.connectTimeout,
    userAgent: settings.userAgent,
    headers: settings.header,
    insecure: settings.insecure,
    refresh: settings.refresh,
    durability: settings.durability,
    adaptive: settings.adaptive,
    rate: settings.rate,
    maxTimeMs: settings.maxTime,
    maxSize: settings.maxSize,
    proxy: settings.proxy,
    cacert: settings.cacert,
    cookieJar: settings.cookieJar
  })

/** Checks what does not fit together; nothing has been done when it fails. */
export const settle = Effect.fnUntraced(function* (request: Request): Effect.fn.Return<Plan, UsageError> {
  const { urls, settings } = request
  const input = Option.getOrUndefined(request.input)
  const output = Option.getOrUndefined(request.output)
  // curl's takes no value
  if (output !== undefined && URL.parse(output)?.host) {
    const names = "`simul get --flat URL` names the file as curl's `-O` does, `simul get -O FILE URL` as you say"
    return yield* usage(`\`-O\` takes a file, not a URL: ${withoutSecrets(output)}`, names)
  }
  if (urls.length === 0 && input === undefined) {
    return yield* usage("no URL given", example, "`simul get -i urls.txt` reads them from a file, `-i -` from stdin")
  }
  if (urls.length > 0 && input !== undefined) {
    return yield* usage("URLs and `-i` cannot be combined", "put the URLs into the list, or run twice")
  }
  // Node gives a folder as a stream that is at its end
  if (input === "-" && fstatSync(0).isDirectory()) {
    return yield* usage("standard input is a folder, not a list of URLs", "`simul get -i - < urls.txt` reads a file")
  }
  if (output !== undefined) {
    if (input !== undefined || urls.length > 1) {
      const what = input === undefined ? `${urls.length} URLs were given` : "`-i` gives a list"
      return yield* usage(`\`-O\` takes one URL, ${what}`, "`-o DIR` saves many, each under its own name")
    }
    if (request.outGiven) return yield* usage("`-O` and `-o` cannot be combined", "give the whole path: `-O DIR/FILE`")
    if (output === "" || /[/\\]$/.test(output) || (output !== "-" && existsSync(`${output}/.`))) {
      return yield* usage("`-O` takes a file, not a directory", "`-o DIR` saves into a directory")
    }
    if (output === "-" && settings.json) {
      return yield* usage("`-O -` and `--json` both write to stdout", "give `-O` a file")
    }
  }
  if (settings.format === "warc" && (output !== undefined || settings.flat)) {
    const flag = output === undefined ? "--flat" : "-O"
    return yield* usage(`\`${flag}\` names files, \`--format warc\` makes none`, "leave one of the two away")
  }
  // a folder is none: what was saved lies in one that is named for its host
  const list = urls.find((url) => !URL.canParse(url) && existsSync(url) && !existsSync(`${url}/.`))
  if (list !== undefined) {
    const file = printable(list)
    const hint = `did you mean \`-i ${pathWord(file)}\`?`
    return yield* usage(`no http(s) URL, but a file: ${file}`, ...[hint, meantUrl(list) ?? []].flat())
  }
  yield* Effect.forEach(urls, (url) => checkUrl(url), { discard: true })

  const { flat, json, progress, timeline } = settings
  const options = optionsOf(settings)
  const toFile = output !== undefined && output !== "-"
  const name = toFile ? WrittenItself.nameOf(output) : undefined
  return {
    source: input === undefined ? { urls } : input === "-" ? { bytes: process.stdin } : { file: input },
    options: {
      ...options,
      denyPrivate: settings.denyPrivate,
      ...(name === undefined ? {} : { directory: dirname(name) }),
      naming: name !== undefined ? { file: basename(name) } : flat ? "flat" : "tree",
      // A server may name the file only where no path of the URL is kept and nobody named it.
      serverNames: options.format === "files" && output === undefined && (flat || urls.length === 1)
    },
    single: urls.length === 1,
    toStdout: output === "-",
    ...(toFile && name === undefined ? { stream: output } : {}),
    json,
    progress,
    quiet: request.quiet,
    verbose: request.verbose,
    timeline
  }
})

/** How the run is shown: not beside data on the same terminal, unless it was asked for. */
const kindOf = (plan: Plan, screen: Screen["Service"]): Progress.Kind => {
  if (plan.quiet) return "none"
  if (plan.progress === "bar") return screen.animated ? "bar" : "plain"
  if (plan.progress !== "auto") return plan.progress
  if (plan.json) return "none"
  return screen.animated ? "bar" : "plain"
}

const line = (outcome: Outcome): string => {
  switch (outcome._tag) {
    case "Saved":
      return `saved      ${outcome.url}  ${outcome.path} (${Sizes.format(outcome.bytes)})`
    case "Unchanged":
      return `unchanged  ${outcome.url}  ${outcome.path}`
    case "Refused":
      return `refused    ${outcome.url}  ${outcome.error.message}`
    case "Failed":
      return `failed     ${outcome.url}  ${outcome.error.message}`
  }
}

/** Runs a plan to its end. Fails with `Incomplete` when some target has no file. */
const fetch = Effect.fnUntraced(function* (plan: Plan) {
  const screen = yield* Screen
  const engine = yield* Engine
  const { paint } = screen
  if (plan.options.insecure) {
    screen.note(
      warning(
        paint,
        "certificates are not verified (--insecure): anyone on the way can read and change what is fetched"
      )
    )
  }
  const { jobs, mostFiles } = OpenFiles.affordable(plan.options.jobs)
  if (mostFiles !== undefined && jobs > 0 && !plan.quiet) {
    screen.note(
      warning(
        paint,
        `this process may have ${Progress.number(mostFiles)} files open (\`ulimit -n\`): ` +
          `${Summary.plural(jobs, "transfer")} at once, not ${Progress.number(plan.options.jobs)}`
      )
    )
  }
  if ("bytes" in plan.source && process.stdin.isTTY && !plan.quiet) {
    screen.note("reading URLs from the terminal, one a line; Ctrl-D ends the list")
  }

  const fold = Report.make()
  let run: Get.Run | undefined
  let only: Outcome | undefined
  const take = (outcomes: ReadonlyArray<Outcome>): Effect.Effect<void> => {
    for (const outcome of outcomes) {
      fold.add({ outcome })
      only = outcome
      const bad = outcome._tag === "Failed" || outcome._tag === "Refused"
      if (plan.verbose > (bad ? 0 : 1) && !plan.json) screen.note(printable(line(outcome)))
    }
    if (!plan.json || outcomes.length === 0) return Effect.void
    return screen.data(outcomes.map((outcome) => `${JSON.stringify(toJson(outcome))}\n`).join(""))
  }
  const summarise = (interrupted: boolean): string => {
    const report = fold.result()
    return Summary.render(
      {
        report,
        progress: run!.progress(),
        directory: plan.options.directory,
        interrupted,
        format: plan.options.format,
        keepsCookies: plan.options.cookieJar !== undefined,
        hasProxy: Proxies.areNamed(plan.options.proxy, process.env),
        ...(plan.single && only !== undefined ? { only } : {}),
        ...(only !== undefined && "path" in only
          ? { file: plan.stream ?? join(plan.options.directory, only.path) }
          : {})
      },
      screen.columns(),
      paint
    )
  }

  yield* Effect.gen(function* () {
    const kind = kindOf(plan, screen)
    run = yield* engine
      .open(plan.source, {
        ...plan.options,
        onCheck: Progress.checks(kind, screen),
        // nothing is left to wait for, so it is written at once
        ...(plan.json ? { onUntaken: (outcomes) => void Effect.runFork(take(outcomes)) } : {})
      })
      .pipe(Effect.ensuring(Effect.sync(() => screen.block([]))))
    yield* Progress.show(kind, run.progress, screen, plan.options.directory).pipe(
      Effect.andThen(Stream.runForEachArray(run.outcomes, take)),
      // The progress ends before the summary is written.
      Effect.scoped
    )
  }).pipe(
    Effect.onInterrupt(() =>
      Effect.sync(() => {
        if (screen.readerGone()) return
        const gone = run?.gone()
        if (gone !== undefined) return screen.note(complaint(paint, gone.message, [gone.hint]))
        screen.note(
          run === undefined || plan.quiet
            ? `${paint.yellow("interrupted")}: run the same command again to resume`
            : summarise(true)
        )
      })
    )
  )

  const report = fold.result()
  const invalid = run === undefined ? 0 : Summary.knownInvalid({ report, progress: run.progress(), interrupted: false })
  const lost = report.failed + report.refused + invalid
  if (lost === 0) {
    if (!plan.quiet && !plan.toStdout) screen.note(summarise(false))
    return
  }
  const short = plan.quiet && !plan.single
  screen.note(
    short
      ? complaint(paint, `${lost} of ${Summary.plural(report.targets + invalid, "URL")} not saved`)
      : summarise(false)
  )
  return yield* new Incomplete()
}, Effect.scoped)

/** Through a directory of its own, so that a body that breaks off never reaches the pipe. */
const fetchThrough = (plan: Plan) =>
  Effect.gen(function* () {
    const screen = yield* Screen
    const directory = yield* TemporaryFolder.make
    yield* fetch({ ...plan, options: { ...plan.options, directory, naming: { file: "body" } } }).pipe(
      Effect.catchTag("DirectoryUnusable", (error) => Effect.fail(TemporaryFolder.unusable(error)))
    )
    const body = createReadStream(join(directory, "body"))
    const { stream } = plan
    if (stream !== undefined) {
      const { open, placeFor, unwritable } = yield* Effect.promise(() => import("../OutputFile.ts"))
      return yield* Effect.tryPromise({
        try: (signal) => pipeline(body, createWriteStream(stream, { fd: open(placeFor(stream)) }), { signal }),
        catch: unwritable("-O", stream)
      })
    }
    yield* Stream.runForEach(
      Stream.fromAsyncIterable(body as AsyncIterable<Uint8Array>, TemporaryFolder.unusable),
      screen.data
    )
  }).pipe(Effect.scoped)

/** Does what was planned so that one can look into it, with its timeline where that is asked for. */
export const perform = Effect.fnUntraced(function* (planned: Plan) {
  const { watched } = yield* Effect.promise(() => import("../Watched.ts"))
  const work = Effect.fnUntraced(function* (plan: Plan) {
    yield* plan.toStdout || plan.stream !== undefined ? fetchThrough(plan) : fetch(plan)
  })
  const run = (plan: Plan) => watched(work(plan), plan)
  const { timeline } = planned
  if (timeline === undefined) return yield* run(planned)
  const { record } = yield* Effect.promise(() => import("../TimelineFile.ts"))
  yield* record(timeline, planned, run)
})

const urls = Argument.String("url").pipe(Argument.withDescription("URL to fetch"), Argument.variadic())
// a second one is no other word for the first, but a list that would be left out
const input = Flag.String("input").pipe(
  Flag.withAlias("i"),
  Flag.withMetavar("FILE"),
  Flag.withDescription("Read URLs from FILE, one a line; - is stdin"),
  Flag.optional
)
const output = text("output", "FILE", "One URL only: into this file; - is stdout").pipe(Flag.withAlias("O"))

export const get = Command.make(
  "get",
  { urls, input, output, settings: Settings.flags(Flags.transfer) },
  Effect.fnUntraced(function* ({ urls, input, output, settings: given }) {
    const sources = yield* Settings.sources(yield* GlobalFlags.config, Flags.names)
    const settings = yield* Effect.fromResult(Settings.resolve(Flags.transfer, given, sources))
    yield* checkIdle(given, settings)
    yield* perform(
      yield* settle({
        urls,
        input,
        output,
        outGiven: Option.isSome(given.out),
        settings,
        quiet: yield* GlobalFlags.quiet,
        verbose: yield* GlobalFlags.verbose
      })
    )
  })
).pipe(
  Command.withDescription(
    "Fetch URLs to files.\n\nRun the same command again to resume: what is saved is skipped, what failed\nis tried again. A file has its final name only when its body is whole."
  ),
  Command.withShortDescription("Fetch URLs to files"),
  Command.withExamples([
    { command: "simul get https://example.com/a.pdf", description: "One file, to ./example.com/a.pdf" },
    { command: "simul get -i urls.txt -o pages", description: "A list, into ./pages" },
    { command: "simul get -i urls.txt -o archive --format warc", description: "A list, into archive/*.warc.gz" },
    { command: "simul get https://example.com/a.json -O - | jq .", description: "Into a pipe, whole or not at all" },
    {
      command: "simul get -i - --json < urls.txt | jq -r 'select(.error).url'",
      description: "Which URLs failed"
    }
  ])
)
