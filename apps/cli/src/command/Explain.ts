/** `simul explain`: what would become of a URL, and which rule decides. */
import type * as Explained from "@simul/scraper/Explain"
import { complete, defaults } from "@simul/scraper/Options"
import * as Url from "@simul/scraper/Url"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Durations from "../Durations.ts"
import { onOff } from "../FlagKinds.ts"
import * as Flags from "../Flags.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { Incomplete } from "../Incomplete.ts"
import * as Instant from "../Instant.ts"
import { printable } from "../Printable.ts"
import { number } from "../Progress.ts"
import { hint, type Paint, Screen } from "../Screen.ts"
import * as Settings from "../Settings.ts"
import * as Sizes from "../Sizes.ts"
import * as Summary from "../Summary.ts"
import { checkUrl } from "./Get.ts"

type Explanation = Explained.Explanation

const { transfer } = Flags
const settings = {
  out: { ...transfer.out, description: "Go by what a run knows that wrote there [.]" },
  robots: { ...Flags.crawl.robots },
  userAgent: transfer.userAgent,
  header: transfer.header,
  timeout: transfer.timeout,
  connectTimeout: transfer.connectTimeout,
  proxy: transfer.proxy,
  cacert: transfer.cacert,
  insecure: transfer.insecure
}

const targetText = ({ target }: Explanation): string => {
  if (target === undefined) return "not known here"
  if ("pending" in target.entry) {
    const { attempts } = target.entry.pending
    const tried = attempts > 0 ? `, after ${Summary.plural(attempts, "attempt")}` : ""
    return target.isLeased ? `taken by the run that works there${tried}` : `queued${tried}`
  }
  const { outcome } = target.entry
  switch (outcome._tag) {
    case "Saved":
    case "Unchanged":
      return `${outcome._tag.toLowerCase()}: ${outcome.path} (${Sizes.format(outcome.bytes)})${outcome.noindex === true ? ", asks not to be indexed" : ""}`
    default:
      return `${outcome._tag.toLowerCase()}: ${outcome.error.message}`
  }
}

const linkedText = ({ by, nofollow, pages, all }: Explained.Linked): string => {
  if (by !== undefined) return `by ${by}`
  if (nofollow !== undefined) return `by ${nofollow.page}, with ${nofollow.source}`
  return `by none of ${all ? "" : "the first "}${Summary.plural(pages, "saved page")}`
}

const robotsText = ({ kind, rule, fault, askedMs, isNew }: Explained.RobotsSaid): string => {
  const of = isNew ? "asked now" : `asked at ${Instant.format(askedMs)}`
  switch (kind) {
    case "unavailable":
      return `there is none; ${of}`
    case "unreachable":
      return `cannot be had: ${fault ?? ""}; ${of}`
    case "rules":
      return rule === undefined
        ? `no line is about it; ${of}`
        : `${rule.text} (line ${rule.line}, group ${rule.group}); ${of}`
  }
}

const delayText = ({ robots, host }: Explanation): string | undefined => {
  const line = robots?.crawlDelay
  const parts = [
    ...(line === undefined ? [] : [`${line.text} (line ${line.line})`]),
    ...(host?.learnedMs === undefined ? [] : [`${Durations.format(host.learnedMs)} by the time of its answers`]),
    ...(host === undefined || host.delayMs === 0 ? [] : [`kept last: ${Durations.format(host.delayMs)}`])
  ]
  return parts.length === 0 ? undefined : parts.join("; ")
}

const hostText = ({ host }: Explanation): string | undefined => {
  if (host === undefined) return undefined
  const now = Date.now()
  const parts = [
    ...(host.pausedMs > now
      ? [`${host.asked ? "asked to be left alone" : "backed off"} until ${Instant.format(host.pausedMs)}`]
      : []),
    ...(host.strikes > 0 ? [`failed ${number(host.strikes)} times in a row: ${host.fault}`] : []),
    ...(host.nextMs > now ? [`next request at ${Instant.format(host.nextMs)}`] : [])
  ]
  return parts.length === 0 ? undefined : parts.join("; ")
}

const words = { saved: "saved", fetch: "fetched", wait: "waits", refuse: "refused" } as const

