/**
 * Every flag that is also a setting: name, form, default and help in one place.
 * Help text says what a value does in one line; the default stands in brackets.
 */
import * as Result from "effect/Result"
import * as FieldName from "@simul/scraper/FieldName"
import * as FieldValue from "@simul/scraper/FieldValue"
import { bound, type Priority } from "@simul/scraper/crawl/Priorities"
import { defaults } from "@simul/scraper/Options"
import * as Durations from "./Durations.ts"
import type { Setting } from "./Settings.ts"
import * as Sizes from "./Sizes.ts"

type About = Pick<Setting<unknown>, "group" | "description"> &
  Partial<Pick<Setting<unknown>, "alias" | "metavar" | "negation" | "secret">>

const single =
  <A>(read: (text: string) => Result.Result<A, string>) =>
  (texts: ReadonlyArray<string>) =>
    read(texts[0] ?? "")

const text = (name: string, about: About): Setting<string | undefined> => ({
  name,
  kind: "value",
  ...about,
  read: single((value) => (value === "" ? Result.fail("some text") : Result.succeed(value))),
  fallback: undefined
})

const count = (name: string, lowest: number, highest: number, fallback: number, about: About): Setting<number> => ({
  name,
  kind: "value",
  metavar: "N",
  ...about,
  description: `${about.description} [${fallback}]`,
  read: single((value) => {
    const number = /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN
    return number >= lowest && number <= highest
      ? Result.succeed(number)
      : Result.fail(`a whole number from ${lowest} to ${highest}`)
  }),
  fallback
})

/** A count that bounds nothing unless it is given. */
const limit = (name: string, lowest: number, highest: number, about: About): Setting<number | undefined> => ({
  ...count(name, lowest, highest, 0, about),
  description: `${about.description} [any number]`,
  fallback: undefined
})

const time = <A>(name: string, lowest: number, fallback: A, about: About): Setting<number | A> => ({
  name,
  kind: "value",
  metavar: "TIME",
  ...about,
  read: single((value) =>
    Result.flatMap(Durations.parse(value), (ms) => (ms < lowest ? Result.fail(Durations.forms) : Result.succeed(ms)))
  ),
  fallback
})

const size = (name: string, about: About): Setting<number | undefined> => ({
  name,
  kind: "value",
  metavar: "SIZE",
  ...about,
  read: single((value) =>
    Result.flatMap(Sizes.parse(value), (bytes) => (bytes < 1 ? Result.fail(Sizes.forms) : Result.succeed(bytes)))
  ),
  fallback: undefined
})

const toggle = (name: string, fallback: boolean, about: About): Setting<boolean> => ({
  name,
  kind: "toggle",
  ...about,
  read: single((value) => {
    if (/^(true|1|yes|on)$/i.test(value)) return Result.succeed(true)
    return /^(false|0|no|off)$/i.test(value) ? Result.succeed(false) : Result.fail("true or false")
  }),
  fallback
})

const choice = <const C extends ReadonlyArray<string>>(
  name: string,
  choices: C,
  fallback: C[number],
  about: About
): Setting<C[number]> => ({
  name,
  kind: "value",
  choices,
  ...about,
  description: `${about.description} [${fallback}]`,
  read: single((value) => (choices.includes(value) ? Result.succeed(value) : Result.fail(oneOf(choices)))),
  fallback
})

/** `a, b or c`. */
export const oneOf = (choices: ReadonlyArray<string>): string =>
  choices.length < 2 ? choices.join("") : `${choices.slice(0, -1).join(", ")} or ${choices.at(-1)}`

type Header = readonly [name: string, value: string]

/** Of the value no control character but tab (RFC 9110 5.5), so that no line can be smuggled in. */
const readHeader = (line: string): Result.Result<Header, string> => {
  const colon = line.indexOf(":")
  if (colon < 0) return Result.fail("NAME:VALUE, with a colon")
  const name = line.slice(0, colon).trim()
  const value = FieldValue.trimmed(line.slice(colon + 1))
  if (!FieldName.isToken(name)) return Result.fail("NAME:VALUE, with a header name before the colon")
  if (FieldName.isOurs(name)) return Result.fail(`a NAME other than ${name}, which the connection sets itself`)
  return FieldValue.isSendable(value)
    ? Result.succeed([name, value])
    : Result.fail(`NAME:VALUE, ${FieldValue.sendable}`)
}

const headers = (name: string, about: About): Setting<ReadonlyArray<Header>> => ({
  name,
  kind: "list",
  ...about,
  secret: true,
  read: (lines) => {
    const read: Array<Header> = []
    for (const line of lines) {
      const header = readHeader(line)
      if (Result.isFailure(header)) return Result.fail(header.failure)
      read.push(header.success)
    }
    return Result.succeed(read)
  },
  fallback: []
})

