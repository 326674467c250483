/**
 * A site to files: the line of `Pipeline.ts` with one bend. What is saved is
 * read for links as it arrives, and those that the rules let in are targets too.
 *
 * 1. An outcome and the links found in it are written in one commit: after a
 *    crash no page that was saved is fetched again, and no link is lost.
 * 2. The rules judge links and redirects before anything is asked for.
 * 3. What a page needs to be shown (images, styles, scripts) belongs to it: it
 *    may lie on another host, and is no link further from a seed.
 * 4. What has no end, by what its pages say, is refused once that is known.
 * 5. Headers and credentials that the user gave reach the origins of seeds alone.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as Following from "./crawl/Following.ts"
import * as Priorities from "./crawl/Priorities.ts"
import * as RulesText from "./crawl/RulesText.ts"
import * as Steering from "./crawl/Steering.ts"
import * as Widening from "./crawl/Widening.ts"
import * as NearerPages from "./frontier/NearerPages.ts"
import * as Get from "./Get.ts"
import * as OptionKind from "./OptionKind.ts"
import { complete, defaults, type Given, kinds, type Options } from "./Options.ts"
import type { Outcome } from "./Outcome.ts"
import type { List } from "./List.ts"
import { OptionUnusable, type RunError } from "./RunError.ts"
import { Session } from "./Session.ts"
import { Sink } from "./Sink.ts"
import * as SeedAddress from "./session/SeedAddress.ts"
import { crawled, type Limits, type Store } from "./Store.ts"
import * as Directory from "./store/Directory.ts"
import type { Target } from "./Target.ts"
import * as Url from "./Url.ts"

/** What belongs to a crawl. */
export interface Rules extends Following.Rules {
  /** Targets that are saved, at most. Absent: any number. */
  readonly maxPages?: number
  /** Of each host, at most; hosts are the same with and without `www.`. Absent: any number. */
  readonly maxPagesPerHost?: number
  /**
   * Do not keep what asks not to be indexed; its links are followed all the same. Absent: it is kept, and its outcome
   * says so.
   */
  readonly skipNoindex?: boolean
  /** In the end make a copy in `mirror/` whose links lead to its own files (`sink/MirrorTree.ts`). */
  readonly mirror?: boolean
  /** Refuse private addresses. Absent: all but those of the networks that seeds have theirs in, and of link-local ones all but seeds. */
  readonly denyPrivate?: boolean
}

/** Those of the sites of the seeds, all of them. */
export const rules: Rules = { scope: "host", include: [], exclude: [], sitemaps: false, traps: true }

const isPattern = (value: unknown) => value instanceof RegExp
const patterns = OptionKind.list("regular expressions", isPattern)
const rank = OptionKind.whole(-Priorities.bound, Priorities.bound)
const isPriority = (given: unknown) => {
  const { pattern, value } = Object(given) as Readonly<Record<string, unknown>>
  return isPattern(pattern) && rank.has(value)
}
/** What each of them may be. */
const ruleKinds: OptionKind.Kinds<Rules> = {
  scope: OptionKind.choice("host", "domain", "path"),
  include: patterns,
  exclude: patterns,
  depth: OptionKind.whole(0),
  sitemaps: OptionKind.toggle,
  priorities: OptionKind.list(`{ pattern, value }, the value ${rank.takes}`, isPriority),
  traps: OptionKind.toggle,
  maxPages: OptionKind.whole(0),
  maxPagesPerHost: OptionKind.whole(0),
  skipNoindex: OptionKind.toggle,
  mirror: OptionKind.toggle,
  denyPrivate: OptionKind.toggle
}

/** A crawl is polite unless it is told not to be. */
const crawlDefaults: Options = { ...defaults, robots: true }

/** Whether rules may let in what those did not by which all that is saved was read for links. */
const mayLetIn = (before: string, after: string): boolean => {
  if (before === after) return false
  const [old, now] = [RulesText.decode(before), RulesText.decode(after)]
  return (
    String(old.seeds) !== String(now.seeds) ||
    old.rules.sitemaps !== now.rules.sitemaps ||
    Steering.isWider(old.rules, now.rules)
  )
}

/**
 * Brings a crawl to these rules. What an earlier run found nearer to a seed in the end than it was at first is read
 * again, too.
 */
const readAnew = Effect.fnUntraced(function* (
  store: Store["Service"],
  following: Following.Following,
  rules: string,
  limits: Limits,
  priorities: ReadonlyArray<Priorities.Priority>
) {
  const { list, rules: before } = yield* store.crawl([], false)
  const priorityOf = (url: string, before: number) => Priorities.of(priorities, url, before)
  yield* store.prioritize(list, Priorities.encode(priorities), priorityOf)
  if (before !== undefined && mayLetIn(before, rules))
    yield* Widening.widen(store, list, following, {
      readmit: (urls) => store.readmit(list, urls),
      admit: (page, links) => Effect.map(store.link(list, page, links), ({ added }) => added)
    })
  const nearer = NearerPages.make(store, list, following, () => {})
  while (nearer.areThere()) yield* nearer.read()
  yield* store.ruled(list, rules, limits)
})

/**
 * Opens the directory and starts, or goes on with, the crawl of it, as fast as `outcomes` is pulled.
 *
 * Closing the scope stops cleanly; the same call goes on. Fails where the run
 * cannot start or go on, or a seed is no URL; a URL that fails is an outcome.
 */
