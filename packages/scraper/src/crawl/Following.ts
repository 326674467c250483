/**
 * What a crawl follows: the links of pages and style sheets while they arrive,
 * of sitemaps and of what was saved once they are whole, as far as its rules go.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type * as Download from "../Download.ts"
import * as HeadLinks from "../extract/HeadLinks.ts"
import * as Links from "../extract/Links.ts"
import * as Margins from "../extract/Margins.ts"
import { Unreadable } from "../extract/PageError.ts"
import * as Reference from "../extract/Reference.ts"
import * as RobotsDirectives from "../extract/RobotsDirectives.ts"
import * as Sitemap from "../extract/Sitemap.ts"
import type { Options } from "../Options.ts"
import * as Robots from "../robots/Robots.ts"
import { productToken } from "../RobotsTxt.ts"
import { DirectoryUnusable } from "../RunError.ts"
import type { ResponseHead } from "../Session.ts"
import { bytesOf, isUntold } from "../sink/Recorded.ts"
import type { SavedPage, StoreError } from "../Store.ts"
import type { Target } from "../Target.ts"
import * as Url from "../Url.ts"
import * as Exclusion from "./Exclusion.ts"
import * as Priorities from "./Priorities.ts"
import { Met } from "./Met.ts"
import * as Scope from "./Scope.ts"
import * as Traps from "./Traps.ts"

/** Which links become targets. */
export interface Rules {
  readonly scope: Scope.Within
  /** A page must match one of them, if there are any. */
  readonly include: ReadonlyArray<RegExp>
  /** What matches one of them is left out. */
  readonly exclude: ReadonlyArray<RegExp>
  /** Links from a seed, at most. Absent: any number. */
  readonly depth?: number
  /** The pages of the sites' sitemaps are seeds too. */
  readonly sitemaps: boolean
  /** What is asked for first; the first pattern that matches decides. Absent: the nearest to a seed. */
  readonly priorities?: ReadonlyArray<Priorities.Priority>
  /** What has no end, by what its pages say, is not asked for any more (`Traps.ts`). */
  readonly traps: boolean
}

export interface Following extends Download.Follow {
  /** Why a target that was found earlier, maybe by other rules, is out of scope; `undefined` if it is not. */
  readonly excludes: (target: Target) => Exclusion.Exclusion | undefined
  /** Whether the head of an answer asks for it not to be indexed. */
  readonly isNoindex: (head: ResponseHead) => boolean
  /** Goes by other rules from now on; which sitemaps are read stays. */
  readonly change: (rules: Rules) => void
  /**
   * The same for a body that is whole and was not read as it came; `undefined` for one without links. `body`: read once
   * or more. Fails where that cannot be read to its end.
   */
  readonly readWhole: (
    target: Target,
    head: ResponseHead,
    body: Body,
    give: Give
  ) => Effect.Effect<Download.Reading, StoreError | Unreadable> | undefined
  /**
   * The same for a body that was saved before: without its type what begins as a page does is one. None where it is gone
   * or damaged. Fails where nobody can tell: links that are not found now would never be.
   */
  readonly readAgain: (
    page: SavedPage,
    give: Give
  ) => Effect.Effect<ReadonlyArray<Target>, StoreError | DirectoryUnusable>
  /** How deep a page is decides what is followed, and not only in which order. */
  readonly isBounded: () => boolean
  /** Set where traps are looked out for. */
  readonly traps: Traps.Traps | undefined
}

/** The bytes of a body, from its start at each call. */
export type Body = () => AsyncIterable<Uint8Array>

/** Takes targets that were found before all are: there may be too many to have at once. What remains is given by the reading. */
export type Give = (targets: ReadonlyArray<Target>) => Effect.Effect<void, StoreError>

/** A link in a page that is not whole yet, and whether the rules let it in. */
interface Found {
  readonly target: Target & { readonly depth: number; readonly isResource: boolean }
  readonly judge: Scope.Scope
  readonly isIn: boolean
}

