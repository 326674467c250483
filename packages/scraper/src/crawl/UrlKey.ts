/**
 * When are two URLs one page to a crawl? When their keys are the same. The key
 * is compared and never asked: what is asked is the URL as it was found first.
 * So a list, which names resources, has no use for it.
 *
 * | | the same page | why |
 * |---|---|---|
 * | 1 | `HTTP://H:80/a/../b#c`, `http://h/b` | `Url.parse` did that already (WHATWG URL) |
 * | 2 | `/%7ea%2f`, `/~a%2F` | escapes of unreserved octets mean those, and `%2f` means `%2F` (RFC 3986 6.2.2) |
 * | 3 | `/a\|b`, `/a%7Cb`; `/100%`, `/100%25` | clients differ in what they escape; servers read both alike |
 * | 4 | `/a?`, `/a`; `?a=1&&b=2&`, `?a=1&b=2` | nothing is said by an empty query or parameter |
 * | 5 | `?b=2&a=1`, `?a=1&b=2` | servers look parameters up by name; filters that a site links in every order would else be a page for each order. Those of one name keep their order, and a query with a parameter without `=` keeps all of it: there the place may be the name |
 * | 6 | `?a=1&utm_source=x`, `?a=1` | it is for counting where visitors come from |
 * | 7 | `/a;jsessionid=0A1B`, `/a` | it names the visit and not the page: each answer has another one, without end |
 * | 8 | `http://h./`, `http://h/` | the final dot is for the resolver |
 *
 * Two pages: `http` and `https`; `www.h` and `h`; `/a` and `/a/`; `/a` and `/A`;
 * `/a//b` and `/a/b`; `/` and `/index.html`; `?a` and `?a=`. Each may be another
 * resource on a real server, and a page that is asked twice is better than one
 * that is lost.
 */

/** Nothing in it that could change. */
const isPlain = /^https?:\/\/(?:[a-z0-9-]+\.)*[a-z0-9-]+(?::\d+)?\/[A-Za-z0-9\-._~!$&'()*+,=:@/]*$/

/** RFC 3986 2.2 and 2.3, and what a path and a query may hold besides. */
const unreserved = /[A-Za-z0-9\-._~]/
const escape = /%([0-9a-f]{2})|%|[^A-Za-z0-9\-._~!$&'()*+,;=:@/?]/gi

const normalizeEscape = (match: string, hex: string | undefined): string => {
  if (hex === undefined) return match === "%" ? "%25" : encodeURIComponent(match)
  const character = String.fromCharCode(Number.parseInt(hex, 16))
  return unreserved.test(character) ? character : `%${hex.toUpperCase()}`
}

const normalizeEscapes = (text: string): string => text.replace(escape, normalizeEscape)

const tracking =
  /^(?:utm_[a-z_]+|gclid|gclsrc|dclid|gbraid|wbraid|fbclid|msclkid|yclid|twclid|ttclid|igshid|mc_cid|mc_eid|_ga|_gl|_hsenc|_hsmi)$/i
const session = /^(?:phpsessid|jsessionid|aspsessionid[a-z]*|asp\.net_sessionid|cftoken|cfid)$/i
const sessionParameter = /;jsessionid=[^;]*/gi

const withoutSession = (path: string): string =>
  path.includes(";")
    ? path
        .split("/")
        .map((segment) => {
          const rest = segment.replace(sessionParameter, "")
          // these would lead elsewhere
          return rest === "" || rest === "." || rest === ".." ? segment : rest
        })
        .join("/")
    : path

const nameOf = (parameter: string): string => parameter.slice(0, parameter.indexOf("="))

const queryOf = (query: string): string => {
  const parameters = query.split("&").filter((parameter) => parameter !== "")
  if (!parameters.every((parameter) => parameter.includes("="))) return parameters.join("&")
  return parameters
    .filter((parameter) => !tracking.test(nameOf(parameter)) && !session.test(nameOf(parameter)))
    .toSorted((one, other) => {
      const [first, second] = [nameOf(one), nameOf(other)]
      return first < second ? -1 : first > second ? 1 : 0
    })
    .join("&")
}

/** The key of a URL, itself a URL, and its own key. `url` as `Url.parse` gives it. */
export const of = (url: string): string => {
  if (isPlain.test(url)) return url
  const path = url.indexOf("/", url.indexOf("://") + 3)
  const mark = url.indexOf("?", path)
  const authority = url.slice(0, path).replace(/(?<=[^./@])\.(?=(?::\d+)?$)/, "")
  const segments = withoutSession(normalizeEscapes(mark < 0 ? url.slice(path) : url.slice(path, mark)))
  const query = mark < 0 ? "" : queryOf(normalizeEscapes(url.slice(mark + 1)))
  return authority + segments + (query === "" ? "" : `?${query}`)
}
