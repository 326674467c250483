/**
 * A site to files: the line of `Pipeline.ts` with one bend. What is saved is
 * read for links as it arrives, and those that the rules let in are targets too.
 *
 * 1. An outcome and the links found in it are written in one commit: after a
 *    crash no page that was saved is fetched again, and no link is lost.
 * 2. The rules judge links and redirects before anything is asked for.
 * 3. What a page needs to be shown (images, styles, scripts) belongs to it: it
 *    may lie on another host, and is no link further from a seed.
 * 4. Headers and credentials that the user gave reach the origins of seeds alone.
 */
import * as Effect from "effect/Effect"
import * as Cause from "effect/Cause"
import * as Stream from "effect/Stream"
import * as Scope from "./crawl/Scope.ts"
import type * as Download from "./Download.ts"
import * as Links from "./extract/Links.ts"
import * as Sitemap from "./extract/Sitemap.ts"
import * as RobotsDirectives from "./extract/RobotsDirectives.ts"
import * as Get from "./Get.ts"
import { defaults, type Options } from "./Options.ts"
import type { Outcome } from "./Outcome.ts"
import type * as Pipeline from "./Pipeline.ts"
import * as Robots from "./robots/Robots.ts"
import { OptionUnusable, type RunError } from "./RunError.ts"
import { productToken } from "./RobotsTxt.ts"
import type { ResponseHead } from "./Session.ts"
import { isPrivateHost } from "./session/SeedAddress.ts"
import { bytesOf } from "./sink/Recorded.ts"
import type { Target } from "./Target.ts"
import * as Url from "./Url.ts"

/** Which links become targets. */
export interface Rules {
  readonly scope: Scope.Within
  /** A page must match one of them, if there are any. */
  readonly include: ReadonlyArray<RegExp>
  /** What matches one of them is left out. */
  readonly exclude: ReadonlyArray<RegExp>
  /** Links from a seed, at most. Absent: any number. */
  readonly depth?: number
  /** Targets that are saved, at most. Absent: any number. */
  readonly maxPages?: number
  /** The pages of the sites' sitemaps are seeds too. */
  readonly sitemaps: boolean
  /** Refuse private addresses. Absent: unless a seed has one. */
  readonly denyPrivate?: boolean
}

/** Those of the sites of the seeds, all of them. */
export const rules: Rules = { scope: "host", include: [], exclude: [], sitemaps: false }

/** A crawl is polite unless it is told not to be. */
const crawlDefaults: Options = { ...defaults, robots: true }