/**
 * The depth of a robots.txt. The sitemaps that it names are one nearer to the seeds, as those in an index are than the index;
 * the seeds are not reached, so indexes in indexes end. sitemaps.org lets no index name another; sites do. What a sitemap names
 * as a page is read as a sitemap by its name alone, and one nearer too. A sitemap that a page links to begins anew. Of those
 * that would be a fifth in a row, the first that a sitemap names is told of: of all, its site would say how many rows there are.
 */
export const robotsDepth = -5

/** Targets in a sitemap that are had at once. */
const sitemapTargets = 5_000
/** Bytes of a sitemap that are read at once: gzip makes up to a thousand times as many of them. */
const sitemapBytes = 4096

/** These name a host to be near to, and no document (HTML, link types). */
const isHint = (rel: string) => /(?:^| )(?:preconnect|dns-prefetch)(?: |$)/.test(rel)

/** What a person would follow. */
const isFollowed = ({ kind, source, nofollow, rel }: Links.Link, isPolite: boolean): boolean =>
  !(nofollow && isPolite) &&
  (kind === "navigation" || (kind === "reference" && !isHint(rel)) || (kind === "form" && !source.endsWith(" post")))

/** @param seeds as `Url.parse` gives them */
export const scopeOf = (seeds: ReadonlyArray<string>, rules: Rules): Scope.Scope => {
  const { scope: within, include, exclude, depth: maxDepth = Infinity } = rules
  return Scope.make({ seeds, within, include, exclude, maxDepth })
}

/** The URL under which a crawl asks for a link. A page has no business to choose what we log in with; a seed has. */
export const asks = (seeds: ReadonlyArray<string>) => {
  const credentials = new Map(
    seeds.flatMap((seed) => {
      const bare = Url.withoutCredentials(seed)
      return bare === seed ? [] : [[Url.origin(seed), seed.slice(0, seed.indexOf("@") + 1)] as const]
    })
  )
  return (url: string, host = Url.origin(url)): string => {
    const bare = Url.withoutCredentials(url)
    const start = credentials.get(host)
    return start === undefined ? bare : start + bare.slice(bare.indexOf("://") + 3)
  }
}

/**
 * @param seeds as `Url.parse` gives them
 * @param read the bytes of what was saved at a place
 */
