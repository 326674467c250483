/**
 * Where a redirect leads (RFC 9110 15.4), and when to stop following.
 */
import { hash } from "node:crypto"
import * as FetchError from "../FetchError.ts"
import * as Url from "../Url.ts"

/** Redirects followed for one request. */
export const limit = 20

/** Whether a status asks for another URL. 300 leaves the choice to a person, 304 is an answer, 305 and 306 are obsolete. */
export const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

/** `url` as it may be shown and sent: without user name, password and fragment. */
export const bare = (url: URL): string => {
  const { href } = url
  if (!href.includes("@") && !href.includes("#")) return href
  const copy = new URL(url)
  copy.username = ""
  copy.password = ""
  copy.hash = ""
  return copy.href
}

/**
 * The target of `location` seen from `from`, its fragment dropped. Within the
 * origin, credentials stay (those of `location` first); another origin gets
 * none: those in the URL were for the old one, and a page has no business to
 * choose what we log in with elsewhere.
 */
export const resolve = (from: URL, location: string): URL | FetchError.RedirectError => {
  const url = URL.parse(Url.inField(location), from.href)
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    return new FetchError.RedirectError({ kind: "location", location: url === null ? location : bare(url), count: 1 })
  }
  url.hash = ""
  if (url.origin !== from.origin) {
    url.username = ""
    url.password = ""
  } else if (url.username === "" && url.password === "") {
    url.username = from.username
    url.password = from.password
  }
  return url
}

/** How often one URL is asked for with the same cookies: some servers send a client round until they are ready. */
const rounds = 4

/** The way of one request so far. A URL asked for again with the same cookies is likely to answer the same. */
export class Trail {
  readonly #asked: Array<string>

  /** `asked`: by others on it. */
  constructor(asked: ReadonlyArray<string> = []) {
    this.#asked = [...asked]
  }

  /** Digests of what was asked for so far, each URL with its cookies: targets keep them while they wait, and URLs may be long. */
  get asked(): ReadonlyArray<string> {
    return this.#asked
  }

  /** Notes a request; fails when it goes round in a loop or is one too many. */
  step(url: string, cookie: string | undefined): FetchError.RedirectError | undefined {
    const key = hash("sha256", `${url} ${cookie ?? ""}`, "base64")
    const count = this.#asked.length
    const times = this.#asked.filter((one) => one === key).length
    if (times === rounds) return new FetchError.RedirectError({ kind: "loop", location: url, count })
    if (count > limit) return new FetchError.RedirectError({ kind: "limit", location: url, count: limit })
    this.#asked.push(key)
    return undefined
  }
}