const proxy = (name: string, about: About): Setting<string | undefined> => ({
  ...text(name, { ...about, secret: true }),
  read: single((value) =>
    /^(https?|socks(5h?)?):$/.test(URL.parse(value)?.protocol ?? "")
      ? Result.succeed<string | undefined>(value)
      : Result.fail("a URL such as http://proxy.example:3128 or socks5://localhost:1080")
  )
})

/** The headings of the help, and which of them the flags that are no settings stand under. */
const lines = "Where files go"
const pace = "Pace"
const faults = "Faults and limits"
const asking = "Requests"
const screen = "Screen"
export const headings: Readonly<Record<string, string>> = { input: "What to fetch", output: lines }

/** The settings of a fetch: all of `get`, most of `crawl`. */
export const transfer = {
  out: {
    ...text("out", { group: lines, alias: "o", metavar: "DIR", description: "Files here, state in DIR/.simul [.]" }),
    // curl's `-o -`
    read: single((value) =>
      value === "" || value === "-"
        ? Result.fail("a directory (`get -O -` is standard output, `-o ./-` a directory of that name)")
        : Result.succeed(value)
    ),
    fallback: defaults.directory
  } as Setting<string>,
  flat: toggle("flat", defaults.naming === "flat", {
    group: lines,
    description: "DIR/name instead of DIR/host/path/name"
  }),
  format: choice("format", ["files", "warc"], defaults.format, {
    group: lines,
    metavar: "KIND",
    description: "Bodies as files, or answers as they came (warc)"
  }),
  warcSize: {
    ...size("warc-size", { group: lines, description: "Begin another archive beyond this [1G]" }),
    fallback: defaults.archiveBytes
  } as Setting<number>,
  refresh: toggle("refresh", defaults.refresh, {
    group: lines,
    description: "Ask again for what is saved, take what changed"
  }),
  durability: choice("durability", ["process", "power"], defaults.durability, {
    group: lines,
    metavar: "KIND",
    description: "Survive kill -9 (process), or power loss too (power)"
  }),

  jobs: count("jobs", 1, 10_000, defaults.jobs, { group: pace, alias: "j", description: "Transfers in flight" }),
  perHost: count("per-host", 1, 10_000, defaults.perHost, {
    group: pace,
    description: "Transfers in flight to one host"
  }),
  delay: time("delay", 0, defaults.delayMs, {
    group: pace,
    description: "Pause between requests to one host: 500ms, 2s [0]"
  }),
  adaptive: {
    ...text("adaptive", { group: pace, metavar: "N", description: "Slow hosts are asked less: about N at once [off]" }),
    read: single((value) => {
      const target = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : 0
      return target > 0 && target <= 1000
        ? Result.succeed<number | undefined>(target)
        : Result.fail("a number above 0, such as 1 or 0.5")
    })
  } as Setting<number | undefined>,
  maxDelay: time("max-delay", 1, defaults.maxDelayMs, {
    group: pace,
    description: "Longest pause that --adaptive makes [1m]"
  }),
  rate: size("rate", {
    group: pace,
    metavar: "SIZE",
    description: "Bytes a second, all together: 500K, 10M"
  }),
  robots: toggle("robots", defaults.robots, {
    group: pace,
    negation: "no-robots",
    description: "Obey robots.txt [off]"
  }),

  retries: count("retries", 0, 1000, defaults.retries, {
    group: faults,
    description: "More attempts, for faults that may pass"
  }),
  timeout: time("timeout", 1, defaults.timeoutMs, {
    group: faults,
    description: `Longest wait for the next byte [${Durations.format(defaults.timeoutMs)}]`
  }),
  connectTimeout: time("connect-timeout", 1, defaults.connectTimeoutMs, {
    group: faults,
    description: `Longest wait for a connection [${Durations.format(defaults.connectTimeoutMs)}]`
  }),
  maxTime: time("max-time", 1, undefined, {
    group: faults,
    description: "For one URL, all attempts and redirects: 5m, 1h"
  }),
  maxSize: size("max-size", { group: faults, description: "Largest body, after decoding: 50M, 2G" }),
  denyPrivate: toggle("deny-private", defaults.denyPrivate === true, {
    group: faults,
    negation: "allow-private",
    description: "Refuse loopback and private addresses [off]"
  }),

  userAgent: {
    ...text("user-agent", {
      group: asking,
      alias: "A",
      metavar: "TEXT",
      description: "Name and contact sent to servers"
    }),
    read: single((value) =>
      value !== "" && FieldValue.isSendable(value)
        ? Result.succeed(value)
        : Result.fail(`some text ${FieldValue.sendable}`)
    ),
    fallback: defaults.userAgent
  } as Setting<string>,
  header: headers("header", {
    group: asking,
    alias: "H",
    metavar: "NAME:VALUE",
    description: "Sent to the URL's own origin only; may repeat"
  }),
  proxy: proxy("proxy", { group: asking, metavar: "URL", description: "For all requests [HTTP_PROXY and the like]" }),
  cacert: text("cacert", {
    group: asking,
    metavar: "FILE",
    description: "PEM certificates to trust besides the usual"
  }),
  insecure: toggle("insecure", defaults.insecure, {
    group: asking,
    description: "Do not verify certificates: anyone can answer"
  }),
  cookieJar: text("cookie-jar", {
    group: asking,
    metavar: "FILE",
    description: "Netscape cookie file, read first, then written"
  }),

  json: toggle("json", false, { group: screen, description: "One JSON line for each outcome, on stdout" }),
  progress: choice("progress", ["auto", "bar", "plain", "none"], "auto", {
    group: screen,
    metavar: "KIND",
    description: "auto, bar, plain or none"
  }),
  timeline: {
    ...text("timeline", {
      group: screen,
      metavar: "FILE",
      description: "Draw the run: FILE.html, or .json for Perfetto"
    }),
    read: single((value) =>
      /[^/\\]\.(html|json)$/i.test(value)
        ? Result.succeed<string | undefined>(value)
        : Result.fail("a file that ends in .html or .json")
    )
  } as Setting<string | undefined>
}

