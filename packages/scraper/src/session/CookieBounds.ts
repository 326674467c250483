/**
 * What a server may put into a jar, where RFC 6265bis bounds it and `tough-cookie`
 * does not: a hostile site must not fill every request with what it likes, nor
 * one that is read in plain replace what was set under TLS.
 */
import type { Cookie, CookieJar } from "tough-cookie"

/** Octets of name and value (5.6, 5.7 step 6). */
const longest = 4096
/** From now on (5.5): 400 days. */
const longestLifeMs = 400 * 86_400_000
/** Of one domain (6.1 asks for 50 at least): the number that browsers keep. */
const mostOfDomain = 180

const reserved = /^__(?:secure|host|http|host-http)-/i

/** Whether a secure cookie of this name would be hidden or replaced by one that came in plain (5.7 step 15). */
const isSecured = (jar: CookieJar, { key, path }: Cookie, url: string): boolean => {
  const secure = new URL(url)
  if (secure.protocol === "https:") return false
  secure.protocol = "https:"
  secure.port = ""
  if (path !== null) secure.pathname = path
  return jar.getCookiesSync(secure.href).some((other) => other.secure && other.key === key)
}

/** Whether it may be kept. Its end is brought within bounds, and is an absolute time from then on. */
export const admits = (jar: CookieJar, cookie: Cookie, url: string, nowMs: number): boolean => {
  const { key, value } = cookie
  if (key === "" && (value === "" || reserved.test(value))) return false
  if (Buffer.byteLength(key) + Buffer.byteLength(value) > longest) return false
  if (cookie.isPersistent()) {
    // tough-cookie counts Max-Age anew at each use; one that is over ends before all time
    const endMs = Math.max(0, cookie.expiryTime(new Date(nowMs)) ?? Infinity)
    cookie.expires = new Date(Math.min(endMs, nowMs + longestLifeMs))
    cookie.maxAge = null
  }
  return !isSecured(jar, cookie, url)
}

/** Drops the oldest cookies of a domain that has too many. */
export const prune = ({ store }: CookieJar, domain: string): void => {
  // the memory store calls back before it returns
  store.findCookies(domain, null, true, (_error, found) => {
    const own = (found ?? []).filter((cookie) => cookie.domain === domain)
    if (own.length <= mostOfDomain) return
    const oldest = own.toSorted((a, b) => Number(a.creation) - Number(b.creation) || a.creationIndex - b.creationIndex)
    for (const { path, key } of oldest.slice(0, own.length - mostOfDomain))
      store.removeCookie(domain, path, key, () => undefined)
  })
}
