/**
 * How far a crawl goes: which links of a page are followed.
 *
 * 1. A seed is in scope, whatever the patterns say.
 * 2. What a page needs to be shown is in scope with it, wherever it lies and
 *    however deep the page: of it, only what is excluded is left out.
 * 3. The answer is a function of the options, the URL and its depth: asked again
 *    after a restart it is the same.
 *
 * Hosts are told apart as in `SiteHost.ts`.
 */
import { getDomain } from "tldts"
import * as Url from "../Url.ts"
import * as SiteHost from "./SiteHost.ts"
import * as UrlKey from "./UrlKey.ts"

/**
 * - `host`: the hosts of the seeds
 * - `domain`: all hosts of their registrable domains, by the public suffix list: `docs.a.co.uk` for `www.a.co.uk`, but
 *   `b.github.io` not for `a.github.io`
 * - `path`: what lies on the host in the folder of the seed: `/docs/` for `/docs/intro.html`. A name without an ending is
 *   a folder: of `/docs`, `/docs/a` and not `/docs-old`
 */
export type Within = "host" | "domain" | "path"

/** Where a crawl begins, and how far it goes. */
export interface Options {
  /** As `Url.parse` gives them. */
  readonly seeds: ReadonlyArray<string>
  readonly within: Within
  /** A page must match one of them, if there are any. They see the whole URL as it was found. */
  readonly include?: ReadonlyArray<RegExp>
  /** What matches one of them is left out. */
  readonly exclude?: ReadonlyArray<RegExp>
  /** Links from a seed to a page, at most: 0 is the seeds alone. No bound, unless given. */
  readonly maxDepth?: number
}

/** A link that is to be followed, or not. */
export interface Candidate {
  /** As `Url.parse` gives it. */
  readonly url: string
  /** Links between a seed and it. */
  readonly depth: number
  /** A page in scope needs it to be shown. */
  readonly isResource: boolean
}

/** The depth of a sitemap to which too many in a row lead (`robotsDepth` of `Following.ts`); no page is so deep. */
export const unreadDepth = 1e8

/**
 * What decided. `TooManySitemaps`: a sitemap at `unreadDepth`. `Outside`: no seed's host, domain or folder, whichever
 * counts, holds it.
 */
export type Decision =
  | { readonly _tag: "InScope"; readonly by: "seed" | "resource" | Within }
  | { readonly _tag: "TooDeep"; readonly depth: number; readonly maxDepth: number }
  | { readonly _tag: "TooManySitemaps" }
  | { readonly _tag: "Excluded"; readonly pattern: string }
  | { readonly _tag: "NotIncluded" }
  | { readonly _tag: "Outside"; readonly within: Within }

/** Which links are followed. */
export interface Scope {
  readonly decide: (candidate: Candidate) => Decision
}

const domainOf = (url: URL): string => {
  const port = url.port === "" ? "" : `:${url.port}`
  const host = url.hostname.replace(/\.$/, "")
  // an address and a public suffix belong to themselves
  return (getDomain(host, { allowPrivateDomains: true, validateHostname: false }) ?? host) + port
}

/** The folder, without the `/` at its end. */
const folderOf = (url: URL): string => {
  const { pathname } = url
  const slash = pathname.lastIndexOf("/")
  return /\.[a-z0-9]+$/i.test(pathname.slice(slash + 1)) ? pathname.slice(0, slash) : pathname.replace(/\/$/, "")
}

const isIn = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`)

/**
 * Seeds that are compared one by one: to look for a new string in a Set, V8 hashes it and looks whether it has another
 * one like it.
 */
const few = 8

/** A pattern that keeps its place would answer by turns. */
const stateless = ({ source, flags }: RegExp) => new RegExp(source, flags.replace(/[gy]/g, ""))

/** The scope of these seeds. Patterns with `g` or `y` look at each URL from its start. */
export const make = ({ seeds, within, include = [], exclude = [], maxDepth = Infinity }: Options): Scope => {
  const keys = seeds.map(UrlKey.of)
  const seedKeys = keys.length <= few ? undefined : new Set(keys)
  const isSeed = (key: string) => (seedKeys === undefined ? keys.includes(key) : seedKeys.has(key))
  const urls = keys.map((key) => new URL(key))
  const hosts = new Set(urls.map(SiteHost.of))
  // to look into the public suffix list costs a start 3 ms
  const domains = new Set(within === "domain" ? urls.map(domainOf) : [])
  const folders = urls.map((url) => ({ host: SiteHost.of(url), folder: folderOf(url) }))
  const included = include.map(stateless)
  const excluded = exclude.map(stateless)

  const contains = (url: URL): boolean => {
    switch (within) {
      case "host":
        return hosts.has(SiteHost.of(url))
      case "domain":
        return domains.has(domainOf(url))
      case "path": {
        const host = SiteHost.of(url)
        return folders.some((one) => one.host === host && isIn(one.folder, url.pathname))
      }
    }
  }

  /** Links that follow each other mostly lead to one site, and to parse a URL costs more than all else. */
  let latest = { origin: "", isIn: false }
  const isWithin = (key: string): boolean => {
    if (within === "path") return contains(new URL(key))
    const origin = Url.origin(key)
    if (origin !== latest.origin) latest = { origin, isIn: contains(new URL(key)) }
    return latest.isIn
  }

  return {
    decide: ({ url, depth, isResource }) => {
      const key = UrlKey.of(url)
      if (isSeed(key)) return { _tag: "InScope", by: "seed" }
      const pattern = excluded.find((one) => one.test(url))
      if (pattern !== undefined) return { _tag: "Excluded", pattern: pattern.source }
      if (isResource) return depth === unreadDepth ? { _tag: "TooManySitemaps" } : { _tag: "InScope", by: "resource" }
      if (!isWithin(key)) return { _tag: "Outside", within }
      if (included.length > 0 && !included.some((one) => one.test(url))) return { _tag: "NotIncluded" }
      if (depth > maxDepth) return { _tag: "TooDeep", depth, maxDepth }
      return { _tag: "InScope", by: within }
    }
  }
}
