/**
 * Which URLs belong to a crawl: those near its seeds, as far as patterns let
 * them in.
 *
 * A scheme is no border: a page that links `http:` of a site that is served by
 * `https:` means the same site, if both ports are the usual ones.
 */
import { getDomain } from "tldts"

export interface Rules {
  /** `host`: a seed's host and port. `domain`: its registrable domain (by the public suffix list). `path`: its host, below its path. */
  readonly scope: "host" | "domain" | "path"
  /** Pages must match one of these, if there are any. */
  readonly include: ReadonlyArray<RegExp>
  /** What matches one of these is left out. */
  readonly exclude: ReadonlyArray<RegExp>
}

export const rules: Rules = { scope: "host", include: [], exclude: [] }

/** Whether a URL belongs to it. `isResource`: a page that does needs it to be shown; then it may be anywhere. */
export type Scope = (url: URL, isResource: boolean) => boolean

/** Up to the last slash of the path: what a page at this URL takes for its folder. */
const folderOf = ({ pathname }: URL) => pathname.slice(0, pathname.lastIndexOf("/") + 1)

/** An address or a name without a registrable domain stands for itself. */
const domainOf = ({ hostname }: URL) => getDomain(hostname, { allowPrivateDomains: true }) ?? hostname

/** The key of a site: two URLs with the same one belong together. */
const siteOf = (url: URL, scope: Rules["scope"]) => (scope === "domain" ? domainOf(url) : url.host)

/** @param seeds absolute http(s) URLs */
export const make = (seeds: ReadonlyArray<string>, { scope, include, exclude }: Rules): Scope => {
  const sites = new Map<string, Array<string>>()
  for (const seed of seeds) {
    const url = new URL(seed)
    const site = siteOf(url, scope)
    sites.set(site, [...(sites.get(site) ?? []), scope === "path" ? folderOf(url) : "/"])
  }
  return (url, isResource) => {
    if (exclude.some((pattern) => pattern.test(url.href))) return false
    if (isResource) return true
    const folders = sites.get(siteOf(url, scope))
    if (folders === undefined || !folders.some((folder) => url.pathname.startsWith(folder))) return false
    return include.length === 0 || include.some((pattern) => pattern.test(url.href))
  }
}
