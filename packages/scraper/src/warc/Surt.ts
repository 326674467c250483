/**
 * The key by which indexes of archives sort a URL: its host turned round, then
 * path and query, without what tends to differ between two visits.
 *
 *     https://www.Example.com/A/?b=2&a=1   com,example)/a?a=1&b=2
 *
 * Readers of an index make the key of the URL they look for by the same rules, so
 * these are not ours to better: those of the Wayback Machine (the canonicalizer
 * `DefaultIAURLCanonicalizer` of internetarchive/surt), which pywb follows.
 */
import * as Url from "../Url.ts"

/** What stands as it is; all other octets are escaped. */
const isPlain = /[!-~]/

/**
 * Undoes escapes until there are none: as octets, a character each. No two overlap, so it is all one in which order; one
 * that another brings about is undone as soon as it is there, for to look through all of it each time takes time quadratic
 * in `%252525`.
 */
const unescaped = (text: string): string => {
  if (!text.includes("%")) return text
  const octets: Array<string> = []
  for (const octet of text) {
    octets.push(octet)
    while (octets.at(-3) === "%" && /^[0-9a-f]{2}$/i.test(octets.at(-2)! + octets.at(-1)!))
      octets.push(String.fromCharCode(Number.parseInt(octets.splice(-3).slice(1).join(""), 16)))
  }
  return octets.join("")
}

const escapedOnce = (text: string): string =>
  unescaped(text).replace(/[^]/g, (octet) =>
    isPlain.test(octet) && octet !== "#" && octet !== "%"
      ? octet
      : `%${octet.charCodeAt(0).toString(16).padStart(2, "0")}`
  )

/** Segments that are empty, or lead nowhere, go; so does a slash at the end. */
const pathOf = (pathname: string): string => {
  const kept: Array<string> = []
  for (const segment of unescaped(pathname).split("/").slice(1)) {
    if (segment === ".." && kept.length > 0) kept.pop()
    else if (segment !== "." && segment !== "") kept.push(segment)
  }
  return `/${escapedOnce(kept.join("/")).toLowerCase()}`
    .replace(/^(.*\/)\((?:[a-z]\([0-9a-z]{24}\))+\)\/([^?]+\.aspx.*)$/, "$1$2")
    .replace(/^(.*\/)\([0-9a-z]{24}\)\/([^?]+\.aspx.*)$/, "$1$2")
}

/** Parameters of sessions. */
const sessions = [
  /^(.*)jsessionid=[0-9a-z]{32}(?:&(.*))?$/,
  /^(.*)phpsessid=[0-9a-z]{32}(?:&(.*))?$/,
  /^(.*)sid=[0-9a-z]{32}(?:&(.*))?$/,
  /^(.*)aspsessionid[a-z]{8}=[a-z]{24}(?:&(.*))?$/,
  // to look from each `cfid=` to the end of its parameter would take time quadratic in their number
  /^(.*)cfid=(?:(?!cfid=[^&])[^&])+&cftoken=[^&]+(?:&(.*))?$/
]

/** By name, then those without a value, then by value. */
const inOrder = (one: ReadonlyArray<string>, other: ReadonlyArray<string>): number => {
  for (let i = 0; i < Math.min(one.length, other.length); i++)
    if (one[i] !== other[i]) return one[i]! < other[i]! ? -1 : 1
  return one.length - other.length
}

const queryOf = (search: string): string => {
  let query = escapedOnce(search.slice(1)).toLowerCase()
  for (const session of sessions)
    query = query.replace(session, (_, before: string, after: string = "") => before + after)
  const parameters = query.split("&").map((parameter) => {
    const equals = parameter.indexOf("=")
    return equals < 0 ? [parameter] : [parameter.slice(0, equals), parameter.slice(equals + 1)]
  })
  const sorted = parameters
    .toSorted(inOrder)
    .map((parameter) => parameter.join("="))
    .join("&")
  return sorted === "" ? "" : `?${sorted}`
}

/** The key of an absolute http(s) URL. */
export const fromUrl = (text: string): string => {
  const { hostname, port, pathname, search } = new URL(text)
  const host = Url.unbracketed(hostname)
    .replaceAll("..", ".")
    .replace(/^\.+|\.+$/g, "")
    .replace(/^www\d*\./, "")
  return `${host.split(".").toReversed().join(",")}${port === "" ? "" : `:${port}`})${pathOf(pathname)}${queryOf(search)}`
}