export const open = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  given: Given<Rules> = {},
  givenOptions: Given<Options> = {}
) {
  yield* OptionKind.check(ruleKinds, given, "rules")
  yield* OptionKind.check(kinds, givenOptions)
  yield* OptionKind.check({ urls: OptionKind.urls }, { urls: urls ?? null })
  const asked = complete(rules, given)
  const seeds: Array<string> = []
  for (const seed of urls as ReadonlyArray<unknown>) {
    const text = Url.textOf(seed)
    const url = Url.given(text)
    if (typeof url !== "string")
      return yield* new OptionUnusable({ option: "seed", value: OptionKind.bounded(text), detail: url.detail })
    seeds.push(url)
  }
  const sink = Option.getOrUndefined(yield* Effect.serviceOption(Sink))
  // a session of one's own may have no network
  const looksUp = asked.denyPrivate === undefined && Option.isNone(yield* Effect.serviceOption(Session))
  const denied = looksUp ? yield* Effect.promise(() => SeedAddress.denied(seeds)) : asked.denyPrivate
  const options: Options = {
    ...complete(crawlDefaults, givenOptions),
    ...(denied === undefined ? {} : { denyPrivate: denied }),
    headersFor: seeds.map(Url.origin)
  }
  const following = Following.make(seeds, asked, options, sink?.read)
  const mirror = asked.mirror === true ? yield* mirrorOf(options, sink, seeds) : undefined

  const run = yield* Get.openRun(
    Effect.fnUntraced(function* (store, run) {
      const begin =
        (depth: number, isResource: boolean) =>
        (url: string): Target => {
          return { url, host: Url.origin(url), path: "", attempts: 0, depth, isResource }
        }
      const files = asked.sitemaps ? seeds.map((seed) => new URL("/robots.txt", seed).href) : []
      const targets = [...seeds.map(begin(0, false)), ...files.map(begin(Following.robotsDepth, true))]
      const { refresh } = options
      const text = RulesText.encode(seeds, asked)
      return yield* Get.settled(listOf(store, run, following, targets, { ...asked, refresh, text }))
    }),
    options,
    Steering.make(seeds, asked, following),
    mirror?.make
  )
  return mirror === undefined ? run : { ...run, progress: () => ({ ...run.progress(), ...mirror.progress() }) }
})

/** Loaded where one is asked for: it brings a parser of whole documents, which a crawl does without. */
const mirrorTree = Effect.promise(() => import("./sink/MirrorTree.ts"))

/** What would be found out only after the crawl. */
const checkMirror = ({ directory, format }: Options, sink: Sink["Service"] | undefined) =>
  format === "warc" || sink !== undefined
    ? Effect.fail(
        new OptionUnusable({
          option: "mirror",
          value: "true",
          detail: `${sink === undefined ? "archives hold" : "a sink of one's own has"} no files to mirror`
        })
      )
    : Effect.flatMap(mirrorTree, ({ check }) => check(directory))

/** What makes a mirror of all that is saved, and says how far it came. */
const mirrorOf = Effect.fnUntraced(function* (
  options: Options,
  sink: Sink["Service"] | undefined,
  seeds: ReadonlyArray<string>
) {
  yield* checkMirror(options, sink)
  const { directory } = options
  const asks = Following.asks(seeds)
  let mirror: Get.Progress["mirror"]
  const make = Effect.gen(function* () {
    const { build } = yield* mirrorTree
    const bodies = yield* Directory.bodies(directory)
    const asked = (url: string) => asks(url)
    const onFile = (files: number, total: number) => void (mirror = { files, total })
    const made = yield* build({ directory, bodies, asked, onFile }, seeds.map(Url.withoutCredentials))
    mirror = { ...made, total: made.files + made.missing }
  })
  return { make: Effect.scoped(make), progress: () => mirror && { mirror } }
})

/** The crawl of a store, as a list that grows. `text`: two crawls with the same one follow the same links. */
export const listOf = Effect.fnUntraced(function* (
  store: Store["Service"],
  run: number,
  following: Following.Following,
  seeds: ReadonlyArray<Target>,
  {
    maxPages,
    maxPagesPerHost,
    priorities = [],
    skipNoindex = false,
    refresh,
    text
  }: Pick<Rules, "maxPages" | "maxPagesPerHost" | "priorities" | "skipNoindex"> & {
    readonly refresh: boolean
    readonly text: string
  }
) {
  following.traps?.restore(yield* store.patterns)
  yield* readAnew(store, following, text, { maxPages, maxPagesPerHost }, priorities)
  const { list, found, ended, saved } = yield* store.crawl(seeds, refresh)
  return {
    number: list,
    name: crawled,
    run,
    targets: found,
    invalid: 0,
    skipped: ended,
    next: Cause.done(),
    crawl: {
      ...following,
      open: found - ended,
      saved,
      skipsNoindex: skipNoindex,
      ...(maxPages === undefined ? {} : { maxPages }),
      ...(maxPagesPerHost === undefined ? {} : { maxPagesPerHost })
    }
  } satisfies List
})

/**
 * The outcomes of a crawl, as a Stream.
 *
 * Interrupting it stops cleanly; running it again goes on.
 */
export const outcomes = (
  urls: ReadonlyArray<string>,
  rules?: Given<Rules>,
  options?: Given<Options>
): Stream.Stream<Outcome, RunError> => Stream.unwrap(Effect.map(open(urls, rules, options), (run) => run.outcomes))

/** The same for programs without Effect: `for await (const outcome of crawl([url], {}, { directory }))`; it stops as `get`. */
export const crawl = (
  urls: ReadonlyArray<string>,
  rules?: Given<Rules>,
  options?: Given<Options>,
  stop?: Get.Stop
): AsyncIterable<Outcome> => Get.iterate(outcomes(urls, rules, options), stop)