const which = "Which pages"

const readPattern = (text: string): Result.Result<RegExp, string> =>
  Result.try({
    try: () => new RegExp(text, "u"),
    catch: (error) => `a regular expression (${(error as Error).message.replace(/^.*: /, "")})`
  })

const readPriority = (text: string): Result.Result<Priority, string> => {
  const [, source, digits] = /^(.+)=(-?\d+)$/s.exec(text) ?? []
  const value = Number(digits)
  return source === undefined || Math.abs(value) > bound
    ? Result.fail(`a regular expression, \`=\` and a whole number from -${bound} to ${bound}`)
    : Result.map(readPattern(source), (pattern) => ({ pattern, value }))
}

const pattern = (name: string, description: string): Setting<ReadonlyArray<RegExp>> => ({
  name,
  kind: "list",
  group: which,
  metavar: "RE",
  description,
  read: (texts) => Result.all(texts.map(readPattern)),
  fallback: []
})

const { flat: _, ...common } = transfer
/** The settings of a crawl. It is polite unless it is told not to be. */
export const crawl = {
  ...common,
  mirror: toggle("mirror", false, {
    group: lines,
    description: "Make a copy in DIR/mirror that opens in a browser"
  }),
  depth: limit("depth", 0, 1_000_000, { group: which, description: "Links from a URL given here, at most" }),
  scope: choice("scope", ["host", "domain", "path"], "host", {
    group: which,
    metavar: "KIND",
    description: "Pages of the same host, domain, or below the path"
  }),
  include: pattern("include", "Pages whose URL matches, only; may repeat"),
  exclude: pattern("exclude", "Not what matches; may repeat"),
  priority: {
    name: "priority",
    kind: "list",
    group: which,
    metavar: "RE=N",
    description: "Ask for what matches sooner, from -100 to 100; may repeat",
    read: (texts) => Result.all(texts.map(readPriority)),
    fallback: []
  } as Setting<ReadonlyArray<Priority>>,
  maxPages: limit("max-pages", 1, 1e12, { group: which, description: "Save so many, then stop" }),
  maxPagesPerHost: limit("max-pages-per-host", 1, 1e12, { group: which, description: "Save so many of each host" }),
  skipNoindex: toggle("skip-noindex", false, {
    group: which,
    description: "Do not keep pages that ask not to be indexed"
  }),
  sitemaps: toggle("sitemaps", false, { group: which, description: "Start from the pages in the sites' sitemaps too" }),
  traps: toggle("traps", true, {
    group: which,
    negation: "no-traps",
    description: "Stop where pages have no end and say nothing new [on]"
  }),
  robots: { ...transfer.robots, description: "Obey robots.txt [on]", fallback: true },
  denyPrivate: {
    ...transfer.denyPrivate,
    description: "Refuse private addresses [unless a URL given here has one]",
    fallback: undefined
  } as Setting<boolean | undefined>
}

/** Every setting there is: what a settings file may hold. */
export const all: ReadonlyArray<Setting<unknown>> = [...Object.values(transfer), ...Object.values(crawl)] as never
export const names: ReadonlySet<string> = new Set(all.map(({ name }) => name))
