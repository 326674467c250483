/**
 * URLs as the line uses them: absolute, http or https, without a fragment,
 * written as the WHATWG URL standard writes them and changed no further. A list
 * names resources; what might name another one (sorted queries, dropped
 * slashes, decoded escapes) is not done here.
 *
 * 1. Nothing here throws, whatever the text.
 * 2. `parse` of what `parse` gave is the same text.
 * 3. Credentials never reach a message: texts are quoted through `redact`.
 */
import { InvalidUrl } from "./FetchError.ts"

const longestQuote = 200

// controls, formats (bidirectional, zero width), surrogates, line ends and odd spaces
const unprintable = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu

/** The text in quotes, fit for a terminal: no credentials, no control characters, at most some 200 characters. */
const quote = (text: string): string => {
  // redacting comes first: a cut must not hide the `@` that ends the credentials
  const whole = redact(text)
  const short = whole.length > longestQuote ? `${whole.slice(0, longestQuote)}…` : whole
  return `"${short.replace(unprintable, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`)}"`
}

const toUrl = (text: string, base?: string): URL | undefined => {
  try {
    return new URL(text, base)
  } catch {
    return undefined
  }
}

const isHttp = (url: URL): boolean => url.protocol === "http:" || url.protocol === "https:"

/** `host`, `host/path`, `host:8080/path`: what people type for a URL. */
const lacksScheme =
  /^(?!https?:|mailto:)(?:[^/?#\s]*@)?(?:localhost|[^/?#:@\s]*[^/?#:@\s.]\.[^/?#:@\s.]+)(?::\d{1,5})?(?:[/?#]|$)/i

const invalid = (text: string, url: URL | undefined): InvalidUrl => {
  const trimmed = text.trim()
  if (trimmed === "") return new InvalidUrl({ detail: "empty URL" })
  const schemeless = trimmed.startsWith("//") ? trimmed.slice(2) : trimmed
  if (lacksScheme.test(schemeless) && toUrl(`https://${schemeless}`)?.hostname) {
    return new InvalidUrl({
      detail: `URL without a scheme: ${quote(trimmed)}, try ${quote(`https://${schemeless}`).slice(1, -1)}`
    })
  }
  if (url !== undefined) {
    const scheme = quote(url.protocol.slice(0, -1))
    return new InvalidUrl({ detail: `scheme ${scheme} is not supported, only http and https: ${quote(trimmed)}` })
  }
  return new InvalidUrl({
    detail: /^https?:/i.test(trimmed)
      ? `host or port is not valid: ${quote(trimmed)}`
      : `not an absolute URL: ${quote(trimmed)}`
  })
}

/** The origin of what was parsed last: the next one of a list is likely to have the same. */
let latest = ""
/** Paths and queries of characters that stay as they are; a segment that begins with a dot may be one that is taken out. */
const plain = /(?:\/(?!\.)[\w!$&()*+,;:=@~.-]*)+(?:\?[\w!$&()*+,;:=@~./?-]*)?$/y

/** Whether a text is as `parse` would write it, as far as that can be seen at a glance: a fifth of what it costs to parse it. */
const isWritten = (text: string): boolean => {
  if (latest === "" || !text.startsWith(latest)) return false
  plain.lastIndex = latest.length
  return plain.test(text)
}

/**
 * Normalises a URL of a list or a page as WHATWG URL 4.4 does, and cuts its
 * fragment. Credentials stay in the result.
 *
 * Blanks around it are ignored (4.4, step 1). `InvalidUrl` says what is wrong
 * and, where a scheme is all that lacks, what to write; it quotes the text
 * redacted, escaped and cut to 200 characters.
 *
 * @param base what a relative reference is resolved against; itself absolute
 */
export const parse = (text: string, base?: string): string | InvalidUrl => {
  if (isWritten(text)) return text
  const url = toUrl(text, base)
  if (url === undefined || !isHttp(url)) return invalid(text, url)
  const { href } = url
  const fragment = href.indexOf("#")
  const parsed = fragment < 0 ? href : href.slice(0, fragment)
  latest = origin(parsed)
  return parsed
}

/**
 * The same of what a person gave: an argument, or a line of a list, which `isCut` where there was more of it. A byte order
 * mark before it, with which a list may begin, is overlooked; in a link it would be a part of it. There tabs and line ends
 * are overlooked; here they stand between two fields or URLs, which must not become one that nobody wrote. Nor must what
 * NUL parts, as `find -print0` does.
 */
export const given = (text: string, isCut = false): string | InvalidUrl => {
  const trimmed = text.trim()
  const fault = isCut
    ? "too long for a URL"
    : /[\t\r\n]/.test(trimmed)
      ? "a tab or a line end within a URL"
      : trimmed.includes("\0")
        ? "a NUL within a URL"
        : undefined
  return fault === undefined ? parse(trimmed) : new InvalidUrl({ detail: `${fault}: ${quote(trimmed)}` })
}

/** What a program gave for a URL, as text. An object that has none is no URL by any. */
export const textOf = (given: unknown): string => {
  try {
    return String(given)
  } catch {
    return Object.prototype.toString.call(given)
  }
}

/**
 * A reference in a field of an answer, its octets beyond ASCII escaped as they came: fields are handed over an octet a
 * character, and what a server names in its encoding, UTF-8 or not, it knows again in that alone. As curl and Chrome do it.
 */
export const inField = (value: string): string =>
  value.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`)

/** Where the authority lies in a URL that `parse` gave. */
const authority = (url: string): { readonly start: number; readonly host: number; readonly end: number } => {
  const start = url.indexOf("://") + 3
  const slash = url.indexOf("/", start)
  const end = slash < 0 ? url.length : slash
  // few have any, and to look from the end takes V8 several times as long
  const at = url.includes("@") ? url.lastIndexOf("@", end - 1) : -1
  return { start, host: at < start ? start : at + 1, end }
}

/**
 * The URL with its user name and password replaced: `http://***@host/`. The
 * rest stays as it is, so the result is for reading and not for asking.
 *
 * Any text will do. In one that is no URL because a password holds an
 * unescaped `/`, `?` or `#`, everything before the last `@` is replaced.
 */
export const redact = (url: string): string => {
  if (!url.includes("@")) return url
  const last = url.lastIndexOf("@")
  const start = /^[\0- \uFEFF]*(?:[a-z][a-z0-9+.-]*:(?=[\\/])|https?:)?[\\/]*/i.exec(url)![0].length
  const length = url.slice(start).search(/[\\/?#]/)
  const end = length < 0 ? url.length : start + length
  let at = url.lastIndexOf("@", end - 1)
  const address = url.slice(Math.max(at + 1, start), end)
  if (!address.startsWith("[") && /:(?!\d+$)/.test(address)) at = last
  return at < start ? url : `${url.slice(0, start)}***${url.slice(at)}`
}

/** What `origin` gave last: as the same string it is found sooner where it is a key, for V8 need not look whether there is one like it. */
let told = ""

/** Scheme, host and port, no credentials: `http://h:8080`. The key for politeness and slots. `url` as `parse` gives it. */
export const origin = (url: string): string => {
  if (told !== "" && url.startsWith(told) && url[told.length] === "/") return told
  const { start, host, end } = authority(url)
  const found = host === start ? url.slice(0, end) : url.slice(0, start) + url.slice(host, end)
  // of "http:/x" it is "http:", with which others begin that have another
  if (found.includes("://")) told = found
  return found
}

/** The URL without user name and password. `url` as `parse` gives it. */
export const withoutCredentials = (url: string): string => {
  const { start, host } = authority(url)
  return host === start ? url : url.slice(0, start) + url.slice(host)
}

/** The host of a `URL` as it is connected to: an IPv6 address has no brackets there. */
export const unbracketed = (hostname: string): string => hostname.replace(/^\[(.+)\]$/, "$1")