/** Links that need not be looked up, for they were found a moment ago: a site's pages have the same ones in their margins. */
class Recent {
  #young = new Set<string>()
  #old = new Set<string>()
  has(url: string): boolean {
    return this.#young.has(url) || this.#old.has(url)
  }
  add(url: string): void {
    this.#young.add(url)
    if (this.#young.size <= 32_768) return
    this.#old = this.#young
    this.#young = new Set()
  }
}

/** What a person would follow. */
const isFollowed = ({ kind, source, nofollow }: Links.Link, isPolite: boolean): boolean =>
  !(nofollow && isPolite) &&
  (kind === "navigation" || kind === "reference" || (kind === "form" && !source.endsWith(" post")))

const followBy = (
  seeds: ReadonlyArray<string>,
  rules: Rules,
  options: Options
): Pick<Pipeline.Crawl, "redirect" | "read" | "readSaved"> => {
  const { scope: within, include, exclude, depth: maxDepth = Infinity } = rules
  const scope = Scope.make({ seeds, within, include, exclude, maxDepth })
  const holds = (url: string, depth: number, isResource: boolean) =>
    scope.decide({ url, depth, isResource })._tag === "InScope"
  const token = productToken(options)
  const credentials = new Map(
    seeds.flatMap((seed) => {
      const bare = Url.withoutCredentials(seed)
      return bare === seed ? [] : [[Url.origin(seed), seed.slice(0, seed.indexOf("@") + 1)] as const]
    })
  )
  const recent = new Recent()

  /** A page has no business to choose what we log in with; a seed has. */
  const asked = (url: string, host: string) => {
    const bare = Url.withoutCredentials(url)
    const start = credentials.get(host)
    return start === undefined ? bare : start + bare.slice(bare.indexOf("://") + 3)
  }

  const add = (targets: Array<Target>, found: string, depth: number, isResource: boolean) => {
    const host = Url.origin(found)
    const url = asked(found, host)
    if (recent.has(url) || !holds(url, depth, isResource)) return
    recent.add(url)
    targets.push({ url, host, path: "", attempts: 0, depth })
  }

  const pages = ({ depth = 0 }: Target, head: ResponseHead): Download.Reading | undefined => {
    const contentType = head.header("content-type")
    if (Links.syntaxOf(contentType) === undefined) return undefined
    const { links: found, robots } = Links.fromHead(head, { url: head.url, token })
    const all = [...found]
    const links = new Links.Links({ url: head.url, contentType, token }, (link) => all.push(link))
    return {
      write: (chunk) => links.write(chunk),
      end: () => {
        const nofollow = RobotsDirectives.union(robots, links.end().robots).nofollow && options.robots
        const targets: Array<Target> = []
        for (const link of all) {
          const isResource = link.kind === "resource"
          if (!isResource && (nofollow || !isFollowed(link, options.robots))) continue
          add(targets, link.url, isResource ? depth : depth + 1, isResource)
        }
        return targets
      }
    }
  }

  /** The sitemaps that a robots.txt names, and the pages in a sitemap, are seeds: they may be anywhere, and in scope. */
  const sitemaps = (head: ResponseHead, bytes: AsyncIterable<Uint8Array>) =>
    Effect.promise(async (): Promise<Download.Reading> => {
      const found: Array<readonly [url: string, isSitemap: boolean]> = []
      if (isRobotsTxt(head.url)) {
        const text: Array<Uint8Array> = []
        for await (const chunk of bytes) text.push(chunk)
        for (const url of Sitemap.locations(Robots.parse(Buffer.concat(text)), head.url)) found.push([url, true])
      } else await readSitemap(head, bytes, ({ url, isSitemap }) => found.push([url, isSitemap]))
      const end = () => {
        const targets: Array<Target> = []
        for (const [url, isSitemap] of found) add(targets, url, 0, isSitemap)
        return targets
      }
      return { write: () => {}, end }
    })

  return {
    // a picture that lies elsewhere may move elsewhere
    redirect: ({ url, depth = 0 }, to) => holds(to.href, depth, !holds(url, depth, false)),
    read: (target, head) => (rules.sitemaps && isSitemap(head) ? undefined : pages(target, head)),
    readSaved: (target, head, path) => {
      // a 304 tells no type
      const type = head.header("content-type") ?? (/\.css(?:\?|$)/i.test(target.url) ? "text/css" : undefined)
      const typed: ResponseHead = { ...head, header: (name) => (name === "content-type" ? type : head.header(name)) }
      const bytes = () => bytesOf(options.directory, path)
      if (rules.sitemaps && isSitemap(typed)) return sitemaps(typed, bytes())
      const reading = pages(target, typed)
      if (reading === undefined) return undefined
      const all = Effect.promise(async () => {
        for await (const chunk of bytes()) reading.write(chunk)
      })
      return Effect.as(all, reading)
    }
  }
}

const isRobotsTxt = (url: string) => new URL(url).pathname === "/robots.txt"

const isSitemap = (head: ResponseHead): boolean => {
  const { pathname } = new URL(head.url)
  const type = head.header("content-type") ?? ""
  return pathname === "/robots.txt" || /[/+]xml\b/.test(type) || /sitemap[^/]*\.(?:xml|txt)(?:\.gz)?$/i.test(pathname)
}

const readSitemap = async (
  head: ResponseHead,
  bytes: AsyncIterable<Uint8Array>,
  entry: (entry: Sitemap.Entry) => void
): Promise<void> => {
  let drained: (() => void) | undefined
  let ended!: () => void
  const end = new Promise<void>((resolve) => (ended = resolve))
  const sitemap = new Sitemap.Sitemap(
    { url: head.url, contentType: head.header("content-type") },
    { entry, drain: () => drained?.(), end: ended }
  )
  for await (const chunk of bytes)
    if (!sitemap.write(chunk)) await Promise.race([end, new Promise<void>((resolve) => (drained = resolve))])
  sitemap.end()
  await end
}

/**
 * Opens the directory and starts, or goes on with, the crawl of it, as fast as `outcomes` is pulled.
 *
 * Closing the scope stops cleanly; the same call goes on. Fails where the run
 * cannot start or go on, or a seed is no URL; a URL that fails is an outcome.
 */
export const open = Effect.fnUntraced(function* (
  urls: ReadonlyArray<string>,
  given: Partial<Rules>,
  givenOptions: Partial<Options>
) {
  const asked: Rules = { ...rules, ...given }
  const seeds: Array<string> = []
  for (const text of urls) {
    const url = Url.parse(text)
    if (typeof url !== "string") return yield* new OptionUnusable({ option: "seed", value: text, detail: url.detail })
    seeds.push(url)
  }
  const denyPrivate =
    asked.denyPrivate ??
    !(yield* Effect.promise(async () => (await Promise.all(seeds.map(isPrivateHost))).includes(true)))
  const options: Options = { ...crawlDefaults, ...givenOptions, denyPrivate, headersFor: seeds.map(Url.origin) }
  const follow = followBy(seeds, asked, options)

  return yield* Get.openRun(
    Effect.fnUntraced(function* (store, run) {
      const begin = asked.sitemaps ? [...seeds, ...seeds.map((seed) => new URL("/robots.txt", seed).href)] : seeds
      const targets = begin.map((url): Target => ({ url, host: Url.origin(url), path: "", attempts: 0, depth: 0 }))
      const { list, found, ended, saved } = yield* Get.settled(store.crawl(targets, options.refresh))
      return {
        number: list,
        run,
        targets: found,
        invalid: 0,
        skipped: ended,
        next: Cause.done(),
        crawl: {
          ...follow,
          open: found - ended,
          saved,
          ...(asked.maxPages === undefined ? {} : { maxPages: asked.maxPages })
        }
      } satisfies Pipeline.List
    }),
    options
  )
})

/**
 * The outcomes of a crawl, as a Stream.
 *
 * Interrupting it stops cleanly; running it again goes on.
 */
export const outcomes = (
  urls: ReadonlyArray<string>,
  rules: Partial<Rules>,
  options: Partial<Options>
): Stream.Stream<Outcome, RunError> => Stream.unwrap(Effect.map(open(urls, rules, options), (run) => run.outcomes))

/** The same for programs without Effect: `for await (const outcome of crawl([url], {}, { directory }))`. */
export const crawl = (
  urls: ReadonlyArray<string>,
  rules: Partial<Rules>,
  options: Partial<Options>
): AsyncIterable<Outcome> => Stream.toAsyncIterable(outcomes(urls, rules, options))
