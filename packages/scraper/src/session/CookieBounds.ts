/**
 * What a server may put into a jar, where RFC 6265bis reads or bounds it otherwise
 * than `tough-cookie`: a hostile site must not fill every request with what it
 * likes, nor one that is read in plain replace what was set under TLS.
 */
import { canonicalDomain, Cookie, CookieJar, defaultPath, domainMatch, getPublicSuffix, pathMatch } from "tough-cookie"
import * as FieldValue from "../FieldValue.ts"
import * as CookieDomain from "./CookieDomain.ts"
import * as CookiePath from "./CookiePath.ts"
import { CookieStore } from "./CookieStore.ts"

/** A jar without cookies. */
export const empty = (): CookieJar => new CookieJar(new CookieStore(), { looseMode: true })

/** Octets of name and value (5.6, 5.7 step 6), a character each as in every field. */
const longest = 4096
/** Octets of an attribute's value: a longer one is overlooked (5.6 step 6 of attributes). */
const longestAttribute = 1024
/** From now on (5.5): 400 days. */
const longestLifeMs = 400 * 86_400_000
/** Of one domain (6.1 asks for 50 at least): the number that browsers keep. */
const mostOfDomain = 180
/** In all (6.1). */
const most = 3000
/** Lines of an answer that are read: no host has use for more than it may keep. */
const mostLines = 200

const reserved = /^__(?:secure|host|http)-/i
/** What the beginning of a name promises, in letters of either size (5.7 steps 20 and 21; of `http` the draft that follows it). */
const promises: ReadonlyArray<readonly [name: RegExp, isKept: (cookie: Cookie) => boolean]> = [
  [reserved, ({ secure }) => secure],
  [/^__host-/i, ({ domain, path }) => domain === null && path === "/"],
  [/^__(?:host-)?http-/i, ({ httpOnly }) => httpOnly]
]

const isRead = (attribute: string) =>
  FieldValue.trimmed(attribute.slice(attribute.indexOf("=") + 1)).length <= longestAttribute

/** A cookie as its line has it. */
const read = (line: string): Cookie | undefined => {
  // a control octet anywhere in it, and it sets nothing (5.6 step 1)
  if (!FieldValue.isSendable(line)) return undefined
  const [pair = "", ...attributes] = line.split(";")
  const cookie = Cookie.parse([pair, ...attributes.filter(isRead)].join(";"), { loose: true })
  if (cookie === undefined) return undefined
  // the first `=` ends the name, an empty one too, and what is trimmed are blanks (5.6 steps 3 and 4)
  const equals = pair.indexOf("=")
  cookie.key = FieldValue.trimmed(pair.slice(0, Math.max(0, equals)))
  cookie.value = FieldValue.trimmed(pair.slice(equals + 1))
  // one dot before it has been taken away (5.6.3): no host begins with another, nor with a blank
  if (/^[.\t ]/.test(cookie.domain ?? "")) return undefined
  try {
    cookie.domain = cookie.cdomain() ?? null
  } catch {
    // no name that a host could have
    return undefined
  }
  return cookie
}

const all = ({ store }: CookieJar): ReadonlyArray<Cookie> => {
  let found: ReadonlyArray<Cookie> = []
  // the memory store calls back before it returns
  store.getAllCookies((_error, cookies) => (found = cookies ?? []))
  return found
}

const matches = (domain: string | null, other: string | null): boolean => domainMatch(domain, other) === true

/** Whether a secure cookie would be hidden or replaced by one that came in plain (5.7 step 15). */
const isSecured = (jar: CookieJar, { key, path, domain }: Cookie, { hostname, pathname }: URL): boolean => {
  const from = domain ?? hostname
  return all(jar).some(
    (other) =>
      other.secure &&
      other.key === key &&
      (matches(from, other.domain) || matches(other.domain, from)) &&
      pathMatch(path ?? defaultPath(pathname), other.path ?? "/")
  )
}

/** Whether it may be kept. Its end is brought within bounds, and is an absolute time from then on. */
const admits = (jar: CookieJar, cookie: Cookie, url: URL, nowMs: number): boolean => {
  const { key, value } = cookie
  if (key === "" && (value === "" || reserved.test(value))) return false
  if (promises.some(([name, isKept]) => name.test(key) && !isKept(cookie))) return false
  if (key.length + value.length > longest) return false
  if (cookie.isPersistent()) {
    // tough-cookie counts Max-Age anew at each use; one that is over ends before all time
    const endMs = Math.max(0, cookie.expiryTime(new Date(nowMs)) ?? Infinity)
    cookie.expires = new Date(Math.min(endMs, nowMs + longestLifeMs))
    cookie.maxAge = null
  }
  // 5.7 step 11: what is for TLS alone must come by it
  return url.protocol === "https:" || !(cookie.secure || isSecured(jar, cookie, url))
}

const suffixOptions = { allowSpecialUseDomain: true, ignoreError: true }

/**
 * Whether the domain is the host itself, and none that could have others below it: an address, or a name under which
 * anybody may register, as `intranet` may be one. Then the cookie is of that host alone (5.7 step 9).
 */
const isHostAlone = ({ domain }: Cookie, { hostname }: URL): boolean =>
  domain !== null && domain === canonicalDomain(hostname) && getPublicSuffix(domain, suffixOptions) === undefined

/** Drops the oldest of these that are more than `most`. */
const prune = ({ store }: CookieJar, cookies: ReadonlyArray<Cookie>, most: number): void => {
  if (cookies.length <= most) return
  const oldest = cookies.toSorted(
    (a, b) => Number(a.creation) - Number(b.creation) || a.creationIndex - b.creationIndex
  )
  for (const { domain, path, key } of oldest.slice(0, cookies.length - most))
    store.removeCookie(domain, path, key, () => undefined)
}

/** Keeps the cookies of an answer, from its `set-cookie` lines, as far as its host may set them; those that are oldest give way. */
export const keep = (jar: CookieJar, url: string, lines: Iterable<string>, nowMs: number): void => {
  const from = new URL(url)
  if (CookieDomain.isNameless(from.hostname)) return
  const location = CookiePath.located(url)
  const domains = new Set<string>()
  let count = 0
  for (const line of lines) {
    if (++count > mostLines) break
    const cookie = read(line)
    if (cookie === undefined || !admits(jar, cookie, from, nowMs)) continue
    if (isHostAlone(cookie, from)) cookie.domain = null
    const kept = jar.setCookieSync(cookie, location, { ignoreError: true })
    if (kept?.domain != null) domains.add(kept.domain)
  }
  if (domains.size === 0) return
  const now = all(jar)
  for (const domain of domains) {
    const own = now.filter((cookie) => cookie.domain === domain)
    prune(jar, own, mostOfDomain)
  }
  // by a tenth more than need be, or each answer would look for the oldest again
  if (now.length > most) prune(jar, all(jar), most - most / 10)
}