export const make = (
  seeds: ReadonlyArray<string>,
  rules: Rules,
  options: Options,
  read: (path: string) => AsyncIterable<Uint8Array> = (path) => bytesOf(options.directory, path)
): Following => {
  let scope = scopeOf(seeds, rules)
  const holds = (url: string, depth: number, isResource: boolean) => {
    const { _tag } = scope.decide({ url, depth, isResource })
    return _tag === "InScope" || _tag === "TooManySitemaps"
  }
  const token = productToken(options)
  const asked = asks(seeds)
  let met = new Met()
  let margins = new Margins.Margins()
  let { priorities = [] } = rules
  let isBounded = rules.depth !== undefined
  const traps = rules.traps ? Traps.make() : undefined

  /**
   * What a link leads to, judged when it is met: all links of a big page at once would keep the loop. Gives whether
   * that is a target.
   */
  const find = (found: Array<Found>, link: string, depth: number, isResource: boolean, said = 0): boolean => {
    const host = Url.origin(link)
    const url = asked(link, host)
    if (met.isKnown(url, depth)) return false
    const isIn = holds(url, depth, isResource)
    if (!isIn) met.leaveOut(url, depth, isResource)
    const priority = Priorities.of(priorities, url, said)
    const target = { url, host, path: "", attempts: 0, depth, isResource }
    found.push({ target: priority === 0 ? target : { ...target, priority }, judge: scope, isIn })
    return isIn
  }
  /** The targets among them, known from now on. */
  const settle = (found: ReadonlyArray<Found>): Array<Target> => {
    const targets: Array<Target> = []
    for (const { target, judge, isIn } of found) {
      const { url, depth, isResource, priority } = target
      const isOfNow = judge === scope
      if ((isOfNow ? isIn : holds(url, depth, isResource)) && met.know(url, depth))
        targets.push(isOfNow ? target : { ...target, priority: Priorities.of(priorities, url, priority) })
    }
    return targets
  }

  const pages = (target: Target, head: ResponseHead, watch?: Traps.Watch): Download.Reading | undefined => {
    // a sitemap may turn out to be a page
    const depth = Math.max(0, target.depth ?? 0)
    const contentType = head.header("content-type")
    if (Links.syntaxOf(contentType) === undefined) return undefined
    const { links: named, robots } = HeadLinks.read(head, { url: head.url, token })
    const found: Array<Found> = []
    const meet = (link: Links.Link) => {
      const isResource = link.kind === "resource"
      if (isResource || isFollowed(link, options.robots))
        find(found, link.url, isResource ? depth : depth + 1, isResource)
    }
    for (const link of named) meet(link)
    const begun = scope
    /** What the rules leave out and was not looked at again: other rules may come before the page is whole. */
    const left: Array<readonly [url: string, isResource: boolean]> = []
    // a trap may be told by its margins, but not by a menu: that makes short pages alike
    const ofPage = new Margins.OfPage(margins, depth, head.url, watch === undefined ? 0 : Margins.menu)
    const passesOver = (bytes: Uint8Array, from: number, to: number, base: string, kind: Links.Kind) => {
      const isResource = kind === "resource"
      if (!isResource && kind !== "navigation" && kind !== "reference") return false
      const start = Reference.afterDots(bytes, from, to)
      const prefix = Reference.prefix(bytes, from, start, to, base)
      if (prefix === undefined) return false
      const verdict = met.look(prefix, bytes, start, to, isResource ? depth : depth + 1, isResource)
      // a folder, and no origin
      if (prefix.endsWith("/")) ofPage.relate()
      if (verdict === "out") {
        ofPage.tell()
        if (scope === begun) left.push([met.latest, isResource])
      }
      return verdict !== undefined
    }
    const links = new Links.Links(
      { url: head.url, contentType, token, text: watch?.write, passesOver, margins: ofPage },
      meet
    )
    let said: RobotsDirectives.RobotsDirectives | undefined
    const directives = () => (said ??= RobotsDirectives.union(robots, links.end().robots))
    return {
      write: (chunk) => links.write(chunk),
      isNoindex: () => directives().noindex,
      isCut: () => links.end().truncated !== undefined,
      end: () => {
        const nofollow = directives().nofollow && options.robots
        if (scope !== begun)
          for (const [url, isResource] of left) find(found, url, isResource ? depth : depth + 1, isResource)
        const targets = settle(nofollow ? found.filter(({ target }) => target.isResource) : found)
        watch?.end(targets)
        return targets
      }
    }
  }

  /** The sitemaps that a robots.txt names, and the pages in a sitemap, are seeds: they may be anywhere, and in scope. */
  const sitemaps = ({ depth = 0 }: Target, head: ResponseHead, body: Body, give: Give) =>
    Effect.gen(function* () {
      const nowMs = Date.now()
      const next = depth < 0 ? depth + 1 : robotsDepth + 1
      for (;;) {
        const begun = scope
        let found: Array<Found> = []
        let isTold = false
        const meet = (url: string, isSitemap: boolean, said: number) => {
          if (!isSitemap || next < 0) find(found, url, isSitemap ? next : 0, isSitemap, said)
          else isTold ||= find(found, url, Scope.unreadDepth, true, said)
        }
        if (isRobotsTxt(head.url)) {
          const robots = Robots.parse(yield* Effect.tryPromise({ try: () => robotsTxt(body), catch: unreadable }))
          for (const url of Sitemap.locations(robots, head.url)) meet(url, true, Priorities.ofSitemap)
        } else {
          const entry = (entry: Sitemap.Entry) => {
            // what is called one is one nearer, too, or a set of URLs that names the next set would have no end
            const isSitemap = entry.isSitemap || isSitemapByName(entry.url)
            meet(entry.url, isSitemap, isSitemap ? Priorities.ofSitemap : Priorities.said(entry, nowMs))
          }
          const pass = Effect.suspend(() => {
            if (found.length < sitemapTargets) return Effect.void
            const targets = settle(found)
            found = []
            return give(targets)
          })
          yield* readSitemap(head, body, entry, pass)
        }
        // what was given was judged by the rules of then: other ones may let in more
        if (scope === begun) return { write: () => {}, end: () => settle(found) } satisfies Download.Reading
      }
    })

  /** As near as a seed lie what seeds need to be shown and the pages in sitemaps, too: these are what they were named as. */
  const mayBeSitemap = ({ url, depth = 0 }: Target): boolean => {
    if (!rules.sitemaps || depth !== 0) return rules.sitemaps
    const decision = scope.decide({ url, depth, isResource: false })
    return decision._tag === "InScope" && decision.by === "seed"
  }

  /** Reads what is whole; `undefined` for what has no links. */
  const whole = (target: Target, head: ResponseHead, body: Body, give: Give) => {
    if (mayBeSitemap(target) && isSitemap(target, head)) return sitemaps(target, head, body, give)
    const reading = pages(target, head)
    if (reading === undefined) return undefined
    const all = async () => {
      for await (const chunk of readable(body)) reading.write(chunk)
      return reading
    }
    return Effect.tryPromise({ try: all, catch: unreadable })
  }

  return {
    // what nobody noted the use of may be needed by a page
    excludes: ({ url, depth = 0, isResource = true }) => Exclusion.of(scope.decide({ url, depth, isResource })),
    isNoindex: (head) =>
      head.header("x-robots-tag") !== undefined && HeadLinks.read(head, { url: head.url, token }).robots.noindex,
    change: (rules) => {
      ;({ priorities = [] } = rules)
      isBounded = rules.depth !== undefined
      scope = scopeOf(seeds, rules)
      met = new Met()
      margins = new Margins.Margins()
    },
    // a picture that lies elsewhere may move elsewhere
    redirect: ({ url, depth = 0 }, to) => holds(to.href, depth, !holds(url, depth, false)),
    read: (target, head) =>
      mayBeSitemap(target) && isSitemap(target, head)
        ? undefined
        : // a page that was saved before says what it said before
          pages(target, head, target.saved === undefined && isPage(head) ? traps?.watch(target.url) : undefined),
    // a 304 is about what came with another head, and need tell no type
    readWhole: (target, head, body, give) => {
      const type = (head.status === 304 ? target.saved?.contentType : undefined) ?? head.header("content-type")
      return whole(target, typed(head, type ?? (isCss(target.url) ? "text/css" : undefined)), body, give)
    },
    isBounded: () => isBounded,
    traps,
    readAgain: ({ target, finalUrl }, give) =>
      Effect.gen(function* () {
        const path = target.saved?.record ?? target.path
        let failure: DirectoryUnusable | undefined
        const body = async function* () {
          try {
            yield* read(path)
          } catch (error) {
            if (isUntold(error)) failure = DirectoryUnusable.of(`${options.directory}/${path}`, true)(error)
            throw error
          }
        }
        const none = Effect.suspend(() => (failure === undefined ? Effect.succeed([]) : Effect.fail(failure)))
        const start = yield* Effect.promise(() => startOf(body))
        if (start === undefined) return yield* none
        // a store of an earlier version has no types
        const type = target.saved?.contentType ?? typeOf(finalUrl, start)
        const head = typed({ status: 200, url: finalUrl, header: () => undefined }, type)
        const reading = whole(target, head, body, give)
        if (reading === undefined) return []
        const links = Effect.map(reading, ({ end }) => end())
        return yield* Effect.catchTag(links, "Unreadable", () => none)
      })
  }
}