const render = (explanation: Explanation, { bold, green, yellow }: Paint): string => {
  const { url, target, scope, linked, priority, maxPages, maxPagesPerHost, robots, file, decision } = explanation
  const { what, message, untilMs } = decision
  const paint = what === "refuse" || what === "wait" ? yellow : green
  const until = untilMs === undefined ? "" : ` until ${Instant.format(untilMs)}`
  const rows: ReadonlyArray<readonly [string, string | undefined]> = [
    ["url", url],
    ["target", targetText(explanation)],
    ["scope", scope?.message],
    [
      "depth",
      target?.depth === undefined || target.depth < 0 || scope?.by === "TooManySitemaps"
        ? undefined
        : number(target.depth)
    ],
    ["priority", priority && `${number(priority.value)}, by ${priority.pattern}`],
    ["linked", linked && linkedText(linked)],
    ["max-pages", maxPages && `${number(maxPages.saved)} of ${number(maxPages.most)} saved`],
    [
      "per host",
      maxPagesPerHost &&
        `${number(maxPagesPerHost.saved)} of ${number(maxPagesPerHost.most)} saved of ${maxPagesPerHost.host}`
    ],
    ["robots", robots && robotsText(robots)],
    ["delay", delayText(explanation)],
    ["host", hostText(explanation)],
    ["file", file]
  ]
  const told = rows.flatMap(([name, text]) => (text === undefined ? [] : [`${name.padEnd(9)}  ${printable(text)}\n`]))
  return `${told.join("")}${"decision".padEnd(9)}  ${bold(paint(words[what]))}${until}: ${printable(message)}\n`
}

/** The way out, by what decides. */
const hints: Readonly<Record<string, string>> = {
  robots: "`--no-robots` would fetch it; ask the site first",
  nofollow: "`--no-robots` would follow it; or give it to the crawl as a further URL",
  TooManySitemaps: "give it to the crawl as a further URL",
  unlinked: "give it to the crawl as a further URL, or start from `--sitemaps` too",
  "max-pages": "the same command with a larger `--max-pages` goes on",
  "max-pages-per-host": "the same command with a larger `--max-pages-per-host` goes on"
}

export const command = Command.make(
  "explain",
  {
    url: Argument.String("url").pipe(Argument.withDescription("The URL")),
    settings: Settings.flags(settings),
    json: onOff("json", "One JSON object")
  },
  Effect.fnUntraced(function* ({ url: text, settings: given, json }) {
    const screen = yield* Screen
    yield* checkUrl(text, "for example: `simul explain https://example.com/private/a -o site`")
    const url = Url.given(text) as string
    const sources = yield* Settings.sources(yield* GlobalFlags.config, Flags.names)
    const { out, proxy, cacert, timeout, connectTimeout, header, ...asked } = yield* Effect.fromResult(
      Settings.resolve(settings, given, sources)
    )
    const options = complete(defaults, {
      ...asked,
      directory: out,
      headers: header,
      timeoutMs: timeout,
      connectTimeoutMs: connectTimeout,
      proxy,
      cacert
    })
    const [{ explain }, { Session }, HttpSession] = yield* Effect.promise(() =>
      Promise.all([
        import("@simul/scraper/Explain"),
        import("@simul/scraper/Session"),
        import("@simul/scraper/session/HttpSession")
      ])
    )
    const explanation = yield* Effect.provideServiceEffect(explain(url, options), Session, HttpSession.make(options))
    yield* screen.data(json ? `${JSON.stringify(explanation)}\n` : render(explanation, screen.paintData))
    const remedy = hints[explanation.decision.by]
    if (remedy !== undefined && !json && !(yield* GlobalFlags.quiet)) screen.note(`\n${hint(screen.paint, remedy)}`)
    if (explanation.decision.what === "refuse") return yield* new Incomplete()
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Say what would become of a URL, and which rule decides: scope, patterns, depth,\nlinks with nofollow, the number of pages, a line of robots.txt, Retry-After,\nback-off or delay. What a run has written to DIR is taken from there;\nrobots.txt is asked for only where it is not known. The exit status is 3 where\nthe URL would be refused."
  ),
  Command.withShortDescription("Say what would become of a URL, and why"),
  Command.withExamples([
    { command: "simul explain https://example.com/private/a -o site", description: "Why is it not there?" },
    { command: "simul explain https://example.com/ --json | jq .decision" }
  ])
)
