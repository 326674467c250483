/** `simul crawl`: a site to files, from one page on by its links. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Flags from "../Flags.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import type { Plan } from "../Plan.ts"
import * as Settings from "../Settings.ts"
import { UsageError } from "../UsageError.ts"
import { checkIdle, checkUrl, optionsOf, perform } from "./Get.ts"

const urls = Argument.String("url").pipe(Argument.withDescription("URL to begin with"), Argument.variadic())

const example = "for example: `simul crawl https://example.com/docs/ --scope path -o docs`"

const settle = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  settings: Settings.Values<typeof Flags.crawl>,
  quiet: boolean,
  verbose: number
): Effect.fn.Return<Plan, UsageError> {
  if (urls.length === 0) return yield* UsageError.of("no URL given", example)
  if (settings.mirror && settings.format === "warc")
    return yield* UsageError.of("`--mirror` is made of files, `--format warc` makes none", "leave one of the two away")
  yield* Effect.forEach(urls, (url) => checkUrl(url, example), { discard: true })
  const {
    depth,
    scope,
    include,
    exclude,
    maxPages,
    maxPagesPerHost,
    priority,
    sitemaps,
    skipNoindex,
    traps,
    mirror,
    denyPrivate,
    json,
    progress,
    timeline
  } = settings
  return {
    source: {
      seeds: urls,
      rules: {
        scope,
        include,
        exclude,
        priorities: priority,
        sitemaps,
        traps,
        skipNoindex,
        mirror,
        depth,
        maxPages,
        maxPagesPerHost,
        denyPrivate
      }
    },
    options: optionsOf(settings),
    single: false,
    toStdout: false,
    json,
    progress,
    quiet,
    verbose,
    timeline
  }
})

export const crawl = Command.make(
  "crawl",
  { urls, settings: Settings.flags(Flags.crawl) },
  Effect.fnUntraced(function* ({ urls, settings: given }) {
    const sources = yield* Settings.sources(yield* GlobalFlags.config, Flags.names)
    const settings = yield* Effect.fromResult(Settings.resolve(Flags.crawl, given, sources))
    yield* checkIdle(given, settings)
    yield* perform(yield* settle(urls, settings, yield* GlobalFlags.quiet, yield* GlobalFlags.verbose))
  })
).pipe(
  Command.withDescription(
    "Fetch a site: pages, by their links, and what they need to be shown.\n\nrobots.txt is obeyed. Run the same command again to resume: what is saved is\nnot asked again, unless by `--refresh`."
  ),
  Command.withShortDescription("Fetch a site by its links"),
  Command.withExamples([
    { command: "simul crawl https://example.com/ -o site", description: "A host, into ./site/example.com" },
    {
      command: "simul crawl https://example.com/docs/ --scope path --depth 3 -o docs",
      description: "Below a path, at most three links away"
    },
    {
      command: "simul crawl https://example.com/ --mirror -o site",
      description: "The same, and a copy to be read offline: site/mirror/example.com/index.html"
    },
    {
      command: "simul crawl https://example.com/ -o site --delay 1s \\\n    --exclude '/calendar/|[?&]sort='",
      description: "Without what never ends, a request a second"
    }
  ])
)
