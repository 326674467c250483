/**
 * `simul shell`: one page, and a prompt to try selectors on it. What is found
 * goes to standard output, a line each; prompts and complaints to standard
 * error, so it can be driven through pipes.
 */
import type { Page } from "@simul/scraper/extract/Page"
import { defaults } from "@simul/scraper/Options"
import { OptionUnusable } from "@simul/scraper/RunError"
import * as Url from "@simul/scraper/Url"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fs from "node:fs"
import { createInterface } from "node:readline"
import { join } from "node:path"
import * as tty from "node:tty"
import { completer } from "../Completion.ts"
import { Engine } from "../Engine.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { Incomplete } from "../Incomplete.ts"
import { printable } from "../Printable.ts"
import * as PageUrl from "../PageUrl.ts"
import { complaint, Screen } from "../Screen.ts"
import * as TemporaryFolder from "../TemporaryFolder.ts"
import { withoutSecrets, withScheme } from "../TypedUrl.ts"
import { UsageError } from "../UsageError.ts"

const commands = [".links", ".metadata", ".article", ".help", ".exit"]

const help = `a line is a selector: CSS, then what to take, then [] for all that match
  h1            the text of the first <h1>
  a.next@href   an attribute; addresses are made absolute
  .tag[]        the texts of all that match
  article@html  the markup within
or a command
  ${commands.join("  ")}`

interface Source {
  readonly url: string | undefined
  readonly path: string
}

/** Fetches the page of a URL into a directory of its own. */
const fetched = Effect.fnUntraced(function* (url: string) {
  const screen = yield* Screen
  const directory = yield* TemporaryFolder.make
  const options = { ...defaults, directory, naming: { file: "page" } as const }
  const run = yield* (yield* Engine)
    .open({ urls: [url] }, options)
    .pipe(Effect.catchTag("DirectoryUnusable", (error) => Effect.fail(TemporaryFolder.unusable(error))))
  const [outcome] = yield* Stream.runCollect(run.outcomes)
  if (outcome?._tag === "Saved") return { url: outcome.finalUrl ?? outcome.url, path: join(directory, outcome.path) }
  const why = outcome !== undefined && "error" in outcome ? outcome.error.message : "no answer"
  screen.note(complaint(screen.paint, `${printable(Url.redact(url))}: ${printable(why)}`))
  return yield* new Incomplete()
})

const open = Effect.fnUntraced(function* (target: string, given: string | undefined) {
  const meant = fs.existsSync(target) ? undefined : withScheme(target)
  if (meant !== undefined)
    return yield* UsageError.of(`no such file or directory: ${withoutSecrets(target)}`, `did you mean \`${meant}\`?`)
  const isUrl = /^https?:\/\//i.test(target)
  const source: Source = isUrl ? yield* fetched(target) : { url: given, path: target }
  const [Page, Pages] = yield* Effect.promise(() =>
    Promise.all([import("@simul/scraper/extract/Page"), import("../Pages.ts")])
  )
  const [saved] = yield* Stream.runCollect(Stream.take(Pages.under([source.path], source.url), 1))
  const unusable = (detail: string) =>
    new OptionUnusable({ option: "shell", value: isUrl ? Url.redact(target) : target, detail })
  if (saved === undefined) return yield* unusable("no page there")
  const { url = saved.url } = source
  const page = Result.flatMap(saved.body, (bytes) => Page.fromBytes(bytes, { ...saved, url }))
  if (Result.isFailure(page)) return yield* unusable(page.failure.message)
  return page.success
})