const typed = (head: ResponseHead, type: string | undefined): ResponseHead => ({
  status: head.status,
  url: head.url,
  header: (name) => (name === "content-type" ? type : head.header(name))
})

const isPage = (head: ResponseHead) => Links.syntaxOf(head.header("content-type")) === "html"

const isCss = (url: string) => /\.css(?:\?|$)/i.test(url)

/** The bytes of a body. Throws `Unreadable`: what else is thrown where they are read is a bug. */
const readable = async function* (body: Body): AsyncGenerator<Uint8Array> {
  try {
    yield* body()
  } catch (error) {
    throw Unreadable.of(error)
  }
}
const unreadable = (error: unknown): Unreadable => {
  if (error instanceof Unreadable) return error
  throw error
}

/** The first bytes, as Latin-1; `undefined` where there are none to be had. */
const startOf = async (body: Body): Promise<string | undefined> => {
  try {
    for await (const chunk of body()) return Buffer.from(chunk.subarray(0, 1024)).toString("latin1")
    return undefined
  } catch {
    return undefined
  }
}
const typeOf = (url: string, start: string): string => {
  if (isCss(url)) return "text/css"
  if (/^\W*<\?xml/.test(start) && !/<html/i.test(start)) return "application/xml"
  return /^[\s\xef\xbb\xbf]*</.test(start) ? "text/html" : "application/octet-stream"
}

const isRobotsTxt = (url: string) => new URL(url).pathname === "/robots.txt"

const sitemapName = /sitemap[^/]*\.(?:xml|txt|gz)$/i
const isSitemapByName = (url: string) => /sitemap/i.test(url) && sitemapName.test(new URL(url).pathname)

/** What a list of lines and a gzipped file come as. */
const plainType = /^(?:text\/plain|application\/(?:x-)?gzip|(?:application|binary)\/octet-stream)\b/i

/**
 * By its name, by its type, or, where that tells nothing, by its place: what a robots.txt or an index names is nearer
 * than a seed.
 */
const isSitemap = ({ depth = 0 }: Target, head: ResponseHead): boolean => {
  const { pathname } = new URL(head.url)
  if (pathname === "/robots.txt" || sitemapName.test(pathname)) return true
  const type = head.header("content-type") ?? ""
  if (/[/+]xml\b/i.test(type)) return Links.syntaxOf(type) === undefined
  return depth < 0 && (type === "" ? /\.(?:gz|txt|xml)$/i.test(pathname) : plainType.test(type))
}

/** As much of it as counts. */
const robotsTxt = async (body: Body): Promise<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  let length = 0
  for await (const chunk of readable(body)) {
    chunks.push(chunk)
    length += chunk.length
    if (length > Robots.maxBytes) break
  }
  return Buffer.concat(chunks)
}

const inPieces = async function* (body: Body) {
  for await (const chunk of readable(body))
    for (let at = 0; at < chunk.length; at += sitemapBytes) yield chunk.subarray(at, at + sitemapBytes)
}

/** @param between done each time after some of it was read */
const readSitemap = <E>(
  head: ResponseHead,
  body: Body,
  entry: (entry: Sitemap.Entry) => void,
  between: Effect.Effect<void, E>
) =>
  Effect.suspend(() => {
    let drained: (() => void) | undefined
    let ended!: () => void
    const end = new Promise<void>((resolve) => (ended = resolve))
    const sitemap = new Sitemap.Sitemap(
      { url: head.url, contentType: head.header("content-type") },
      { entry, drain: () => drained?.(), end: ended }
    )
    const room = Effect.promise(() => Promise.race([end, new Promise<void>((resolve) => (drained = resolve))]))
    return Stream.fromAsyncIterable(inPieces(body), unreadable).pipe(
      Stream.runForEach((piece) => Effect.andThen(sitemap.write(piece) ? Effect.void : room, between)),
      Effect.andThen(() => {
        sitemap.end()
        return Effect.promise(() => end)
      }),
      Effect.ensuring(Effect.sync(() => sitemap.close()))
    )
  })