/** What a line gives. Fails with what is wrong with it. */
const answer = async (line: string, page: Page): Promise<Result.Result<string, string>> => {
  const shown = (value: unknown) => Result.succeed(`${JSON.stringify(value, undefined, 2)}\n`)
  switch (line) {
    case ".help":
      return Result.succeed(`${help}\n`)
    case ".links": {
      const links = (await import("@simul/scraper/extract/Hyperlinks")).of(page)
      return Result.succeed(links.map(({ url, text }) => `${printable(url)}\t${printable(text)}\n`).join(""))
    }
    case ".metadata":
      return shown((await import("@simul/scraper/extract/Metadata")).of(page))
    case ".article": {
      const article = (await import("@simul/scraper/extract/Article")).of(page)
      return article === null ? Result.fail("no main text") : shown(article)
    }
  }
  const Selector = await import("@simul/scraper/extract/Selector")
  const selector = Selector.parse(line)
  if (Result.isFailure(selector)) return Result.fail(selector.failure.message)
  const found = Selector.select(selector.success, page)
  if (found === null) return Result.fail("nothing matches")
  if (typeof found === "string") return Result.succeed(`${printable(found)}\n`)
  return found.length === 0
    ? Result.fail("nothing matches")
    : Result.succeed(found.map((text) => `${printable(text)}\n`).join(""))
}

/** What follows begins a line of its own, and not behind the prompt. */
const leaveLine = () => process.stderr.write("\n")

/** Where lines come from while the page is on standard input: the terminal itself. */
const terminal = Effect.acquireRelease(
  Effect.try({
    try: () => new tty.ReadStream(fs.openSync("/dev/tty", "r")),
    catch: () =>
      UsageError.of(
        "the page is on standard input, and there is no terminal to ask for selectors",
        "`simul extract - --select NAME=SELECTOR` takes them from the command line"
      )
  }),
  (opened) => Effect.sync(() => opened.destroy())
)

/** Lines are answered in their order, each when the one before it is. `url`: of the page on standard input. */
export const shell = Effect.fnUntraced(function* (
  target: string,
  url: string | undefined,
  given: NodeJS.ReadableStream,
  quiet: boolean
) {
  const screen = yield* Screen
  const input: NodeJS.ReadableStream = target === "-" ? yield* terminal : given
  const page = yield* open(target, url)
  const isTerminal = "isTTY" in input && input.isTTY === true
  const lines = yield* Effect.acquireRelease(
    Effect.sync(() =>
      createInterface({
        input,
        prompt: "> ",
        ...(isTerminal ? { output: process.stderr, terminal: true, completer: completer(page, commands) } : {})
      })
    ),
    (lines) => Effect.sync(() => lines.off("close", leaveLine).close())
  )
  if (!quiet) {
    const name = printable(page.url === undefined ? (page.path ?? target) : Url.redact(page.url))
    screen.note(`${name}: a selector, or ${screen.paint.cyan(".help")}`)
  }
  // Ctrl-C drops a line that was begun; else it leaves, as it leaves every command
  lines.on("SIGINT", () => {
    leaveLine()
    if (lines.line === "") return process.kill(process.pid, "SIGINT")
    lines.write(null, { ctrl: true, name: "e" })
    lines.write(null, { ctrl: true, name: "u" })
  })
  // Ctrl-D
  if (isTerminal) lines.on("close", leaveLine)
  const prompt = () => {
    if (isTerminal) lines.prompt()
  }
  prompt()
  yield* Stream.fromAsyncIterable(lines as AsyncIterable<string>, (error) => error).pipe(
    Stream.orDie,
    Stream.map((line) => line.trim()),
    Stream.takeWhile((line) => line !== ".exit"),
    Stream.runForEach((line) =>
      Effect.gen(function* () {
        if (line !== "") {
          const said = yield* Effect.promise(() => answer(line, page))
          if (Result.isSuccess(said)) yield* screen.data(said.success)
          else screen.note(complaint(screen.paint, printable(said.failure)))
        }
        prompt()
      })
    )
  )
}, Effect.scoped)

export const command = Command.make(
  "shell",
  {
    page: Argument.String("page").pipe(Argument.withDescription("A URL, a saved page, or - for a page on stdin")),
    url: PageUrl.flag
  },
  Effect.fnUntraced(function* ({ page, url }) {
    yield* shell(page, yield* PageUrl.settle(url, [page]), process.stdin, yield* GlobalFlags.quiet)
  })
).pipe(
  Command.withDescription(`Open a page and try selectors on it.\n\n${help[0]!.toUpperCase()}${help.slice(1)}`),
  Command.withShortDescription("Try selectors on a page"),
  Command.withExamples([
    { command: "simul shell https://example.com/" },
    { command: "echo 'h1' | simul shell pages/example.com/index.html -q", description: "One answer, in a script" }
  ])
)
